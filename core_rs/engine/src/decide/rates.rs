//! Exchange rates: set, and used to value open orders anew.

use std::collections::BTreeMap;

use crate::bounds::REVALUED_MAX;
use crate::command::{Revalue, UpsertRate};
use crate::counting::Counting;
use crate::decide::Context;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Outcome, Revalued, Upserted};
use crate::policy::money::decimals;
use crate::rates::{Exchange, Quote};
use crate::values::{Currency, ReservationId, Slot, shown};

impl Context<'_> {
    pub(super) fn upsert_rate<'a>(
        &self,
        command: &UpsertRate<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let UpsertRate { base, currency, rate, source, as_of, .. } = *command;
        convertible("base_currency", base)?;
        convertible("currency", currency)?;
        let as_of = as_of.unwrap_or(self.now);
        if as_of > self.now {
            let (field, value) = ("as_of", shown(as_of).into());
            return Err(Refusal::NotYet { field, value });
        }
        let known = self.state.rates().get(base, currency);
        let quote = Quote { rate, source: source.into(), as_of };
        // A file of yesterday that comes again does not put its rates before those of today.
        if known.is_some_and(|known| known.as_of > as_of || *known == quote) {
            return Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
        }
        let upserted = if known.is_none() { Upserted::Created } else { Upserted::Updated };
        Ok((Outcome::Upserted(upserted), vec![Event::RateSet { base, currency, quote }]))
    }

    /// Never refuses: what is owed in another currency is worth what it is, also beyond a limit.
    /// Bounded by `REVALUED_MAX`: where there are more, another command goes on.
    pub(super) fn revalue<'a>(&self, command: &Revalue<'_>) -> (Outcome, Vec<Event<'a>>) {
        let mut found = Revalued { examined: 0, revalued: 0, kept: 0, next: None };
        let (mut events, mut added) = (Vec::new(), BTreeMap::new());
        let mut last = command.after;
        for id in self.state.foreign(command.after) {
            if found.examined as usize == REVALUED_MAX {
                found.next = Some(last);
                break;
            }
            (last, found.examined) = (id, found.examined + 1);
            let Some(row) = self.state.reservation(id) else { continue };
            match self.at_todays_rate(row, &mut added) {
                Today::Same => {}
                Today::Unknown => found.kept += 1,
                Today::Confirmed(event) => events.push(event),
                Today::Other(event) => {
                    found.revalued += 1;
                    events.push(event);
                }
            }
        }
        (Outcome::Revalued(found), events)
    }

    /// `added`: by how much the same command has changed what accounts reserve.
    fn at_todays_rate<'a>(&self, row: &Reservation, added: &mut BTreeMap<Slot, i128>) -> Today<'a> {
        let Some((counting, before)) = row.counting().zip(exchange_of(row)) else {
            return Today::Same;
        };
        let today = self.state.rates().exchange(before.from, before.to);
        let today = today.filter(|today| self.stale(today.quote.as_of).is_none());
        let Some(today) = today else { return Today::Unknown };
        if today == *before {
            return Today::Same;
        }
        let is_other = (today.quote.rate, today.inverted) != (before.quote.rate, before.inverted);
        let Exchange { quote, inverted, .. } = today.clone();
        let valued = Counting { exchange: Some(today), ..counting.clone() };
        let amount = valued.worth(counting.parts.open) - row.open;
        let so_far = added.entry(row.slot).or_default();
        if self.may_reserve(row.slot, *so_far, amount).is_err() {
            return Today::Unknown;
        }
        *so_far += i128::from(amount);
        let reservation: ReservationId = row.id;
        let event = Event::Revalued { reservation, amount, quote, inverted };
        if is_other { Today::Other(event) } else { Today::Confirmed(event) }
    }
}

enum Today<'a> {
    /// Its rate is that of today.
    Same,
    /// Its rate is that of today, which was quoted again since: it may grow by it for longer.
    Confirmed(Event<'a>),
    /// There is none of today, or what counts would be too much to be added up.
    Unknown,
    Other(Event<'a>),
}

/// Gold has none, and what is no currency: nobody could say what one unit of an amount is.
pub(super) fn convertible(field: &'static str, currency: Currency) -> Result<(), Refusal> {
    match decimals(currency) {
        Some(_) => Ok(()),
        None => Err(Refusal::NoMinorUnit { field, currency }),
    }
}

fn exchange_of(row: &Reservation) -> Option<&Exchange> {
    row.counting().and_then(|counting| counting.exchange.as_ref())
}

#[cfg(test)]
mod tests;
