//! Annotations: what happened when, as charts over time show it.

use crate::format;
use crate::ids::AnnotationId;
use crate::meter::Meter;
use crate::period::{Period, Zone};
use crate::problem::FieldProblem;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most annotations of an organization.
pub const MAX_ANNOTATIONS: i64 = 20_000;
/// Longest text, in characters.
pub const MAX_TEXT: u32 = 200;
/// Longest link and longest id of the sender, in characters.
const MAX_LINK: usize = 500;
const MAX_ID: usize = 200;
/// Longest span, in days.
const MAX_DAYS: i64 = 366;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AnnotationKind {
    /// Something was deployed.
    Deploy,
    /// A price changed.
    PriceChange,
    /// Something broke.
    Incident,
    /// Anything else.
    Other,
}

impl AnnotationKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Deploy, Self::PriceChange, Self::Incident, Self::Other];

    /// The word in SQL, JSON and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::PriceChange => "price_change",
            Self::Incident => "incident",
            Self::Other => "other",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Deploy => "Deploy",
            Self::PriceChange => "Price change",
            Self::Incident => "Incident",
            Self::Other => "Other",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for AnnotationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An annotation as typed or sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AnnotationForm {
    /// Your own id: an annotation with an id is recorded once, however often it is sent.
    #[cfg_attr(feature = "openapi", schema(example = "deploy-4711", max_length = 200))]
    pub id: String,
    /// `deploy`, `price_change`, `incident` or `other`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "deploy"))]
    pub kind: String,
    /// What happened.
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, example = "support-bot 2.4: shorter prompts", max_length = 200)
    )]
    pub text: String,
    /// When: an instant (RFC 3339), or a day of the organization's calendar such as `2026-11-20`.
    #[cfg_attr(feature = "openapi", schema(required = true, example = "2026-11-20T14:05:00Z"))]
    pub at: String,
    /// When it was over, the same way, a day as the last one; empty for something of a moment.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub until: String,
    /// Slug of the project that it concerns alone; of neither a project nor a team it concerns the organization.
    #[cfg_attr(feature = "openapi", schema(example = "support-bot"))]
    pub project: String,
    /// Slug of the team that it concerns alone.
    #[cfg_attr(feature = "openapi", schema(example = ""))]
    pub team: String,
    /// Where more about it is said: an address that begins with `https://` or `http://`.
    #[cfg_attr(feature = "openapi", schema(example = "https://example.com/releases/2.4", max_length = 500))]
    pub link: String,
}

/// An annotation on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAnnotation {
    /// The sender's id.
    pub sent_id: Option<String>,
    /// What happened.
    pub kind: AnnotationKind,
    /// In words.
    pub text: String,
    /// When.
    pub from: DateTime<Utc>,
    /// When it was over, where it took a while.
    pub to: Option<DateTime<Utc>>,
    /// Slug of the project that it concerns alone.
    pub project: Option<String>,
    /// Slug of the team that it concerns alone.
    pub team: Option<String>,
    /// Where more is said.
    pub link: Option<String>,
}

impl AnnotationForm {
    /// Reads all fields; days are those of the zone.
    ///
    /// # Errors
    /// A problem for every wrong field.
    pub fn parse(&self, zone: Zone) -> Result<NewAnnotation, Vec<FieldProblem>> {
        let mut wrong = Vec::new();
        let mut fails = |field: &str, code: &str, detail: String| wrong.push(FieldProblem::new(field, code, detail));
        let kind = AnnotationKind::read(self.kind.trim());
        if kind.is_none() {
            fails("kind", "unknown", "Choose deploy, price_change, incident or other.".to_owned());
        }
        let text = self.text.trim();
        if text.is_empty() {
            fails("text", "required", "Say what happened.".to_owned());
        }
        for (field, text, most) in [
            ("text", text, usize::try_from(MAX_TEXT).unwrap_or(usize::MAX)),
            ("link", self.link.trim(), MAX_LINK),
            ("id", self.id.trim(), MAX_ID),
        ] {
            if text.chars().count() > most || text.chars().any(char::is_control) {
                fails(field, "invalid", format!("Use at most {most} printable characters."));
            }
        }
        let from = read_time(&self.at, zone, false);
        if from.is_none() {
            fails(
                "at",
                "invalid",
                "Enter a day such as 2026-11-20, or a time such as 2026-11-20T14:05:00Z.".to_owned(),
            );
        }
        let to = match self.until.trim() {
            "" => None,
            text => match (from, read_time(text, zone, true)) {
                (Some(from), Some(to)) if from < to && (to - from).num_days() <= MAX_DAYS => Some(to),
                (None, Some(_)) => None,
                _ => {
                    fails("until", "invalid", format!("Enter a later day or time, at most {MAX_DAYS} days later."));
                    None
                }
            },
        };
        let link = given(&self.link);
        if link.as_ref().is_some_and(|link| !["https://", "http://"].iter().any(|scheme| link.starts_with(scheme))) {
            fails("link", "invalid", "Begin the address with https:// or http://.".to_owned());
        }
        if given(&self.project).is_some() && given(&self.team).is_some() {
            fails("team", "two", "Name a project or a team, not both.".to_owned());
        }
        let (Some(kind), Some(from), true) = (kind, from, wrong.is_empty()) else { return Err(wrong) };
        let (project, team) = (given(&self.project), given(&self.team));
        Ok(NewAnnotation { sent_id: given(&self.id), kind, text: text.to_owned(), from, to, project, team, link })
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A day is its beginning, or as the end of something its end.
fn read_time(text: &str, zone: Zone, end: bool) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match text.parse::<NaiveDate>() {
        Ok(day) if end => Some(zone.start_of(day.succ_opt()?)),
        Ok(day) => Some(zone.start_of(day)),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
    }
}

/// Something that happened, as charts show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its id; none for what follows from the price book.
    pub annotation_id: Option<AnnotationId>,
    /// The sender's id.
    pub sent_id: Option<String>,
    /// What happened.
    pub kind: AnnotationKind,
    /// In words.
    pub text: String,
    /// When, in the organization's zone.
    pub from: DateTime<FixedOffset>,
    /// When it was over, where it took a while.
    pub to: Option<DateTime<FixedOffset>>,
    /// Slug of the project that it concerns alone.
    pub project: Option<String>,
    /// Slug of the team that it concerns alone.
    pub team: Option<String>,
    /// Where more is said.
    pub link: Option<String>,
    /// Who recorded it: an e-mail address, an API key, or the price book.
    pub recorded_by: String,
}

impl Annotation {
    /// The form that says the same, to be edited.
    #[must_use]
    pub fn form(&self) -> AnnotationForm {
        let text = |of: &Option<String>| of.clone().unwrap_or_default();
        let is_day = |at: &DateTime<FixedOffset>| at.time() == chrono::NaiveTime::MIN;
        let from = if is_day(&self.from) { self.from.date_naive().to_string() } else { self.from.to_rfc3339() };
        let to = self.to.map(|to| match to.date_naive().pred_opt() {
            Some(last) if is_day(&to) && is_day(&self.from) => last.to_string(),
            _ => to.to_rfc3339(),
        });
        AnnotationForm {
            id: text(&self.sent_id),
            kind: self.kind.to_string(),
            text: self.text.clone(),
            at: from,
            until: to.unwrap_or_default(),
            project: text(&self.project),
            team: text(&self.team),
            link: text(&self.link),
        }
    }

    /// The day on which it began.
    #[must_use]
    pub fn day(&self) -> NaiveDate {
        self.from.date_naive()
    }

    /// Whether it touches a span of days.
    #[must_use]
    pub fn touches(&self, period: Period) -> bool {
        let last = self.to.map_or(self.from, |to| to - chrono::Duration::microseconds(1));
        self.day() < period.to && last.date_naive() >= period.from
    }
}

/// Another price of a model that was used, from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceChange {
    /// Since when.
    pub at: DateTime<Utc>,
    /// The model as it was sent.
    pub model: String,
    /// What is priced, with the rate before, if there was one, and the rate since, and how many units they are for.
    pub rates: Vec<(Meter, Option<Decimal>, Decimal, u64)>,
    /// Whether it is the organization's own price.
    pub is_own: bool,
}

impl PriceChange {
    /// As charts show it.
    #[must_use]
    pub fn annotation(&self, zone: Zone) -> Annotation {
        let rate = |(meter, before, after, per): &(Meter, Option<Decimal>, Decimal, u64)| {
            let per = if *per == 1_000_000 { "1M".to_owned() } else { per.to_string() };
            let before = before.map(|before| format!(" instead of {}", format::money_full(before)));
            let (meter, after) = (meter.label().to_lowercase(), format::money_full(*after));
            format!("{meter} {after}{} per {per}", before.unwrap_or_default())
        };
        let rates: Vec<_> = self.rates.iter().map(rate).collect();
        Annotation {
            annotation_id: None,
            sent_id: None,
            kind: AnnotationKind::PriceChange,
            text: format!("{}: {}", self.model, rates.join(", ")),
            from: zone.local(self.at),
            to: None,
            project: None,
            team: None,
            link: None,
            recorded_by: if self.is_own { "custom price" } else { "price book" }.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(at: &str, until: &str) -> AnnotationForm {
        AnnotationForm {
            kind: "deploy".to_owned(),
            text: " Version 2 ".to_owned(),
            at: at.to_owned(),
            until: until.to_owned(),
            ..AnnotationForm::default()
        }
    }

    fn zone() -> Zone {
        Zone::parse("Asia/Kolkata").unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_the_organizations_and_its_end_is_the_last_one() {
        let new = form("2026-11-20", "2026-11-21").parse(zone()).unwrap();
        assert_eq!((new.from, new.to), (at("2026-11-19T18:30:00Z"), Some(at("2026-11-21T18:30:00Z"))));
        assert_eq!((new.text.as_str(), new.sent_id), ("Version 2", None));
        let new = form("2026-11-20T14:05:00+01:00", "").parse(zone()).unwrap();
        assert_eq!((new.from, new.to), (at("2026-11-20T13:05:00Z"), None));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = |form: AnnotationForm| {
            let fields = form.parse(zone()).unwrap_err();
            fields.into_iter().map(|field| field.pointer).collect::<Vec<_>>()
        };
        assert_eq!(wrong(AnnotationForm::default()), ["kind", "text", "at"]);
        assert_eq!(wrong(form("2026-11-20", "2026-11-19")), ["until"]);
        assert_eq!(wrong(form("2026-11-20", "2028-11-19")), ["until"]);
        let text = "x".repeat(201);
        let (link, both) = ("javascript:alert(1)".to_owned(), "a".to_owned());
        let many = AnnotationForm { text, link, project: both.clone(), team: both, ..form("soon", "") };
        assert_eq!(wrong(many), ["text", "at", "link", "team"]);
    }

    #[test]
    fn what_is_edited_is_read_back_as_it_was() {
        for (from, until) in [
            ("2026-11-20", ""),
            ("2026-11-20", "2026-11-22"),
            ("2026-11-20T14:05:00+05:30", "2026-11-20T15:05:00+05:30"),
            ("2026-11-20T14:05:00+05:30", "2026-11-20"),
        ] {
            let new = form(from, until).parse(zone()).unwrap();
            let kept = Annotation {
                annotation_id: None,
                sent_id: None,
                kind: new.kind,
                text: new.text.clone(),
                from: zone().local(new.from),
                to: new.to.map(|to| zone().local(to)),
                project: None,
                team: None,
                link: None,
                recorded_by: String::new(),
            };
            assert_eq!(kept.form().parse(zone()).unwrap(), new, "{from} {until}");
        }
    }

    #[test]
    fn a_price_change_says_what_changed() {
        let rates = vec![
            (Meter::Output, Some(Decimal::from(10)), Decimal::from(8), 1_000_000),
            (Meter::InputUncached, None, Decimal::ONE, 1),
        ];
        let change = PriceChange { at: at("2026-11-19T18:30:00Z"), model: "gpt-4o".to_owned(), rates, is_own: true };
        let said = change.annotation(zone());
        let (output, input) = ("output $8.00 instead of $10.00 per 1M", "input $1.00 per 1");
        assert_eq!(said.text, format!("gpt-4o: {output}, {input}"));
        assert_eq!((said.day().to_string().as_str(), said.recorded_by.as_str()), ("2026-11-20", "custom price"));
    }

    #[test]
    fn it_stands_on_every_day_that_it_touches() {
        let new = form("2026-11-20", "2026-11-21").parse(zone()).unwrap();
        let kept = Annotation {
            annotation_id: None,
            sent_id: None,
            kind: new.kind,
            text: new.text,
            from: zone().local(new.from),
            to: new.to.map(|to| zone().local(to)),
            project: None,
            team: None,
            link: None,
            recorded_by: String::new(),
        };
        let day = |text: &str| {
            let day: NaiveDate = text.parse().unwrap();
            Period { from: day, to: day.succ_opt().unwrap() }
        };
        let touched = ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"].map(|text| kept.touches(day(text)));
        assert_eq!(touched, [false, true, true, false]);
    }
}
