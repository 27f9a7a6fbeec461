//! What would cure an order that is not approved: paying which invoice, or waiting until when.

use crate::bounds::CURE_ITEMS_MAX;
use crate::decide::rules::{Ask, evaluate, facts};
use crate::outcome::{Cure, CuringInvoice, Effect, Reason, ReasonCode};
use crate::policy::rules::Rule;
use crate::policy::rules::overdue::overdue_amount;
use crate::state::{DueItem, State};
use crate::values::{Day, LimitKind, Micros, Slot};

const DAY: Micros = 86_400 * 1_000_000;

/// An order that is not approved.
#[derive(Clone, Copy)]
struct Refused<'s> {
    state: &'s State,
    slot: Slot,
    now: Micros,
    ask: Ask<'s>,
}

/// What payments would have to do so that an order is approved.
#[derive(Default)]
struct Need<'s> {
    /// So much less is to be owed.
    less: i128,
    /// So much less is to be overdue.
    less_overdue: i128,
    /// These are to be paid, whatever is owed beside them; of more than two only two.
    paid: Vec<&'s DueItem>,
}

/// `None` where nothing is known to cure it: an invoice that is paid does not lift a hold. Of the
/// invoices no more than [`CURE_ITEMS_MAX`] are tried, beside what the violated rules themselves
/// look at; it needs a policy in force, for only then
/// are they kept in order of due date.
#[cold]
#[inline(never)]
pub(super) fn cure(
    state: &State,
    slot: Slot,
    now: Micros,
    ask: Ask<'_>,
    reasons: &[Reason],
) -> Option<Box<Cure>> {
    let items = state.by_due(slot);
    // The refusal itself holds the account, and no payment lifts that.
    let holds = reasons.iter().any(|reason| reason.effect() == Effect::Hold);
    if items.is_empty() || holds {
        return None;
    }
    let refused = Refused { state, slot, now, ask };
    let need = refused.need(reasons, |_| true)?;
    let invoice = need.invoice(state, items, Day::of(now)).map(|item| CuringInvoice {
        invoice_id: state.invoice_of(item).clone(),
        open: state.counts_of(item),
    });
    let fits_from = refused.fits_from(&need, items);
    let known = invoice.is_some() || fits_from.is_some();
    known.then(|| Box::new(Cure { invoice, fits_from }))
}

impl<'s> Refused<'s> {
    /// What these reasons need. Of the invoices those that are `unpaid` are seen where they alone
    /// decide; sums are of all.
    fn need(&self, reasons: &[Reason], unpaid: impl Fn(&DueItem) -> bool) -> Option<Need<'s>> {
        let Refused { state, slot, now, ask } = *self;
        let (terms, today) = (state.terms(slot), Day::of(now));
        let facts = facts(state, slot, now, &terms, &ask);
        let limit = if let LimitKind::Amount(limit) = facts.limit { i128::from(limit) } else { 0 };
        let rules = || state.policy().rules.of(slot, &terms, ask.channel);
        let mut need = Need::default();
        for reason in reasons.iter().filter(|reason| reason.blocks()) {
            let threshold = i128::from(reason.threshold);
            let above = i128::from(reason.observed) - threshold;
            match reason.code {
                ReasonCode::InsufficientCredit
                | ReasonCode::SharedLimitExceeded
                | ReasonCode::SegmentCapExceeded => need.less = need.less.max(above),
                // Of all bands that stop it, not only the one that is named.
                ReasonCode::UtilisationReached => rules().for_each(|rule| {
                    if let Rule::Utilisation(rule) = rule
                        && let Some(most) = rule.most(&facts)
                    {
                        let owed = facts.exposure + i128::from(ask.amount);
                        need.less = need.less.max(owed - most);
                    }
                }),
                ReasonCode::OverdueAmount => need.less_overdue = need.less_overdue.max(above),
                ReasonCode::OverdueShare => {
                    let most = (limit * threshold).div_euclid(100);
                    let above = overdue_amount(state, slot, today) - most;
                    need.less_overdue = need.less_overdue.max(above);
                }
                ReasonCode::OverdueDays => rules().for_each(|rule| {
                    if let Rule::OverdueDays(rule) = rule {
                        let found = rule.violating(state, slot, terms.currency, today);
                        need.pay(found.filter(|item| unpaid(item)));
                    }
                }),
                ReasonCode::OldestItem => rules().for_each(|rule| {
                    if let Rule::OldestItem(rule) = rule {
                        let found = rule.violating(state, slot, terms.currency, today);
                        need.pay(found.filter(|item| unpaid(item)));
                    }
                }),
                _ => return None,
            }
        }
        Some(need)
    }

    /// The day on which enough is paid, if each invoice is paid on its due day and nothing else
    /// comes. What was due before today was not: where that stands in the way, now or by then, or
    /// the limit has ended by then, no day is known. Only the first day is tried on which the sum
    /// would do.
    fn fits_from(&self, need: &Need<'_>, items: &[DueItem]) -> Option<Day> {
        if need.less_overdue > 0 || !need.paid.is_empty() {
            return None;
        }
        let today = Day::of(self.now);
        let first = items.partition_point(|item| item.due < today);
        let coming = items[first..].iter().filter(|item| item.due != DueItem::NEVER);
        let mut paid = 0;
        let enough = |item: &&DueItem| {
            paid += i128::from(self.state.counts_of(item));
            paid >= need.less
        };
        let day = coming.take(CURE_ITEMS_MAX).find(enough)?.due;
        let days = day.since(today);
        let then = Refused { now: self.now.checked_add(days.checked_mul(DAY)?)?, ..*self };
        then.fits_once_paid(today, items).then_some(day)
    }

    /// Whether the order is approved now, if whatever falls due from `since` to today is paid.
    fn fits_once_paid(&self, since: Day, items: &[DueItem]) -> bool {
        let today = Day::of(self.now);
        let mut reasons = evaluate(self.state, self.slot, self.now, self.ask).reasons;
        // Who pays is heard of from the ledger.
        reasons.retain(|reason| reason.code != ReasonCode::LedgerStale);
        let is_paid = |item: &DueItem| (since..=today).contains(&item.due);
        let Some(need) = self.need(&reasons, |item| !is_paid(item)) else { return false };
        let first = items.partition_point(|item| item.due < since);
        let (mut paid, mut paid_overdue) = (0, 0);
        for item in items[first..].iter().take_while(|item| is_paid(item)) {
            paid += i128::from(self.state.counts_of(item));
            paid_overdue += overdue(self.state, item, today);
        }
        need.paid.is_empty() && paid >= need.less && paid_overdue >= need.less_overdue
    }
}

impl<'s> Need<'s> {
    fn pay(&mut self, items: impl Iterator<Item = &'s DueItem>) {
        for item in items {
            if self.paid.len() >= 2 {
                return;
            }
            if self.paid.iter().all(|known| *known != item) {
                self.paid.push(item);
            }
        }
    }

    /// The invoice whose payment alone would do, the one that is due first where several would: the
    /// payment of what counts of it, for what is disputed and does not is not asked of anybody.
    fn invoice(&self, state: &State, items: &'s [DueItem], today: Day) -> Option<&'s DueItem> {
        let does = |item: &&DueItem| {
            let counted = state.counts_of(item);
            counted > 0
                && i128::from(counted) >= self.less
                && overdue(state, item, today) >= self.less_overdue
                && self.paid.iter().all(|needed| needed == item)
        };
        match self.paid[..] {
            [one] => Some(one).filter(does),
            _ => items.iter().take(CURE_ITEMS_MAX).find(does),
        }
    }
}

/// How much of an invoice is overdue.
fn overdue(state: &State, item: &DueItem, today: Day) -> i128 {
    if item.days_overdue(today) > 0 { state.counts_of(item).into() } else { 0 }
}

#[cfg(test)]
mod tests;
