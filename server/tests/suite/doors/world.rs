//! Two organizations: Acme, with something behind every door, and Globex, whose owner has no business there.
//!
//! It is made once and copied for every test (the template is named after this file's text), so it costs a copy of files.
//! What only members of Acme may read carries the word [`SECRET`]; what belongs to its project [`PROJECT`] alone, also [`PROJECT_SECRET`]; what concerns all of Acme and no key of one project, also [`WHOLE_SECRET`].

use crate::support::{Client, TestApp};
use axum::http::StatusCode;
use backend::allocation;
use backend::budgets;
use backend::business_metrics;
use backend::events::uploads::{self, NewUpload};
use backend::exports::schedules;
use backend::identity;
use backend::journal;
use backend::keys::{self, NewKey};
use backend::labels;
use backend::prices::{self, contract, runs};
use backend::projects::{self, NewProductLine, NewProject, NewTeam};
use backend::{Backend, OrgScope, TestClock, annotations, delivery, events, ledger, views};
use backend::{charges, statements};
use domain::allocation::{AllocationForm, ConditionForm};
use domain::annotation::AnnotationForm;
use domain::budget::{AlertFilter, BudgetInput, ScopeRef, SpendScope};
use domain::business_metric::MetricForm;
use domain::charge::ChargeForm;
use domain::event::EventQuery;
use domain::export::{DestinationForm, ScheduleForm};
use domain::identity::{Email, KeyScope, Role, User};
use domain::ids::{ProjectId, TeamId, UserId};
use domain::journal::{JournalKind, Preset};
use domain::label::{AliasForm, RequiredForm};
use domain::period::Period;
use domain::price::contract::TermForm;
use domain::price::import::ImportInput;
use domain::price::{MappingForm, ModifierForm, PriceForm};
use domain::project::{KeyProject, Project};
use domain::repricing::{RunInput, RunKind};
use domain::statement::{DisputeForm, parse_month};
use domain::view::{Arrange, Board, NewView};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use testkit::{TestDatabase, seed};

/// A word that stands in everything of Acme and in no request.
pub(super) const SECRET: &str = "zebrafish";
/// A word that stands in everything of Acme's project [`PROJECT`].
pub(super) const PROJECT_SECRET: &str = "coelacanth";

/// A word that stands in what concerns all of Acme's projects.
pub(super) const WHOLE_SECRET: &str = "narwhal";

pub(super) const SLUG: &str = "acme";
pub(super) const NAME: &str = "Acme zebrafish";
pub(super) const TEAM: &str = "lab";
pub(super) const LINE: &str = "skies";
pub(super) const PROJECT: &str = "quasar";
pub(super) const EVENT_ID: &str = "event-1";
pub(super) const SESSION_ID: &str = "session-1";
pub(super) const INTERACTION_ID: &str = "interaction-1";
/// The file of the upload that waits.
pub(super) const FILE: &str = "timestamp,provider,model,prompt_tokens\n2026-11-20T09:00:00Z,openai,gpt-4o,1000\n";
pub(super) const PASSWORD: &str = seed::PASSWORD;

/// A file of prices that every organization can take something from.
pub(super) const PRICE_LIST: &str = "s\tlist\t1\np\topenai\nm\tgpt-99\nr\toutput\t\t\t4\t1000000\n";

/// A file of charges that can be entered.
pub(super) const CHARGES: &str =
    "kind,description,amount,from,to,source,reason\ngpu_hours,Pool,20,2026-11-01,2026-12-01,Contract,Contract\n";

/// A metric of the project [`PROJECT`], and a file of values that can be recorded.
pub(super) const METRIC: &str = "tickets";
pub(super) const METRICS: &str = "name,unit,period,value\nchats,chats,2026-11-19,3\n";

const GUEST: &str = "guest@example.com";
const INVITED: &str = "invited@zebrafish.example";
const ASKED: &str = "alerts@zebrafish.example";
pub(super) const LIMITED: &str = "limited@zebrafish.example";
const GLOBEX: &str = "owner@globex.example";

/// What samples need to know of Acme.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct World {
    /// Address of Acme's owner.
    pub(super) owner: String,
    /// Id of a member who can be changed and removed.
    pub(super) spare_member: String,
    /// Open invitation of somebody without an account.
    pub(super) invitation: String,
    pub(super) invitation_token: String,
    /// The guest's invitation to Acme.
    pub(super) own_invitation_token: String,
    /// The guest's sign-in on another browser.
    pub(super) sign_in: String,
    /// Link of somebody who signed up and has not verified their address.
    pub(super) verification: String,
    /// Link of the owner, who forgot the password.
    pub(super) reset: String,
    /// A key that can be revoked.
    pub(super) key_id: String,
    pub(super) event: String,
    /// An entry of the rejected list.
    pub(super) rejected: String,
    pub(super) budget: String,
    /// Link of a recipient who has not confirmed yet.
    pub(super) recipient_token: String,
    pub(super) alert: String,
    pub(super) mail: String,
    /// A price of the organization's own that can end.
    pub(super) price: String,
    /// The change that entered the name, which can be undone.
    pub(super) price_change: String,
    /// A rule that can be moved.
    pub(super) allocation_rule: String,
    /// A file of prices that can be applied.
    pub(super) import: String,
    /// A run that waits to be confirmed.
    pub(super) previewed_run: String,
    /// A run that moved money.
    pub(super) done_run: String,
    /// A file that waits to be recorded.
    pub(super) upload: String,
    /// A file of values that can be recorded.
    pub(super) metric_import: String,
    /// A dispute of the team [`TEAM`] in November, which is in review; October can be closed.
    pub(super) dispute: String,
    /// A charge that can end.
    pub(super) charge: String,
    /// A file of charges that can be entered.
    pub(super) charge_import: String,
    /// The key in whose name files are recorded.
    pub(super) sending_key: String,
    /// A shared view of the project that can be changed.
    pub(super) view: String,
    /// An annotation of the project.
    pub(super) annotation: String,
    acme: String,
    /// Keys of Acme by what they may.
    keys: BTreeMap<String, String>,
    globex_key: String,
}

/// The application with both organizations in it.
pub(super) struct Place {
    pub(super) app: TestApp,
    pub(super) world: World,
    /// Who has signed in: once, because passwords are slow and their tries are counted.
    browsers: Mutex<HashMap<String, Client>>,
}

impl Place {
    /// A copy of its own.
    pub(super) async fn new() -> Self {
        let database = TestDatabase::prepared(include_str!("world.rs"), make).await;
        let world: String =
            sqlx::query_scalar("select world from doors_world").fetch_one(database.pool()).await.unwrap();
        Self { app: TestApp::over(database), world: serde_json::from_str(&world).unwrap(), browsers: Mutex::default() }
    }

    /// A member of Acme, signed in.
    pub(super) async fn member(&self, role: Role) -> Client {
        self.signed_in(&address_of(role)).await
    }

    /// A person of no organization whom Acme invited.
    pub(super) async fn guest(&self) -> Client {
        self.signed_in(GUEST).await
    }

    /// A member of Acme who sees the team Main alone, which owns the project `main`.
    pub(super) async fn limited(&self) -> Client {
        self.signed_in(LIMITED).await
    }

    /// The owner of Globex.
    pub(super) async fn other(&self) -> Client {
        self.signed_in(GLOBEX).await
    }

    /// Globex's key with all scopes.
    pub(super) fn other_key(&self) -> Client {
        self.app.api(&self.world.globex_key)
    }

    /// Acme's key with this scope alone.
    pub(super) fn key(&self, scope: KeyScope) -> Client {
        self.app.api(&self.world.keys[scope.as_str()])
    }

    /// Acme's key with all scopes for the project `main` alone.
    pub(super) fn bound_key(&self) -> Client {
        self.app.api(&self.world.keys["bound"])
    }

    async fn signed_in(&self, email: &str) -> Client {
        let known = self.browsers.lock().unwrap().get(email).cloned();
        if let Some(browser) = known {
            return browser;
        }
        let browser = self.app.anonymous();
        sign_in(&browser, email).await;
        self.browsers.lock().unwrap().insert(email.to_owned(), browser.clone());
        browser
    }

    /// Everything of Acme's as text, by table. A key's last use is left out: knocking is using.
    pub(super) async fn acmes(&self) -> BTreeMap<String, String> {
        let pool = self.app.database.pool();
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name from information_schema.columns join information_schema.tables using (table_schema, table_name)
             where column_name = 'org_id' and table_schema = 'public' and table_type = 'BASE TABLE'",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        let mut all = BTreeMap::new();
        for table in tables {
            let rows = format!(
                "select coalesce(string_agg(row, E'\\n' order by row), '')
                 from (select (to_jsonb(t) - 'last_used_at')::text as row from \"{table}\" as t where org_id = $1::uuid) as rows"
            );
            let text = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).bind(&self.world.acme).fetch_one(pool).await;
            let text: String = text.unwrap();
            // Tables come and go with the months; what counts is what is in them.
            if !text.is_empty() {
                all.insert(table, text);
            }
        }
        all
    }
}

async fn sign_in(browser: &Client, email: &str) {
    let answer = browser.post_form("/fn/identity/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("/")), "{email}");
}

fn address_of(role: Role) -> String {
    format!("{role}@zebrafish.example")
}

async fn make(pool: PgPool) {
    let (backend, clock) = TestApp::backend_over(pool.clone(), true);
    backend::prices::sync_seed(&pool, clock.as_ref()).await.unwrap();
    let world = Making { backend: &backend, clock: &clock, world: World::default() }.make().await;
    sqlx::query("create table doors_world (world text not null)").execute(&pool).await.unwrap();
    let world = serde_json::to_string(&world).unwrap();
    sqlx::query("insert into doors_world values ($1)").bind(world).execute(&pool).await.unwrap();
    events::drain(&backend).await;
}

struct Making<'a> {
    backend: &'a Backend,
    clock: &'a TestClock,
    world: World,
}

impl Making<'_> {
    async fn make(mut self) -> World {
        self.world.globex_key = self.organization("Globex", GLOBEX).await.1;
        let owner = address_of(Role::Owner);
        let (acme, key) = self.organization("Acme", &owner).await;
        self.world.acme = acme.org_id().to_string();
        self.world.owner = owner;
        let change = identity::Change {
            name: NAME.to_owned(),
            time_zone: "Asia/Kolkata".to_owned(),
            fiscal_year_start_month: 1,
        };
        identity::update_organization(self.backend, &acme, change).await.unwrap();
        let (main, quasar) = self.projects(&acme).await;
        self.people(&acme, main.team_id).await;
        self.keys(&acme, main.project_id, quasar.project_id).await;
        self.usage(&acme, &key).await;
        self.prices(&acme).await;
        self.allocation(&acme).await;
        self.file(&acme).await;
        self.charges(&acme).await;
        self.metrics(&acme).await;
        self.views(&acme).await;
        self.annotation(&acme).await;
        self.scheduled_exports(&acme).await;
        let month = parse_month("2026-11").unwrap();
        journal::export(self.backend, &acme, month, (JournalKind::Accrual, Preset::Generic)).await.unwrap();
        self.statements(&acme).await;
        self.world
    }

    /// The owner's view and a key with all scopes.
    async fn organization(&self, name: &str, email: &str) -> (OrgScope, String) {
        let made = seed::owned(self.backend, email, name, "Asia/Kolkata").await;
        (made.owner, made.key.expose_secret().to_owned())
    }

    async fn projects(&self, acme: &OrgScope) -> (Project, Project) {
        let team = |name: &str, slug: &str| NewTeam {
            name: format!("{name} {SECRET}"),
            slug: slug.to_owned(),
            cost_centre: format!("4711 {SECRET}"),
        };
        let lab = projects::create_team(self.backend, acme, team(PROJECT_SECRET, TEAM)).await.unwrap();
        projects::create_team(self.backend, acme, team("Spare", "spare")).await.unwrap();
        let quasar = NewProject {
            name: format!("{PROJECT_SECRET} {SECRET}"),
            slug: PROJECT.to_owned(),
            cost_centre: String::new(),
            team_id: lab.team_id,
        };
        let quasar = projects::create_project(self.backend, acme, quasar).await.unwrap();
        let line = |name: &str, slug: &str| NewProductLine { name: format!("{name} {SECRET}"), slug: slug.to_owned() };
        projects::create_product_line(self.backend, acme, line("Spare", "spare")).await.unwrap();
        let skies = projects::create_product_line(self.backend, acme, line(PROJECT_SECRET, LINE)).await.unwrap();
        let (quasar_id, skies) = (quasar.project_id, Some(skies.product_line_id));
        projects::assign_product_line(self.backend, acme, quasar_id, skies, None).await.unwrap();
        (projects::by_slug(self.backend, acme, "main").await.unwrap(), quasar)
    }

    async fn people(&mut self, acme: &OrgScope, main: TeamId) {
        for role in [Role::Admin, Role::Finance, Role::Member, Role::Viewer] {
            self.joined(acme, &address_of(role), role).await;
        }
        self.world.spare_member = self.joined(acme, "spare@zebrafish.example", Role::Viewer).await.to_string();
        let limited = self.joined(acme, LIMITED, Role::Member).await;
        identity::set_teams(self.backend, acme, limited, Some([main].into())).await.unwrap();
        let open = identity::invite(self.backend, acme, INVITED, Role::Viewer).await.unwrap();
        self.world.invitation = open.invitation_id.to_string();
        self.world.invitation_token = self.link(INVITED, "/invitations/acme/").await;
        let guest = self.user(GUEST).await;
        identity::invite(self.backend, acme, GUEST, Role::Viewer).await.unwrap();
        self.world.own_invitation_token = self.link(GUEST, "/invitations/acme/").await;
        self.world.sign_in = self.signed_in_elsewhere(guest.user_id).await;
        let password = SecretString::from(PASSWORD);
        identity::sign_up(self.backend, "unverified@example.com", &password, "").await.unwrap();
        self.world.verification = self.link("unverified@example.com", "/verify-email?token=").await;
        identity::forgotten_password(self.backend, &self.world.owner, "").await.unwrap();
        self.world.reset = self.link(&self.world.owner, "/reset-password?token=").await;
        self.world.mail = delivery::shown(self.backend).await.unwrap()[0].mail_id.to_string();
    }

    async fn user(&self, email: &str) -> User {
        let password = SecretString::from(PASSWORD);
        let user_id = identity::ensure_user(self.backend, email, Some(&password)).await.unwrap();
        User { user_id, email: Email::parse(email).unwrap(), email_verified: true }
    }

    async fn joined(&self, acme: &OrgScope, email: &str, role: Role) -> UserId {
        let user = self.user(email).await;
        identity::invite(self.backend, acme, email, role).await.unwrap();
        let token = self.link(email, "/invitations/acme/").await;
        identity::accept(self.backend, &user, SLUG, &token).await.unwrap();
        user.user_id
    }

    /// The secret of the link that begins with `path`, from the one such mail to this address.
    async fn link(&self, to: &str, path: &str) -> String {
        let mails = delivery::shown(self.backend).await.unwrap();
        let mail = mails.iter().find(|mail| mail.recipient == to && mail.text.contains(path)).unwrap();
        mail.text.split(path).nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    async fn signed_in_elsewhere(&self, user_id: UserId) -> String {
        let browser = TestApp::client_over(self.backend);
        sign_in(&browser, GUEST).await;
        let sign_ins = identity::list_sign_ins(self.backend, user_id, None).await.unwrap();
        sign_ins[0].sign_in_id.to_string()
    }

    async fn keys(&mut self, acme: &OrgScope, main: ProjectId, quasar: ProjectId) {
        for scope in KeyScope::ALL {
            let all = KeyProject::AllWithDefault(main);
            let secret = self.make_key(acme, scope.as_str(), &[scope], all).await.1;
            self.world.keys.insert(scope.as_str().to_owned(), secret);
        }
        let bound = self.make_key(acme, "bound", &KeyScope::ALL, KeyProject::Bound(main)).await.1;
        self.world.keys.insert("bound".to_owned(), bound);
        let name = format!("{PROJECT_SECRET} robot");
        self.world.key_id = self.make_key(acme, &name, &KeyScope::ALL, KeyProject::Bound(quasar)).await.0;
    }

    async fn make_key(
        &self,
        acme: &OrgScope,
        name: &str,
        scopes: &[KeyScope],
        project: KeyProject,
    ) -> (String, String) {
        let name = format!("{name} {SECRET}");
        let new = NewKey { name, scopes: scopes.iter().copied().collect(), project, expires_at: None };
        let made = keys::create(self.backend, acme, new).await.unwrap();
        (made.key.key_id.to_string(), made.secret.expose_secret().to_owned())
    }

    /// A priced, an unpriced and a rejected event of the project; a budget that they cross.
    async fn usage(&mut self, acme: &OrgScope, key: &str) {
        let usage = json!({"prompt_tokens": 100_000, "completion_tokens": 20_000});
        let event = |id: &str, model: &str, usage: &Value| {
            json!({"id": id, "project": PROJECT, "provider": "openai", "model": model, "usage": usage,
                "session_id": SESSION_ID, "interaction_id": INTERACTION_ID,
                "customer": format!("{PROJECT_SECRET}-{SECRET}"), "feature": format!("{PROJECT_SECRET}-{SECRET}")})
        };
        let model = format!("{PROJECT_SECRET}-{SECRET}");
        let batch = json!([
            event(EVENT_ID, "gpt-4o", &usage),
            event("event-2", &model, &usage),
            event("event-3", &model, &json!({"prompt_tokens": -1}))
        ]);
        let api = keys::authenticate(self.backend, key).await.unwrap().scope;
        let items = batch.to_string();
        let answer =
            events::ingest(self.backend, &api, &events::split(items.as_bytes(), false).unwrap()).await.unwrap();
        assert_eq!((answer.accepted, answer.rejected), (2, 1), "{answer:?}");
        let rows = events::list(self.backend, acme, &EventQuery { limit: 10, ..EventQuery::default() }).await.unwrap();
        let row = rows.rows.iter().find(|row| row.id == EVENT_ID).unwrap();
        self.world.event = row.event_key.to_string();
        let rejected = ledger::rejected(self.backend, acme, None, 10).await.unwrap().rows;
        self.world.rejected = rejected[0].rejected_id.to_string();
        let budget = BudgetInput {
            name: format!("{PROJECT_SECRET} {SECRET}"),
            scope: format!("project:{PROJECT}").parse::<ScopeRef>().unwrap(),
            amount: "0.1".parse().unwrap(),
            thresholds: vec![50],
            recipients: [ASKED, &self.world.owner].map(|text| Email::parse(text).unwrap()).to_vec(),
        };
        let budget = budgets::create(self.backend, acme, budget).await.unwrap();
        self.world.budget = budget.budget_id.to_string();
        self.world.recipient_token = self.link(ASKED, "/recipients/acme/").await;
        budgets::evaluate_marks(self.backend).await.unwrap();
        let alerts = budgets::alerts(self.backend, acme, AlertFilter::All, None, None).await.unwrap();
        self.world.alert = alerts.alerts.first().expect("an alert").alert_id.to_string();
    }

    /// Own prices and names; one run that moved money and one that waits.
    async fn prices(&mut self, acme: &OrgScope) {
        let price = PriceForm {
            provider: "openai".to_owned(),
            model: "gpt-4o".to_owned(),
            meter: "output".to_owned(),
            rate: "8".to_owned(),
            source: format!("Contract {SECRET}"),
            confirmed: "true".to_owned(),
            ..PriceForm::default()
        };
        prices::add_prices(self.backend, acme, &[price.parse().unwrap()], price.is_confirmed()).await.unwrap();
        let all = RunInput { kind: RunKind::Repricing, from: None, to: None, filters: vec![] };
        let done = runs::draft(self.backend, acme, &all).await.unwrap();
        self.world.done_run = done.run_id.to_string();
        let reason = format!("{SECRET} {WHOLE_SECRET}");
        let done = runs::confirm(self.backend, acme, done.run_id, &reason).await.unwrap();
        assert_eq!(done.state.phase().as_str(), "done");
        let input = ImportInput::read(&format!("{SECRET}-{WHOLE_SECRET}.tsv"), PRICE_LIST.as_bytes(), "", "").unwrap();
        let import = prices::import::draft(self.backend, acme, input).await.unwrap();
        self.world.import = import.entry.import_id.to_string();
        self.world.previewed_run = runs::draft(self.backend, acme, &all).await.unwrap().run_id.to_string();
        // Entered after the runs, so that these move what they moved before and do not know what is undone.
        self.clock.advance(chrono::Duration::seconds(1));
        let mapping = MappingForm {
            // Another provider than the samples map, so that nobody else has a name at this place.
            provider: "azure".to_owned(),
            name: format!("our-{SECRET}"),
            to_provider: "openai".to_owned(),
            to_model: "gpt-4o".to_owned(),
            ..MappingForm::default()
        };
        let change = prices::add_alias(self.backend, acme, &mapping.parse().unwrap()).await.unwrap();
        self.world.price_change = change.to_string();
        let discount = ModifierForm {
            kind: "discount".to_owned(),
            percent: "5".to_owned(),
            source: format!("Contract {SECRET} {WHOLE_SECRET}"),
            ..ModifierForm::default()
        };
        prices::add_modifier(self.backend, acme, &discount.parse().unwrap()).await.unwrap();
        let term = TermForm {
            kind: "allowance".to_owned(),
            meters: "input_uncached".to_owned(),
            units: "1000".to_owned(),
            from: "2026-01".to_owned(),
            source: format!("Contract {SECRET} {WHOLE_SECRET}"),
            ..TermForm::default()
        };
        contract::add_term(self.backend, acme, &term.parse().unwrap()).await.unwrap();
        let book = prices::own_book(self.backend, acme).await.unwrap();
        self.world.price = book.prices[0].rule_id.to_string();
    }

    async fn allocation(&mut self, acme: &OrgScope) {
        let condition =
            ConditionForm { dimension: "project".to_owned(), test: "is".to_owned(), values: PROJECT.to_owned() };
        let rule = AllocationForm {
            name: format!("Shared {SECRET} {WHOLE_SECRET}"),
            conditions: vec![condition],
            method: "shared".to_owned(),
            reason: SECRET.to_owned(),
            ..AllocationForm::default()
        };
        allocation::enter(self.backend, acme, &rule.parse().unwrap()).await.unwrap();
        let rules = allocation::list(self.backend, acme).await.unwrap();
        self.world.allocation_rule = rules[0].rule_id.to_string();
    }

    async fn file(&mut self, acme: &OrgScope) {
        let keys = uploads::keys(self.backend, acme).await.unwrap();
        let (key_id, _) = keys.into_iter().find(|(_, name)| name.starts_with("ingest")).unwrap();
        let new = NewUpload {
            file_name: &format!("{SECRET}.csv"),
            key_id,
            size_bytes: FILE.len().try_into().unwrap(),
            head: FILE.as_bytes(),
        };
        self.world.upload = uploads::start(self.backend, acme, new).await.unwrap().upload_id.to_string();
        self.world.sending_key = key_id.to_string();
    }

    /// A destination where nobody answers, one that no schedule needs, and a schedule.
    async fn scheduled_exports(&self, acme: &OrgScope) {
        for name in ["lake", "spare"] {
            let form = DestinationForm {
                kind: "s3".to_owned(),
                endpoint: "http://127.0.0.1:9".to_owned(),
                bucket: format!("{SECRET}-{WHOLE_SECRET}"),
                account: "AKIA0001".to_owned(),
                ..DestinationForm::default()
            };
            schedules::save_destination(self.backend, acme, name, &form, &SECRET.into()).await.unwrap();
        }
        let form = ScheduleForm {
            destination: "lake".to_owned(),
            cadence: "daily".to_owned(),
            tags: format!("tag.{SECRET},tag.{WHOLE_SECRET}"),
            ..ScheduleForm::default()
        };
        schedules::save_schedule(self.backend, acme, "daily", &form).await.unwrap();
    }

    /// A value of the project and one of the whole organization; a file with another.
    async fn metrics(&mut self, acme: &OrgScope) {
        let value = |name: &str, label: (&str, &str)| MetricForm {
            name: name.to_owned(),
            unit: format!("{SECRET} units"),
            period: "2026-11-20".to_owned(),
            value: "4".to_owned(),
            labels: BTreeMap::from([(label.0.to_owned(), label.1.to_owned()), ("by".to_owned(), SECRET.to_owned())]),
        };
        let own = value(METRIC, ("project", PROJECT)).parse().unwrap();
        let whole = value(WHOLE_SECRET, ("plan", WHOLE_SECRET)).parse().unwrap();
        business_metrics::record(self.backend, acme, &[own, whole]).await.unwrap();
        let canonical = format!("{WHOLE_SECRET} {SECRET}");
        let alias = AliasForm { label: "tag.department".to_owned(), value: "eng".to_owned(), canonical };
        labels::enter_alias(self.backend, acme, &alias.parse().unwrap()).await.unwrap();
        let required =
            |label: &str, project: &str| RequiredForm { label: label.to_owned(), project: project.to_owned() };
        let of_quasar = required(&format!("tag.{PROJECT_SECRET}-{SECRET}"), PROJECT);
        for label in [required("feature", ""), of_quasar] {
            labels::require(self.backend, acme, &label.parse().unwrap()).await.unwrap();
        }
        let name = format!("{SECRET}-values.csv");
        let file = business_metrics::draft_import(self.backend, acme, &name, METRICS.as_bytes()).await.unwrap();
        self.world.metric_import = file.to_string();
    }

    /// A view of the project, pinned for everybody.
    async fn views(&mut self, acme: &OrgScope) {
        let asked = [("group_by", "model"), ("project", PROJECT)].map(|(name, is)| (name.to_owned(), is.to_owned()));
        let view = NewView::read(&format!("{SECRET} {PROJECT_SECRET}"), &asked, true).unwrap();
        let view = views::save(self.backend, acme, &view).await.unwrap().view_id;
        views::arrange(self.backend, acme, Board::Everyone, view, Arrange::Add).await.unwrap();
        self.world.view = view.to_string();
    }

    async fn annotation(&mut self, acme: &OrgScope) {
        let form = AnnotationForm {
            kind: "deploy".to_owned(),
            text: format!("{SECRET} {PROJECT_SECRET}"),
            at: "2026-11-19".to_owned(),
            project: PROJECT.to_owned(),
            ..AnnotationForm::default()
        };
        annotations::record(self.backend, acme, &form.parse(acme.zone()).unwrap()).await.unwrap();
        let period = Period::new("2026-11-19".parse().unwrap(), "2026-11-20".parse().unwrap()).unwrap();
        let all = annotations::list(self.backend, acme, SpendScope::Organization, period).await.unwrap();
        self.world.annotation = all[0].annotation_id.unwrap().to_string();
    }

    /// A charge of the project and one of the whole organization; a file with another.
    async fn charges(&mut self, acme: &OrgScope) {
        let charge = |words: String, project: &str| ChargeForm {
            kind: "seats".to_owned(),
            description: words.clone(),
            rate: "20".to_owned(),
            from: "2026-11-01".to_owned(),
            project: project.to_owned(),
            source: words.clone(),
            reason: words,
            ..ChargeForm::default()
        };
        let whole = charge(format!("{SECRET} {WHOLE_SECRET}"), "").parse().unwrap();
        let own = charge(format!("{SECRET} {PROJECT_SECRET}"), PROJECT).parse().unwrap();
        charges::enter(self.backend, acme, &[whole, own]).await.unwrap();
        let list = charges::list(self.backend, acme).await.unwrap();
        self.world.charge = list[0].rule_id.to_string();
        let file =
            charges::draft_import(self.backend, acme, &format!("{SECRET}.csv"), CHARGES.as_bytes()).await.unwrap();
        self.world.charge_import = file.to_string();
    }

    async fn statements(&mut self, acme: &OrgScope) {
        for month in ["2026-10", "2026-11"] {
            statements::review(self.backend, acme, parse_month(month).unwrap()).await.unwrap();
        }
        let november = parse_month("2026-11").unwrap();
        let form = DisputeForm { reason: format!("{SECRET} {PROJECT_SECRET}"), ..DisputeForm::default() };
        let dispute = statements::dispute(self.backend, acme, november, TEAM, &form).await.unwrap();
        self.world.dispute = dispute.to_string();
    }
}
