//! `/v1/repricing-runs` and `/v1/unpriced`: pricing and repricing of recorded events.

use super::json::{Body, invalid};
use crate::AppState;
use crate::caller::ApiCaller;
use crate::error::{ApiError, ProblemDocument};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use backend::prices::{browse, runs};
use chrono::{DateTime, FixedOffset};
use domain::event::UnpricedRow;
use domain::identity::Permission;
use domain::ids::RunId;
use domain::money;
use domain::price::contract::{ContractMonth, TermMonth};
use domain::price::page::ModelName;
use domain::problem::{FieldProblem, Problem};
use domain::repricing::{Moves, RepricingRun, RunForm, RunInput, RunKind, RunState, Summary, parse_reason};
use domain::statement::month_text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The resources' routes.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(unpriced))
        .routes(routes!(list, draft))
        .routes(routes!(get, discard))
        .routes(routes!(confirm))
        .routes(routes!(reverse))
}

/// What waits for a price.
#[derive(Debug, Serialize, ToSchema)]
struct UnpricedModelsDocument {
    /// By provider and model as sent, the dearest estimate first.
    models: Vec<UnpricedModelDocument>,
}

/// A model whose events have no known cost.
#[derive(Debug, Serialize, ToSchema)]
struct UnpricedModelDocument {
    /// Provider as sent.
    provider: String,
    /// Model as sent.
    model: String,
    /// Why there is no price.
    reason: String,
    /// How many events wait.
    events: u64,
    /// Tokens in them.
    tokens: u64,
    /// Estimate of what they cost at most; it counts against budgets until they have a price.
    upper_bound: String,
    /// The first event.
    first_at: DateTime<FixedOffset>,
    /// The last event.
    last_at: DateTime<FixedOffset>,
    /// Models of the book that it may mean, the likest first: guesses for a person to confirm.
    may_mean: Vec<GuessDocument>,
}

/// A model of the book.
#[derive(Debug, Serialize, ToSchema)]
struct GuessDocument {
    /// Provider of the model.
    provider: String,
    /// Name of the model in the book.
    model: String,
}

/// The runs of the organization.
#[derive(Debug, Serialize, ToSchema)]
struct RunsDocument {
    /// Newest first.
    runs: Vec<RunDocument>,
    /// Send it as `before` for the next page; null on the last one.
    next: Option<RunId>,
}

/// A run over recorded events.
#[derive(Debug, Serialize, ToSchema)]
struct RunDocument {
    /// Its id.
    id: RunId,
    /// Which events.
    kind: RunKind,
    /// Its span and filters, as they were asked for.
    selection: BTreeMap<String, Vec<String>>,
    /// When it began.
    created_at: DateTime<FixedOffset>,
    /// Who began it.
    created_by: String,
    /// Own prices and names entered after this instant are not used by it.
    known_at: DateTime<FixedOffset>,
    /// Why it was confirmed; null until then.
    reason: Option<String>,
    /// `draft` while the preview is made, `previewed`, `running`, `done`, `reversing`, `reversed`, `discarded` or `failed`.
    state: String,
    /// What the preview said; null until it is made.
    preview: Option<SumsDocument>,
    /// What moved, or repriced so far; null where nothing did.
    outcome: Option<SumsDocument>,
    /// What was taken back, or was so far; null where nothing was.
    reversal: Option<SumsDocument>,
    /// Why it was reversed, or what stopped it.
    detail: Option<String>,
    /// What a run of the kind `contract` has counted; null for other runs.
    contract: Option<ContractDocument>,
}

/// What a run of the contract has counted of its month.
#[derive(Debug, Serialize, ToSchema)]
struct ContractDocument {
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    /// Whether everything is counted.
    counted: bool,
    /// The terms that count anything.
    terms: Vec<CountedDocument>,
}

/// One term over the month.
#[derive(Debug, Serialize, ToSchema)]
struct CountedDocument {
    /// The term.
    term_id: u64,
    /// The term in one line.
    words: String,
    /// Units that it counts: a decimal string.
    quantity: String,
    /// What they cost without the contract.
    amount: String,
    /// What the contract charges for them; null until everything is counted.
    charge: Option<String>,
}

/// What moves.
#[derive(Debug, Serialize, ToSchema)]
struct SumsDocument {
    /// Events that were looked at.
    looked_at: u64,
    /// Events whose cost moves.
    moved: u64,
    /// Events among these that had no price and get one.
    priced: u64,
    /// Events that have no price afterwards either.
    still_unpriced: u64,
    /// Known cost of the events that move, before.
    before: String,
    /// Known cost of these, after.
    after: String,
    /// What is added to spend.
    delta: String,
    /// By month, team, project and model.
    moves: Vec<MovesDocument>,
    /// Events that move and are in none of the rows of `moves`, because these are too many.
    elsewhere: u64,
}

/// What moves of one model of one project in one month.
#[derive(Debug, Serialize, ToSchema)]
struct MovesDocument {
    /// The month.
    #[schema(example = "2026-11")]
    month: String,
    /// The team that owned the project; null where none is recorded.
    team: Option<String>,
    /// The project.
    project: String,
    /// Provider as sent.
    provider: String,
    /// Model as sent.
    model: String,
    /// Events whose cost moves.
    events: u64,
    /// What is added to spend.
    delta: String,
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    /// Stands beside every adjustment.
    #[schema(max_length = 500, example = "New contract since November")]
    reason: String,
}

impl Reason {
    fn text(&self) -> Result<String, Problem> {
        parse_reason(&self.reason).map_err(|wrong| invalid(vec![wrong]))
    }
}

impl UnpricedModelDocument {
    fn of(row: UnpricedRow, guesses: Vec<ModelName>) -> Self {
        let guess = |name: ModelName| GuessDocument { provider: name.provider, model: name.model };
        Self {
            provider: row.provider,
            model: row.model,
            reason: row.reason,
            events: row.events,
            tokens: row.tokens,
            upper_bound: money::exact(row.upper_bound),
            first_at: row.first_at,
            last_at: row.last_at,
            may_mean: guesses.into_iter().map(guess).collect(),
        }
    }
}

impl SumsDocument {
    fn of(summary: Summary) -> Self {
        Self {
            looked_at: summary.looked_at,
            moved: summary.moved,
            priced: summary.priced,
            still_unpriced: summary.still_unpriced,
            before: money::exact(summary.before),
            after: money::exact(summary.after),
            delta: money::exact(summary.delta()),
            elsewhere: summary.elsewhere,
            moves: summary.moves.into_iter().map(MovesDocument::of).collect(),
        }
    }
}

impl ContractDocument {
    fn of(contract: ContractMonth) -> Self {
        let term = |term: TermMonth| CountedDocument {
            term_id: term.term_id,
            words: term.words,
            quantity: term.total.quantity.normalize().to_string(),
            amount: money::exact(term.total.amount),
            charge: term.charge.map(money::exact),
        };
        Self {
            month: month_text(contract.month),
            counted: contract.counted,
            terms: contract.terms.into_iter().map(term).collect(),
        }
    }
}

impl MovesDocument {
    fn of(moves: Moves) -> Self {
        Self {
            month: month_text(moves.month),
            delta: money::exact(moves.delta()),
            team: moves.team,
            project: moves.project,
            provider: moves.provider,
            model: moves.model,
            events: moves.events,
        }
    }
}

impl RunDocument {
    fn of(run: RepricingRun) -> Self {
        let state = run.state.phase().as_str().to_owned();
        let (mut preview, mut outcome, mut reversal, mut detail) = (None, None, None, None);
        match run.state {
            RunState::Draft { .. } | RunState::Discarded { .. } => {}
            RunState::Previewed { preview: sums } => preview = Some(sums),
            RunState::Running { preview: sums, so_far } => (preview, outcome) = (Some(sums), Some(so_far)),
            RunState::Done { preview: sums, outcome: moved, .. } => (preview, outcome) = (Some(sums), Some(moved)),
            RunState::Reversing { outcome: moved, so_far, reason } => {
                (outcome, reversal, detail) = (Some(moved), Some(so_far), Some(reason));
            }
            RunState::Reversed { outcome: moved, reversal: back, reason, .. } => {
                (outcome, reversal, detail) = (Some(moved), Some(back), Some(reason));
            }
            RunState::Failed { outcome: moved, detail: what, .. } => (outcome, detail) = (Some(moved), Some(what)),
        }
        Self {
            id: run.run_id,
            kind: run.input.kind,
            selection: selection(&run.input),
            created_at: run.created_at,
            created_by: run.created_by,
            known_at: run.known_at,
            reason: run.reason,
            state,
            preview: preview.map(SumsDocument::of),
            outcome: outcome.map(SumsDocument::of),
            reversal: reversal.map(SumsDocument::of),
            detail,
            contract: run.contract.map(ContractDocument::of),
        }
    }
}

/// Span and filters as the event list writes them, so that its events can be listed.
fn selection(input: &RunInput) -> BTreeMap<String, Vec<String>> {
    let query = domain::event::EventQuery {
        from: input.from,
        to: input.to,
        filters: input.filters.clone(),
        ..domain::event::EventQuery::default()
    };
    let mut selection = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in query.to_pairs() {
        selection.entry(name).or_default().push(value);
    }
    selection
}

/// An id that cannot be one names nothing.
fn id(text: &str) -> Result<RunId, Problem> {
    text.parse::<Uuid>().map(RunId).map_err(|_| Problem::NotFound)
}

/// Lists models whose events wait for a price, with what they cost at most and which models they may mean.
///
/// Add model alias with `POST /v1/model-aliases` or enter a price with `POST /v1/price-overrides`, then price what waits with a run of the kind `pricing`.
#[utoipa::path(
    get,
    path = "/v1/unpriced",
    tag = "prices",
    security(("api_key" = ["read"])),
    responses(
        (status = 200, description = "At most 200 models.", body = UnpricedModelsDocument)
    )
)]
async fn unpriced(caller: ApiCaller, State(state): State<AppState>) -> Result<Json<UnpricedModelsDocument>, ApiError> {
    let rows = backend::events::unpriced(&state.backend, &caller.scope).await?;
    let names: Vec<_> = rows.iter().map(|row| (row.provider.clone(), row.model.clone())).collect();
    let guesses = browse::guesses(&state.backend, &caller.scope, &names).await?;
    let models = rows.into_iter().zip(guesses).map(|(row, guesses)| UnpricedModelDocument::of(row, guesses)).collect();
    Ok(Json(UnpricedModelsDocument { models }))
}

/// Lists runs, newest first.
#[utoipa::path(
    get,
    path = "/v1/repricing-runs",
    tag = "repricing",
    security(("api_key" = ["read"])),
    params(("before" = Option<Uuid>, Query, description = "`next` of the page before.")),
    responses(
        (status = 200, description = "At most 50 runs.", body = RunsDocument),
        (status = 403, description = "The key lacks the scope `read` or is bound to one project.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn list(
    caller: ApiCaller,
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<RunsDocument>, ApiError> {
    let mut before = None;
    for (name, value) in &pairs {
        let wrong = |_| FieldProblem::new(name, "invalid", "Use an id as answers give it.");
        let read = match name.as_str() {
            "before" => value.parse().map_err(wrong).map(|run| before = Some(RunId(run))),
            _ => Err(FieldProblem::new(name, "unknown", format!("`{name}` is not a parameter."))),
        };
        read.map_err(|problem| Problem::invalid(vec![problem]))?;
    }
    let page = runs::list(&state.backend, &caller.scope, before).await?;
    Ok(Json(RunsDocument { runs: page.runs.into_iter().map(RunDocument::of).collect(), next: page.next }))
}

/// Begins a run: it previews what would move. Nothing moves before it is confirmed.
#[utoipa::path(
    post,
    path = "/v1/repricing-runs",
    tag = "repricing",
    security(("api_key" = ["admin"])),
    request_body = RunForm,
    responses(
        (status = 201, description = "The run; `Location` is its address. Ask again while its state is `draft`.", body = RunDocument)
    )
)]
async fn draft(
    caller: ApiCaller,
    State(state): State<AppState>,
    Body(form): Body<RunForm>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<RunDocument>), ApiError> {
    let input = form.parse().map_err(invalid)?;
    let run = runs::draft(&state.backend, &caller.scope, &input).await?;
    let location = format!("/v1/repricing-runs/{}", run.run_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(RunDocument::of(run))))
}

/// Shows a run: what it would move, moved, or took back.
#[utoipa::path(
    get,
    path = "/v1/repricing-runs/{run_id}",
    tag = "repricing",
    security(("api_key" = ["read"])),
    params(("run_id" = Uuid, Path, description = "Id of the run.")),
    responses(
        (status = 200, description = "The run.", body = RunDocument)
    )
)]
async fn get(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(run_id): Path<String>,
) -> Result<Json<RunDocument>, ApiError> {
    // A run concerns the whole organization: for a key of one project there is none.
    if caller.scope.may(Permission::Read) && !caller.scope.sees_all() {
        return Err(Problem::NotFound.into());
    }
    Ok(Json(RunDocument::of(runs::run(&state.backend, &caller.scope, id(&run_id)?).await?)))
}

/// Discards a run that has moved nothing.
#[utoipa::path(
    delete,
    path = "/v1/repricing-runs/{run_id}",
    tag = "repricing",
    security(("api_key" = ["admin"])),
    params(("run_id" = Uuid, Path, description = "Id of the run.")),
    responses(
        (status = 204, description = "It is discarded."),
        (status = 409, description = "It was confirmed or discarded already.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn discard(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(run_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    runs::discard(&state.backend, &caller.scope, id(&run_id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a previewed run move what its preview shows. Booked costs stay: adjustments are appended.
#[utoipa::path(
    post,
    path = "/v1/repricing-runs/{run_id}/confirm",
    tag = "repricing",
    security(("api_key" = ["admin"])),
    params(("run_id" = Uuid, Path, description = "Id of the run.")),
    request_body = Reason,
    responses(
        (status = 202, description = "It runs; ask again until its state is `done`.", body = RunDocument),
        (status = 409, description = "It is not previewed, or another run moves money.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn confirm(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(run_id): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<(StatusCode, Json<RunDocument>), ApiError> {
    let run = runs::confirm(&state.backend, &caller.scope, id(&run_id)?, &reason.text()?).await?;
    Ok((StatusCode::ACCEPTED, Json(RunDocument::of(run))))
}

/// Takes back what a run moved, by opposite adjustments.
#[utoipa::path(
    post,
    path = "/v1/repricing-runs/{run_id}/reverse",
    tag = "repricing",
    security(("api_key" = ["admin"])),
    params(("run_id" = Uuid, Path, description = "Id of the run.")),
    request_body = Reason,
    responses(
        (status = 202, description = "It is being taken back; ask again until its state is `reversed`.", body = RunDocument),
        (status = 409, description = "Nothing was moved, later runs moved the same events, or another run moves money.", body = ProblemDocument, content_type = "application/problem+json")
    )
)]
async fn reverse(
    caller: ApiCaller,
    State(state): State<AppState>,
    Path(run_id): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<(StatusCode, Json<RunDocument>), ApiError> {
    let run = runs::reverse(&state.backend, &caller.scope, id(&run_id)?, &reason.text()?).await?;
    Ok((StatusCode::ACCEPTED, Json(RunDocument::of(run))))
}
