//! What only the room itself sees.

use super::sql;
use domain::ids::OrgId;
use testkit::TestDatabase;
use uuid::Uuid;

/// While a history was imported, PostgreSQL had counted an empty table and took thousands of marks as a join of all with all: mails came minutes late, and every table kept its dead rows meanwhile.
#[tokio::test]
async fn marks_are_taken_by_key_whatever_postgresql_believes_of_the_table() {
    let database = TestDatabase::new().await;
    let org_id = OrgId(Uuid::from_u128(7));
    let mut connection = database.pool().acquire().await.unwrap();
    sqlx::query("analyze dirty_marks").execute(&mut *connection).await.unwrap();
    sqlx::query(
        "insert into dirty_marks (org_id, mark_id, project_id, day, created_at)
         select $1, gen_random_uuid(), $1, '2026-11-20', now() from generate_series(1, 3000)",
    )
    .bind(org_id.0)
    .execute(&mut *connection)
    .await
    .unwrap();
    let explain = format!("explain {}", sql::TAKE_MARKS);
    let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(explain))
        .bind(org_id.0)
        .bind(2_000_i64)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(!plan.contains("Join") && !plan.contains("Nested Loop"), "{plan}");
    assert_eq!(sql::take_marks(&mut connection, org_id, 2_000).await.unwrap().len(), 2_000);
    assert_eq!(sql::take_marks(&mut connection, org_id, 2_000).await.unwrap().len(), 1_000);
}
