//! What proposed prices look like beside others: a tier beside its base, a model beside its peers.

use super::{Proposal, model_of, varies};
use crate::meter::Meter;
use crate::price::own::{cheaper_than_base, far_above_peers};
use crate::price::{BookPrice, Variant};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Whose prices of one thing are compared: provider, meter, tier of service.
type Peers<'a> = (&'a str, Meter, Variant);

/// Marks proposals that look wrong beside what holds after them: `book` and `data` together.
pub(super) fn mark_unusual(proposals: &mut [Proposal], book: &[BookPrice], data: &[BookPrice]) {
    let changed: Vec<(usize, BookPrice)> =
        proposals.iter().enumerate().filter_map(|(at, proposal)| Some((at, proposal.after.clone()?))).collect();
    let providers: BTreeSet<&str> = changed.iter().map(|(_, row)| row.provider.as_str()).collect();
    // What the data says goes before what the book does.
    let lasting = |row: &&BookPrice| {
        !varies(row) && row.valid_to.is_none() && row.schedule.is_none() && row.attributes.is_empty()
    };
    let rows = || data.iter().chain(book).filter(lasting).filter(|row| providers.contains(row.provider.as_str()));
    let mut of_model: HashMap<(&str, &str), Vec<&BookPrice>> = HashMap::new();
    let mut of_peers: BTreeMap<Peers<'_>, BTreeMap<&str, Decimal>> = BTreeMap::new();
    for row in rows() {
        of_model.entry(model_of(row)).or_default().push(row);
        if let Some(unit) = unit(row).filter(|unit| row.tier_from == 0 && !unit.is_zero()) {
            let peers = of_peers.entry((&row.provider, row.meter, row.variant)).or_default();
            peers.entry(&row.model).or_insert(unit);
        }
    }
    for (at, row) in &changed {
        let warnings = &mut proposals[*at].warnings;
        let same = |other: &&&BookPrice| (other.meter, other.variant) == (row.meter, row.variant);
        let others = of_model.get(&model_of(row)).into_iter().flatten().filter(same);
        let (mut bases, tiers): (Vec<&BookPrice>, Vec<&BookPrice>) =
            others.copied().partition(|row| row.tier_from == 0);
        bases.truncate(1);
        if row.tier_from == 0 {
            warnings
                .extend(tiers.iter().find_map(|tier| cheaper_than_base(row.meter, unit(tier)?, unit(row)?, row.per)));
        } else {
            let base = bases.first().and_then(|base| unit(base));
            warnings.extend(base.and_then(|base| cheaper_than_base(row.meter, unit(row)?, base, row.per)));
        }
        let peers = of_peers.get(&(row.provider.as_str(), row.meter, row.variant));
        let peers = peers.into_iter().flatten().filter(|(model, _)| **model != row.model).map(|(_, unit)| *unit);
        warnings.extend(unit(row).and_then(|unit| far_above_peers(unit, row.per, peers.collect())));
    }
}

fn unit(row: &BookPrice) -> Option<Decimal> {
    row.rate.checked_div(Decimal::from(row.per))
}
