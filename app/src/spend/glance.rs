//! One answer of Explore in small: its total, the change, and a low chart.

use super::chart;
use super::labels::{bucket_label, measured, measured_or_none, tick};
use crate::format;
use crate::layout::UrlQuery;
use crate::ui::chart::{Chart, Height};
use crate::ui::{Change, Direction, Figure, html};
use domain::spend::{Explore, Measure};
use leptos::prelude::*;

/// `caption` says of which days it is; `query` is the question as an address, which the chart's steps open.
pub(crate) fn glance(explore: &Explore, name: &str, caption: &str, org: &str, query: &UrlQuery) -> AnyView {
    let measure = explore.query.measure;
    let value = explore.value(&explore.total);
    let before = explore.before.as_ref().and_then(|before| explore.value_before(before));
    let change = value.zip(before.filter(|before| !before.is_zero())).map(|(now, before)| {
        let change = format::change(now, before);
        let direction = if measure == Measure::Spend { Direction::of_cost(change.sign) } else { Direction::Flat };
        view! { <Change text=change.text direction=direction title=measured(measure, now - before)/>" vs previous period" }
    });
    let unpriced = explore.total.unpriced_requests;
    let unpriced = (unpriced > 0).then(|| {
        let text = format!("{} without a price not in it", format::counted(unpriced, "request"));
        view! { <p class="warn">{text}</p> }
    });
    let (caption, total) = (format!("{}, {caption}", explore.query.measure_label()), measured_or_none(measure, value));
    let (data, head) = (chart::of_explore(explore, org, query), bucket_label(explore.query.effective_bucket()));
    html! {
        <Figure caption=caption.clone() value=total>{change}{unpriced}</Figure>
        <Chart data=data label=format!("{name}: {caption}") tick=tick(measure) head=head height=Height::Low/>
    }
}
