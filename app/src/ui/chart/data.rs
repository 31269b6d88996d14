//! What a chart shows, in values already placed and texts already written.

use std::ops::AddAssign;

use crate::ui::Tone;

/// Most series of one stack; the sixth is what is left.
pub const MAX_SERIES: usize = 6;

/// A colour of the data palette, told apart by colour-blind readers and by order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hue {
    /// First, blue; also for a chart of one series.
    #[default]
    First,
    /// Second, ochre.
    Second,
    /// Third, green.
    Third,
    /// Fourth, rose.
    Fourth,
    /// Fifth, violet.
    Fifth,
    /// Everything else, grey.
    Other,
    /// What is estimated: hatched.
    Estimate,
}

impl Hue {
    /// The colour of the series at this rank, from 0; from 5 on it is grey.
    #[must_use]
    pub const fn nth(rank: usize) -> Self {
        match rank {
            0 => Self::First,
            1 => Self::Second,
            2 => Self::Third,
            3 => Self::Fourth,
            4 => Self::Fifth,
            _ => Self::Other,
        }
    }

    /// The class that sets the colour.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::First => "hue-1",
            Self::Second => "hue-2",
            Self::Third => "hue-3",
            Self::Fourth => "hue-4",
            Self::Fifth => "hue-5",
            Self::Other => "hue-other",
            Self::Estimate => "hue-estimate",
        }
    }
}

/// One step along the horizontal axis: a day, an hour, a month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Below the axis: "Nov 3".
    pub label: String,
    /// In tooltip and table: "Tue, Nov 3".
    pub title: String,
    /// What all series add up to, written.
    pub total: String,
    /// Where a click leads.
    pub href: Option<String>,
    /// Its label should be among those shown, such as the first of a week; without any the labels are spread evenly.
    pub mark: bool,
}

/// One part of the stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Its colour.
    pub hue: Hue,
    /// A value per step; what is missing takes no room.
    pub values: Vec<f64>,
    /// The exact values, written.
    pub texts: Vec<String>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// Strong, for a series of its own.
    #[default]
    Solid,
    /// Dashed, for what is expected.
    Dashed,
    /// Thin and grey, for an earlier period.
    Thin,
    /// Flat within a step, for an amount that holds for a while.
    Step,
}

/// A line over the stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Name in the legend.
    pub name: String,
    /// Its colour; thin lines are grey.
    pub hue: Hue,
    /// How it is drawn.
    pub stroke: Stroke,
    /// A value per step; a gap where there is none.
    pub values: Vec<Option<f64>>,
    /// The exact values, written; empty where there is none.
    pub texts: Vec<String>,
}

/// A range around what is expected, or below what is estimated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    /// Its colour.
    pub hue: Hue,
    /// Name in the legend: "80 % band".
    pub name: String,
    /// Lower and upper end per step.
    pub values: Vec<Option<(f64, f64)>>,
    /// The exact ends, written: "$23,100 – $27,300".
    pub texts: Vec<String>,
}

/// A level across the chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Threshold {
    /// Its value.
    pub value: f64,
    /// Its words, which stand on the line: "80 %  $9,600".
    pub label: String,
    /// What reaching it means.
    pub tone: Tone,
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Index of the step in which it happened.
    pub step: usize,
    /// What happened, in a few words.
    pub label: String,
}

/// How the series are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stack {
    /// As bars.
    #[default]
    Bars,
    /// As areas.
    Areas,
}

/// Everything a chart shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartData {
    /// Steps from left to right.
    pub steps: Vec<Step>,
    /// Parts of the stack from the bottom up, at most [`MAX_SERIES`].
    pub series: Vec<Series>,
    /// How they are drawn.
    pub stack: Stack,
    /// Lines over it.
    pub lines: Vec<Line>,
    /// Ranges around or below lines.
    pub bands: Vec<Band>,
    /// Levels across.
    pub thresholds: Vec<Threshold>,
    /// What happened when.
    pub annotations: Vec<Annotation>,
    /// Index of the first step that lies in the future; a line before it says "today".
    pub today: Option<usize>,
}

impl ChartData {
    /// Whether anything of it is estimated.
    pub(super) fn is_estimated(&self) -> bool {
        let mut hues = self.series.iter().map(|series| series.hue).chain(self.bands.iter().map(|band| band.hue));
        hues.any(|hue| hue == Hue::Estimate)
    }
}

/// Ranks rows by their sum and keeps the first five; what is left becomes one grey series called `rest`.
///
/// `position` gives the place on the drawing and `text` the exact value; the sums are made in `T`, which is exact.
/// When only a sixth row is left it keeps its own name.
#[must_use]
pub fn ranked<T: Copy + Ord + Default + AddAssign>(
    rows: Vec<(String, Vec<T>)>,
    rest: &str,
    position: impl Fn(T) -> f64,
    text: impl Fn(T) -> String,
) -> Vec<Series> {
    let mut rows: Vec<(T, String, Vec<T>)> =
        rows.into_iter().map(|(name, values)| (sum(&values), name, values)).collect();
    rows.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    if rows.len() > MAX_SERIES {
        let others = rows.split_off(MAX_SERIES - 1);
        let mut values = Vec::new();
        for (_, _, more) in others {
            values.resize(values.len().max(more.len()), T::default());
            for (value, more) in values.iter_mut().zip(more) {
                *value += more;
            }
        }
        rows.push((T::default(), rest.to_owned(), values));
    }
    let series = |(rank, (_, name, values)): (usize, (T, String, Vec<T>))| Series {
        name,
        hue: Hue::nth(rank),
        texts: values.iter().copied().map(&text).collect(),
        values: values.into_iter().map(&position).collect(),
    };
    rows.into_iter().enumerate().map(series).collect()
}

fn sum<T: Copy + Default + AddAssign>(values: &[T]) -> T {
    let mut total = T::default();
    for value in values {
        total += *value;
    }
    total
}

/// The colour that a name has among these series; grey for what is not among them.
#[must_use]
pub fn hue_of(series: &[Series], name: &str) -> Hue {
    series.iter().find(|series| series.name == name).map_or(Hue::Other, |series| series.hue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: i64) -> Vec<(String, Vec<i64>)> {
        (0..count).map(|index| (format!("s{index}"), vec![index, 10 * index])).collect()
    }

    fn names(series: &[Series]) -> Vec<&str> {
        series.iter().map(|series| series.name.as_str()).collect()
    }

    #[test]
    fn the_largest_five_keep_their_names_and_the_rest_adds_up() {
        let series =
            ranked(rows(9), "other", |value| f64::from(i32::try_from(value).unwrap()), |value| value.to_string());
        assert_eq!(names(&series), ["s8", "s7", "s6", "s5", "s4", "other"]);
        let other = series.last().unwrap();
        assert_eq!(other.texts, ["6", "60"]);
        assert_eq!((other.hue, hue_of(&series, "s8"), hue_of(&series, "s0")), (Hue::Other, Hue::First, Hue::Other));
    }

    #[test]
    fn six_fit_and_equal_sums_stand_by_name() {
        let series = ranked(rows(6), "other", |_| 0.0, |_| String::new());
        assert_eq!(names(&series), ["s5", "s4", "s3", "s2", "s1", "s0"]);
        let equal = vec![("b".to_owned(), vec![1]), ("a".to_owned(), vec![1])];
        assert_eq!(names(&ranked(equal, "other", |_| 0.0, |_| String::new())), ["a", "b"]);
        assert!(ranked(Vec::<(String, Vec<i64>)>::new(), "other", |_| 0.0, |_| String::new()).is_empty());
    }
}
