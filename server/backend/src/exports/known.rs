//! What receipts name by id: learned once for each export.

use crate::ledger::adjust::CostState;
use crate::ledger::booking::{Booking, context};
use crate::prices::{self, HeldBooks};
use crate::{Backend, Error, OrgScope, rules};
use domain::focus::charge::{Charge, Sources};
use domain::focus::row::PriceFacts;
use domain::meter::Meter;
use domain::price::contract::ContractTerm;
use domain::price::page::terms;
use domain::price::{BookPrice, Books, ModifierKind};
use domain::rating::{LineSource, Rate, ReceiptLine, rate_usage};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is known of prices, modifiers and terms.
#[derive(Default)]
pub(super) struct Known {
    prices: HashMap<u64, PriceFacts>,
    /// Prices of the organization itself.
    own: BTreeSet<u64>,
    modifiers: HashMap<u64, ModifierKind>,
    terms: HashMap<u64, String>,
    asked: BTreeSet<u64>,
    books: Option<HeldBooks>,
}

impl Known {
    /// Learns what these events' receipts name, as far as it is new.
    pub(super) async fn learn(
        &mut self,
        backend: &Backend,
        scope: &OrgScope,
        states: &[CostState],
    ) -> Result<(), Error> {
        let bookings = states.iter().flat_map(|state| [&state.event.booking, &state.current]);
        let ids: BTreeSet<u64> =
            bookings.flat_map(|booking| &booking.lines).filter_map(|line| line.source.id()).collect();
        let new: Vec<u64> = ids.difference(&self.asked).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let held = prices::books(backend, scope).await?;
        let own: HashMap<u64, BookPrice> = rules::by_ids(&backend.pool, scope, &new).await?;
        let rows = prices::rows_by_ids(&backend.pool, scope, &new).await?;
        let modifiers = prices::modifiers_by_ids(&backend.pool, scope, &new).await?;
        let contract: HashMap<u64, ContractTerm> = rules::by_ids(&backend.pool, scope, &new).await?;
        for id in &new {
            // The book knows the rows of a seed that is not in the database yet.
            if let Some(price) = rows.get(id).or_else(|| held.row(*id)) {
                self.prices.insert(*id, facts(price));
            }
            if let Some(modifier) = modifiers.get(id).or_else(|| held.modifier(*id)) {
                self.modifiers.insert(*id, modifier.kind);
            }
        }
        self.own.extend(own.into_keys());
        self.terms.extend(contract.into_iter().map(|(id, term)| (id, term.words())));
        self.asked.extend(new);
        self.books = Some(held);
        Ok(())
    }

    /// The same beside one event's receipt: with the list prices that its own prices took the place of.
    pub(super) fn beside<'a>(&'a self, state: &CostState, booking: &Booking) -> Beside<'a> {
        let is_own = |line: &ReceiptLine| matches!(line.source, LineSource::Price { price_id, .. } if self.own.contains(&price_id));
        let list = if booking.lines.iter().any(is_own) { self.list_prices(state, booking) } else { None };
        Beside { known: self, list: list.unwrap_or_default() }
    }

    /// What the list charges for the usage of an event; none where it has no price for it.
    fn list_prices(&self, state: &CostState, booking: &Booking) -> Option<BTreeMap<Meter, Rate>> {
        let common = Books { own: None, ..self.books.as_ref()?.books() };
        let event = &state.event;
        let (provider, model) = booking.priced_as.as_deref()?.split_once('/')?;
        let context = context(&event.sent, &event.meters);
        let rated = rate_usage(common, provider, model, &event.used()?, event.timestamp, context).ok()?;
        let mut list: BTreeMap<Meter, Rate> = BTreeMap::new();
        for line in rated.receipt.lines {
            match (line.source, list.get_mut(&line.meter)) {
                (LineSource::Price { rate, .. }, None) => drop(list.insert(line.meter, rate)),
                (LineSource::Modifier { rate, .. }, Some(listed)) if listed.per == rate.per => listed.usd += rate.usd,
                _ => {}
            }
        }
        Some(list)
    }

    /// The price behind a charge.
    pub(super) fn price(&self, charge: &Charge) -> Option<PriceFacts> {
        match charge {
            Charge::Priced(prices) => self.prices.get(&prices.price_id).cloned(),
            _ => None,
        }
    }

    /// The term behind a charge, in words.
    pub(super) fn term(&self, charge: &Charge) -> Option<String> {
        match charge {
            Charge::Term(term_id) => self.terms.get(term_id).cloned(),
            _ => None,
        }
    }
}

fn facts(price: &BookPrice) -> PriceFacts {
    PriceFacts {
        tier: price.variant.as_str().to_owned(),
        terms: terms(price),
        source: format!("{} {}", price.source, price.source_version).trim_end().to_owned(),
    }
}

/// What is known beside one event's receipt.
pub(super) struct Beside<'a> {
    known: &'a Known,
    list: BTreeMap<Meter, Rate>,
}

impl Sources for Beside<'_> {
    fn modifier(&self, modifier_id: u64) -> Option<ModifierKind> {
        self.known.modifiers.get(&modifier_id).copied()
    }

    fn list_price(&self, price_id: u64, meter: Meter) -> Option<Rate> {
        self.list.get(&meter).copied().filter(|_| self.known.own.contains(&price_id))
    }
}
