//! Whether a price that somebody enters looks like a slip of the hand.

use crate::format;
use crate::meter::Meter;
use crate::problem::FieldProblem;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why a price looks like a slip of the hand. Entering it needs a confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceWarning {
    /// At least ten times the price it replaces, or at most a tenth of it.
    Tenfold {
        /// What the meter costs before, of `per` units.
        before: Decimal,
        /// Units.
        per: u64,
    },
    /// At least ten times what other models of the provider cost at most, or at most a tenth of the cheapest.
    FarFromPeers {
        /// Cheapest other price, of `per` units.
        lowest: Decimal,
        /// Dearest other price, of `per` units.
        highest: Decimal,
        /// Units.
        per: u64,
    },
    /// A hundred times or more of what most other models of the provider cost.
    FarAbovePeers {
        /// What is usual, of `per` units.
        usual: Decimal,
        /// Units.
        per: u64,
    },
    /// The price of long requests, below that of short ones.
    CheaperTier {
        /// What short requests cost, of `per` units.
        base: Decimal,
        /// Units.
        per: u64,
    },
    /// So small that dollars per token were probably entered as dollars per million tokens.
    LooksPerToken,
    /// So large that dollars per million tokens were probably entered as dollars per token.
    LooksPerMillion,
    /// Other meters of the model would be charged this price too, in place of their list prices.
    StandsIn {
        /// Labels of these meters.
        meters: Vec<String>,
    },
    /// About a million times the price it replaces, or a millionth of it: a token's price taken for that of a million, or the other way.
    Millionfold {
        /// What the meter costs before, of `per` units.
        before: Decimal,
        /// Units.
        per: u64,
    },
    /// Free of charge where something was charged or nothing was known: data that lacks a price often says zero.
    Free,
    /// The book has the price that it replaces from another data set.
    OtherSource {
        /// That data set.
        source: String,
    },
    /// The data lists the model and no longer this price.
    Unlisted,
    /// The organization entered the price that it replaces.
    OwnPrice,
    /// The organization's calls of the model are charged uplifts of regions, which own prices take the place of, too.
    Uplift,
}

impl PriceWarning {
    /// One sentence for the person who enters the price.
    #[must_use]
    pub fn detail(&self) -> String {
        let of = |rate: &Decimal, per: &u64| format!("{} per {}", format::money_full(*rate), format::count(*per));
        match self {
            Self::Tenfold { before, per } => {
                format!("The price that holds before is {}: this is a change of ten times or more.", of(before, per))
            }
            Self::FarFromPeers { lowest, highest, per } => format!(
                "Other models of this provider cost {} to {}: this is ten times outside of that.",
                of(lowest, per),
                of(highest, per)
            ),
            Self::FarAbovePeers { usual, per } => format!(
                "Other models of this provider usually cost {}: this is a hundred times that or more.",
                of(usual, per)
            ),
            Self::CheaperTier { base, per } => {
                format!("Short requests cost {}: long ones would cost less, which no seller charges.", of(base, per))
            }
            Self::LooksPerToken => {
                "This looks like a price of one token: enter dollars for a million tokens, or state what the rate is for."
                    .to_owned()
            }
            Self::LooksPerMillion => {
                "This looks like a price of a million tokens, but it is stated for far fewer.".to_owned()
            }
            Self::StandsIn { meters } => format!(
                "Your book has no price for {}, so this price would be charged for it in place of the common one. Enter those prices too, or confirm.",
                meters.join(", ")
            ),
            Self::Millionfold { before, per } => format!(
                "The price that holds before is {}: a price of one token was probably taken for that of a million, or the other way round.",
                of(before, per)
            ),
            Self::Free => "This would be free of charge: data that lacks a price often says zero.".to_owned(),
            Self::OtherSource { source } => {
                format!("The book has this price from {source}: the two differ, and that is no change over time.")
            }
            Self::Unlisted => {
                "The data lists the model and no longer this price: what needs it would have no price.".to_owned()
            }
            Self::OwnPrice => "It takes the place of a price that your organization entered.".to_owned(),
            Self::Uplift => {
                "Your calls of this model are charged an uplift for their region, and a price of your own is charged without it."
                    .to_owned()
            }
        }
    }

    /// As a problem of the form's confirmation.
    #[must_use]
    pub fn problem(&self) -> FieldProblem {
        FieldProblem::new("confirmed", "unusual_price", self.detail())
    }
}

/// Below this many dollars a token's price is not credible: a thousandth of a dollar per million.
const LEAST_PER_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 9);
/// Above this many dollars a token's price is not credible: ten thousand dollars per million.
const MOST_PER_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// What looks wrong with a rate, beside the price that holds before it, that of shorter requests where it is a tier, and those of other models of the provider (each of one unit).
#[must_use]
pub fn warnings(
    meter: Meter,
    rate: Decimal,
    per: u64,
    before: Option<Decimal>,
    base: Option<Decimal>,
    peers: &[Decimal],
) -> Vec<PriceWarning> {
    let per_units = Decimal::from(per);
    let Some(unit) = rate.checked_div(per_units) else { return Vec::new() };
    let mut found = Vec::new();
    if meter.is_token() && unit > MOST_PER_TOKEN {
        found.push(PriceWarning::LooksPerMillion);
    }
    if meter.is_token() && !unit.is_zero() && unit < LEAST_PER_TOKEN {
        found.push(PriceWarning::LooksPerToken);
    }
    let scaled = |unit: Decimal| unit.saturating_mul(per_units).normalize();
    if let Some(before) = before.filter(|before| tenfold(*before, unit)) {
        found.push(PriceWarning::Tenfold { before: scaled(before), per });
    }
    let priced = || peers.iter().copied().filter(|peer| !peer.is_zero());
    if before.is_none()
        && let (Some(lowest), Some(highest)) = (priced().min(), priced().max())
        && !unit.is_zero()
        && (unit >= highest.saturating_mul(Decimal::TEN) || unit.saturating_mul(Decimal::TEN) <= lowest)
    {
        found.push(PriceWarning::FarFromPeers { lowest: scaled(lowest), highest: scaled(highest), per });
    } else {
        found.extend(far_above_peers(unit, per, peers.to_vec()));
    }
    found.extend(base.and_then(|base| cheaper_than_base(meter, unit, base, per)));
    found
}

/// How many other prices it takes to say what is usual.
const LEAST_PEERS: usize = 3;

/// What is wrong with a price of one unit that is a hundred times the usual one of other models.
#[must_use]
pub(in crate::price) fn far_above_peers(unit: Decimal, per: u64, mut peers: Vec<Decimal>) -> Option<PriceWarning> {
    peers.retain(|peer| !peer.is_zero());
    peers.sort_unstable();
    let usual = *peers.get(peers.len() / 2).filter(|_| peers.len() >= LEAST_PEERS)?;
    let is_far = unit >= usual.saturating_mul(Decimal::ONE_HUNDRED);
    is_far.then(|| PriceWarning::FarAbovePeers { usual: usual.saturating_mul(Decimal::from(per)).normalize(), per })
}

/// What is wrong with a tier of a token's price below its base, both of one unit; `per` is what the base is told for.
#[must_use]
pub(in crate::price) fn cheaper_than_base(
    meter: Meter,
    tier: Decimal,
    base: Decimal,
    per: u64,
) -> Option<PriceWarning> {
    let base_of = || base.saturating_mul(Decimal::from(per)).normalize();
    (meter.is_token() && tier < base).then(|| PriceWarning::CheaperTier { base: base_of(), per })
}

/// Whether one is at least ten times the other. From and to zero is as far as it goes.
#[must_use]
pub fn tenfold(one: Decimal, other: Decimal) -> bool {
    let (low, high) = (one.min(other), one.max(other));
    !high.is_zero() && high >= low.saturating_mul(Decimal::TEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_slip_of_the_hand_is_noticed() {
        let found = |rate, per, before: Option<&str>, peers: &[&str]| {
            let peers: Vec<Decimal> = peers.iter().map(|peer| decimal(peer)).collect();
            warnings(Meter::Output, decimal(rate), per, before.map(decimal), None, &peers)
        };
        let million = 1_000_000;
        assert_eq!(found("0.000003", million, None, &[]), [PriceWarning::LooksPerToken]);
        assert_eq!(found("3", 1, None, &[]), [PriceWarning::LooksPerMillion]);
        assert_eq!(found("3", million, Some("0.000002"), &["0.000001"]), []);
        assert_eq!(
            found("20", million, Some("0.000002"), &[]),
            [PriceWarning::Tenfold { before: decimal("2"), per: million }]
        );
        assert_eq!(found("0.2", million, Some("0.000002"), &[]).len(), 1);
        assert_eq!(found("0", million, Some("0.000002"), &[]).len(), 1, "free of charge is a big change");
        assert_eq!(found("0", million, None, &["0.000002"]), []);
        let far = PriceWarning::FarFromPeers { lowest: decimal("1"), highest: decimal("4"), per: million };
        assert_eq!(found("40", million, None, &["0.000001", "0.000004", "0"]), [far]);
        assert_eq!(found("39", million, None, &["0.000001", "0.000004"]), []);
        let usual = PriceWarning::FarAbovePeers { usual: decimal("1"), per: million };
        let peers = ["0.000001", "0.000001", "0.0006", "0"];
        assert_eq!(found("100", million, Some("0.00009"), &peers), [usual], "one dear model among them");
        assert_eq!(found("99", million, Some("0.00009"), &peers), []);
        assert_eq!(found("100", million, Some("0.00009"), &peers[..2]), [], "too few to say what is usual");
    }

    #[test]
    fn a_tier_below_its_base_is_noticed() {
        let found = |meter, rate, base| warnings(meter, decimal(rate), 1_000_000, None, Some(decimal(base)), &[]);
        let cheaper = PriceWarning::CheaperTier { base: decimal("3"), per: 1_000_000 };
        assert_eq!(found(Meter::Output, "2", "0.000003"), [cheaper]);
        assert_eq!(found(Meter::Output, "3", "0.000003"), []);
        assert_eq!(found(Meter::Searches, "2", "0.000003"), [], "more results may cost less each");
    }
}
