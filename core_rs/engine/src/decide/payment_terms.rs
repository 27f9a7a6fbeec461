//! Payment terms: named, assigned, and found for an order.

use std::ops::RangeInclusive;

use crate::bounds::TERMS_COMPARED_DAYS;
use crate::command::{
    AssignTerms, CaptureOrder, EntryKind, Post, TermsScope, UpsertCalendar, UpsertTerms,
};
use crate::counting::Details;
use crate::decide::Context;
use crate::decide::counting::sold_to_reasons;
use crate::decide::rules::{Ask, Evaluation, evaluate, in_precedence};
use crate::error::Refusal;
use crate::event::Event;
use crate::model::{Reservation, Standing};
use crate::outcome::{Invoiced, Outcome, Reason, ReasonCode, Upserted};
use crate::policy::rules;
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

    /// Holds the terms that an order asks for against its own. Out of the way of orders that ask
    /// for none.
    #[cold]
    pub(super) fn hold_to_terms(
        &self,
        evaluation: &mut Evaluation,
        slot: Slot,
        asked: AskedTerms<'_>,
    ) -> Result<(), Refusal> {
        let AskedTerms { contract_id, terms_id } = asked;
        if let Some(contract_id) = contract_id {
            require_contract(self.state, slot, contract_id)?;
        }
        let Some(terms_id) = terms_id else { return Ok(()) };
        let asked = find_terms(self.state, terms_id)?;
        if let Some(upgrade) = self.upgraded(slot, contract_id, asked, self.days_compared()) {
            self.add_upgrade(slot, evaluation, upgrade);
        }
        Ok(())
    }

    /// As [`evaluate`] for what an order grows by, whose invoices may be of `days`: terms that it
    /// named were no better than its own when it was placed, and must not be now; and who ordered
    /// must be in good standing, whoever is billed.
    pub(super) fn evaluate_growth(
        &self,
        found: &Reservation,
        ask: Ask<'_>,
        days: RangeInclusive<Day>,
    ) -> Evaluation {
        let mut evaluation = evaluate(self.state, found.slot, self.now, ask);
        let details = found.details.as_deref();
        if let Some(Details { contract_id, terms_id: Some(terms_id), .. }) = details {
            // Names are never taken away.
            let asked = find_terms(self.state, terms_id).ok();
            let contract_id = contract_id.as_deref();
            let upgraded = |asked| self.upgraded(found.slot, contract_id, asked, days);
            if let Some(upgrade) = asked.and_then(upgraded) {
                self.add_upgrade(found.slot, &mut evaluation, upgrade);
            }
        }
        if let Some(counting) = found.counting() {
            let sold_to = counting.sold_to.as_ref().and_then(|id| self.state.slot(id));
            let reasons = sold_to.map(|slot| sold_to_reasons(self.state, slot, self.now));
            evaluation.reasons.extend(reasons.into_iter().flatten());
            in_precedence(&mut evaluation.reasons);
        }
        evaluation
    }

    /// The days of invoices for which terms are compared.
    pub(super) fn days_compared(&self) -> RangeInclusive<Day> {
        let today = Day::of(self.now);
        today..=today.plus(TERMS_COMPARED_DAYS - 1)
    }

    /// Whether terms are better than an account's own for an invoice of any of these days; named
    /// with the due dates on the first such day. Who has no terms is to pay at once.
    fn upgraded(
        &self,
        slot: Slot,
        contract_id: Option<&str>,
        asked: &NamedTerms,
        days: RangeInclusive<Day>,
    ) -> Option<Reason> {
        let own = terms_of(self.state, slot, contract_id).map(|(own, _)| own);
        if own.is_some_and(|own| own.id == asked.id) {
            return None;
        }
        let schedule = |terms: &NamedTerms, day| {
            Schedule::of(terms, self.state.payment_terms().calendar_of(terms), day)
        };
        let (first, mut last) = days.into_inner();
        if [Some(asked), own].into_iter().flatten().all(NamedTerms::counts_days) {
            last = first;
        }
        (first.0..=last.0).map(Day).find_map(|day| {
            let own = own.map_or_else(|| Schedule::at_once(day), |own| schedule(own, day));
            let asked = schedule(asked, day);
            let [observed, threshold] = [asked.due, own.due].map(|day| i64::from(day.0));
            let code = ReasonCode::TermsUpgraded;
            asked.is_better_than(&own).then(|| Reason::own(code, observed, threshold))
        })
    }

    /// The reasons with this one among them, which leads to what the policy says.
    fn add_upgrade(&self, slot: Slot, evaluation: &mut Evaluation, mut upgrade: Reason) {
        let (policy, terms) = (self.state.policy(), self.state.terms(slot));
        for rule in policy.rules.of(slot, &terms, self.channel) {
            if let rules::Rule::BuiltIn(ReasonCode::TermsUpgraded, effect) = rule {
                upgrade.set_effect(*effect);
            }
        }
        evaluation.reasons.push(upgrade);
    }

    /// The terms of an order's invoices: those that it named, else those that hold now.
    fn terms_for(&self, slot: Slot, asked: Option<&Details>) -> Option<(&NamedTerms, Source)> {
        let named = asked.and_then(|asked| asked.terms_id.as_deref());
        let named = named.and_then(|id| find_terms(self.state, id).ok());
        let contract_id = asked.and_then(|asked| asked.contract_id.as_deref());
        let named = named.map(|terms| (terms, Source::Order));
        named.or_else(|| terms_of(self.state, slot, contract_id))
    }

    /// The day of the invoice of a capture: its own date, where it is known already; else the one
    /// that the capture names, else today.
    pub(super) fn invoice_day(&self, found: &Reservation, command: &CaptureOrder<'_>) -> Day {
        let item = self.state.item(found.slot, command.invoice_id);
        let known = item.filter(|item| item.dated).map(|item| item.day);
        known.or(command.issued).unwrap_or(Day::of(self.now))
    }

    /// When what is captured of a reservation is due by its terms; `None` where it has none, or
    /// where the invoice has another due date already.
    pub(super) fn invoiced(
        &self,
        found: &Reservation,
        amount: Minor,
        command: &CaptureOrder<'_>,
    ) -> Option<Invoiced> {
        let (terms, source) = self.terms_for(found.slot, found.details.as_deref())?;
        if amount == 0 {
            return None;
        }
        let plan = plan(self.state, terms, self.invoice_day(found, command), amount);
        let item = self.state.item(found.slot, command.invoice_id);
        let stands = item.and_then(|item| item.due).is_none_or(|due| due == plan.due);
        stands.then_some(Invoiced { source, plan })
    }

    /// Due date and days of grace of an invoice that the ledger posts, by the terms of the order
    /// that it bills, or of its account, where nothing else is known of them: neither its capture
    /// has found them, nor, of the due date, does the ledger say it. Of an opening balance the due
    /// date is not made up where its date is not known.
    pub(super) fn posted_dates(
        &self,
        slot: Slot,
        command: &Post<'_>,
        item: Option<&Standing>,
    ) -> (Option<Day>, u16) {
        let captured = item.is_some_and(|item| item.due.is_some());
        if captured || command.amount <= 0 || self.state.payment_terms().terms().is_empty() {
            return (command.due, 0);
        }
        let order = command.order_id.and_then(|id| self.state.latest_of_order(slot, id));
        let asked = order.and_then(|order| order.details.as_deref());
        let Some((terms, _)) = self.terms_for(slot, asked) else { return (command.due, 0) };
        let known = item.filter(|item| item.dated).map(|item| item.day);
        let today = (command.kind == EntryKind::Invoice).then(|| Day::of(self.now));
        let issued = command.issued.or(known).or(today);
        let by_terms = || issued.map(|day| plan(self.state, terms, day, 0).due);
        (command.due.or_else(by_terms), terms.spec.grace_days)
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
