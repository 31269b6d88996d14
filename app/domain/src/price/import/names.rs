//! Names of new models: rules that lead to them and take no name from a model that is known.

use super::super::page::ModelName;
use super::super::{BookRows, ModelAlias, Pattern, PriceBook};
use super::is_text;
use crate::model::lower;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A rule for names of a new model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRule {
    /// The model that it leads to, by names that this provider's events carry.
    pub model: ModelName,
    /// Which names.
    pub pattern: Pattern,
    /// Since when; none means since ever.
    pub valid_from: Option<DateTime<Utc>>,
}

impl NameRule {
    /// As a row of a book; its place is the book's to give.
    #[must_use]
    pub fn row(&self) -> ModelAlias {
        ModelAlias {
            provider: self.model.provider.clone(),
            position: 0,
            pattern: self.pattern.clone(),
            to_provider: self.model.provider.clone(),
            to_model: self.model.model.clone(),
            valid_from: self.valid_from,
            valid_to: None,
        }
    }
}

/// Rules to be added for new models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRules {
    /// Go before the rules of the book.
    pub first: Vec<NameRule>,
    /// Go behind them, because they would take names of known models.
    pub last: Vec<NameRule>,
}

impl NameRules {
    /// Only the rules for these models.
    #[must_use]
    pub fn of(&self, models: &BTreeSet<ModelName>) -> Self {
        let of = |rules: &[NameRule]| rules.iter().filter(|rule| models.contains(&rule.model)).cloned().collect();
        Self { first: of(&self.first), last: of(&self.last) }
    }
}

/// The data's rules for names of `models`, which are new.
///
/// A name that the book understands as another model means that model until `from`; recorded events keep what they meant.
#[must_use]
pub fn rules(book: &BookRows, data: &BookRows, models: &BTreeSet<ModelName>, from: DateTime<Utc>) -> NameRules {
    if models.is_empty() {
        return NameRules::default();
    }
    let names: Vec<(&str, String)> = book
        .models
        .iter()
        .map(|row| (row.provider.as_str(), lower(&row.model).into_owned()))
        .chain(book.aliases.iter().filter_map(|row| Some((row.provider.as_str(), row.pattern.exact()?.to_owned()))))
        .collect();
    let takes =
        |provider: &str, pattern: &Pattern| names.iter().any(|(of, name)| *of == provider && pattern.matches(name));
    let resolver = PriceBook::new(book.clone());
    let mut rules = NameRules::default();
    for name in models {
        let ModelName { provider, model } = name;
        let understood = resolver.resolve(provider, model, from).is_ok();
        let valid_from = understood.then_some(from);
        let rule = |pattern: Pattern| NameRule { model: name.clone(), pattern, valid_from };
        // Behind a rule that means another model, not even its own name would find it.
        let own = format!("={model}").parse::<Pattern>().ok().filter(|_| understood);
        rules.first.extend(own.map(rule));
        let of_model =
            |row: &&ModelAlias| row.to_provider == *provider && row.to_model == *model && row.valid_to.is_none();
        for row in data.aliases.iter().filter(of_model).filter(|row| is_text(&row.pattern.to_string())) {
            let rule = NameRule { valid_from: row.valid_from.max(valid_from), ..rule(row.pattern.clone()) };
            if rules.first.iter().any(|known| known.pattern == rule.pattern && known.model == rule.model) {
                continue;
            }
            if takes(provider, &rule.pattern) { rules.last.push(rule) } else { rules.first.push(rule) }
        }
    }
    rules
}
