//! Reads PostgreSQL's catalogue: every table of an organization leads its keys with `org_id`.

use backend::Schema;
use sqlx::Row;
use std::collections::BTreeSet;
use testkit::TestDatabase;

/// Tables that hold `org_id` but are found by something else first, each with its reason.
const FOUND_OTHERWISE: [(&str, &str); 2] = [
    ("api_key_hashes", "a request brings nothing but the secret"),
    ("mails", "the outbox also holds mail about accounts; organizations are read through mails_alert_idx"),
];

#[tokio::test]
async fn every_table_of_an_organization_leads_its_keys_with_org_id() {
    let database = TestDatabase::new().await;
    let rows = sqlx::query(
        "select tables.relname as table_name, keys.relname as key_name, first_column.attname as first_column
         from pg_class tables
         join pg_namespace on pg_namespace.oid = tables.relnamespace and nspname = 'public'
         join pg_attribute org on org.attrelid = tables.oid and org.attname = 'org_id' and not org.attisdropped
         join pg_index on pg_index.indrelid = tables.oid and (indisunique or indisprimary)
         join pg_class keys on keys.oid = indexrelid
         join pg_attribute first_column on first_column.attrelid = tables.oid and first_column.attnum = indkey[0]
         where tables.relkind in ('r', 'p') and not tables.relispartition",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut seen = BTreeSet::new();
    for row in rows {
        let table: String = row.get("table_name");
        let key: String = row.get("key_name");
        let first: String = row.get("first_column");
        seen.insert(table.clone());
        let excused = table == "organizations" || FOUND_OTHERWISE.iter().any(|(name, _)| *name == table);
        assert!(excused || first == "org_id", "{key} of {table} begins with {first}, not with org_id");
    }
    for expected in ["events", "event_ids", "members", "projects", "rollup_day", "rollup_quarter", "budgets", "alerts"]
    {
        assert!(seen.contains(expected), "the catalogue query no longer sees {expected}");
    }
}

#[tokio::test]
async fn a_database_of_another_version_is_known_as_such() {
    let empty = TestDatabase::empty().await;
    let own = backend::MIGRATOR.iter().count();
    assert_eq!(backend::schema(empty.pool()).await.unwrap(), Schema::Behind(own));
    let database = TestDatabase::new().await;
    assert_eq!(backend::schema(database.pool()).await.unwrap(), Schema::Current);
    sqlx::query("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (99990101000000, 'later', true, '', 0)")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(backend::schema(database.pool()).await.unwrap(), Schema::Unknown(99_990_101_000_000));
    sqlx::query("delete from _sqlx_migrations where version > (select min(version) from _sqlx_migrations)")
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(backend::schema(database.pool()).await.unwrap(), Schema::Behind(own - 1));
}

/// Also where an attempt was interrupted: what that left is thrown away.
#[tokio::test]
async fn an_index_that_comes_later_is_made_on_partitions_that_are_there() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let later = include_str!("../../../../migrations/20261130200000_interactions.sql");
    let before = "drop index events_interaction_id_idx;
        create table events_2026_10 partition of events for values from ('0199a000-0000-7000-8000-000000000000') to ('019a0000-0000-7000-8000-000000000000');
        create table events_2026_11 partition of events for values from ('019a0000-0000-7000-8000-000000000000') to ('019b0000-0000-7000-8000-000000000000');
        create index events_2026_11_events_interaction_id_idx on events_2026_11 (org_id);
        update pg_index set indisvalid = false where indexrelid = 'events_2026_11_events_interaction_id_idx'::regclass;";
    sqlx::raw_sql(before).execute(pool).await.unwrap();
    sqlx::raw_sql(later).execute(pool).await.unwrap();
    let is_whole =
        "select bool_and(indisvalid) and count(*) = 3 and bool_and(pg_get_indexdef(indexrelid) like '%interaction_id%')
        from pg_index where indexrelid::regclass::text like '%events_interaction_id_idx'";
    let is_whole = async || sqlx::query_scalar::<_, bool>(is_whole).fetch_one(pool).await.unwrap();
    assert!(!is_whole().await);
    for _ in 0..2 {
        backend::migrate(pool, &backend::SystemClock).await.unwrap();
        assert!(is_whole().await);
    }
}
