//! Annotations: what happened when, on charts, under them, and on a page of their own.

pub mod api;
mod marks;
mod page;

pub(crate) use marks::Marks;
pub(crate) use page::{annotation, annotations};

use crate::format;
use domain::annotation::Annotation;
use std::fmt::Write;

/// The page's address.
fn path(org: &str) -> String {
    format!("/o/{org}/annotations")
}

/// When it happened: "Nov 20, 14:05", "Nov 20 – 22".
fn when(of: &Annotation) -> String {
    let is_day = |at: &chrono::DateTime<chrono::FixedOffset>| at.time() == chrono::NaiveTime::MIN;
    let point = |at: chrono::DateTime<chrono::FixedOffset>, end: bool| match is_day(&at) {
        true if end => format::day(at.date_naive().pred_opt().unwrap_or_else(|| at.date_naive())),
        true => format::day(at.date_naive()),
        false => format!("{}, {}", format::day(at.date_naive()), format::hour(at)),
    };
    let mut text = point(of.from, false);
    if let Some(to) = of.to.map(|to| point(to, true)).filter(|to| *to != text) {
        // Writing to a string cannot fail.
        let _ = write!(text, " – {to}");
    }
    text
}

/// What it concerns, where that is not everybody.
fn concerns(of: &Annotation) -> Option<String> {
    let project = of.project.as_ref().map(|slug| format!("project {slug}"));
    project.or_else(|| of.team.as_ref().map(|slug| format!("team {slug}")))
}
