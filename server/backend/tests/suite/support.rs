//! An organization in a database of its own, with a clock that stands still.

use backend::{Backend, OrgScope, TestClock, identity, projects};
use chrono::{DateTime, NaiveDate, Utc};
use domain::identity::{Email, Role};
use domain::ids::{OrgId, ProjectId, TeamId, UserId};
use domain::project::Project;
use rust_decimal::Decimal;
use std::sync::Arc;
use testkit::TestDatabase;

/// An instant of a test.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A day of a test.
pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An amount of a test.
pub(crate) fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An address of a test.
pub(crate) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

/// A server with its own database and clock.
pub(crate) struct Server {
    /// The verbs.
    pub(crate) backend: Backend,
    /// Its time.
    pub(crate) clock: Arc<TestClock>,
    database: TestDatabase,
}

impl Server {
    /// A server whose clock stands at `now`.
    pub(crate) async fn at(now: &str) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(TestClock::at(at(now)));
        let backend = Backend::new(database.pool().clone(), clock.clone(), "https://tally.example.com", false);
        Self { backend, clock, database }
    }

    /// A second process beside the same database, with connections of its own and the same clock.
    pub(crate) async fn another(&self) -> Backend {
        let pool = sqlx::PgPool::connect(self.database.url()).await.unwrap();
        Backend::new(pool, self.clock.clone(), "https://tally.example.com", false)
    }

    /// A user who verified their address.
    pub(crate) async fn user(&self, address: &str) -> UserId {
        let user_id = UserId(self.backend.clock.new_id());
        sqlx::query(
            "insert into users (user_id, email, email_verified_at, password_hash, created_at)
             values ($1, $2, $3, 'none', $3)",
        )
        .bind(user_id.0)
        .bind(address)
        .bind(self.backend.clock.now())
        .execute(&self.backend.pool)
        .await
        .unwrap();
        user_id
    }

    /// An organization owned by `owner@<slug>.example`.
    pub(crate) async fn organization(&self, name: &str, zone: &str) -> Org {
        let owner = self.user(&format!("owner@{}.example", name.to_lowercase())).await;
        let organization = identity::create_organization(&self.backend, owner, name, zone).await.unwrap();
        let scope = identity::scope_for_user(&self.backend, owner, &organization.slug).await.unwrap();
        let project = projects::list_projects(&self.backend, &scope).await.unwrap().remove(0);
        Org { backend: self.backend.clone(), scope, slug: organization.slug, project }
    }
}

/// An organization with its first project.
pub(crate) struct Org {
    backend: Backend,
    /// Its owner's view.
    pub(crate) scope: OrgScope,
    /// Its part of addresses.
    pub(crate) slug: String,
    /// Its first project, `main`.
    pub(crate) project: Project,
}

impl Org {
    /// Its id.
    pub(crate) fn id(&self) -> OrgId {
        self.scope.org_id()
    }

    /// A team.
    pub(crate) async fn team(&self, slug: &str) -> TeamId {
        let new = projects::NewTeam { name: slug.to_owned(), slug: slug.to_owned(), ..Default::default() };
        projects::create_team(&self.backend, &self.scope, new).await.unwrap().team_id
    }

    /// A project of a team.
    pub(crate) async fn project(&self, slug: &str, team_id: TeamId) -> ProjectId {
        let new =
            projects::NewProject { name: slug.to_owned(), slug: slug.to_owned(), cost_centre: String::new(), team_id };
        projects::create_project(&self.backend, &self.scope, new).await.unwrap().project_id
    }

    /// The view of another member.
    pub(crate) async fn member(&self, server: &Server, address: &str, role: Role) -> OrgScope {
        let user_id = server.user(address).await;
        sqlx::query("insert into members (org_id, user_id, role, joined_at) values ($1, $2, $3, now())")
            .bind(self.id().0)
            .bind(user_id.0)
            .bind(role.as_str())
            .execute(&self.backend.pool)
            .await
            .unwrap();
        identity::scope_for_user(&self.backend, user_id, &self.slug).await.unwrap()
    }

    /// Spend of the first project on a day, as ingestion leaves it: rollup and mark in one transaction, then a notification.
    pub(crate) async fn spend(&self, day: &str, amount: &str) {
        self.usage(self.project.project_id, day, "gpt-4o", amount, "0").await;
    }

    /// Spend and upper bound of unpriced usage of a project on a day.
    pub(crate) async fn usage(&self, project: ProjectId, on: &str, model: &str, amount: &str, upper_bound: &str) {
        let mut transaction = self.backend.pool.begin().await.unwrap();
        sqlx::query(
            "with placed as (
                 insert into series (org_id, series_id, project_id, key_id, provider, model, operation, status, feature,
                    environment, cohort, step, created_at)
                 values ($1, hashtextextended($3::text || $4, 0), $3, $1, 'openai', $4, 'chat', 'success', '', '', '', '', now())
                 on conflict on constraint series_pkey do nothing
             )
             insert into rollup_day as r (org_id, day, series_id, requests, tokens, unpriced_requests, retries, cache_hits,
                 booked, adjusted, unpriced_upper_bound, avoided_cost)
             values ($1, $2, hashtextextended($3::text || $4, 0), 1, 10, 0, 0, 0, $5, 0, $6, 0)
             on conflict on constraint rollup_day_pkey do update set
                 requests = r.requests + 1, booked = r.booked + excluded.booked,
                 unpriced_upper_bound = r.unpriced_upper_bound + excluded.unpriced_upper_bound",
        )
        .bind(self.id().0)
        .bind(day(on))
        .bind(project.0)
        .bind(model)
        .bind(money(amount))
        .bind(money(upper_bound))
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "with placed as (
                 insert into coarse_series
                 select distinct org_id, coarse_id, project_id, provider, model, status from series where org_id = $1
                 on conflict on constraint coarse_series_pkey do nothing
             )
             insert into rollup_coarse_day (org_id, day, coarse_id, requests, tokens, unpriced_requests, retries, cache_hits,
                 booked, adjusted, unpriced_upper_bound, avoided_cost)
             select org_id, day, coarse_id, sum(requests), sum(tokens), 0, 0, 0, sum(booked), 0, sum(unpriced_upper_bound), 0
             from rollup_day join series using (org_id, series_id) where org_id = $1 and day = $2 group by org_id, day, coarse_id
             on conflict on constraint rollup_coarse_day_pkey do update set requests = excluded.requests,
                 booked = excluded.booked, unpriced_upper_bound = excluded.unpriced_upper_bound",
        )
        .bind(self.id().0)
        .bind(day(on))
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "insert into dirty_marks (org_id, mark_id, project_id, day, created_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(self.id().0)
        .bind(self.backend.clock.new_id())
        .bind(project.0)
        .bind(day(on))
        .bind(self.backend.clock.now())
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query("select pg_notify('dirty_marks', '')").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
}
