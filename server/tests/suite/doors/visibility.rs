//! What whoever sees the team Main alone finds of the team [`TEAM`]: no name, no amount, and no total that has one in it, behind any door and in any mail.
//!
//! What is hidden are words and amounts that occur nowhere else, and whoever sees everything finds each of them.

use super::sample::{Guard, Sample, samples};
use super::world::{LIMITED, PROJECT, PROJECT_SECRET, Place, TEAM, WHOLE_SECRET};
use crate::support::{Answer, Client};
use crate::walk::text;
use domain::format;
use domain::identity::{KeyScope, Role};
use domain::money::exact;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Begins every name of the other team's.
const WORD: &str = "quagga";
/// The other team's budget and charge, and a charge of nobody, in dollars.
const BUDGET: &str = "86421.97";
const CHARGE: &str = "6173.59";
const OF_NOBODY: &str = "7391.57";
const DAYS: &str = "from=2026-10-01&to=2026-12-01";

async fn posted(client: &Client, path: &str, body: Value) -> Value {
    let answer = client.post_json(path, &body).await;
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
    answer.json()
}

/// Usage, charges, a budget, a rule, statements and mails of both teams; October is closed.
async fn fill(place: &Place) {
    let (admin, sends) = (place.key(KeyScope::Admin), place.key(KeyScope::Ingest));
    let call = |project: &str, word: &str, at: &str, tokens: u64| {
        let named = |of: &str| format!("{word}-{of}");
        json!({"project": project, "provider": "openai", "model": "gpt-4.1", "timestamp": at,
            "usage": {"prompt_tokens": tokens}, "customer": named("customer"), "feature": named("feature"),
            "user": named("user"), "cohort": named("cohort"), "step": named("step"), "environment": named("place"),
            "session_id": named("session"), "interaction_id": named("interaction"), "id": format!("{word}-{at}"),
            "tags": {"branch": named("branch"), named("key"): "value"}})
    };
    let calls = json!([
        call("main", "own", "2026-10-12T10:00:00Z", 31_415_926),
        call("main", "own", "2026-11-12T10:00:00Z", 27_182_818),
        call(PROJECT, WORD, "2026-10-13T10:00:00Z", 717_171_717),
        call(PROJECT, WORD, "2026-11-13T10:00:00Z", 838_383_839),
    ]);
    assert_eq!(posted(&sends, "/v1/events", calls).await["accepted"], 4);
    let charge = |id: &str, amount: &str, of: &str| {
        let mut charge = json!({"id": format!("{WORD}-{id}"), "kind": "gpu_hours", "description": format!("{WORD} {id}"),
            "amount": amount, "from": "2026-10-01", "to": "2026-11-01", "source": format!("{WORD} invoice"),
            "reason": format!("{WORD} reason")});
        charge.as_object_mut().unwrap().extend((!of.is_empty()).then(|| ("team".to_owned(), json!(of))));
        charge
    };
    let all = [charge("pool", CHARGE, TEAM), charge("plan", OF_NOBODY, "")];
    posted(&admin, "/v1/charges", json!({"charges": all})).await;
    let targets = [("project:main", "30"), ("team:lab", "70")];
    let targets = targets.map(|(to, percent)| json!({"to": to, "percent": percent}));
    let rule = json!({"name": "Pool of both", "reason": format!("{WORD} reason"), "method": "fixed", "targets": targets,
        "conditions": [{"dimension": "project", "test": "is", "values": PROJECT}]});
    posted(&admin, "/v1/allocation-rules", rule).await;
    for (scope, amount) in [("organization", "99999.91"), (&format!("team:{TEAM}"), BUDGET), ("team:main", "10")] {
        let name = if scope == "team:main" { "Own" } else { WORD };
        let budget = json!({"name": format!("{name} budget"), "scope": scope, "amount": amount, "thresholds": [1],
            "recipients": [LIMITED, place.world.owner]});
        posted(&admin, "/v1/budgets", budget).await;
    }
    let annotation =
        json!({"kind": "deploy", "text": format!("{WORD} deploy"), "at": "2026-11-13", "project": PROJECT});
    posted(&sends, "/v1/annotations", annotation).await;
    let recipients = [LIMITED.to_owned(), format!("{LIMITED} main"), format!("{LIMITED} {TEAM}")];
    let mails = json!({"schedule": "closed", "recipients": recipients});
    let set = admin.send(
        "PUT".parse().unwrap(),
        "/v1/statement-mails",
        &[("content-type", "application/json")],
        mails.to_string().into(),
    );
    assert!(set.await.status.is_success());
    let version = posted(&admin, "/v1/statements/2026-10/versions", json!({})).await;
    posted(&admin, "/v1/statements/2026-10/close", json!({"total": version["total"]})).await;
    backend::budgets::evaluate_marks(&place.app.backend).await.unwrap();
    backend::statements::send_due(&place.app.backend).await.unwrap();
}

/// Names of the other team's, and amounts and tokens that hold something of it: of its project, of the team, of the organization, by month and over all.
async fn hidden(place: &Place) -> BTreeSet<String> {
    let reads = place.key(KeyScope::Read);
    let mut amounts: BTreeSet<Decimal> = [BUDGET, CHARGE, OF_NOBODY].map(|text| text.parse().unwrap()).into();
    let mut words: BTreeSet<String> = [WORD, PROJECT_SECRET, WHOLE_SECRET].map(str::to_owned).into();
    let money = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap();
    for bucket in ["none", "month"] {
        for by in ["project", "team", "allocated_team", "provider", "model"] {
            let answer = reads.get(&format!("/v1/spend?{DAYS}&bucket={bucket}&group_by={by}")).await.json();
            let others = answer["rows"].as_array().unwrap().iter().filter(|row| row[by] != "main");
            for row in others.chain([&answer["total"]]) {
                amounts.insert(money(&row["spend"]));
                let tokens = row["tokens"].as_i64().filter(|tokens| *tokens > 1_000_000);
                words.extend(tokens.into_iter().flat_map(|tokens| [tokens.to_string(), format::count(tokens)]));
            }
        }
    }
    for month in ["2026-10", "2026-11"] {
        let answer = reads.get(&format!("/v1/statements?month={month}")).await.json();
        let others = answer["teams"].as_array().unwrap().iter().filter(|team| team["team"] != "main");
        for total in others.chain([&answer["total"]]) {
            // What was shared with Main is Main's, too.
            amounts.extend(["spend", "charged", "total"].map(|of| money(&total[of])));
        }
    }
    // Small ones could be anything, a place in a chart among them.
    let large = amounts.into_iter().map(|amount| amount.abs()).filter(|amount| *amount > Decimal::ONE_HUNDRED);
    words.extend(large.flat_map(dresses));
    words
}

/// An amount in all its dresses.
fn dresses(amount: Decimal) -> [String; 6] {
    let plain = format::money_plain(amount);
    let rounded = format::money_rounded(amount);
    [
        format::money_full(amount),
        exact(amount),
        plain,
        rounded,
        format::money_compact(amount),
        amount.round_dp(2).to_string(),
    ]
}

/// Doors that are only read, in the way of whoever asks, with those of the team Main's own things.
fn doors(place: &Place, is_api: bool) -> Vec<Sample> {
    let of_kind = |sample: &Sample| matches!(sample.guard, Guard::Key(_)) == is_api && sample.guard != Guard::Open;
    let known = samples(&place.world).into_iter().filter(|sample| of_kind(sample) && !sample.changes());
    let own: &[&str] = if is_api {
        &[
            "/v1/spend?{days}&group_by=team,model&bucket=month",
            "/v1/spend?{days}&group_by=customer&bucket=day",
            "/v1/spend?{days}&group_by=feature,tag.branch",
            "/v1/spend?{days}&group_by=product_line",
            "/v1/spend/changes?from=2026-11-01&to=2026-12-01",
            "/v1/statements?month=2026-10",
            "/v1/export/focus?{days}&version=1.4&tags=customer",
            "/v1/export/focus/manifest?{days}",
        ]
    } else {
        &[
            "/o/acme?{days}",
            "/o/acme?from=2026-10-01&to=2026-11-01",
            "/o/acme/teams/main?{days}",
            "/o/acme/projects/main?{days}",
            "/o/acme/explore?{days}&group_by=team,model",
            "/o/acme/explore?{days}&group_by=customer&compare=previous",
            "/o/acme/explore?{days}&group_by=feature,step&chart=treemap",
            "/o/acme/explore?{days}&group_by=tag.branch&chart=heatmap",
            "/o/acme/explore?{days}&group_by=product_line",
            "/o/acme/explore.csv?{days}&group_by=customer,user",
            "/o/acme/events?{days}",
            "/o/acme/events.csv?{days}",
            "/o/acme/sessions?{days}",
            "/o/acme/sessions/own-session",
            "/o/acme/interactions?{days}",
            "/o/acme/coding-agents?{days}&by=branch",
            "/o/acme/suggestions?kind=anything&q=quag",
            "/o/acme/suggestions?kind=customer&q=quag",
            "/o/acme/suggestions?kind=tag.branch&q=",
            "/o/acme/statements?month=2026-10",
            "/o/acme/statements/2026-10",
            "/o/acme/statements/2026-10/team/main",
            "/o/acme/statements/2026-11/team/main",
            "/o/acme/statements/2026-10/project/main",
            "/o/acme/statements.csv?month=2026-10",
            "/o/acme/exports?{days}",
            "/o/acme/exports/focus?{days}&version=1.4&tags=customer",
            "/o/acme/forecast?by=team",
            "/o/acme/annotations?{days}",
        ]
    };
    let own = own.iter().map(|path| {
        let path = path.replace("{days}", DAYS);
        match is_api {
            true => super::sample::api(&format!("GET {path}"), path.clone()),
            false => super::sample::page(&path, path.clone()),
        }
    });
    known.chain(own).collect()
}

/// Which of some words a text has, with its markup and without it.
fn told<'a>(words: &'a BTreeSet<String>, body: &str) -> Vec<&'a str> {
    let plain = text(body);
    words.iter().map(String::as_str).filter(|word| body.contains(word) || plain.contains(word)).collect()
}

fn around(body: &str, word: &str) -> String {
    let plain = if body.contains(word) { body.to_owned() } else { text(body) };
    let at = plain.find(word).unwrap_or_default();
    let before: Vec<char> = plain[..at].chars().rev().take(160).collect();
    before.into_iter().rev().chain(plain[at..].chars().take(60)).collect()
}

/// What doors tell whoever asks of the words; and how many tell of `own`.
async fn found(doors: &[Sample], client: &Client, words: &BTreeSet<String>, own: &str) -> (Vec<String>, usize) {
    let (mut faults, mut owns) = (Vec::new(), 0);
    for door in doors {
        let Answer { status, body, .. } = door.knock(client).await;
        assert!(!status.is_server_error(), "{}: {status} {body}", door.door);
        owns += usize::from(told(&[own.to_owned()].into(), &body).len());
        // What was asked for is no news, and it is in the address.
        let asked = |word: &&str| door.door.contains(*word);
        let told = told(words, &body);
        faults.extend(
            told.into_iter()
                .filter(|word| !asked(word))
                .map(|word| format!("{} tells {word}: {}", door.door, around(&body, word))),
        );
    }
    (faults, owns)
}

#[tokio::test]
async fn whoever_sees_one_team_finds_no_name_amount_or_total_of_another() {
    let place = Place::new().await;
    fill(&place).await;
    let words = hidden(&place).await;
    let own = format::money_plain("51.65".parse().unwrap());
    let (pages, api) = (doors(&place, false), doors(&place, true));

    let mut known = BTreeSet::new();
    for (doors, all) in [(&pages, place.member(Role::Owner).await), (&api, place.key(KeyScope::Read))] {
        for door in doors {
            let body = door.knock(&all).await.body;
            known.extend(told(&words, &body).into_iter().map(str::to_owned));
        }
    }
    let (faults, owns) = found(&pages, &place.limited().await, &words, &own).await;
    let (by_key, _) = found(&api, &place.bound_key(), &words, &own).await;
    let faults: Vec<String> = faults.into_iter().chain(by_key).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(owns > 5, "only {owns} doors tell their own {own}");
    assert!(
        known.len() > words.len() / 4 && known.contains(WORD),
        "{} of {} words are real: {known:?}",
        known.len(),
        words.len()
    );

    let mails = backend::delivery::shown(&place.app.backend).await.unwrap();
    let theirs: Vec<_> = mails.iter().filter(|mail| mail.recipient == LIMITED).collect();
    let subjects: Vec<&str> = theirs.iter().map(|mail| mail.subject.as_str()).collect();
    for wanted in ["Own budget", "Statement of "] {
        assert!(subjects.iter().any(|subject| subject.contains(wanted)), "{wanted} in {subjects:?}");
    }
    for mail in theirs {
        let whole = format!("{} {} {}", mail.subject, mail.text, mail.html);
        assert_eq!(told(&words, &whole), Vec::<&str>::new(), "{whole}");
    }
}
