//! The worked cases of the shared folder, read where they lie.

use super::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(super) fn seed_book() -> PriceBook {
    let text = std::fs::read_to_string(root().join("server/backend/src/prices/seed/prices.tsv")).unwrap();
    PriceBook::new(seed::parse(&text).unwrap())
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    provider: String,
    model: String,
    flavor: String,
    usage: Value,
    at: DateTime<Utc>,
    #[serde(default)]
    context: BTreeMap<String, Value>,
    expected_usd: Decimal,
    rules: Vec<String>,
    catalog: String,
}

/// Cases that are held to be wrong, with the reason.
const DISPUTED: [(&str, &str); 1] = [(
    "cerebras-chat-qwen-3-coder-480b",
    "expects 0 because genai-prices has no rate for a model it notes as `No longer listed … kept for historical usage`; a price that is not known is not zero",
)];

/// What a case is given up for until the price book says more.
enum Outcome {
    Exact,
    Wrong(Decimal),
    LeftOut(String),
}

impl Case {
    fn format(&self) -> Option<UsageFormat> {
        let native = || UsageFormat::default_for(&self.provider, "chat");
        Some(match self.flavor.as_str() {
            "default" if self.model == "sonar-deep-research" => UsageFormat::PerplexityDeepResearch,
            "default" => native()?,
            "chat" => match native()? {
                like_openai @ (UsageFormat::XaiChat
                | UsageFormat::Deepseek
                | UsageFormat::Moonshot
                | UsageFormat::Databricks) => like_openai,
                _ => UsageFormat::OpenaiChat,
            },
            "responses" => UsageFormat::OpenaiResponses,
            "realtime" => UsageFormat::OpenaiRealtime,
            "images" => UsageFormat::OpenaiImages,
            "embeddings" => UsageFormat::OpenaiEmbeddings,
            "anthropic" => UsageFormat::Anthropic,
            "gemini" => UsageFormat::Gemini,
            "ocr" => UsageFormat::MistralOcr,
            "ocr_annotated" => UsageFormat::MistralOcrAnnotated,
            _ => return None,
        })
    }

    /// Plain counters as Tallystick's own meters.
    fn counters(&self) -> Option<Meters> {
        let number = |key: &str| {
            self.usage.get(key).and_then(|value| value.to_string().parse::<Decimal>().ok()).unwrap_or_default()
        };
        let pairs = match self.flavor.as_str() {
            "normalized" => vec![
                (Meter::InputUncached, number("input_tokens")),
                (Meter::Output, number("output_tokens")),
                (Meter::Characters, number("input_characters")),
                (Meter::TextMessages, number("input_text_messages")),
                (Meter::InputAudioSeconds, number("input_audio_seconds")),
                (Meter::AudioSeconds, number("audio_seconds") - number("input_audio_seconds")),
            ],
            "characters" => vec![(Meter::Characters, number("characters"))],
            "audio_seconds" => vec![(Meter::InputAudioSeconds, number("audio_seconds"))],
            "rerank_billed_units" => {
                vec![(Meter::RerankUnits, number("search_units")), (Meter::InputUncached, number("total_tokens"))]
            }
            _ => return None,
        };
        Some(pairs.into_iter().collect())
    }

    fn run(&self, book: &PriceBook) -> Outcome {
        let word = |key: &str| self.context.get(key).and_then(Value::as_str);
        if let Some(other) =
            self.context.keys().find(|key| !["processing", "service_tier", "speed"].contains(&key.as_str()))
        {
            return Outcome::LeftOut(format!("context `{other}` needs modifiers or overrides"));
        }
        if self.usage.get("inference_geo").and_then(Value::as_str) == Some("us") {
            return Outcome::LeftOut("residency needs modifiers".to_owned());
        }
        let used = match (self.format(), self.counters()) {
            (Some(format), _) => {
                usage(format, &self.usage).unwrap_or_else(|faults| panic!("{}: {faults:?}", self.name))
            }
            (None, Some(meters)) => meters.into(),
            (None, None) => return Outcome::LeftOut(format!("flavor `{}` needs attributes of prices", self.flavor)),
        };
        let context = Context::new(word("speed").or(word("service_tier")), word("processing") == Some("batch"));
        match rate_usage(book.into(), &self.provider, &self.model, &used, self.at, context) {
            Err(unpriced) => Outcome::LeftOut(format!("unpriced: {}", unpriced.code())),
            Ok(rated) => {
                let lines = &rated.receipt.lines;
                assert_eq!(lines.iter().map(|line| line.amount).sum::<Decimal>(), rated.receipt.cost, "{}", self.name);
                let cost: Decimal = lines.iter().map(|line| line.unrounded().unwrap()).sum();
                // Hourly audio divides by 3600; everything else is exact.
                let near = self.rules.iter().any(|rule| rule == "minimum_10s_per_request")
                    && (cost - self.expected_usd).abs() < Decimal::new(1, 14);
                if cost == self.expected_usd || near { Outcome::Exact } else { Outcome::Wrong(cost) }
            }
        }
    }

    /// What the seed's own data set knows must be exact.
    fn must_be_exact(&self) -> bool {
        self.catalog == "genai-prices"
            && !self.name.starts_with("groq-min10s-")
            && DISPUTED.iter().all(|(name, _)| *name != self.name)
    }
}

#[test]
fn the_shared_cases_are_exact() {
    let path = root().join("../shared/data/prices/cases_open.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("left out: the shared folder does not lie beside the project");
        return;
    };
    let book = seed_book();
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut exact, mut required, mut failed) = (0, 0, Vec::new());
    let mut left_out: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        required += usize::from(case.must_be_exact());
        let outcome = case.run(&book);
        if case.must_be_exact() && !matches!(outcome, Outcome::Exact) {
            failed.push(case.name.as_str());
        }
        match outcome {
            Outcome::Exact => exact += 1,
            Outcome::Wrong(cost) => {
                println!("{}: {cost} instead of {} ({})", case.name, case.expected_usd, case.rules.join(", "));
                *left_out.entry("priced otherwise until the price book knows the rule".to_owned()).or_default() += 1;
            }
            Outcome::LeftOut(reason) => *left_out.entry(reason).or_default() += 1,
        }
    }
    println!("{exact} of {} cases exact ({required} must be); left out:", cases.len());
    for (reason, count) in &left_out {
        println!("  {count:3}  {reason}");
    }
    for (name, reason) in DISPUTED {
        println!("  held to be wrong: {name}: {reason}");
    }
    assert_eq!(failed, Vec::<&str>::new());
    assert!(required > 250, "the data has changed: only {required} cases are in scope");
}
