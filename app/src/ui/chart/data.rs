//! What a chart shows, in values already placed and texts already written.

use std::cmp::Reverse;
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
    /// Sixth, brown.
    Sixth,
    /// Seventh, olive.
    Seventh,
    /// Eighth, sky.
    Eighth,
    /// One of the eight, lighter (0) or darker (1), by its place among them: where more than eight stand in one chart.
    Tint(u8, u8),
    /// Everything else, grey.
    Other,
    /// What is estimated: hatched.
    Estimate,
}

impl Hue {
    /// All but grey.
    const ALL: [Self; 8] =
        [Self::First, Self::Second, Self::Third, Self::Fourth, Self::Fifth, Self::Sixth, Self::Seventh, Self::Eighth];

    /// The colour of the series at this rank, from 0; behind the last it is grey.
    #[must_use]
    pub fn nth(rank: usize) -> Self {
        Self::ALL.get(rank).copied().unwrap_or(Self::Other)
    }

    /// The colour of a thing by its number among all of its kind, which others may have too.
    #[must_use]
    pub fn of_number(number: usize) -> Self {
        Self::nth(number % Self::ALL.len())
    }

    /// The colours of things that keep theirs on every page: by the number that each has among all of its kind, in turn.
    ///
    /// Where two of one chart would share a colour, the one that was named first keeps it, and the other takes the next that is free; behind the eighth come their tints.
    #[must_use]
    pub fn of_numbers(numbers: &[usize]) -> Vec<Self> {
        let count = Self::ALL.len();
        let mut taken = [None; Self::ALL.len()];
        for (index, number) in numbers.iter().enumerate() {
            taken[number % count].get_or_insert(index);
        }
        let mut tints = [0_u8, 1].into_iter().flat_map(|shade| (0_u8..8).map(move |place| Self::Tint(place, shade)));
        let mut hue = |index: usize, number: usize| {
            let mut from_own = (0..count).map(|step| (number + step) % count);
            let Some(at) = from_own.find(|at| taken[*at].is_none_or(|by| by == index)) else { return tints.next() };
            taken[at] = Some(index);
            Some(Self::nth(at))
        };
        numbers.iter().enumerate().map(|(index, number)| hue(index, *number).unwrap_or(Self::Other)).collect()
    }

    /// The class that sets the colour.
    #[must_use]
    pub fn class(self) -> &'static str {
        const TINTS: [[&str; 8]; 2] = [
            [
                "hue-1 tint-1",
                "hue-2 tint-1",
                "hue-3 tint-1",
                "hue-4 tint-1",
                "hue-5 tint-1",
                "hue-6 tint-1",
                "hue-7 tint-1",
                "hue-8 tint-1",
            ],
            [
                "hue-1 tint-2",
                "hue-2 tint-2",
                "hue-3 tint-2",
                "hue-4 tint-2",
                "hue-5 tint-2",
                "hue-6 tint-2",
                "hue-7 tint-2",
                "hue-8 tint-2",
            ],
        ];
        match self {
            Self::First => "hue-1",
            Self::Second => "hue-2",
            Self::Third => "hue-3",
            Self::Fourth => "hue-4",
            Self::Fifth => "hue-5",
            Self::Sixth => "hue-6",
            Self::Seventh => "hue-7",
            Self::Eighth => "hue-8",
            Self::Tint(place, shade) => {
                let of_shade = TINTS.get(usize::from(shade)).and_then(|tints| tints.get(usize::from(place)));
                of_shade.copied().unwrap_or("hue-other")
            }
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

/// Something that happened, marked by its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its number in the list below the chart.
    pub number: usize,
    /// Index of the step in which it began.
    pub from: usize,
    /// Index of the last step that it touches.
    pub last: usize,
    /// What happened.
    pub text: String,
}

/// How the series are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stack {
    /// As bars.
    #[default]
    Bars,
    /// As areas.
    Areas,
    /// Not on but below each other: each a row of fields, the darker the larger.
    Heat,
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
    /// What happened besides, by number: a line each, their texts in the table; the page lists them below.
    pub marks: Vec<Mark>,
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
/// Each row has its number among all of its kind, by which it keeps its colour ([`Hue::of_numbers`]).
/// `position` gives the place on the drawing and `text` the exact value; the sums are made in `T`, which is exact.
/// When only a sixth row is left it keeps its own name.
#[must_use]
pub fn ranked<T: Copy + Ord + Default + AddAssign>(
    mut rows: Vec<(String, usize, Vec<T>)>,
    rest: &str,
    position: impl Fn(T) -> f64,
    text: impl Fn(T) -> String,
) -> Vec<Series> {
    rows.sort_by_cached_key(|(name, _, values)| (Reverse(sum(values)), name.clone()));
    let others = if rows.len() > MAX_SERIES { rows.split_off(MAX_SERIES - 1) } else { Vec::new() };
    let mut hues = Hue::of_numbers(&rows.iter().map(|(_, number, _)| *number).collect::<Vec<_>>());
    if !others.is_empty() {
        let mut values = Vec::new();
        for (_, _, more) in others {
            values.resize(values.len().max(more.len()), T::default());
            for (value, more) in values.iter_mut().zip(more) {
                *value += more;
            }
        }
        rows.push((rest.to_owned(), 0, values));
        hues.push(Hue::Other);
    }
    let series = |((name, _, values), hue): ((String, usize, Vec<T>), Hue)| Series {
        name,
        hue,
        texts: values.iter().copied().map(&text).collect(),
        values: values.into_iter().map(&position).collect(),
    };
    rows.into_iter().zip(hues).map(series).collect()
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

    fn rows(count: u8) -> Vec<(String, usize, Vec<i64>)> {
        (0..count).map(|index| (format!("s{index}"), index.into(), vec![index.into(), 10 * i64::from(index)])).collect()
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
        assert_eq!(hue_of(&series, "s4"), Hue::Fifth, "by its number, not by its rank");
    }

    #[test]
    fn a_thing_keeps_its_colour_and_two_of_one_chart_never_share_one() {
        assert_eq!(Hue::of_numbers(&[2, 0, 7]), [Hue::Third, Hue::First, Hue::Eighth]);
        assert_eq!(Hue::of_numbers(&[9, 1, 2]), [Hue::Second, Hue::Fourth, Hue::Third], "the second gives way");
        assert_eq!(Hue::of_numbers(&[7, 15]), [Hue::Eighth, Hue::First]);
        for first in 0..20 {
            let twenty: Vec<_> = [first, 3, 11, 8, 16, 5].into_iter().chain(30..44).collect();
            for numbers in [&twenty[..6], &twenty] {
                let hues = Hue::of_numbers(numbers);
                let classes = hues.iter().map(|hue| hue.class()).collect::<std::collections::BTreeSet<_>>();
                assert_eq!(classes.len(), numbers.len());
            }
        }
    }

    #[test]
    fn six_fit_and_equal_sums_stand_by_name() {
        let series = ranked(rows(6), "other", |_| 0.0, |_| String::new());
        assert_eq!(names(&series), ["s5", "s4", "s3", "s2", "s1", "s0"]);
        let equal = vec![("b".to_owned(), 0, vec![1]), ("a".to_owned(), 1, vec![1])];
        assert_eq!(names(&ranked(equal, "other", |_| 0.0, |_| String::new())), ["a", "b"]);
        assert!(ranked(Vec::<(String, usize, Vec<i64>)>::new(), "other", |_| 0.0, |_| String::new()).is_empty());
    }
}
