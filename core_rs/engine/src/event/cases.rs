//! What happened to cases.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::counting::Details;
use crate::model::{CaseDetails, CaseId, Signer, Waiver};
use crate::outcome::Reason;
use crate::values::{Id, Micros, Minor, ReservationId, Slot, Text, Ttl};

/// One fact of a case, or of who may sign any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseEvent<'a> {
    /// An order was referred, and waits for a person.
    Opened {
        /// Its id.
        case: CaseId,
        /// What is asked for.
        #[serde(borrow)]
        ask: CaseAsk<'a>,
        /// Who asked for it in the order's case before, if it had one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        askers: Vec<Cow<'a, str>>,
    },
    /// The order of a case was asked for again.
    AskedAgain {
        /// Which.
        case: CaseId,
        /// What is asked for now.
        ask: CaseAsk<'a>,
        /// It is not what was asked before: what was signed does not count for it.
        anew: bool,
    },
    /// Somebody looks into a case.
    Claimed {
        /// Which.
        case: CaseId,
        /// Who.
        by: Cow<'a, str>,
    },
    /// Somebody said something of a case, or how urgent it is.
    Noted {
        /// Which.
        case: CaseId,
        /// Who.
        by: Cow<'a, str>,
        /// What.
        text: Option<Text<'a>>,
        /// How urgent; absent: as it was.
        priority: Option<u8>,
    },
    /// Somebody signed a case.
    Signed {
        /// Which.
        case: CaseId,
        /// Who.
        by: Cow<'a, str>,
        /// With whose authority, where not with their own.
        on_behalf_of: Option<Cow<'a, str>>,
        /// What that authority is.
        role: Signer,
        /// What for.
        waiver: Waiver,
        /// It needs no other signature.
        complete: bool,
    },
    /// Somebody rejected a case.
    Rejected {
        /// Which.
        case: CaseId,
    },
    /// A case was left to those of the next band, by somebody or by the clock.
    Escalated {
        /// Which.
        case: CaseId,
        /// How many bands higher it is to be signed now.
        level: u8,
        /// When the clock does it again; zero: never.
        escalates_at: Micros,
    },
    /// The time of a case, or of its approval, is over.
    Expired {
        /// Which.
        case: CaseId,
    },
    /// The order of a case was asked for again and reserved, or its goods left.
    Used {
        /// Which.
        case: CaseId,
        /// Its reservation.
        reservation: ReservationId,
        /// It was not decided under what was signed; not written where it was.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unsigned: bool,
    },
    /// The order of a case was reserved without being asked for again. reserved += amount.
    Reserved {
        /// Which.
        case: CaseId,
        /// Its reservation.
        reservation: ReservationId,
        /// Whose.
        slot: Slot,
        /// For which order.
        order_id: Cow<'a, str>,
        /// How much of it counts.
        amount: Minor,
        /// Until when.
        expires_at: Micros,
        /// What its order named that few do; absent where it named nothing.
        #[serde(default)]
        details: Option<Box<Details>>,
        /// Through which sales channel it was asked for; empty where it named none, or before that
        /// was kept.
        #[serde(default)]
        channel: Id,
    },
    /// The order of a case was taken back before it was reserved.
    Withdrawn {
        /// Which.
        case: CaseId,
    },
    /// What people said of a case was erased.
    TextsErased {
        /// Which.
        case: CaseId,
    },
    /// A case that ended is kept for another while, since what it approved is still reserved.
    Kept {
        /// Which.
        case: CaseId,
    },
    /// A case that ended was forgotten.
    Forgotten {
        /// Which.
        case: CaseId,
    },
    /// Somebody may sign in another's place; or may no longer, where it has no end.
    Delegated {
        /// Whose authority.
        from: Cow<'a, str>,
        /// Who may sign.
        to: &'a str,
        /// What the authority is.
        role: Signer,
        /// From when until when; absent: no longer.
        during: Option<(Micros, Micros)>,
    },
    /// A delegation that was over was forgotten.
    DelegationForgotten {
        /// Whose authority it was.
        from: Cow<'a, str>,
        /// Who might sign.
        to: Cow<'a, str>,
    },
}

/// What the order of a case asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAsk<'a> {
    /// Whose order.
    pub slot: Slot,
    /// Which.
    #[serde(borrow)]
    pub order_id: &'a str,
    /// How much, in its own currency.
    pub amount: Minor,
    /// How long it is to hold.
    pub ttl: Ttl,
    /// Why it is referred.
    pub reasons: Vec<Reason>,
    /// Through which channel; may be empty.
    pub channel: Cow<'a, str>,
    /// Who asks.
    pub by: Cow<'a, str>,
    /// When the clock escalates the case; zero: never.
    pub escalates_at: Micros,
    /// When the clock ends it.
    pub expires_at: Micros,
    /// What it names that few orders do; not written where it names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<CaseDetails>>,
}
