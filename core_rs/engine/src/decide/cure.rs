//! What would cure an order that is not approved: paying which invoice, or waiting until when.

use crate::bounds::CURE_ITEMS_MAX;
use crate::decide::levels::effective_limit;
use crate::decide::rules::Ask;
use crate::outcome::{Cure, CuringInvoice, Reason, ReasonCode};
use crate::policy::rules::Rule;
use crate::policy::rules::overdue::overdue_amount;
use crate::state::{DueItem, State};
use crate::values::{Day, LimitKind, Micros, Slot};

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

/// `None` where nothing is known to cure it: an invoice that is paid does not lift a hold. It looks
/// at no more than [`CURE_ITEMS_MAX`] of the invoices, and needs a policy in force, for only then
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
    if items.is_empty() {
        return None;
    }
    let need = need(state, slot, now, ask, reasons)?;
    let today = Day::of(now);
    let invoice = need
        .invoice(items, today)
        .map(|item| CuringInvoice { invoice_id: state.invoice_of(item).clone(), open: item.open });
    let fits_from = need.fits_from(items, today);
    let known = invoice.is_some() || fits_from.is_some();
    known.then(|| Box::new(Cure { invoice, fits_from }))
}

fn need<'s>(
    state: &'s State,
    slot: Slot,
    now: Micros,
    ask: Ask<'_>,
    reasons: &[Reason],
) -> Option<Need<'s>> {
    let (terms, today) = (state.terms(slot), Day::of(now));
    let limit = effective_limit(state, &terms, state.conditions(slot), now).limit.kind;
    let limit = if let LimitKind::Amount(limit) = limit { i128::from(limit) } else { 0 };
    let rules = || state.policy().rules.of(slot, &terms, ask.channel);
    let mut need = Need::default();
    for reason in reasons.iter().filter(|reason| reason.blocks()) {
        let threshold = i128::from(reason.threshold);
        let above = i128::from(reason.observed) - threshold;
        match reason.code {
            ReasonCode::InsufficientCredit
            | ReasonCode::SharedLimitExceeded
            | ReasonCode::SegmentCapExceeded => need.less = need.less.max(above),
            ReasonCode::UtilisationReached => {
                let owed = i128::from(state.position(slot).exposure()) + ask.pending.own;
                let most = (limit * threshold - 1).div_euclid(100);
                need.less = need.less.max(owed + i128::from(ask.amount) - most);
            }
            ReasonCode::OverdueAmount => need.less_overdue = need.less_overdue.max(above),
            ReasonCode::OverdueShare => {
                let most = (limit * threshold).div_euclid(100);
                let above = overdue_amount(state, slot, today) - most;
                need.less_overdue = need.less_overdue.max(above);
            }
            ReasonCode::OverdueDays => rules().for_each(|rule| {
                if let Rule::OverdueDays(rule) = rule {
                    need.pay(rule.violating(state, slot, terms.currency, today));
                }
            }),
            ReasonCode::OldestItem => rules().for_each(|rule| {
                if let Rule::OldestItem(rule) = rule {
                    need.pay(rule.violating(state, slot, terms.currency, today));
                }
            }),
            _ => return None,
        }
    }
    Some(need)
}

impl<'s> Need<'s> {
    fn pay(&mut self, items: impl Iterator<Item = &'s DueItem>) {
        for item in items {
            if self.paid.len() < 2 && self.paid.iter().all(|known| *known != item) {
                self.paid.push(item);
            }
        }
    }

    /// The invoice whose payment alone would do, the one that is due first where several would.
    fn invoice(&self, items: &'s [DueItem], today: Day) -> Option<&'s DueItem> {
        let does = |item: &&DueItem| {
            let open = i128::from(item.open);
            let overdue = if item.days_overdue(today) > 0 { open } else { 0 };
            open >= self.less
                && overdue >= self.less_overdue
                && self.paid.iter().all(|needed| needed == item)
        };
        match self.paid[..] {
            [one] => Some(one).filter(does),
            _ => items.iter().take(CURE_ITEMS_MAX).find(does),
        }
    }

    /// The day on which enough is paid, if each invoice is paid on its due day. What was due before
    /// today was not: where that stands in the way, no day is known.
    fn fits_from(&self, items: &[DueItem], today: Day) -> Option<Day> {
        if self.less_overdue > 0 || !self.paid.is_empty() {
            return None;
        }
        let first = items.partition_point(|item| item.due < today);
        let coming = items[first..].iter().filter(|item| item.due != DueItem::NEVER);
        let mut paid = 0;
        let enough = |item: &&DueItem| {
            paid += i128::from(item.open);
            paid >= self.less
        };
        coming.take(CURE_ITEMS_MAX).find(enough).map(|item| item.due)
    }
}

#[cfg(test)]
mod tests;
