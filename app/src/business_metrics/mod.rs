//! Unit costs: business metrics, what one unit of each cost, and the files that bring them.

pub mod api;
mod import;
mod list;
mod metric;

pub(crate) use import::import;
pub(crate) use list::metrics;
pub(crate) use metric::metric;

use crate::format;
use domain::business_metric::{BusinessMetric, UnitCost};

/// What a unit cost, or the margin of revenue, as the page says it.
fn answer(metric: &BusinessMetric, cost: &UnitCost) -> String {
    if metric.is_revenue() {
        let ratio =
            cost.margin_ratio().map(|ratio| format!(" ({})", format::percent_signed(ratio).trim_start_matches('+')));
        return format!("{}{}", format::money(cost.margin()), ratio.unwrap_or_default());
    }
    cost.per_unit().map_or_else(|| format::NONE.to_owned(), format::money)
}

/// What the answer is called.
fn asked(metric: &BusinessMetric) -> String {
    if metric.is_revenue() { "Margin".to_owned() } else { format!("Cost per unit ({})", metric.unit) }
}
