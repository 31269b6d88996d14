//! What a chart says to who points at it, or walks along it with the arrow keys.
//!
//! The server draws; its exact values stand in the table behind the drawing, and are read from there.

use leptos::task::spawn_local;
use leptos::{ev, html, prelude::*};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

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
///
/// What it shows the reading with is the server's markup too: properties would bring a reader of JSON along.
#[island]
pub fn ChartReader(
    /// The drawing, and what a reading is shown with: pointer, slider and tip.
    children: Children,
) -> impl IntoView {
    let at = RwSignal::new(None::<usize>);
    // A finger has no hover: its first tap reads, and one more on what is read opens it. None while it is no finger.
    let finger_opens = StoredValue::new(None::<bool>);
    let plot = NodeRef::<html::Div>::new();
    // Changes with every part that is switched off or on.
    let switched = RwSignal::new(0_u32);
    let reading = Memo::new(move |_| {
        switched.track();
        let figure = plot.get_untracked()?.closest("figure").ok()??;
        read(&figure, at.get()?)
    });
    Effect::new(move |_| {
        if let Some(plot) = plot.get() {
            show(&plot, at.get(), reading.get());
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
    let open = move || {
        if let Some(href) = reading.get_untracked().and_then(|reading| reading.href) {
            document::leave_for(&href);
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        let Some(slider) = document::element_of(&event).filter(|element| element.has_attribute(LAST)) else { return };
        let now = at.get_untracked();
        let last = steps(&slider).saturating_sub(1);
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => now.map_or(0, |at| at + 1).min(last),
            "ArrowLeft" | "ArrowDown" => now.map_or(last, |at| at.saturating_sub(1)),
            "Home" => 0,
            "End" => last,
            "Enter" => return open(),
            "Escape" => return at.set(None),
            _ => return,
        };
        event.prevent_default();
        at.set(Some(next));
    };
    view! {
        <div
            class="chart-plot"
            node_ref=plot
            on:pointermove=move |event| {
                // A tap that opens trembles; one that slides away reads again.
                if !(finger_opens.get_value() == Some(true) && is_on(plot, &event, at.get_untracked())) {
                    finger_opens.update_value(|opens| *opens = opens.map(|_| false));
                    at.set(step_at(plot, &event));
                }
            }
            on:pointerdown=move |event| {
                let opens = is_on(plot, &event, at.get_untracked());
                finger_opens.set_value(is_touch(&event).then_some(opens));
                if !is_touch(&event) || !opens {
                    at.set(step_at(plot, &event));
                }
            }
            on:pointerleave=move |event| if !is_touch(&event) { at.set(None) }
            on:click=move |event| {
                let Some(opens) = finger_opens.get_value() else { return };
                event.prevent_default();
                if opens {
                    open();
                }
            }
            on:focusout=move |event| {
                // A finger moves the focus from link to link below it.
                if document::element_of(&event).is_some_and(|element| element.has_attribute(LAST)) {
                    at.set(None);
                }
            }
            on:keydown=key
        >
            {children()}
        </div>
    }
}

/// On the slider: the number of its last step, counted from one.
const LAST: &str = "aria-valuemax";

/// How many steps a slider has.
fn steps(slider: &Element) -> usize {
    slider.get_attribute(LAST).and_then(|last| last.parse().ok()).unwrap_or_default()
}

/// How many steps a plot has; one that shows nothing has no slider.
fn steps_of(plot: &Element) -> usize {
    part(plot, ".chart-reader").as_ref().map_or(0, steps)
}

fn part(plot: &Element, selector: &str) -> Option<Element> {
    plot.query_selector(selector).ok().flatten()
}

/// Shows what is read: the step is marked, the slider says it, the tip stands beside it.
fn show(plot: &Element, at: Option<usize>, reading: Option<Reading>) {
    let set = |part: &Element, name: &str, value: &str| drop(part.set_attribute(name, value));
    let count = steps_of(plot);
    if let Some(pointer) = part(plot, ".chart-pointer rect") {
        set(&pointer, "visibility", if at.is_some() { "visible" } else { "hidden" });
        set(&pointer, "x", &percent(at.unwrap_or_default() * 2, count));
    }
    let said = reading.as_ref().map_or_else(|| "Arrow keys read the values".to_owned(), Reading::sentence);
    if let Some(slider) = part(plot, ".chart-reader") {
        set(&slider, "aria-valuenow", &at.map_or(1, |at| at + 1).to_string());
        set(&slider, "aria-valuetext", &said);
    }
    let Some(tip) = part(plot, ".chart-tip").and_then(|tip| tip.dyn_into::<HtmlElement>().ok()) else { return };
    tip.set_hidden(reading.is_none());
    if let (Some(step), Some(reading)) = (at, reading) {
        fill(&tip, reading);
        tip_at(&tip, step, count);
    }
}

/// Writes a reading into the tip; texts as texts, whatever is in them.
fn fill(tip: &Element, reading: Reading) {
    let add = |to: &Element, name: &str, text: &str| {
        let made = document().create_element(name).ok()?;
        made.set_text_content(Some(text));
        to.append_child(&made).ok()?;
        Some(made)
    };
    tip.set_text_content(None);
    let Some(head) = add(tip, "p", "") else { return };
    head.set_class_name("chart-tip-head");
    add(&head, "span", &reading.title);
    if let Some(total) = &reading.total {
        add(&head, "strong", total);
    }
    let Some(list) = add(tip, "dl", "") else { return };
    for value in &reading.values {
        let Some(row) = add(&list, "div", "") else { return };
        let name = add(&row, "dt", "").and_then(|name| Some((add(&name, "span", "")?, name)));
        let Some((swatch, name)) = name else { return };
        swatch.set_class_name(&value.swatch);
        let _ = name.append_with_str_1(&value.name);
        add(&row, "dd", &value.text);
    }
}

/// So many halves of a step, in hundredths of the plot's width: without numbers with a point, whose texts weigh more than all of this.
fn percent(halves: usize, count: usize) -> String {
    let hundredths = halves * 5_000 / count.max(1);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
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
fn step_at(plot: NodeRef<html::Div>, event: &ev::PointerEvent) -> Option<usize> {
    let plot = plot.get_untracked()?;
    let (place, count) = (plot.get_bounding_client_rect(), steps_of(&plot));
    if count == 0 || place.width() <= 0.0 {
        return None;
    }
    let share = (f64::from(event.client_x()) - place.left()) / place.width();
    let index = (share * as_f64(count)).clamp(0.0, as_f64(count - 1));
    Some(index as usize)
}

/// Whether the pointer is on the step that is read, or as near as a finger can aim: steps of a month are narrower on a phone.
fn is_on(plot: NodeRef<html::Div>, event: &ev::PointerEvent, read: Option<usize>) -> bool {
    let (Some(plot), Some(read)) = (plot.get_untracked(), read) else { return false };
    let place = plot.get_bounding_client_rect();
    let step = place.width() / as_f64(steps_of(&plot).max(1));
    let middle = place.left() + (as_f64(read) + 0.5) * step;
    (f64::from(event.client_x()) - middle).abs() <= FINGER_PX.max(step / 2.0)
}

/// Whether the pointer is a finger.
fn is_touch(event: &ev::PointerEvent) -> bool {
    event.pointer_type() == "touch"
}

/// Puts the tip beside its step, on the side where there is more room, and never beyond the drawing. Through the object model, because a style attribute is forbidden.
fn tip_at(tip: &HtmlElement, step: usize, count: usize) {
    let (before, all) = (step * 2 + 1, count * 2);
    let (side, other, distance) =
        if before > count { ("right", "left", all.saturating_sub(before)) } else { ("left", "right", before) };
    // Refused only for names that are not properties.
    let place = format!("min({} + {BESIDE_PX}px, 100% - {TIP_WIDTH})", percent(distance, count));
    let _ = tip.style().set_property(side, &place);
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
    fn steps_lie_at_hundredths_of_the_width() {
        assert_eq!(
            [percent(0, 30), percent(1, 3), percent(60, 30), percent(0, 0)],
            ["0.00%", "16.66%", "100.00%", "0.00%"]
        );
    }

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
