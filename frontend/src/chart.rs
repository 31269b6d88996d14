//! What a chart says to who points at it, or walks along it with the arrow keys.
//!
//! The server draws; its exact values stand in the table behind the drawing, and are read from there.

use leptos::task::spawn_local;
use leptos::{ev, html, prelude::*};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::document::{self, PAGE, all, page_at};

/// Beside the step that is read, in pixels.
const BESIDE_PX: u32 = 14;
/// The most that it is wide, as `style/ui/_chart.scss` has it.
const TIP_WIDTH: &str = "min(280px, 62cqw)";

/// How far beside a step a finger still means it, in pixels.
const FINGER_PX: f64 = 12.0;

thread_local! {
    /// The number of the last question for a drawing.
    static DRAWN: Cell<u32> = const { Cell::new(0) };
}

/// One value of a step with its swatch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    swatch: String,
    name: String,
    text: String,
}

/// What a step holds, from the top of the stack down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reading {
    title: String,
    href: Option<String>,
    total: Option<String>,
    values: Vec<Value>,
}

impl Reading {
    /// As one sentence.
    fn sentence(&self) -> String {
        let total = self.total.iter().map(|total| format!("total {total}"));
        let values = self.values.iter().map(|value| format!("{} {}", value.name, value.text));
        let parts: Vec<String> = total.chain(values).collect();
        if parts.is_empty() { self.title.clone() } else { format!("{}: {}", self.title, parts.join(", ")) }
    }
}

/// The drawing with what can be pointed at, and a slider over its steps for the keyboard.
#[island]
pub fn ChartReader(
    /// The chart's name.
    label: String,
    /// How many steps there are.
    count: usize,
    /// The drawing.
    children: Children,
) -> impl IntoView {
    let at = RwSignal::new(None::<usize>);
    // A finger has no hover: its first tap reads, and one more on what is read opens it. None while it is no finger.
    let finger_opens = StoredValue::new(None::<bool>);
    let plot = NodeRef::<html::Div>::new();
    let tip = NodeRef::<html::Div>::new();
    // Changes with every part that is switched off or on.
    let switched = RwSignal::new(0_u32);
    let reading = Memo::new(move |_| {
        switched.track();
        let figure = plot.get_untracked()?.closest("figure").ok()??;
        read(&figure, at.get()?)
    });
    Effect::new(move |_| {
        if let (Some(step), Some(tip)) = (at.get(), tip.get()) {
            tip_at(&tip, (as_f64(step) + 0.5) / as_f64(count.max(1)) * 100.0);
        }
    });
    Effect::new(move |_| {
        let Some(plot) = plot.get() else { return };
        if let Ok(Some(figure)) = plot.closest("figure") {
            listen_to_legend(&figure, switched);
        }
        // A finger that comes down elsewhere ends the reading.
        document::listen_while_shown(plot.into(), "pointerdown", move |plot, event| {
            if !plot.contains(document::element_of(event).as_deref()) {
                at.set(None);
            }
        });
    });
    let key = move |event: ev::KeyboardEvent| {
        let now = at.get_untracked();
        let last = count.saturating_sub(1);
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => now.map_or(0, |at| at + 1).min(last),
            "ArrowLeft" | "ArrowDown" => now.map_or(last, |at| at.saturating_sub(1)),
            "Home" => 0,
            "End" => last,
            "Enter" => {
                if let Some(href) = reading.get_untracked().and_then(|reading| reading.href) {
                    document::leave_for(&href);
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
    let left = move || at.get().map(|at| format!("{}%", as_f64(at) / as_f64(count.max(1)) * 100.0));
    let width = format!("{}%", 100.0 / as_f64(count.max(1)));
    let said =
        move || reading.get().map_or_else(|| "Arrow keys read the values".to_owned(), |reading| reading.sentence());
    view! {
        <div
            class="chart-plot"
            node_ref=plot
            on:pointermove=move |event| {
                // A tap that opens trembles; one that slides away reads again.
                if !(finger_opens.get_value() == Some(true) && is_on(plot, &event, at.get_untracked(), count)) {
                    finger_opens.update_value(|opens| *opens = opens.map(|_| false));
                    at.set(step_at(plot, &event, count));
                }
            }
            on:pointerdown=move |event| {
                let opens = is_on(plot, &event, at.get_untracked(), count);
                finger_opens.set_value(is_touch(&event).then_some(opens));
                if !is_touch(&event) || !opens {
                    at.set(step_at(plot, &event, count));
                }
            }
            on:pointerleave=move |event| if !is_touch(&event) { at.set(None) }
            on:click=move |event| {
                let Some(opens) = finger_opens.get_value() else { return };
                event.prevent_default();
                if let Some(href) = reading.get_untracked().and_then(|reading| reading.href).filter(|_| opens) {
                    document::leave_for(&href);
                }
            }
        >
            {children()}
            <svg class="chart-pointer" aria-hidden="true">
                <rect x=left width=width height="100%" visibility=move || if at.get().is_some() { "visible" } else { "hidden" }></rect>
            </svg>
            // Beside the links, not around them: nothing interactive may stand inside a slider.
            {(count > 0).then(|| view! {
                <div
                    class="chart-reader with-scripts"
                    tabindex="0"
                    role="slider"
                    aria-label=format!("{label}: values")
                    aria-valuemin="1"
                    aria-valuemax=count.to_string()
                    aria-valuenow=move || at.get().map_or(1, |at| at + 1).to_string()
                    aria-valuetext=said
                    on:blur=move |_| at.set(None)
                    on:keydown=key
                ></div>
            })}
            <div class="chart-tip" node_ref=tip aria-hidden="true" hidden=move || reading.read().is_none()>
                {move || reading.get().map(tip_view)}
            </div>
        </div>
    }
}

fn tip_view(reading: Reading) -> AnyView {
    let rows = reading.values.into_iter().map(|value| {
        view! { <div><dt><span class=value.swatch></span>{value.name}</dt><dd>{value.text}</dd></div> }
    });
    let total = reading.total.map(|total| view! { <strong>{total}</strong> });
    view! { <p class="chart-tip-head"><span>{reading.title}</span>{total}</p><dl>{rows.collect_view()}</dl> }.into_any()
}

/// What a row of the table says; parts that are off or empty are left out.
fn read(figure: &Element, step: usize) -> Option<Reading> {
    let row = all(figure, ".chart-table tbody tr").into_iter().nth(step)?;
    let mut reading = Reading::default();
    let head = row.query_selector("th").ok()??;
    reading.title = head.text_content().unwrap_or_default();
    reading.href = head.query_selector("a").ok().flatten().and_then(|link| link.get_attribute("href"));
    let heads = all(figure, ".chart-table thead th");
    for (head, cell) in heads.iter().skip(1).zip(all(&row, "td")) {
        let text = cell.text_content().unwrap_or_default();
        if text.is_empty() || cell.has_attribute("data-empty") {
            continue;
        }
        let Some(part) = head.get_attribute("data-part") else {
            reading.total = Some(text);
            continue;
        };
        if is_off(figure, &part) {
            continue;
        }
        let value = Value {
            swatch: head.get_attribute("data-swatch").unwrap_or_default(),
            name: head.text_content().unwrap_or_default(),
            text,
        };
        if head.has_attribute("data-stacked") {
            // The last part lies on top.
            reading.values.insert(0, value);
        } else {
            reading.values.push(value);
        }
    }
    Some(reading)
}

fn switch_of(figure: &Element, part: &str) -> Option<Element> {
    figure.query_selector(&format!(".chart-legend [data-part=\"{part}\"]")).ok().flatten()
}

fn is_off(figure: &Element, part: &str) -> bool {
    switch_of(figure, part).is_some_and(|switch| switch.get_attribute("aria-pressed").as_deref() == Some("false"))
}

/// A click in the legend switches a part off: the server draws the chart without it.
fn listen_to_legend(figure: &Element, switched: RwSignal<u32>) {
    let of = figure.clone();
    let pressed = move |event: web_sys::Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(switch) = target.and_then(|target| target.closest(".chart-legend [data-part]").ok().flatten()) else {
            return;
        };
        if event.dyn_ref::<web_sys::KeyboardEvent>().is_some_and(|event| event.key() != " ") {
            return;
        }
        event.prevent_default();
        let off = switch.get_attribute("aria-pressed").as_deref() != Some("false");
        let _ = switch.set_attribute("aria-pressed", if off { "false" } else { "true" });
        switched.update(|switched| *switched += 1);
        spawn_local(draw_again(of.clone()));
    };
    for name in ["click", "keydown"] {
        let listener = wasm_bindgen::closure::Closure::<dyn Fn(web_sys::Event)>::new(pressed.clone());
        let _ = figure.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        // Lives as long as the figure does.
        listener.forget();
    }
}

/// Shows the chart without what is switched off now; the answer to an older question is not shown.
async fn draw_again(figure: Element) {
    let number = DRAWN.get().wrapping_add(1);
    DRAWN.set(number);
    let Ok(here) = window().location().href() else { return };
    let Ok(url) = web_sys::Url::new(&here) else { return };
    let query = url.search_params();
    query.delete("off");
    for switch in all(&figure, ".chart-legend [aria-pressed=\"false\"]") {
        let part = switch.get_attribute("data-part").unwrap_or_default();
        query.append("off", &format!("{}.{part}", figure.id()));
    }
    let Ok((_, page)) = page_at(&url.href(), &PAGE).await else { return };
    if DRAWN.get() != number {
        return;
    }
    let Some(drawn) = page.get_element_by_id(&figure.id()) else { return };
    for part in [".chart-drawing", ".chart-y"] {
        if let (Ok(Some(old)), Ok(Some(new))) = (figure.query_selector(part), drawn.query_selector(part)) {
            old.set_inner_html(&new.inner_html());
        }
    }
}

/// The step below the pointer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the number of steps")]
fn step_at(plot: NodeRef<html::Div>, event: &ev::PointerEvent, count: usize) -> Option<usize> {
    let place = plot.get_untracked()?.get_bounding_client_rect();
    if count == 0 || place.width() <= 0.0 {
        return None;
    }
    let share = (f64::from(event.client_x()) - place.left()) / place.width();
    let index = (share * as_f64(count)).clamp(0.0, as_f64(count - 1));
    Some(index as usize)
}

/// Whether the pointer is on the step that is read, or as near as a finger can aim: steps of a month are narrower on a phone.
fn is_on(plot: NodeRef<html::Div>, event: &ev::PointerEvent, read: Option<usize>, count: usize) -> bool {
    let (Some(plot), Some(read)) = (plot.get_untracked(), read) else { return false };
    let place = plot.get_bounding_client_rect();
    let step = place.width() / as_f64(count.max(1));
    let middle = place.left() + (as_f64(read) + 0.5) * step;
    (f64::from(event.client_x()) - middle).abs() <= FINGER_PX.max(step / 2.0)
}

/// Whether the pointer is a finger.
fn is_touch(event: &ev::PointerEvent) -> bool {
    event.pointer_type() == "touch"
}

/// Puts the tooltip beside its step, on the side where there is more room, and never beyond the drawing. Through the object model, because a style attribute is forbidden.
fn tip_at(tip: &web_sys::HtmlElement, percent: f64) {
    let (side, other, distance) =
        if percent > 50.0 { ("right", "left", 100.0 - percent) } else { ("left", "right", percent) };
    // Refused only for names that are not properties.
    let _ = tip.style().set_property(side, &format!("min({distance:.2}% + {BESIDE_PX}px, 100% - {TIP_WIDTH})"));
    let _ = tip.style().set_property(other, "auto");
}

#[expect(clippy::cast_precision_loss, reason = "steps of a chart are few")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_a_sentence() {
        let value =
            |name: &str, text: &str| Value { swatch: String::new(), name: name.to_owned(), text: text.to_owned() };
        let mut reading = Reading { title: "Nov 1".to_owned(), ..Reading::default() };
        assert_eq!(reading.sentence(), "Nov 1");
        reading.total = Some("$30".to_owned());
        reading.values = vec![value("c", "$20"), value("a", "$10")];
        assert_eq!(reading.sentence(), "Nov 1: total $30, c $20, a $10");
    }
}
