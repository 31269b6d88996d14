//! A chart the size of a word.

use leptos::prelude::*;

use super::data::Hue;
use super::scale::{Scale, stack};
use super::{bar, line};

/// How a sparkline is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SparkKind {
    /// Bars, for amounts per day.
    #[default]
    Bars,
    /// A line, for levels.
    Line,
}

/// The course of one value, for a cell of a table. It shows a shape; the figures stand beside it.
#[component]
pub fn Spark(
    /// Values from left to right.
    values: Vec<f64>,
    /// Its colour.
    #[prop(optional)]
    hue: Hue,
    /// How it is drawn.
    #[prop(optional)]
    kind: SparkKind,
    /// What it shows, read to screen readers: "spend of the last 23 days, highest Nov 18".
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let scale = Scale { ticks: ends(&values) };
    let (class, path) = match kind {
        SparkKind::Bars => ("spark-bars", bar_path(&values, &scale)),
        SparkKind::Line => {
            ("spark-line", line::path(&values.iter().copied().map(Some).collect::<Vec<_>>(), values.len(), &scale))
        }
    };
    view! {
        <svg class=format!("spark {}", hue.class()) viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label=label>
            <path class=class d=path></path>
        </svg>
    }
}

/// The range of a sparkline needs no round ends.
fn ends(values: &[f64]) -> Vec<f64> {
    let scale = Scale::nice(values.iter().copied(), 1);
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if high > low { vec![low, high] } else { scale.ticks }
}

fn bar_path(values: &[f64], scale: &Scale) -> String {
    stack(&[values], values.len()).pop().map(|spans| bar::path(&spans, scale, 1.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_fills_the_height() {
        assert_eq!(ends(&[3.0, 7.0]), vec![0.0, 7.0]);
        assert_eq!(ends(&[-2.0, 7.0]), vec![-2.0, 7.0]);
        assert_eq!(ends(&[]), vec![0.0, 1.0]);
        assert_eq!(ends(&[0.0]), vec![0.0, 1.0]);
    }
}
