//! Labels that explain a forecast.

use crate::format;
use crate::ui::html;
use domain::forecast::{Basis, MonthEndForecast, PastError};
use domain::spend::Estimate;
use leptos::prelude::*;

/// What the forecast error is, and what the run rate would have done: "on average in 42 back-tests; run rate 9.4 %".
pub(super) fn past(past: &PastError) -> String {
    let tests = format!("on average in {}", format::counted(past.back_tests, "back-test"));
    match past.run_rate_percent {
        Some(percent) => format!("{tests}; run rate {}", format::percent(percent / 100.0)),
        None => tests,
    }
}

/// What of a sum is estimated, on a line of its own; nothing where every event has a price.
pub(crate) fn estimate(estimate: Estimate) -> Option<AnyView> {
    estimate.describe().map(|text| html! { <br/><span class="warn">{text}</span> })
}

/// The band as a range: "$23,100.00 – $27,300.00".
pub(crate) fn band(low: rust_decimal::Decimal, high: rust_decimal::Decimal) -> String {
    format!("{} – {}", format::money(low), format::money(high))
}

/// How the band was made, in plain sentences.
pub(super) fn basis(month: &MonthEndForecast) -> String {
    let Basis { own, peers, .. } = month.basis;
    let own = match own {
        0 => "There is not yet enough history to test forecasts of this length.".to_owned(),
        tests => {
            format!("The band rests on {} over as many days as are left.", format::counted(tests, "own back-test"))
        }
    };
    let peers = match peers {
        0 => String::new(),
        tests => format!(" {} of projects that are about as steady count along.", format::counted(tests, "back-test")),
    };
    let table = " Where these are few, figures measured on the LLM cost of 69 other projects fill in.";
    format!("{own}{peers}{table}")
}

/// A likelihood; back-tests cannot tell more finely than this.
pub(crate) fn chance(chance: f64) -> String {
    match chance {
        c if c >= 1.0 => "exceeded".to_owned(),
        c if c > 0.97 => format!("> {}", format::percent_whole(0.97)),
        c if c < 0.03 => format!("< {}", format::percent_whole(0.03)),
        c => format::percent_whole(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_likelihood_never_claims_to_be_certain() {
        assert_eq!(chance(1.0), "exceeded");
        assert_eq!(chance(0.98), "> 97\u{a0}%");
        assert_eq!(chance(0.02), "< 3\u{a0}%");
        assert_eq!(chance(0.48), "48\u{a0}%");
    }

    #[test]
    fn one_back_test_is_not_many() {
        let one = PastError { percent: 6.123, run_rate_percent: None, back_tests: 1 };
        assert_eq!(past(&one), "on average in 1\u{a0}back-test");
        let two = PastError { run_rate_percent: Some(9.4), back_tests: 2, ..one };
        assert_eq!(past(&two), "on average in 2\u{a0}back-tests; run rate 9.4\u{a0}%");
    }
}
