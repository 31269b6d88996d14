//! `cargo xtask seed-prices`: converts the price data of genai-prices and LiteLLM into the seed of the price book, by `price-data`.

use price_data::{SeedSources, seed};
use serde_json::Value;
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
    let written = seed(SeedSources {
        providers: &providers,
        units: &units,
        genai_prices: &args.genai_prices,
        models: &models,
        litellm: &args.litellm,
    })?;

    fs::create_dir_all(&args.to).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(args.to.join(name), text).map_err(|error| error.to_string());
    write("prices.tsv", &written.text)?;
    write("LICENSE-genai-prices", &read("genai-prices/LICENSE")?)?;
    write("LICENSE-litellm", &read("litellm/LICENSE")?)?;
    say(&format!("{} models, {} prices, {} bytes; left out:", written.models, written.prices, written.text.len()));
    for (what, count) in written.left_out {
        say(&format!("{count:6}  {what}"));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of a command that a person runs")]
fn say(text: &str) {
    println!("{text}");
}
