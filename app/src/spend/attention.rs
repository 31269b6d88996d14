//! "Needs attention": what somebody should look at today, a line each; nothing when all is well.

use super::labels::{anomaly_cause, times};
use super::links;
use crate::forecast::labels::chance;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::ui::{Section, Tone, html};
use chrono::NaiveDate;
use domain::ids::BudgetId;
use domain::period::Period;
use domain::spend::{Anomaly, Attention, Dimension};
use leptos::prelude::*;

/// Lines that are shown at once; the others open below them.
const SHOWN: usize = 5;

/// The section at the top of the Overview.
pub(super) fn section(items: &[Attention], org: &str, today: NaiveDate) -> Option<AnyView> {
    let mut lines = items.iter().map(|item| Line::of(item, org, today).draw());
    let first: Vec<_> = lines.by_ref().take(SHOWN).collect();
    let rest: Vec<_> = lines.collect();
    let more = (!rest.is_empty()).then(|| {
        let count = format!("{} more", rest.len());
        view! { <details><summary>{count}</summary><ul>{rest}</ul></details> }
    });
    (!first.is_empty()).then(|| {
        html! { <div class="attention"><Section title="Needs attention"><ul>{first}</ul>{more}</Section></div> }
    })
}

/// What is said, how much it is about, and where it leads.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    tone: Tone,
    text: String,
    amount: String,
    href: String,
    link: &'static str,
}

impl Line {
    fn of(item: &Attention, org: &str, today: NaiveDate) -> Self {
        let amount = format::money_rounded(item.amount());
        let budget = |id: &BudgetId| format!("{}/{id}", NavItem::Budgets.path(org));
        let (text, amount, href, link) = match item {
            Attention::Exceeded { budget_id, name, used, amount: of } => {
                let text =
                    format!("Budget {name} exceeded: {} of {}", format::money(*used), format::money_rounded(*of));
                (text, format!("{amount} over"), budget(budget_id), "Budget")
            }
            Attention::AtRisk { budget_id, name, forecast, amount: of, chance_over, exhausted_on } => {
                let day = exhausted_on.map(|day| format!(", exhaustion date {}", format::day(day))).unwrap_or_default();
                let [forecast, of] = [*forecast, *of].map(format::money_rounded);
                let chance = chance(*chance_over);
                let text =
                    format!("Budget {name} at risk: forecast {forecast} of {of}, {chance} chance of overrun{day}");
                (text, format!("{amount} over"), budget(budget_id), "Budget")
            }
            Attention::Unusual(anomaly) => {
                (unusual(anomaly, today), format!("+{amount}"), events_of(anomaly, org), "Events")
            }
            Attention::Quiet { project, project_name, newest, .. } => {
                let text = format!("{project_name} has sent no events since {}", format::time(*newest));
                let href = format!("{}/{project}", NavItem::Projects.path(org));
                (text, format!("usually {amount} a day"), href, "Project")
            }
            Attention::Unpriced { estimate, of } => {
                let share =
                    format::ratio(estimate.events.into(), (*of).into()).map(format::percent).unwrap_or_default();
                let text = format!("{} this month, {share} of all", format::counted(estimate.events, "unpriced event"));
                let href = format!("{}/unpriced", NavItem::Events.path(org));
                let counted = if estimate.upper_bound.is_zero() {
                    "counted as $0".to_owned()
                } else {
                    format!("estimated {amount}, at most {}", format::money(estimate.upper_bound))
                };
                (text, counted, href, "Set prices")
            }
            Attention::PausedExports { count } => {
                let text = format!("{} paused: a file could not be sent", format::counted(*count, "scheduled export"));
                (text, String::new(), format!("/o/{org}/exports/scheduled"), "Exports")
            }
            Attention::FallenCoverage(fallen) => {
                let [now, before] = [fallen.now, fallen.before].map(format::percent);
                let whose = fallen.label.project.as_ref().map(|slug| format!(" of {slug}")).unwrap_or_default();
                let label = fallen.label.dimension.label().to_lowercase();
                let text = format!("Label {label}{whose}: on {now} of the last 7 days' spend, before on {before}");
                (text, format!("{amount} without it"), format!("/o/{org}/labels?period=7d#missing"), "Labels")
            }
            Attention::FailedMails { count } => {
                let text = format!("{} of the last 7 days failed", format::counted(*count, "mail"));
                (text, String::new(), NavItem::Alerts.path(org), "Alerts")
            }
        };
        Self { tone: if item.is_urgent() { Tone::Bad } else { Tone::Warn }, text, amount, href, link }
    }

    fn draw(self) -> AnyView {
        let label = format!("{}: {}", self.link, self.text);
        html! {
            <li>
                <span class=format!("dot {}", self.tone.class()) aria-hidden="true"></span>
                <span>{self.text}</span>
                <strong class="num">{self.amount}</strong>
                <a href=self.href aria-label=label>{self.link}</a>
            </li>
        }
    }
}

/// "Code assistant spent 14x its usual Saturday on Nov 21: key ci-runner (97 %), model claude-sonnet-4-5 (91 %)".
fn unusual(anomaly: &Anomaly, today: NaiveDate) -> String {
    let day = &anomaly.day;
    let weekday = day.day.format("%A");
    let how = match day.factor() {
        Some(factor) => format!("{} its usual {weekday}", times(factor)),
        None => format!("{} where a {weekday} usually costs nothing", format::money_rounded(day.spend)),
    };
    let when = if day.day == today { "today".to_owned() } else { format!("on {}", format::day(day.day)) };
    let causes: Vec<_> = anomaly
        .causes
        .iter()
        .map(|cause| format!("{} ({})", anomaly_cause(cause), format::percent_whole(cause.share)))
        .collect();
    let by = if causes.is_empty() { String::new() } else { format!(": {}", causes.join(", ")) };
    let more = match anomaly.days {
        ..=1 => String::new(),
        days => format!("; unusual on {}", format::counted(i128::try_from(days).unwrap_or(i128::MAX), "day")),
    };
    format!("{} spent {how} {when}{by}{more}", anomaly.project_name)
}

/// The events of the day, by what explains it.
fn events_of(anomaly: &Anomaly, org: &str) -> String {
    let query = UrlQuery::new().and("project", &anomaly.project);
    let query = links::with_days(&query, Period::last_days(anomaly.day.day, 1));
    match anomaly.causes.first() {
        Some(cause) => links::events(org, &query, &cause.dimension, Some(&cause.value)),
        None => links::events(org, &query, &Dimension::Project, Some(&anomaly.project)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::spend::Estimate;
    use domain::spend::{AnomalyCause, UnusualDay};

    fn line(item: &Attention) -> Line {
        Line::of(item, "acme", "2026-11-23".parse().unwrap())
    }

    #[test]
    fn every_line_has_its_number_and_leads_to_its_cause() {
        let day = UnusualDay { day: "2026-11-21".parse().unwrap(), spend: 444.into(), usual: 32.into() };
        let (value, name) = ("0197".to_owned(), "ci-runner".to_owned());
        let causes = vec![AnomalyCause { dimension: Dimension::ApiKey, value, name, share: 0.974 }];
        let anomaly = Anomaly {
            project: "code-assistant".to_owned(),
            project_name: "Code assistant".to_owned(),
            day,
            days: 2,
            causes,
        };
        let said = line(&Attention::Unusual(anomaly));
        assert_eq!(
            said.text,
            "Code assistant spent 14x its usual Saturday on Nov 21: key ci-runner (97\u{a0}%); unusual on 2\u{a0}days"
        );
        assert_eq!(said.amount, "+$412");
        assert_eq!(said.href, "/o/acme/events?project=code-assistant&from=2026-11-21&to=2026-11-22&api_key=0197");
        let said = line(&Attention::Unpriced {
            estimate: Estimate { amount: "0.36".parse().unwrap(), events: 60, upper_bound: "69.26".parse().unwrap() },
            of: 5_000,
        });
        assert_eq!(
            (said.text.as_str(), said.amount.as_str()),
            ("60\u{a0}unpriced events this month, 1.2\u{a0}% of all", "estimated $0.36, at most $69.26")
        );
        let said = line(&Attention::FailedMails { count: 1 });
        assert_eq!((said.text.as_str(), said.amount.as_str()), ("1\u{a0}mail of the last 7 days failed", ""));
    }
}
