//! An organization's imports of newer price data: what is proposed, what it would have meant, what is entered.

use crate::prices::send;
use backend::prices::{self, import};
use backend::{Backend, Error, OrgScope, events};
use domain::event::EventInput;
use domain::price::PriceWarning;
use domain::price::import::{Choice, Counts, Import, ImportInput, ProposalKind};
use domain::problem::Problem;
use serde_json::json;
use testkit::TestDatabase;
use testkit::seed::{self, Organization};

const NOW: &str = "2026-11-20T12:00:00Z";

/// gpt-4o: input 2.5 -> 2, cached input a million times too cheap, output as it is; and a model that nobody knows.
const LIST: &str = "s\tgenai-prices\t9.9\np\topenai\nm\tgpt-4o\nr\tinput_uncached\t\t\t2\t1000000\n\
    r\tinput_cache_read\t\t\t0.00000125\t1000000\nr\toutput\t\t\t10\t1000000\n\
    m\tgpt-99\na\t^gpt-99\nr\tinput_uncached\t\t\t1\t1000000\nr\toutput\t\t\t4\t1000000\n";

async fn start(database: &TestDatabase) -> (Backend, Organization) {
    let (backend, _) = seed::backend(database, NOW);
    prices::sync_seed(&backend.pool, &*backend.clock).await.unwrap();
    let acme = seed::organization(&backend, "Asia/Kolkata").await;
    (backend, acme)
}

async fn draft(backend: &Backend, scope: &OrgScope, text: &str) -> Result<Import, Error> {
    let input = ImportInput::read("list.tsv", text.as_bytes(), "", "").unwrap();
    import::draft(backend, scope, input).await
}

async fn cached(backend: &Backend, scope: &OrgScope, id: &str) -> String {
    let event: EventInput = serde_json::from_value(json!({
        "id": id, "timestamp": "2026-11-20T09:41:07Z", "provider": "openai", "model": "gpt-4o",
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 1_000}}
    }))
    .unwrap();
    let answer = events::ingest_inputs(backend, scope, vec![event]).await.unwrap();
    answer.results[0].cost.unwrap().normalize().to_string()
}

fn text(amount: Option<rust_decimal::Decimal>) -> Option<String> {
    amount.map(|amount| amount.normalize().to_string())
}

#[tokio::test]
async fn an_import_shows_what_it_would_have_meant_and_enters_what_is_chosen() {
    let database = TestDatabase::new().await;
    let (backend, acme) = start(&database).await;
    for (id, model) in [("one", "gpt-4o"), ("two", "gpt-4o-2024-08-06"), ("new", "gpt-99-2026-11-01"), ("other", "o3")]
    {
        send(&backend, &acme.api, id, model).await;
    }

    let import = draft(&backend, &acme.owner, LIST).await.unwrap();
    let sure = import.proposals.iter().filter(|proposal| !proposal.needs_confirmation());
    let said: Vec<String> =
        sure.map(|proposal| format!("{} {}", proposal.kind.as_str(), proposal.model().model)).collect();
    assert_eq!(said, ["changed gpt-4o", "new_model gpt-99", "new_model gpt-99"]);
    let millionfold =
        import.proposals.iter().find(|proposal| matches!(proposal.warnings[..], [PriceWarning::Millionfold { .. }]));
    assert_eq!(millionfold.unwrap().kind, ProposalKind::Changed);
    assert_eq!((import.unchanged, import.entry.source.as_str()), (1, "genai-prices 9.9"));

    let effect = &import.effect;
    let rows: Vec<_> = effect
        .models
        .iter()
        .map(|row| {
            let sums = &row.sums;
            (
                row.model.model.as_str(),
                sums.events,
                sums.priced,
                sums.before.normalize().to_string(),
                sums.sure.normalize().to_string(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("gpt-99", 1, 1, "0".to_owned(), "0.0014".to_owned()),
            ("gpt-4o", 2, 0, "0.007".to_owned(), "0.006".to_owned())
        ],
        "every event rated again; o3 does not change"
    );
    assert!(!effect.cut);

    let applied =
        import::apply(&backend, &acme.owner, import.entry.import_id, &Choice::Sure, "List of November").await.unwrap();
    assert_eq!(applied.entry.applied, 3);
    assert_eq!(Counts::of(&applied.proposals).sure(), 0, "what is left needs a confirmation");
    assert_eq!(text(send(&backend, &acme.api, "later", "gpt-4o").await).as_deref(), Some("0.003"));
    assert_eq!(text(send(&backend, &acme.api, "later new", "gpt-99-2026-11-01").await).as_deref(), Some("0.0014"));
    assert_eq!(cached(&backend, &acme.api, "cached").await, "0.00125", "what did not change costs what it did");
    let before = events::find(&backend, &acme.owner, "one").await.unwrap();
    assert_eq!(text(before.row.cost).as_deref(), Some("0.0035"), "what was recorded keeps its cost");
    let change = prices::own_book(&backend, &acme.owner).await.unwrap().changes.rows.remove(0);
    let detail = change.detail.replace('\u{a0}', " ");
    assert_eq!(detail, "Imported 3 prices of 2 models from genai-prices 9.9 (list.tsv): List of November");

    let id = millionfold.unwrap().id();
    let confirmed =
        import::apply(&backend, &acme.owner, import.entry.import_id, &Choice::These(vec![id]), "So it is").await;
    assert_eq!(confirmed.unwrap().entry.applied, 4);
    assert_eq!(cached(&backend, &acme.api, "cached later").await, "0.00000000125");
    let again = import::apply(&backend, &acme.owner, import.entry.import_id, &Choice::These(vec![id]), "Again").await;
    assert!(matches!(again.unwrap_err().into_problem(), Problem::Conflict { .. }), "it is no longer proposed");
}

#[tokio::test]
async fn an_import_is_one_change_that_can_be_undone() {
    let database = TestDatabase::new().await;
    let (backend, acme) = start(&database).await;
    let drafted = draft(&backend, &acme.owner, LIST).await.unwrap();
    import::apply(&backend, &acme.owner, drafted.entry.import_id, &Choice::Sure, "November").await.unwrap();
    let change = prices::own_book(&backend, &acme.owner).await.unwrap().changes.rows.remove(0);
    prices::undo(&backend, &acme.owner, change.change_id).await.unwrap();
    let proposed = import::import(&backend, &acme.owner, drafted.entry.import_id).await.unwrap().proposals;
    assert_eq!(proposed, drafted.proposals, "it proposes the same again");
    assert_eq!(text(send(&backend, &acme.api, "after", "gpt-4o").await).as_deref(), Some("0.0035"));
}

#[tokio::test]
async fn an_import_belongs_to_its_organization_and_to_those_who_manage_prices() {
    let database = TestDatabase::new().await;
    let (backend, acme) = start(&database).await;
    let globex = seed::organization(&backend, "UTC").await;
    let drafted = draft(&backend, &acme.owner, LIST).await.unwrap();
    let id = drafted.entry.import_id;
    let hidden = import::import(&backend, &globex.owner, id).await.unwrap_err().into_problem();
    assert_eq!(hidden, Problem::NotFound);
    let hidden = import::apply(&backend, &globex.owner, id, &Choice::Sure, "Theirs").await.unwrap_err().into_problem();
    assert_eq!(hidden, Problem::NotFound);
    assert!(import::list(&backend, &globex.owner).await.unwrap().is_empty());
    let (_, bound) = seed::bound_key(&backend, &acme.owner, &acme.project).await;
    for refused in [
        draft(&backend, &bound, LIST).await.map(drop),
        import::apply(&backend, &bound, id, &Choice::Sure, "No").await.map(drop),
        import::list(&backend, &bound).await.map(drop),
    ] {
        assert!(matches!(refused.unwrap_err().into_problem(), Problem::Forbidden { .. }));
    }
    assert_eq!(import::list(&backend, &acme.owner).await.unwrap()[0].import_id, id);
    import::apply(&backend, &acme.owner, id, &Choice::Sure, "Ours").await.unwrap();
    assert_eq!(text(send(&backend, &globex.api, "theirs", "gpt-4o").await).as_deref(), Some("0.0035"));
}

#[tokio::test]
async fn a_file_that_is_no_price_data_is_refused_with_a_reason() {
    let database = TestDatabase::new().await;
    let (backend, acme) = start(&database).await;
    for (text, reason) in [
        ("hello", "line 1: not a record"),
        ("[]", "no prices"),
        ("{\"a\": 1", "no JSON"),
        (
            "s\tx\t1\np\ta\nm\tb\nr\toutput\t\t\t-3\t1\n",
            "no prices: a/b, output: a negative price means that it varies",
        ),
    ] {
        let problem = draft(&backend, &acme.owner, text).await.unwrap_err().into_problem();
        let [field] = problem.fields() else { panic!("{problem:?}") };
        assert!(field.pointer == "file" && field.detail.contains(reason), "{field:?}");
    }
    assert!(import::list(&backend, &acme.owner).await.unwrap().is_empty());
    let drafted = draft(&backend, &acme.owner, LIST).await.unwrap();
    let unsaid = import::apply(&backend, &acme.owner, drafted.entry.import_id, &Choice::Sure, " ").await;
    assert_eq!(unsaid.unwrap_err().into_problem().fields()[0].pointer, "reason");
}
