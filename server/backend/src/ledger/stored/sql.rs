//! Rows of events, and the dictionaries that they name: `shapes`, `plans`, `series`, `labels`.

use super::{Plan, Shape, StoredEvent, inconsistent};
use crate::ledger::booking::Booking;
use crate::ledger::key::time_of;
use crate::ledger::series::{Label, Series};
use crate::{Error, OrgScope};
use domain::event::{EventInput, ReportedCost};
use domain::ids::EventKey;
use domain::meter::Meters;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What [`Dictionaries::event`] reads of event `e`.
pub(crate) const COLUMNS: &str = "e.event_key, e.received_at, e.series_id, e.shape_id, e.plan_id, e.tokens, e.cost, e.upper_bound, e.avoided_cost,
    e.reported_cost, e.labels, e.numbers, e.quantities, e.id, e.request_id, e.interaction_id, e.session_id, e.decision_id,
    e.provider_response_id, e.input_hash, e.words";

/// Columns in which a row of a query may name a plan: its event's and those of its adjustments.
const PLANS: [&str; 3] = ["plan_id", "a_plan_id", "p_plan_id"];

/// What rows of events name by number.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    shapes: HashMap<i64, Shape>,
    plans: HashMap<i64, Plan>,
    series: HashMap<i64, Series<'static>>,
    labels: HashMap<i64, Label<'static>>,
}

impl Dictionaries {
    /// Those that these rows name.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::Inconsistent`] where an entry cannot be read.
    pub(crate) async fn of(connection: &mut PgConnection, scope: &OrgScope, rows: &[PgRow]) -> Result<Self, Error> {
        let named = |column: &str| -> BTreeSet<i64> {
            rows.iter().filter_map(|row| row.try_get::<Option<i64>, _>(column).ok()?).collect()
        };
        let plans: BTreeSet<i64> = PLANS.into_iter().flat_map(named).collect();
        let mut labels = BTreeSet::new();
        for row in rows {
            labels.extend(labels_of(row).unwrap_or_default());
        }
        if plans.is_empty() {
            return Ok(Self::default());
        }
        let list = |ids: BTreeSet<i64>| ids.into_iter().collect::<Vec<_>>();
        let entries = sqlx::query(
            "select 0 as kind, shape_id as id, shape as entry from shapes where org_id = $1 and shape_id = any($2)
             union all select 1, plan_id, plan from plans where org_id = $1 and plan_id = any($3)
             union all select 2, series_id, to_jsonb(series) from series where org_id = $1 and series_id = any($4)
             union all select 3, label_id, to_jsonb(labels) from labels where org_id = $1 and label_id = any($5)",
        )
        .bind(scope.org_id().0)
        .bind(list(named("shape_id")))
        .bind(list(plans))
        .bind(list(named("series_id")))
        .bind(list(labels))
        .fetch_all(connection)
        .await?;
        let mut found = Self::default();
        for entry in &entries {
            let (id, content): (i64, Value) = (entry.try_get("id")?, entry.try_get("entry")?);
            match entry.try_get::<i32, _>("kind")? {
                0 => drop(found.shapes.insert(id, read("shapes", content)?)),
                1 => drop(found.plans.insert(id, read("plans", content)?)),
                2 => drop(found.series.insert(id, read("series", content)?)),
                _ => drop(found.labels.insert(id, read("labels", content)?)),
            }
        }
        Ok(found)
    }

    /// The event of a row with [`COLUMNS`].
    ///
    /// # Errors
    /// [`Error::Inconsistent`] where the row and what it names do not belong together.
    pub(crate) fn event(&self, row: &PgRow) -> Result<StoredEvent, Error> {
        let event_key = EventKey(row.try_get("event_key")?);
        let timestamp = time_of(event_key);
        let series_id = row.try_get("series_id")?;
        let series = self.series.get(&series_id).ok_or_else(|| inconsistent("series_id", series_id))?;
        let shape_id = row.try_get("shape_id")?;
        let shaped = self.shapes.get(&shape_id).and_then(|shape| shape.with(row.try_get("numbers").ok()?));
        let shaped = shaped.ok_or_else(|| inconsistent("numbers", event_key))?;
        let labels = labels_of(row)?;
        let mut sent = EventInput {
            timestamp: shaped.sent.timestamp.map(|at| timestamp.with_timezone(at.offset())),
            reported_cost: reported(row, shaped.sent.reported_cost.as_ref())?,
            id: row.try_get("id")?,
            request_id: row.try_get("request_id")?,
            interaction_id: row.try_get("interaction_id")?,
            session_id: row.try_get("session_id")?,
            decision_id: row.try_get("decision_id")?,
            provider_response_id: row.try_get("provider_response_id")?,
            input_hash: row.try_get("input_hash")?,
            ..shaped.sent
        };
        match row.try_get::<Option<Value>, _>("words")? {
            Some(words) => put(&mut sent, read::<BTreeMap<String, String>>("events", words)?),
            None => {
                series.put(&mut sent);
                for id in &labels {
                    self.labels.get(id).ok_or_else(|| inconsistent("labels", id))?.put(&mut sent);
                }
            }
        }
        let tokens: i64 = row.try_get("tokens")?;
        let receipt = self.receipt(row, "", &shaped.meters)?;
        Ok(StoredEvent {
            event_key,
            timestamp,
            received_at: row.try_get("received_at")?,
            project_id: series.project_id,
            key_id: series.key_id,
            series_id,
            labels,
            usage_format: shaped.usage_format,
            meters: shaped.meters,
            counted_from: shaped.counted_from,
            tokens: u64::try_from(tokens).map_err(|error| inconsistent("tokens", error))?,
            sent,
            booking: Booking {
                cost: row.try_get("cost")?,
                upper_bound: row.try_get("upper_bound")?,
                avoided_cost: row.try_get("avoided_cost")?,
                ..receipt
            },
        })
    }

    /// The receipt of a row's columns that begin with a prefix: its lines, and what priced it or why nothing did.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] where plan and quantities do not belong together.
    pub(crate) fn receipt(&self, row: &PgRow, prefix: &str, used: &Meters) -> Result<Booking, Error> {
        let plan_id: i64 = row.try_get(format!("{prefix}plan_id").as_str())?;
        let own: Option<&[u8]> = row.try_get(format!("{prefix}quantities").as_str())?;
        let plan = self.plans.get(&plan_id).ok_or_else(|| inconsistent("plan_id", plan_id))?;
        let lines = plan.with(own.unwrap_or_default(), used).ok_or_else(|| inconsistent("quantities", plan_id))?;
        Ok(Booking {
            lines,
            priced_as: plan.priced_as.clone(),
            unpriced_reason: plan.unpriced_reason.clone(),
            ..Booking::default()
        })
    }

    /// A series that these rows name.
    pub(crate) fn series(&self, id: i64) -> Option<&Series<'static>> {
        self.series.get(&id)
    }

    /// A label that these rows name.
    pub(crate) fn label(&self, id: i64) -> Option<&Label<'static>> {
        self.labels.get(&id)
    }
}

fn labels_of(row: &PgRow) -> Result<Vec<i64>, Error> {
    let bytes: Option<&[u8]> = row.try_get("labels")?;
    let (labels, rest) = bytes.unwrap_or_default().as_chunks::<8>();
    if !rest.is_empty() {
        return Err(inconsistent("labels", "not a whole number"));
    }
    Ok(labels.iter().map(|label| i64::from_be_bytes(*label)).collect())
}

fn reported(row: &PgRow, shaped: Option<&ReportedCost>) -> Result<Option<ReportedCost>, Error> {
    let amount: Option<Decimal> = row.try_get("reported_cost")?;
    Ok(amount.zip(shaped).map(|(amount, shaped)| ReportedCost { amount, currency: shaped.currency.clone() }))
}

fn read<T: DeserializeOwned>(table: &'static str, content: Value) -> Result<T, Error> {
    serde_json::from_value(content).map_err(|error| Error::inconsistent(table, "content", error))
}

/// Gives an event the words of its dimensions, by the names of the dimensions.
fn put(sent: &mut EventInput, words: BTreeMap<String, String>) {
    for (name, word) in words {
        match name.as_str() {
            "provider" => sent.provider = word,
            "model" => sent.model = word,
            "operation" => {}
            "feature" => sent.feature = Some(word),
            "environment" => sent.environment = Some(word),
            "cohort" => sent.cohort = Some(word),
            "step" => sent.step = Some(word),
            label => Label { label: label.into(), value: word.into() }.put(sent),
        }
    }
}
