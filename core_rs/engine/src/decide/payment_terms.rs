//! Payment terms: named, assigned, and found for an order.

use crate::command::{AssignTerms, TermsScope, UpsertCalendar, UpsertTerms};
use crate::decide::Context;
use crate::decide::rules::{Ask, Evaluation, evaluate};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::Reservation;
use crate::outcome::{Invoiced, Outcome, Reason, ReasonCode, Upserted};
use crate::state::State;
use crate::terms::{AskedTerms, Assignee, NamedTerms, Plan, Schedule, Source};
use crate::values::{CalendarIndex, Day, Minor, Slot, TermsIndex};

type Decided<'a> = Result<(Outcome, Vec<Event<'a>>), Refusal>;

/// The terms that hold for orders of an account, and where they come from: those of the contract
/// that is named, else those of the account, else those of its segment. `None`: it has none.
#[must_use]
pub fn terms_of<'s>(
    state: &'s State,
    slot: Slot,
    contract_id: Option<&str>,
) -> Option<(&'s NamedTerms, Source)> {
    let assigned = |assignee, source| Some((state.payment_terms().assigned(&assignee)?, source));
    let contract = |id: &str| assigned(Assignee::Contract(slot, id.into()), Source::Contract);
    let segment = |index| assigned(Assignee::Segment(index), Source::Segment);
    let (index, source) = contract_id
        .and_then(contract)
        .or_else(|| assigned(Assignee::Account(slot), Source::Account))
        .or_else(|| state.terms(slot).segment.and_then(segment))?;
    Some((&state.payment_terms().terms()[index as usize], source))
}

/// The plan of an invoice of the day `issued` under these terms.
#[must_use]
pub fn plan(state: &State, terms: &NamedTerms, issued: Day, amount: Minor) -> Plan {
    terms.plan(state.payment_terms().calendar_of(terms), issued, amount)
}

/// Named terms.
///
/// # Errors
///
/// [`Refusal::TermsNotFound`].
pub fn find_terms<'s>(state: &'s State, terms_id: &str) -> Result<&'s NamedTerms, Refusal> {
    let index = terms_index(state, terms_id)?;
    Ok(&state.payment_terms().terms()[index as usize])
}

/// Whether terms are assigned to a contract of an account.
///
/// # Errors
///
/// [`Refusal::ContractNotFound`] where none are: its name may be misspelt.
pub fn require_contract(state: &State, slot: Slot, contract_id: &str) -> Result<(), Refusal> {
    let assignee = Assignee::Contract(slot, contract_id.into());
    match state.payment_terms().assigned(&assignee) {
        Some(_) => Ok(()),
        None => Err(Refusal::ContractNotFound(contract_id.into())),
    }
}

fn terms_index(state: &State, terms_id: &str) -> Result<TermsIndex, Refusal> {
    let found = state.payment_terms().terms_index(terms_id);
    found.ok_or_else(|| Refusal::TermsNotFound(terms_id.into()))
}

impl Context<'_> {
    pub(super) fn upsert_terms<'a>(&self, command: &UpsertTerms<'a>) -> Decided<'a> {
        let UpsertTerms { terms_id, calendar_id, ref spec, .. } = *command;
        let all = self.state.payment_terms();
        let calendar = calendar_id.map(|id| self.calendar(id)).transpose()?;
        let known = all.terms_index(terms_id);
        let before = known.map(|index| &all.terms()[index as usize]);
        if before.is_some_and(|before| before.calendar == calendar && before.spec == *spec) {
            return unchanged();
        }
        let terms = known.unwrap_or(all.terms().len() as TermsIndex);
        let event = Event::TermsSet { terms, terms_id, calendar, spec: spec.clone() };
        Ok(upserted(known.is_none(), event))
    }

    pub(super) fn upsert_calendar<'a>(&self, command: &UpsertCalendar<'a>) -> Decided<'a> {
        let UpsertCalendar { calendar_id, ref spec, .. } = *command;
        let all = self.state.payment_terms();
        let known = all.calendar_index(calendar_id);
        if known.is_some_and(|index| all.calendars()[index as usize].spec == *spec) {
            return unchanged();
        }
        let calendar = known.unwrap_or(all.calendars().len() as CalendarIndex);
        let event = Event::CalendarSet { calendar, calendar_id, spec: spec.clone() };
        Ok(upserted(known.is_none(), event))
    }

    pub(super) fn assign_terms<'a>(&self, command: &AssignTerms<'a>) -> Decided<'a> {
        let assignee = match command.scope {
            TermsScope::Segment(id) => Assignee::Segment(self.segment(id)?),
            TermsScope::Account(id) => Assignee::Account(self.slot(id)?),
            TermsScope::Contract { account_id, contract_id } => {
                Assignee::Contract(self.slot(account_id)?, contract_id.into())
            }
        };
        let terms = command.terms_id.map(|id| terms_index(self.state, id)).transpose()?;
        let before = self.state.payment_terms().assigned(&assignee);
        if before == terms {
            return unchanged();
        }
        Ok(upserted(before.is_none(), Event::TermsAssigned { assignee, terms }))
    }

    fn calendar(&self, id: &str) -> Result<CalendarIndex, Refusal> {
        let found = self.state.payment_terms().calendar_index(id);
        found.ok_or_else(|| Refusal::CalendarNotFound(id.into()))
    }

    /// As [`evaluate`], and holds the terms that an order asks for against its own, on the day of
    /// the order. Who has no terms is to pay at once. Out of the way of orders that ask for none.
    #[cold]
    pub(super) fn evaluate_asking(
        &self,
        slot: Slot,
        ask: Ask<'_>,
        asked: AskedTerms<'_>,
    ) -> Result<Evaluation, Refusal> {
        let mut evaluation = evaluate(self.state, slot, self.now, ask);
        let AskedTerms { contract_id, terms_id } = asked;
        if let Some(contract_id) = contract_id {
            require_contract(self.state, slot, contract_id)?;
        }
        let Some(terms_id) = terms_id else { return Ok(evaluation) };
        let asked = find_terms(self.state, terms_id)?;
        let own = terms_of(self.state, slot, contract_id);
        let today = Day::of(self.now);
        let schedule = |terms: &NamedTerms| {
            Schedule::of(terms, self.state.payment_terms().calendar_of(terms), today)
        };
        let own = own.map_or_else(|| Schedule::at_once(today), |(own, _)| schedule(own));
        let asked = schedule(asked);
        if asked.is_better_than(&own) {
            let [observed, threshold] = [asked.due, own.due].map(|day| i64::from(day.0));
            evaluation.reasons.push(Reason::own(ReasonCode::TermsUpgraded, observed, threshold));
        }
        Ok(evaluation)
    }

    /// When what is captured of a reservation is due: by the terms that its order named, else by
    /// those that hold at this moment.
    pub(super) fn invoiced(
        &self,
        found: &Reservation,
        amount: Minor,
        issued: Option<Day>,
    ) -> Option<Invoiced> {
        let asked = found.asked.as_deref();
        let named = asked.and_then(|asked| asked.terms_id.as_deref());
        // Names are never taken away.
        let named = named.and_then(|id| find_terms(self.state, id).ok());
        let contract_id = asked.and_then(|asked| asked.contract_id.as_deref());
        let (terms, source) = named
            .map(|terms| (terms, Source::Order))
            .or_else(|| terms_of(self.state, found.slot, contract_id))?;
        let issued = issued.unwrap_or(Day::of(self.now));
        Some(Invoiced { source, plan: plan(self.state, terms, issued, amount) })
    }
}

fn unchanged<'a>() -> Decided<'a> {
    Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()))
}

fn upserted(is_new: bool, event: Event<'_>) -> (Outcome, Vec<Event<'_>>) {
    let outcome = if is_new { Upserted::Created } else { Upserted::Updated };
    (Outcome::Upserted(outcome), vec![event])
}

#[cfg(test)]
mod tests;
