//! Labels and cells that the pages of this room share.

use crate::error::AppError;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::Visit;
use crate::ui::{self, Badge, Change, Direction, NoPermission, PageHead, Tabs, html};
use chrono::{DateTime, NaiveTime, Utc};
use domain::identity::Permission;
use domain::meter::Unit;
use domain::period::Offsets;
use domain::price::page::{ModelName, PriceSearch, RateNow};
use domain::price::{BookPrice, Derivation};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// What is searched, in the page's address. The provider has a parameter of its own here, because `provider` is the filter by what was sent and follows from page to page.
const TEXT: &str = "q";
const PROVIDER: &str = "book_provider";

/// The pages of this room that stand beside each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Book,
    Own,
    Basis,
    Imports,
    Discounts,
    Contract,
    Runs,
}

impl Tab {
    /// The last part of its address.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Book => "",
            Self::Own => "own",
            Self::Basis => "basis",
            Self::Imports => "imports",
            Self::Discounts => "discounts",
            Self::Contract => "contract",
            Self::Runs => "runs",
        }
    }
}

/// Links between these pages.
pub(super) fn tabs(org: &str, here: Tab) -> AnyView {
    let base = NavItem::Prices.path(org);
    let tab = |tab: Tab, label: &str| {
        let path = format!("{base}/{}", tab.word());
        ui::Tab::new(label, path.trim_end_matches('/').to_owned(), tab == here)
    };
    let tabs = vec![
        tab(Tab::Book, "Price book"),
        tab(Tab::Own, "Custom prices"),
        tab(Tab::Basis, "Cost source"),
        tab(Tab::Imports, "Import"),
        tab(Tab::Discounts, "Discounts and markups"),
        tab(Tab::Contract, "Commitments"),
        tab(Tab::Runs, "Repricing runs"),
    ];
    html! { <Tabs label="Pages about prices" tabs=tabs/> }
}

/// The page of a model. Its name may hold slashes, which stay.
pub(crate) fn model_path(org: &str, name: &ModelName) -> String {
    let segments: Vec<String> = name.model.split('/').map(UrlQuery::segment).collect();
    format!("{}/{}/{}", NavItem::Prices.path(org), UrlQuery::segment(&name.provider), segments.join("/"))
}

/// What the address asks of the book.
pub(super) fn searched(query: &UrlQuery) -> PriceSearch {
    let text = |name| query.get(name).map(|value: &str| value.trim().to_owned());
    PriceSearch {
        text: text(TEXT).unwrap_or_default(),
        provider: text(PROVIDER),
        cursor: text("cursor"),
        ..PriceSearch::default()
    }
}

/// The address of a search, without the place in its list.
pub(super) fn search_query(search: &PriceSearch) -> UrlQuery {
    let text = [(TEXT, Some(&search.text).filter(|text| !text.is_empty())), (PROVIDER, search.provider.as_ref())];
    text.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect()
}

/// The file with what a search finds.
pub(super) fn file_path(org: &str, search: &PriceSearch) -> String {
    let text = [("q", Some(&search.text).filter(|text| !text.is_empty())), ("provider", search.provider.as_ref())];
    let query: UrlQuery =
        text.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect();
    query.at(&format!("{}.csv", NavItem::Prices.path(org)))
}

/// A rate with what it is for: "$3.00 / 1M", "$0.20 each", "$0.111 / 3,600".
pub(crate) fn rate(rate: Decimal, per: u64) -> String {
    match per {
        1_000_000 => format::rate_per_million(rate),
        1 => format!("{} each", format::money_full(rate)),
        per => format!("{} / {}", format::money_full(rate), format::count(per)),
    }
}

/// A rate with its unit in full: "$3.00 per 1M tokens", "$0.20 per image", "$0.111 per 3,600 seconds".
pub(super) fn rate_words(rate: Decimal, per: u64, unit: Unit) -> String {
    let rate = format::money_full(rate);
    match (per, unit) {
        (1_000_000, unit) => format!("{rate} per 1M {}", unit_word(unit, true)),
        (1, unit) => format!("{rate} per {}", unit_word(unit, false)),
        (per, unit) => format!("{rate} per {} {}", format::count(per), unit_word(unit, true)),
    }
}

const fn unit_word(unit: Unit, many: bool) -> &'static str {
    match (unit, many) {
        (Unit::Tokens, true) => "tokens",
        (Unit::Tokens, false) => "token",
        (Unit::Characters, true) => "characters",
        (Unit::Characters, false) => "character",
        (Unit::Seconds, true) => "seconds",
        (Unit::Seconds, false) => "second",
        (Unit::Images, true) => "images",
        (Unit::Images, false) => "image",
        (Unit::Pages, true) => "pages",
        (Unit::Pages, false) => "page",
        (Unit::Count, true) => "uses",
        (Unit::Count, false) => "use",
    }
}

/// A price in a column whose head says dollars per million.
pub(super) fn rate_cell(price: Option<&RateNow>) -> AnyView {
    let Some(price) = price else {
        return html! { <td class="num soft" title="No such price">{format::NONE}</td> };
    };
    let title = since(price.since);
    let text = if price.per == 1_000_000 { plain(price.rate) } else { rate(price.rate, price.per) };
    html! { <td class="num" title=title>{text}{price.own.then(|| view! { <span class="note">"own"</span> })}</td> }
}

/// A rate without its dollar sign, every digit.
fn plain(rate: Decimal) -> String {
    format::money_full(rate).trim_start_matches('$').to_owned()
}

/// Since when: "since Aug 6, 2024".
pub(super) fn since(from: Option<DateTime<Utc>>) -> String {
    from.map_or_else(|| "for all time".to_owned(), |from| format!("since {}", instant(from)))
}

/// A date of the book, with its hour where no day begins there: "Aug 6, 2024", "Aug 17, 2026, 18:00 UTC+2".
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    instant_by(&use_context().unwrap_or_default(), at)
}

/// Days of the common book begin with UTC's, those of an organization's own with its own.
fn instant_by(clock: &Offsets, at: DateTime<Utc>) -> String {
    let local = clock.local(at);
    if at.time() == NaiveTime::MIN {
        format::day_year(at.date_naive())
    } else if local.time() == NaiveTime::MIN {
        format::day_year(local.date_naive())
    } else {
        let day = format::day_year(local.date_naive());
        format!("{day}, {} {}", local.format("%H:%M"), format::offset(*local.offset()))
    }
}

/// From when to when: "since Aug 6, 2024", "Aug 6, 2024 to May 1, 2025", "until May 1, 2025", "always".
pub(crate) fn span(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    match (from, to) {
        (None, None) => "always".to_owned(),
        (Some(_), None) => since(from),
        (None, Some(to)) => format!("until {}", instant(to)),
        (Some(from), Some(to)) => format!("{} to {}", instant(from), instant(to)),
    }
}

/// Where a price comes from, with its link.
pub(super) fn source(row: &BookPrice) -> AnyView {
    let what = format!("the price of {}", row.meter.label().to_lowercase());
    let derived = row.derived.map(|derived| view! { " "<span title=derived.reason()><Badge>"derived"</Badge></span> });
    html! { {sourced(&row.source, &row.source_version, row.source_url.clone(), &what)}{derived} }
}

/// Why the derived ones among these prices stand in the book: a sentence for each reason.
pub(super) fn derivations<'a>(rows: impl IntoIterator<Item = &'a BookPrice>) -> Option<AnyView> {
    let found: Vec<Derivation> = rows.into_iter().filter_map(|row| row.derived).collect();
    let told = Derivation::ALL.into_iter().filter(|derived| found.contains(derived));
    let told: Vec<_> = told.map(|derived| view! { <p class="soft small">"Derived: "{derived.reason()}</p> }).collect();
    (!told.is_empty()).then(|| told.into_any())
}

/// A data set or person with its link, of `what`.
pub(super) fn sourced(source: &str, version: &str, url: Option<String>, what: &str) -> AnyView {
    let name = format!("{source} {version}").trim_end().to_owned();
    match url {
        Some(url) => {
            let label = format!("{name}: source of {what}");
            html! { <a href=url rel="external noreferrer" aria-label=label>{name}</a> }
        }
        None => name.into_any(),
    }
}

/// What is added to a cost or taken from it, in its colour.
pub(crate) fn change(delta: Decimal) -> AnyView {
    let sign = if delta.is_zero() {
        0.0
    } else if delta.is_sign_negative() {
        -1.0
    } else {
        1.0
    };
    let text = if delta.is_zero() { format::money_plain(delta) } else { format::money_signed(delta) };
    html! { <Change text=text direction=Direction::of_cost(sign) title=format::money_full(delta)/> }
}

/// What a sum moves by, with its sign and unit.
pub(super) fn amount(delta: Decimal) -> String {
    if delta.is_zero() { format::money(delta) } else { format::money_signed(delta) }
}

/// In place of a page: who may do what it is for, under its heading.
pub(super) fn not_yours((head, what): (&'static str, &'static str)) -> AnyView {
    html! { <PageHead title=head/><NoPermission what=what who="an owner, admin or finance member"/> }
}

/// The same, with its status, to those who may not change prices.
pub(crate) fn refused(visit: &Visit, page: (&'static str, &'static str)) -> Option<AnyView> {
    visit.scope.require(Permission::ManagePrices).map_err(AppError::of).err().map(|_| not_yours(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn rates_name_what_they_are_for() {
        let three = Decimal::from(3);
        assert_eq!(rate(three, 1_000_000), format::rate_per_million(three));
        assert_eq!(rate(Decimal::new(2, 1), 1), "$0.20 each");
        assert_eq!(rate(Decimal::from(35), 1_000), "$35.00 / 1,000");
        assert_eq!(rate_words(three, 1_000_000, Unit::Tokens), "$3.00 per 1M tokens");
        assert_eq!(rate_words(Decimal::new(4, 2), 1, Unit::Images), "$0.04 per image");
        assert_eq!(rate_words(Decimal::new(111, 3), 3_600, Unit::Seconds), "$0.111 per 3,600 seconds");
    }

    #[test]
    fn a_day_is_the_common_books_or_the_organizations() {
        let berlin: Offsets =
            serde_json::from_str(r#"[["2026-10-25T01:00:00Z", 7200], ["2027-03-28T01:00:00Z", 3600]]"#).unwrap();
        assert_eq!(instant_by(&berlin, at("2026-11-19T23:00:00Z")), "Nov 20, 2026");
        assert_eq!(instant_by(&berlin, at("2026-10-13T00:00:00Z")), "Oct 13, 2026");
        assert_eq!(instant_by(&berlin, at("2026-08-17T16:00:00Z")), "Aug 17, 2026, 18:00 UTC+2");
    }

    #[test]
    fn dates_say_their_hour_only_where_they_have_one() {
        let (day, hour) = (at("2026-08-17T00:00:00Z"), at("2026-08-17T16:00:00Z"));
        assert_eq!(span(None, None), "always");
        assert_eq!(span(Some(day), None), "since Aug 17, 2026");
        assert_eq!(span(None, Some(hour)), "until Aug 17, 2026, 16:00 UTC");
        assert_eq!(span(Some(day), Some(hour)), "Aug 17, 2026 to Aug 17, 2026, 16:00 UTC");
        assert_eq!(since(None), "for all time");
    }

    #[test]
    fn a_models_page_keeps_its_slashes_and_nothing_else() {
        let name = ModelName { provider: "x-ai".to_owned(), model: "openai/gpt 4?v:1".to_owned() };
        assert_eq!(model_path("acme", &name), "/o/acme/prices/x-ai/openai/gpt%204%3Fv%3A1");
    }

    #[test]
    fn a_search_stands_in_the_address() {
        let pairs = [("q", " gpt "), ("book_provider", "openai"), ("provider", "sent"), ("cursor", "1/a/b")];
        let query: UrlQuery = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let search = searched(&query);
        assert_eq!((search.text.as_str(), search.provider.as_deref()), ("gpt", Some("openai")));
        assert_eq!(search_query(&search).at("/p"), "/p?q=gpt&book_provider=openai");
        assert_eq!(file_path("acme", &search), "/o/acme/prices.csv?q=gpt&provider=openai");
    }
}
