//! What keeps a rule from being entered beside others.

use super::rule::{AllocationRule, Target};
use crate::problem::FieldProblem;
use crate::rule::Rule;
use std::collections::BTreeSet;

/// Refuses a rule that asks about another dimension of many values than one that holds at the same time, and one that closes a circle.
///
/// # Errors
/// A field problem that names the rule, or the circle.
pub fn check(others: &[AllocationRule], new: &AllocationRule) -> Result<(), FieldProblem> {
    let beside: Vec<&AllocationRule> =
        others.iter().filter(|rule| rule.name != new.name && rule.span().overlaps(new.span())).collect();
    if let Some(key) = new.label_key() {
        let another = beside.iter().find_map(|rule| Some((rule, rule.label_key().filter(|of| *of != key)?)));
        if let Some((rule, of)) = another {
            let detail = format!(
                "Sums know one of customer, user and tags at a time, and {} asks about {} on the same days. Use {} here too, or end that rule first.",
                rule.name,
                of.label().to_lowercase(),
                of.label().to_lowercase()
            );
            return Err(FieldProblem::new("conditions", "another_label", detail));
        }
    }
    match circle(&beside, new) {
        Some(names) => {
            let names: Vec<String> = names.iter().map(Target::label).collect();
            let detail = format!("These rules go round in a circle: {}.", names.join(" → "));
            Err(FieldProblem::new("targets", "circle", detail))
        }
        None => Ok(()),
    }
}

/// The shortest way from what a rule takes back to it, by whole projects and teams.
fn circle(beside: &[&AllocationRule], new: &AllocationRule) -> Option<Vec<Target>> {
    let edges: Vec<(Target, &Target)> = beside.iter().flat_map(|rule| edges(rule)).collect();
    for source in new.sources() {
        let mut seen: BTreeSet<&Target> = BTreeSet::new();
        let mut ways: Vec<Vec<&Target>> = new.targets().map(|target| vec![target]).collect();
        while !ways.is_empty() {
            if let Some(way) = ways.iter().find(|way| way.last() == Some(&&source)) {
                return Some(std::iter::once(source.clone()).chain(way.iter().copied().cloned()).collect());
            }
            let mut longer = Vec::new();
            for way in &ways {
                for (_, to) in edges.iter().filter(|(from, _)| way.last() == Some(&from)) {
                    if seen.insert(to) {
                        longer.push(way.iter().copied().chain([*to]).collect());
                    }
                }
            }
            ways = longer;
        }
    }
    None
}

fn edges(rule: &AllocationRule) -> Vec<(Target, &Target)> {
    rule.sources().flat_map(|source| rule.targets().map(move |target| (source.clone(), target))).collect()
}
