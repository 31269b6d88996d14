//! The price book: the common part is the same for everybody. The organization's own book, what waits for a price, runs.

use crate::doors::sample::{Guard, Sample, api, file, form, page};
use crate::doors::world::{PRICE_LIST, PROJECT_SECRET, SECRET, World};
use domain::identity::{KeyScope, Permission};
use serde_json::json;

pub(in crate::doors) fn samples(world: &World) -> Vec<Sample> {
    [common(), own(world), discounts(), contract(), imports(world), runs(world)].into_iter().flatten().collect()
}

fn manages(sample: Sample) -> Sample {
    sample.needs(Permission::ManagePrices)
}

fn administers(sample: Sample) -> Sample {
    sample.guarded(Guard::Key(KeyScope::Admin))
}

fn common() -> Vec<Sample> {
    let question = json!({"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1}});
    vec![
        page("/o/{org}/prices", "/o/acme/prices"),
        page("/o/{org}/prices/{provider}/{*model}", "/o/acme/prices/openai/gpt-4o"),
        page("/o/{org}/prices.csv", "/o/acme/prices.csv"),
        page("/o/{org}/prices/own.csv", "/o/acme/prices/own.csv"),
        api("GET /v1/prices", "/v1/prices?q=gpt"),
        api("GET /v1/prices/{provider}/{model}", "/v1/prices/openai/gpt-4o").common(),
        api("POST /v1/quotes", "/v1/quotes").body(question).common(),
    ]
}

fn own(world: &World) -> Vec<Sample> {
    let (price, change) = (world.price.as_str(), world.price_change.as_str());
    let model = format!("{PROJECT_SECRET}-{SECRET}");
    let entered = [
        ("provider", "openai"),
        ("model", "next"),
        ("rates[0][meter]", "output"),
        ("rates[0][rate]", "7"),
        ("source", "Contract"),
    ];
    let entered: Vec<_> = entered.into_iter().chain([("confirmed", "true")]).collect();
    let mapped = [("provider", "openai"), ("name", "next"), ("to_provider", "openai"), ("to_model", "gpt-4o")];
    let override_ = json!({"provider": "openai", "model": "next", "meter": "output", "rate": "7", "source": "Contract", "confirmed": true});
    let mapping = json!({"provider": "openai", "name": "next", "to_provider": "openai", "to_model": "gpt-4o"});
    let end = json!({"valid_to": "2026-12-01"});
    vec![
        page("/o/{org}/prices/own", "/o/acme/prices/own"),
        manages(page("/o/{org}/prices/own/price", "/o/acme/prices/own/price")),
        manages(page("/o/{org}/prices/own/name", "/o/acme/prices/own/name")),
        manages(form("prices/enter", &entered)),
        manages(form("prices/end", &[("rule", price), ("valid_to", "2026-12-01"), ("page", "own")])),
        manages(form("prices/map", &mapped)),
        manages(form("prices/undo", &[("change", change)])),
        manages(form("prices/price-unpriced", &[("provider", "openai"), ("model", &model)])),
        api("GET /v1/price-overrides", "/v1/price-overrides"),
        administers(api("POST /v1/price-overrides", "/v1/price-overrides")).body(override_),
        administers(api("POST /v1/rules/{rule_id}/end", format!("/v1/rules/{price}/end"))).body(end),
        api("GET /v1/model-aliases", "/v1/model-aliases"),
        administers(api("POST /v1/model-aliases", "/v1/model-aliases")).body(mapping),
        api("GET /v1/rule-changes", "/v1/rule-changes"),
        administers(api("POST /v1/rule-changes/{change_id}/undo", format!("/v1/rule-changes/{change}/undo"))),
        api("GET /v1/unpriced", "/v1/unpriced"),
        page("/o/{org}/prices/basis", "/o/acme/prices/basis"),
        manages(form("prices/choose-basis", &[("basis", "reported"), ("reason", "Contract")])),
        api("GET /v1/cost-basis", "/v1/cost-basis"),
        administers(api("POST /v1/cost-basis", "/v1/cost-basis"))
            .body(json!({"basis": "reported", "provider": "openrouter", "reason": "Contract"})),
        api("GET /v1/billing-basis", "/v1/billing-basis"),
        administers(api("POST /v1/billing-basis", "/v1/billing-basis"))
            .body(json!({"key_id": world.key_id, "basis": "included", "reason": "Team plan"})),
    ]
}

fn imports(world: &World) -> Vec<Sample> {
    let import = world.import.as_str();
    let apply = [("import", import), ("what", "sure"), ("reason", "List")];
    vec![
        page("/o/{org}/prices/imports", "/o/acme/prices/imports"),
        page("/o/{org}/prices/imports/{import}", format!("/o/acme/prices/imports/{import}")),
        manages(file("/o/{org}/prices/imports", "/o/acme/prices/imports", &[("version", "1")], PRICE_LIST)),
        manages(form("prices/apply-import", &apply)),
        api("GET /v1/price-imports", "/v1/price-imports"),
        administers(api("POST /v1/price-imports", "/v1/price-imports")).text(PRICE_LIST),
        api("GET /v1/price-imports/{import_id}", format!("/v1/price-imports/{import}")),
        administers(api("POST /v1/price-imports/{import_id}/apply", format!("/v1/price-imports/{import}/apply")))
            .body(json!({"reason": "List"})),
    ]
}

fn discounts() -> Vec<Sample> {
    let typed = [("kind", "discount"), ("percent", "12"), ("source", "Contract")];
    let sent = json!({"kind": "discount", "percent": "12", "source": "Contract"});
    vec![
        page("/o/{org}/prices/discounts", "/o/acme/prices/discounts"),
        manages(page(
            "/o/{org}/prices/discounts/new",
            "/o/acme/prices/discounts/new?kind=discount&percent=12&source=Contract",
        )),
        manages(form("prices/add-modifier", &typed)),
        api("GET /v1/price-modifiers", "/v1/price-modifiers"),
        administers(api("POST /v1/price-modifiers", "/v1/price-modifiers")).body(sent.clone()),
        administers(api("POST /v1/price-modifiers/effect", "/v1/price-modifiers/effect")).body(sent),
    ]
}

fn contract() -> Vec<Sample> {
    let typed = [
        ("kind", "allowance"),
        ("meters", "input_uncached"),
        ("units", "1000"),
        ("from", "2026-11"),
        ("source", "Contract"),
    ];
    let sent = json!({"kind": "volume", "meters": "tokens", "tiers": [{"boundary": ">1000", "price": "-10%"}], "from": "2026-11", "source": "Contract"});
    vec![
        page("/o/{org}/prices/contract", "/o/acme/prices/contract"),
        manages(page("/o/{org}/prices/contract/new", "/o/acme/prices/contract/new")),
        manages(form("prices/add-term", &typed)),
        api("GET /v1/contract-terms", "/v1/contract-terms"),
        administers(api("POST /v1/contract-terms", "/v1/contract-terms")).body(sent),
        api("GET /v1/contract-months", "/v1/contract-months"),
    ]
}

fn runs(world: &World) -> Vec<Sample> {
    let (previewed, done) = (world.previewed_run.as_str(), world.done_run.as_str());
    let reason = json!({"reason": "Contract"});
    vec![
        page("/o/{org}/prices/runs", "/o/acme/prices/runs"),
        manages(page("/o/{org}/prices/runs/new", "/o/acme/prices/runs/new")),
        page("/o/{org}/prices/runs/{run}", format!("/o/acme/prices/runs/{previewed}")),
        manages(form("prices/start-run", &[("kind", "repricing")])),
        manages(form("prices/confirm-run", &[("run", previewed), ("reason", "Contract")])),
        manages(form("prices/discard-run", &[("run", previewed)])),
        manages(form("prices/reverse-run", &[("run", done), ("reason", "Contract")])),
        api("GET /v1/repricing-runs", "/v1/repricing-runs"),
        administers(api("POST /v1/repricing-runs", "/v1/repricing-runs")).body(json!({"kind": "repricing"})),
        api("GET /v1/repricing-runs/{run_id}", format!("/v1/repricing-runs/{previewed}")),
        administers(api("DELETE /v1/repricing-runs/{run_id}", format!("/v1/repricing-runs/{previewed}"))),
        administers(api("POST /v1/repricing-runs/{run_id}/confirm", format!("/v1/repricing-runs/{previewed}/confirm")))
            .body(reason.clone()),
        administers(api("POST /v1/repricing-runs/{run_id}/reverse", format!("/v1/repricing-runs/{done}/reverse")))
            .body(reason),
    ]
}
