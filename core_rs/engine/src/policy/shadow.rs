//! What a policy that is tried beside the one in force would have decided otherwise, in figures.

use std::collections::BTreeMap;

use crate::command::{Command, Order};
use crate::outcome::{Decision, Outcome, ReasonCode, Reserved, Verdict};
use crate::policy::PolicyVersion;
use crate::values::{Currency, Micros, Minor};

/// Orders of one kind that would have ended otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// What was decided.
    pub was: Decision,
    /// What would have been.
    pub now: Decision,
    /// The rule by which it differs: the first of the strongest in the stricter of the decisions,
    /// by its number; zero: none.
    pub rule: i32,
    /// Of the amounts.
    pub currency: Currency,
}

/// How many of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Orders.
    pub orders: u64,
    /// What they asked for, together.
    pub amount: i128,
}

/// Since when, and what came of it. Kept in memory alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of which version; zero: none.
    pub version: PolicyVersion,
    /// Since when.
    pub since: Micros,
    /// Orders that were decided by both.
    pub orders: u64,
    /// Those that would have ended otherwise.
    pub turned: BTreeMap<Kind, Size>,
}

impl Figures {
    /// Counts what became of a command, and what would have.
    pub fn count(&mut self, command: &Command<'_>, was: &Outcome, now: &Outcome) {
        for (order, was, now) in pairs(command, was, now) {
            self.orders += 1;
            if differs(was, now) {
                let rule = rule_between(&was.verdict, &now.verdict).map_or(0, |code| code as i32);
                let (was, now) = (was.verdict.decision, now.verdict.decision);
                let size = self.turned.entry(Kind { was, now, rule, currency: order.currency });
                let size = size.or_default();
                size.orders += 1;
                size.amount += i128::from(order.amount);
            }
        }
    }
}

/// The orders of a command, with what became of each and what would have.
pub fn pairs<'c, 'a>(
    command: &'c Command<'a>,
    was: &'c Outcome,
    now: &'c Outcome,
) -> Vec<(&'c Order<'a>, &'c Reserved, &'c Reserved)> {
    match (command, was, now) {
        (Command::Reserve(command), Outcome::Reserved(was), Outcome::Reserved(now)) => {
            vec![(&command.order, was, now)]
        }
        (Command::ReserveAll(command), Outcome::ReservedAll(was), Outcome::ReservedAll(now)) => {
            let orders = command.orders.iter().zip(was).zip(now);
            orders.map(|((order, was), now)| (order, was, now)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an order would have ended otherwise.
#[must_use]
pub fn differs(was: &Reserved, now: &Reserved) -> bool {
    (was.verdict.decision, was.amount) != (now.verdict.decision, now.amount)
}

/// The rule by which two decisions differ: the first of the strongest in the stricter of them.
#[must_use]
pub fn rule_between(was: &Verdict, now: &Verdict) -> Option<ReasonCode> {
    let stricter = if now.decision > was.decision { now } else { was };
    let strongest = stricter.reasons.iter().map(|reason| reason.effect()).max();
    let rule = stricter.reasons.iter().find(|reason| Some(reason.effect()) == strongest);
    rule.map(|reason| reason.code)
}

/// The sum of amounts, as far as an `i64` holds it.
#[must_use]
pub fn bounded(amount: i128) -> Minor {
    amount.clamp(Minor::MIN.into(), Minor::MAX.into()) as Minor
}
