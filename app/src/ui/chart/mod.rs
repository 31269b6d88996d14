//! Charts drawn on the server as SVG, readable without JavaScript; scripts read out values and switch parts off.
//!
//! Values come in already placed (`f64`) and already written (texts); nothing here adds up money.
//! The drawing is stretched to its place (`preserveAspectRatio="none"` with strokes that do not scale), while every word keeps its size at any width.

mod area;
mod axis;
mod band;
mod bar;
mod data;
mod drawing;
mod heat;
mod line;
mod markup;
mod scale;
pub mod spark;
pub mod treemap;

pub use data::{
    Annotation, Band, ChartData, Hue, Line, MAX_SERIES, Mark, Series, Stack, Step, Stroke, Threshold, hue_of, ranked,
};
pub use scale::Scale;
pub use spark::{Spark, SparkKind};
pub use treemap::{Field, Treemap};

use crate::layout::UrlQuery;
use drawing::Off;
use frontend::ChartReader;
use leptos::prelude::*;

/// How tall a chart is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Height {
    /// Beside others, 140 px.
    Low,
    /// The page's chart, 220 px.
    #[default]
    Normal,
    /// Alone on its page, 300 px.
    Tall,
}

impl Height {
    const fn class(self) -> &'static str {
        match self {
            Self::Low => "chart chart-low",
            Self::Normal => "chart",
            Self::Tall => "chart chart-tall",
        }
    }

    const fn ticks(self) -> u8 {
        match self {
            Self::Low => 3,
            Self::Normal => 5,
            Self::Tall => 6,
        }
    }
}

/// A square in a series' colour, for the first cell of a row that belongs to it.
#[component]
pub fn Swatch(
    /// The colour.
    hue: Hue,
) -> impl IntoView {
    view! { <span class=format!("swatch {}", hue.class()) aria-hidden="true"></span> }
}

/// The parameter that names a part that is switched off: the chart's id, a dot, the number of the part.
const OFF: &str = "off";

/// A chart with its legend and the table behind it.
#[component]
pub fn Chart(
    /// What it shows.
    data: ChartData,
    /// Its name: "Spend by day".
    #[prop(into)]
    label: String,
    /// Writes the labels of the vertical axis.
    tick: fn(f64) -> String,
    /// Head of the table's first column: "Day".
    #[prop(into, default = "Day".to_owned())]
    head: String,
    /// How tall it is.
    #[prop(optional)]
    height: Height,
    /// Leaves the legend out, where one series needs no name.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView {
    let id = id_of(&label);
    let query = UrlQuery::here();
    let parts = drawing::legend(&data);
    let off: Off = (0..parts.len()).map(|part| query.all(OFF).any(|off| off == part_of(&id, part))).collect();
    let drawn = drawing::draw(&data, &off, &drawing::summary(&data, &label), height.ticks());
    let is_heat = data.stack == Stack::Heat;
    let beside: Vec<String> = if is_heat {
        data.series.iter().map(|row| row.name.clone()).collect()
    } else {
        drawn.scale.ticks.iter().rev().map(|value| tick(*value)).collect()
    };
    let ticks = beside.into_iter().map(|text| view! { <span>{text}</span> }).collect_view();
    let (hits, below) = (drawing::hits(&data), axis::below(&data.steps));
    let levels = data.thresholds.iter().filter(|_| !data.series.is_empty()).map(|level| {
        let class = format!("swatch swatch-level {}", level.tone.class());
        view! { <li><span class=class aria-hidden="true"></span>{level.label.clone()}</li> }
    });
    let legend = (!bare && !is_heat).then(|| legend(&id, &query, parts, &off, levels.collect_view().into_any()));
    let table = drawing::table(&data, &label, &head);
    let reader = reader(&label, data.steps.len());
    view! {
        <figure class=height.class() id=id>
            {notes(&data)}
            <div class="chart-y" class:chart-rows=is_heat aria-hidden="true">{ticks}</div>
            <ChartReader>
                <div class="chart-drawing" inner_html=drawn.svg></div>
                <div class="chart-over" inner_html=hits></div>
                {reader}
            </ChartReader>
            <div class="chart-x" inner_html=below></div>
            {legend}
            <details class="chart-table">
                <summary>"Show as table"</summary>
                <div class="table-box" tabindex="0" role="region" aria-label=format!("{label}, table") inner_html=table></div>
            </details>
        </figure>
    }
}

/// What shows and says the step that is read; filled in the browser.
fn reader(label: &str, count: usize) -> AnyView {
    let width = format!("{}%", 100.0 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX)));
    // Beside the links, not around them: nothing interactive may stand inside a slider.
    let slider = (count > 0).then(|| {
        view! {
            <div class="chart-reader with-scripts" tabindex="0" role="slider" aria-label=format!("{label}: values")
                aria-valuemin="1" aria-valuemax=count.to_string() aria-valuenow="1"
                aria-valuetext="Arrow keys read the values"></div>
        }
    });
    view! {
        <svg class="chart-pointer" aria-hidden="true"><rect x="0" width=width height="100%" visibility="hidden"></rect></svg>
        {slider}
        <div class="chart-tip" aria-hidden="true" hidden></div>
    }
    .into_any()
}

/// "Spend by day" as "chart-spend-by-day".
fn id_of(label: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    format!("chart-{}", label.chars().map(plain).collect::<String>())
}

fn part_of(id: &str, part: usize) -> String {
    format!("{id}.{part}")
}

/// The parts of the chart; a click switches one off.
fn legend(id: &str, query: &UrlQuery, parts: Vec<(String, String)>, off: &Off, levels: AnyView) -> AnyView {
    let item = |(part, (name, swatch)): (usize, (String, String))| {
        let is_off = off.get(part).copied().unwrap_or_default();
        let named = part_of(id, part);
        let href = if is_off { query.without_value(OFF, &named) } else { query.and(OFF, &named) }.at("");
        let href = if href.is_empty() { "?".to_owned() } else { href };
        let pressed = if is_off { "false" } else { "true" };
        view! {
            <li>
                <a role="button" href=href rel="nofollow" data-part=part.to_string() aria-pressed=pressed>
                    <span class=swatch aria-hidden="true"></span>{name}
                </a>
            </li>
        }
    };
    view! { <ul class="chart-legend">{parts.into_iter().enumerate().map(item).collect_view()}{levels}</ul> }.into_any()
}

/// What happened: above the chart when there is room, as a list below it when there is not.
fn notes(data: &ChartData) -> AnyView {
    let steps = data.steps.len();
    let marks = (!data.marks.is_empty()).then(|| axis::marks(&data.marks, steps));
    let marks = marks.map(|marks| view! { <div class="chart-numbers" inner_html=marks></div> });
    if data.annotations.is_empty() {
        return marks.into_any();
    }
    let above = axis::above(&data.annotations, steps);
    let list = data.annotations.iter().map(|annotation| {
        let when = data.steps.get(annotation.step).map(|step| step.label.clone());
        view! { <li><span class="soft">{when}</span>" "{annotation.label.clone()}</li> }
    });
    view! {
        <div class="chart-above" inner_html=above></div>
        <ul class="chart-note-list">{list.collect_view()}</ul>
        {marks}
    }
    .into_any()
}
