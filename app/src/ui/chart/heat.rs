//! Rows of fields, the darker the larger.

use super::axis::edge;
use super::data::Series;
use super::markup::{Markup, number};
use super::scale::SIZE;

/// Shades between nothing and the largest value.
const SHADES: [&str; 6] = ["heat-1", "heat-2", "heat-3", "heat-4", "heat-5", "heat-6"];

/// The class of a field by sixths of the largest value; none for what is nothing or less.
fn shade(value: f64, largest: f64) -> Option<&'static str> {
    // A hair of tolerance, as ticks have it.
    let is_within = |upto: u8| value <= largest * f64::from(upto) / 6.0 * (1.0 + 1e-9);
    let mut shades = SHADES.into_iter().zip(1_u8..).filter(|_| value > 0.0);
    shades.find(|(_, upto)| is_within(*upto)).map(|(class, _)| class)
}

/// One row of fields per series, from the top down.
pub(super) fn draw(svg: &mut Markup, rows: &[Series]) {
    let largest = rows.iter().flat_map(|row| &row.values).copied().fold(0.0, f64::max);
    let height = number(edge(1, rows.len()) * SIZE);
    for (index, row) in rows.iter().enumerate() {
        let y = number(edge(index, rows.len()) * SIZE);
        let width = number(edge(1, row.values.len()) * SIZE);
        for (step, value) in row.values.iter().enumerate() {
            let x = number(edge(step, row.values.len()) * SIZE);
            let class = shade(*value, largest).unwrap_or("heat-0");
            svg.empty("rect", &[("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_the_darkest_and_nothing_is_blank() {
        assert_eq!([0.0, -1.0, 0.1, 6.0].map(|value| shade(value, 6.0)), [None, None, Some("heat-1"), Some("heat-6")]);
        assert_eq!([1.0, 1.01, 3.0].map(|value| shade(value, 6.0)), [Some("heat-1"), Some("heat-2"), Some("heat-3")]);
        let row = |values: [f64; 2]| Series { values: values.to_vec(), ..Series::default() };
        let mut svg = Markup::default();
        draw(&mut svg, &[row([0.0, 5.0]), row([10.0, 0.0])]);
        let svg = svg.done();
        assert!(svg.contains("<rect class=\"heat-3\" x=\"500\" y=\"0\" width=\"500\" height=\"500\">"), "{svg}");
        assert!(svg.contains("<rect class=\"heat-6\" x=\"0\" y=\"500\""), "{svg}");
    }
}
