//! What an export adds up to, and what is not in it.

use super::columns::csv_rows;
use super::query::FocusQuery;
use super::row::{Account, FocusRow};
use rust_decimal::Decimal;

/// What an export adds up to, and what is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What was asked for.
    pub query: FocusQuery,
    /// IANA name of the zone whose hours, days and months the rows are.
    pub time_zone: String,
    /// Sum of `BilledCost`: the spend of the same days on every page.
    pub billed: Decimal,
    /// Requests behind it, priced or not.
    pub requests: i64,
    /// Requests that are in no row because their cost is not known.
    pub unpriced_requests: i64,
    /// The same by model, most requests first.
    pub unpriced: Vec<UnpricedModel>,
    /// The first day with rows by price: of earlier ones the events are no longer kept, so that their rows are sums by day and meter. None where all are kept.
    pub priced_from: Option<chrono::NaiveDate>,
}

/// Usage of a model that has no price, and so no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpricedModel {
    /// Who sells it, as sent.
    pub provider: String,
    /// The model, as sent.
    pub model: String,
    /// Requests without a known cost.
    pub requests: i64,
    /// Their tokens, as far as their events are still kept.
    pub tokens: i64,
    /// What they cost at most, an estimate.
    pub upper_bound: Decimal,
}

/// The beginning of an export, with what it adds up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it adds up to, and what is not in it.
    pub manifest: Manifest,
    /// Whose it is.
    pub account: Account,
    /// Its first rows.
    pub rows: Vec<FocusRow>,
    /// How many rows there are about: the day's sums by meter, of which each has a row or more where prices, hours or tags differ.
    pub about_rows: u64,
}

impl Preview {
    /// How large the file is about, in bytes, uncompressed.
    #[must_use]
    pub fn about_bytes(&self) -> u64 {
        let first = u64::try_from(self.rows.len()).unwrap_or(u64::MAX).max(1);
        let bytes = csv_rows(self.manifest.query.version, &self.account, &self.rows).len();
        (u64::try_from(bytes).unwrap_or(u64::MAX) / first).saturating_mul(self.about_rows)
    }
}
