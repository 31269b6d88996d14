//! `cargo xtask seed-prices`: converts the price data of genai-prices into the seed of the price book.
//!
//! Facts only: names, rules for names, rates, dates, links. The file's form is described in `domain::price::seed`.
//!
//! Where the data cannot say what is known, a table here does: the dates and weekdays of daily windows ([`WINDOWS`]),
//! prices that came after the last one in the data ([`LATER`]), names that moved from one model to another ([`MOVED`]).
//! What the book cannot say is left out rather than said wrongly, and counted: OpenRouter's `route` and Perplexity's `search_type` variants.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Where the data is, and what it is called in the book.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Folder with `providers.json`, `units.json` and `LICENSE` of genai-prices; LiteLLM's licence lies in `litellm` beside it.
    #[arg(long, default_value = "../shared/data/prices/genai-prices")]
    from: PathBuf,
    /// Version of that data.
    #[arg(long, default_value = "0.2.3")]
    version: String,
    /// Folder to write to.
    #[arg(long, default_value = "server/backend/src/prices/seed")]
    to: PathBuf,
}

const SOURCE: &str = "genai-prices";

/// A price key of the data, the meter it is for, and the units of its rate, in the order of receipts.
const METERS: [(&str, &str, u32); 24] = [
    ("input_mtok", "input_uncached", 1_000_000),
    ("cache_read_mtok", "input_cache_read", 1_000_000),
    ("cache_write_mtok", "input_cache_write", 1_000_000),
    ("cache_write_1h_mtok", "input_cache_write_1h", 1_000_000),
    ("input_audio_mtok", "input_audio", 1_000_000),
    ("cache_audio_read_mtok", "input_audio_cache_read", 1_000_000),
    ("input_image_mtok", "input_image", 1_000_000),
    ("cache_image_read_mtok", "input_image_cache_read", 1_000_000),
    ("input_video_mtok", "input_video", 1_000_000),
    ("output_mtok", "output", 1_000_000),
    ("output_reasoning_mtok", "output_reasoning", 1_000_000),
    ("output_citation_mtok", "output_citation", 1_000_000),
    ("output_audio_mtok", "output_audio", 1_000_000),
    ("output_image_mtok", "output_image", 1_000_000),
    ("output_video_mtok", "output_video", 1_000_000),
    ("requests_kcount", "requests", 1_000),
    ("web_searches_kcount", "web_searches", 1_000),
    ("storage_searches_kcount", "file_searches", 1_000),
    ("input_text_messages_kcount", "text_messages", 1_000),
    ("input_mchars", "characters", 1_000_000),
    ("audio_hours", "audio_seconds", 3_600),
    ("input_audio_hours", "input_audio_seconds", 3_600),
    ("input_document_kpages", "pages", 1_000),
    ("input_annotated_document_kpages", "annotated_pages", 1_000),
];

/// From, to and weekdays of a daily window; empty is open.
type Span = (&'static str, &'static str, &'static str);

/// Models with daily windows: (provider, model, [(from, to, weekdays)]). The data has no dates and weekdays for them.
///
/// DeepSeek's V4 windows exist since 2026-08-17 and spare weekends since 2026-08-23 (`https://github.com/pydantic/genai-prices/issues/582`);
/// the night discount of V3 and R1 ended with their prices.
const WINDOWS: [(&str, &str, &[Span]); 5] = [
    ("deepseek", "deepseek-chat", &[("", "2025-09-29", "")]),
    ("deepseek", "deepseek-reasoner", &[("", "2025-09-29", "")]),
    ("deepseek", "deepseek-flash", &[("", "", "12345")]),
    ("deepseek", "deepseek-v4-flash", &[("2026-08-17", "2026-08-23", ""), ("2026-08-23", "", "12345")]),
    ("deepseek", "deepseek-v4-pro", &[("2026-08-17", "2026-08-23", ""), ("2026-08-23", "", "12345")]),
];

/// A price that came after the last one in the data: source, its version, its link, the model, its date, rates.
struct Later {
    source: (&'static str, &'static str, &'static str),
    model: (&'static str, &'static str),
    from: &'static str,
    prices: &'static [(&'static str, &'static str)],
}

/// DeepSeek's `-chat` and `-reasoner` names led to V3.2 from its release on.
const V3_2: &[(&str, &str)] = &[("input_mtok", "0.28"), ("cache_read_mtok", "0.028"), ("output_mtok", "0.42")];
const LITELLM: (&str, &str, &str) = ("litellm", "1.109.1", "https://api-docs.deepseek.com/quick_start/pricing");
const LATER: [Later; 2] = [
    Later { source: LITELLM, model: ("deepseek", "deepseek-chat"), from: "2025-09-29", prices: V3_2 },
    Later { source: LITELLM, model: ("deepseek", "deepseek-reasoner"), from: "2025-09-29", prices: V3_2 },
];

/// Names that moved: provider, name, date, the model it leads to since.
const MOVED: [(&str, &str, &str, &str); 1] = [("mistral", "mistral-large-latest", "2025-12-02", "mistral-large-2512")];

/// What an empty set of prices means in the data: the model is listed, at no charge.
const FREE: [(&str, &str); 2] = [("input_mtok", "0"), ("output_mtok", "0")];

/// Unless the model was withdrawn and its last price is not known: that is no price, and not a price of zero.
fn is_withdrawn(model: &Value) -> bool {
    model.get("price_comments").and_then(Value::as_str).is_some_and(|comment| comment.contains("No longer listed"))
}

type Failure = String;

/// Reads the data, writes the seed and the licence notices, and says what it wrote.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let read = |name: &str| {
        fs::read_to_string(args.from.join(name)).map_err(|error| format!("{}: {error}", args.from.join(name).display()))
    };
    let providers: Vec<Value> = serde_json::from_str(&read("providers.json")?).map_err(|error| error.to_string())?;
    let units: Map<String, Value> = serde_json::from_str(&read("units.json")?).map_err(|error| error.to_string())?;
    check_units(&units)?;
    let mut seed = Seed::default();
    seed.head(&args.version);
    for provider in &providers {
        seed.provider(provider)?;
    }
    fs::create_dir_all(&args.to).map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| fs::write(args.to.join(name), text).map_err(|error| error.to_string());
    write("prices.tsv", &seed.text)?;
    write("LICENSE-genai-prices", &read("LICENSE")?)?;
    write("LICENSE-litellm", &read("../litellm/LICENSE")?)?;
    say(&format!(
        "{} providers, {} models, {} prices, {} bytes; left out {} variants that the book cannot say",
        providers.len(),
        seed.models,
        seed.prices,
        seed.text.len(),
        seed.left_out
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of a command that a person runs")]
fn say(text: &str) {
    println!("{text}");
}

/// The rates' units must be what [`METERS`] says.
fn check_units(units: &Map<String, Value>) -> Result<(), Failure> {
    for unit in units.values() {
        let key = text(unit, "price_key")?;
        let known = METERS.iter().find(|(known, ..)| *known == key);
        if let Some((_, _, per)) = known
            && unit.get("per").and_then(Value::as_u64) != Some(u64::from(*per))
        {
            return Err(format!("{key} is no longer a price of {per} units"));
        }
    }
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Failure> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is missing in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[derive(Default)]
struct Seed {
    text: String,
    version: String,
    models: usize,
    prices: usize,
    left_out: usize,
}

/// A set of prices and the dates between which it holds; empty dates are open.
struct Card<'a> {
    from: String,
    to: String,
    prices: &'a Map<String, Value>,
}

/// A set of prices and the date from which it holds; empty from the beginning of time.
type Dated<'a> = (String, &'a Map<String, Value>);

/// What one price row says beside its meter: tier, rate, dates.
type Rates = Vec<(String, String)>;

impl Seed {
    fn line(&mut self, fields: &[&str]) {
        let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        self.text.push_str(&fields[..filled].join("\t"));
        self.text.push('\n');
    }

    fn head(&mut self, version: &str) {
        self.version = version.to_owned();
        self.text.push_str("# Written by `cargo xtask seed-prices`; its form is described in domain::price::seed.\n");
        self.text.push_str(
            "# Facts from genai-prices, Copyright (c) Pydantic Services, MIT licence: see LICENSE-genai-prices.\n",
        );
        self.source();
    }

    fn source(&mut self) {
        let version = self.version.clone();
        self.line(&["s", SOURCE, &version]);
    }

    fn provider(&mut self, provider: &Value) -> Result<(), Failure> {
        let id = text(provider, "id")?;
        let url = list(provider, "pricing_urls").first().and_then(Value::as_str).unwrap_or_default();
        let fallbacks: Vec<&str> =
            list(provider, "fallback_model_providers").iter().filter_map(Value::as_str).collect();
        self.line(&["p", id, text(provider, "name")?, url, &fallbacks.join(",")]);
        for model in list(provider, "models") {
            self.model(id, url, model)
                .map_err(|what| format!("{id}/{}: {what}", text(model, "id").unwrap_or_default()))?;
        }
        Ok(())
    }

    fn model(&mut self, provider: &str, provider_url: &str, model: &Value) -> Result<(), Failure> {
        self.models += 1;
        let id = text(model, "id")?;
        let name = model.get("name").and_then(Value::as_str).filter(|name| *name != id).unwrap_or_default();
        let url =
            model.get("price_comments").and_then(Value::as_str).and_then(first_link).filter(|url| url != provider_url);
        self.line(&["m", id, name, &url.unwrap_or_default()]);
        for pattern in patterns(model.get("match").ok_or("no match")?)? {
            let moved = MOVED.iter().find(|(of, name, ..)| *of == provider && pattern == format!("={name}"));
            self.line(&["a", &pattern, "", moved.map_or("", |(_, _, date, _)| date)]);
        }
        for (_, name, date, _) in MOVED.iter().filter(|(of, _, _, to)| *of == provider && *to == id) {
            self.line(&["a", &format!("={name}"), date]);
        }
        self.standard(provider, id, model)?;
        self.variants(model)
    }

    fn standard(&mut self, provider: &str, id: &str, model: &Value) -> Result<(), Failure> {
        let free = Value::from_iter(FREE);
        let prices = match model.get("prices").ok_or("no prices")? {
            Value::Object(none) if none.is_empty() && !is_withdrawn(model) => &free,
            prices => prices,
        };
        let later = LATER.iter().find(|later| later.model == (provider, id));
        let end = later.map_or("", |later| later.from);
        let (mut dated, mut windows) = (Vec::new(), Vec::new());
        match prices {
            Value::Object(prices) => dated.push((String::new(), prices)),
            Value::Array(entries) => {
                for entry in entries {
                    let prices = entry.get("prices").and_then(Value::as_object).ok_or("no prices")?;
                    let constraint = entry.get("constraint").and_then(Value::as_object);
                    match constraint.filter(|constraint| constraint.contains_key("start_time")) {
                        Some(window) => windows.push((hours(window)?, prices)),
                        None => dated.push((start(constraint)?, prices)),
                    }
                }
            }
            _ => return Err("prices are neither a set nor a list".to_owned()),
        }
        self.cards("standard", &cards(&dated, end), "")?;
        if let Some(later) = later {
            let (source, version, url) = later.source;
            self.line(&["s", source, version, url]);
            let prices: Map<String, Value> =
                later.prices.iter().map(|(key, rate)| ((*key).to_owned(), Value::from(*rate))).collect();
            self.cards("standard", &[Card { from: later.from.to_owned(), to: String::new(), prices: &prices }], "")?;
            self.source();
        }
        for (hours, prices) in windows {
            let (.., spans) = WINDOWS
                .iter()
                .find(|(of, model, _)| (*of, *model) == (provider, id))
                .ok_or("a daily window without dates: add them to WINDOWS")?;
            for (from, to, weekdays) in *spans {
                let schedule = format!("{hours} {weekdays}");
                let card = Card { from: (*from).to_owned(), to: (*to).to_owned(), prices };
                self.cards("standard", &[card], schedule.trim_end())?;
            }
        }
        Ok(())
    }

    fn variants(&mut self, model: &Value) -> Result<(), Failure> {
        let mut dated: BTreeMap<&str, Vec<Dated<'_>>> = BTreeMap::new();
        for variant in list(model, "price_variants") {
            let prices = variant.get("prices").and_then(Value::as_object).ok_or("a variant without prices")?;
            let when = variant.get("when").and_then(Value::as_object).ok_or("a variant without a condition")?;
            let mut conditions = when.iter().map(|(key, word)| (key.as_str(), word.as_str().unwrap_or_default()));
            let word = match (conditions.next(), conditions.next()) {
                (Some(("service_tier", "default")), None) if prices.is_empty() => continue,
                (Some(("service_tier", word @ ("flex" | "priority" | "fast" | "ultrafast"))), None)
                | (Some(("processing", word @ "batch")), None)
                | (Some(("speed", word @ "fast")), None) => word,
                _ => {
                    self.left_out += 1;
                    continue;
                }
            };
            let constraint = variant.get("constraint").and_then(Value::as_object);
            dated.entry(word).or_default().push((start(constraint)?, prices));
        }
        for (word, dated) in dated {
            self.cards(word, &cards(&dated, ""), "")?;
        }
        Ok(())
    }

    /// One row per meter, tier and stretch of time with the same rates.
    fn cards(&mut self, variant: &str, cards: &[Card<'_>], schedule: &str) -> Result<(), Failure> {
        for key in cards.iter().flat_map(|card| card.prices.keys()) {
            if !METERS.iter().any(|(known, ..)| known == key) {
                return Err(format!("unknown price `{key}`"));
            }
        }
        for (key, meter, per) in METERS {
            let mut stretches: Vec<(String, String, Rates)> = Vec::new();
            for card in cards {
                let rates = match card.prices.get(key) {
                    Some(price) => rates(price)?,
                    None => continue,
                };
                match stretches.last_mut() {
                    Some((_, to, same)) if *same == rates && *to == card.from && !to.is_empty() => {
                        to.clone_from(&card.to)
                    }
                    _ => stretches.push((card.from.clone(), card.to.clone(), rates)),
                }
            }
            for (from, to, rates) in stretches {
                for (tier, rate) in rates {
                    self.prices += 1;
                    self.line(&["r", meter, variant, &tier, &rate, &per.to_string(), &from, &to, schedule]);
                }
            }
        }
        Ok(())
    }
}

/// Orders dated sets of prices in time. At any time the last one in the data's order that has begun holds.
fn cards<'a>(dated: &[Dated<'a>], end: &str) -> Vec<Card<'a>> {
    let mut begins: Vec<&String> = dated.iter().map(|(from, _)| from).collect();
    begins.sort();
    begins.dedup();
    let mut cards: Vec<Card<'a>> = Vec::new();
    for (index, begin) in begins.iter().enumerate() {
        let to = begins.get(index + 1).map_or(end, |next| next.as_str());
        if let Some((_, prices)) = dated.iter().rev().find(|(from, _)| from <= *begin) {
            cards.push(Card { from: (*begin).clone(), to: to.to_owned(), prices });
        }
    }
    cards
}

fn start(constraint: Option<&Map<String, Value>>) -> Result<String, Failure> {
    let Some(constraint) = constraint else { return Ok(String::new()) };
    let date = constraint.get("start_date").and_then(Value::as_str).filter(|_| constraint.len() == 1);
    date.map(str::to_owned).ok_or_else(|| format!("unknown constraint {constraint:?}"))
}

/// `01:00-04:00` of a window in UTC.
fn hours(window: &Map<String, Value>) -> Result<String, Failure> {
    let time = |key: &str| -> Result<&str, Failure> {
        let time = window.get(key).and_then(Value::as_str).ok_or("a window without times")?;
        time.strip_suffix(":00+00:00").filter(|time| time.len() == 5).ok_or_else(|| format!("not a UTC time: {time}"))
    };
    Ok(format!("{}-{}", time("start_time")?, time("end_time")?))
}

/// Tiers and rates of one price. The data's tiers begin above `start`; a start of 199999 says that 200000 is included.
fn rates(price: &Value) -> Result<Rates, Failure> {
    if let Some(rate) = price.as_str() {
        return Ok(vec![(String::new(), rate.to_owned())]);
    }
    let mut rates = vec![(String::new(), text(price, "base")?.to_owned())];
    for tier in list(price, "tiers") {
        let start = tier.get("start").and_then(Value::as_u64).ok_or("a tier without a start")?;
        let from = if start % 1_000 == 999 { format!(">={}", start + 1) } else { format!(">{start}") };
        rates.push((from, text(tier, "price")?.to_owned()));
    }
    Ok(rates)
}

/// The first link in a comment.
fn first_link(comment: &str) -> Option<String> {
    let link = comment
        .split(|letter: char| letter.is_whitespace() || "\"()<>,;'".contains(letter))
        .find(|word| word.starts_with("https://"))?;
    Some(link.trim_end_matches(['.', ':']).to_owned())
}

/// The rule's patterns; see `domain::price::Pattern`.
fn patterns(rule: &Value) -> Result<Vec<String>, Failure> {
    let rule = rule.as_object().ok_or("a rule is not an object")?;
    let (kind, value) = rule.iter().next().filter(|_| rule.len() == 1).ok_or("a rule has one kind")?;
    match (kind.as_str(), value) {
        ("or", Value::Array(rules)) => {
            let mut all = Vec::new();
            for rule in rules {
                all.extend(patterns(rule)?);
            }
            Ok(all)
        }
        ("and", Value::Array(rules)) => match &rules[..] {
            [rule, except] if except.get("regex").and_then(Value::as_str) == Some(NOT_SPEECH) => {
                Ok(patterns(rule)?.into_iter().map(|pattern| format!("{pattern} !-tts")).collect())
            }
            _ => Err(format!("unknown condition {value}")),
        },
        ("equals", Value::String(text)) => Ok(vec![literal('=', text)?]),
        ("starts_with", Value::String(text)) => Ok(vec![literal('^', text)?]),
        ("ends_with", Value::String(text)) => Ok(vec![literal('$', text)?]),
        ("contains", Value::String(text)) => Ok(vec![literal('~', text)?]),
        ("regex", Value::String(regex)) => expand(regex),
        _ => Err(format!("unknown rule {kind}")),
    }
}

const NOT_SPEECH: &str = "^(?!.*-[tT][tT][sS](?:$|-))";

fn literal(sign: char, text: &str) -> Result<String, Failure> {
    if text.contains(['#', '\t', '\n']) || text.contains(" !") {
        return Err(format!("a pattern cannot hold {text:?}"));
    }
    Ok(format!("{sign}{}", text.to_ascii_lowercase()))
}

/// Anchored expressions of literals, digits, one-letter choices and optional groups, spelled out as patterns.
fn expand(regex: &str) -> Result<Vec<String>, Failure> {
    let unknown = || format!("cannot spell out the expression {regex}");
    let body = regex.strip_prefix('^').ok_or_else(unknown)?;
    let (body, sign) = body.strip_suffix('$').map_or((body, '^'), |body| (body, '='));
    let mut spelled = vec![String::new()];
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        let (choices, after) = match letter {
            '\\' if rest.starts_with("\\d{") => {
                let (count, after) = rest[3..].split_once('}').ok_or_else(unknown)?;
                (vec!["#".repeat(count.parse().map_err(|_| unknown())?)], after)
            }
            '\\' if rest.starts_with("\\d") => (vec!["#".to_owned()], &rest[2..]),
            '\\' => (vec![rest.get(1..2).ok_or_else(unknown)?.to_owned()], &rest[2..]),
            '[' => {
                let (letters, after) = rest[1..].split_once(']').ok_or_else(unknown)?;
                (letters.chars().map(String::from).collect(), after)
            }
            '(' => {
                let (inner, after) = rest[1..].split_once(")?").ok_or_else(unknown)?;
                let mut inner: Vec<String> =
                    expand(&format!("^{inner}$"))?.iter().map(|pattern| pattern[1..].to_owned()).collect();
                inner.push(String::new());
                (inner, after)
            }
            letter if letter.is_ascii_alphanumeric() || "-_/=".contains(letter) => {
                (vec![letter.to_string()], &rest[1..])
            }
            _ => return Err(unknown()),
        };
        spelled =
            spelled.iter().flat_map(|begin| choices.iter().map(move |choice| format!("{begin}{choice}"))).collect();
        rest = after;
    }
    let mut patterns = Vec::new();
    for text in spelled {
        let mut pattern = String::new();
        write!(pattern, "{sign}{}", text.to_ascii_lowercase()).map_err(|error| error.to_string())?;
        patterns.push(pattern);
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_are_spelled_out() {
        assert_eq!(expand(r"^gpt-5\.6-sol-\d{4}-\d{2}-\d{2}$").unwrap(), ["=gpt-5.6-sol-####-##-##"]);
        assert_eq!(
            expand(r"^claude-opus-5[-@]\d{8}$").unwrap(),
            ["=claude-opus-5-########", "=claude-opus-5@########"]
        );
        assert_eq!(expand(r"^gemini-3\.5-flash-\d").unwrap(), ["^gemini-3.5-flash-#"]);
        let optional = expand(r"^(typesafe/)?jev-1\.13(-\d{8})?$").unwrap();
        assert_eq!(optional, ["=typesafe/jev-1.13-########", "=typesafe/jev-1.13", "=jev-1.13-########", "=jev-1.13"]);
        assert!(expand("^(?!x)y$").is_err());
    }

    #[test]
    fn the_last_set_that_has_begun_holds() {
        let (old, new) =
            (json!({"input_mtok": "1", "output_mtok": "5"}), json!({"input_mtok": "2", "output_mtok": "5"}));
        let dated = [(String::new(), old.as_object().unwrap()), ("2026-01-05".to_owned(), new.as_object().unwrap())];
        let mut seed = Seed::default();
        seed.cards("standard", &cards(&dated, ""), "").unwrap();
        assert_eq!(
            seed.text,
            "r\tinput_uncached\tstandard\t\t1\t1000000\t\t2026-01-05\n\
             r\tinput_uncached\tstandard\t\t2\t1000000\t2026-01-05\n\
             r\toutput\tstandard\t\t5\t1000000\n"
        );
    }

    #[test]
    fn a_boundary_may_be_included() {
        let price = json!({"base": "1", "tiers": [{"start": 199_999, "price": "2"}, {"start": 272_000, "price": "3"}]});
        let tiers: Vec<String> = rates(&price).unwrap().into_iter().map(|(tier, _)| tier).collect();
        assert_eq!(tiers, ["", ">=200000", ">272000"]);
    }

    #[test]
    fn a_link_is_found_in_a_comment() {
        assert_eq!(first_link("See (https://a.example/b?c=1#d). More").as_deref(), Some("https://a.example/b?c=1#d"));
        assert_eq!(first_link("none"), None);
    }
}
