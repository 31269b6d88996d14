//! What a field proposes while somebody types, and where the command palette leads: entries of a list, which the browser shows as they come.
//!
//! To propose something in a field: `suggest=suggest(org, KIND)`, where the kind is a dimension, [`BOOK_PROVIDER`] or [`BOOK_MODEL`].

use crate::layout::{NavItem, UrlQuery};
use crate::prices::labels::{model_path, rate};
use crate::ui::Suggest;
use crate::{format, page::Address, views};
use backend::{Backend, Error, OrgScope, prices::browse};
use domain::identity::Permission;
use domain::ids::UserId;
use domain::model::canonical_provider;
use domain::price::page::{ModelEntry, PriceSearch};
use domain::problem::Problem;
use domain::spend::Dimension;
use domain::suggestion::{Suggestion, matching, rank};
use leptos::prelude::*;
use std::cmp::Reverse;

/// Providers as the price book names them.
pub(crate) const BOOK_PROVIDER: &str = "book_provider";
/// Models as the price book names them, with what they cost now.
pub(crate) const BOOK_MODEL: &str = "book_model";
/// Everything that the palette leads to.
const ANYTHING: &str = "anything";
/// Entries of a list at most.
const SHOWN: usize = 12;
/// Shorter texts are no id of an event.
const MIN_EVENT_ID: usize = 6;

/// Pages below those of the navigation, and what can be done: its words, who may, and where.
const PLACES: &[(&str, &str, Permission, &str)] = &[
    ("New budget", "Action", Permission::ManageBudgets, "budgets/new"),
    ("New API key", "Action", Permission::ManageKeys, "settings/keys#new"),
    ("Import a file", "Action", Permission::SendEvents, "events/uploads#new"),
    ("Invite a member", "Action", Permission::ManageMembers, "settings/members"),
    ("New project", "Action", Permission::ManageProjects, "new/project"),
    ("New team", "Action", Permission::ManageProjects, "new/team"),
    ("New product line", "Action", Permission::ManageProjects, "new/product-line"),
    ("Add price override", "Action", Permission::ManagePrices, "prices/own/price"),
    ("Add model alias", "Action", Permission::ManagePrices, "prices/own/name"),
    ("Add discount or markup", "Action", Permission::ManagePrices, "prices/discounts/new"),
    ("Add term", "Action", Permission::ManagePrices, "prices/contract/new"),
    ("Reprice events", "Action", Permission::ManagePrices, "prices/runs/new"),
    ("Annotate charts", "Action", Permission::ManageViews, "annotations#new"),
    ("Annotations", "Page", Permission::Read, "annotations"),
    ("API keys", "Page", Permission::Read, "settings/keys"),
    ("Labels", "Page", Permission::Read, "labels"),
    ("Members", "Page", Permission::Read, "settings/members"),
    ("Audit log", "Page", Permission::ReadAudit, "settings/audit"),
    ("Unpriced events", "Page", Permission::Read, "events/unpriced"),
    ("Rejected events", "Page", Permission::Read, "events/rejected"),
    ("Imports", "Page", Permission::Read, "events/uploads"),
    ("Custom prices", "Page", Permission::ReadPrices, "prices/own"),
    ("Commitments and volume pricing", "Page", Permission::ReadPrices, "prices/contract"),
    ("Repricing runs", "Page", Permission::ReadPrices, "prices/runs"),
];

/// Where a field of a form of this organization gets its proposals from.
pub(crate) fn suggest(org: &str, kind: &str) -> Suggest {
    Suggest { href: address(org, kind), ..Suggest::default() }
}

/// Where the palette gets its entries from.
pub(crate) fn palette_address(org: &str) -> String {
    address(org, ANYTHING)
}

fn address(org: &str, kind: &str) -> String {
    UrlQuery::new().with("kind", kind).at(&format!("/o/{org}/suggestions"))
}

/// Who asks, and what was typed.
pub struct Asked<'a> {
    /// The verbs.
    pub backend: &'a Backend,
    /// What the reader may see.
    pub scope: &'a OrgScope,
    /// The reader.
    pub user_id: UserId,
    /// The address with the organization (`org`) and the parameters `kind`, `q` and `beside`.
    pub address: Address,
}

/// An entry of the list.
struct Entry {
    label: String,
    note: String,
    /// What it puts into the field.
    value: Option<String>,
    /// What it puts into the field beside.
    beside: Option<String>,
    /// Where it leads, in the palette.
    href: Option<String>,
}

impl Entry {
    fn leading(label: impl Into<String>, note: impl Into<String>, href: String) -> Self {
        Self { label: label.into(), note: note.into(), value: None, beside: None, href: Some(href) }
    }

    fn filling(value: String, label: String, note: String) -> Self {
        Self { label, note, value: Some(value), beside: None, href: None }
    }
}

/// The entries of the list as markup.
///
/// # Errors
/// [`Problem::NotFound`] for a kind that there is not; those of the verbs behind it.
pub async fn entries(asked: Asked<'_>) -> Result<String, Error> {
    let entries = match asked.address.query.get("kind").unwrap_or_default() {
        ANYTHING => asked.anything().await?,
        BOOK_PROVIDER => asked.providers().await?,
        BOOK_MODEL => asked.models().await?.into_iter().map(book_model).collect(),
        dimension => asked.values(&dimension.parse().map_err(|_| Problem::NotFound)?).await?,
    };
    let option = |Entry { label, note, value, beside, href }| {
        view! {
            <li role="option" data-value=value data-beside=beside data-href=href>
                <span>{label}</span>" "<span class="soft small">{note}</span>
            </li>
        }
    };
    Ok(entries.into_iter().map(option).collect_view().to_html())
}

impl Asked<'_> {
    fn typed(&self) -> &str {
        self.address.query.get("q").unwrap_or_default().trim().trim_start_matches('^')
    }

    /// What stands in the field beside.
    fn beside(&self) -> Option<&str> {
        self.address.query.get("beside")
    }

    async fn providers(&self) -> Result<Vec<Entry>, Error> {
        let known = browse::providers(self.backend, self.scope).await?;
        let found = matching(known, self.typed(), SHOWN, |known| &known.provider).into_iter();
        let note = |models| format::counted(i128::from(models), "model");
        Ok(found.map(|found| Entry::filling(found.provider.clone(), found.provider, note(found.models))).collect())
    }

    /// Models of the price book; where none holds what was typed, those with names like it.
    async fn models(&self) -> Result<Vec<ModelEntry>, Error> {
        let provider = self.beside().map(|name| canonical_provider(name).into_owned());
        let found = self.search(self.typed().to_owned(), provider.clone(), SHOWN).await?;
        if !found.is_empty() || self.typed().is_empty() {
            return Ok(found);
        }
        let typed = (provider.unwrap_or_default(), self.typed().to_owned());
        let mut alike = Vec::new();
        for name in browse::guesses(self.backend, self.scope, &[typed]).await?.concat() {
            alike.extend(self.search(name.model, Some(name.provider), 1).await?);
        }
        Ok(alike)
    }

    /// [`Asked::models`] for readers who see prices.
    async fn known_models(&self) -> Result<Vec<ModelEntry>, Error> {
        if self.scope.may(Permission::ReadPrices) { self.models().await } else { Ok(Vec::new()) }
    }

    async fn search(&self, text: String, provider: Option<String>, most: usize) -> Result<Vec<ModelEntry>, Error> {
        let limit = u16::try_from(most).unwrap_or(u16::MAX);
        let search = PriceSearch { text, provider, limit, cursor: None };
        Ok(browse::find(self.backend, self.scope, &search).await?.page.rows)
    }

    async fn values(&self, dimension: &Dimension) -> Result<Vec<Entry>, Error> {
        let typed = (self.typed(), self.beside());
        let found = backend::suggestions::values(self.backend, self.scope, dimension, typed, SHOWN).await?;
        let entry = |Suggestion { kind, value, name, provider }| {
            let (beside, note) = match kind.as_str() {
                "model" => (provider.clone(), provider.unwrap_or_default()),
                "project" | "team" | "product_line" => (None, value.clone()),
                _ => (None, String::new()),
            };
            Entry { beside, ..Entry::filling(value, name, note) }
        };
        Ok(found.into_iter().map(entry).collect())
    }

    /// Pages, actions and things by their names; an event by its id.
    async fn anything(&self) -> Result<Vec<Entry>, Error> {
        let (backend, scope, typed) = (self.backend, self.scope, self.typed());
        if typed.is_empty() {
            return Ok(self.places());
        }
        let places = matching(self.places(), typed, SHOWN, |place| &place.label);
        let (mine, named, models, customers, event, views) = futures::try_join!(
            backend::identity::organizations_of(backend, self.user_id),
            backend::suggestions::named(backend, scope, typed, SHOWN),
            self.known_models(),
            backend::suggestions::values(backend, scope, &Dimension::Customer, (typed, None), SHOWN),
            self.event(),
            backend::views::list(backend, scope),
        )?;
        let org = self.address.part("org");
        let mine = matching(mine, typed, SHOWN, |(other, _)| &other.name).into_iter();
        let others = mine
            .filter(|(other, _)| other.slug != org)
            .map(|(other, _)| Entry::leading(other.name, "Organization", NavItem::Overview.path(&other.slug)));
        let named = named.into_iter().chain(customers).map(|found| thing(org, found));
        let models = models.into_iter().map(|model| {
            let (href, Entry { label, note, .. }) = (model_path(org, &model.name), book_model(model));
            Entry::leading(label, format!("Model, {note}"), href)
        });
        let views = matching(views, typed, SHOWN, |view| &view.name).into_iter();
        let views = views.map(|view| Entry::leading(view.name, "View", views::address(org, view.view_id)));
        let known = places.into_iter().chain(views).chain(named);
        let mut all: Vec<_> = event.into_iter().chain(known).chain(others).chain(models).collect();
        // What was found by its id or by a like name goes last where its own name does not fit, the event's first.
        all.sort_by_key(|entry| (Reverse(entry.note == "Event"), rank(&entry.label, typed).unwrap_or(u8::MAX)));
        all.truncate(SHOWN);
        Ok(all)
    }

    fn places(&self) -> Vec<Entry> {
        let org = self.address.part("org");
        let whole = self.scope.may(Permission::ReadPrices);
        let pages = NavItem::GROUPS.into_iter().flatten().filter(|place| whole || !place.is_whole());
        let pages = pages.map(|place| Entry::leading(place.label(), "Page", place.path(org)));
        let others = PLACES.iter().copied().filter(|(_, _, permission, _)| self.scope.may(*permission));
        let others = others.map(|(label, kind, _, path)| Entry::leading(label, kind, format!("/o/{org}/{path}")));
        pages.chain(others).collect()
    }

    async fn event(&self) -> Result<Option<Entry>, Error> {
        if self.typed().len() < MIN_EVENT_ID {
            return Ok(None);
        }
        match backend::events::find(self.backend, self.scope, self.typed()).await {
            Ok(event) => {
                let href = format!("{}/{}", NavItem::Events.path(self.address.part("org")), event.row.event_key);
                Ok(Some(Entry::leading(self.typed(), "Event", href)))
            }
            Err(error) => match error.into_problem() {
                Problem::NotFound => Ok(None),
                problem => Err(problem.into()),
            },
        }
    }
}

/// Where a thing with a name leads: to its page, or to its spend.
fn thing(org: &str, Suggestion { kind, value, name, .. }: Suggestion) -> Entry {
    let spend = |by: &str| UrlQuery::new().with(by, &value).and("group_by", "model").at(&NavItem::Explore.path(org));
    match kind.as_str() {
        "project" => Entry::leading(name, "Project", format!("{}/{value}", NavItem::Projects.path(org))),
        "team" => Entry::leading(name, "Team", format!("/o/{org}/teams/{value}")),
        "product_line" => Entry::leading(name, "Product line", format!("/o/{org}/product-lines/{value}")),
        "budget" => Entry::leading(name, "Budget", format!("{}/{value}", NavItem::Budgets.path(org))),
        "api_key" => Entry::leading(name, "API key", spend("api_key")),
        _ => Entry::leading(name, "Customer", spend("customer")),
    }
}

/// A model with what it costs now: "openai, $2.50 / $10.00 per 1M".
fn book_model(ModelEntry { name, input, output, other, .. }: ModelEntry) -> Entry {
    const MILLION: u64 = 1_000_000;
    let rates = match (input, output, other) {
        (Some(input), Some(output), _) if (input.per, output.per) == (MILLION, MILLION) => {
            format!("{} / {} per 1M", format::money_full(input.rate), format::money_full(output.rate))
        }
        (Some(one), _, _) | (_, Some(one), _) | (_, _, Some((_, one))) => rate(one.rate, one.per),
        (None, None, None) => "no price".to_owned(),
    };
    let note = format!("{}, {rates}", name.provider);
    Entry { beside: Some(name.provider), ..Entry::filling(name.model.clone(), name.model, note) }
}
