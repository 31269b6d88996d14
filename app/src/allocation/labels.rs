//! Names and cells that the pages of this room share.

use crate::error::AppError;
use crate::format;
use crate::layout::{NavItem, UrlQuery};
use crate::page::Visit;
use crate::ui::{Stat, html};
use domain::allocation::{Allocated, Amounts, Party};
use domain::period::Period;
use domain::statement::month_text;
use leptos::prelude::*;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// The organization's projects and teams by their short names, of a month's pages.
pub(super) struct Names {
    pub(super) org: String,
    pub(super) month: Period,
    pub(super) names: HashMap<Party, String>,
}

impl Names {
    pub(super) async fn of(visit: &Visit, month: Period) -> Result<Self, AppError> {
        let (teams, projects) = futures::try_join!(
            backend::projects::list_teams(&visit.backend, &visit.scope),
            backend::projects::list_projects(&visit.backend, &visit.scope),
        )?;
        let teams = teams.into_iter().map(|team| (Party::Team(team.slug.into()), team.name));
        let projects = projects.into_iter().map(|project| (Party::Project(project.slug.into()), project.name));
        Ok(Self { org: visit.org().to_owned(), month, names: teams.chain(projects).collect() })
    }

    /// Its name.
    pub(super) fn of_party(&self, party: &Party) -> String {
        let slug = party.slug().unwrap_or("Unallocated");
        self.names.get(party).cloned().unwrap_or_else(|| slug.to_owned())
    }

    /// Its name, with what it is: "Growth (team)".
    pub(super) fn with_kind(&self, party: &Party) -> String {
        let name = self.of_party(party);
        if *party == Party::Nobody { name } else { format!("{name} ({})", party.kind()) }
    }

    /// Where an amount of the month is explained.
    pub(super) fn href(&self, kind: &str, name: &str) -> String {
        explained_path(&self.org, self.month, kind, name)
    }

    /// A party with the link to what it is made of.
    pub(super) fn link(&self, party: &Party) -> AnyView {
        let name = self.of_party(party);
        match party.slug() {
            Some(slug) => html! { <a class="row-link" href=self.href(party.kind(), slug)>{name}</a> },
            None => html! { <span class="soft">{name}</span> },
        }
    }
}

/// Where what a rule moved in a month, or what a team or project answers for, is explained.
pub(crate) fn explained_path(org: &str, month: Period, kind: &str, name: &str) -> String {
    let base = NavItem::Allocation.path(org);
    format!("{base}/{}/{kind}/{}", month_text(month.from), UrlQuery::segment(name))
}

/// Money in a cell, exact on hover.
pub(super) fn money(amounts: &Amounts) -> AnyView {
    let spend = amounts.spend();
    html! { <td class="num" title=format::money_full(spend)>{format::money_plain(spend)}</td> }
}

/// How much of the spend somebody answers for, as a small link.
pub(crate) fn stat(org: &str, allocated: &Allocated) -> Option<AnyView> {
    let (part, whole) = (allocated.allocated().spend(), allocated.total.spend());
    let title = format!("{} of {}", format::money_full(part), format::money_full(whole));
    let month = month_text(allocated.period.from);
    let href = UrlQuery::new().with("month", &month).at(&NavItem::Allocation.path(org));
    Some(html! { <Stat value=share(part, whole)? after="allocated" href=href title=title/> })
}

/// How much of a whole a part is, in words.
pub(super) fn share(part: Decimal, whole: Decimal) -> Option<String> {
    format::ratio(part, whole).map(format::percent)
}
