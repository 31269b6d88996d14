//! Which labels stand below the axis, and where annotations stand above.

use super::data::{Annotation, Mark, Step};
use super::markup::{Markup, percent};
use super::scale::SIZE;
use std::cmp::Ordering;

/// Labels that fit when the chart is wide, and when it is as narrow as a phone.
const WIDE: usize = 10;
const NARROW: usize = 5;

/// The middle of a step as a share of the width.
pub(super) fn middle(index: usize, steps: usize) -> f64 {
    edge(index, steps) + 0.5 / as_f64(steps.max(1))
}

/// The left edge of a step as a share of the width.
pub(super) fn edge(index: usize, steps: usize) -> f64 {
    as_f64(index) / as_f64(steps.max(1))
}

/// The middle of a step in the drawing's coordinates.
pub(super) fn x(index: usize, steps: usize) -> f64 {
    middle(index, steps) * SIZE
}

/// A count as a coordinate; charts have far fewer than 2³² steps.
pub(super) fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// Indices of the labelled steps, each with whether it is also shown when the chart is narrow.
pub(super) fn labelled(steps: &[Step]) -> Vec<(usize, bool)> {
    let marked: Vec<usize> = steps.iter().enumerate().filter(|(_, step)| step.mark).map(|(index, _)| index).collect();
    let candidates = if marked.is_empty() { (0..steps.len()).collect() } else { marked };
    let every = candidates.len().div_ceil(WIDE).max(1);
    let shown: Vec<usize> = candidates.into_iter().step_by(every).collect();
    let every = shown.len().div_ceil(NARROW).max(1);
    shown.into_iter().enumerate().map(|(rank, index)| (index, rank % every == 0)).collect()
}

/// The labels below the axis.
pub(super) fn below(steps: &[Step]) -> String {
    let mut markup = Markup::default();
    markup.open("svg", &[("class", "chart-labels"), ("aria-hidden", "true")]);
    for (index, narrow) in labelled(steps) {
        let at = middle(index, steps.len());
        let class = match (narrow, at > 0.96) {
            (true, false) => "",
            (true, true) => "end",
            (false, false) => "wide",
            (false, true) => "wide end",
        };
        let at = if at > 0.96 { 1.0 } else { at };
        let label = steps.get(index).map_or("", |step| step.label.as_str());
        markup.element("text", &[("class", class), ("x", &percent(at)), ("y", "13")], label);
    }
    markup.close("svg");
    markup.done()
}

/// What a letter takes of the width of a chart that is as narrow as one with annotations can be, about.
const LETTER: f64 = 0.011;
/// Rows that are kept free for annotations.
const ROWS: usize = 3;

/// What an annotation's text takes of the width, at most half of it.
fn room(annotation: &Annotation) -> f64 {
    (as_f64(annotation.label.chars().count()) * LETTER).min(0.5)
}

/// Where a text begins and ends: left of its stem where there is no room at the right.
fn span(at: f64, room: f64) -> (f64, f64) {
    if at + room > 1.0 { (at - room, at) } else { (at, at + room) }
}

/// Rows of annotations, so that no text stands on another or is crossed by the stem that comes down from a row above.
pub(super) fn rows(annotations: &[Annotation], steps: usize) -> Vec<usize> {
    let places: Vec<f64> = annotations.iter().map(|annotation| middle(annotation.step, steps)).collect();
    let spans: Vec<_> = annotations.iter().zip(&places).map(|(annotation, at)| span(*at, room(annotation))).collect();
    let mut rows = vec![0; places.len()];
    let mut placed: Vec<(usize, usize)> = Vec::new();
    // Texts at the right from the left on, those at the left from the right on: so a stem meets only texts that turn away from it.
    let (left, right): (Vec<usize>, Vec<usize>) = (0..places.len()).partition(|index| spans[*index].0 < places[*index]);
    for index in right.into_iter().chain(left.into_iter().rev()) {
        let (at, (from, to)) = (places[index], spans[index]);
        let free = |row: &usize| {
            placed.iter().all(|(other_row, other)| match other_row.cmp(row) {
                Ordering::Less => places[*other] <= from || places[*other] >= to,
                Ordering::Equal => spans[*other].1 <= from || spans[*other].0 >= to,
                Ordering::Greater => at <= spans[*other].0 || at >= spans[*other].1,
            })
        };
        let row = (0..ROWS).find(free).unwrap_or(ROWS - 1);
        rows[index] = row;
        placed.push((row, index));
    }
    rows
}

/// The annotations above the chart, each with a stem down to it.
pub(super) fn above(annotations: &[Annotation], steps: usize) -> String {
    const ROW: usize = 18;
    let rows = rows(annotations, steps);
    let height = (rows.iter().max().copied().unwrap_or(0) + 1) * ROW;
    let mut markup = Markup::default();
    markup.open("svg", &[("class", "chart-notes"), ("height", &height.to_string()), ("aria-hidden", "true")]);
    for (annotation, row) in annotations.iter().zip(rows) {
        let at = middle(annotation.step, steps);
        let (x, top) = (percent(at), row * ROW);
        markup.empty("line", &[("x1", &x), ("x2", &x), ("y1", &(top + 3).to_string()), ("y2", &height.to_string())]);
        let (class, dx) = if span(at, room(annotation)).0 < at { ("end", "-6") } else { ("", "6") };
        let y = (top + 13).to_string();
        markup.element("text", &[("class", class), ("x", &x), ("dx", dx), ("y", &y)], &annotation.label);
    }
    markup.close("svg");
    markup.done()
}

/// The numbers of marks above the chart, each with its text; of those close to each other the later stands lower.
pub(super) fn marks(marks: &[Mark], steps: usize) -> String {
    const ROW: usize = 16;
    /// What a number takes of the width of a narrow chart.
    const ROOM: f64 = 0.05;
    let mut ends = [f64::NEG_INFINITY; ROWS];
    let mut placed = Vec::new();
    for mark in marks {
        let at = middle(mark.from, steps);
        let row = ends.iter().position(|end| *end <= at).unwrap_or(ROWS - 1);
        ends[row] = at + ROOM;
        placed.push((mark, at, row));
    }
    let height = ROW * (placed.iter().map(|(.., row)| row + 1).max().unwrap_or_default());
    let mut markup = Markup::default();
    markup.open("svg", &[("class", "chart-marks"), ("height", &height.to_string()), ("aria-hidden", "true")]);
    for (mark, at, row) in placed {
        markup.open("g", &[]).element("title", &[], &mark.text);
        let (x, y) = (percent(at), (row * ROW + 12).to_string());
        markup.element("text", &[("x", &x), ("y", &y)], &mark.number.to_string());
        markup.close("g");
    }
    markup.close("svg");
    markup.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_numbered_and_say_what_happened() {
        let mark = |number, from, text: &str| Mark { number, from, last: from, text: text.to_owned() };
        let drawn = marks(&[mark(1, 0, "a < b"), mark(2, 0, "c"), mark(3, 9, "d")], 10);
        assert!(drawn.contains("height=\"32\""), "two rows: {drawn}");
        for part in ["<title>a &lt; b</title>", ">1</text>", ">2</text>", "x=\"95.00%\" y=\"12\">3</text>"] {
            assert!(drawn.contains(part), "{part} in {drawn}");
        }
        let crowded: Vec<_> = (0..9).map(|number| mark(number, 3, "x")).collect();
        assert!(marks(&crowded, 10).contains("height=\"48\""));
    }

    fn steps(count: usize, mark: impl Fn(usize) -> bool) -> Vec<Step> {
        (0..count).map(|index| Step { label: format!("b{index}"), mark: mark(index), ..Step::default() }).collect()
    }

    #[test]
    fn labels_are_thinned_to_what_fits() {
        for count in [0, 1, 5, 30, 90, 744] {
            let shown = labelled(&steps(count, |_| false));
            assert!(
                shown.len() <= WIDE && shown.iter().filter(|(_, narrow)| *narrow).count() <= NARROW,
                "{count}: {shown:?}"
            );
            assert_eq!(shown.is_empty(), count == 0);
        }
        assert_eq!(labelled(&steps(30, |index| index % 7 == 2)), [(2, true), (9, true), (16, true), (23, true)]);
        assert_eq!(labelled(&steps(2, |_| false)), [(0, true), (1, true)]);
    }

    #[test]
    fn annotations_close_to_each_other_stand_in_rows() {
        let at = |step| Annotation { step, label: "a budget at 80 % or so".to_owned() };
        assert_eq!(rows(&[at(1), at(2), at(3), at(25)], 30), [0, 1, 2, 0]);
        assert_eq!(rows(&[at(25), at(26), at(27)], 30), [2, 1, 0], "texts at the left turn away from later stems");
        assert!(above(&[at(1), at(2)], 30).contains("height=\"36\""));
        let short = |step| Annotation { step, label: "x".to_owned() };
        assert_eq!(rows(&[short(1), short(4)], 30), [0, 0], "short texts leave room");
    }
}
