//! The facts of genai-prices.
//!
//! Where the data cannot say what is known, a table here does: the dates and weekdays of daily windows ([`WINDOWS`]),
//! prices that came after the last one in the data ([`LATER`]), names that moved from one model to another ([`MOVED`]),
//! least and greatest quantities of one event ([`BOUNDS`]).

use super::patterns::patterns;
use super::{Failure, Seed, list, text};
use domain::price::Derivation;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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
///
/// Left as they are in the data: `grok-code-fast-1` and `magistral-medium-latest`, which LiteLLM has at their successors' prices.
/// Neither set says since when, and an invented date would change events before it.
const MOVED: [(&str, &str, &str, &str); 1] = [("mistral", "mistral-large-latest", "2025-12-02", "mistral-large-2512")];

/// Least and greatest quantities of one event: (provider, beginning of the model's name, meter, least, most).
///
/// Groq charges ten seconds for the shortest transcription (`https://console.groq.com/docs/speech-to-text`);
/// Gemini 2 is charged by the grounded prompt, however many queries it took (`https://ai.google.dev/gemini-api/docs/pricing`).
const BOUNDS: [(&str, &str, &str, &str, &str); 3] = [
    ("groq", "", "audio_seconds", "10", ""),
    ("groq", "", "input_audio_seconds", "10", ""),
    ("google", "gemini-2", "web_searches", "", "1"),
];

/// Whose begun seconds of audio are charged as whole ones: (provider, beginning of the model's name).
///
/// OpenAI answers `"usage": {"type": "duration", "seconds": 9}` for a `duration` of 8.47 (<https://developers.openai.com/api/docs/api-reference/audio>).
const WHOLE_SECONDS: [(&str, &str); 1] = [("openai", "whisper")];

fn whole((provider, model): (&str, &str), meter: &str) -> &'static str {
    let concerns = |(of, begin): &(&str, &str)| *of == provider && model.starts_with(begin);
    let is_whole = matches!(meter, "audio_seconds" | "input_audio_seconds") && WHOLE_SECONDS.iter().any(concerns);
    if is_whole { "whole" } else { "" }
}

fn bounds((provider, model): (&str, &str), meter: &str) -> (&'static str, &'static str) {
    let concerns = |(of, begin, bounded, ..): &&(&str, &str, &str, _, _)| {
        *of == provider && model.starts_with(begin) && *bounded == meter
    };
    BOUNDS.iter().find(concerns).map_or(("", ""), |(.., least, most)| (least, most))
}

/// The provider that charges half of the input price for cached input of models for which it publishes no cached price.
pub(super) const HALF_PRICED_CACHE: &str = "fireworks";

/// Whether cached input of a model without a cached price costs half of its input: with Fireworks always, with OpenAI where the model is fine-tuned (<https://developers.openai.com/api/docs/pricing>, "Fine-tuning").
fn caches_at_half((provider, model): (&str, &str)) -> bool {
    provider == HALF_PRICED_CACHE || (provider == "openai" && (model.starts_with("ft:") || model.contains(".ft-")))
}

/// Half of a price, tier by tier.
fn half(price: Option<&Value>) -> Result<Rates, Failure> {
    let halve = |(tier, rate): (String, String)| {
        let rate: Decimal = rate.parse().map_err(|_| format!("not a rate: {rate}"))?;
        Ok((tier, (rate / Decimal::TWO).normalize().to_string()))
    };
    price.map(rates).transpose()?.unwrap_or_default().into_iter().map(halve).collect()
}

/// Words by which a comment on a model or a provider says that nothing is charged for output. Without them a missing price is missing.
const OUTPUT_IS_FREE: [&str; 5] =
    ["input only", "input-only", "output is free", "output free", "output tokens are free"];

/// Providers that price decisions by what they read alone, as their only price: <https://developers.openai.com/api/docs/guides/decisions>.
const DECIDERS: [&str; 1] = ["openai-decisions"];

fn is_output_free(provider: &Value, model: &Value) -> bool {
    let says_so = |of: &Value| {
        let comment = of.get("price_comments").and_then(Value::as_str).unwrap_or_default().to_lowercase();
        OUTPUT_IS_FREE.iter().any(|words| comment.contains(words))
    };
    says_so(model) || says_so(provider) || text(provider, "id").is_ok_and(|id| DECIDERS.contains(&id))
}

/// The provider whose price of a request includes the searches that it makes, where searches have no price of their own.
const SEARCHES_INCLUDED: &str = "perplexity";

/// What an empty set of prices means in the data: the model is listed, at no charge.
const FREE: [(&str, &str); 2] = [("input_mtok", "0"), ("output_mtok", "0")];

/// Unless the model was withdrawn and its last price is not known: that is no price, and not a price of zero.
fn is_withdrawn(model: &Value) -> bool {
    model.get("price_comments").and_then(Value::as_str).is_some_and(|comment| comment.contains("No longer listed"))
}

/// Writes every provider of the data.
///
/// `has_better` says of which models another set has the prices more exactly: their names are taken from here, their prices are not.
pub(super) fn write(
    seed: &mut Seed,
    providers: &[Value],
    version: &str,
    has_better: &dyn Fn(&str, &str) -> bool,
) -> Result<(), Failure> {
    seed.source(SOURCE, version, "");
    for provider in providers {
        seed.provider(provider, has_better)?;
    }
    Ok(())
}

/// The rates' units must be what [`METERS`] says.
pub(super) fn check_units(units: &Map<String, Value>) -> Result<(), Failure> {
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

/// What a set of prices is for, beside its dates.
#[derive(Clone, Copy)]
struct Kind<'a> {
    model: (&'a str, &'a str),
    /// Nothing for standard.
    variant: &'a str,
    schedule: &'a str,
    attributes: &'a str,
    /// Output costs nothing where it has no price.
    is_output_free: bool,
}

impl<'a> Kind<'a> {
    const fn of(model: (&'a str, &'a str)) -> Self {
        Self { model, variant: "", schedule: "", attributes: "", is_output_free: false }
    }

    /// What a set of prices says of a meter without naming it.
    fn unsaid(&self, meter: &str, prices: &Map<String, Value>) -> Result<Rates, Failure> {
        let free = || vec![(String::new(), "0".to_owned())];
        Ok(match meter {
            "input_cache_read" if caches_at_half(self.model) => half(prices.get("input_mtok"))?,
            "output" if self.is_output_free && prices.contains_key("input_mtok") => free(),
            "web_searches" if self.model.0 == SEARCHES_INCLUDED && prices.contains_key("requests_kcount") => free(),
            _ => Rates::new(),
        })
    }
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
    fn provider(&mut self, provider: &Value, has_better: &dyn Fn(&str, &str) -> bool) -> Result<(), Failure> {
        let id = text(provider, "id")?;
        let url = list(provider, "pricing_urls").first().and_then(Value::as_str).unwrap_or_default();
        let fallbacks: Vec<&str> =
            list(provider, "fallback_model_providers").iter().filter_map(Value::as_str).collect();
        self.line(&["p", id, text(provider, "name")?, url, &fallbacks.join(",")]);
        for model in list(provider, "models") {
            let begin = self.text.len();
            let Err(what) = self.model(provider, url, model, has_better) else { continue };
            let what = format!("{id}/{}: {what}", text(model, "id").unwrap_or_default());
            let Some(unreadable) = &mut self.unreadable else { return Err(what) };
            *unreadable.entry(what).or_default() += 1;
            self.text.truncate(begin);
        }
        Ok(())
    }

    fn model(
        &mut self,
        seller: &Value,
        provider_url: &str,
        model: &Value,
        has_better: &dyn Fn(&str, &str) -> bool,
    ) -> Result<(), Failure> {
        self.models += 1;
        let (provider, id) = (text(seller, "id")?, text(model, "id")?);
        // Before the rules of the model that the name left, so that it goes first from that date on.
        for (_, name, date, to) in MOVED.iter().filter(|(of, name, ..)| *of == provider && name.starts_with(id)) {
            self.line(&["m", to]);
            self.line(&["a", &format!("={name}"), date]);
        }
        let name = model.get("name").and_then(Value::as_str).filter(|name| *name != id).unwrap_or_default();
        let url =
            model.get("price_comments").and_then(Value::as_str).and_then(first_link).filter(|url| url != provider_url);
        self.line(&["m", id, name, &url.unwrap_or_default()]);
        for pattern in patterns(model.get("match").ok_or("no match")?)? {
            self.line(&["a", &pattern]);
        }
        if has_better(provider, id) {
            return Ok(());
        }
        let standard = Kind { is_output_free: is_output_free(seller, model), ..Kind::of((provider, id)) };
        self.standard(standard, model)?;
        self.variants(provider, id, model)
    }

    fn standard(&mut self, standard: Kind<'_>, model: &Value) -> Result<(), Failure> {
        let (provider, id) = standard.model;
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
        self.cards(&standard, &cards(&dated, end))?;
        if let Some(later) = later {
            let (source, version, url) = later.source;
            let before = self.source.clone();
            self.source(source, version, url);
            let prices: Map<String, Value> =
                later.prices.iter().map(|(key, rate)| ((*key).to_owned(), Value::from(*rate))).collect();
            self.cards(&standard, &[Card { from: later.from.to_owned(), to: String::new(), prices: &prices }])?;
            let (source, version, url) = &before;
            self.source(source, version, url);
        }
        for (hours, prices) in windows {
            let (.., spans) = WINDOWS
                .iter()
                .find(|(of, model, _)| (*of, *model) == (provider, id))
                .ok_or("a daily window without dates: add them to WINDOWS")?;
            for (from, to, weekdays) in *spans {
                let schedule = format!("{hours} {weekdays}");
                let card = Card { from: (*from).to_owned(), to: (*to).to_owned(), prices };
                self.cards(&Kind { schedule: schedule.trim_end(), ..standard }, &[card])?;
            }
        }
        Ok(())
    }

    fn variants(&mut self, provider: &str, id: &str, model: &Value) -> Result<(), Failure> {
        // By variant and attributes.
        let mut dated: BTreeMap<(&str, String), Vec<Dated<'_>>> = BTreeMap::new();
        for variant in list(model, "price_variants") {
            let prices = variant.get("prices").and_then(Value::as_object).ok_or("a variant without prices")?;
            let when = variant.get("when").and_then(Value::as_object).ok_or("a variant without a condition")?;
            let mut conditions = when.iter().map(|(key, word)| (key.as_str(), word.as_str().unwrap_or_default()));
            let kind = match (conditions.next(), conditions.next()) {
                // Said to be as listed.
                (Some(("service_tier", "default") | ("search_type", "web") | ("processing", "batch")), None)
                    if prices.is_empty() =>
                {
                    continue;
                }
                (Some(("service_tier", word @ ("flex" | "priority" | "fast" | "ultrafast"))), None)
                | (Some(("processing", word @ "batch")), None)
                | (Some(("speed", word @ "fast")), None) => (word, String::new()),
                (Some((attribute @ ("route" | "search_type"), word)), None) => ("", format!("{attribute}={word}")),
                _ => return Err(format!("unknown condition {when:?}")),
            };
            let constraint = variant.get("constraint").and_then(Value::as_object);
            dated.entry(kind).or_default().push((start(constraint)?, prices));
        }
        for ((variant, attributes), mut dated) in dated {
            // Unlike standard prices, of which the last one in the data's order holds, of variants the first one does.
            dated.reverse();
            let kind = Kind { variant, attributes: &attributes, ..Kind::of((provider, id)) };
            self.cards(&kind, &cards(&dated, ""))?;
        }
        Ok(())
    }

    /// One row per meter, tier and stretch of time with the same rates.
    fn cards(&mut self, kind: &Kind<'_>, cards: &[Card<'_>]) -> Result<(), Failure> {
        for key in cards.iter().flat_map(|card| card.prices.keys()) {
            if !METERS.iter().any(|(known, ..)| known == key) {
                return Err(format!("unknown price `{key}`"));
            }
        }
        for (key, meter, per) in METERS {
            let mut stretches: Vec<(String, String, Rates, &str)> = Vec::new();
            for card in cards {
                let (rates, derived) = match card.prices.get(key) {
                    Some(price) => (rates(price)?, ""),
                    None if meter == "input_cache_read" => {
                        (kind.unsaid(meter, card.prices)?, Derivation::HalfOfInput.as_str())
                    }
                    None => (kind.unsaid(meter, card.prices)?, ""),
                };
                if rates.is_empty() {
                    continue;
                }
                match stretches.last_mut() {
                    Some((_, to, same, why))
                        if (&*same, *why) == (&rates, derived) && *to == card.from && !to.is_empty() =>
                    {
                        to.clone_from(&card.to)
                    }
                    _ => stretches.push((card.from.clone(), card.to.clone(), rates, derived)),
                }
            }
            let ((least, most), whole) = (bounds(kind.model, meter), whole(kind.model, meter));
            for (from, to, rates, derived) in stretches {
                for (tier, rate) in rates {
                    self.prices += 1;
                    let per = per.to_string();
                    let Kind { variant, schedule, attributes, .. } = kind;
                    self.line(&[
                        "r", meter, variant, &tier, &rate, &per, &from, &to, schedule, attributes, least, most,
                        derived, whole,
                    ]);
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
    let rate = |rate: &str| match rate.parse::<Decimal>() {
        Ok(_) => Ok(rate.to_owned()),
        Err(_) => Err(format!("not a rate: {rate}")),
    };
    if let Some(flat) = price.as_str() {
        return Ok(vec![(String::new(), rate(flat)?)]);
    }
    let mut rates = vec![(String::new(), rate(text(price, "base")?)?)];
    for tier in list(price, "tiers") {
        let start = tier.get("start").and_then(Value::as_u64).ok_or("a tier without a start")?;
        let from = if start % 1_000 == 999 { format!(">={}", start + 1) } else { format!(">{start}") };
        rates.push((from, rate(text(tier, "price")?)?));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_set_that_has_begun_holds() {
        let (old, new) =
            (json!({"input_mtok": "1", "output_mtok": "5"}), json!({"input_mtok": "2", "output_mtok": "5"}));
        let dated = [(String::new(), old.as_object().unwrap()), ("2026-01-05".to_owned(), new.as_object().unwrap())];
        let mut seed = Seed::default();
        seed.cards(&Kind::of(("acme", "one")), &cards(&dated, "")).unwrap();
        assert_eq!(
            seed.text,
            "r\tinput_uncached\t\t\t1\t1000000\t\t2026-01-05\n\
             r\tinput_uncached\t\t\t2\t1000000\t2026-01-05\n\
             r\toutput\t\t\t5\t1000000\n"
        );
    }

    fn written(provider: Value) -> Vec<String> {
        let mut seed = Seed::default();
        write(&mut seed, &[provider], "1", &|_, _| false).unwrap();
        let prices = seed.text.lines().filter(|line| line.starts_with('r'));
        prices.map(|line| line.replace('\t', " ")).collect()
    }

    #[test]
    fn of_dated_variants_the_first_that_has_begun_holds() {
        let batch = |rate: &str, from: Option<&str>| {
            let constraint = from.map(|from| json!({"start_date": from}));
            json!({"when": {"processing": "batch"}, "constraint": constraint, "prices": {"input_mtok": rate}})
        };
        let rows = written(json!({"id": "acme", "name": "Acme", "models": [
            {"id": "one", "match": {"equals": "one"}, "prices": {"input_mtok": "4"},
             "price_variants": [batch("1", Some("2026-11-01")), batch("2", Some("2026-10-01")), batch("3", None)]}]}));
        assert_eq!(
            rows,
            [
                "r input_uncached   4 1000000",
                "r input_uncached batch  3 1000000  2026-10-01",
                "r input_uncached batch  2 1000000 2026-10-01 2026-11-01",
                "r input_uncached batch  1 1000000 2026-11-01",
            ]
        );
    }

    #[test]
    fn output_is_free_where_the_data_says_so_and_unpriced_elsewhere() {
        let model = |id: &str, comment: &str| json!({"id": id, "match": {"equals": id}, "price_comments": comment, "prices": {"input_mtok": "1"}});
        let models = json!([model("decider", "Output is free. https://a.example"), model("davinci", "")]);
        let rows = written(json!({"id": "acme", "name": "Acme", "models": models}));
        assert_eq!(rows, ["r input_uncached   1 1000000", "r output   0 1000000", "r input_uncached   1 1000000"]);
        let commented = json!({"id": "acme", "name": "Acme", "price_comments": "Output tokens are free.", "models": [model("x", "")]});
        assert_eq!(written(commented).len(), 2);
    }

    #[test]
    fn a_request_with_its_searches_included_prices_them_at_nothing() {
        let prices = json!({"input_mtok": "1", "output_mtok": "1", "requests_kcount": "5"});
        let of = |provider: &str| json!({"id": provider, "name": "P", "models": [{"id": "x", "match": {"equals": "x"}, "prices": prices}]});
        assert_eq!(written(of("perplexity")).last().unwrap(), "r web_searches   0 1000");
        assert_eq!(written(of("acme")).last().unwrap(), "r requests   5 1000");
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
