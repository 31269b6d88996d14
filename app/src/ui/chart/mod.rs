//! Charts drawn on the server as SVG, readable without JavaScript; hydrated, they read out values and switch parts off.
//!
//! Values come in already placed (`f64`) and already written (texts); nothing here adds up money.
//! The drawing is stretched to its place (`preserveAspectRatio="none"` with strokes that do not scale), while every word keeps its size at any width.

mod area;
mod axis;
mod band;
mod bar;
mod data;
mod drawing;
mod line;
mod markup;
mod scale;
pub mod spark;

pub use data::{
    Annotation, Band, ChartData, Hue, Line, MAX_SERIES, Series, Stack, Step, Stroke, Threshold, hue_of, ranked,
};
pub use scale::Scale;
pub use spark::{Spark, SparkKind};

use leptos::{ev, html, prelude::*};

use super::use_ready;
use drawing::Off;

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
    let ready = use_ready();
    let name = drawing::summary(&data, &label);
    let table = drawing::table(&data, &label, &head);
    let below = axis::below(&data.steps);
    let legend = drawing::legend(&data);
    let notes = notes(&data);
    let data = StoredValue::new(data);
    let off = RwSignal::new(Off::from_iter(legend.iter().map(|_| false)));
    let drawn = Memo::new(move |_| data.with_value(|data| drawing::draw(data, &off.read(), &name, height.ticks())));
    let ticks = move || {
        let scale = &drawn.read().scale;
        scale.ticks.iter().rev().map(|value| view! { <span>{tick(*value)}</span> }).collect_view()
    };
    view! {
        <figure class=height.class()>
            {notes}
            <div class="chart-y" aria-hidden="true">{ticks}</div>
            <Plot data=data drawn=drawn off=off ready=ready label=label.clone()/>
            <div class="chart-x" inner_html=below></div>
            {(!bare).then(|| view! { <Legend parts=legend off=off ready=ready/> })}
            <details class="chart-table">
                <summary>"Show as table"</summary>
                <div class="table-box" tabindex="0" role="region" aria-label=format!("{label}, table") inner_html=table></div>
            </details>
        </figure>
    }
}

/// What happened: above the chart when there is room, as a list below it when there is not.
fn notes(data: &ChartData) -> AnyView {
    if data.annotations.is_empty() {
        return ().into_any();
    }
    let above = axis::above(&data.annotations, data.steps.len());
    let list = data.annotations.iter().map(|annotation| {
        let when = data.steps.get(annotation.step).map(|step| step.label.clone());
        view! { <li><span class="soft">{when}</span>" "{annotation.label.clone()}</li> }
    });
    view! {
        <div class="chart-above" inner_html=above></div>
        <ul class="chart-note-list">{list.collect_view()}</ul>
    }
    .into_any()
}

/// The drawing with what can be pointed at; hydrated it is a slider over the steps for the keyboard.
#[component]
fn Plot(
    /// What the chart shows.
    data: StoredValue<ChartData>,
    /// The drawing.
    drawn: Memo<drawing::Drawn>,
    /// Parts that are switched off.
    off: RwSignal<Off>,
    /// The page is hydrated.
    ready: ReadSignal<bool>,
    /// The chart's name.
    label: String,
) -> impl IntoView {
    let at = RwSignal::new(None::<usize>);
    // A finger has no hover: the first tap reads, the second follows the link.
    let first_tap = StoredValue::new(false);
    let plot = NodeRef::<html::Div>::new();
    let tip = NodeRef::<html::Div>::new();
    let count = data.with_value(|data| data.steps.len());
    let hits = move || data.with_value(|data| drawing::hits(data, !ready.get()));
    let reading = move || at.get().map(|step| data.with_value(|data| drawing::reading(data, step, &off.read())));
    let slider = move || ready.get() && count > 0;
    Effect::new(move |_| {
        if let (Some(step), Some(tip)) = (at.get(), tip.get()) {
            tip_at(&tip, data.with_value(|data| drawing::left_percent(data, step)));
        }
    });
    leave_on_tap_elsewhere(plot, at);
    let key = move |event: ev::KeyboardEvent| {
        let now = at.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => now.map_or(0, |at| at + 1).min(count.saturating_sub(1)),
            "ArrowLeft" | "ArrowDown" => now.map_or(count.saturating_sub(1), |at| at.saturating_sub(1)),
            "Home" => 0,
            "End" => count.saturating_sub(1),
            "Enter" => {
                let href = now.and_then(|at| data.with_value(|data| data.steps.get(at)?.href.clone()));
                if let Some(href) = href {
                    follow(&href);
                }
                return;
            }
            "Escape" => {
                at.set(None);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        at.set(Some(next));
    };
    view! {
        <div
            class="chart-plot"
            node_ref=plot
            on:pointermove=move |event| at.set(step_at(plot, &event, count))
            on:pointerdown=move |event| {
                let next = step_at(plot, &event, count);
                first_tap.set_value(is_touch(&event) && next != at.get_untracked());
                at.set(next);
            }
            on:pointerleave=move |event| if !is_touch(&event) { at.set(None) }
            on:click=move |event| if first_tap.get_value() { event.prevent_default() }
        >
            <div class="chart-drawing" inner_html=move || drawn.read().svg.clone()></div>
            <Pointer at=at count=count/>
            // Beside the links, not around them: nothing interactive may stand inside a slider.
            <div
                class="chart-reader"
                tabindex=move || slider().then_some("0")
                role=move || slider().then_some("slider")
                aria-label=move || slider().then(|| format!("{label}: values"))
                aria-valuemin=move || slider().then_some("1")
                aria-valuemax=move || slider().then(|| count.to_string())
                aria-valuenow=move || slider().then(|| at.get().map_or(1, |at| at + 1).to_string())
                aria-valuetext=move || slider().then(|| reading().unwrap_or_else(|| "Arrow keys read the values".to_owned()))
                on:blur=move |_| at.set(None)
                on:keydown=key
            ></div>
            <div class="chart-over" inner_html=hits></div>
            <div class="chart-tip" node_ref=tip aria-hidden="true" hidden=move || at.get().is_none()>
                {move || at.get().map(|step| tip_view(data, step, &off.read()))}
            </div>
        </div>
    }
}

/// The column that is being read.
#[component]
fn Pointer(
    /// Its step.
    at: RwSignal<Option<usize>>,
    /// How many steps there are.
    count: usize,
) -> impl IntoView {
    let left = move || at.get().map(|at| markup::percent(axis::edge(at, count)));
    view! {
        <svg class="chart-pointer" aria-hidden="true">
            <rect x=left width=markup::percent(axis::edge(1, count)) height="100%" visibility=move || if at.get().is_some() { "visible" } else { "hidden" }></rect>
        </svg>
    }
}

fn tip_view(data: StoredValue<ChartData>, step: usize, off: &Off) -> AnyView {
    data.with_value(|data| {
        let rows = drawing::values(data, step, off).into_iter().map(|value| {
            view! { <div><dt><span class=value.swatch></span>{value.name}</dt><dd>{value.text}</dd></div> }
        });
        let total = drawing::total(data, step).map(|total| view! { <strong>{total.to_owned()}</strong> });
        let title = data.steps.get(step).map(|step| step.title.clone());
        view! { <p class="chart-tip-head"><span>{title}</span>{total}</p><dl>{rows.collect_view()}</dl> }.into_any()
    })
}

/// The parts of the chart; hydrated, a click switches one off.
#[component]
fn Legend(
    /// Names with their swatches.
    parts: Vec<(String, String)>,
    /// Parts that are switched off.
    off: RwSignal<Off>,
    /// The page is hydrated.
    ready: ReadSignal<bool>,
) -> impl IntoView {
    let item = move |(part, (name, swatch)): (usize, (String, String))| {
        let is_off = move || off.read().get(part).copied().unwrap_or_default();
        let toggle = move |_| {
            off.update(|off| {
                if let Some(off) = off.get_mut(part) {
                    *off = !*off
                }
            })
        };
        let body = move || view! { <span class=swatch.clone() aria-hidden="true"></span>{name.clone()} };
        view! {
            <li>
                {move || if ready.get() {
                    view! {
                        <button type="button" aria-pressed=move || if is_off() { "false" } else { "true" } on:click=toggle>{body()}</button>
                    }.into_any()
                } else {
                    view! { <span>{body()}</span> }.into_any()
                }}
            </li>
        }
    };
    view! { <ul class="chart-legend">{parts.into_iter().enumerate().map(item).collect_view()}</ul> }
}

/// The step below the pointer.
#[cfg(feature = "hydrate")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the number of steps")]
fn step_at(plot: NodeRef<html::Div>, event: &ev::PointerEvent, count: usize) -> Option<usize> {
    let place = plot.get_untracked()?.get_bounding_client_rect();
    if count == 0 || place.width() <= 0.0 {
        return None;
    }
    let share = (f64::from(event.client_x()) - place.left()) / place.width();
    let index = (share * axis::as_f64(count)).clamp(0.0, axis::as_f64(count - 1));
    Some(index as usize)
}

#[cfg(not(feature = "hydrate"))]
fn step_at(_plot: NodeRef<html::Div>, _event: &ev::PointerEvent, _count: usize) -> Option<usize> {
    None
}

/// Whether the pointer is a finger.
#[cfg(feature = "hydrate")]
fn is_touch(event: &ev::PointerEvent) -> bool {
    event.pointer_type() == "touch"
}

#[cfg(not(feature = "hydrate"))]
fn is_touch(_event: &ev::PointerEvent) -> bool {
    false
}

/// A finger that comes down elsewhere ends the reading.
#[cfg(feature = "hydrate")]
fn leave_on_tap_elsewhere(plot: NodeRef<html::Div>, at: RwSignal<Option<usize>>) {
    use wasm_bindgen::JsCast;
    let down = window_event_listener(ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if plot.get_untracked().is_some_and(|plot| !plot.contains(target.as_ref())) {
            at.set(None);
        }
    });
    on_cleanup(move || down.remove());
}

#[cfg(not(feature = "hydrate"))]
fn leave_on_tap_elsewhere(_plot: NodeRef<html::Div>, _at: RwSignal<Option<usize>>) {}

/// Puts the tooltip beside its step, on the side where there is room. Through the object model, because a style attribute is forbidden.
#[cfg(feature = "hydrate")]
fn tip_at(tip: &web_sys::HtmlElement, percent: f64) {
    let (side, other, distance) =
        if percent > 50.0 { ("right", "left", 100.0 - percent) } else { ("left", "right", percent) };
    // Refused only for names that are not properties.
    let _ = tip.style().set_property(side, &format!("calc({distance:.2}% + 14px)"));
    let _ = tip.style().set_property(other, "auto");
}

#[cfg(not(feature = "hydrate"))]
fn tip_at(_tip: &web_sys::HtmlElement, _percent: f64) {}

#[cfg(feature = "hydrate")]
fn follow(href: &str) {
    // Refused only for addresses that cannot be parsed.
    let _ = window().location().assign(href);
}

#[cfg(not(feature = "hydrate"))]
fn follow(_href: &str) {}
