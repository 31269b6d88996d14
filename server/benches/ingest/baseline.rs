//! The baselines: a bare binary COPY of the same events in wide rows, a writer that commits each of them, and a spend log shaped like LiteLLM's.

use crate::Failure;
use crate::place::Place;
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// Rows of one commit of the bare COPY.
pub(crate) const ROWS: usize = 5_000;
/// Signature, flags and length of extension of PostgreSQL's binary COPY.
const HEADER: usize = 19;

/// Makes the tables of the baselines: wide rows of events with their indexes, and the spend log.
pub(crate) async fn prepare(place: &Place) -> Result<(), Failure> {
    sqlx::raw_sql(include_str!("spend_log.sql")).execute(&place.pool).await?;
    sqlx::raw_sql(include_str!("wide.sql")).execute(&place.pool).await?;
    Ok(())
}

/// Events that were sent and are stored, in wide rows, in pieces of so many rows, as COPY sends them.
pub(crate) async fn rows(place: &Place, bodies: &[String], of: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let mut connection = place.pool.acquire().await?;
    sqlx::raw_sql("truncate wide; analyze events").execute(&mut *connection).await?;
    // Bodies of one event and small ones are many: what is sent together is widened together.
    for bodies in bodies.chunks(ROWS) {
        let events: Vec<&str> = bodies.iter().map(|body| body.trim_matches(['[', ']'])).collect();
        let widen = sqlx::query("select widen($1::jsonb)").bind(format!("[{}]", events.join(",")));
        widen.execute(&mut *connection).await?;
    }
    let rows = "copy wide to stdout (format binary)";
    let mut stream = connection.copy_out_raw(rows).await?;
    let mut bytes = vec![];
    while let Some(more) = stream.try_next().await? {
        bytes.extend_from_slice(&more);
    }
    drop(stream);
    cut(&bytes, of)
}

/// Cuts a binary COPY into several of so many rows.
fn cut(bytes: &[u8], of: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let (header, mut rest) = bytes.split_at(HEADER);
    let mut pieces = vec![];
    let mut piece = header.to_vec();
    let mut rows = 0;
    loop {
        let fields = i16::from_be_bytes(rest.get(..2).ok_or("a row is cut off")?.try_into()?);
        if fields < 0 || rows == of {
            piece.extend_from_slice(&(-1_i16).to_be_bytes());
            pieces.push(std::mem::replace(&mut piece, header.to_vec()));
            rows = 0;
        }
        if fields < 0 {
            return Ok(pieces);
        }
        let mut end = 2;
        for _ in 0..fields {
            let length = i32::from_be_bytes(rest.get(end..end + 4).ok_or("a field is cut off")?.try_into()?);
            end += 4 + usize::try_from(length.max(0))?;
        }
        piece.extend_from_slice(rest.get(..end).ok_or("a row is cut off")?);
        rest = &rest[end..];
        rows += 1;
    }
}

/// Copies all pieces, one commit each, shared out over so many connections; how long that took.
pub(crate) async fn copy(place: &Place, pieces: &[Vec<u8>], writers: usize) -> Result<Duration, Failure> {
    sqlx::raw_sql("truncate bare").execute(&place.pool).await?;
    place.checkpoint().await?;
    let mut connections = vec![];
    for _ in 0..writers {
        connections.push(PgConnection::connect_with(&place.pool.connect_options()).await?);
    }
    let shares = pieces.chunks(pieces.len().div_ceil(writers));
    let begun = Instant::now();
    let copied = connections.iter_mut().zip(shares).map(|(connection, share)| copy_share(connection, share));
    futures::future::try_join_all(copied).await?;
    let took = begun.elapsed();
    for connection in connections {
        connection.close().await?;
    }
    Ok(took)
}

async fn copy_share(connection: &mut PgConnection, pieces: &[Vec<u8>]) -> Result<(), Failure> {
    for piece in pieces {
        let mut copy = connection.copy_in_raw("copy bare from stdin (format binary)").await?;
        copy.send(&piece[..]).await?;
        copy.finish().await?;
    }
    Ok(())
}

/// Rows of the spend log, as a gateway has them in memory when it writes.
pub(crate) struct SpendLog(Vec<Vec<String>>);

impl SpendLog {
    /// The first of the events that [`rows`] widened.
    pub(crate) async fn read(place: &Place, events: usize) -> Result<Self, Failure> {
        sqlx::raw_sql("truncate spend_log").execute(&place.pool).await?;
        let rows: Vec<(String, String)> =
            sqlx::query_as("select id, to_jsonb(e)::text from (select * from wide limit $1) as e")
                .bind(i64::try_from(events)?)
                .fetch_all(&place.pool)
                .await?;
        place.checkpoint().await?;
        Ok(Self(rows.iter().map(|(id, event)| log_row(id, event)).collect::<Result<_, _>>()?))
    }

    /// Writes them, 100 rows per insert and commit; how long that took.
    pub(crate) async fn write(&self, place: &Place) -> Result<Duration, Failure> {
        let mut connection = place.pool.acquire().await?;
        let insert = insert(100);
        let begun = Instant::now();
        for chunk in self.0.chunks_exact(100) {
            insert_chunk(&mut connection, &insert, chunk).await?;
        }
        Ok(begun.elapsed())
    }
}

/// The columns of a row of the spend log as texts, in the order of [`insert`].
fn log_row(id: &str, event: &str) -> Result<Vec<String>, Failure> {
    let event: serde_json::Value = serde_json::from_str(event)?;
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| event["usage"][name].as_u64().unwrap_or_default();
    let (input, output) =
        (number("prompt_tokens") + number("input_tokens"), number("completion_tokens") + number("output_tokens"));
    let metadata = serde_json::json!({
        "user_api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b", "user_api_key_alias": "production",
        "user_api_key_team_id": "team-1", "user_api_key_org_id": null, "user_api_key_user_id": "default_user_id",
        "user_api_key_team_alias": "support", "spend_logs_metadata": {"feature": text("feature")}, "requester_ip_address": "",
        "applied_guardrails": [], "mcp_tool_call_metadata": null, "vector_store_request_metadata": null,
        "guardrail_information": null, "status": "success", "error_information": null, "proxy_server_request": null,
        "batch_models": null, "usage_object": event["usage"], "additional_usage_values": event["usage"],
        "cold_storage_object_key": null, "cost_breakdown": {"input_cost": 0.001, "output_cost": 0.002, "total_cost": 0.003, "tool_usage_cost": 0.0},
    });
    Ok(vec![
        id.to_owned(),
        "acompletion".to_owned(),
        "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b".to_owned(),
        event["cost"].to_string(),
        (input + output).to_string(),
        input.to_string(),
        output.to_string(),
        text("timestamp"),
        text("received_at"),
        text("timestamp"),
        text("model"),
        "b0a1e7cf2f3d5c4e8a9d6b7c1f2e3d4c5b6a79880f1e2d3c4b5a69788796a5b4".to_owned(),
        text("model"),
        text("provider"),
        "https://api.openai.com/v1".to_owned(),
        text("user"),
        metadata.to_string(),
        "False".to_owned(),
        "Cache OFF".to_owned(),
        r#"["prompt_version:7"]"#.to_owned(),
        "team-1".to_owned(),
        text("customer"),
        "10.0.0.7".to_owned(),
        text("session_id"),
        "success".to_owned(),
    ])
}

const COLUMNS: &str = "request_id text, call_type text, api_key text, spend float8, total_tokens int, prompt_tokens int, completion_tokens int, start_time timestamptz, end_time timestamptz, completion_start_time timestamptz, model text, model_id text, model_group text, custom_llm_provider text, api_base text, \"user\" text, metadata jsonb, cache_hit text, cache_key text, request_tags jsonb, team_id text, end_user text, requester_ip_address text, session_id text, status text";

/// An insert of so many rows with a parameter for every value, as an object mapper writes it.
fn insert(rows: usize) -> String {
    let columns: Vec<(&str, &str)> = COLUMNS.split(", ").filter_map(|column| column.rsplit_once(' ')).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let rows: Vec<String> = (0..rows)
        .map(|row| {
            let values: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(column, (_, kind))| format!("${}::text::{kind}", row * columns.len() + column + 1))
                .collect();
            format!("({})", values.join(","))
        })
        .collect();
    format!("insert into spend_log ({}) values {} on conflict do nothing", names.join(","), rows.join(","))
}

async fn insert_chunk(connection: &mut PgConnection, insert: &str, chunk: &[Vec<String>]) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    let mut query = sqlx::query(sqlx::AssertSqlSafe(insert.to_owned()));
    for value in chunk.iter().flatten() {
        query = query.bind(value);
    }
    query.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
