//! What the lists of rules share: who entered a row and when, since when it no longer counts, and how it is ended.

use super::api::EndRule;
use crate::form::hidden;
use crate::format;
use crate::layout::NavItem;
use crate::ui::{Badge, Field, RowButton, html};
use chrono::{DateTime, FixedOffset};
use domain::rule::{Dated, History, Rule, RuleKind};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// Where rows of rules stand, and who may end them.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) org: &'a str,
    /// The page that the form leads back to: a word of [`EndRule`].
    pub(crate) page: &'static str,
    pub(crate) may_manage: bool,
}

impl Rows<'_> {
    /// The last cell of a row: that it is superseded, or how `what` is ended.
    pub(crate) fn end<R: Rule>(self, rule: &Dated<R>, what: &str) -> AnyView {
        match rule.entry.superseded_at {
            Some(at) => superseded(at),
            None if self.may_manage => self.end_form(rule.rule_id, R::KIND, what),
            None => ().into_any(),
        }
    }

    fn end_form(self, rule_id: u64, kind: RuleKind, what: &str) -> AnyView {
        let rule = rule_id.to_string();
        let label = format!("End {what}");
        let (summary, id) = (label.clone(), format!("end-{rule}"));
        let field = if kind.is_monthly() {
            html! {
                <Field label="First month without it" name="valid_to" id=id kind="month" placeholder="2026-11"
                    hint="Such as 2026-11; its first month or an earlier one withdraws it."/>
            }
        } else {
            html! {
                <Field label="Last day before" name="valid_to" id=id kind="date"
                    hint="It holds until this day begins; on the day it began or before, it is withdrawn."/>
            }
        };
        html! {
            <details class="fold">
                <summary aria-label=summary>"End …"</summary>
                <form method="post" action=EndRule::url() class="fold-form">
                    {hidden([("org", self.org), ("rule", &rule), ("page", self.page)])}
                    {field}
                    <RowButton text="End" name=label/>
                </form>
            </details>
        }
    }
}

/// When and by whom a rule was entered.
pub(crate) fn entered<R>(rule: &Dated<R>) -> AnyView {
    let at = rule.entry.recorded_at;
    html! {
        <time datetime=format::time_machine(at) title=format::time_exact(at)>{format::day_year(at.date_naive())}</time>
        <span class="note">{rule.entry.recorded_by.clone()}</span>
    }
}

fn superseded(at: DateTime<FixedOffset>) -> AnyView {
    let title = format!("Counts no more since {}; receipts that point to it keep it", format::time_exact(at));
    html! { <span title=title><Badge>"superseded"</Badge></span> }
}

/// How many more there are than a list shows.
pub(crate) fn left_out<T>(list: &History<T>) -> AnyView {
    if list.more == 0 {
        return ().into_any();
    }
    html! { <p class="soft small">{format!("{} more not listed.", format::count(list.more))}</p> }
}

/// Where mistakes are taken back.
pub(crate) fn undone_under_changes(org: &str) -> AnyView {
    let changes = format!("{}/own#changes", NavItem::Prices.path(org));
    html! { <p class="soft small">"What was entered by mistake is undone under "<a href=changes>"Changes"</a>"."</p> }
}
