//! Worked cases through the same function as `tallystick quote`: the project's own, one for each rule, and those of the shared folder, read where they lie.

use super::*;
use crate::quote::{QuoteAnswer, QuoteInput, quote};
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
    #[serde(flatten)]
    question: QuoteInput,
    expected_usd: Decimal,
    #[serde(default)]
    rules: Vec<String>,
}

/// Cases that are held to be wrong, with the reason.
const DISPUTED: [(&str, &str); 1] = [(
    "cerebras-chat-qwen-3-coder-480b",
    "expects 0 because genai-prices has no rate for a model it notes as `No longer listed … kept for historical usage`; a price that is not known is not zero",
)];

impl Case {
    /// What is wrong with the answer.
    fn fault(&self, book: &PriceBook) -> Option<String> {
        match quote(book.into(), &self.question, day("2026-11-12")).answer {
            QuoteAnswer::Priced { usd, lines, .. } => {
                let sum: Decimal = lines.iter().map(|line| line.amount).sum();
                assert_eq!(sum, usd, "{}", self.question.name);
                // Hourly audio divides by 3600; everything else is exact.
                let near = self.question.name.starts_with("groq-min10s-")
                    && (usd - self.expected_usd).abs() < Decimal::new(1, 14);
                (usd != self.expected_usd && !near)
                    .then(|| format!("{usd} instead of {} ({})", self.expected_usd, self.rules.join(", ")))
            }
            QuoteAnswer::Unpriced { unpriced } => Some(unpriced),
            QuoteAnswer::Invalid { invalid } => Some(invalid),
        }
    }

    fn is_disputed(&self) -> bool {
        DISPUTED.iter().any(|(name, _)| *name == self.question.name)
    }
}

fn read(text: &str) -> Vec<Case> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One case for each rule, worked out by hand from the rates in the seed.
#[test]
fn every_rule_has_a_case_that_is_exact() {
    let book = seed_book();
    let cases = read(include_str!("rules.jsonl"));
    let faults: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.question.name, case.fault(&book)?))).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_shared_cases_are_exact() {
    let path = root().join("../shared/data/prices/cases_open.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("left out: the shared folder does not lie beside the project");
        return;
    };
    let book = seed_book();
    let cases = read(&text);
    let faults: Vec<(&Case, String)> = cases.iter().filter_map(|case| Some((case, case.fault(&book)?))).collect();
    println!("{} of {} cases exact", cases.len() - faults.len(), cases.len());
    for (case, fault) in &faults {
        println!("  {}: {fault}", case.question.name);
    }
    for (name, reason) in DISPUTED {
        println!("  held to be wrong: {name}: {reason}");
    }
    let failed: Vec<&str> =
        faults.iter().filter(|(case, _)| !case.is_disputed()).map(|(case, _)| case.question.name.as_str()).collect();
    assert_eq!(failed, Vec::<&str>::new());
    let disputed = faults.iter().filter(|(case, _)| case.is_disputed()).count();
    assert_eq!(disputed, DISPUTED.len(), "a case that is exact is no longer disputed");
}
