//! Labels: values that are one in every sum, list and rule, and labels that events should carry.

use crate::support::{Server, day, money};
use backend::{Backend, OrgScope, allocation, events, labels, spend, suggestions};
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::event::{EventInput, EventQuery};
use domain::label::{AliasForm, NewAlias, RequiredForm, RequiredLabel};
use domain::period::Period;
use domain::problem::Problem;
use domain::spend::{Attention, Dimension, Filter, SpendQuery};
use rust_decimal::Decimal;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-11-20T12:00:00Z";

fn alias(label: &str, value: &str, canonical: &str) -> NewAlias {
    let [label, value, canonical] = [label, value, canonical].map(str::to_owned);
    AliasForm { label, value, canonical }.parse().unwrap()
}

fn required(label: &str, project: &str) -> RequiredLabel {
    RequiredForm { label: label.to_owned(), project: project.to_owned() }.parse().unwrap()
}

async fn call(acme: &Organization, at: &str, cost: &str, more: impl FnOnce(&mut EventInput)) {
    let mut call = seed::call(at.parse().unwrap(), money(cost));
    more(&mut call);
    acme.record([call]).await;
}

fn november() -> Period {
    Period::month_of(day("2026-11-01"))
}

async fn sums(backend: &Backend, scope: &OrgScope, by: &str) -> Vec<(String, Decimal)> {
    let query = SpendQuery::over(november()).by([by.parse::<Dimension>().unwrap()]);
    let rows = spend::query(backend, scope, &query).await.unwrap().rows;
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|row| (row.keys.into_iter().next().flatten().unwrap_or_default(), row.sums.spend))
        .collect();
    rows.sort();
    rows
}

fn told(rows: &[(&str, &str)]) -> Vec<(String, Decimal)> {
    rows.iter().map(|(value, amount)| ((*value).to_owned(), money(amount))).collect()
}

/// Calls of the features "Chat-Bot" and "chatbot", and of departments.
async fn spent(acme: &Organization) {
    for (at, cost, feature, department) in [
        ("2026-11-02T10:00:00Z", "1", "chatbot", "eng"),
        ("2026-11-03T10:00:00Z", "2", "Chat-Bot", "Engineering"),
        ("2026-11-04T10:00:00Z", "4", "chatbot", "Sales"),
    ] {
        call(acme, at, cost, |call| {
            call.feature = Some(feature.to_owned());
            call.tags = [("department".to_owned(), department.to_owned())].into();
        })
        .await;
    }
}

#[tokio::test]
async fn values_that_are_one_count_as_one_everywhere_until_that_is_taken_back() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    spent(&acme).await;
    acme.team("growth").await;
    let before = told(&[("Chat-Bot", "2"), ("chatbot", "5")]);
    assert_eq!(sums(backend, owner, "feature").await, before);
    let found = labels::proposals(backend, owner).await.unwrap();
    assert_eq!(
        (found[0].canonical.as_str(), &found[0].values, found.len()),
        ("chatbot", &vec!["Chat-Bot".to_owned()], 1)
    );
    // The rule names a value that becomes an alias later: it takes what it took.
    let rule = AllocationForm {
        name: "Department".to_owned(),
        conditions: vec![ConditionForm {
            dimension: "tag.department".to_owned(),
            test: "is".to_owned(),
            values: "eng".to_owned(),
        }],
        method: "relabel".to_owned(),
        targets: vec![TargetForm { to: "team:growth".to_owned(), percent: String::new() }],
        reason: "Agreed.".to_owned(),
        ..AllocationForm::default()
    };
    allocation::enter(backend, owner, &rule.parse().unwrap()).await.unwrap();
    for one in [alias("feature", "Chat-Bot", "chatbot"), alias("tag.department", "eng", "Engineering")] {
        labels::enter_alias(backend, owner, &one).await.unwrap();
    }
    assert_eq!(sums(backend, owner, "feature").await, told(&[("chatbot", "7")]));
    assert_eq!(sums(backend, owner, "tag.department").await, told(&[("Engineering", "3"), ("Sales", "4")]));
    assert_eq!(labels::proposals(backend, owner).await.unwrap(), []);
    let allocated = allocation::allocated(backend, owner, november()).await.unwrap();
    let growth = allocated.teams.iter().find(|account| account.party.slug() == Some("growth")).unwrap();
    assert_eq!(growth.total().spend(), money("3"));
    // Filters of sums and lists take either value, exactly, by a part, or all but these.
    for (label, values, exclude, contains, sum) in [
        ("feature", "chatbot", false, false, "7"),
        ("feature", "Chat-Bot", false, false, "7"),
        ("feature", "chatbot", true, false, "0"),
        ("feature", "chat-", false, true, "0"),
        ("feature", "bot", false, true, "7"),
        ("tag.department", "eng", false, false, "3"),
        ("tag.department", "Engineering", false, false, "3"),
        ("tag.department", "ngineer", false, true, "3"),
        ("tag.department", "Engineering", true, false, "4"),
    ] {
        let only = Filter::only(label.parse().unwrap(), vec![values.to_owned()]);
        let filter = Filter { exclude, contains, ..only };
        let query = SpendQuery { filters: vec![filter.clone()], ..SpendQuery::over(november()) };
        assert_eq!(spend::query(backend, owner, &query).await.unwrap().total.spend, money(sum), "{filter:?}");
        let listed = EventQuery { filters: vec![filter.clone()], limit: 10, ..EventQuery::default() };
        let rows = events::list(backend, owner, &listed).await.unwrap().rows;
        assert_eq!(rows.iter().filter_map(|row| row.cost).sum::<Decimal>(), money(sum), "{filter:?}");
    }
    let typed = async |label: &str, text: &str| {
        let label = label.parse().unwrap();
        let found = suggestions::values(backend, owner, &label, (text, None), 10).await.unwrap();
        found.into_iter().map(|one| one.value).collect::<Vec<_>>()
    };
    assert_eq!(typed("feature", "chat").await, ["chatbot"]);
    assert_eq!(typed("tag.department", "eng").await, ["Engineering"]);

    labels::remove_alias(backend, owner, &Dimension::Feature, "Chat-Bot").await.unwrap();
    assert_eq!(sums(backend, owner, "feature").await, before);
    let again = labels::remove_alias(backend, owner, &Dimension::Feature, "Chat-Bot").await;
    assert_eq!(again.unwrap_err().into_problem(), Problem::NotFound);
    let globex = server.organization("Globex", "UTC").await;
    assert_eq!(labels::aliases(backend, &globex.owner).await.unwrap(), []);
}

#[tokio::test]
async fn aliases_of_aliases_lead_to_one_value_and_never_in_a_circle() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let enter = async |value: &str, canonical: &str| {
        labels::enter_alias(backend, owner, &alias("feature", value, canonical)).await
    };
    enter("a", "b").await.unwrap();
    enter("b", "c").await.unwrap();
    enter("d", "a").await.unwrap();
    let pairs = async || -> Vec<(String, String)> {
        let all = labels::aliases(backend, owner).await.unwrap();
        all.into_iter().map(|alias| (alias.value, alias.canonical)).collect()
    };
    let expected = ["a", "b", "d"].map(|value| (value.to_owned(), "c".to_owned()));
    assert_eq!(pairs().await, expected);
    let circle = enter("c", "d").await.unwrap_err().into_problem();
    assert_eq!((circle.fields()[0].pointer.as_str(), circle.fields()[0].code.as_str()), ("canonical", "circle"));
    assert_eq!(pairs().await, expected);
}

#[tokio::test]
async fn coverage_is_told_by_label_project_and_key_and_a_fall_needs_attention() {
    let server = Server::at(NOW).await;
    let acme = server.organization("Acme", "UTC").await;
    let (backend, owner) = (&server.backend, &acme.owner);
    let side = seed::project(backend, owner, "side").await;
    // The week before all of it had a feature, the last seven days three of four dollars.
    for (at, cost, project, feature) in [
        ("2026-11-08T10:00:00Z", "10", "main", Some("chat")),
        ("2026-11-15T10:00:00Z", "3", "main", Some("chat")),
        ("2026-11-16T10:00:00Z", "1", "side", None),
    ] {
        call(&acme, at, cost, |call| {
            call.project = Some(project.to_owned());
            call.feature = feature.map(str::to_owned);
        })
        .await;
    }
    assert_eq!(labels::coverage(backend, owner, november()).await.unwrap().labels, []);
    labels::require(backend, owner, &required("feature", "")).await.unwrap();
    labels::require(backend, owner, &required("customer", "main")).await.unwrap();
    labels::require(backend, owner, &required("feature", "")).await.unwrap();
    let unknown = labels::require(backend, owner, &required("feature", "nowhere")).await.unwrap_err().into_problem();
    assert_eq!(unknown.fields()[0].pointer, "project");
    let coverage = labels::coverage(backend, owner, november()).await.unwrap();
    let shares: Vec<_> = coverage
        .labels
        .iter()
        .map(|(label, missing, total)| {
            (label.dimension.name(), missing.spend, total.spend, missing.requests_outside(*total))
        })
        .collect();
    assert_eq!(
        shares,
        [
            ("feature".to_owned(), money("1"), money("14"), Some(2.0 / 3.0)),
            ("customer".to_owned(), money("13"), money("13"), Some(0.0)),
        ]
    );
    let rows: Vec<_> =
        coverage.rows.iter().map(|row| (row.dimension.name(), row.project.as_str(), row.missing.spend)).collect();
    assert_eq!(rows, [("customer".to_owned(), "main", money("13")), ("feature".to_owned(), "side", money("1"))]);
    assert!(!coverage.rows[0].key_name.is_empty() && coverage.rows[0].key_name != coverage.rows[0].api_key);

    let ahead = backend::forecast::forecast_inputs(backend, owner).await.unwrap();
    let items = spend::attention(backend, owner, &ahead).await.unwrap();
    let fallen: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Attention::FallenCoverage(fallen) => Some((fallen.label.dimension.name(), fallen.before, fallen.now)),
            _ => None,
        })
        .collect();
    assert_eq!(fallen, [("feature".to_owned(), 1.0, 0.75)]);
    // A key of one project sees its own coverage, and what is required of it.
    let (_, bound) = seed::bound_key(backend, owner, &side).await;
    let own = labels::coverage(backend, &bound, november()).await.unwrap();
    assert_eq!((own.labels.len(), own.labels[0].2.spend), (1, money("1")));
    assert!(labels::aliases(backend, &bound).await.is_err());
    labels::release(backend, owner, &required("customer", "main")).await.unwrap();
    assert_eq!(labels::required(backend, owner).await.unwrap().len(), 1);
    let gone = labels::release(backend, owner, &required("customer", "main")).await.unwrap_err().into_problem();
    assert_eq!(gone, Problem::NotFound);
}
