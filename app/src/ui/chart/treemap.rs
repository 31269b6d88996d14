//! Fields as large as their values, of one group beside each other: squarified (Bruls, Huizing, van Wijk 2000).

use super::data::Hue;
use super::markup::{Markup, percent};
use leptos::prelude::*;

/// One field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// What it stands in: fields of one group are beside each other.
    pub group: Option<String>,
    /// Its name.
    pub name: String,
    /// Its exact value, written.
    pub text: String,
    /// Its value; what is nothing or less has no field.
    pub value: f64,
    /// Its colour.
    pub hue: Hue,
    /// Where a click leads.
    pub href: Option<String>,
}

/// A rectangle in shares of the whole drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// The drawing's height over its width, about, by which fields are made square.
const SHAPE: f64 = 0.4;

/// Widths in pixels for which labels are fitted, each with the class of those that need it: a phone, a window, a page.
const WIDTHS: [(f64, &str); 3] = [(320.0, "treemap-word"), (560.0, "treemap-word wide"), (880.0, "treemap-word wider")];
/// Height of the drawing in pixels.
const HEIGHT: f64 = 300.0;
/// About the width of a letter, and of what stands beside a label, in pixels.
const LETTER: f64 = 7.2;
const BESIDE: f64 = 12.0;
/// Height of a line of a label.
const LINE: f64 = 18.0;

/// A treemap; the table of the same values belongs below it.
#[component]
pub fn Treemap(
    /// The fields, the largest first.
    fields: Vec<Field>,
    /// Its name: "Spend by project".
    #[prop(into)]
    label: String,
) -> impl IntoView {
    view! { <figure class="chart-tall treemap" inner_html=draw(&fields, &label)></figure> }
}

/// Places values, the largest first, into a rectangle: each row is filled while its fields become squarer.
fn squarify(values: &[f64], place: Place) -> Vec<Place> {
    let mut places = Vec::with_capacity(values.len());
    let (mut rest, mut free) = (values, place);
    while !rest.is_empty() {
        let area = free.width * free.height / rest.iter().sum::<f64>();
        let is_wide = free.width >= free.height * SHAPE;
        let side = if is_wide { free.height * SHAPE } else { free.width };
        // The longest side of a field over its shortest, as they are seen.
        let worst = |row: &[f64]| {
            let across = row.iter().sum::<f64>() * area * SHAPE / side;
            let ratio = |value: &f64| {
                let along = value * area * SHAPE / across;
                (along / across).max(across / along)
            };
            row.iter().map(ratio).fold(0.0, f64::max)
        };
        let mut count = 1;
        while count < rest.len() && worst(&rest[..=count]) <= worst(&rest[..count]) {
            count += 1;
        }
        let (row, others) = rest.split_at(count);
        let sum: f64 = row.iter().sum();
        let (mut x, mut y) = (free.x, free.y);
        let across = sum * area / if is_wide { free.height } else { free.width };
        for value in row {
            let length = value / sum * if is_wide { free.height } else { free.width };
            let (width, height) = if is_wide { (across, length) } else { (length, across) };
            places.push(Place { x, y, width, height });
            if is_wide { y += length } else { x += length }
        }
        free = if is_wide {
            Place { x: free.x + across, width: free.width - across, ..free }
        } else {
            Place { y: free.y + across, height: free.height - across, ..free }
        };
        rest = others;
    }
    places
}

/// Fields with their places: groups first, then the fields of each.
fn placed(fields: &[Field]) -> Vec<(&Field, Place)> {
    let mut groups: Vec<(&Option<String>, Vec<&Field>)> = Vec::new();
    for field in fields.iter().filter(|field| field.value > 0.0 && field.value.is_finite()) {
        match groups.iter_mut().find(|(group, _)| **group == field.group && field.hue != Hue::Other) {
            Some((_, of)) => of.push(field),
            None => groups.push((&field.group, vec![field])),
        }
    }
    let sum = |of: &[&Field]| of.iter().map(|field| field.value).sum::<f64>();
    groups.sort_by(|(_, one), (_, other)| sum(other).total_cmp(&sum(one)));
    let sums: Vec<f64> = groups.iter().map(|(_, of)| sum(of)).collect();
    let whole = Place { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
    let mut all = Vec::with_capacity(fields.len());
    for ((_, of), place) in groups.into_iter().zip(squarify(&sums, whole)) {
        let values: Vec<f64> = of.iter().map(|field| field.value).collect();
        all.extend(of.into_iter().zip(squarify(&values, place)));
    }
    all
}

/// The class of a label where it fits: on a page, on a narrower window, everywhere, or nowhere.
fn fit(text: &str, place: Place, lines: f64) -> Option<&'static str> {
    let letters = u16::try_from(text.chars().count()).map_or(f64::MAX, f64::from);
    let mut widths = WIDTHS.into_iter().filter(|_| place.height * HEIGHT >= lines * LINE + 6.0);
    widths.find(|(width, _)| letters * LETTER + BESIDE <= place.width * width).map(|(_, class)| class)
}

/// The lines of a field: its name, or the end of it, and below it its value.
fn words(field: &Field, place: Place) -> Vec<(&'static str, &str, &'static str)> {
    let short = field.name.rsplit(" · ").next().unwrap_or_default();
    let named = [field.name.as_str(), short].into_iter().find_map(|name| Some((fit(name, place, 1.0)?, name, "17")));
    let value = fit(&field.text, place, 2.0).map(|class| (class, field.text.as_str(), "35"));
    named.into_iter().flat_map(|named| [Some(named), value]).flatten().collect()
}

fn draw(fields: &[Field], label: &str) -> String {
    let mut svg = Markup::default();
    // No image: what is in an image cannot be a link.
    svg.open("svg", &[("class", "treemap-svg"), ("role", "group"), ("aria-label", label)]);
    for (field, place) in placed(fields) {
        if let Some(href) = &field.href {
            svg.open("a", &[("href", href), ("tabindex", "-1")]);
        }
        let [x, y, width, height] = [place.x, place.y, place.width, place.height].map(percent);
        let class = format!("treemap-field {}", field.hue.class());
        svg.open("rect", &[("class", &class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
        svg.element("title", &[], &format!("{}: {}", field.name, field.text)).close("rect");
        for (class, text, dy) in words(field, place) {
            svg.element("text", &[("class", class), ("x", &x), ("y", &y), ("dx", "7"), ("dy", dy)], text);
        }
        if field.href.is_some() {
            svg.close("a");
        }
    }
    svg.close("svg");
    svg.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(group: &str, name: &str, value: f64) -> Field {
        Field { group: Some(group.to_owned()), name: name.to_owned(), text: "$1".to_owned(), value, ..Field::default() }
    }

    #[test]
    fn fields_are_as_large_as_their_values_and_lie_inside() {
        for count in 1..60_u32 {
            let mut values: Vec<f64> = (1..=count).map(|n| f64::from((n * count * 7_919) % 997 + 1)).collect();
            values.sort_by(|one, other| other.total_cmp(one));
            let sum: f64 = values.iter().sum();
            let places = squarify(&values, Place { x: 0.0, y: 0.0, width: 1.0, height: 1.0 });
            assert_eq!(places.len(), values.len());
            for (value, place) in values.iter().zip(&places) {
                assert!((place.width * place.height - value / sum).abs() < 1e-9);
                assert!(place.x > -1e-9 && place.x + place.width < 1.0 + 1e-9, "{place:?}");
                assert!(place.y > -1e-9 && place.y + place.height < 1.0 + 1e-9, "{place:?}");
            }
            for (index, one) in places.iter().enumerate() {
                for other in &places[..index] {
                    let across = (one.x + one.width).min(other.x + other.width) - one.x.max(other.x);
                    let down = (one.y + one.height).min(other.y + other.height) - one.y.max(other.y);
                    assert!(across < 1e-9 || down < 1e-9, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn fields_of_one_group_lie_beside_each_other_and_nothing_has_no_field() {
        let fields = [field("a", "x", 6.0), field("b", "y", 3.0), field("a", "z", 1.0), field("c", "n", 0.0)];
        let placed = placed(&fields);
        let names: Vec<_> = placed.iter().map(|(field, _)| field.name.as_str()).collect();
        assert_eq!(names, ["x", "z", "y"]);
        let (a, b) = (placed[0].1, placed[1].1);
        assert!((a.width - b.width).abs() < 1e-9 || (a.height - b.height).abs() < 1e-9, "{a:?} {b:?}");
        assert!(super::placed(&[]).is_empty());
    }

    #[test]
    fn a_name_stands_only_where_it_fits_and_is_never_markup() {
        let place = |width, height| Place { x: 0.0, y: 0.0, width, height };
        assert_eq!(fit("support-bot", place(1.0, 1.0), 2.0), Some("treemap-word"));
        assert_eq!(fit("support-bot", place(0.2, 1.0), 1.0), Some("treemap-word wide"));
        assert_eq!((fit("support-bot", place(0.1, 1.0), 1.0), fit("x", place(1.0, 0.05), 1.0)), (None, None));
        let both = field("a", "support-bot · gpt-4o", 1.0);
        let texts = |place| words(&both, place).into_iter().map(|(_, text, _)| text).collect::<Vec<_>>();
        assert_eq!(texts(place(1.0, 1.0)), ["support-bot · gpt-4o", "$1"]);
        assert_eq!(texts(place(0.1, 0.1)), ["gpt-4o"]);
        assert!(texts(place(0.01, 1.0)).is_empty(), "a value without a name says nothing");
        let svg = draw(&[field("a", "<script>", 1.0)], "Spend");
        assert!(svg.contains("<title>&lt;script&gt;: $1</title>") && !svg.contains("<script"), "{svg}");
    }
}
