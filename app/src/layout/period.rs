//! The period picker and the comparison: which days a page shows, as the address says.

use chrono::{DateTime, Days, FixedOffset, NaiveDate};
use domain::period::{Calendar, Comparison, Period, Preset, last_24_hours};
use domain::spend::SpendRange;
use leptos::prelude::*;

use super::{UrlQuery, here, shows_hours};
use crate::format;
use crate::ui::{Button, ButtonKind, Field, Menu, MenuItem, MenuRule, html};

/// Which days a page shows and what it compares them with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodSelection {
    /// The name of the span; none for two dates of the reader's own.
    pub preset: Option<Preset>,
    /// Its days.
    pub period: Period,
    /// What to compare with, if anything.
    pub comparison: Option<Comparison>,
}

impl PeriodSelection {
    /// Reads `period`, or `from` with `to` (the day after) or `through` (the last day), and `compare` (`previous`, `last-year` or `none`).
    ///
    /// What cannot be read is the month to date against the month before: an address that was cut off still shows something true.
    #[must_use]
    pub fn from_query(query: &UrlQuery, calendar: Calendar) -> Self {
        let named = query.get("period").and_then(|word| word.parse::<Preset>().ok());
        let (preset, period) = match (named, custom(query)) {
            (None, Some(period)) => (None, period),
            (named, _) => (Some(named.unwrap_or_default()), named.unwrap_or_default().period(calendar)),
        };
        let comparison = match query.get("compare") {
            Some("none") => None,
            word => Some(word.and_then(|word| word.parse().ok()).unwrap_or_default()),
        };
        Self { preset, period, comparison }
    }

    /// The days to compare with, if any.
    #[must_use]
    pub fn compare(&self) -> Option<Period> {
        self.comparison.map(|comparison| self.compared(comparison))
    }

    /// The days that a comparison stands for; before a fiscal year there is the one before it.
    fn compared(&self, comparison: Comparison) -> Period {
        let is_fiscal = self.preset.is_some_and(Preset::is_fiscal);
        if is_fiscal { Comparison::LastYear } else { comparison }.of(self.period)
    }

    /// The span and what it is compared with where hours can be shown: the last 24 hours are no days.
    #[must_use]
    pub fn ranges(&self, now: DateTime<FixedOffset>) -> (SpendRange, Option<SpendRange>) {
        if self.preset != Some(Preset::Hours24) {
            return (self.period.into(), self.compare().map(SpendRange::from));
        }
        let (from, to) = last_24_hours(now);
        let earlier = |comparison| match comparison {
            Comparison::Previous => chrono::Duration::days(1),
            Comparison::LastYear => self.period.from - comparison.of(self.period).from,
        };
        let before = self.comparison.map(earlier).map(|by| SpendRange::Instants { from: from - by, to: to - by });
        (SpendRange::Instants { from, to }, before)
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
pub fn period_here(calendar: Calendar) -> PeriodSelection {
    PeriodSelection::from_query(&UrlQuery::here(), calendar)
}

const SPAN: [&str; 4] = ["period", "from", "to", "through"];

/// The chosen span as it stands on its button.
fn span_label(chosen: PeriodSelection, path: &str, today: NaiveDate) -> String {
    match chosen.preset {
        Some(Preset::Hours24) if shows_hours(path) => Preset::Hours24.label().to_owned(),
        _ => format::range(chosen.period, today),
    }
}

/// Chooses the days; links for the named spans, a form for others. Works without JavaScript.
#[component]
pub fn PeriodPicker(
    /// What the named spans are seen from.
    calendar: Calendar,
) -> impl IntoView {
    let (chosen, query, path, today) = (period_here(calendar), UrlQuery::here(), here(), calendar.today);
    let rest = query.without(&SPAN);
    let named = calendar
        .presets()
        .filter(|preset| *preset != Preset::Hours24 || shows_hours(&path))
        .map(|preset| {
            let note = (preset != Preset::Hours24).then(|| format::range(preset.period(calendar), today));
            let note = note.unwrap_or_else(|| "by the hour".to_owned());
            let current = Some(preset) == chosen.preset;
            view! {
                <MenuItem href=rest.with("period", preset.as_str()).at(&path) current=current note=note>
                    {preset.label()}
                </MenuItem>
            }
        })
        .collect_view();
    let hidden = rest
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> })
        .collect_view();
    let label = span_label(chosen, &path, today);
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
    let item = |comparison: Comparison| {
        let href = query.with("compare", comparison.as_str()).at(path);
        let note = match chosen.preset {
            Some(Preset::Hours24) if shows_hours(path) => None,
            _ => Some(format::range(chosen.compared(comparison), today)),
        };
        let current = chosen.comparison == Some(comparison);
        view! { <MenuItem href=href current=current note=note.unwrap_or_default()>{comparison.label()}</MenuItem> }
    };
    html! {
        {Comparison::ALL.into_iter().map(item).collect_view()}
        <MenuItem href=query.with("compare", "none").at(path) current=chosen.comparison.is_none()>"No comparison"</MenuItem>
    }
}

/// Chooses what to compare with; when narrow it stands inside the period picker.
#[component]
pub fn ComparePicker(
    /// What the named spans are seen from.
    calendar: Calendar,
) -> impl IntoView {
    let chosen = period_here(calendar);
    let label = match chosen.comparison {
        None => "no comparison".to_owned(),
        Some(Comparison::Previous) => "vs previous period".to_owned(),
        Some(Comparison::LastYear) => "vs last year".to_owned(),
    };
    let items = compare_items(&UrlQuery::here(), &here(), chosen, calendar.today);
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
        PeriodSelection::from_query(&query, Calendar { today: date("2026-11-23"), fiscal_year_start_month: 4 })
    }

    fn days(chosen: PeriodSelection) -> (String, String) {
        (chosen.period.from.to_string(), chosen.period.to.to_string())
    }

    #[test]
    fn the_last_24_hours_are_hours_where_they_can_be_shown() {
        let at = |text: &str| text.parse().unwrap();
        let now = at("2026-11-23T15:20:00+05:30");
        let (range, before) = chosen(&[("period", "24h")]).ranges(now);
        let instants = |from: &str, to: &str| SpendRange::Instants { from: at(from).to_utc(), to: at(to).to_utc() };
        assert_eq!(range, instants("2026-11-22T10:30:00Z", "2026-11-23T10:30:00Z"));
        assert_eq!(before, Some(instants("2026-11-21T10:30:00Z", "2026-11-22T10:30:00Z")));
        let (range, before) = chosen(&[("period", "7d"), ("compare", "last-year")]).ranges(now);
        let days = |from: &str, to: &str| SpendRange::Days { from: date(from), to: date(to) };
        assert_eq!((range, before), (days("2026-11-17", "2026-11-24"), Some(days("2025-11-17", "2025-11-24"))));
    }

    #[test]
    fn own_days_come_half_open_or_with_their_last_day() {
        let expected = ("2026-09-03".to_owned(), "2026-09-10".to_owned());
        assert_eq!(days(chosen(&[("from", "2026-09-03"), ("to", "2026-09-10")])), expected);
        assert_eq!(days(chosen(&[("from", "2026-09-03"), ("through", "2026-09-09")])), expected);
        assert_eq!(chosen(&[("from", "2026-09-03"), ("through", "2026-09-09")]).preset, None);
    }

    #[test]
    fn what_cannot_be_read_is_the_month_so_far() {
        for pairs in [
            &[][..],
            &[("from", "x"), ("to", "2026-09-10")],
            &[("from", "2026-09-10"), ("to", "2026-09-10")],
            &[("period", "decade")],
        ] {
            assert_eq!(chosen(pairs).preset, Some(Preset::ThisMonth), "{pairs:?}");
        }
    }

    #[test]
    fn the_comparison_is_on_until_it_is_switched_off() {
        assert_eq!(chosen(&[]).compare().map(|period| period.from), Some(date("2026-10-01")));
        assert_eq!(chosen(&[("compare", "none")]).compare(), None);
        let fiscal = chosen(&[("period", "fiscal-year")]);
        assert_eq!(fiscal.compare(), Period::new(date("2025-04-01"), date("2025-11-24")));
    }
}
