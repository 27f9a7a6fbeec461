//! Cases in the reference model.

use creditgate_engine::model::{CaseStatus, Signer};

use super::*;
use crate::OrderOf;

pub(super) const HOUR: Micros = 3_600_000_000;

/// Up to 50 anyone of both signs, then two of finance up to 120, and above that nobody.
pub const POLICY: &str = "[approvals]\nescalate_after_hours = 20\nexpire_after_hours = 50\n\
                          valid_hours = 20\n\
                          [[approvals.bands]]\nup_to = [\"0.50 USD\", \"0.50 EUR\"]\n\
                          roles = [\"credit_analyst\", \"finance\"]\n\
                          [[approvals.bands]]\nup_to = [\"1.20 USD\", \"1.20 EUR\"]\n\
                          roles = \"finance\"\nsignatures = 2\n";

/// What names a reason, whatever its figures.
pub type Named = (ReasonCode, Option<Whose>);

fn named_in(reasons: &[Violated]) -> Vec<Named> {
    reasons.iter().map(|(code, _, _, whose)| (*code, whose.clone())).collect()
}

/// What was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    pub waived: Vec<Named>,
    /// Of an order that is worth at most so much.
    pub most: Amount,
    pub until: Micros,
}

impl Waiver {
    pub fn covers(&self, (code, _, _, whose): &Violated) -> bool {
        self.waived.contains(&(*code, whose.clone()))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub order: OrderOf,
    pub billed: &'static str,
    /// All of it in the account's currency, when it was last asked for.
    pub worth: Amount,
    pub channel: &'static str,
    /// How often it began anew.
    pub revision: u32,
    pub askers: Vec<&'static str>,
    pub status: CaseStatus,
    pub level: u8,
    pub escalates_at: Micros,
    pub expires_at: Micros,
    pub claimed_by: Option<&'static str>,
    /// All that was said of it when it was last referred.
    pub reasons: Vec<Named>,
    pub waiver: Option<Waiver>,
    /// Who signed, in whose place, and with what authority.
    pub signatures: Vec<(&'static str, Option<&'static str>, Signer)>,
    pub reservation: Option<u64>,
    pub closed_at: Micros,
    pub kept_at: Micros,
}

impl Case {
    pub(super) fn is_pending(&self) -> bool {
        use CaseStatus::{Expired, Rejected, Used, Withdrawn};
        ![Expired, Rejected, Used, Withdrawn].contains(&self.status)
    }

    fn close(&mut self, status: CaseStatus, now: Micros) {
        (self.status, self.closed_at) = (status, now);
    }
}

/// The answer to an order that holds this much.
fn holding(amount: Amount) -> Answer {
    Answer {
        decision: Approved,
        reasons: Vec::new(),
        fitting: None,
        available: None,
        bound_by: None,
        amount,
        breach: false,
        invoiced: None,
        order: None,
    }
}

/// What an order asks for, beside its amount and how long it holds.
fn named(order: &OrderOf) -> impl PartialEq + use<> {
    let shipping = order.details.as_ref().and_then(|details| details.shipping).unwrap_or_default();
    let Shipping { ship_date, tax, freight, .. } = shipping;
    (order.terms(), order.currency, ship_date, tax, freight, order.account_id)
}

/// What credit that comes back may put right, or is a notice.
fn of_credit(code: ReasonCode) -> bool {
    [InsufficientCredit, SharedLimitExceeded, LimitInGrace].contains(&code)
}

/// Who signs, and how many of them.
pub(super) fn band(amount: Amount, level: u8) -> Option<(&'static [Signer], usize)> {
    const BOTH: &[Signer] = &[Signer::CreditAnalyst, Signer::Finance];
    const FINANCE: &[Signer] = &[Signer::Finance];
    match (amount, level) {
        (121.., _) => None,
        (..=50, 0) => Some((BOTH, 1)),
        _ => Some((FINANCE, 2)),
    }
}

impl Model {
    /// When the clock escalates a case of this amount that comes to this level now.
    fn escalates_at(&self, amount: Amount, level: u8) -> Micros {
        if amount <= 50 && level == 0 { self.now + 20 * HOUR } else { 0 }
    }

    pub(super) fn latest_case(&self, account: &str, order_id: &str) -> Option<u64> {
        let same = |case: &Case| (case.billed, case.order.order_id) == (account, order_id);
        self.cases.iter().rev().find(|(_, case)| same(case)).map(|(id, _)| *id)
    }

    fn pending_case(&self, account: &str, order_id: &str) -> Option<u64> {
        self.latest_case(account, order_id).filter(|id| self.cases[id].is_pending())
    }

    /// Ends the case in which an order waits that holds something now; what was signed stays where
    /// it was let through by that.
    pub(super) fn use_case(&mut self, account: &str, order_id: &str, held: u64, signed: bool) {
        let Some(id) = self.pending_case(account, order_id) else { return };
        let case = self.cases.get_mut(&id).expect("it is pending");
        if !signed {
            (case.waiver, case.signatures) = (None, Vec::new());
        }
        case.reservation = Some(held);
        case.close(CaseStatus::Used, self.now);
    }

    /// All of an order in the account's currency, by the rate of now; nothing where there is none.
    fn worth_now(&self, order: &OrderOf) -> Option<Amount> {
        self.worth(billed(order), order).ok().map(|worth| worth.full(order.amount.into()))
    }

    /// The same of the order of a case; what it was, where there is none.
    pub(super) fn worth_of(&self, case: &Case) -> Amount {
        self.worth_now(&case.order).unwrap_or(case.worth)
    }

    /// What was signed for just this order.
    pub(super) fn waiver_for(&self, order: &OrderOf) -> Option<Waiver> {
        let case = &self.cases[&self.pending_case(billed(order), order.order_id)?];
        let worth = self.worth_now(order).unwrap_or_default();
        let waiver = case.waiver.clone().filter(|_| case.status == CaseStatus::Approved);
        let waiver = waiver.filter(|_| named(&case.order) == named(order));
        waiver.filter(|waiver| worth <= waiver.most && self.now < waiver.until)
    }

    /// What was signed for an order that is reserved under it.
    pub(super) fn let_through(&self, order: &Order) -> Option<Waiver> {
        let id = self.latest_case(order.account, order.order_id)?;
        let case = &self.cases[&id];
        let waiver = case.waiver.clone().filter(|waiver| self.now < waiver.until)?;
        let total = order.open + order.captured;
        let has_grown = total > Amount::from(case.order.amount);
        let covers = !has_grown || order.worth.full(total) <= waiver.most;
        (covers && self.is_it(case.reservation?, order)).then_some(waiver)
    }

    fn is_it(&self, id: u64, order: &Order) -> bool {
        self.orders.get(&id).is_some_and(|held| held.created_at == order.created_at)
    }

    /// What becomes of the case of an order that was decided, under what was `signed` or not; and
    /// of the decision, where just that was rejected.
    pub(super) fn after_order(&mut self, order: &OrderOf, answer: &mut Answer, signed: bool) {
        let (now, seq) = (self.now, self.seq);
        let worth = self.worth_now(order).unwrap_or_default();
        let (escalates_at, expires_at) = (self.escalates_at(worth, 0), now + 50 * HOUR);
        let billed = billed(order);
        let former = self.latest_case(billed, order.order_id);
        let pending = former.filter(|id| self.cases[id].is_pending());
        let blocking: Vec<_> =
            answer.reasons.iter().filter(|one| self.blocks(one)).cloned().collect();
        let has_more =
            |case: &Case| named_in(&blocking).iter().any(|reason| !case.reasons.contains(reason));
        let Some(id) = pending else {
            let former = former.map(|id| &self.cases[&id]);
            let same = |case: &&Case| {
                case.order.amount == order.amount
                    && named(&case.order) == named(order)
                    && case.status == CaseStatus::Rejected
                    && !has_more(case)
            };
            if answer.decision == Referred && former.filter(same).is_some() {
                answer.decision = Declined;
            }
            if answer.decision == Referred && self.has_policy {
                let mut askers = former.map_or(Vec::new(), |case| case.askers.clone());
                askers.extend(Some(self.actor).filter(|by| !askers.contains(by)));
                let case = Case {
                    order: order.clone(),
                    billed,
                    worth,
                    channel: self.channel,
                    revision: 0,
                    askers,
                    status: CaseStatus::Open,
                    level: 0,
                    escalates_at,
                    expires_at,
                    claimed_by: None,
                    reasons: named_in(&answer.reasons),
                    waiver: None,
                    signatures: Vec::new(),
                    reservation: None,
                    closed_at: 0,
                    kept_at: 0,
                };
                self.cases.insert(seq, case);
            }
            return;
        };
        let (actor, channel) = (self.actor, self.channel);
        if answer.decision <= PartiallyApproved {
            let held = self.latest(billed, order.order_id).expect("just reserved");
            return self.use_case(billed, order.order_id, held, signed);
        }
        let has_more = has_more(&self.cases[&id]);
        let case = self.cases.get_mut(&id).expect("it is pending");
        if answer.decision == Referred {
            case.channel = channel;
            case.reasons = named_in(&answer.reasons);
            case.askers.extend(Some(actor).filter(|by| !case.askers.contains(by)));
        }
        match answer.decision {
            Referred
                if case.order.amount != order.amount
                    || named(&case.order) != named(order)
                    || has_more
                    // It is worth more by now than what somebody signed for all of it.
                    || case.waiver.as_ref().is_some_and(|signed| {
                        case.worth <= signed.most && signed.most < worth
                    }) =>
            {
                (case.order, case.status, case.level) = (order.clone(), CaseStatus::Open, 0);
                (case.claimed_by, case.waiver, case.signatures) = (None, None, Vec::new());
                (case.escalates_at, case.expires_at) = (escalates_at, expires_at);
                case.revision += 1;
            }
            Referred => case.order.ttl = order.ttl,
            _ => return,
        }
        case.worth = worth;
    }

    /// The answer to an order that is reserved, where a case gave it just that.
    pub(super) fn reserved_before(&self, order: &OrderOf, held: u64) -> Option<Answer> {
        self.cases.values().find(|case| case.reservation == Some(held))?;
        let made = &self.orders[&held];
        let total = made.open + made.captured + made.released + made.expired;
        let shipping = order.details.as_ref().and_then(|details| details.shipping);
        let ship_date = shipping.and_then(|shipping| shipping.ship_date);
        let Worth { share, foreign, sold_to, .. } = made.worth;
        let own = self.accounts[made.account].currency;
        let same = (made.asked, total) == (order.terms(), Amount::from(order.amount))
            && foreign.unwrap_or(own) == order.currency
            && sold_to.unwrap_or(made.account) == order.account_id
            && (made.worth.ship_date, share.1 - share.0) == (ship_date, self.excluded(order));
        same.then(|| holding(order.amount.into()))
    }

    /// Takes back an order that waits in a case and holds nothing.
    pub(super) fn withdraw(&mut self, c: &Release<'static>) -> Option<Answer> {
        let (Target::Order(key), None) = (c.target, c.amount) else { return None };
        let latest = self.latest(key.account_id, key.order_id);
        let id = self.pending_case(key.account_id, key.order_id)?;
        if latest.is_some_and(|id| self.orders[&id].open > 0) {
            return None;
        }
        let case = self.cases.get_mut(&id).expect("it is pending");
        case.close(CaseStatus::Withdrawn, self.now);
        let (available, bound_by) = self.room(key.account_id);
        Some(Answer { available, bound_by, ..holding(0) })
    }

    /// Decides the order of a case again; what it holds is new.
    pub(super) fn decide_again(&mut self, id: u64, item: usize) -> Result<Answer> {
        let Case { order, billed, .. } = self.cases[&id].clone();
        if self.latest(billed, order.order_id).is_some_and(|id| self.orders[&id].open > 0) {
            return refuse("OrderAlreadyReserved");
        }
        let signed = self.waiver_for(&order).is_some();
        let channel = std::mem::replace(&mut self.channel, self.cases[&id].channel);
        let answer = self.judge(&order, false, item);
        self.channel = channel;
        let mut answer = answer?;
        if answer.decision == Approved {
            self.after_order(&order, &mut answer, signed);
        }
        Ok(answer)
    }

    pub(super) fn review(&mut self, c: &ReviewCase<'static>) -> Result {
        let (now, who) = (self.now, c.request.id);
        let worth = self.cases.get(&c.case).map(|case| self.worth_of(case)).unwrap_or_default();
        let Some(case) = self.cases.get_mut(&c.case) else { return refuse("CaseNotFound") };
        let signs =
            c.role.is_some_and(|role| [Signer::CreditAnalyst, Signer::Finance].contains(&role));
        let approved = case.status == CaseStatus::Approved;
        match &c.act {
            Act::Comment { .. } => return Ok(vec![]),
            _ if !case.is_pending() || case.expires_at <= now => return refuse("CaseEnded"),
            Act::Reject => {
                let Some(role) = c.role else { return refuse("NotASigner") };
                let signed = case.waiver.as_ref().filter(|signed| now < signed.until);
                let amount = signed.map_or(worth, |signed| signed.most);
                // Those of the second band are of the first too.
                if band(amount, case.level).is_some_and(|(roles, _)| !roles.contains(&role)) {
                    return refuse("NotAuthorised");
                }
                case.close(CaseStatus::Rejected, now);
            }
            _ if approved => return refuse("CaseEnded"),
            Act::Claim { take_over } => {
                if case.claimed_by.is_some_and(|by| by != who) && !take_over {
                    return refuse("CaseClaimed");
                }
                (case.status, case.claimed_by) = (CaseStatus::Claimed, Some(who));
            }
            Act::Escalate if !signs => return refuse("NotASigner"),
            Act::Escalate if case.level > 0 || worth > 50 => {
                return refuse("NothingAbove");
            }
            Act::Escalate => {
                (case.status, case.claimed_by, case.level) = (CaseStatus::Escalated, None, 1);
                case.escalates_at = 0;
            }
            Act::Approve(approve) => return self.sign(c, approve),
        }
        Ok(vec![])
    }

    /// What fits, one after the other, on top of those before.
    pub(super) fn retry(&mut self, c: &RetryCases) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (item, id) in c.cases.iter().enumerate() {
            let waits = self.cases.get(id).is_some_and(|case| match &case.waiver {
                Some(signed) if case.status == CaseStatus::Approved => {
                    self.worth_of(case) <= signed.most
                }
                // It is short of credit and of nothing else.
                _ => case.is_pending() && case.reasons.iter().all(|(code, _)| of_credit(*code)),
            });
            let mut next = self.clone();
            let answer = if waits { next.decide_again(*id, item).ok() } else { None };
            if let Some(answer) = answer.filter(|answer| answer.decision == Approved) {
                *self = next;
                answers.push(answer);
            }
        }
        answers
    }

    /// Escalates, ends and forgets.
    pub(super) fn keep_cases(&mut self, c: &Housekeep) {
        let now = self.now;
        let ended = self.cases.iter().filter(|(_, case)| !case.is_pending());
        let (kept, closed): (Vec<_>, Vec<_>) = ended.partition(|(_, case)| case.kept_at > 0);
        let kept: Vec<_> = kept.into_iter().map(|(id, case)| (case.kept_at, *id)).collect();
        let mut closed: Vec<_> =
            closed.into_iter().map(|(id, case)| (case.closed_at, *id)).collect();
        closed.sort_unstable();
        let surplus =
            closed.len().saturating_sub(c.closed_count_max.try_into().unwrap_or(usize::MAX));
        // By a rate of since then an order may be worth so much that nobody is above its signers.
        let over = |case: &Case| self.worth_of(case) > 50;
        let over: Vec<_> = self.cases.iter().filter(|c| over(c.1)).map(|(id, _)| *id).collect();
        for (id, case) in self.cases.iter_mut().filter(|(_, case)| case.is_pending()) {
            if case.expires_at <= now {
                case.close(CaseStatus::Expired, now);
            } else if case.escalates_at != 0 && case.escalates_at <= now {
                (case.status, case.claimed_by) = (CaseStatus::Escalated, None);
                case.level = if over.contains(id) { case.level } else { 1 };
                case.escalates_at = 0;
            }
        }
        let beyond = closed.drain(..surplus).collect::<Vec<_>>();
        let old = closed.into_iter().chain(kept).filter(|(since, _)| *since < c.closed_before);
        for (_, id) in beyond.into_iter().chain(old) {
            let held = self.cases[&id].reservation.and_then(|id| self.orders.get(&id));
            // As it stood before the clock gave anything back.
            if held.is_some_and(|order| order.open > 0) {
                self.cases.get_mut(&id).expect("it is there").kept_at = now;
            } else {
                self.cases.remove(&id);
            }
        }
        let mut ends: Vec<_> =
            self.delegations.iter().map(|(key, (.., until))| (*until, *key)).collect();
        ends.sort_unstable();
        let surplus =
            ends.len().saturating_sub(c.closed_count_max.try_into().unwrap_or(usize::MAX));
        for (place, (until, key)) in ends.into_iter().enumerate() {
            if until <= now && (place < surplus || until < c.closed_before) {
                self.delegations.remove(&key);
            }
        }
    }
}
