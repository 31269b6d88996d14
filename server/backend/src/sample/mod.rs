//! The sample organization: a realistic quarter of usage, made from figures that were measured on production traces.
//!
//! Everything here follows from the end of the quarter alone: no clock, no chance of its own.
//! The events walk through the same door as everybody's: [`load()`] makes an organization of its own, a key, and sends them with it.

mod beside;
mod calendar;
mod calls;
mod figures;
mod load;
mod rng;
mod scenes;

pub use calendar::DAYS;
pub use load::{Loaded, load, progress, start};

use calendar::{Calendar, Day};
use calls::Writer;
use chrono::{DateTime, Utc};
use domain::allocation::{AllocationForm, ConditionForm, TargetForm};
use domain::event::EventInput;
use domain::period::Zone;
use rng::Rng;
use scenes::SCENES;

/// Chooses the sample; another number makes another quarter of the same kind.
const SEED: u64 = 1912;

/// Name of the organization.
const ORGANIZATION: &str = "Sample: Northwind Labs";

/// A team of the sample.
#[derive(Clone, Copy, Debug)]
struct SampleTeam {
    /// Its name; its slug follows from it.
    name: &'static str,
    cost_centre: &'static str,
    /// Its projects: slug, name, cost centre.
    projects: &'static [(&'static str, &'static str, &'static str)],
}

/// The teams with their projects.
const TEAMS: [SampleTeam; 3] = [
    SampleTeam {
        name: "Customer care",
        cost_centre: "CC-410",
        projects: &[("support-bot", "Support bot", "CC-411"), ("transcripts", "Call transcripts", "CC-412")],
    },
    SampleTeam {
        name: "Engineering",
        cost_centre: "CC-200",
        projects: &[("code-assistant", "Code assistant", "CC-210")],
    },
    SampleTeam {
        name: "Product",
        cost_centre: "CC-300",
        projects: &[("search", "Search", "CC-310"), ("marketing-drafts", "Marketing drafts", "CC-340")],
    },
];

/// The product lines with their projects.
const PRODUCT_LINES: [(&str, &[&str]); 2] =
    [("Assistants", &["support-bot", "transcripts", "code-assistant"]), ("Growth", &["search", "marketing-drafts"])];

/// Labels that events should carry: of all projects, or of one.
const REQUIRED_LABELS: [(&str, &str); 3] = [("feature", ""), ("customer", ""), ("tag.prompt_version", "support-bot")];

/// A monthly budget of the sample.
#[derive(Clone, Copy, Debug)]
struct SampleBudget {
    name: &'static str,
    /// As in a form: `organization`, `team:<slug>` or `project:<slug>`.
    scope: &'static str,
    /// Whole dollars a month.
    dollars: u32,
    /// Who would get its mails, which are never sent.
    recipients: &'static [&'static str],
}

/// Finance of the company that is not there.
const FINANCE: &str = "finops@northwind.example";

/// The budgets: in the last third of a month one is usually exceeded, one near its end, the others fine.
const BUDGETS: [SampleBudget; 4] = [
    SampleBudget { name: "All usage", scope: "organization", dollars: 2_400, recipients: &[FINANCE] },
    SampleBudget {
        name: "Engineering",
        scope: "team:engineering",
        dollars: 1_200,
        recipients: &[FINANCE, "engineering@northwind.example"],
    },
    SampleBudget { name: "Search", scope: "project:search", dollars: 220, recipients: &[FINANCE] },
    SampleBudget {
        name: "Support bot",
        scope: "project:support-bot",
        dollars: 400,
        recipients: &["care@northwind.example"],
    },
];

/// Thresholds of every budget of the sample, in percent.
const THRESHOLDS: [i64; 3] = [50, 80, 100];

/// An allocation rule: its name, the dimension and value of the usage, what happens to it, for whom, and why.
type SampleRule = (&'static str, [&'static str; 2], &'static str, &'static [&'static str], &'static str);

/// The allocation rules, in their order.
const ALLOCATION: [SampleRule; 3] = [
    (
        "Billing repository",
        ["tag.repo", "billing"],
        "relabel",
        &["team:customer-care"],
        "Customer care pays for work on the billing service.",
    ),
    (
        "Search index",
        ["feature", "index"],
        "requests",
        &["project:search", "project:support-bot"],
        "The support bot answers from the same index.",
    ),
    ("Pictures", ["feature", "image"], "shared", &[], "Who pays for the campaign's pictures is not agreed yet."),
];

fn allocation_rules() -> impl Iterator<Item = AllocationForm> {
    ALLOCATION.into_iter().map(|(name, [dimension, value], method, targets, reason)| {
        let of = |text: &str| text.to_owned();
        let condition = ConditionForm { dimension: of(dimension), test: of("is"), values: of(value) };
        let target = |to: &&str| TargetForm { to: of(to), percent: String::new() };
        AllocationForm {
            name: of(name),
            conditions: vec![condition],
            method: of(method),
            targets: targets.iter().map(target).collect(),
            reason: of(reason),
            ..AllocationForm::default()
        }
    })
}

/// The events of the [`DAYS`] days that end at `end`, day by day and within a day in the order of time.
///
/// A few of them are unpriced on purpose (a model that no price book knows), and a few are not acceptable (see `spoil`).
fn events(end: DateTime<Utc>, zone: Zone) -> impl Iterator<Item = EventInput> + Send + use<> {
    let calendar = Calendar::new(end, zone);
    calendar.days().flat_map(move |day| {
        let mut events: Vec<EventInput> = SCENES
            .iter()
            .zip(1..)
            .flat_map(|(scene, number)| {
                let mut rng = Rng::new(SEED).stream(number).stream(day.index + 1);
                let mut writer = Writer::new(&mut rng, scene.project, day.date);
                (scene.play)(&mut writer, calendar, day);
                writer.events
            })
            .filter(|event| event.timestamp.is_some_and(|at| calendar.holds(at.to_utc())))
            .collect();
        spoil(&mut events, day);
        events.sort_by_key(|event| event.timestamp);
        events
    })
}

/// Mistakes that [`spoil`] makes.
#[cfg(test)]
const MISTAKES: usize = 9;

/// Mistakes of senders, three each on three days of the last two weeks, so that the rejected list has something to show.
fn spoil(events: &mut [EventInput], day: Day) {
    if ![2, 6, 11].contains(&day.ago) {
        return;
    }
    let first =
        |event: &&mut EventInput, project: &str| event.project.as_deref() == Some(project) && event.status.is_none();
    if let Some(event) = events.iter_mut().find(|event| first(event, "search")) {
        event.project = Some("serach".to_owned());
    }
    if let Some(event) = events.iter_mut().find(|event| first(event, "support-bot")) {
        event.usage_format = Some("openai-chat".to_owned());
    }
    if let Some(event) = events.iter_mut().rev().find(|event| first(event, "search")) {
        event.usage = serde_json::json!({"prompt_tokens": -12, "total_tokens": -12});
    }
}

#[cfg(test)]
mod tests;
