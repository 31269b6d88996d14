//! The period picker and the comparison: which days a page shows, as the address says.

use chrono::{Datelike, Days, NaiveDate};
use domain::period::Period;
use leptos::prelude::*;

use super::{UrlQuery, here};
use crate::format;
use crate::ui::{Button, ButtonKind, Field, Menu, MenuItem, MenuRule};

/// A span of days with a name of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The month so far.
    #[default]
    ThisMonth,
    /// The whole month before.
    LastMonth,
    /// Seven days up to today.
    Days7,
    /// Thirty days up to today.
    Days30,
    /// Ninety days up to today.
    Days90,
    /// The calendar quarter so far.
    Quarter,
    /// Two dates of the reader's own.
    Custom,
}

impl Preset {
    /// The named spans in the order of the menu.
    pub const NAMED: [Self; 6] =
        [Self::ThisMonth, Self::LastMonth, Self::Days7, Self::Days30, Self::Days90, Self::Quarter];

    /// The word in the address: `?period=7d`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ThisMonth => "this-month",
            Self::LastMonth => "last-month",
            Self::Days7 => "7d",
            Self::Days30 => "30d",
            Self::Days90 => "90d",
            Self::Quarter => "quarter",
            Self::Custom => "custom",
        }
    }

    /// The words in the menu.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ThisMonth => "This month",
            Self::LastMonth => "Last month",
            Self::Days7 => "Last 7 days",
            Self::Days30 => "Last 30 days",
            Self::Days90 => "Last 90 days",
            Self::Quarter => "This quarter",
            Self::Custom => "Other days",
        }
    }

    /// Its days as seen from `today`, which belongs to all but the last month.
    #[must_use]
    pub fn period(self, today: NaiveDate) -> Period {
        let month = Period::month_to_date(today);
        match self {
            Self::ThisMonth | Self::Custom => month,
            Self::LastMonth => Period::month_of(month.from.pred_opt().unwrap_or(month.from)),
            Self::Days7 => Period::last_days(today, 7),
            Self::Days30 => Period::last_days(today, 30),
            Self::Days90 => Period::last_days(today, 90),
            Self::Quarter => {
                let first = (today.month0() / 3) * 3 + 1;
                let from = NaiveDate::from_ymd_opt(today.year(), first, 1).unwrap_or(month.from);
                Period { from, to: month.to }
            }
        }
    }
}

/// Which days a page shows and what it compares them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodSelection {
    /// The name of the span.
    pub preset: Preset,
    /// Its days.
    pub period: Period,
    /// The days to compare with, if any.
    pub compare: Option<Period>,
}

impl PeriodSelection {
    /// Reads `period`, or `from` with `to` (the day after) or `through` (the last day), and `compare` (`previous` or `none`).
    ///
    /// What cannot be read is the month so far: an address that was cut off still shows something true.
    #[must_use]
    pub fn from_query(query: &UrlQuery, today: NaiveDate) -> Self {
        let named = query.get("period").and_then(|code| Preset::NAMED.into_iter().find(|preset| preset.code() == code));
        let (preset, period) = match (named, custom(query)) {
            (Some(preset), _) => (preset, preset.period(today)),
            (None, Some(period)) => (Preset::Custom, period),
            (None, None) => (Preset::default(), Preset::default().period(today)),
        };
        let compare = (query.get("compare") != Some("none")).then(|| period.previous());
        Self { preset, period, compare }
    }
}

/// Reads `from` with `to` or `through`.
fn custom(query: &UrlQuery) -> Option<Period> {
    let date = |name: &str| query.get(name).and_then(|text| text.parse::<NaiveDate>().ok());
    let through = || date("through")?.checked_add_days(Days::new(1));
    Period::new(date("from")?, date("to").or_else(through)?)
}

/// The chosen days of the present address.
#[must_use]
pub fn period_here(today: NaiveDate) -> PeriodSelection {
    PeriodSelection::from_query(&UrlQuery::here(), today)
}

const SPAN: [&str; 4] = ["period", "from", "to", "through"];

/// Chooses the days; links for the named spans, a form for others. Works without JavaScript.
#[component]
pub fn PeriodPicker(
    /// Today in the organization's zone.
    today: NaiveDate,
) -> impl IntoView {
    let (chosen, query, path) = (period_here(today), UrlQuery::here(), here());
    let rest = query.without(&SPAN);
    let named = Preset::NAMED
        .into_iter()
        .map(|preset| {
            let note = format::range(preset.period(today), today);
            view! {
                <MenuItem href=rest.with("period", preset.code()).at(&path) current=preset == chosen.preset note=note>
                    {preset.label()}
                </MenuItem>
            }
        })
        .collect_view();
    let hidden = rest
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> })
        .collect_view();
    let label = format::range(chosen.period, today);
    view! {
        <Menu label=label.clone() name=format!("Period: {label}")>
            <div class="menu-two">{named}</div>
            <MenuRule/>
            <form class="menu-form period-form" method="get" action=path.clone()>
                {hidden}
                <Field label="From" name="from" id="period-from" kind="date" value=chosen.period.from.to_string()/>
                <Field label="Through" name="through" id="period-through" kind="date" value=chosen.period.last_day().to_string()/>
                <Button kind=ButtonKind::Primary>"Show"</Button>
            </form>
            <div class="only-narrow menu-two">
                <MenuRule/>
                {compare_items(&query, &path, chosen, today)}
            </div>
        </Menu>
    }
}

fn compare_items(query: &UrlQuery, path: &str, chosen: PeriodSelection, today: NaiveDate) -> AnyView {
    let before = format::range(chosen.period.previous(), today);
    view! {
        <MenuItem href=query.without(&["compare"]).at(path) current=chosen.compare.is_some() note=before>
            "vs previous period"
        </MenuItem>
        <MenuItem href=query.with("compare", "none").at(path) current=chosen.compare.is_none()>"No comparison"</MenuItem>
    }
    .into_any()
}

/// Chooses what to compare with; when narrow it stands inside the period picker.
#[component]
pub fn ComparePicker(
    /// Today in the organization's zone.
    today: NaiveDate,
) -> impl IntoView {
    let chosen = period_here(today);
    let label = chosen
        .compare
        .map_or_else(|| "no comparison".to_owned(), |before| format!("vs {}", format::range(before, today)));
    let items = compare_items(&UrlQuery::here(), &here(), chosen, today);
    view! { <div class="only-wide"><Menu label=label>{items}</Menu></div> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn chosen(pairs: &[(&str, &str)]) -> PeriodSelection {
        let query = pairs.iter().fold(UrlQuery::new(), |query, (name, value)| query.and(name, value));
        PeriodSelection::from_query(&query, date("2026-11-23"))
    }

    fn days(chosen: PeriodSelection) -> (String, String) {
        (chosen.period.from.to_string(), chosen.period.to.to_string())
    }

    #[test]
    fn named_spans_end_with_today() {
        for (code, from, to) in [
            ("this-month", "2026-11-01", "2026-11-24"),
            ("last-month", "2026-10-01", "2026-11-01"),
            ("7d", "2026-11-17", "2026-11-24"),
            ("30d", "2026-10-25", "2026-11-24"),
            ("90d", "2026-08-26", "2026-11-24"),
            ("quarter", "2026-10-01", "2026-11-24"),
        ] {
            let chosen = chosen(&[("period", code)]);
            assert_eq!((chosen.preset.code(), days(chosen)), (code, (from.to_owned(), to.to_owned())));
        }
    }

    #[test]
    fn own_days_come_half_open_or_with_their_last_day() {
        let expected = ("2026-09-03".to_owned(), "2026-09-10".to_owned());
        assert_eq!(days(chosen(&[("from", "2026-09-03"), ("to", "2026-09-10")])), expected);
        assert_eq!(days(chosen(&[("from", "2026-09-03"), ("through", "2026-09-09")])), expected);
        assert_eq!(chosen(&[("from", "2026-09-03"), ("through", "2026-09-09")]).preset, Preset::Custom);
    }

    #[test]
    fn what_cannot_be_read_is_the_month_so_far() {
        for pairs in [
            &[][..],
            &[("from", "x"), ("to", "2026-09-10")],
            &[("from", "2026-09-10"), ("to", "2026-09-10")],
            &[("period", "decade")],
        ] {
            assert_eq!(chosen(pairs).preset, Preset::ThisMonth, "{pairs:?}");
        }
    }

    #[test]
    fn the_comparison_is_on_until_it_is_switched_off() {
        assert_eq!(chosen(&[]).compare.map(|period| period.from), Some(date("2026-10-01")));
        assert_eq!(chosen(&[("compare", "none")]).compare, None);
    }
}
