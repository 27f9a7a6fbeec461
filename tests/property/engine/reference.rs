//! What the engine must do, in the plainest way: amounts without bounds, maps without indexes, and
//! every counter summed up anew from the orders and invoices that it counts.

use std::collections::{BTreeMap, BTreeSet};

use creditgate_engine::bounds::EXPOSURE_MINOR_MAX;
use creditgate_engine::command::*;
use creditgate_engine::counting::Shipping;
use creditgate_engine::model::{Findings, HoldKind, Signer, Status, TemporaryLimitKind};
use creditgate_engine::outcome::Decision::{self, Approved, Declined, PartiallyApproved, Referred};
use creditgate_engine::outcome::ReasonCode::{self, *};
use creditgate_engine::outcome::{Invoiced, Level, PRECEDENCE, Whose};
use creditgate_engine::policy::limits::Owner;
use creditgate_engine::terms::*;
use creditgate_engine::values::{
    Currency, Day, Limit, LimitKind, Micros, Seq, Ttl, reservation_id,
};

use asks::{count_nothing, fitting_part};
use cases::{Case, Waiver};
pub use limits::{Backing, Rules};
pub use rates::ExposurePolicy;
use rates::{Fraction, Worth, largest};
pub use rules::Referring;
use rules::most_of_order;

pub type Amount = i128;
const MAX: Amount = EXPOSURE_MINOR_MAX as Amount;

#[derive(Clone)]
pub struct Account {
    pub currency: Currency,
    pub status: Status,
    pub limit: Limit,
    pub max_order: Amount,
    pub parent: Option<&'static str>,
    pub segment: Option<&'static str>,
    pub unallocated: Amount,
    /// What it and all accounts below it may owe together.
    pub shared: Option<Amount>,
    /// All that were ever placed and not lifted: when each ends.
    pub holds: BTreeMap<&'static str, (HoldKind, Option<Micros>)>,
    /// All that were ever set and not removed: each with its first and last day.
    pub temporary: BTreeMap<&'static str, (TemporaryLimitKind, Amount, Day, Day)>,
    /// A hard cap, over how many days exposure is averaged, and since when it is recorded.
    pub rolling: Option<(Amount, i64, Micros)>,
    /// What it owed, each from its moment on.
    pub owed: Vec<(Micros, Amount)>,
    pub backing: Backing,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    pub account: &'static str,
    pub order_id: &'static str,
    pub open: Amount,
    pub captured: Amount,
    pub released: Amount,
    pub expired: Amount,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub closed_at: Micros,
    /// By invoice: whether only the ledger has told of it.
    pub captures: BTreeMap<&'static str, bool>,
    /// By invoice: what it took.
    pub taken: BTreeMap<&'static str, Amount>,
    pub asked: Option<AskedTerms<'static>>,
    /// What counts, in the account's currency: open, captured, released, expired. All else is in
    /// the order's.
    pub counts: [Amount; 4],
    pub worth: Worth,
    pub channel: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invoice {
    pub captured: Amount,
    pub open: Amount,
    pub posted: bool,
    pub settled_at: Micros,
    /// When it was first heard of.
    pub heard: Micros,
    pub issued: Option<Day>,
    pub due: Option<Day>,
    pub grace_days: u16,
    pub disputed: Amount,
}

/// A rule, what was observed, what it was held against, and whose it is where not the account's.
pub type Violated = (ReasonCode, Amount, Amount, Option<Whose>);

/// A decision; `order` is the order after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub decision: Decision,
    pub reasons: Vec<Violated>,
    pub fitting: Option<Amount>,
    pub available: Option<Amount>,
    /// Whose shared limit leaves no more.
    pub bound_by: Option<Level>,
    pub amount: Amount,
    pub breach: bool,
    pub invoiced: Option<Invoiced>,
    pub order: Option<Order>,
}

/// Decisions, of which all but orders have none; or the kind of a refusal.
pub type Result<T = Vec<Answer>> = std::result::Result<T, String>;

#[derive(Clone, Default)]
pub struct Model {
    pub accounts: BTreeMap<&'static str, Account>,
    /// In the order in which they were opened.
    pub opened: Vec<&'static str>,
    pub defaults: BTreeMap<(&'static str, Currency), Limit>,
    pub caps: BTreeMap<(&'static str, Currency), Amount>,
    pub segments: Vec<&'static str>,
    pub terms: BTreeMap<&'static str, UpsertTerms<'static>>,
    pub calendar: Option<CalendarSpec>,
    /// By the scope as it is written.
    pub assigned: BTreeMap<String, &'static str>,
    /// By pair: how much, and as of when.
    pub rates: BTreeMap<(Currency, Currency), (Fraction, Micros)>,
    pub orders: BTreeMap<u64, Order>,
    pub invoices: BTreeMap<(&'static str, &'static str), Invoice>,
    /// How far each source has come, and when it told something, to the minute.
    pub sources: BTreeMap<&'static str, (u64, Micros)>,
    pub reconciliations: BTreeMap<&'static str, (Findings, Micros)>,
    /// Adjustments that wait: the digest of their entries, and who proposed them.
    pub adjustments: BTreeMap<u64, ([u8; 32], &'static str)>,
    /// Accounts to which something was shipped or billed.
    pub billed: BTreeSet<&'static str>,
    pub cases: BTreeMap<u64, Case>,
    /// By whose authority and who signs: what it is, from when, until when.
    pub delegations: BTreeMap<(&'static str, &'static str), (Signer, Micros, Micros)>,
    pub has_policy: bool,
    pub now: Micros,
    pub seq: Seq,
    pub rules: Rules,
    /// Who asks, and through which sales channel.
    pub actor: &'static str,
    pub channel: &'static str,
}

impl Model {
    pub fn reserved(&self, account: &str) -> Amount {
        self.orders.values().filter(|o| o.account == account).map(|o| o.counts[0]).sum()
    }

    pub fn captured(&self, account: &str) -> Amount {
        self.invoices.iter().filter(|((a, _), _)| *a == account).map(|(_, i)| i.captured).sum()
    }

    pub fn outstanding(&self, account: &str) -> Amount {
        let items = self.invoices.iter().filter(|((a, _), _)| *a == account);
        items.map(|(_, i)| i.open).sum::<Amount>() + self.accounts[account].unallocated
    }

    pub fn exposure(&self, account: &str) -> Amount {
        self.outstanding(account) + self.captured(account) + self.reserved(account)
    }

    /// What counts of it against limits.
    fn counted(&self, account: &str) -> Amount {
        let items = self.invoices.iter().filter(|((a, _), _)| *a == account);
        let contested: Amount = items.map(|(_, i)| i.disputed.min(i.open).max(0)).sum();
        let counts = self.rules.exposure.disputed_counts;
        self.exposure(account) - if counts { 0 } else { contested }
    }

    /// The account and those above it.
    fn lineage(&self, account: &str) -> Vec<&'static str> {
        let mut all = Vec::new();
        let mut next = self.accounts.keys().find(|id| **id == account).copied();
        while let Some(id) = next {
            all.push(id);
            next = self.accounts[id].parent;
        }
        all
    }

    /// The account and all below it.
    fn below(&self, head: &str) -> impl Iterator<Item = &'static str> {
        self.accounts.keys().copied().filter(move |id| self.lineage(id).contains(&head))
    }

    /// What they owe together.
    pub fn group_exposure(&self, head: &str) -> Amount {
        self.below(head).map(|id| self.exposure(id)).sum()
    }

    /// Whether there is anything to sum up under the account.
    pub fn heads_group(&self, head: &str) -> bool {
        let has_below = self.accounts.values().any(|account| account.parent == Some(head));
        has_below || self.accounts[head].shared.is_some()
    }

    /// The accounts of a segment in one currency.
    fn members(&self, segment: &str, currency: Currency) -> impl Iterator<Item = &'static str> {
        let of = move |a: &Account| a.segment == Some(segment) && a.currency == currency;
        self.accounts.iter().filter(move |(_, account)| of(account)).map(|(id, _)| *id)
    }

    /// What they owe together.
    pub fn segment_exposure(&self, segment: &str, currency: Currency) -> Amount {
        self.members(segment, currency).map(|id| self.exposure(id)).sum()
    }

    /// Each limit that the account is held to together with others, the nearest first, and what it
    /// leaves.
    fn shared(&self, account: &str) -> Vec<(Level, Amount)> {
        let left = |head: &&'static str| {
            let limit = self.accounts[*head].shared?;
            let owed: Amount = self.below(head).map(|id| self.counted(id)).sum();
            Some((Level::Group((*head).into()), limit - owed))
        };
        let mut all: Vec<_> = self.lineage(account).iter().filter_map(left).collect();
        let Account { segment, currency, .. } = self.accounts[account];
        if let Some(segment) = segment
            && let Some(cap) = self.caps.get(&(segment, currency))
        {
            let owed: Amount = self.members(segment, currency).map(|id| self.counted(id)).sum();
            all.push((Level::Segment(segment.into()), cap - owed));
        }
        all
    }

    /// What is available under all limits, and whose shared one leaves no more.
    pub fn room(&self, account: &str) -> (Option<Amount>, Option<Level>) {
        let own = self.own_available(account);
        match self.shared(account).into_iter().min_by_key(|(_, left)| *left) {
            Some((level, left)) if own.is_none_or(|own| left < own) => (Some(left), Some(level)),
            _ => (own, None),
        }
    }

    pub fn available(&self, account: &str) -> Option<Amount> {
        self.room(account).0
    }

    fn own_available(&self, account: &str) -> Option<Amount> {
        let exposure = self.counted(account);
        match self.limit(account).kind {
            LimitKind::Unlimited => self.accounts[account].rolling.map(|(cap, ..)| cap - exposure),
            LimitKind::Amount(amount) => {
                let cap = self.accounts[account].rolling.map(|(cap, ..)| cap);
                let amount = match (cap, self.average(account)) {
                    (Some(cap), Some(_)) => cap,
                    (Some(cap), None) => cap.min(amount.into()),
                    (None, _) => amount.into(),
                };
                Some(amount - exposure)
            }
            LimitKind::NoCredit | LimitKind::Inherit => Some(-exposure),
        }
    }

    /// Everything that `new` exposure of an order of `total` violates, not concluded yet; and how
    /// much of it would violate no amount.
    fn hold_to_limits(&self, account_id: &str, new: Amount, total: Amount) -> (Answer, Amount) {
        let account = &self.accounts[account_id];
        let limit = self.limit(account_id);
        let (available, bound_by) = self.room(account_id);
        let mut reasons = Vec::new();
        let mut violated =
            |code, observed, threshold| reasons.push((code, observed, threshold, None));
        match account.status {
            Status::Closed => violated(AccountClosed, 0, 0),
            Status::Suspended => violated(AccountSuspended, 0, 0),
            Status::Active => {}
        }
        for (kind, code) in [
            (HoldKind::Fraud, FraudSuspension),
            (HoldKind::Bureau, BureauSuspension),
            (HoldKind::Manual, AccountOnHold),
        ] {
            for (id, (_, until)) in account.holds.iter().filter(|(_, hold)| hold.0 == kind) {
                if until.is_none_or(|until| self.now < until) {
                    reasons.push((code, 0, 0, Some(Whose::Hold((*id).into()))));
                }
            }
        }
        let mut violated =
            |code, observed, threshold| reasons.push((code, observed, threshold, None));
        if limit.kind == LimitKind::NoCredit {
            violated(NoCreditLimit, 0, 0);
        }
        let today = Day::of(self.now);
        if let Some(last) = limit.valid_until
            && today > last
        {
            let in_grace = today.0 <= last.0 + self.rules.grace_days;
            let code = if in_grace { LimitInGrace } else { LimitExpired };
            violated(code, today.0.into(), last.0.into());
        }
        let mut fitting = new;
        if account.max_order != 0 && total > account.max_order {
            violated(MaxOrderAmountExceeded, total, account.max_order);
            fitting = fitting.min(account.max_order - (total - new));
        }
        fitting = fitting.min(self.hold_to_rules(account_id, new, total, &mut reasons));
        if limit.kind != LimitKind::NoCredit {
            fitting = fitting.min(self.short(account_id, new, &mut reasons));
        }
        let mut violated =
            |code, observed, threshold| reasons.push((code, observed, threshold, None));
        if let (LimitKind::Amount(limit), Some((sum, time))) =
            (limit.kind, self.average(account_id))
            && sum > Amount::from(limit) * time
        {
            violated(RollingAverageExceeded, (sum + time - 1).div_euclid(time), limit.into());
        }
        for (level, left) in self.shared(account_id) {
            if new > left {
                let code = match level {
                    Level::Group(_) => SharedLimitExceeded,
                    Level::Segment(_) => SegmentCapExceeded,
                };
                reasons.push((code, new, left, Some(level.into())));
                fitting = fitting.min(left);
            }
        }
        let (breach, invoiced, order) = (false, None, None);
        let fits = fitting.max(0);
        let (decision, fitting, amount) = (Approved, None, 0);
        let answer = Answer {
            decision,
            reasons,
            fitting,
            available,
            bound_by,
            amount,
            breach,
            invoiced,
            order,
        };
        (answer, fits)
    }

    /// Holds `new` exposure of an order of `total` against the rules.
    fn ask(&self, account_id: &str, new: Amount, total: Amount) -> Answer {
        let (answer, fits) = self.hold_to_limits(account_id, new, total);
        self.concluded(answer, new, fits)
    }

    /// What counters can be trusted with.
    fn in_range(&self, account: &str) -> Result<()> {
        let sums = [
            self.reserved(account) + self.captured(account),
            self.outstanding(account),
            self.exposure(account),
            self.accounts[account].unallocated,
        ];
        let items = self.invoices.iter().filter(|((a, _), _)| *a == account).map(|(_, i)| i.open);
        let orders = self.orders.values().map(|o| o.open + o.captured + o.released + o.expired);
        let counts = self.orders.values().map(|o| o.counts.iter().sum());
        let mut all = sums.into_iter().chain(items).chain(orders).chain(counts);
        if all.any(|sum| sum.abs() > MAX) { refuse("ExposureOutOfRange") } else { Ok(()) }
    }

    /// The account's latest reservation under this order id.
    fn latest(&self, account: &str, order_id: &str) -> Option<u64> {
        let same = |o: &Order| o.account == account && o.order_id == order_id;
        self.orders.iter().rev().find(|(_, o)| same(o)).map(|(id, _)| *id)
    }

    fn target(&self, target: Target<'static>) -> Result<u64> {
        let found = match target {
            Target::Id(id) => self.orders.contains_key(&id).then_some(id),
            Target::Order(key) if !self.accounts.contains_key(key.account_id) => {
                return refuse("AccountNotFound");
            }
            Target::Order(key) => self.latest(key.account_id, key.order_id),
        };
        found.map_or_else(|| refuse("ReservationNotFound"), Ok)
    }

    /// Does what is asked, or nothing.
    pub fn run(&mut self, command: &Command<'static>) -> Result {
        let mut next = self.clone();
        next.seq += 1;
        let mut answers = match command {
            Command::Reserve(c) => next.reserve(&c.order, c.allow_partial).map(|a| vec![a])?,
            Command::ReserveAll(c) => next.reserve_all(&c.orders)?,
            Command::Adjust(c) => vec![next.adjust(c)?],
            Command::Capture(c) => vec![next.capture(c)?],
            Command::Release(c) => vec![next.release(c)?],
            Command::UpsertAccount(c) => {
                next.upsert_account(c, Owner::Creditgate).map(|()| vec![])?
            }
            Command::SyncAccount(c) => next.upsert_account(c, Owner::Ledger).map(|()| vec![])?,
            Command::UpsertSegment(c) => next.upsert_segment(c, Owner::Creditgate)?,
            Command::SyncSegment(c) => next.upsert_segment(c, Owner::Ledger)?,
            Command::RecordVerification(c) => next.record_verification(c).map(|()| vec![])?,
            Command::ProposeLimit(c) => next.propose_limit(c).map(|()| vec![])?,
            Command::ApproveProposal(c) => {
                next.decide_proposal(c.account_id, c.proposal, true).map(|()| vec![])?
            }
            Command::RejectProposal(c) => {
                next.decide_proposal(c.account_id, c.proposal, false).map(|()| vec![])?
            }
            Command::SetStatus(c) => next.set_status(c).map(|()| vec![])?,
            Command::PlaceHold(c) => next.place_hold(c).map(|()| vec![])?,
            Command::LiftHold(c) => next.lift_hold(c).map(|()| vec![])?,
            Command::SetTemporaryLimit(c) => next.set_temporary_limit(c).map(|()| vec![])?,
            Command::RemoveTemporaryLimit(c) => next.remove_temporary_limit(c).map(|()| vec![])?,
            Command::SetRollingLimit(c) => next.set_rolling_limit(c).map(|()| vec![])?,
            Command::RemoveRollingLimit(c) => next.remove_rolling_limit(c).map(|()| vec![])?,
            Command::Post(c) => next.post(c).map(|()| vec![])?,
            Command::MoveSource(c) => next.hear(c.source, c.position),
            Command::RecordReconciliation(c) => next.reconcile(c)?,
            Command::ProposeAdjustments(c) => next.propose_adjustments(c)?,
            Command::CloseAdjustments(c) => next.close_adjustments(c)?,
            Command::UpsertTerms(c) => next.upsert_terms(c)?,
            Command::UpsertCalendar(c) => next.upsert_calendar(c),
            Command::AssignTerms(c) => next.assign_terms(c)?,
            Command::PutPolicy(_) | Command::ActivatePolicy(_) | Command::ShadowPolicy(_) => {
                unreachable!("a policy is in force from the beginning, or none")
            }
            Command::ReviewCase(c) => next.review(c)?,
            Command::Delegate(c) => next.delegate(c)?,
            Command::RetryCases(c) => next.retry(c),
            Command::UpsertRate(c) => next.upsert_rate(c)?,
            Command::Revalue(c) => next.revalue(c)?,
            // Names and reasons decide nothing.
            Command::EraseTexts(c)
                if c.named.is_empty() && !next.accounts.contains_key(c.account_id) =>
            {
                return refuse("AccountNotFound");
            }
            Command::EraseTexts(_) => vec![],
            Command::Housekeep(c) => next.housekeep(c),
        };
        use Command::{ReserveAll, RetryCases, ReviewCase};
        let looks = !matches!(command, ReserveAll(_) | ReviewCase(_) | RetryCases(_));
        for answer in answers.iter_mut().filter(|_| looks) {
            let account = match command {
                Command::Reserve(c) => billed(&c.order),
                // One that was taken back before it held anything has looked already.
                _ => match &answer.order {
                    Some(order) => order.account,
                    None => continue,
                },
            };
            (answer.available, answer.bound_by) = next.room(account);
        }
        next.note_owed();
        *self = next;
        Ok(answers)
    }
}

/// Where a rule is named among others.
fn place(code: ReasonCode) -> Option<usize> {
    PRECEDENCE.iter().position(|known| *known == code)
}

fn refuse<T>(kind: &str) -> Result<T> {
    Err(kind.to_owned())
}

/// Who is billed for an order, known or not.
fn billed(order: &crate::OrderOf) -> &'static str {
    let shipping = order.details.as_ref().and_then(|details| details.shipping);
    shipping.and_then(|shipping| shipping.bill_to).unwrap_or(order.account_id)
}

#[path = "reference_accounts.rs"]
mod accounts;
#[path = "reference_asks.rs"]
mod asks;
#[path = "reference_cases.rs"]
pub mod cases;
#[path = "reference_channels.rs"]
mod channels;
#[path = "reference_conditions.rs"]
mod conditions;
#[path = "reference_limits.rs"]
mod limits;
#[path = "reference_orders.rs"]
mod orders;
#[path = "reference_rates.rs"]
mod rates;
#[path = "reference_rules.rs"]
mod rules;
#[path = "reference_signing.rs"]
mod signing;
#[path = "reference_terms.rs"]
mod terms;
