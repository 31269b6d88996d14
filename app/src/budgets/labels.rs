//! Labels and hues of budgets.

use crate::format;
use crate::ui::{BarTone, Tone};
use domain::budget::{
    Alert, BudgetState, BudgetStatus, BudgetUsage, DeliveryState, Expected, SpendScope, ThresholdState,
};
use rust_decimal::Decimal;

/// How a budget stands, as a word and its hue.
pub(super) const fn status(status: BudgetStatus) -> (&'static str, Tone) {
    let tone = match status {
        BudgetStatus::Within => Tone::Neutral,
        BudgetStatus::OnTrack => Tone::Good,
        BudgetStatus::AtRisk => Tone::Warn,
        BudgetStatus::Exceeded => Tone::Bad,
    };
    (status.label(), tone)
}

/// The hue of a budget's bar.
pub(crate) const fn bar(status: BudgetStatus) -> BarTone {
    match status {
        BudgetStatus::Within | BudgetStatus::OnTrack => BarTone::Accent,
        BudgetStatus::AtRisk => BarTone::Warn,
        BudgetStatus::Exceeded => BarTone::Bad,
    }
}

/// What a budget is about: "project Support bot".
pub(crate) fn scope(state: &BudgetState) -> String {
    let name = &state.budget.scope_name;
    match state.budget.scope {
        SpendScope::Organization => format!("all of {name}"),
        SpendScope::Team(_) => format!("team {name}"),
        SpendScope::Project(_) => format!("project {name}"),
    }
}

/// A rounded amount without cents where there are none: "$12,000".
pub(super) fn dollars(amount: Decimal) -> String {
    let text = format::money(amount);
    text.strip_suffix(".00").map_or_else(|| text.clone(), str::to_owned)
}

/// The band as a range.
pub(super) fn band(expected: &Expected) -> String {
    format!("{} – {}", dollars(expected.low), dollars(expected.high))
}

/// What the page of all budgets says first: "3 budgets: 1 exceeded, 1 at risk, 1 on track."
pub(super) fn summary(budgets: &[BudgetState]) -> String {
    let all = format::counted(number(budgets.len()), "budget");
    let states =
        [BudgetStatus::Exceeded, BudgetStatus::AtRisk, BudgetStatus::OnTrack, BudgetStatus::Within].map(|status| {
            let count = budgets.iter().filter(|state| state.status == status).count();
            (count > 0).then(|| format!("{count} {}", status.label()))
        });
    format!("{all}: {}.", states.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Why a threshold fired, or why it did not.
pub(super) fn why(threshold: &ThresholdState, usage: &BudgetUsage) -> String {
    if let Some(alert) = &threshold.alert {
        return format!("Triggered {} with {} used.", format::time(alert.at), format::money(alert.spend));
    }
    let missing = threshold.at - usage.used;
    if missing <= Decimal::ZERO {
        return "Triggered a moment ago; being recorded now.".to_owned();
    }
    let earlier = threshold.earlier.as_ref().map_or_else(String::new, |alert| {
        format!(" Of {}, the amount before, crossed {}.", dollars(alert.amount), format::time(alert.at))
    });
    format!("Not crossed: {} to go.{earlier}", format::money(missing))
}

/// Who was told of a crossing, and how.
pub(super) fn told(alert: &Alert) -> String {
    if alert.late {
        return "The spend came after the month had ended: not mailed.".to_owned();
    }
    if alert.deliveries.is_empty() && alert.mails > 0 {
        let mails = format::counted(i64::from(alert.mails), "mail");
        return format!("Notified in {mails}; what the mail server answered is kept for 90 days.");
    }
    if alert.deliveries.is_empty() {
        return "The budget had no confirmed recipients.".to_owned();
    }
    let count = |state| alert.deliveries.iter().filter(|delivery| delivery.state == state).count();
    let parts = [
        (DeliveryState::Sent, "mailed to"),
        (DeliveryState::Shown, "not sent (local mode) to"),
        (DeliveryState::Queued, "on the way to"),
        (DeliveryState::Failed, "refused for"),
        (DeliveryState::Sample, "not sent (sample) to"),
    ];
    let said: Vec<_> = parts
        .into_iter()
        .map(|(state, words)| (count(state), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{words} {count}"))
        .collect();
    let text = said.join(", ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>() + ".")
}

/// How far a mail is, as a word and its hue.
pub(super) const fn delivery(state: DeliveryState) -> (&'static str, Tone) {
    match state {
        DeliveryState::Queued => ("on the way", Tone::Neutral),
        DeliveryState::Sent => ("delivered", Tone::Good),
        DeliveryState::Failed => ("failed", Tone::Bad),
        DeliveryState::Shown => ("not sent (local mode)", Tone::Neutral),
        DeliveryState::Sample => ("not sent (sample)", Tone::Neutral),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::budget::Delivery;
    use domain::ids::{AlertId, BudgetId};
    use domain::spend::Estimate;
    use uuid::Uuid;

    fn money(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn alert() -> Alert {
        Alert {
            alert_id: AlertId(Uuid::nil()),
            budget_id: BudgetId(Uuid::nil()),
            budget_name: "Production".to_owned(),
            month: "2026-11-01".parse().unwrap(),
            thresholds: vec![50, 80],
            at: "2026-11-13T09:12:00+05:30".parse().unwrap(),
            spend: money("9600.2"),
            estimate: Estimate::default(),
            amount: money("12000"),
            revision: 1,
            late: false,
            acknowledged_at: None,
            acknowledged_by: None,
            note: None,
            mails: 0,
            deliveries: Vec::new(),
        }
    }

    fn usage(amount: &str) -> BudgetUsage {
        BudgetUsage { used: money("9700"), estimate: Estimate::default(), amount: money(amount) }
    }

    #[test]
    fn a_threshold_says_why_it_fired_or_did_not() {
        let mut state = ThresholdState { threshold: 80, at: money("9600"), alert: Some(alert()), earlier: None };
        assert_eq!(why(&state, &usage("12000")), "Triggered Nov 13, 09:12 with $9,600.20 used.");
        state = ThresholdState { threshold: 80, at: money("16000"), alert: None, earlier: Some(alert()) };
        assert_eq!(
            why(&state, &usage("20000")),
            "Not crossed: $6,300.00 to go. Of $12,000, the amount before, crossed Nov 13, 09:12."
        );
        state = ThresholdState { threshold: 90, at: money("10800"), alert: None, earlier: None };
        assert_eq!(why(&state, &usage("12000")), "Not crossed: $1,100.00 to go.");
        state.at = money("9700");
        assert_eq!(why(&state, &usage("12000")), "Triggered a moment ago; being recorded now.");
    }

    #[test]
    fn a_crossing_says_who_was_told() {
        let mut alert = alert();
        assert_eq!(told(&alert), "The budget had no confirmed recipients.");
        let mail = |state| Delivery {
            recipient: "ada@example.com".to_owned(),
            state,
            attempts: 1,
            answer: None,
            last_attempt_at: None,
        };
        alert.deliveries = vec![mail(DeliveryState::Sent), mail(DeliveryState::Sent), mail(DeliveryState::Failed)];
        assert_eq!(told(&alert), "Mailed to 2, refused for 1.");
        alert.deliveries.clear();
        alert.mails = 3;
        assert_eq!(told(&alert), "Notified in 3\u{a0}mails; what the mail server answered is kept for 90 days.");
        alert.late = true;
        assert_eq!(told(&alert), "The spend came after the month had ended: not mailed.");
    }
}
