//! `cargo xtask seed-prices`: converts the price data of genai-prices and LiteLLM into the seed of the price book.
//!
//! Facts only: names, rules for names, rates, dates, links. The file's form is described in `domain::price::seed`.
//! genai-prices goes first, because it has history, variants and citations; LiteLLM fills what it lacks ([`litellm`]).

mod facts;
mod genai_prices;
mod litellm;
mod patterns;

use serde_json::{Map, Value};
use std::fs;
use std::path::PathBuf;

/// Where the data is, and what it is called in the book.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder with `genai-prices` (`providers.json`, `units.json`) and `litellm` (`model_prices_and_context_window.json`), each with its `LICENSE`.
    #[arg(long, default_value = "../shared/data/prices")]
    from: PathBuf,
    /// Version of genai-prices.
    #[arg(long, default_value = "0.2.3")]
    genai_prices: String,
    /// Version of LiteLLM.
    #[arg(long, default_value = "1.109.1")]
    litellm: String,
    /// Folder to write to.
    #[arg(long, default_value = "server/backend/src/prices/seed")]
    to: PathBuf,
}

type Failure = String;

/// Reads the data, writes the seed and the licence notices, and says what it wrote.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let read = |name: &str| {
        fs::read_to_string(args.from.join(name)).map_err(|error| format!("{}: {error}", args.from.join(name).display()))
    };
    let parse = |name: &str| -> Result<Value, Failure> {
        serde_json::from_str(&read(name)?).map_err(|error| format!("{name}: {error}"))
    };
    let providers = parse("genai-prices/providers.json")?;
    let units = parse("genai-prices/units.json")?;
    let models = parse("litellm/model_prices_and_context_window.json")?;
    let providers = providers.as_array().ok_or("providers are not a list")?;
    let units = units.as_object().ok_or("units are not an object")?;
    let models = models.as_object().ok_or("models are not an object")?;

    let mut seed = Seed::default();
    seed.head();
    genai_prices::write(&mut seed, providers, units, &args.genai_prices, &|provider, model| {
        litellm::has_better(models, provider, model)
    })?;
    let left_out = litellm::write(&mut seed, models, &args.litellm)?;

    fs::create_dir_all(&args.to).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(args.to.join(name), text).map_err(|error| error.to_string());
    write("prices.tsv", &seed.text)?;
    write("LICENSE-genai-prices", &read("genai-prices/LICENSE")?)?;
    write("LICENSE-litellm", &read("litellm/LICENSE")?)?;
    say(&format!("{} models, {} prices, {} bytes; left out:", seed.models, seed.prices, seed.text.len()));
    for (what, count) in left_out {
        say(&format!("{count:6}  {what}"));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of a command that a person runs")]
fn say(text: &str) {
    println!("{text}");
}

/// The seed in the making.
#[derive(Default)]
struct Seed {
    text: String,
    /// Name, version and link of the set that the next prices come from.
    source: (String, String, String),
    models: usize,
    prices: usize,
}

impl Seed {
    /// A record; empty fields at its end are left out.
    fn line(&mut self, fields: &[&str]) {
        let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        self.text.push_str(&fields[..filled].join("\t"));
        self.text.push('\n');
    }

    fn head(&mut self) {
        self.text.push_str(
            "# Written by `cargo xtask seed-prices`; its form is described in domain::price::seed.\n\
             # Facts from genai-prices, Copyright (c) Pydantic Services, MIT licence: see LICENSE-genai-prices.\n\
             # Facts from LiteLLM, Copyright (c) Berri AI, MIT licence: see LICENSE-litellm.\n",
        );
    }

    fn source(&mut self, name: &str, version: &str, url: &str) {
        self.source = (name.to_owned(), version.to_owned(), url.to_owned());
        self.line(&["s", name, version, url]);
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Failure> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is missing in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn fields<'a>(value: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    value.get(key).and_then(Value::as_object)
}
