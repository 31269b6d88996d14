//! The chart as text: the drawing, what can be clicked, the table behind it. Pure.

use super::axis::{edge, x};
use super::data::{ChartData, Hue, Stack, Stroke};
use super::markup::{Markup, number, percent};
use super::scale::{SIZE, Scale, stack};
use super::{area, band, bar, heat, line};

/// From this many steps on the marks touch and single steps are too narrow to be a link.
const CROWDED: usize = 100;

/// Which parts the reader has switched off, in the order of the legend: series, lines, band.
pub(super) type Off = Vec<bool>;

/// Names of the parts in the order of the legend, each with the class of its swatch.
pub(super) fn legend(data: &ChartData) -> Vec<(String, String)> {
    let series = data.series.iter().map(|series| (series.name.clone(), format!("swatch {}", series.hue.class())));
    let lines = data
        .lines
        .iter()
        .map(|line| (line.name.clone(), format!("swatch {}", line_class(line.stroke, line.hue.class()))));
    let swatch = |hue| if hue == Hue::Estimate { "swatch hue-estimate" } else { "swatch swatch-band" };
    let bands = data.bands.iter().map(|band| (band.name.clone(), swatch(band.hue).to_owned()));
    series.chain(lines).chain(bands).collect()
}

fn line_class(stroke: Stroke, hue: &str) -> String {
    let kind = match stroke {
        Stroke::Solid => "line-solid",
        Stroke::Dashed => "line-dashed",
        Stroke::Thin => return "line-thin".to_owned(),
        Stroke::Step => "line-step",
    };
    format!("{kind} {hue}")
}

fn is_off(off: &Off, part: usize) -> bool {
    off.get(part).copied().unwrap_or_default()
}

/// The drawing and the scale it uses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Drawn {
    pub(super) svg: String,
    pub(super) scale: Scale,
}

/// Draws everything that is not switched off. `name` is read to screen readers.
pub(super) fn draw(data: &ChartData, off: &Off, name: &str, ticks: u8) -> Drawn {
    let steps = data.steps.len();
    let none: &[f64] = &[];
    let values: Vec<&[f64]> = data
        .series
        .iter()
        .enumerate()
        .map(|(part, series)| if is_off(off, part) { none } else { series.values.as_slice() })
        .collect();
    let spans = stack(&values, steps);
    let lines = data.series.len();
    let shown_lines =
        || data.lines.iter().enumerate().filter(|(index, _)| !is_off(off, lines + index)).map(|(_, line)| line);
    let shown_bands = || {
        let bands = data.bands.iter().enumerate();
        bands.filter(|(index, _)| !is_off(off, lines + data.lines.len() + index)).map(|(_, band)| band)
    };
    let scale = Scale::nice(
        spans
            .iter()
            .flatten()
            .flat_map(|(from, to)| [*from, *to])
            .chain(shown_lines().flat_map(|line| line.values.iter().copied().flatten()))
            .chain(shown_bands().flat_map(|band| band.values.iter().flatten().flat_map(|(low, high)| [*low, *high])))
            .chain(data.thresholds.iter().map(|threshold| threshold.value)),
        ticks,
    );

    let mut svg = Markup::default();
    svg.open("svg", &[("class", "chart-svg"), ("role", "img"), ("aria-label", name)]);
    svg.open(
        "svg",
        &[("viewBox", "0 0 1000 1000"), ("preserveAspectRatio", "none"), ("width", "100%"), ("height", "100%")],
    );
    let is_heat = data.stack == Stack::Heat;
    for tick in scale.ticks.iter().filter(|_| !is_heat) {
        let y = number(scale.y(*tick));
        let class = if *tick == 0.0 { "chart-zero" } else { "chart-rule" };
        svg.empty("path", &[("class", class), ("d", &format!("M0 {y}H1000"))]);
    }
    let hatch = format!("hatch-{}", super::id_of(name));
    if data.is_estimated() {
        hatching(&mut svg, &hatch);
    }
    for band in shown_bands() {
        fill(&mut svg, "band", band.hue, &band::path(&band.values, steps, &scale), &hatch);
    }
    for (series, spans) in data.series.iter().zip(&spans) {
        let (kind, path) = match data.stack {
            Stack::Bars if steps >= CROWDED => ("bars-crowded", bar::path(spans, &scale, bar::WIDEST)),
            Stack::Bars => ("bars", bar::path(spans, &scale, bar::WIDEST)),
            Stack::Areas => ("area", area::path(spans, &scale)),
            Stack::Heat => break,
        };
        if !path.is_empty() {
            fill(&mut svg, kind, series.hue, &path, &hatch);
        }
    }
    if is_heat {
        heat::draw(&mut svg, &data.series);
    }
    for line in shown_lines() {
        let path = match line.stroke {
            Stroke::Step => line::step_path(&line.values, steps, &scale),
            Stroke::Solid | Stroke::Dashed | Stroke::Thin => line::path(&line.values, steps, &scale),
        };
        svg.empty("path", &[("class", &line_class(line.stroke, line.hue.class())), ("d", &path)]);
    }
    for threshold in &data.thresholds {
        let y = number(scale.y(threshold.value));
        svg.empty(
            "path",
            &[("class", &format!("threshold {}", threshold.tone.class())), ("d", &format!("M0 {y}H1000"))],
        );
    }
    for mark in &data.marks {
        let (from, last) = (number(x(mark.from, steps)), number(edge(mark.last + 1, steps) * SIZE));
        svg.empty("path", &[("class", "mark"), ("d", &format!("M{from} 0V1000"))]);
        if mark.last > mark.from {
            svg.empty("path", &[("class", "mark-span"), ("d", &format!("M{from} 0H{last}"))]);
        }
    }
    if let Some(today) = data.today.filter(|today| *today > 0 && *today < steps) {
        let x = number(edge(today, steps) * SIZE);
        svg.empty("path", &[("class", "today"), ("d", &format!("M{x} 0V1000"))]);
    }
    svg.close("svg");
    words(&mut svg, data, &scale);
    svg.close("svg");
    Drawn { svg: svg.done(), scale }
}

/// A filled shape; what is estimated is hatched.
fn fill(svg: &mut Markup, kind: &str, hue: Hue, path: &str, hatch: &str) {
    if hue == Hue::Estimate {
        svg.empty("path", &[("class", "hatched"), ("fill", &format!("url(#{hatch})")), ("d", path)]);
    } else {
        svg.empty("path", &[("class", &format!("{kind} {}", hue.class())), ("d", path)]);
    }
}

/// The pattern of what is estimated: lines in the drawing's own units, which are narrow and low.
fn hatching(svg: &mut Markup, id: &str) {
    let size = [("id", id), ("width", "8"), ("height", "24"), ("patternUnits", "userSpaceOnUse")];
    svg.open("pattern", &size).empty("path", &[("class", "hatch"), ("d", "M-2 30L10 -6M-2 6L2 -6M6 30L10 18")]);
    svg.close("pattern");
}

/// Words inside the drawing, which are never stretched, at its left: what is drawn with levels is summed up and begins low. Over bars, levels are named in the legend: their words would cover bars.
fn words(svg: &mut Markup, data: &ChartData, scale: &Scale) {
    for threshold in data.thresholds.iter().filter(|_| data.series.is_empty()) {
        let y = percent(scale.depth(threshold.value));
        let class = format!("chart-word {}", threshold.tone.class());
        // A line at the very top has its words below it.
        let dy = if scale.depth(threshold.value) < 0.08 { "14" } else { "-5" };
        svg.element("text", &[("class", &class), ("x", "4"), ("y", &y), ("dy", dy)], &threshold.label);
    }
    if data.steps.is_empty() {
        svg.element("text", &[("class", "chart-word middle"), ("x", "50%"), ("y", "50%")], "Nothing in this period");
    }
}

/// Clickable columns over the drawing.
pub(super) fn hits(data: &ChartData) -> String {
    let steps = data.steps.len();
    if steps >= CROWDED {
        return String::new();
    }
    let mut svg = Markup::default();
    svg.open("svg", &[("class", "chart-hits"), ("aria-hidden", "true")]);
    let width = percent(edge(1, steps));
    for (index, step) in data.steps.iter().enumerate() {
        if let Some(href) = &step.href {
            svg.open("a", &[("href", href), ("tabindex", "-1")]);
        }
        svg.empty("rect", &[("x", &percent(edge(index, steps))), ("width", &width), ("height", "100%")]);
        if step.href.is_some() {
            svg.close("a");
        }
    }
    svg.close("svg");
    svg.done()
}

/// Whether the step's total says more than its only part.
fn total(data: &ChartData, step: usize) -> Option<&str> {
    let total = data.steps.get(step).map(|step| step.total.as_str()).filter(|total| !total.is_empty());
    total.filter(|_| data.series.len() > 1 || data.series.is_empty() && data.lines.len() > 1)
}

/// The chart's name with its ends and its highest step.
pub(super) fn summary(data: &ChartData, label: &str) -> String {
    let (Some(first), Some(last)) = (data.steps.first(), data.steps.last()) else {
        return format!("{label}: nothing in this period");
    };
    let sums = (0..data.steps.len())
        .map(|index| data.series.iter().filter_map(|series| series.values.get(index)).sum::<f64>());
    let highest = sums.enumerate().filter(|(_, sum)| *sum > 0.0).max_by(|left, right| left.1.total_cmp(&right.1));
    let highest = highest.and_then(|(index, _)| data.steps.get(index)).map(|step| {
        let total = if step.total.is_empty() { String::new() } else { format!(" with {}", step.total) };
        format!("; highest {}{total}", step.title)
    });
    format!("{label}, {} to {}{}", first.title, last.title, highest.unwrap_or_default())
}

/// The table behind the chart: a row per step, a column per part, the exact values. Whoever points at the drawing is read from it.
pub(super) fn table(data: &ChartData, label: &str, head: &str) -> String {
    let mut html = Markup::default();
    html.open("table", &[("class", "table table-dense")]).element("caption", &[("class", "visually-hidden")], label);
    let totals = (0..data.steps.len()).any(|step| total(data, step).is_some());
    html.open("thead", &[]).open("tr", &[]).element("th", &[("scope", "col")], head);
    if totals {
        html.element("th", &[("scope", "col"), ("class", "num")], "Total");
    }
    for (part, (name, swatch)) in legend(data).into_iter().enumerate() {
        let number = part.to_string();
        let mut attributes = vec![("scope", "col"), ("class", "num"), ("data-part", &number), ("data-swatch", &swatch)];
        if part < data.series.len() && data.stack != Stack::Heat {
            attributes.push(("data-stacked", ""));
        }
        html.element("th", &attributes, &name);
    }
    html.close("tr").close("thead").open("tbody", &[]);
    for (index, step) in data.steps.iter().enumerate() {
        html.open("tr", &[]).open("th", &[("scope", "row")]);
        match &step.href {
            Some(href) => html.element("a", &[("href", href)], &step.title),
            None => html.text(&step.title),
        };
        for mark in data.marks.iter().filter(|mark| (mark.from..=mark.last).contains(&index)) {
            html.element("span", &[("class", "table-mark")], &format!(" · {}", mark.text));
        }
        html.close("th");
        if totals {
            html.element("td", &[("class", "num")], &step.total);
        }
        for series in &data.series {
            // A part of no height has nothing to read.
            let empty = data.series.len() > 1 && series.values.get(index).is_none_or(|value| *value == 0.0);
            let attributes: &[_] = if empty { &[("class", "num"), ("data-empty", "")] } else { &[("class", "num")] };
            html.element("td", attributes, text(&series.texts, index));
        }
        for texts in data.lines.iter().map(|line| &line.texts).chain(data.bands.iter().map(|band| &band.texts)) {
            html.element("td", &[("class", "num")], text(texts, index));
        }
        html.close("tr");
    }
    html.close("tbody").close("table");
    html.done()
}

fn text(texts: &[String], step: usize) -> &str {
    texts.get(step).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::data::{Band, Line, Mark, Series, Step, Threshold};
    use super::*;
    use crate::ui::Tone;

    fn sample() -> ChartData {
        let step = |title: &str, total: &str| Step {
            label: title.to_owned(),
            title: title.to_owned(),
            total: total.to_owned(),
            href: Some(format!("/explore?from={title}&x=<")),
            mark: false,
        };
        let series = |name: &str, hue, values: [f64; 2]| Series {
            name: name.to_owned(),
            hue,
            values: values.to_vec(),
            texts: values.iter().map(|value| format!("${value}")).collect(),
        };
        ChartData {
            steps: vec![step("Nov 1", "$30"), step("Nov 2", "$5")],
            series: vec![series("a<b", Hue::First, [10.0, 5.0]), series("c", Hue::Second, [20.0, 0.0])],
            lines: vec![Line {
                name: "October".to_owned(),
                stroke: Stroke::Thin,
                values: vec![Some(12.0), None],
                texts: vec!["$12".to_owned(), String::new()],
                ..Line::default()
            }],
            thresholds: vec![Threshold { value: 40.0, label: "budget".to_owned(), tone: Tone::Warn }],
            today: Some(1),
            ..ChartData::default()
        }
    }

    #[test]
    fn the_drawing_holds_every_part_and_escapes_names() {
        let drawn = draw(&sample(), &Off::new(), "Spend <by> day", 4);
        assert_eq!(drawn.scale.high().to_string(), "40");
        for part in [
            "aria-label=\"Spend &lt;by&gt; day\"",
            "bars hue-1",
            "bars hue-2",
            "line-thin",
            "threshold tone-warn",
            "class=\"today\" d=\"M500 0V1000\"",
        ] {
            assert!(drawn.svg.contains(part), "{part} in {}", drawn.svg);
        }
        assert!(!drawn.svg.contains("style="));
    }

    #[test]
    fn a_part_that_is_off_leaves_the_stack_and_the_scale() {
        let mut data = sample();
        data.thresholds.clear();
        let drawn = draw(&data, &vec![false, true, true], "x", 4);
        assert_eq!(drawn.scale.high().to_string(), "10");
        assert!(!drawn.svg.contains("hue-2") && !drawn.svg.contains("line-thin"));
    }

    #[test]
    fn a_band_is_part_of_the_scale_until_it_is_off() {
        let mut data = sample();
        data.bands = vec![Band { name: "80 %".to_owned(), values: vec![None, Some((1.0, 90.0))], ..Band::default() }];
        assert!(draw(&data, &Off::new(), "x", 4).svg.contains("class=\"band hue-1\""));
        assert!(!draw(&data, &vec![false, false, false, true], "x", 4).svg.contains("class=\"band"));
    }

    #[test]
    fn what_is_estimated_is_hatched() {
        let mut data = sample();
        assert!(!draw(&data, &Off::new(), "Spend", 4).svg.contains("pattern"));
        data.series[1].hue = Hue::Estimate;
        let drawn = draw(&data, &Off::new(), "Spend", 4);
        assert!(drawn.svg.contains("<pattern id=\"hatch-chart-spend\""));
        assert!(drawn.svg.contains("class=\"hatched\" fill=\"url(#hatch-chart-spend)\""));
        assert_eq!(legend(&data)[1].1, "swatch hue-estimate");
    }

    #[test]
    fn nothing_says_so() {
        let drawn = draw(&ChartData::default(), &Off::new(), "x", 4);
        assert!(drawn.svg.contains("Nothing in this period"));
        assert_eq!(summary(&ChartData::default(), "Spend"), "Spend: nothing in this period");
        assert!(table(&ChartData::default(), "Spend", "Day").contains("<tbody></tbody>"));
    }

    #[test]
    fn a_chart_is_named_by_its_ends_and_its_highest_step() {
        assert_eq!(summary(&sample(), "Spend"), "Spend, Nov 1 to Nov 2; highest Nov 1 with $30");
    }

    #[test]
    fn the_table_holds_the_exact_values_and_leads_on() {
        let html = table(&sample(), "Spend", "Day");
        assert!(html.contains("<th scope=\"col\" class=\"num\">Total</th>"));
        assert!(html.contains("data-part=\"0\" data-swatch=\"swatch hue-1\" data-stacked=\"\">a&lt;b</th>"));
        assert!(
            html.contains("data-part=\"2\" data-swatch=\"swatch line-thin\">October</th>"),
            "a line lies on no stack"
        );
        assert!(html.contains("<td class=\"num\" data-empty=\"\">$0</td>"), "nothing to read: {html}");
        assert!(html.contains("<a href=\"/explore?from=Nov 1&amp;x=&lt;\">Nov 1</a></th><td class=\"num\">$30</td><td class=\"num\">$10</td>"));
    }

    #[test]
    fn what_happened_is_drawn_and_stands_in_the_table() {
        let mut data = sample();
        data.marks = vec![Mark { number: 1, from: 0, last: 1, text: "Deploy: <2>".to_owned() }];
        let drawn = draw(&data, &Off::new(), "x", 4).svg;
        assert!(
            drawn.contains("class=\"mark\" d=\"M250 0V1000\"")
                && drawn.contains("class=\"mark-span\" d=\"M250 0H1000\"")
        );
        assert_eq!(
            table(&data, "Spend", "Day").matches(" · Deploy: &lt;2&gt;").count(),
            2,
            "on each day that it touches"
        );
        data.marks[0].last = 0;
        assert!(!draw(&data, &Off::new(), "x", 4).svg.contains("mark-span"));
    }

    #[test]
    fn columns_lead_to_their_step_unless_they_are_too_narrow() {
        let mut data = sample();
        assert_eq!(hits(&data).matches("<a href=").count(), 2);
        data.steps = vec![Step::default(); 200];
        assert_eq!(hits(&data), "");
    }
}
