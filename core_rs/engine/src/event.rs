//! What happened: the facts that `decide` finds and `apply` adds up. The journal holds them, so a
//! replay never decides again.
//!
//! On disk an event is a msgpack map of one pair: its name and an array of its fields in the order
//! of declaration. A last field that says nothing is left out.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::counting::{Details, Parts};
use crate::model::{Findings, HoldKind, Status, TemporaryLimitKind};
use crate::policy::PolicyVersion;
use crate::rates::Quote;
use crate::terms::{Assignee, CalendarSpec, InvoiceDates, TermsSpec};
use crate::values::{
    CalendarIndex, Currency, Day, Limit, Micros, Minor, ProposalId, ReservationId, SegmentIndex,
    Slot, TermsIndex, Text,
};

mod adjustments;
mod cases;

pub use adjustments::AdjustmentsEvent;
pub use cases::{CaseAsk, CaseEvent};

/// One fact. Amounts are in minor units of the account's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event<'a> {
    /// An account was opened (its slot is new) or changed: all of it but status and counters.
    AccountSet {
        /// Its place.
        slot: Slot,
        /// Its id.
        #[serde(borrow)]
        account_id: &'a str,
        /// Its currency.
        currency: Currency,
        /// The account above.
        parent: Option<Slot>,
        /// Its segment.
        segment: Option<SegmentIndex>,
        /// Its own limit.
        limit: Limit,
        /// Largest total of one order; zero: none.
        max_order: Minor,
        /// For people; absent: keep the name that it has; `Some(None)`: it has none any more.
        #[serde(with = "crate::values::set_or_remove")]
        name: Option<Option<Text<'a>>>,
        /// The most that it and all accounts below it may owe together; not written where there
        /// is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shared_limit: Option<Minor>,
    },
    /// An account was suspended, reinstated or closed.
    StatusSet {
        /// Which.
        slot: Slot,
        /// From now on.
        status: Status,
        /// Why.
        reason: Option<Text<'a>>,
    },
    /// A hold was placed, or another put in its place.
    HoldPlaced {
        /// Whose.
        slot: Slot,
        /// Its id.
        hold_id: &'a str,
        /// Who refuses.
        kind: HoldKind,
        /// The system or person that it comes from.
        source: &'a str,
        /// When it ends by itself.
        until: Option<Micros>,
        /// Why.
        reason: Option<Text<'a>>,
    },
    /// A hold was lifted. One that ends by itself leaves no event.
    HoldLifted {
        /// Whose.
        slot: Slot,
        /// Which.
        hold_id: &'a str,
    },
    /// A limit for some days was set, or another put in its place.
    TemporaryLimitSet {
        /// Whose.
        slot: Slot,
        /// Its id.
        limit_id: &'a str,
        /// What it does.
        kind: TemporaryLimitKind,
        /// How much.
        amount: Minor,
        /// From this day on.
        first: Day,
        /// Until this day, included.
        last: Day,
    },
    /// A limit for some days was removed. One that ends by itself leaves no event.
    TemporaryLimitRemoved {
        /// Whose.
        slot: Slot,
        /// Which.
        limit_id: &'a str,
    },
    /// A hard cap was set, or another, or over how many days exposure is averaged.
    RollingLimitSet {
        /// Whose.
        slot: Slot,
        /// The most that exposure may reach at any moment.
        hard_cap: Minor,
        /// Whole days, beside today.
        days: u16,
        /// What the account owes now: a record that begins begins with it.
        exposure: Minor,
    },
    /// A hard cap was removed, and the record with it.
    RollingLimitRemoved {
        /// Whose.
        slot: Slot,
    },
    /// What other events of the entry change of the exposure of an account that is averaged.
    AverageMoved {
        /// Whose.
        slot: Slot,
        /// By how much.
        amount: Minor,
    },
    /// What a third party found out about a customer was kept.
    VerificationRecorded {
        /// Of which account.
        slot: Slot,
        /// The third party's name for it.
        reference: &'a str,
        /// Who it is.
        source: &'a str,
        /// Of which day it is.
        date: Day,
        /// How good the customer is.
        score: Option<i64>,
        /// SHA-256 of the document.
        #[serde(with = "serde_bytes")]
        document: Option<[u8; 32]>,
        /// Who recorded it.
        by: &'a str,
    },
    /// A limit was proposed, in the place of the one that its proposer had waiting.
    LimitProposed {
        /// Whose.
        slot: Slot,
        /// Its id.
        proposal: ProposalId,
        /// The limit.
        limit: Limit,
        /// The reference of the verification that it stands on.
        verification: Option<&'a str>,
        /// Who proposed it.
        by: &'a str,
        /// Why.
        reason: Option<Text<'a>>,
    },
    /// A limit was approved, and is in force from now on.
    LimitApproved {
        /// Whose.
        slot: Slot,
        /// Which proposal it was; none: whoever owns limits set it.
        proposal: Option<ProposalId>,
        /// The limit.
        limit: Limit,
        /// The reference of the verification that it stands on; owned where a proposal of before
        /// named it.
        verification: Option<Cow<'a, str>>,
        /// Who approved it; absent: the policy, of itself.
        by: Option<&'a str>,
        /// The last limit that somebody set, where the policy approved this one.
        base: Option<Minor>,
    },
    /// A proposal was turned down, or taken back. Moves nothing.
    ProposalClosed {
        /// Whose limit it was about.
        slot: Slot,
        /// Which.
        proposal: ProposalId,
    },
    /// The account's name, and the reasons of its status, holds and proposals, were erased.
    TextsErased {
        /// Which.
        slot: Slot,
    },
    /// A segment was created (its index is new), or its default limit or its cap changed.
    SegmentSet {
        /// Its place.
        segment: SegmentIndex,
        /// Its id.
        segment_id: &'a str,
        /// For accounts of this currency.
        currency: Currency,
        /// The default; absent: it has none.
        limit: Option<Limit>,
        /// The most that all its accounts of this currency may owe together; not written where
        /// there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cap: Option<Minor>,
    },
    /// Payment terms were created (their index is new) or set anew.
    TermsSet {
        /// Their place.
        terms: TermsIndex,
        /// Their name.
        terms_id: &'a str,
        /// Which days are worked; none: all are.
        calendar: Option<CalendarIndex>,
        /// What they say.
        spec: TermsSpec,
    },
    /// A calendar was created (its index is new) or set anew.
    CalendarSet {
        /// Its place.
        calendar: CalendarIndex,
        /// Its name.
        calendar_id: &'a str,
        /// Its days.
        spec: CalendarSpec,
    },
    /// Payment terms were assigned, or taken away.
    TermsAssigned {
        /// To whom.
        assignee: Assignee,
        /// Which; none: there are none any more.
        terms: Option<TermsIndex>,
    },
    /// A version of the policy was put.
    PolicyPut {
        /// The next one.
        version: PolicyVersion,
        /// As it was written.
        text: &'a str,
        /// Who.
        by: Cow<'a, str>,
    },
    /// A version of the policy came into force.
    PolicyActivated {
        /// Which.
        version: PolicyVersion,
        /// The one in force before; absent: the rules that are built in.
        retired: Option<PolicyVersion>,
        /// Who.
        by: Cow<'a, str>,
    },
    /// A version of the policy is tried beside the one in force, or none any more.
    PolicyShadowed {
        /// Which was until now.
        was: Option<PolicyVersion>,
        /// Which is from now on.
        version: Option<PolicyVersion>,
    },
    /// Something was shipped or billed to an account for the first time since a policy asks for it.
    FirstBilled {
        /// Whose.
        slot: Slot,
    },
    /// Orders of an account were approved, or grew, while a policy counts them.
    OrdersCounted {
        /// Whose.
        slot: Slot,
        /// How long the parts are in which they are counted, in microseconds.
        part: Micros,
        /// How many new ones.
        orders: u32,
        /// Of how much, with what grew.
        amount: Minor,
    },
    /// What was counted of an account's orders is in no window any more.
    OrdersForgotten {
        /// Whose.
        slot: Slot,
    },
    /// An account rose into a band of utilisation, or fell out of it.
    UtilisationCrossed {
        /// Whose.
        slot: Slot,
        /// Where the band begins, in percent of the limit.
        percent: u16,
        /// The band in which it is now; the same one where it rose, zero where it is in none.
        level: u16,
        /// The policy whose bands those are.
        version: PolicyVersion,
    },
    /// In which band of utilisation an account was found that moved under other bands than before,
    /// and crossed none.
    UtilisationTaken {
        /// Whose.
        slot: Slot,
        /// Zero where it is in none.
        level: u16,
        /// The policy whose bands those are.
        version: PolicyVersion,
    },
    /// Something of a case.
    Case(CaseEvent<'a>),
    /// An order was approved. reserved += amount.
    Reserved {
        /// Its id.
        reservation: ReservationId,
        /// Whose.
        slot: Slot,
        /// For which order.
        order_id: &'a str,
        /// How much.
        amount: Minor,
        /// Until when.
        expires_at: Micros,
        /// What its order named that few do; absent where it named nothing.
        #[serde(default)]
        details: Option<Box<Details>>,
        /// Through which sales channel; empty where it named none, or before that was kept.
        #[serde(default)]
        channel: &'a str,
    },
    /// An order grew, or was opened again. reserved += amount.
    Grown {
        /// Which.
        reservation: ReservationId,
        /// By how much.
        amount: Minor,
    },
    /// A shipment. reserved -= amount, captured += amount.
    Captured {
        /// Of which order.
        reservation: ReservationId,
        /// On which invoice.
        invoice_id: &'a str,
        /// How much.
        amount: Minor,
        /// When it is due by its terms; not written where it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dates: Option<InvoiceDates>,
    },
    /// A shipment whose invoice stands in outstanding already. reserved -= amount.
    Billed {
        /// Of which order.
        reservation: ReservationId,
        /// On which invoice.
        invoice_id: &'a str,
        /// How much; zero when nothing was open any more.
        amount: Minor,
        /// The ledger told of it before any `Capture` call did.
        by_ledger: bool,
    },
    /// A `Capture` call named what the ledger had told of before. Moves nothing.
    Acknowledged {
        /// Which order.
        reservation: ReservationId,
        /// Which invoice.
        invoice_id: &'a str,
    },
    /// Given back by a call. reserved -= amount.
    Released {
        /// Which.
        reservation: ReservationId,
        /// How much.
        amount: Minor,
    },
    /// Given back by the clock. reserved -= amount.
    Expired {
        /// Which.
        reservation: ReservationId,
        /// All that was open.
        amount: Minor,
    },
    /// A new time to hold.
    ExpirySet {
        /// Which.
        reservation: ReservationId,
        /// Until when.
        expires_at: Micros,
    },
    /// Goods left against the rules. Moves nothing.
    Breached {
        /// Which order.
        reservation: ReservationId,
        /// By how much the capture went beyond what was reserved.
        amount: Minor,
    },
    /// The ledger posted what had been captured under this invoice. captured -= amount.
    Claimed {
        /// Whose.
        slot: Slot,
        /// Which invoice.
        invoice_id: &'a str,
        /// All that was captured under it.
        amount: Minor,
    },
    /// The ledger posted an invoice or an opening item. outstanding += amount.
    ItemPosted {
        /// Whose.
        slot: Slot,
        /// Which invoice.
        invoice_id: &'a str,
        /// How much, signed.
        amount: Minor,
        /// The order that it bills, where known.
        order_id: Option<&'a str>,
        /// Invoice date, where known; else the one that a capture found stays.
        issued: Option<Day>,
        /// Due date, the ledger's or by its terms; where neither is known, what a capture found
        /// stays.
        due: Option<Day>,
        /// How many days after its due date it is not yet overdue, by its terms; zero, and not
        /// written: what a capture found stays.
        #[serde(default, skip_serializing_if = "crate::values::is_zero")]
        grace_days: u16,
    },
    /// A payment, credit or adjustment on one invoice. outstanding += amount.
    ItemMoved {
        /// Whose.
        slot: Slot,
        /// Which invoice; it may not have arrived yet.
        invoice_id: &'a str,
        /// How much, signed.
        amount: Minor,
    },
    /// A payment, credit, adjustment or opening balance on no invoice. outstanding += amount.
    UnallocatedMoved {
        /// Whose.
        slot: Slot,
        /// How much, signed.
        amount: Minor,
    },
    /// An order's own amounts moved, where others count: the events before this one move those.
    OrderMoved {
        /// Which.
        reservation: ReservationId,
        /// By how much each, in the order's currency.
        change: Parts,
    },
    /// The day of shipping of an order came near: it counts from now on. reserved += amount.
    Counted {
        /// Which.
        reservation: ReservationId,
        /// What counts of it, in the account's currency.
        amount: Minor,
    },
    /// An open order in another currency was valued at another rate. reserved += amount.
    Revalued {
        /// Which.
        reservation: ReservationId,
        /// By how much what counts of it changed, signed, in the account's currency.
        amount: Minor,
        /// From now on.
        quote: Quote,
        /// As in [`crate::rates::Exchange`].
        inverted: bool,
    },
    /// A rate was set.
    RateSet {
        /// One unit of this currency is worth
        base: Currency,
        /// so many of this.
        currency: Currency,
        /// How many, by whom, when.
        quote: Quote,
    },
    /// The ledger said how much of an invoice is disputed. Moves no counter.
    ItemDisputed {
        /// Whose.
        slot: Slot,
        /// Which; it may not have arrived yet.
        invoice_id: &'a str,
        /// From now on, of the whole invoice, whatever is open of it; zero: none of it.
        amount: Minor,
    },
    /// A source told something: its stream has been taken up to here, which may be where it stood.
    SourceMoved {
        /// Which system.
        source: &'a str,
        /// The highest position seen.
        position: u64,
    },
    /// A source's ledger was held against the book: which, and what was found.
    Reconciled(&'a str, Findings),
    /// Something of adjustments that somebody proposed.
    Adjustments(AdjustmentsEvent<'a>),
    /// A closed reservation was forgotten.
    ReservationForgotten {
        /// Which.
        reservation: ReservationId,
    },
    /// A settled invoice was forgotten.
    ItemForgotten {
        /// Whose.
        slot: Slot,
        /// Which; owned where the clock decides, for no command names it.
        #[serde(borrow)]
        invoice_id: Cow<'a, str>,
    },
}
