//! What organizations of tests spend: events, recorded as any other.

use super::Organization;
use backend::{events, prices};
use chrono::{DateTime, NaiveDate, Utc};
use domain::event::{EventInput, MAX_BATCH, ReportedCost};
use domain::meter::{Meter, Meters, UsageFormat};
use domain::price::{BasisForm, CostBasis};
use domain::rating::upper_bound;
use rust_decimal::Decimal;
use serde_json::json;

/// A model that no price book knows.
const UNKNOWN: &str = "mystery-1";

/// A call of ten tokens whose provider reported what it cost: any amount, exact to twelve places.
#[must_use]
pub fn call(at: DateTime<Utc>, cost: Decimal) -> EventInput {
    EventInput {
        timestamp: Some(at.fixed_offset()),
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        usage: json!({"prompt_tokens": 6, "completion_tokens": 4}),
        reported_cost: Some(ReportedCost { amount: cost, currency: "USD".to_owned() }),
        ..EventInput::default()
    }
}

/// A call of a model without a price, which costs at most `bound`.
///
/// # Panics
/// When no meter's dearest price goes into the bound without a rest.
#[must_use]
pub fn unpriced_call(at: DateTime<Utc>, bound: Decimal) -> EventInput {
    let provider = "openai";
    let bounded = |meters: &Meters| upper_bound((&*prices::seed_book()).into(), provider, UNKNOWN, meters);
    let used = Meter::ALL.iter().find_map(|&meter| {
        let quantity = bound.checked_div(bounded(&Meters::from([(meter, 1)])))?.normalize();
        let used = Meters::from_iter([(meter, quantity)]);
        ((quantity.is_integer() || meter.unit().is_fractional()) && bounded(&used) == bound).then_some(used)
    });
    EventInput {
        timestamp: Some(at.fixed_offset()),
        provider: provider.to_owned(),
        model: UNKNOWN.to_owned(),
        usage: json!(used.expect("a bound that a price goes into")),
        usage_format: Some(UsageFormat::Meters.as_str().to_owned()),
        ..EventInput::default()
    }
}

impl Organization {
    /// Records calls with its key. Where their providers report a cost, that one counts, for all time.
    ///
    /// # Panics
    /// When one is not new, or a verb fails.
    pub async fn record(&self, calls: impl IntoIterator<Item = EventInput>) {
        let calls: Vec<EventInput> = calls.into_iter().collect();
        if calls.iter().any(|call| call.reported_cost.is_some()) {
            self.reported.get_or_init(|| self.count_reported_costs()).await;
        }
        for calls in calls.chunks(MAX_BATCH) {
            let answer = events::ingest_inputs(&self.backend, &self.api, calls.to_vec()).await.expect("an answer");
            assert_eq!(usize::try_from(answer.accepted), Ok(calls.len()), "{answer:?}");
        }
    }

    async fn count_reported_costs(&self) {
        let form = BasisForm {
            basis: CostBasis::Reported.as_str().to_owned(),
            reason: "Amounts of tests are exact.".to_owned(),
            ..BasisForm::default()
        };
        let choice = form.parse().expect("a choice");
        prices::choose_basis(&self.backend, &self.owner, &choice).await.expect("a cost basis");
    }

    /// One call of the project "main" that cost so much, in the first instant of the organization's day.
    ///
    /// # Panics
    /// As [`Self::record`], and when a text is no day or amount.
    pub async fn spend(&self, day: &str, amount: &str) {
        self.record([call(self.start_of(day), amount.parse().expect("an amount"))]).await;
    }

    /// The same of another project.
    ///
    /// # Panics
    /// As [`Self::spend`].
    pub async fn spend_of(&self, project: &str, day: &str, amount: &str) {
        let call = call(self.start_of(day), amount.parse().expect("an amount"));
        self.record([EventInput { project: Some(project.to_owned()), ..call }]).await;
    }

    /// One call of the project "main" without a price, which costs at most so much.
    ///
    /// # Panics
    /// As [`Self::spend`] and [`unpriced_call`].
    pub async fn spend_at_most(&self, day: &str, bound: &str) {
        self.record([unpriced_call(self.start_of(day), bound.parse().expect("an amount"))]).await;
    }

    fn start_of(&self, day: &str) -> DateTime<Utc> {
        let day: NaiveDate = day.parse().expect("a day such as 2026-11-20");
        self.owner.zone().start_of(day)
    }
}
