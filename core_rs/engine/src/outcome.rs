//! What was decided, in full: the stored answer from which a repeat is answered.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::counting::{Counting, Details, Parts, Waiting};
use crate::model::{CaseId, CaseStatus, Reservation};
use crate::policy::PolicyVersion;
use crate::terms::{Plan, Source};
use crate::values::{Currency, Day, Id, Micros, Minor, ProposalId, ReservationId};

mod reason;

pub use reason::{Effect, PRECEDENCE, ReasonCode};

/// The verdict on an order, the strictest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// All of it.
    Approved,
    /// What fitted.
    PartiallyApproved,
    /// A person decides.
    Referred,
    /// None of it.
    Declined,
}

/// Whose rule it is, where it is not the account's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The limit that the account of this id shares with all below it.
    Group(Id),
    /// The cap of the segment of this id.
    Segment(Id),
    /// The hold of this id.
    Hold(Id),
    /// The account of this id, which ordered what another is billed for; and where it is a hold of
    /// its own, that one.
    SoldTo(Id, Option<Id>),
}

impl From<Level> for Whose {
    fn from(level: Level) -> Whose {
        match level {
            Level::Group(id) => Whose::Group(id),
            Level::Segment(id) => Whose::Segment(id),
        }
    }
}

/// A limit that several accounts are held to together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What the account of this id shares with all below it.
    Group(Id),
    /// The cap of the segment of this id.
    Segment(Id),
}

/// One violated rule. Both figures are zero where the rule is a plain yes or no.
///
/// Written with as many of its last fields as say something, so that a reason of an older journal
/// is the same as one of now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reason {
    /// Which rule.
    pub code: ReasonCode,
    /// What was observed.
    pub observed: i64,
    /// What it was held against.
    pub threshold: i64,
    /// Absent where it is the account's own.
    #[serde(default)]
    pub whose: Option<Whose>,
    /// What it leads to, where that is not the code's own.
    #[serde(default)]
    pub effect: Option<Effect>,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reason { code, observed, threshold, whose, effect } = self;
        let fields = match (whose, effect) {
            (_, Some(_)) => 5,
            (Some(_), None) => 4,
            (None, None) => 3,
        };
        let mut reason = serializer.serialize_struct("Reason", fields)?;
        reason.serialize_field("code", code)?;
        reason.serialize_field("observed", observed)?;
        reason.serialize_field("threshold", threshold)?;
        if fields > 3 {
            reason.serialize_field("whose", whose)?;
        }
        if fields > 4 {
            reason.serialize_field("effect", effect)?;
        }
        reason.end()
    }
}

impl Verdict {
    /// What violated rules lead to, where all of it or nothing is approved: a decline beats a
    /// referral, and that a notice.
    #[must_use]
    pub fn decision(reasons: &[Reason]) -> Decision {
        match reasons.iter().map(Reason::effect).max() {
            None | Some(Effect::Notify | Effect::Alert) => Decision::Approved,
            Some(Effect::Refer) => Decision::Referred,
            Some(Effect::Decline | Effect::Hold) => Decision::Declined,
        }
    }
}

impl Reason {
    /// A rule of the account's own.
    #[must_use]
    pub fn own(code: ReasonCode, observed: i64, threshold: i64) -> Reason {
        Reason { code, observed, threshold, whose: None, effect: None }
    }

    /// A rule of the policy's, which says what it leads to.
    #[must_use]
    pub fn of_policy(code: ReasonCode, effect: Effect, observed: i64, threshold: i64) -> Reason {
        let mut reason = Reason::own(code, observed, threshold);
        reason.set_effect(effect);
        reason
    }

    /// What it leads to.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect.unwrap_or(self.code.default_effect())
    }

    /// Has it lead to something else.
    pub fn set_effect(&mut self, effect: Effect) {
        self.effect = Some(effect).filter(|effect| *effect != self.code.default_effect());
    }

    /// Whether the order is not approved for it.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.effect() >= Effect::Refer
    }
}

/// A decision with everything that led to it.
///
/// Written with as many of its last fields as say something, so that a verdict of an older journal
/// is the same as one of now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// Every violated rule, in order of precedence.
    pub reasons: Vec<Reason>,
    /// Where credit or the maximum order amount fell short: what would have fitted, in the order's
    /// currency.
    pub fitting: Option<Minor>,
    /// What is available to the next order under all limits; absent when unlimited.
    pub available: Option<Minor>,
    /// What leaves no more than that; absent where it is the account's own limit, or there is none.
    #[serde(default)]
    pub bound_by: Option<Level>,
    /// Where nothing was approved: what would help. Boxed, for few have one.
    #[serde(default)]
    pub cure: Option<Box<Cure>>,
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Verdict { decision, reasons, fitting, available, bound_by, cure } = self;
        let fields = match (bound_by, cure) {
            (_, Some(_)) => 6,
            (Some(_), None) => 5,
            (None, None) => 4,
        };
        let mut verdict = serializer.serialize_struct("Verdict", fields)?;
        verdict.serialize_field("decision", decision)?;
        verdict.serialize_field("reasons", reasons)?;
        verdict.serialize_field("fitting", fitting)?;
        verdict.serialize_field("available", available)?;
        if fields > 4 {
            verdict.serialize_field("bound_by", bound_by)?;
        }
        if fields > 5 {
            verdict.serialize_field("cure", cure)?;
        }
        verdict.end()
    }
}

/// What would have an order approved, if nothing else changes. At least one of them is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cure {
    /// The invoice whose payment alone would do, the one that is due first where several would.
    pub invoice: Option<CuringInvoice>,
    /// The day from which it fits, if each invoice is paid on its due day.
    pub fits_from: Option<Day>,
}

/// An invoice to be paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CuringInvoice {
    /// Its id.
    pub invoice_id: Id,
    /// What is owed on it.
    pub open: Minor,
}

/// What became of one order.
///
/// Written with as many of its last fields as say something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reserved {
    /// The decision.
    pub verdict: Verdict,
    /// Absent when nothing was reserved.
    pub reservation: Option<ReservationId>,
    /// How much was reserved, in the order's currency.
    pub amount: Minor,
    /// Until when; zero when nothing was reserved.
    pub expires_at: Micros,
    /// The case that it waits in, or under which it was approved.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// How the order counts; absent where it counts as it is, or could not be valued.
    #[serde(default)]
    pub counting: Option<Box<Counting>>,
}

impl Serialize for Reserved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reserved { verdict, reservation, amount, expires_at, case, counting } = self;
        let fields = match (case, counting) {
            (_, Some(_)) => 6,
            (Some(_), None) => 5,
            (None, None) => 4,
        };
        let mut reserved = serializer.serialize_struct("Reserved", fields)?;
        reserved.serialize_field("verdict", verdict)?;
        reserved.serialize_field("reservation", reservation)?;
        reserved.serialize_field("amount", amount)?;
        reserved.serialize_field("expires_at", expires_at)?;
        if fields > 4 {
            reserved.serialize_field("case", case)?;
        }
        if fields > 5 {
            reserved.serialize_field("counting", counting)?;
        }
        reserved.end()
    }
}

impl Reserved {
    /// What counts of it, in the account's currency.
    #[must_use]
    pub fn counted(&self) -> Minor {
        self.counting.as_ref().map_or(self.amount, |counting| counting.worth(self.amount))
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// Which.
    pub case: CaseId,
    /// Whose order.
    pub account_id: Id,
    /// How far it has come.
    pub status: CaseStatus,
    /// How many signatures it still needs.
    pub missing: u8,
    /// What was decided of its order, where that was decided again.
    pub reserved: Option<Reserved>,
    /// Of the order's amounts; not written where nothing was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The order, where it was decided again and not reserved; else not written, for its
    /// reservation says which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Box<CaseOrder>>,
}

/// The order of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOrder {
    /// Which.
    pub order_id: Id,
    /// How much it asks for, in its own currency.
    pub amount: Minor,
}

/// A reservation as it stood after the command, with its ids spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationView {
    /// Its id.
    pub id: ReservationId,
    /// Whose.
    pub account_id: Id,
    /// For which order.
    pub order_id: Id,
    /// The account's.
    pub currency: Currency,
    /// Still held.
    pub open: Minor,
    /// Shipped.
    pub captured: Minor,
    /// Given back by a call.
    pub released: Minor,
    /// Given back by the clock.
    pub expired: Minor,
    /// Until when.
    pub expires_at: Micros,
    /// Since when.
    pub created_at: Micros,
    /// What its order named that few do; not written where it named nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Box<Details>>,
}

impl ReservationView {
    /// A reservation with its account's id spelled out, as answers show it.
    #[must_use]
    pub fn of(reservation: &Reservation, account_id: &Id, currency: Currency) -> ReservationView {
        ReservationView {
            id: reservation.id,
            account_id: account_id.clone(),
            order_id: reservation.order_id.clone(),
            currency,
            open: reservation.open,
            captured: reservation.captured,
            released: reservation.released,
            expired: reservation.expired,
            expires_at: reservation.expires_at,
            created_at: reservation.created_at,
            details: reservation.details.clone(),
        }
    }
}

impl ReservationView {
    /// The order's amounts, in its own currency.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let counting = self.details.as_ref().and_then(|details| details.counting.as_ref());
        let ReservationView { open, captured, released, expired, .. } = *self;
        counting.map_or(Parts { open, captured, released, expired }, |counting| counting.parts)
    }

    /// Moves the order's own amounts, where they are not what counts.
    pub fn move_parts(&mut self, change: &Parts) {
        let counting = self.details.as_mut().and_then(|details| details.counting.as_mut());
        if let Some(counting) = counting {
            counting.parts.add(change);
        }
    }

    /// Of an order that waited: it counts from now on.
    pub fn counts_now(&mut self) {
        let counting = self.details.as_mut().and_then(|details| details.counting.as_mut());
        if let Some(counting) = counting {
            counting.waiting = Waiting::Over;
        }
    }
}

/// When an invoice is due, and by whose terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoiced {
    /// Where its terms come from.
    pub source: Source,
    /// Its dates and amounts.
    pub plan: Plan,
}

/// What became of a command on an existing order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The decision.
    pub verdict: Verdict,
    /// The reservation after it.
    pub reservation: ReservationView,
    /// What this command captured or released, in the order's currency; zero where the ledger had
    /// posted the invoice of a capture already.
    pub amount: Minor,
    /// Force carried a capture past the rules named in the verdict.
    pub breach: bool,
    /// When what was captured is due; not written where no terms say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoiced: Option<Box<Invoiced>>,
}

/// What became of an upsert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upserted {
    /// It is new.
    Created,
    /// It was there, and is different now.
    Updated,
    /// Everything was as it should be. Journalled all the same, so that a repeat of the request
    /// after a later change gets this answer and does not set the old values again.
    Unchanged,
}

/// What became of a proposed limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Its id.
    pub proposal: ProposalId,
    /// The policy approved it of itself: the limit is in force. Else it waits for somebody.
    pub approved: bool,
}

/// What became of a revaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revalued {
    /// Open orders in other currencies that were looked at.
    pub examined: u32,
    /// Those that have another rate now.
    pub revalued: u32,
    /// Those that keep theirs, for there is no rate of today, or what counts would be too much.
    pub kept: u32,
    /// The last one that was looked at, where there are more.
    pub next: Option<ReservationId>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// To [`crate::command::Reserve`].
    Reserved(Reserved),
    /// To [`crate::command::ReserveAll`]: one for each order.
    ReservedAll(Vec<Reserved>),
    /// To adjust, capture and release.
    Changed(Changed),
    /// To an upsert.
    Upserted(Upserted),
    /// To a policy that was put or activated: its version.
    Policy(PolicyVersion),
    /// To a proposal of a limit.
    Proposed(Proposed),
    /// To an upsert whose limit became a proposal.
    UpsertedProposing(Upserted, Proposed),
    /// To a revaluation: how far it came.
    Revalued(Revalued),
    /// To what is done about a case.
    Reviewed(Box<Reviewed>),
    /// To cases that were tried again: one for each order that was reserved.
    Retried(Vec<Reviewed>),
    /// To an erasure: how many entries had texts that go.
    Erased(u64),
    /// To a status, a ledger entry or housekeeping: done.
    Done,
}
