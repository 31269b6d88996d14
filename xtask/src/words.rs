//! The words of the field: the ones that the first edition had in their place are found before a user reads them.

use crate::guards::{before_tests, is_product_code};

/// What stood on screens and in mails once, and the standard word; parts of sentences that no other meaning has.
const WORDS: [(&str, &str); 58] = [
    ("Expected by", "Forecast"),
    ("in eight of ten cases", "80 % interval"),
    ("Past error", "Forecast error (MAPE)"),
    ("past error", "forecast error"),
    ("Run rate's", "Run-rate error"),
    ("Likely over", "Probability of overrun"),
    ("Used up", "Exhaustion date"),
    ("Runs out", "Exhaustion date"),
    ("Even pace", "Linear pace"),
    ("likely to exceed", "chance of overrun"),
    ("What it is about", "Scope"),
    ("\"Told\"", "Notified"),
    ("Told in", "Notified in"),
    ("Seen to", "Acknowledged"),
    ("shown here", "not sent (local mode)"),
    ("\"Crossed\"", "Triggered"),
    ("alert ledger", "alert history"),
    ("Suspected double", "Possible duplicate"),
    ("suspected double", "possible duplicate"),
    ("suspected_double", "possible_duplicate"),
    ("drop_doubles", "drop_possible_duplicates"),
    ("\"Files\"", "Imports"),
    ("In the name of the API key", "Attribute to API key"),
    ("Look at the file", "Upload and preview"),
    ("is at hand", "is ready"),
    ("waits for its columns", "needs mapping"),
    ("Fills the field", "Maps to"),
    ("recorded before, {}", "duplicates"),
    ("Mend what is named", "Fix the fields"),
    ("Map a name", "Add model alias"),
    ("Names that lead here", "Aliases"),
    ("Sent as", "Reported model name"),
    ("Price what can be priced now", "Reprice unpriced events"),
    ("Give them one", "Set prices"),
    ("common price", "list price"),
    ("Common price", "List price"),
    ("Your prices", "Custom prices"),
    ("Enter a price", "Add price override"),
    ("until further notice", "no end date"),
    ("since the beginning", "for all time"),
    ("Until before", "End date (exclusive)"),
    ("Who says so,", "Source"),
    ("Prices in force", "Current prices"),
    ("\"What counts\"", "Cost source"),
    ("Enter a term", "Add term"),
    ("Everything has moved", "Repricing complete"),
    ("Take this run back", "Revert run"),
    ("Booked spend", "Originally recorded cost"),
    ("receipt as booked", "Original receipt"),
    ("against before", "vs previous period"),
    ("Compare with before", "vs previous period"),
    ("\"Most of it\"", "Top drivers"),
    ("month is over", "Closed"),
    ("Look into your mail", "Check your email"),
    ("Present password", "Current password"),
    ("Sign-in security", "Security"),
    ("Go to the start", "Back to Overview"),
    ("for usage without a price", "estimated for unpriced usage"),
];

/// Where people read what is written: the product's own strings and the guides, not comments, tests and history.
pub(crate) fn old_ones(path: &str, text: &str) -> Vec<String> {
    let is_guide = path.ends_with(".md") && (path.starts_with("docs/") || path == "README.md");
    if !is_guide && !is_product_code(path) {
        return Vec::new();
    }
    // The comments of public operations are their description.
    let is_described = path.starts_with("server/src/api/");
    let is_read = |line: &str| is_guide || !line.starts_with("//") || (is_described && line.starts_with("///"));
    let lines = before_tests(text).lines().enumerate().filter(|(_, line)| is_read(line.trim_start()));
    let breaches = lines.flat_map(|(index, line)| {
        let old = WORDS.iter().filter(|(old, _)| line.contains(old));
        old.map(move |(old, word)| {
            format!("{path}:{}: “{}” is “{word}” in this field", index + 1, old.trim_matches('"'))
        })
    });
    breaches.collect()
}

#[cfg(test)]
mod tests {
    use super::old_ones;

    #[test]
    fn an_old_word_is_found_where_people_read_it() {
        let line = "view! { <PageHead title=\"Your prices\"/> }";
        assert_eq!(
            old_ones("app/src/prices/own.rs", line),
            ["app/src/prices/own.rs:1: “Your prices” is “Custom prices” in this field"]
        );
        assert_eq!(old_ones("docs/prices.md", "The common price holds.").len(), 1);
        assert_eq!(old_ones("app/src/prices/own.rs", "// Your prices, as it was called."), Vec::<String>::new());
        assert_eq!(old_ones("CHANGELOG.md", line), Vec::<String>::new());
        assert_eq!(old_ones("app/src/prices/tests.rs", line), Vec::<String>::new());
    }
}
