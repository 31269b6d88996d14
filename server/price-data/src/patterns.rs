//! Rules for names, spelled out as the book's patterns.

use super::Failure;
use serde_json::Value;
use std::fmt::Write as _;

/// The rule's patterns; see `domain::price::Pattern`.
pub(super) fn patterns(rule: &Value) -> Result<Vec<String>, Failure> {
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

/// Most digits in a row, and most ways to write one expression: a file must not make us write without end.
const MAX_DIGITS: usize = 32;
const MAX_SPELLED: usize = 256;

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
                let count = count.parse().ok().filter(|count| *count <= MAX_DIGITS).ok_or_else(unknown)?;
                (vec!["#".repeat(count)], after)
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
        if spelled.len() > MAX_SPELLED {
            return Err(unknown());
        }
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
}
