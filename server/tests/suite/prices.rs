//! `/v1/prices` and the pages of the price book through the real router.

use crate::support::{Client, FORM_WITH_FILE, TestApp, form_with_file};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use backend::keys::NewKey;
use domain::event::EventInput;
use domain::identity::KeyScope;
use domain::project::KeyProject;
use secrecy::ExposeSecret;
use serde_json::json;

/// The application over the program's own price book.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    backend::prices::sync_seed(&app.backend.pool, &*app.backend.clock).await.unwrap();
    app
}

/// The owner's browser.
async fn owner(app: &TestApp, email: &str) -> Client {
    let browser = app.anonymous();
    let fields = [("email", email), ("password", testkit::seed::PASSWORD)];
    let signed_in = browser.post_form("/fn/identity/sign-in", &fields).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    browser
}

/// A page with ordinary blanks.
fn plain(page: &str) -> String {
    page.replace('\u{a0}', " ")
}

#[tokio::test]
async fn models_are_found_and_shown_with_every_dated_price() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let found = api.get("/v1/prices?q=o3&provider=openai&limit=1").await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.body);
    let model = &found.json()["models"][0];
    assert_eq!((&model["provider"], &model["model"]), (&json!("openai"), &json!("o3")));
    let input = json!({"rate": "2", "per": 1_000_000, "valid_from": "2025-06-10T00:00:00Z", "own": false});
    assert_eq!((&model["input"], &model["own"]), (&input, &json!(false)));
    let next = found.json()["next"].as_str().unwrap().to_owned();
    let second = api.get(&format!("/v1/prices?q=o3&provider=openai&limit=1&cursor={next}")).await.json();
    assert_ne!(second["models"][0]["model"], "o3");
    assert_eq!(second["matching"], found.json()["matching"]);

    let model = api.get("/v1/prices/openai/o3").await.json();
    let old = model["prices"].as_array().unwrap().iter().find(|price| price["rate"] == "40").unwrap();
    assert_eq!((&old["meter"], &old["terms"]), (&json!("output"), &json!("Standard")));
    assert_eq!((&old["valid_to"], &old["source"]), (&json!("2025-06-10T00:00:00Z"), &json!("genai-prices")));
    assert!(model["aliases"].as_array().unwrap().iter().any(|alias| alias["pattern"] == "=o3-2025-04-16"));

    // A slash in a name is written as %2F.
    let slashed = api.get("/v1/prices?provider=openrouter&q=openai/gpt-4o&limit=1").await.json();
    let name = slashed["models"][0]["model"].as_str().unwrap().replace('/', "%2F");
    assert_eq!(api.get(&format!("/v1/prices/openrouter/{name}")).await.status, StatusCode::OK, "{name}");

    let file = api.get("/v1/prices?q=o3&provider=openai&format=csv").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(file.body.starts_with("price_id,provider,model,meter,unit,terms,rate,per,currency,"), "{}", file.body);
}

#[tokio::test]
async fn whoever_may_not_read_is_refused_and_wrong_parameters_are_named() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    for (query, pointer) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("colour=red", "colour")] {
        let refused = api.get(&format!("/v1/prices?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    assert_eq!(api.get("/v1/prices/openai/no-such-model").await.status, StatusCode::NOT_FOUND);
    let owner = backend::identity::system_scope(&app.backend, acme.scope.org_id()).await.unwrap();
    let project = backend::projects::list_projects(&app.backend, &owner).await.unwrap()[0].project_id;
    let new = NewKey {
        name: "ingest".to_owned(),
        scopes: [KeyScope::Ingest].into(),
        project: KeyProject::AllWithDefault(project),
        expires_at: None,
    };
    let key = backend::keys::create(&app.backend, &owner, new).await.unwrap();
    let ingest = app.api(key.secret.expose_secret());
    for path in ["/v1/prices", "/v1/prices/openai/o3"] {
        assert_eq!(app.anonymous().get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(ingest.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_pages_say_what_is_used_and_since_when_it_costs_what() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let event = |model: &str| EventInput {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        ..EventInput::default()
    };
    let sent = vec![event("o3-2025-04-16"), event("no-such-model")];
    backend::events::ingest_inputs(&app.backend, &acme.scope, sent).await.unwrap();
    let browser = owner(&app, &acme.email).await;

    let page = browser.get("/o/acme/prices").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "2 models used in November for $0.0028",
        "50.0 % of requests priced",
        "1 request of this month without a price",
        "href=\"/o/acme/prices/openai/o3\"",
        "not in the book",
        "genai-prices",
    ] {
        assert!(plain(&page.body).contains(part), "{part} in {}", page.body);
    }
    let found = browser.get("/o/acme/prices?q=sonnet+4&book_provider=anthropic").await.body;
    assert!(
        found.contains("/o/acme/prices/anthropic/claude-sonnet-4") && found.contains("value=\"sonnet 4\""),
        "{found}"
    );
    assert!(!found.contains("/o/acme/prices/aws/"), "only the chosen provider");

    let model = browser.get("/o/acme/prices/openai/o3").await;
    assert_eq!(model.status, StatusCode::OK);
    for part in [
        "Input $2.00 per 1M tokens, Output $8.00 per 1M tokens, since Jun 10, 2025.",
        "Jun 10, 2025: Input $10.00 to $2.00",
        "o3-2025-04-16",
        "chart-svg",
    ] {
        assert!(plain(&model.body).contains(part), "{part} in {}", model.body);
    }
    let derived = plain(&browser.get("/o/acme/prices/openai/gpt-5").await.body);
    for reason in ["Derived: ", domain::price::Derivation::ListedUndated.reason()] {
        assert!(derived.contains(reason), "{reason} in {derived}");
    }
    assert_eq!(browser.get("/o/acme/prices/openai/no-such-model").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/o/acme/prices/openai").await.status, StatusCode::NOT_FOUND);

    let file = browser.get("/o/acme/prices.csv?q=o3&provider=openai").await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"acme-prices.csv\""));
    let stranger = app.anonymous().send(Method::GET, "/o/acme/prices.csv", &[], Body::empty()).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let other = app.organization("Other", "UTC").await;
    let other = owner(&app, &other.email).await;
    for path in ["/o/acme/prices", "/o/acme/prices/openai/o3", "/o/acme/prices.csv"] {
        assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A browser that posts forms from the pages of this room.
async fn post(browser: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<_> = [("org", "acme")].into_iter().chain(fields.iter().copied()).collect();
    let answer = browser.post_form_from("/o/acme/prices/own", path, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

fn unpriced(model: &str) -> EventInput {
    EventInput {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        usage: json!({"prompt_tokens": 1000, "completion_tokens": 100}),
        ..EventInput::default()
    }
}

#[tokio::test]
async fn one_click_maps_a_name_and_prices_what_waits_and_can_be_taken_back() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let sent = vec![unpriced("prod-gpt-4o"), unpriced("prod-gpt-4o")];
    backend::events::ingest_inputs(&app.backend, &acme.scope, sent).await.unwrap();
    let browser = owner(&app, &acme.email).await;
    let queue = plain(&browser.get("/o/acme/events/unpriced").await.body);
    assert!(queue.contains("Map prod-gpt-4o of openai to gpt-4o of openai and price its events"), "{queue}");
    let unpriced = app.api(&acme.key).get("/v1/unpriced").await.json();
    assert_eq!(unpriced["models"][0]["may_mean"][0], json!({"provider": "openai", "model": "gpt-4o"}));

    let fields = [
        ("provider", "openai"),
        ("name", "prod-gpt-4o"),
        ("to_provider", "openai"),
        ("to_model", "gpt-4o"),
        ("price_unpriced", "true"),
    ];
    // The queue says what the button would do; whoever has not seen exactly that is shown it first.
    let effect = "Prices 2 of 2 waiting events for $0.007, all in main.";
    assert!(queue.contains(effect) && queue.contains("value=\"2/2/0.007000000000\""), "{queue}");
    let form = "/o/acme/prices/own/name?provider=openai&name=prod-gpt-4o&unpriced=true";
    browser.post_form_from(form, "/fn/prices/map", &[&[("org", "acme")], &fields[..]].concat()).await;
    let shown = plain(&browser.get(form).await.body);
    assert!(shown.contains(effect) && shown.contains("Confirm") && shown.contains("value=\"gpt-4o\""), "{shown}");
    assert!(plain(&browser.get("/o/acme/events/unpriced").await.body).contains("prod-gpt-4o"), "nothing has moved");

    let seen = [&fields[..], &[("seen", "2/2/0.007000000000")]].concat();
    let run = post(&browser, "/fn/prices/map", &seen).await;
    let page = plain(&browser.get(&run).await.body);
    // 1,000 input tokens at $2.50 and 100 output tokens at $10 a million, twice.
    for part in ["Pricing run", "+$0.007", "Events that get a price", "Repricing complete"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(plain(&browser.get("/o/acme/events/unpriced").await.body).contains("Everything is priced"));
    assert!(
        plain(&browser.get("/o/acme/prices/runs").await.body).contains("Mapped openai/prod-gpt-4o to openai/gpt-4o")
    );
    assert!(plain(&browser.get("/o/acme/prices/own").await.body).contains("prod-gpt-4o"));

    let id = run.rsplit('/').next().unwrap();
    browser.post_form_from(&run, "/fn/prices/reverse-run", &[("org", "acme"), ("run", id), ("reason", "")]).await;
    assert!(plain(&browser.get(&run).await.body).contains("Say why"), "a reason is needed");
    let fields = [("org", "acme"), ("run", id), ("reason", "A mistake")];
    browser.post_form_from(&run, "/fn/prices/reverse-run", &fields).await;
    let page = plain(&browser.get(&run).await.body);
    assert!(page.contains("Taken back on") && page.contains("A mistake"), "{page}");
}

#[tokio::test]
async fn an_unusual_price_asks_for_a_confirmation_and_a_change_can_be_undone() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let browser = owner(&app, &acme.email).await;
    let form = "/o/acme/prices/own/price?provider=openai&model=o3";
    assert!(browser.get(form).await.body.contains("value=\"o3\""));
    let fields = [
        ("org", "acme"),
        ("provider", "openai"),
        ("model", "o3"),
        ("rates[0][meter]", "output"),
        ("rates[0][rate]", "0.000008"),
        ("source", "Contract 7"),
    ];
    browser.post_form_from(form, "/fn/prices/enter", &fields).await;
    let page = plain(&browser.get(form).await.body);
    assert!(page.contains("name=\"confirmed\"") && page.contains("This looks like a price of one token"), "{page}");
    assert!(page.contains("value=\"0.000008\""), "what was typed is still there");

    let fields = [
        ("provider", "openai"),
        ("model", "o3"),
        ("rates[0][meter]", "output"),
        ("rates[0][rate]", "7"),
        ("source", "Contract 7"),
        ("confirmed", "true"),
    ];
    let to = post(&browser, "/fn/prices/enter", &fields).await;
    assert_eq!(to, "/o/acme/prices/openai/o3?notice=entered");
    let page = plain(&browser.get(&to).await.body);
    assert!(page.contains("The price is entered") && page.contains("Output $7.00 per 1M tokens"), "{page}");
    let api = app.api(&acme.key);
    let entered = api.get("/v1/price-overrides").await.json()["overrides"][0].clone();
    assert_eq!(
        (&entered["rate"], &entered["source"], &entered["model"]),
        (&json!("7"), &json!("Contract 7"), &json!("o3"))
    );
    let change = entered["change_id"].as_str().unwrap().to_owned();
    assert!(browser.get("/o/acme/prices/own").await.body.contains(&change));
    let undone = api.post_json(&format!("/v1/rule-changes/{change}/undo"), &json!({})).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.body);
    assert!(plain(&browser.get("/o/acme/prices/openai/o3").await.body).contains("Output $8.00 per 1M tokens"));
    let again = api.post_json(&format!("/v1/rule-changes/{change}/undo"), &json!({})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn own_prices_names_and_runs_through_the_api() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let wrong = json!({"provider": "openai", "model": "o3", "meter": "thoughts", "rate": "-1", "source": ""});
    let refused = api.post_json("/v1/price-overrides", &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let pointers: Vec<_> =
        refused.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert!(["/meter", "/rate", "/source"].iter().all(|field| pointers.contains(&json!(field))), "{pointers:?}");

    backend::events::ingest_inputs(&app.backend, &acme.scope, vec![unpriced("gpt-4o")]).await.unwrap();
    let price = json!({"provider": "openai", "model": "gpt-4o", "meter": "input_uncached", "rate": "2", "source": "Contract 7", "confirmed": true});
    assert_eq!(api.post_json("/v1/price-overrides", &price).await.status, StatusCode::CREATED);
    let begun = api.post_json("/v1/repricing-runs", &json!({"kind": "repricing", "from": "2026-11-01"})).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    let path = begun.header("location").unwrap().to_owned();
    let run = api.get(&path).await.json();
    assert_eq!((&run["state"], &run["preview"]["moved"]), (&json!("previewed"), &json!(1)));
    assert_eq!(run["preview"]["delta"], "-0.000500000000");
    assert_eq!(run["selection"], json!({"from": ["2026-11-01T00:00:00Z"]}));
    let refused = api.post_json(&format!("{path}/confirm"), &json!({"reason": " "})).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["pointer"].clone()),
        (StatusCode::BAD_REQUEST, json!("/reason"))
    );
    let confirmed = api.post_json(&format!("{path}/confirm"), &json!({"reason": "Contract 7"})).await;
    assert_eq!(confirmed.status, StatusCode::ACCEPTED, "{}", confirmed.body);
    assert_eq!(api.get(&path).await.json()["state"], "done");
    let spend = api.get("/v1/spend?from=2026-11-01&to=2026-12-01").await.json();
    assert_eq!(spend["total"]["spend"], "0.003000000000");

    let mapping = json!({"provider": "openai", "name": "ours", "to_provider": "openai", "to_model": "gpt-4o"});
    assert_eq!(api.post_json("/v1/model-aliases", &mapping).await.status, StatusCode::CREATED);
    let held = api.get("/v1/model-aliases").await.json()["aliases"][0].clone();
    assert_eq!((&held["pattern"], &held["to_model"]), (&json!("=ours"), &json!("gpt-4o")));
    let end = format!("/v1/rules/{}/end", held["rule_id"]);
    assert_eq!(api.post_json(&end, &json!({"valid_to": "2026-12-01"})).await.status, StatusCode::OK);

    let globex = app.organization("Globex", "UTC").await;
    let other = app.api(&globex.key);
    assert_eq!(other.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        other.post_json(&format!("{path}/reverse"), &json!({"reason": "x"})).await.status,
        StatusCode::NOT_FOUND
    );
    for (list, name) in [("price-overrides", "overrides"), ("model-aliases", "aliases"), ("repricing-runs", "runs")] {
        assert_eq!(other.get(&format!("/v1/{list}")).await.json()[name], json!([]), "{list}");
    }
}

/// gpt-4o with cheaper input, and output at what looks like the price of one token.
const LIST: &str =
    "s\tgenai-prices\t9.9\np\topenai\nm\tgpt-4o\nr\tinput_uncached\t\t\t2\t1000000\nr\toutput\t\t\t0.00001\t1000000\n";

#[tokio::test]
async fn a_file_of_prices_is_compared_and_what_is_named_is_entered() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let api = app.api(&acme.key);
    let text = [("content-type", "text/plain"), ("accept", "application/json")];
    let sent = api.send(Method::POST, "/v1/price-imports?file_name=list.tsv", &text, Body::from(LIST)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.body);
    let at = sent.header("location").unwrap().to_owned();
    let import = sent.json();
    assert_eq!((&import["source"], &import["file_name"]), (&json!("genai-prices 9.9"), &json!("list.tsv")));
    let proposals = import["proposals"].as_array().unwrap();
    let of = |meter: &str| {
        proposals.iter().find(|one| one["after"]["meter"] == meter && one["after"]["terms"] == "Standard").unwrap()
    };
    let input = of("input_uncached");
    assert_eq!((&input["kind"], &input["doubts"]), (&json!("changed"), &json!([])));
    assert_eq!((&input["before"]["rate"], &input["after"]["rate"]), (&json!("2.5"), &json!("2")));
    assert!(of("output")["doubts"][0].as_str().unwrap().contains("a price of one token"), "{}", of("output"));
    assert_eq!(api.get(&at).await.json(), import);
    assert_eq!(api.get("/v1/price-imports").await.json()["imports"][0]["id"], import["id"]);

    let apply = format!("{at}/apply");
    let nothing = api.post_json(&apply, &json!({"reason": "List", "proposals": []})).await;
    assert_eq!(
        (nothing.status, &nothing.json()["errors"][0]["pointer"]),
        (StatusCode::BAD_REQUEST, &json!("/proposals"))
    );
    let strange = api.post_json(&apply, &json!({"reason": "List", "proposals": [1]})).await;
    assert_eq!(strange.status, StatusCode::CONFLICT);
    let applied = api.post_json(&apply, &json!({"reason": "List", "proposals": [input["id"]]})).await;
    assert_eq!((applied.status, &applied.json()["applied"]), (StatusCode::OK, &json!(1)), "{}", applied.body);
    let own = api.get("/v1/price-overrides").await.json();
    assert!(
        own["overrides"]
            .as_array()
            .unwrap()
            .iter()
            .any(|price| price["rate"] == "2" && price["meter"] == "input_uncached")
    );

    let refused = api.send(Method::POST, "/v1/price-imports", &text, Body::from("hello")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let large = "#".repeat(domain::price::import::MAX_FILE_BYTES + 1);
    assert_eq!(
        api.send(Method::POST, "/v1/price-imports", &text, Body::from(large)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn a_browsers_form_sends_a_file_and_is_led_to_what_it_proposes() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    let browser = owner(&app, &acme.email).await;
    let page = "http://tallystick.test/o/acme/prices/imports";
    let headers = [
        ("content-type", FORM_WITH_FILE),
        ("accept", "text/html"),
        ("sec-fetch-site", "same-origin"),
        ("referer", page),
    ];
    let texts = [("version".to_owned(), "5".to_owned())];
    let send = async |file: &str| {
        browser.send(Method::POST, "/o/acme/prices/imports", &headers, Body::from(form_with_file(&texts, file))).await
    };
    let sent = send(LIST).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let at = sent.header("location").unwrap().to_owned();
    let review = browser.get(&at).await;
    assert_eq!(review.status, StatusCode::OK);
    for part in
        ["genai-prices 9.9 beside your prices", "needs confirmation", "a price of one token", "Enter the prices"]
    {
        assert!(plain(&review.body).contains(part), "{part} in {}", review.body);
    }
    let import = at.rsplit('/').next().unwrap().to_owned();
    let fields = [("org", "acme"), ("import", import.as_str()), ("what", "sure"), ("reason", "List of November")];
    let entered = browser.post_form("/fn/prices/apply-import", &fields).await;
    assert_eq!(entered.header("location"), Some(format!("{at}?notice=imported").as_str()), "{}", entered.body);
    let own = browser.get("/o/acme/prices/own").await;
    assert!(plain(&own.body).contains("Imported 1 price of 1 model from genai-prices 9.9"), "{}", own.body);

    let refused = send("hello").await;
    assert_eq!(refused.header("location"), Some("/o/acme/prices/imports"), "back to the form");
    let again = browser.get("/o/acme/prices/imports").await;
    assert!(plain(&again.body).contains("The price list cannot be read: line 1"), "{}", again.body);
    let ticked = [("org", "acme"), ("import", import.as_str()), ("what", "ticked"), ("reason", "None")];
    let none = browser.post_form_from(&at, "/fn/prices/apply-import", &ticked).await;
    assert_eq!(none.header("location"), Some(at.as_str()));
    assert!(browser.get(&at).await.body.contains("Tick what is to be entered."));
}

#[tokio::test]
async fn a_list_that_ends_somewhere_says_how_many_more_there_are() {
    let app = start().await;
    let acme = app.organization("Acme", "UTC").await;
    for number in 0..201 {
        let form = domain::price::BasisForm {
            basis: "reported".to_owned(),
            provider: format!("provider-{number}"),
            reason: "The invoice follows it.".to_owned(),
            ..domain::price::BasisForm::default()
        };
        backend::prices::choose_basis(&app.backend, &acme.scope, &form.parse().unwrap()).await.unwrap();
    }
    let api = app.api(&acme.key);
    let basis = api.get("/v1/cost-basis").await.json();
    assert_eq!((basis["choices"].as_array().unwrap().len(), &basis["more"]), (200, &json!(1)));
    assert_eq!(api.get("/v1/rule-changes").await.json()["more"], 0);
    let page = owner(&app, &acme.email).await.get("/o/acme/prices/basis").await;
    assert!(plain(&page.body).contains("1 more not listed."), "{}", page.body);
}
