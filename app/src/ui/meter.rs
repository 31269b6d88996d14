//! How much of something: bars drawn as SVG, because a width in a style attribute is forbidden here.

use leptos::prelude::*;

/// The colour of a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarTone {
    /// Within bounds.
    #[default]
    Accent,
    /// Within bounds and fine to say so.
    Good,
    /// Close to the bound.
    Warn,
    /// Over the bound.
    Bad,
}

impl BarTone {
    const fn class(self) -> &'static str {
        match self {
            Self::Accent => "fill-accent",
            Self::Good => "fill-good",
            Self::Warn => "fill-warn",
            Self::Bad => "fill-bad",
        }
    }
}

/// A share from 0 to 1 as percent with two decimals, cut to what can be drawn.
fn percent(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{:.2}%", share * 100.0)
}

/// A bar that fills up, with an optional expected part after it and marks across it.
#[component]
pub fn Meter(
    /// The filled share, 1 is full; more is drawn as full.
    share: f64,
    /// What it says, read to screen readers: "74 % of $25,000 used".
    #[prop(into)]
    label: String,
    /// Share that is expected by the end, drawn paler behind.
    #[prop(optional)]
    expected: Option<f64>,
    /// Shares at which a mark stands, such as thresholds.
    #[prop(optional)]
    marks: Vec<f64>,
    /// Its colour.
    #[prop(optional)]
    tone: BarTone,
    /// Lower, for rows of a table.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let class = if small { "meter meter-small" } else { "meter" };
    let marks = marks
        .into_iter()
        .map(|mark| view! { <line class="meter-mark" x1=percent(mark) x2=percent(mark) y1="0" y2="100%"></line> })
        .collect_view();
    view! {
        <svg class=class role="img" aria-label=label>
            <rect class="meter-track" y="15%" width="100%" height="70%" rx="5"></rect>
            {expected.map(|share| view! { <rect class="meter-expected" y="15%" width=percent(share) height="70%" rx="5"></rect> })}
            <rect class=tone.class() y="15%" width=percent(share) height="70%" rx="5"></rect>
            {marks}
        </svg>
    }
}

/// A bar to the right for more and to the left for less, around a common zero.
#[component]
pub fn SignedBar(
    /// Its value.
    value: f64,
    /// The lowest value of the list, zero or less; the same for all its bars.
    low: f64,
    /// The highest value of the list, zero or more.
    high: f64,
) -> impl IntoView {
    let range = (high.max(0.0) - low.min(0.0)).max(f64::MIN_POSITIVE);
    let place = |value: f64| (value - low.min(0.0)) / range;
    let (from, to) = (place(value.min(0.0)), place(value.max(0.0)));
    let class = if value < 0.0 { "fill-good" } else { "fill-warn" };
    view! {
        <svg class="signed-bar" aria-hidden="true">
            <rect class=class x=percent(from) width=percent(to - from) height="100%" rx="1.5"></rect>
        </svg>
    }
}

/// When something ran, on a line that all rows of a table share.
#[component]
pub fn TimeBar(
    /// Where it begins, from 0 to 1.
    from: f64,
    /// How much of the line it takes.
    length: f64,
    /// Whether it came to nothing.
    failed: bool,
) -> impl IntoView {
    // The shortest is seen too.
    let length = length.max(0.006);
    let class = if failed { BarTone::Bad } else { BarTone::Accent }.class();
    view! {
        <svg class="time-bar" aria-hidden="true">
            <rect class=class x=percent(from.min(1.0 - length)) width=percent(length) height="100%" rx="1.5"></rect>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn a_bar_never_leaves_its_track() {
        assert_eq!(percent(0.744), "74.40%");
        assert_eq!(percent(1.7), "100.00%");
        assert_eq!(percent(-0.2), "0.00%");
        assert_eq!(percent(f64::NAN), "0.00%");
    }
}
