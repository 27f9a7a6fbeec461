//! The rules that a policy may set for orders. One kind, one file: its settings, how they are read,
//! and what violates it. A kind is a line in [`KINDS`] and a variant of [`Rule`].

use std::cell::OnceCell;

use crate::model::{Conditions, Terms};
use crate::outcome::{Effect, Reason, ReasonCode};
use crate::policy::reader::Section;
use crate::state::State;
use crate::values::{LimitKind, Micros, Minor, Slot};

pub mod built_in;
pub mod first_order;
pub mod high_risk;
pub mod maximum_order;
pub mod minimum_score;
pub mod oldest_item;
pub mod overdue;
pub mod stale_ledger;
pub mod utilisation;
pub mod velocity;

pub use first_order::is_first_order;
pub use high_risk::HighRisk;
pub use utilisation::{Band, Crossing, Utilisation};

use first_order::FirstOrder;
use maximum_order::MaximumOrder;
use minimum_score::MinimumScore;
use oldest_item::OldestItem;
use overdue::{OverdueAmount, OverdueDays, OverdueShare};
use stale_ledger::StaleLedger;
use velocity::VelocityRule;

/// A rule with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What a rule that every order is held to leads to.
    BuiltIn(ReasonCode, Effect),
    /// The largest total of one order.
    MaximumOrder(MaximumOrder),
    /// How much of its limit an account uses.
    Utilisation(Utilisation),
    /// The score of its latest verification.
    MinimumScore(MinimumScore),
    /// An account's orders before anything was shipped to it.
    FirstOrder(FirstOrder),
    /// How long nothing has come from the ledger.
    StaleLedger(StaleLedger),
    /// For how long something is overdue.
    OverdueDays(OverdueDays),
    /// How much is overdue.
    OverdueAmount(OverdueAmount),
    /// How much of its limit is overdue.
    OverdueShare(OverdueShare),
    /// How old the oldest invoice is that is not paid.
    OldestItem(OldestItem),
    /// How many orders are approved in a window of time, and of how much.
    Velocity(VelocityRule),
}

/// Reads a rule's settings; none where it is of no use for the mistakes in it.
pub type Read = fn(&mut Section<'_, '_>, &State) -> Option<Rule>;

/// All kinds of rules, by the name that a policy gives them.
pub const KINDS: &[(&str, Read)] = &[
    ("account-suspended", |s, _| built_in::read(s, ReasonCode::AccountSuspended)),
    ("fraud-suspension", |s, _| built_in::read(s, ReasonCode::FraudSuspension)),
    ("bureau-suspension", |s, _| built_in::read(s, ReasonCode::BureauSuspension)),
    ("account-on-hold", |s, _| built_in::read(s, ReasonCode::AccountOnHold)),
    ("no-credit-limit", |s, _| built_in::read(s, ReasonCode::NoCreditLimit)),
    ("limit-expired", |s, _| built_in::read(s, ReasonCode::LimitExpired)),
    ("account-maximum-order", |s, _| built_in::read(s, ReasonCode::MaxOrderAmountExceeded)),
    ("insufficient-credit", |s, _| built_in::read(s, ReasonCode::InsufficientCredit)),
    ("rolling-average", |s, _| built_in::read(s, ReasonCode::RollingAverageExceeded)),
    ("shared-limit", |s, _| built_in::read(s, ReasonCode::SharedLimitExceeded)),
    ("segment-cap", |s, _| built_in::read(s, ReasonCode::SegmentCapExceeded)),
    ("terms-upgraded", |s, _| built_in::read(s, ReasonCode::TermsUpgraded)),
    ("maximum-order", |s, _| MaximumOrder::read(s).map(Rule::MaximumOrder)),
    ("utilisation", |s, state| Utilisation::read(s, state).map(Rule::Utilisation)),
    ("minimum-score", |s, _| MinimumScore::read(s).map(Rule::MinimumScore)),
    ("first-order", |s, _| FirstOrder::read(s).map(Rule::FirstOrder)),
    ("stale-ledger", |s, _| StaleLedger::read(s).map(Rule::StaleLedger)),
    ("overdue-days", |s, _| OverdueDays::read(s).map(Rule::OverdueDays)),
    ("overdue-amount", |s, _| OverdueAmount::read(s).map(Rule::OverdueAmount)),
    ("overdue-share", |s, _| OverdueShare::read(s).map(Rule::OverdueShare)),
    ("oldest-item", |s, _| OldestItem::read(s).map(Rule::OldestItem)),
    ("velocity", |s, _| VelocityRule::read(s).map(Rule::Velocity)),
];

/// What a rule is held against.
pub struct Facts<'f> {
    /// Before this order.
    pub state: &'f State,
    /// Whose order.
    pub slot: Slot,
    /// When.
    pub now: Micros,
    /// The account's.
    pub terms: &'f Terms,
    /// Those of the account that hold orders.
    pub conditions: Option<&'f Conditions>,
    /// Through which sales channel.
    pub channel: &'f str,
    /// The account's own limit of today.
    pub limit: LimitKind,
    /// The most that it may owe under its own limits; `None`: unlimited.
    pub own_ceiling: Option<Minor>,
    /// What the account owes, with what the same command reserved for it already.
    pub exposure: i128,
    /// What is overdue, for all rules that ask, once one has asked.
    pub overdue: OnceCell<i128>,
    /// What the same command reserved for it already.
    pub pending: i128,
    /// For how many orders of it.
    pub pending_orders: u32,
    /// New exposure.
    pub amount: Minor,
    /// The order's total with it.
    pub order_total: Minor,
    /// Whether it is another order, and not what one grows by.
    pub is_new: bool,
    /// Whether its total was held to the most that an order may be when it was placed.
    pub is_placed: bool,
}

impl Facts<'_> {
    /// The most that the account may owe under its own limits, with what its channel may go beyond;
    /// `None`: unlimited.
    #[must_use]
    pub fn ceiling(&self) -> Option<Minor> {
        let limits = &self.state.policy().limits;
        let tolerance = || limits.tolerance(self.channel, self.limit, self.conditions);
        self.own_ceiling.map(|most| most + tolerance())
    }

    /// See [`Conditions::score`].
    #[must_use]
    pub fn score(&self) -> Option<i64> {
        self.state.score(self.slot)
    }
}

/// What violates rules, and how much would not.
#[derive(Debug)]
pub struct Violations<'v> {
    /// So far, in any order.
    pub reasons: &'v mut Vec<Reason>,
    /// The part of the amount that violates no rule.
    pub fitting: &'v mut Minor,
}

impl Violations<'_> {
    /// Notes a violated rule.
    pub fn add(&mut self, code: ReasonCode, effect: Effect, observed: i64, threshold: i64) {
        self.reasons.push(Reason::of_policy(code, effect, observed, threshold));
    }

    /// At most this part would not have violated it.
    pub fn fits(&mut self, part: Minor) {
        *self.fitting = part.min(*self.fitting);
    }
}

impl Rule {
    /// Notes where these facts violate it.
    pub fn judge(&self, facts: &Facts<'_>, violations: &mut Violations<'_>) {
        match self {
            Rule::BuiltIn(code, effect) => built_in::judge(*code, *effect, violations),
            Rule::MaximumOrder(rule) => rule.judge(facts, violations),
            Rule::Utilisation(rule) => rule.judge(facts, violations),
            Rule::MinimumScore(rule) => rule.judge(facts, violations),
            Rule::FirstOrder(rule) => rule.judge(facts, violations),
            Rule::StaleLedger(rule) => rule.judge(facts, violations),
            Rule::OverdueDays(rule) => rule.judge(facts, violations),
            Rule::OverdueAmount(rule) => rule.judge(facts, violations),
            Rule::OverdueShare(rule) => rule.judge(facts, violations),
            Rule::OldestItem(rule) => rule.judge(facts, violations),
            Rule::Velocity(rule) => rule.judge(facts, violations),
        }
    }

    /// The strongest that it leads to.
    #[must_use]
    pub fn strongest(&self) -> Effect {
        match self {
            Rule::BuiltIn(_, effect) => *effect,
            Rule::MaximumOrder(rule) => rule.effect,
            Rule::Utilisation(rule) => rule.strongest(),
            Rule::MinimumScore(rule) => rule.effect,
            Rule::FirstOrder(rule) => rule.effect,
            Rule::StaleLedger(rule) => rule.effect,
            Rule::OverdueDays(rule) => rule.effect,
            Rule::OverdueAmount(rule) => rule.effect,
            Rule::OverdueShare(rule) => rule.effect,
            Rule::OldestItem(rule) => rule.effect,
            Rule::Velocity(rule) => rule.effect,
        }
    }

    /// Whether it asks if anything was shipped to an account yet.
    #[must_use]
    pub fn asks_first_order(&self) -> bool {
        match self {
            Rule::FirstOrder(_) => true,
            Rule::Utilisation(rule) => rule.high_risk.first_order,
            _ => false,
        }
    }
}

/// What a rule leads to, by the key `outcome`; a decline where it is not said.
pub fn outcome(section: &mut Section<'_, '_>) -> Effect {
    let words = [
        ("notify", Effect::Notify),
        ("alert", Effect::Alert),
        ("refer", Effect::Refer),
        ("decline", Effect::Decline),
        ("hold", Effect::Hold),
    ];
    section.one_of("outcome", &words).unwrap_or(Effect::Decline)
}

#[cfg(test)]
mod tests;
