//! Cases: orders that a rule left to a person, until they are signed, rejected or overtaken.

use serde::{Deserialize, Serialize};

use crate::bounds::{CASE_ASKERS_MAX, CASE_COMMENTS_MAX};
use crate::counting::OrderDetails;
use crate::model::{CaseCounts, CaseDetails};
use crate::outcome::{Reason, ReasonCode, Whose};
use crate::values::{Id, Micros, Minor, ReservationId, Slot, Ttl};

/// A case's id: the sequence of the entry that opened it.
pub type CaseId = u64;

/// Who may sign at all. Which of them may sign what, the policy's bands say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "they are the roles of who calls")]
pub enum Signer {
    CreditAnalyst,
    Supervisor,
    Finance,
    Admin,
}

impl Signer {
    /// All of them, by name.
    pub const ALL: [(&'static str, Signer); 4] = [
        ("credit_analyst", Signer::CreditAnalyst),
        ("supervisor", Signer::Supervisor),
        ("finance", Signer::Finance),
        ("admin", Signer::Admin),
    ];

    /// The one of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Signer> {
        Signer::ALL.iter().find(|(known, _)| *known == name).map(|(_, signer)| *signer)
    }

    /// As roles are named everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        Signer::ALL[self as usize].0
    }
}

/// How far a case has come; numbers as in the wire contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Nobody has taken it.
    Open = 1,
    /// Somebody looks into it.
    Claimed = 2,
    /// It waits for those of a higher band.
    Escalated = 3,
    /// It is signed, and its order is not reserved yet.
    Approved = 4,
    /// Its order is reserved.
    Used = 5,
    /// Somebody said no.
    Rejected = 6,
    /// Its time, or that of its approval, is over.
    Expired = 7,
    /// Its order was taken back.
    Withdrawn = 8,
}

impl CaseStatus {
    /// As messages and commands name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CaseStatus::Open => "open",
            CaseStatus::Claimed => "claimed",
            CaseStatus::Escalated => "escalated",
            CaseStatus::Approved => "approved",
            CaseStatus::Used => "used",
            CaseStatus::Rejected => "rejected",
            CaseStatus::Expired => "expired",
            CaseStatus::Withdrawn => "withdrawn",
        }
    }
}

/// A reason that an approval waives, by what names it: neither figure counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Which rule.
    pub code: ReasonCode,
    /// Whose; none: the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<Whose>,
}

impl Waived {
    /// Whether this is the rule that was violated.
    #[must_use]
    pub fn is_of(&self, reason: &Reason) -> bool {
        self.code == reason.code && self.whose == reason.whose
    }
}

/// What those who sign agree to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Which reasons no longer stand in the way.
    pub waived: Vec<Waived>,
    /// Of an order that is worth at most so much, in the currency of the account that is billed.
    pub amount: Minor,
    /// Before this moment.
    pub until: Micros,
}

impl Waiver {
    /// Whether a reason no longer stands in the way.
    #[must_use]
    pub fn covers(&self, reason: &Reason) -> bool {
        self.waived.iter().any(|waived| waived.is_of(reason))
    }
}

/// One person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who signed.
    pub by: Id,
    /// With whose authority, where not with their own.
    pub on_behalf_of: Option<Id>,
    /// What that authority is.
    pub role: Signer,
    /// When.
    pub at: Micros,
}

/// What somebody said of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who.
    pub by: Id,
    /// When.
    pub at: Micros,
    /// Absent once erased.
    pub text: Option<Box<str>>,
}

/// An order that was referred, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Unique in the store.
    pub id: CaseId,
    /// Whose order.
    pub slot: Slot,
    /// Which.
    pub order_id: Id,
    /// How much it asks for, in its own currency.
    pub amount: Minor,
    /// How long it is to hold, from when it is reserved.
    pub ttl: Ttl,
    /// What it names that few orders do.
    pub asked: Option<Box<CaseDetails>>,
    /// Why it was referred, as of when it was last asked.
    pub reasons: Vec<Reason>,
    /// Through which channel; may be empty.
    pub channel: Id,
    /// Everybody who asked for it: none of them may sign.
    pub asked_by: Vec<Id>,
    /// Since when.
    pub opened_at: Micros,
    /// How far it has come.
    pub status: CaseStatus,
    /// The higher the more urgent, from 0 to 9.
    pub priority: u8,
    /// How often it was escalated: so many bands higher it is to be signed.
    pub level: u8,
    /// When the clock escalates it; zero: never.
    pub escalates_at: Micros,
    /// When the clock ends it.
    pub expires_at: Micros,
    /// Who looks into it.
    pub claimed_by: Option<Id>,
    /// What the signatures are for; there are none without it.
    pub waiver: Option<Waiver>,
    /// In order.
    pub signatures: Vec<Signature>,
    /// In order.
    pub comments: Vec<Comment>,
    /// What its order holds.
    pub reservation: Option<ReservationId>,
    /// When it ended; zero while it has not.
    pub closed_at: Micros,
    /// How often its order was asked for otherwise than before, so that it began anew.
    #[serde(default)]
    pub revision: u32,
    /// When it was last kept for another while, after it ended; zero: never.
    #[serde(default)]
    pub kept_at: Micros,
}

impl Case {
    /// Whether anything may still come of it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        use CaseStatus::{Expired, Rejected, Used, Withdrawn};
        !matches!(self.status, Used | Rejected | Expired | Withdrawn)
    }

    /// Whether it waits for signatures.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.is_pending() && self.status != CaseStatus::Approved
    }

    /// The next moment at which the clock has something to do with a pending one.
    #[must_use]
    pub fn due_at(&self) -> Micros {
        match self.escalates_at {
            0 => self.expires_at,
            at => at.min(self.expires_at),
        }
    }

    /// Whether its order is to be reserved as soon as it fits: it is signed, or short of credit and
    /// of nothing else.
    #[must_use]
    pub fn waits_for_credit(&self) -> bool {
        let short = |reason: &Reason| reason.code.is_of_credit() || !reason.blocks();
        match (self.status, &self.waiver) {
            // What one in another currency is worth changes with the rates.
            (CaseStatus::Approved, Some(_)) if self.is_converted() => true,
            (CaseStatus::Approved, Some(waiver)) => self.amount <= waiver.amount,
            _ => self.is_pending() && self.reasons.iter().all(short),
        }
    }

    /// What was signed, while it holds.
    #[must_use]
    pub fn waiver_at(&self, now: Micros) -> Option<&Waiver> {
        self.waiver.as_ref().filter(|waiver| now < waiver.until)
    }

    /// Who signed what holds at `now`: signatures that are over count for nothing.
    #[must_use]
    pub fn signatures_at(&self, now: Micros) -> &[Signature] {
        if self.waiver_at(now).is_some() { &self.signatures } else { &[] }
    }

    /// What no longer stands in the way of an order at `now` that names this and is worth so much,
    /// in the currency of the account that is billed.
    #[must_use]
    pub fn waiver_for(
        &self,
        worth: Minor,
        asked: Option<&CaseDetails>,
        now: Micros,
    ) -> Option<&Waiver> {
        let waiver = self.waiver_at(now).filter(|_| self.status == CaseStatus::Approved)?;
        (worth <= waiver.amount && self.asks_for(asked)).then_some(waiver)
    }

    /// Whether its order names the same.
    #[must_use]
    pub fn asks_for(&self, asked: Option<&CaseDetails>) -> bool {
        CaseDetails::is_same(self.asked.as_deref(), asked)
    }

    /// What its order names that few do, as it would be asked for again; `billed` is the account's.
    #[must_use]
    pub fn asks<'a>(&'a self, billed: &'a str) -> Option<OrderDetails<'a>> {
        self.asked.as_ref().map(|asked| asked.asks(billed))
    }

    /// How its order counts; `None`: as it is.
    #[must_use]
    pub fn counts(&self) -> Option<&CaseCounts> {
        self.asked.as_ref()?.counts.as_ref()
    }

    /// All of its order in the currency of the account that is billed, as of when it was last asked
    /// for.
    #[must_use]
    pub fn worth(&self) -> Minor {
        self.counts().map_or(self.amount, |counts| counts.worth)
    }

    /// Whether its order is in another currency than the account that is billed.
    #[must_use]
    pub fn is_converted(&self) -> bool {
        self.counts().is_some_and(|counts| counts.currency.is_some())
    }

    /// Notes who asked for the order.
    pub fn note_asker(&mut self, by: &str) {
        if !self.asked_by.iter().any(|known| known == by) {
            debug_assert!(self.asked_by.len() < CASE_ASKERS_MAX, "decide bounds them");
            self.asked_by.push(by.into());
        }
    }

    /// Adds what somebody said; beyond the bound the oldest goes.
    pub fn note(&mut self, comment: Comment) {
        if self.comments.len() >= CASE_COMMENTS_MAX {
            self.comments.remove(0);
        }
        self.comments.push(comment);
    }

    /// Ends it with its order reserved. Where that was not decided under what is signed, of which
    /// something may be missing or over, nothing of it stands for the order.
    pub fn reserved(&mut self, reservation: ReservationId, under_waiver: bool, now: Micros) {
        let approved = self.status == CaseStatus::Approved && self.waiver_at(now).is_some();
        if !(under_waiver && approved) {
            (self.waiver, self.signatures) = (None, Vec::new());
        }
        self.reservation = Some(reservation);
        self.close(CaseStatus::Used, now);
    }

    /// Ends it.
    pub fn close(&mut self, status: CaseStatus, now: Micros) {
        self.status = status;
        self.closed_at = now;
    }
}

/// One person's authority in another's hands, for a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Whose authority.
    pub from: Id,
    /// Who may sign with it.
    pub to: Id,
    /// What it is: the role that `from` had when they delegated.
    pub role: Signer,
    /// From this moment on.
    pub first: Micros,
    /// Before this moment.
    pub until: Micros,
}

impl Delegation {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Micros) -> bool {
        (self.first..self.until).contains(&now)
    }
}
