//! What a field or the command palette proposes while somebody types.

/// What nobody has to type: `gpt4o` finds `gpt-4o`. Queries and the index of labels leave out the same.
pub const PUNCTUATION: &str = " -_./:@+,()";
/// Most characters of what was typed that are looked for.
pub const MAX_TYPED: usize = 200;

/// Something with a name that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it is: `project`, `budget`, or the dimension whose value it is.
    pub kind: String,
    /// What is chosen: a slug, an id, or the value itself.
    pub value: String,
    /// What people call it.
    pub name: String,
    /// Who sells the model, where one provider alone does.
    pub provider: Option<String>,
}

/// A text without case and [`PUNCTUATION`].
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().filter(|letter| !PUNCTUATION.contains(*letter)).flat_map(char::to_lowercase).collect()
}

/// The words that a name must hold, folded.
#[must_use]
pub fn words(typed: &str) -> Vec<String> {
    typed.split_whitespace().map(folded).filter(|word| !word.is_empty()).collect()
}

/// How well a name fits what was typed, the lower the better: it begins so, one of its words does, it holds it, it holds every word of it.
#[must_use]
pub fn rank(name: &str, typed: &str) -> Option<u8> {
    let (whole, sought) = (folded(name), folded(typed));
    let begins = |from: usize| name.get(from..).is_some_and(|rest| folded(rest).starts_with(&sought));
    if whole.starts_with(&sought) {
        Some(0)
    } else if name.match_indices(|letter| PUNCTUATION.contains(letter)).any(|(from, _)| begins(from)) {
        Some(1)
    } else if whole.contains(&sought) {
        Some(2)
    } else {
        words(typed).iter().all(|word| whole.contains(word)).then_some(3)
    }
}

/// What fits what was typed, best first, in its own order among equals.
pub fn matching<T>(all: impl IntoIterator<Item = T>, typed: &str, most: usize, name: impl Fn(&T) -> &str) -> Vec<T> {
    let mut found: Vec<(u8, T)> =
        all.into_iter().filter_map(|one| rank(name(&one), typed).map(|rank| (rank, one))).collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().take(most).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Vec<&'static str> {
        let names = ["chatgpt-4o", "gpt-4o-mini", "openai/gpt-4o", "gpt-4.1", "claude-3-5-sonnet", "Überblick"];
        matching(names, typed, 3, |name| name)
    }

    #[test]
    fn the_beginning_of_a_name_beats_a_word_beats_a_part() {
        assert_eq!(found("gpt4o"), ["gpt-4o-mini", "openai/gpt-4o", "chatgpt-4o"]);
        assert_eq!(found("GPT 4o"), found("gpt4o"));
        assert_eq!(found("sonnet claude"), ["claude-3-5-sonnet"]);
        assert_eq!(found("über"), ["Überblick"]);
        assert_eq!(found("nothing like it"), Vec::<&str>::new());
    }

    #[test]
    fn nothing_typed_keeps_the_order_and_the_bound() {
        assert_eq!(found(""), ["chatgpt-4o", "gpt-4o-mini", "openai/gpt-4o"]);
        assert_eq!(found(" - "), found(""));
    }
}
