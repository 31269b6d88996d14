//! From a request's body to the JSON of its events: one object, an array, `{"events": […]}`, or one object per line.

use domain::event::MAX_BATCH;
use domain::problem::Problem;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One event of a body; none where its line is not JSON.
pub type Item<'a> = Option<&'a RawValue>;

/// Takes a body apart.
///
/// `lines` says that the sender declared one object per line; a body of several objects is read so in any case.
/// A line that is not JSON spoils only itself; elsewhere the JSON has to be whole.
///
/// # Errors
/// [`Problem::Invalid`] when the body is not JSON in one of the four forms, [`Problem::TooLarge`] above [`MAX_BATCH`] events.
pub fn split(body: &[u8], lines: bool) -> Result<Vec<Item<'_>>, Problem> {
    split_up_to(body, lines, MAX_BATCH)
}

/// The same with another most, for senders whose batches are recorded in several parts.
///
/// # Errors
/// As [`split`].
pub fn split_up_to(body: &[u8], lines: bool, most: usize) -> Result<Vec<Item<'_>>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| unreadable("The body is not UTF-8."))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(unreadable("The body is empty."));
    }
    let items = if lines { by_line(text, most)? } else { by_value(text, most)? };
    if items.len() > most { Err(too_many(most)) } else { Ok(items) }
}

fn by_value(text: &str, most: usize) -> Result<Vec<Item<'_>>, Problem> {
    if text.starts_with('[') {
        return Ok(array(text)?.into_iter().map(Some).collect());
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let first = match values.next() {
        Some(Ok(first)) if first.get().starts_with('{') => first,
        Some(Ok(_)) => {
            return Err(unreadable("Send an event, an array of events, {\"events\": […]}, or one event per line."));
        }
        // A broken first line followed by others is no reason to guess: the body was not declared as lines.
        Some(Err(error)) => return Err(broken(&error)),
        None => return Err(unreadable("The body is empty.")),
    };
    if !text[values.byte_offset()..].trim().is_empty() {
        return by_line(text, most);
    }
    match enveloped(first)? {
        Some(events) => Ok(events.into_iter().map(Some).collect()),
        None => Ok(vec![Some(first)]),
    }
}

/// The events of `{"events": […]}`, or none when the object is an event itself.
fn enveloped(object: &RawValue) -> Result<Option<Vec<&RawValue>>, Problem> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        events: Option<&'a RawValue>,
    }
    match serde_json::from_str::<Envelope<'_>>(object.get()) {
        Ok(Envelope { events: Some(events) }) if events.get().starts_with('[') => array(events.get()).map(Some),
        Ok(Envelope { events: Some(_) }) => Err(unreadable("`events` must be an array.")),
        Ok(Envelope { events: None }) => Ok(None),
        Err(error) => Err(broken(&error)),
    }
}

fn array(text: &str) -> Result<Vec<&RawValue>, Problem> {
    serde_json::from_str(text).map_err(|error| broken(&error))
}

fn by_line(text: &str, most: usize) -> Result<Vec<Item<'_>>, Problem> {
    let mut items = vec![];
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if items.len() == most {
            return Err(too_many(most));
        }
        items.push(serde_json::from_str(line).ok());
    }
    Ok(items)
}

fn unreadable(detail: &str) -> Problem {
    Problem::Invalid { detail: detail.to_owned(), fields: vec![] }
}

/// Where the JSON breaks, without repeating any of it.
fn broken(error: &serde_json::Error) -> Problem {
    unreadable(&format!("The body is not valid JSON (line {}, column {}).", error.line(), error.column()))
}

fn too_many(most: usize) -> Problem {
    Problem::TooLarge { detail: format!("Send at most {most} events in one request.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str, lines: bool) -> Vec<Option<&str>> {
        split(body.as_bytes(), lines).unwrap().into_iter().map(|item| item.map(RawValue::get)).collect()
    }

    #[test]
    fn four_forms_are_read() {
        assert_eq!(texts(r#" {"a":1} "#, false), [Some(r#"{"a":1}"#)]);
        assert_eq!(texts(r#"[{"a":1}, {"b":2}]"#, false), [Some(r#"{"a":1}"#), Some(r#"{"b":2}"#)]);
        assert_eq!(texts(r#"{"events":[{"a":1},7]}"#, false), [Some(r#"{"a":1}"#), Some("7")]);
        assert_eq!(texts("{\"a\":1}\n\n{\"b\":2}\r\n", true), [Some(r#"{"a":1}"#), Some(r#"{"b":2}"#)]);
        assert_eq!(texts("[]", false), Vec::<Option<&str>>::new());
    }

    #[test]
    fn several_objects_are_lines_even_when_not_declared() {
        assert_eq!(texts("{\"a\":1}\n{\"b\":2}", false), [Some(r#"{"a":1}"#), Some(r#"{"b":2}"#)]);
    }

    #[test]
    fn a_broken_line_spoils_only_itself() {
        assert_eq!(texts("{\"a\":1}\n{\"b\":\n{\"c\":3}", true), [Some(r#"{"a":1}"#), None, Some(r#"{"c":3}"#)]);
        assert_eq!(texts("{\"a\":1}\nnonsense\n{\"c\":3}", false), [Some(r#"{"a":1}"#), None, Some(r#"{"c":3}"#)]);
    }

    #[test]
    fn an_unusable_body_is_refused_without_repeating_it() {
        for body in ["", "  ", "7", "\"secret\"", "{\"secret\":", "[{\"a\":1}", "{\"events\":{}}", "[1] 2"] {
            let problem = split(body.as_bytes(), false).unwrap_err();
            assert_eq!(problem.status(), 400, "{body}");
            assert!(!problem.detail().contains("secret"), "{body}");
        }
        assert_eq!(split(b"\xff\xfe", false).unwrap_err().status(), 400);
    }

    #[test]
    fn too_many_events_are_too_large() {
        let full = format!("[{}]", vec!["{}"; MAX_BATCH].join(","));
        assert_eq!(split(full.as_bytes(), false).unwrap().len(), MAX_BATCH);
        let over = format!("[{}]", vec!["{}"; MAX_BATCH + 1].join(","));
        assert_eq!(split(over.as_bytes(), false).unwrap_err().status(), 413);
        assert_eq!(split("{}\n".repeat(MAX_BATCH + 1).as_bytes(), true).unwrap_err().status(), 413);
    }
}
