//! What needs attention, why a day was unusual, and who hears that sums moved.

use super::*;
use crate::{budgets, forecast};
use chrono::Days;
use domain::budget::{BudgetInput, ScopeRef};
use domain::ids::UserId;
use domain::spend::Attention;
use tokio_util::sync::CancellationToken;

const UNUSUAL: &str = "2026-11-21T11:00:00Z";

/// Seventy days of a dollar a day in the first project by its first key; `support-bot` stops on the 21st.
fn steady() -> Vec<Used> {
    let first: DateTime<Utc> = "2026-09-15T10:00:00Z".parse().unwrap();
    let on = |day: u64| Used { at: first + Days::new(day), ..used(UNUSUAL, 0, "1") };
    let bot = (0..68).map(|day| Used { project: 2, ..on(day) });
    // The other key and the other customer were there before.
    let mut other = Used { key: 1, ..on(40) };
    other.labels[0] = "globex";
    (0..70).map(on).chain(bot).chain([other]).collect()
}

#[tokio::test]
async fn what_needs_attention_has_its_number_and_its_cause() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    org.record(&steady()).await;
    let look = async || {
        let ahead = forecast::forecast_inputs(&org.backend, &org.scope).await.unwrap();
        attention(&org.backend, &org.scope, &ahead).await.unwrap()
    };
    let quiet = look().await;
    let [Attention::Quiet { project, newest, usual, .. }] = quiet.as_slice() else { panic!("{quiet:?}") };
    assert_eq!((project.as_str(), newest.to_rfc3339().as_str()), ("support-bot", "2026-11-21T10:00:00+00:00"));
    assert_eq!(*usual, Decimal::ONE);

    let spike = Used { key: 1, ..used(UNUSUAL, 0, "40") };
    let unpriced = Used {
        cost: Cost::Unknown,
        words: [spike.words[0], UNPRICED, "chat", "", "", "success", "", ""],
        ..spike.clone()
    };
    org.record(&[spike, unpriced]).await;
    let input = BudgetInput {
        name: "Assistant".to_owned(),
        scope: ScopeRef::Project(domain::project::Slug::parse(PROJECTS[0]).unwrap()),
        amount: Decimal::TEN,
        thresholds: vec![100],
        recipients: Vec::new(),
    };
    budgets::create(&org.backend, &org.scope, input).await.unwrap();
    let found = look().await;
    assert!(found.windows(2).all(|pair| pair[0].amount() >= pair[1].amount()), "{found:?}");
    let anomaly = found.iter().find_map(Attention::unusual).unwrap();
    assert_eq!(
        (anomaly.project.as_str(), anomaly.day.day.to_string().as_str(), anomaly.days),
        ("assistant", "2026-11-21", 1)
    );
    assert_eq!((anomaly.day.spend, anomaly.day.usual), (Decimal::from(41), Decimal::ONE));
    // Its customer is the usual one, and all of one feature and model says nothing of the known part.
    let key = anomaly.causes.first().unwrap();
    assert_eq!((&key.dimension, &key.value), (&Dimension::ApiKey, &org.keys[1].to_string()));
    assert_ne!(key.name, key.value, "a key is called by its name");
    let exceeded = found.iter().any(|item| matches!(item, Attention::Exceeded { name, .. } if name == "Assistant"));
    let unpriced =
        found.iter().any(|item| matches!(item, Attention::Unpriced { estimate, .. } if estimate.events == 1));
    assert!(exceeded && unpriced, "{found:?}");
    // Who sees another project alone is told nothing of this one.
    assert!(anomalies(&org.backend, &org.seen_by(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_value_keeps_its_number_however_spend_moves() {
    let database = TestDatabase::new().await;
    let org = org(&database, "Acme", "UTC", "2026-11-17").await;
    let model = |at: &str, model: &'static str, spend: &str| {
        let mut used = used(at, 0, spend);
        (used.words[1], used.labels[0]) = (model, model);
        used
    };
    // The tests' clock stands: what was there grows older.
    let day_passes = async || {
        for table in ["series", "labels"] {
            let older = format!("update {table} set created_at = created_at - interval '1 day'");
            sqlx::query(sqlx::AssertSqlSafe(older)).execute(database.pool()).await.unwrap();
        }
    };
    let numbers =
        async |dimension: Dimension| sql::orders(&org.backend.pool, &org.scope, &dimension, None).await.unwrap();
    for (name, spend) in [("o1", "1"), ("gpt-4o", "5"), ("gpt-4o-mini", "9")] {
        org.record(&[model("2026-11-20T10:00:00Z", name, spend)]).await;
        day_passes().await;
    }
    org.record(&[model("2026-11-20T10:00:00Z", "o1", "500"), model("2026-11-01T10:00:00Z", "a-new-one", "1")]).await;
    for dimension in [Dimension::Model, Dimension::Customer] {
        let expected = [("a-new-one", 3), ("gpt-4o", 1), ("gpt-4o-mini", 2), ("o1", 0)];
        let expected: BTreeMap<_, _> = expected.map(|(word, number)| (word.to_owned(), number)).into();
        assert_eq!(numbers(dimension).await, expected, "neither spend nor the days of events count");
    }
    let projects = numbers(Dimension::Project).await;
    // Ids of one millisecond, which is all that the tests' clock shows, come in any order.
    let distinct = PROJECTS.map(|slug| projects[slug]).into_iter().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(distinct.len(), PROJECTS.len(), "{projects:?}");
    let keys =
        sql::orders(&org.backend.pool, &org.scope, &Dimension::ApiKey, Some(vec![org.keys[1].to_string()])).await;
    assert_eq!(keys.unwrap().len(), 1);
}

#[tokio::test]
async fn who_listens_hears_of_its_own_organization_and_only_so_many_do() {
    let database = TestDatabase::new().await;
    let acme = org(&database, "Acme", "UTC", "2026-11-17").await;
    let backend = &acme.backend;
    let user = UserId(backend.clock.new_id());
    let stop = CancellationToken::new();
    let work = tokio::spawn({
        let (backend, stop) = (backend.clone(), stop.clone());
        async move { watch(&backend, &stop).await }
    });
    let mut page = listen(backend, &acme.scope, user).await.unwrap();
    page.gather = std::time::Duration::from_secs(1);
    let seen = page.next(None).await.unwrap().unwrap();
    let call = [used("2026-11-20T10:00:00Z", 0, "1")];
    let (heard, ()) = tokio::join!(page.next(Some(seen)), acme.record(&call));
    let moved = heard.unwrap().expect("its sums moved");
    assert_eq!(version(backend, &acme.scope).await.unwrap(), moved);
    let mut pages = vec![page];
    while pages.len() < 10 {
        pages.push(listen(backend, &acme.scope, user).await.unwrap());
    }
    assert!(matches!(listen(backend, &acme.scope, user).await, Err(Error::Problem(Problem::RateLimited { .. }))));
    pages.pop();
    assert!(listen(backend, &acme.scope, user).await.is_ok(), "a page that is closed makes room");
    stop.cancel();
    work.await.unwrap().unwrap();
}
