//! Makes the sample organization and sends its events in by the door that everybody uses.

use super::beside;
use super::calendar::first_instant;
use super::scenes::NIGHT_JOBS;
use super::{BUDGETS, DAYS, ORGANIZATION, PRODUCT_LINES, REQUIRED_LABELS, TEAMS, THRESHOLDS, allocation_rules, events};
use crate::identity::{self, create_sample_organization, organizations_of, system_scope};
use crate::keys::{self, NewKey};
use crate::projects::{self, NewProductLine, NewProject, NewTeam};
use crate::{Backend, Error, OrgScope, allocation, budgets, events as ingestion, labels, ledger};
use chrono::{DateTime, FixedOffset, TimeDelta};
use domain::budget::BudgetInput;
use domain::event::{EventInput, IngestAnswer};
use domain::identity::{KeyScope, Organization};
use domain::ids::{KeyId, UserId};
use domain::label::RequiredForm;
use domain::problem::Problem;
use domain::project::KeyProject;
use futures::{StreamExt, TryStreamExt};
use secrecy::ExposeSecret;
use std::time::Duration;

/// Events per request.
const BATCH: usize = 2_000;
/// Requests under way at the same time: one is prepared while another is committed.
const AT_ONCE: usize = 2;
/// How often a request is tried again while the server has no room.
const TRIES: u32 = 30;
/// After this long, what is not there is not coming any more.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// What was sent, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Events recorded.
    pub accepted: u64,
    /// Smaller copies of events that count.
    pub copies: u64,
    /// Events refused: the senders' mistakes that belong to the sample.
    pub rejected: u64,
}

/// Makes a sample organization for its owner and fills it before it returns; `progress` hears how many events were sent.
///
/// For the operator of the server only: it asks for no permission.
///
/// # Errors
/// [`Problem::Invalid`] for an unknown zone, [`Problem::Conflict`] when the owner has a sample already; [`Error::Database`]. What was made until then stays and can be deleted.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn load(
    backend: &Backend,
    owner: UserId,
    time_zone: &str,
    progress: impl FnMut(u64),
) -> Result<(Organization, Loaded), Error> {
    let sample = Sample::make(backend, owner, time_zone).await?;
    let loaded = sample.fill(backend, sample.events(backend), progress).await?;
    Ok((sample.organization, loaded))
}

/// Makes a sample organization and fills it in the background: the page that it opens grows while it is looked at.
///
/// # Errors
/// As [`load`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn start(backend: &Backend, owner: UserId, time_zone: &str) -> Result<Organization, Error> {
    let sample = Sample::make(backend, owner, time_zone).await?;
    let organization = sample.organization.clone();
    let backend = backend.clone();
    tokio::spawn(async move {
        if let Err(error) = sample.fill(&backend, sample.events(&backend), |_| {}).await {
            tracing::error!(%error, org_id = %sample.organization.org_id, "sample data was not loaded whole");
        }
    });
    Ok(organization)
}

/// How much of a sample's quarter is there, from 0 to 1, while [`start`] fills it; none once all of it is, and for every other organization.
///
/// # Errors
/// [`Problem::Forbidden`] without the permission to read; [`Error::Database`].
#[tracing::instrument(level = "debug", skip_all, fields(org_id = %scope.org_id()))]
pub async fn progress(backend: &Backend, scope: &OrgScope) -> Result<Option<f64>, Error> {
    let organization = identity::organization(backend, scope).await?;
    let age = backend.clock.now() - organization.created_at;
    // The budgets come last. A server that was killed meanwhile never makes them.
    if !organization.is_sample || age > PATIENCE || budgets::any(backend, scope).await? {
        return Ok(None);
    }
    let newest = ingestion::newest(backend, scope).await?;
    let to_come = |at: DateTime<FixedOffset>| organization.created_at.signed_duration_since(at).as_seconds_f64();
    let quarter = Duration::from_secs(DAYS * 86_400).as_secs_f64();
    Ok(Some(newest.map_or(0.0, |row| (1.0 - to_come(row.at) / quarter).clamp(0.0, 1.0))))
}

/// A sample organization with its key, before its events.
pub(super) struct Sample {
    pub(super) organization: Organization,
    /// The server's own view of it.
    pub(super) scope: OrgScope,
    /// Of everything but night jobs, and of these.
    senders: [Sender; 2],
}

/// An API key that the sample's events come by.
struct Sender {
    scope: OrgScope,
    key_id: KeyId,
}

impl Sender {
    async fn make(backend: &Backend, scope: &OrgScope, name: &str, project: &str) -> Result<Self, Error> {
        let project = projects::by_slug(backend, scope, project).await?.project_id;
        let new = NewKey {
            name: name.to_owned(),
            scopes: [KeyScope::Ingest].into(),
            project: KeyProject::AllWithDefault(project),
            expires_at: None,
        };
        let created = keys::create(backend, scope, new).await?;
        let scope = keys::authenticate(backend, created.secret.expose_secret()).await?.scope;
        Ok(Self { scope, key_id: created.key.key_id })
    }
}

impl Sample {
    pub(super) async fn make(backend: &Backend, owner: UserId, time_zone: &str) -> Result<Self, Error> {
        let stays = |organization: &Organization| organization.is_sample && organization.deletes_at.is_none();
        if organizations_of(backend, owner).await?.iter().any(|(organization, _)| stays(organization)) {
            return Err(
                Problem::conflict("You already have a sample organization. Delete it to load a fresh one.").into()
            );
        }
        let organization = create_sample_organization(backend, Some(owner), ORGANIZATION, time_zone).await?;
        let scope = system_scope(backend, organization.org_id).await?;
        make_teams(backend, &scope).await?;
        let senders = [
            Sender::make(backend, &scope, "production", "support-bot").await?,
            Sender::make(backend, &scope, "ci-runner", "code-assistant").await?,
        ];
        Ok(Self { organization, scope, senders })
    }

    /// The events of the quarter that ends now.
    pub(super) fn events(&self, backend: &Backend) -> impl Iterator<Item = EventInput> + Send + use<> {
        events(backend.clock.now(), self.scope.zone())
    }

    /// Sends the events, enters the allocation rules, makes the budgets with their past, and revokes the keys, which nobody needs any more.
    pub(super) async fn fill(
        &self,
        backend: &Backend,
        mut events: impl Iterator<Item = EventInput> + Send,
        mut progress: impl FnMut(u64),
    ) -> Result<Loaded, Error> {
        let batches = std::iter::from_fn(|| {
            let batch: Vec<EventInput> = events.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let requests = futures::stream::iter(batches).map(|batch| self.send(backend, batch));
        let mut answers = requests.buffered(AT_ONCE);
        let mut loaded = Loaded::default();
        while let Some(answer) = answers.try_next().await? {
            loaded.accepted += answer.accepted;
            loaded.copies += answer.copies;
            loaded.rejected += answer.rejected;
            progress(loaded.accepted + loaded.copies + loaded.rejected);
        }
        self.finish(backend).await?;
        Ok(loaded)
    }

    async fn send(&self, backend: &Backend, batch: Vec<EventInput>) -> Result<Loaded, Error> {
        let (night, day): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|event| event.user.as_deref() == Some(NIGHT_JOBS));
        let mut loaded = Loaded::default();
        for (sender, events) in self.senders.iter().zip([day, night]).filter(|(_, events)| !events.is_empty()) {
            let answer = send(backend, &sender.scope, events).await?;
            loaded.accepted += u64::from(answer.accepted);
            loaded.copies += u64::from(answer.duplicates);
            loaded.rejected += u64::from(answer.rejected);
        }
        Ok(loaded)
    }

    async fn finish(&self, backend: &Backend) -> Result<(), Error> {
        for (label, project) in REQUIRED_LABELS {
            let label = RequiredForm { label: label.to_owned(), project: project.to_owned() };
            labels::require(backend, &self.scope, &label.parse().map_err(Problem::invalid)?).await?;
        }
        for rule in allocation_rules() {
            allocation::enter(backend, &self.scope, &rule.parse().map_err(Problem::invalid)?).await?;
        }
        let since = first_instant(self.organization.created_at, self.scope.zone());
        beside::enter(backend, &self.scope, self.scope.zone().day_of(backend.clock.now())).await?;
        for budget in BUDGETS {
            let recipients: Vec<String> = budget.recipients.iter().map(|to| (*to).to_owned()).collect();
            let input = BudgetInput::check(budget.name, budget.scope, budget.dollars.into(), &THRESHOLDS, &recipients);
            let input = input.map_err(Problem::invalid)?;
            budgets::create_in_the_past(backend, &self.scope, &input, since).await?;
        }
        for sender in &self.senders {
            keys::revoke(backend, &self.scope, sender.key_id).await?;
        }
        ledger::analyze(&mut *backend.pool.acquire().await?).await
    }
}

/// The sample's own teams and projects in place of those that every new organization gets.
async fn make_teams(backend: &Backend, scope: &OrgScope) -> Result<(), Error> {
    let first = (projects::list_teams(backend, scope).await?, projects::list_projects(backend, scope).await?);
    for team in TEAMS {
        let new =
            NewTeam { name: team.name.to_owned(), cost_centre: team.cost_centre.to_owned(), ..NewTeam::default() };
        let team_id = projects::create_team(backend, scope, new).await?.team_id;
        for (slug, name, cost_centre) in team.projects {
            let new = NewProject {
                name: (*name).to_owned(),
                slug: (*slug).to_owned(),
                cost_centre: (*cost_centre).to_owned(),
                team_id,
            };
            projects::create_project(backend, scope, new).await?;
        }
    }
    for (name, members) in PRODUCT_LINES {
        let new = NewProductLine { name: name.to_owned(), ..NewProductLine::default() };
        let line = Some(projects::create_product_line(backend, scope, new).await?.product_line_id);
        for slug in members {
            let project = projects::by_slug(backend, scope, slug).await?.project_id;
            projects::assign_product_line(backend, scope, project, line, None).await?;
        }
    }
    for project in first.1 {
        projects::archive_project(backend, scope, project.project_id, true).await?;
    }
    for team in first.0 {
        projects::archive_team(backend, scope, team.team_id, true).await?;
    }
    Ok(())
}

/// Sends a batch, again while the server has no room: then nothing of it was recorded. Its events have ids.
async fn send(backend: &Backend, sender: &OrgScope, batch: Vec<EventInput>) -> Result<IngestAnswer, Error> {
    for _ in 0..TRIES {
        match ingestion::ingest_inputs(backend, sender, batch.clone()).await {
            Err(Error::Problem(Problem::Unavailable { retry_after_secs })) => {
                tokio::time::sleep(Duration::from_secs(retry_after_secs.into())).await;
            }
            outcome => return outcome,
        }
    }
    ingestion::ingest_inputs(backend, sender, batch).await
}
