//! From a model's dated prices to the drawing of their history.

use super::labels::instant;
use crate::format;
use crate::ui::chart::{Annotation, ChartData, Hue, Line, Step, Stroke};
use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, NaiveTime, Utc};
use domain::meter::{Meter, Unit};
use domain::price::page::{DatedPrice, ModelPage, is_plain, plain_at};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Most months that are drawn, the latest ones.
const MAX_MONTHS: i32 = 60;
/// Up to so many months the labels are spread evenly; beyond, years are labelled.
const FEW_MONTHS: usize = 30;
/// Most meters that are drawn.
const MAX_LINES: usize = 4;
/// Most changes that are named on the drawing, the latest ones; the table below has them all.
const MAX_CHANGES: usize = 4;

/// The plain prices of the most important meters, month by month; none where no change is known.
pub(super) fn history(page: &ModelPage) -> Option<ChartData> {
    let meters = meters(page);
    let changes = changes(page, &meters);
    let months = months(page.now, *changes.first()?, *changes.last()?);
    let today = months.iter().position(|month| start(*month) > page.now);
    let annotations = changes.iter().filter_map(|change| annotation(page, &meters, &months, *change));
    let mut annotations: Vec<_> = annotations.collect();
    annotations.drain(..annotations.len().saturating_sub(MAX_CHANGES));
    Some(ChartData {
        lines: meters.iter().enumerate().map(|(rank, meter)| line(page, *meter, rank, &months)).collect(),
        steps: months.iter().map(|month| step(*month, months.len() > FEW_MONTHS)).collect(),
        annotations,
        today,
        ..ChartData::default()
    })
}

/// What the drawing says beside its name: "$ per 1M tokens".
pub(super) fn unit(page: &ModelPage) -> String {
    let first = plain(page).next();
    first.map_or_else(String::new, |price| match (price.row.per, price.row.meter.unit()) {
        (1_000_000, unit) => format!("$ per 1M {}", unit.as_str()),
        (1, Unit::Count) => "$ each".to_owned(),
        (per, unit) => format!("$ per {} {}", format::count(per), unit.as_str()),
    })
}

fn plain(page: &ModelPage) -> impl Iterator<Item = &DatedPrice> {
    page.prices.iter().filter(|price| price.superseded_at.is_none() && is_plain(&price.row))
}

/// The first meters in the order of receipts that share a unit.
fn meters(page: &ModelPage) -> Vec<Meter> {
    let all: BTreeSet<(Meter, u64)> = plain(page).map(|price| (price.row.meter, price.row.per)).collect();
    let Some((first, per)) = all.first().copied() else { return vec![] };
    let alike = all.into_iter().filter(|(meter, of)| *of == per && meter.unit() == first.unit());
    let mut meters: Vec<Meter> = alike.map(|(meter, _)| meter).collect();
    // Input and output say more than a cache.
    meters.sort_by_key(|meter| !matches!(meter, Meter::InputUncached | Meter::Output));
    meters.truncate(MAX_LINES);
    meters.sort_unstable();
    meters
}

/// The instants at which a drawn price begins or ends, in order.
fn changes(page: &ModelPage, meters: &[Meter]) -> Vec<DateTime<Utc>> {
    let drawn = plain(page).filter(|price| meters.contains(&price.row.meter));
    let edges: BTreeSet<_> = drawn.flat_map(|price| [price.row.valid_from, price.row.valid_to]).flatten().collect();
    edges.into_iter().collect()
}

/// From the month before the first change to the present month or the last change.
fn months(now: DateTime<Utc>, first: DateTime<Utc>, last: DateTime<Utc>) -> Vec<NaiveDate> {
    let number = |at: DateTime<Utc>| at.year() * 12 + at.month0().cast_signed();
    let to = number(now.max(last));
    let from = (number(first.min(now)) - 1).max(to - MAX_MONTHS + 1);
    let month =
        |number: i32| NaiveDate::from_ymd_opt(number.div_euclid(12), number.rem_euclid(12).unsigned_abs() + 1, 1);
    (from..=to).filter_map(month).collect()
}

fn start(month: NaiveDate) -> DateTime<Utc> {
    month.and_time(NaiveTime::MIN).and_utc()
}

/// The last instant of a month, or now in the present one: a price of the month that will not hold is not drawn before it does.
fn moment(page: &ModelPage, month: NaiveDate) -> DateTime<Utc> {
    let next = month.checked_add_months(Months::new(1)).map_or(page.now, start);
    if start(month) <= page.now && page.now < next { page.now } else { next - Duration::microseconds(1) }
}

fn line(page: &ModelPage, meter: Meter, rank: usize, months: &[NaiveDate]) -> Line {
    let rates: Vec<Option<Decimal>> =
        months.iter().map(|month| Some(plain_at(&page.prices, meter, moment(page, *month))?.row.rate)).collect();
    Line {
        name: meter.label().to_owned(),
        hue: Hue::nth(rank),
        stroke: Stroke::Step,
        texts: rates.iter().map(|rate| rate.map(format::money_full).unwrap_or_default()).collect(),
        values: rates.into_iter().map(|rate| rate.map(format::to_plot_value)).collect(),
    }
}

/// `years` labels the beginnings of years only.
fn step(month: NaiveDate, years: bool) -> Step {
    Step {
        label: month.format("%b %Y").to_string(),
        title: format::month(month),
        mark: years && month.month() == 1,
        ..Step::default()
    }
}

/// What changed at an instant: "Jun 10, 2025: Input $10.00 to $2.00".
fn annotation(page: &ModelPage, meters: &[Meter], months: &[NaiveDate], at: DateTime<Utc>) -> Option<Annotation> {
    let step = months.iter().rposition(|month| start(*month) <= at)?;
    let before = at - Duration::microseconds(1);
    let moved = meters.iter().find_map(|meter| {
        let rate = |at| plain_at(&page.prices, *meter, at).map(|price| price.row.rate);
        let (old, new) = (rate(before), rate(at));
        (old != new).then(|| match (old, new) {
            (Some(old), Some(new)) => {
                format!("{} {} to {}", meter.label(), format::money_full(old), format::money_full(new))
            }
            (None, Some(new)) => format!("{} {}", meter.label(), format::money_full(new)),
            (_, None) => format!("{} ends", meter.label()),
        })
    })?;
    Some(Annotation { step, label: format!("{}: {moved}", instant(at)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::price::page::{ModelName, ProviderEntry};
    use domain::price::{Attributes, BookPrice, Variant};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn price(meter: Meter, rate: i64, from: Option<&str>, to: Option<&str>) -> DatedPrice {
        let row = BookPrice {
            price_id: 1,
            provider: "acme".to_owned(),
            model: "one".to_owned(),
            meter,
            variant: Variant::Standard,
            attributes: Attributes::NONE,
            tier_from: 0,
            tier_inclusive: true,
            quantity_min: None,
            quantity_max: None,
            quantity_whole: false,
            rate: Decimal::from(rate),
            per: 1_000_000,
            valid_from: from.map(at),
            valid_to: to.map(at),
            schedule: None,
            source: "set".to_owned(),
            source_version: "1".to_owned(),
            source_url: None,
            derived: None,
        };
        DatedPrice { row, own: false, recorded_at: at("2025-01-01T00:00:00Z"), superseded_at: None }
    }

    fn page(prices: Vec<DatedPrice>) -> ModelPage {
        ModelPage {
            now: at("2025-08-20T12:00:00Z"),
            name: ModelName { provider: "acme".to_owned(), model: "one".to_owned() },
            title: None,
            provider: ProviderEntry { provider: "acme".to_owned(), name: "Acme".to_owned(), url: None, models: 1 },
            prices,
            modifiers: vec![],
            limits: vec![],
            aliases: vec![],
            used_since: "2025-07-22".parse().unwrap(),
            used_by: vec![],
        }
    }

    #[test]
    fn a_price_that_never_changed_has_no_history() {
        assert!(history(&page(vec![price(Meter::Output, 8, None, None)])).is_none());
        assert!(history(&page(vec![])).is_none());
    }

    #[test]
    fn every_month_has_the_price_at_its_end_and_changes_are_named() {
        let change = "2025-06-10T00:00:00Z";
        let data = history(&page(vec![
            price(Meter::InputUncached, 10, None, Some(change)),
            price(Meter::InputUncached, 2, Some(change), None),
            price(Meter::Output, 40, None, None),
        ]))
        .unwrap();
        let labels: Vec<_> = data.steps.iter().map(|step| step.label.as_str()).collect();
        assert_eq!(labels, ["May 2025", "Jun 2025", "Jul 2025", "Aug 2025"]);
        assert_eq!(data.lines[0].texts, ["$10.00", "$2.00", "$2.00", "$2.00"]);
        assert_eq!(data.lines[1].texts, ["$40.00"; 4]);
        assert_eq!((data.annotations[0].step, data.annotations.len(), data.today), (1, 1, None));
        assert_eq!(data.annotations[0].label, "Jun 10, 2025: Input $10.00 to $2.00");
    }

    #[test]
    fn a_price_of_the_future_is_drawn_after_today() {
        let soon = "2025-10-15T00:00:00Z";
        let data = history(&page(vec![
            price(Meter::Output, 8, Some("2025-08-01T00:00:00Z"), Some(soon)),
            price(Meter::Output, 9, Some(soon), None),
        ]))
        .unwrap();
        assert_eq!(data.lines[0].texts, ["", "$8.00", "$8.00", "$9.00"]);
        assert_eq!((data.steps[0].label.as_str(), data.today), ("Jul 2025", Some(2)));
    }

    #[test]
    fn own_prices_hide_the_common_ones_while_they_hold() {
        let mut own = price(Meter::Output, 5, Some("2025-07-01T00:00:00Z"), Some("2025-08-01T00:00:00Z"));
        own.own = true;
        let data = history(&page(vec![own, price(Meter::Output, 8, None, None)])).unwrap();
        assert_eq!(data.lines[0].texts, ["$8.00", "$5.00", "$8.00"]);
    }
}
