//! Which model of the book a name that nobody knows may mean.

use domain::model::canonical_provider;
use domain::price::page::ModelName;

/// Below this share of common letter pairs two names have nothing to do with each other.
const LEAST_ALIKE: f64 = 0.5;
/// How much more a name of the same provider counts.
const SAME_PROVIDER: f64 = 0.15;

/// The models whose names are most like a sent name, the likest first. A guess for a person to confirm, never used by itself.
pub(super) fn nearest(provider: &str, model: &str, known: &[ModelName], most: usize) -> Vec<ModelName> {
    let provider = canonical_provider(provider);
    let sent = bare(model);
    let mut found: Vec<(f64, &ModelName)> = known
        .iter()
        .filter_map(|name| {
            let alike = strsim::sorensen_dice(&sent, &bare(&name.model));
            let bonus = if name.provider == provider { SAME_PROVIDER } else { 0.0 };
            (alike >= LEAST_ALIKE).then_some((alike + bonus, name))
        })
        .collect();
    found.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    found.into_iter().take(most).map(|(_, name)| name.clone()).collect()
}

/// A name without what differs by habit: its path, its case, its separators and its date.
fn bare(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model).to_lowercase();
    let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| !is_date(part));
    parts.collect()
}

/// `20251101` and the year of `2025-11-01`.
fn is_date(part: &str) -> bool {
    part.starts_with("20") && matches!(part.len(), 4 | 8) && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Vec<ModelName> {
        [("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("azure", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")]
            .map(|(provider, model)| ModelName { provider: provider.to_owned(), model: model.to_owned() })
            .to_vec()
    }

    fn first(provider: &str, model: &str) -> Option<String> {
        nearest(provider, model, &book(), 1).pop().map(|name| format!("{}/{}", name.provider, name.model))
    }

    #[test]
    fn a_deployment_is_like_its_model_and_its_own_provider_goes_first() {
        assert_eq!(first("azure_openai", "prod-GPT4o").as_deref(), Some("azure/gpt-4o"));
        assert_eq!(first("openai", "gpt-4o-mini-prod").as_deref(), Some("openai/gpt-4o-mini"));
        assert_eq!(first("aws", "vendor/claude-sonnet-4.5-20250929").as_deref(), Some("anthropic/claude-sonnet-4-5"));
    }

    #[test]
    fn what_is_like_nothing_gets_no_guess() {
        assert_eq!(first("openai", "our-own-embedder"), None);
        assert_eq!(first("openai", ""), None);
    }
}
