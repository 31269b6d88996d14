//! Scheduled exports: schedules, destinations and runs on one page, with the forms for whoever may change them.

use super::api::{DeleteDestination, DeleteSchedule, RunSchedule, SaveDestination, SaveSchedule, TestDestination};
use super::tabs;
use crate::form::{Posted, hidden};
use crate::format;
use crate::page::{Drawn, Page, Visit};
use crate::ui::{
    Button, ButtonKind, Choice, EmptyState, Field, FormErrors, NoPermission, Notice, NoticeText, PageHead, RowButton,
    Section, Select, StatusDot, Tab, Table, Tabs, Tone, UrlNotice, columns, html,
};
use backend::exports::schedules;
use domain::export::{Cadence, Destination, ExportRun, ExportRunState, ScheduleForm, ScheduleState, StoreKind};
use domain::focus::Version;
use domain::focus::query::FileFormat;
use domain::identity::Permission;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

const fn good(code: &'static str, text: &'static str) -> NoticeText {
    NoticeText { code, tone: Tone::Good, text }
}

const NOTICES: [NoticeText; 6] = [
    good("destination-saved", "The destination is saved. Test it before a schedule needs it."),
    good("schedule-saved", "The schedule is saved."),
    good("deleted", "Deleted. Files stay in the storage."),
    good("running", "The file is being made. Reload the page to see how it went."),
    good("test-passed", "The test file was written and deleted."),
    NoticeText { code: "test-failed", tone: Tone::Bad, text: "The test failed. The destination says what came back." },
];

/// Everything about scheduled exports.
pub(crate) async fn scheduled(visit: Visit) -> Drawn {
    let (backend, scope) = (&visit.backend, &visit.scope);
    let (schedules, destinations, runs) = futures::try_join!(
        schedules::schedules(backend, scope),
        schedules::destinations(backend, scope),
        schedules::runs(backend, scope, None),
    )?;
    let may = visit.frame.may(Permission::ManageExports);
    let forms = if may {
        forms(&visit, &schedules, &destinations)
    } else {
        html! { <NoPermission what=Permission::ManageExports.description() who="an owner, admin or finance"/> }
    };
    let errors: Vec<_> = [
        Posted::<TestDestination>::here().errors(),
        Posted::<DeleteDestination>::here().errors(),
        Posted::<RunSchedule>::here().errors(),
        Posted::<DeleteSchedule>::here().errors(),
    ]
    .concat();
    let (schedules, destinations) =
        (schedule_table(&visit, &schedules, may), destination_table(&visit, &destinations, may));
    Ok(Page::new(
        "Scheduled exports",
        view! {
            <UrlNotice known=&NOTICES/>
            <PageHead title="Scheduled exports" lead="FOCUS files of finished days in your own storage, sent again when a day changes."/>
            {tabs(&visit)}
            <FormErrors errors=errors/>
            <Section title="Schedules">{schedules}</Section>
            <Section title="Destinations">{destinations}</Section>
            <Section title="Runs" note="the newest 100" id="runs">{run_table(&runs)}</Section>
            {forms}
        },
    ))
}

/// Buttons of a row, each with where it leads: the first is that of the form.
fn acts(org: &str, name: &str, acts: [(&'static str, &'static str); 2]) -> AnyView {
    let button = |(text, path): (&'static str, &'static str)| {
        view! { <RowButton text=text name=format!("{text} {name}") attr:formaction=path/> }
    };
    html! {
        <form class="actions" method="post" action=acts[0].1>
            {hidden([("org", org), ("name", name)])}
            {acts.map(button).collect_view()}
        </form>
    }
}

fn schedule_table(visit: &Visit, schedules: &[ScheduleState], may: bool) -> AnyView {
    if schedules.is_empty() {
        let text = "A schedule sends a FOCUS file of every finished day, week or month to a destination.";
        return html! { <EmptyState title="No schedules yet" text=text/> };
    }
    let line = |state: &ScheduleState| {
        let (form, name) = (state.schedule.form(), state.schedule.name.as_str());
        let (tone, next) = match state.paused_at {
            Some(at) => (Tone::Bad, format!("paused {}", format::time(at))),
            None => (Tone::Good, format::time(state.next_at)),
        };
        let actions = may.then(|| {
            let edit = format!("{}?edit={name}#schedule", visit.path);
            let label = format!("Edit {name}");
            view! {
                {acts(visit.org(), name, [("Run now", RunSchedule::url()), ("Delete", DeleteSchedule::url())])}
                <a href=edit aria-label=label>"Edit"</a>
            }
        });
        let file = format!("FOCUS {}, {}, by {}", form.version, form.format.to_uppercase(), form.bucket);
        view! {
            <tr>
                <th scope="row">{name.to_owned()}<span class="note">{format!("to {}", form.destination)}</span></th>
                <td>{state.schedule.cadence.label()}<span class="note">{file}</span></td>
                <td class="nowrap"><StatusDot tone=tone>{next}</StatusDot></td>
                <td class="end">{actions}</td>
            </tr>
        }
    };
    let rows = schedules.iter().map(line).collect_view();
    html! { <Table caption="Schedules of exports" columns=columns("Schedule | Files | Next check | Actions ~")>{rows}</Table> }
}

fn destination_table(visit: &Visit, destinations: &[Destination], may: bool) -> AnyView {
    if destinations.is_empty() {
        let text = "A bucket or container of yours, with credentials that may write to it.";
        return html! { <EmptyState title="No destinations yet" text=text/> };
    }
    let line = |destination: &Destination| {
        let name = destination.name.as_str();
        let (tone, test, answer) = match destination.tested.clone() {
            None => (Tone::Neutral, "not tested".to_owned(), None),
            Some((at, None)) => (Tone::Good, format!("passed {}", format::time(at)), None),
            Some((at, error)) => (Tone::Bad, format!("failed {}", format::time(at)), error),
        };
        let actions = may
            .then(|| acts(visit.org(), name, [("Test", TestDestination::url()), ("Delete", DeleteDestination::url())]));
        view! {
            <tr>
                <th scope="row">{name.to_owned()}<span class="note">{destination.place.kind.label()}</span></th>
                <td>{destination.place.label()}<span class="note">{destination.place.endpoint.clone()}</span></td>
                <td><StatusDot tone=tone>{test}</StatusDot><span class="note">{answer}</span></td>
                <td class="nowrap">{format::time(destination.saved_at)}</td>
                <td class="end">{actions}</td>
            </tr>
        }
    };
    let rows = destinations.iter().map(line).collect_view();
    html! {
        <Table caption="Destinations of exports" columns=columns("Destination | Place | Test | Credentials saved | Actions ~")>{rows}</Table>
    }
}

fn run_table(runs: &[ExportRun]) -> AnyView {
    if runs.is_empty() {
        return html! { <EmptyState title="No runs yet" text="A run makes one file. It comes here once a schedule's days are over."/> };
    }
    let line = |run: &ExportRun| {
        let tone = match run.state {
            ExportRunState::Done => Tone::Good,
            ExportRunState::Failed => Tone::Bad,
            ExportRunState::Planned | ExportRunState::Running => Tone::Neutral,
        };
        let at = run.finished_at.or(run.next_attempt_at).unwrap_or(run.planned_at);
        let tries = (run.attempts > 1).then(|| format!(", {} attempts", run.attempts));
        let state = format!("{} {}{}", run.state.as_str(), format::time(at), tries.unwrap_or_default());
        let days = match run.span.days() {
            1 => format::day_year(run.span.from),
            _ => format!("{} – {}", format::day_year(run.span.from), format::day_year(run.span.last_day())),
        };
        let number = |number: Option<u64>| number.map_or_else(|| format::NONE.to_owned(), format::count);
        let file = run.file.as_ref();
        let object = file.map(|file| {
            let revision = (file.revision > 1).then(|| format!(", revision {}", file.revision));
            format!("{}{}", file.object, revision.unwrap_or_default())
        });
        view! {
            <tr>
                <th scope="row" class="nowrap">{days}<span class="note">{run.schedule.to_string()}</span></th>
                <td><StatusDot tone=tone>{state}</StatusDot><span class="note">{run.error.clone().or(object)}</span></td>
                <td class="num" title=file.map(|file| format!("SHA-256 {}", file.sha256))>{file.map_or_else(|| format::NONE.to_owned(), |file| format::bytes(file.bytes))}</td>
                <td class="num">{number(file.map(|file| file.rows))}</td>
                <td class="num">{number(run.seconds)}</td>
            </tr>
        }
    };
    let rows = runs.iter().map(line).collect_view();
    html! { <Table caption="Runs of scheduled exports" columns=columns("Days | State | Size # | Rows # | Seconds #")>{rows}</Table> }
}

fn forms(visit: &Visit, schedules: &[ScheduleState], destinations: &[Destination]) -> AnyView {
    let edited = visit.query.get("edit");
    let edited = schedules.iter().find(|state| edited == Some(state.schedule.name.as_str()));
    let schedule = (!destinations.is_empty()).then(|| {
        let (title, form) = (
            if edited.is_some() { "Edit schedule" } else { "New schedule" },
            schedule_form(visit, edited, destinations),
        );
        view! { <Section title=title id="schedule">{form}</Section> }
    });
    let destination = if schedules::can_encrypt(&visit.backend) {
        destination_form(visit)
    } else {
        html! { <Notice tone=Tone::Warn>"This server has no key to encrypt credentials with. Its operator has to set SECRETS_KEY."</Notice> }
    };
    html! { {schedule}<Section title="New destination" id="destination">{destination}</Section> }
}

fn schedule_form(visit: &Visit, edited: Option<&ScheduleState>, destinations: &[Destination]) -> AnyView {
    let form = Posted::<SaveSchedule>::here();
    let before = edited.map_or_else(ScheduleForm::default, |state| state.schedule.form());
    let name = edited.map(|state| state.schedule.name.to_string()).unwrap_or_default();
    let kept = |field: &str, before: &str| form.kept_or(&format!("schedule[{field}]"), before);
    let error = |field: &str| form.error(&format!("schedule[{field}]"));
    let destinations = destinations.iter().map(|one| Choice::new(one.name.as_str(), one.name.as_str())).collect();
    let cadences = Cadence::ALL.map(|cadence| Choice::new(cadence.as_str(), cadence.label())).to_vec();
    let hours = (0..24).map(|hour| Choice::new(hour.to_string(), format!("{hour:02}:00"))).collect();
    let versions =
        Version::ALL.map(|version| Choice::new(version.as_str(), format!("FOCUS {}", version.as_str()))).to_vec();
    let formats = FileFormat::ALL.map(|format| Choice::new(format.as_str(), format.label())).to_vec();
    let buckets = vec![Choice::new("day", "Day"), Choice::new("hour", "Hour")];
    let hour = if edited.is_some() { before.hour } else { 6 };
    html! {
        <form class="form form-wide" method="post" action=SaveSchedule::url()>
            <FormErrors errors=form.errors()/>
            {hidden([("org", visit.org())])}
            <div class="form-row">
                <Field label="Name" name="name" id="schedule-name" maxlength=64 value=form.kept_or("name", &name) error=form.error("name") hint="Also the folder of its files."/>
                <Select label="Destination" name="schedule[destination]" choices=destinations value=kept("destination", &before.destination) error=error("destination")/>
            </div>
            <div class="form-row">
                <Select label="A file of every" name="schedule[cadence]" choices=cadences value=kept("cadence", &before.cadence) error=error("cadence")/>
                <Select label="From" name="schedule[hour]" choices=hours value=kept("hour", &hour.to_string()) error=error("hour") hint=format!("In {}.", visit.scope.zone().name())/>
            </div>
            <div class="form-row">
                <Select label="Version" name="schedule[version]" choices=versions value=kept("version", &before.version)/>
                <Select label="Rows by" name="schedule[bucket]" choices=buckets value=kept("bucket", &before.bucket)/>
                <Select label="Format" name="schedule[format]" choices=formats value=kept("format", &before.format)/>
            </div>
            <Field label="Tags" name="schedule[tags]" optional=true value=kept("tags", &before.tags) error=error("tags") hint="As in the FOCUS export: customer, tag.<key>, with commas between."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save schedule"</Button></div>
        </form>
    }
}

/// What each storage calls the same things.
const fn words(kind: StoreKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        StoreKind::S3 => ("Bucket", "Access key ID", "Secret access key"),
        StoreKind::Google => ("Bucket", "", "Service account key (JSON)"),
        StoreKind::Azure => ("Container", "Storage account", "Account key or shared access signature"),
    }
}

fn destination_form(visit: &Visit) -> AnyView {
    let form = Posted::<SaveDestination>::here();
    let chosen = form.kept("destination[kind]").or_else(|| visit.query.get("kind").map(str::to_owned));
    let kind = chosen.and_then(|kind| kind.parse().ok()).unwrap_or(StoreKind::S3);
    let tabs = StoreKind::ALL
        .map(|one| Tab::new(one.label(), format!("{}?kind={}#destination", visit.path, one.as_str()), one == kind));
    let (bucket, account, secret) = words(kind);
    let kept = |field: &str| form.kept_or(&format!("destination[{field}]"), "");
    let error = |field: &str| form.error(&format!("destination[{field}]"));
    let of_s3 = (kind == StoreKind::S3).then(|| {
        view! {
            <div class="form-row">
                <Field label="Endpoint" name="destination[endpoint]" optional=true value=kept("endpoint") error=error("endpoint") hint="Empty for Amazon S3."/>
                <Field label="Region" name="destination[region]" optional=true value=kept("region") error=error("region") hint="us-east-1 where it is empty."/>
            </div>
        }
    });
    let account = (!account.is_empty()).then(|| {
        view! { <Field label=account name="destination[account]" autocomplete="off" value=kept("account") error=error("account")/> }
    });
    html! {
        <Tabs label="Storage" tabs=tabs.to_vec()/>
        <form class="form form-wide" method="post" action=SaveDestination::url()>
            <FormErrors errors=form.errors()/>
            {hidden([("org", visit.org()), ("destination[kind]", kind.as_str())])}
            <Field label="Name" name="name" id="destination-name" maxlength=64 value=form.kept_or("name", "") error=form.error("name") hint="One of the same name is replaced."/>
            {of_s3}
            <div class="form-row">
                <Field label=bucket name="destination[bucket]" value=kept("bucket") error=error("bucket")/>
                <Field label="Prefix" name="destination[prefix]" optional=true value=kept("prefix") error=error("prefix") hint="Folder in it."/>
            </div>
            {account}
            <Field label=secret name="secret" kind="password" autocomplete="off" error=form.error("secret") hint="Encrypted, and never shown again."/>
            <div class="actions"><Button kind=ButtonKind::Primary>"Save destination"</Button></div>
        </form>
    }
}
