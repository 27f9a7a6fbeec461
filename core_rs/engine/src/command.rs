//! What callers ask for, decoded and validated. A journal entry holds the whole command.
//!
//! On disk a command is a msgpack map of one pair: its name and an array of its fields in the order
//! of declaration. New fields are added at the end, with a default.

use serde::{Deserialize, Serialize};

use crate::model::Status;
use crate::terms::{AskedTerms, CalendarSpec, TermsSpec};
use crate::values::{Currency, Day, Limit, Micros, Minor, ReservationId, Seq, Text, Ttl};

mod conditions;

pub use conditions::{
    LiftHold, PlaceHold, RemoveRollingLimit, RemoveTemporaryLimit, SetRollingLimit,
    SetTemporaryLimit,
};

/// One thing to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command<'a> {
    /// Decide an order and reserve its amount.
    #[serde(borrow)]
    Reserve(Reserve<'a>),
    /// Decide several orders and reserve all or none.
    ReserveAll(ReserveAll<'a>),
    /// Set an order's total.
    Adjust(Adjust<'a>),
    /// Turn reserved into captured.
    Capture(CaptureOrder<'a>),
    /// Give back what is reserved.
    Release(Release<'a>),
    /// Open an account or change it.
    UpsertAccount(UpsertAccount<'a>),
    /// Create a segment or change its default limit.
    UpsertSegment(UpsertSegment<'a>),
    /// Suspend, reinstate or close an account.
    SetStatus(SetStatus<'a>),
    /// Refuse new orders of an account until the hold is lifted or ends.
    PlaceHold(PlaceHold<'a>),
    /// End a hold.
    LiftHold(LiftHold<'a>),
    /// Have another limit, or more of it, for some days.
    SetTemporaryLimit(SetTemporaryLimit<'a>),
    /// End it.
    RemoveTemporaryLimit(RemoveTemporaryLimit<'a>),
    /// Let an account peak, up to a hard cap.
    SetRollingLimit(SetRollingLimit<'a>),
    /// End that.
    RemoveRollingLimit(RemoveRollingLimit<'a>),
    /// Create payment terms or set them anew.
    UpsertTerms(UpsertTerms<'a>),
    /// Create a calendar or set it anew.
    UpsertCalendar(UpsertCalendar<'a>),
    /// Assign payment terms.
    AssignTerms(AssignTerms<'a>),
    /// Take one movement from the ledger.
    Post(Post<'a>),
    /// Erase what people wrote about an account.
    EraseTexts(EraseTexts<'a>),
    /// Give back what has expired, forget what has long been closed. Issued by the clock alone.
    Housekeep(Housekeep),
}

/// By what name a repeat of a command is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// The caller's request id and the row of a bulk call.
    Request(RequestKey<'a>),
    /// The source's id of a ledger entry.
    Entry {
        /// The system it comes from.
        source: &'a str,
        /// Its id there.
        entry_id: &'a str,
    },
    /// Nobody repeats it.
    None,
}

impl<'a> Command<'a> {
    /// By what name a repeat is known.
    #[must_use]
    pub fn identity(&self) -> Identity<'a> {
        match self {
            Command::Reserve(command) => Identity::Request(command.request),
            Command::ReserveAll(command) => Identity::Request(command.request),
            Command::Adjust(command) => Identity::Request(command.request),
            Command::Capture(command) => Identity::Request(command.request),
            Command::Release(command) => Identity::Request(command.request),
            Command::UpsertAccount(command) => Identity::Request(command.request),
            Command::UpsertSegment(command) => Identity::Request(command.request),
            Command::SetStatus(command) => Identity::Request(command.request),
            Command::PlaceHold(command) => Identity::Request(command.request),
            Command::LiftHold(command) => Identity::Request(command.request),
            Command::SetTemporaryLimit(command) => Identity::Request(command.request),
            Command::RemoveTemporaryLimit(command) => Identity::Request(command.request),
            Command::SetRollingLimit(command) => Identity::Request(command.request),
            Command::RemoveRollingLimit(command) => Identity::Request(command.request),
            Command::UpsertTerms(command) => Identity::Request(command.request),
            Command::UpsertCalendar(command) => Identity::Request(command.request),
            Command::AssignTerms(command) => Identity::Request(command.request),
            Command::EraseTexts(command) => Identity::Request(command.request),
            Command::Post(command) => {
                Identity::Entry { source: command.source, entry_id: command.entry_id }
            }
            Command::Housekeep(_) => Identity::None,
        }
    }

    /// As the journal names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Command::Reserve(_) => "reserve",
            Command::ReserveAll(_) => "reserve_all",
            Command::Adjust(_) => "adjust",
            Command::Capture(_) => "capture",
            Command::Release(_) => "release",
            Command::UpsertAccount(_) => "upsert_account",
            Command::UpsertSegment(_) => "upsert_segment",
            Command::SetStatus(_) => "set_status",
            Command::PlaceHold(_) => "place_hold",
            Command::LiftHold(_) => "lift_hold",
            Command::SetRollingLimit(_) => "set_rolling_limit",
            Command::RemoveRollingLimit(_) => "remove_rolling_limit",
            Command::SetTemporaryLimit(_) => "set_temporary_limit",
            Command::RemoveTemporaryLimit(_) => "remove_temporary_limit",
            Command::UpsertTerms(_) => "upsert_terms",
            Command::UpsertCalendar(_) => "upsert_calendar",
            Command::AssignTerms(_) => "assign_terms",
            Command::Post(_) => "post",
            Command::EraseTexts(_) => "erase_texts",
            Command::Housekeep(_) => "housekeep",
        }
    }

    /// The accounts that it names; none where it names a reservation by its own id.
    #[must_use]
    pub fn accounts(&self) -> Vec<&'a str> {
        let of_target = |target: &Target<'a>| match *target {
            Target::Id(_) => Vec::new(),
            Target::Order(OrderKey { account_id, .. }) => vec![account_id],
        };
        match self {
            Command::Reserve(command) => vec![command.order.account_id],
            Command::ReserveAll(command) => {
                command.orders.iter().map(|order| order.account_id).collect()
            }
            Command::Adjust(command) => of_target(&command.target),
            Command::Capture(command) => of_target(&command.target),
            Command::Release(command) => of_target(&command.target),
            Command::UpsertAccount(command) => vec![command.account_id],
            Command::SetStatus(command) => vec![command.account_id],
            Command::PlaceHold(command) => vec![command.account_id],
            Command::LiftHold(command) => vec![command.account_id],
            Command::SetRollingLimit(command) => vec![command.account_id],
            Command::RemoveRollingLimit(command) => vec![command.account_id],
            Command::SetTemporaryLimit(command) => vec![command.account_id],
            Command::RemoveTemporaryLimit(command) => vec![command.account_id],
            Command::Post(command) => vec![command.account_id],
            Command::EraseTexts(command) => vec![command.account_id],
            Command::AssignTerms(command) => match command.scope {
                TermsScope::Segment(_) => Vec::new(),
                TermsScope::Account(account_id) | TermsScope::Contract { account_id, .. } => {
                    vec![account_id]
                }
            },
            Command::UpsertSegment(_)
            | Command::UpsertTerms(_)
            | Command::UpsertCalendar(_)
            | Command::Housekeep(_) => Vec::new(),
        }
    }

    /// Whether `other`, of the same identity, asks for the same. A ledger entry that comes again
    /// at another position of its source's stream is the same entry; an erasure that comes again
    /// finds other texts, or none.
    #[must_use]
    pub fn is_repeat_of(&self, other: &Command<'_>) -> bool {
        match (self, other) {
            (Command::Post(mine), Command::Post(theirs)) => {
                *mine == Post { position: mine.position, ..theirs.clone() }
            }
            (Command::EraseTexts(mine), Command::EraseTexts(theirs)) => {
                (mine.request, mine.account_id) == (theirs.request, theirs.account_id)
            }
            _ => self == other,
        }
    }
}

/// A request id, and which row of which call this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey<'a> {
    /// As the caller gave it.
    pub id: &'a str,
    /// Row of a bulk call; 0 for a call of one.
    pub row: u32,
    /// Digest of the whole bulk call, so that no other call can go by its id even where their rows
    /// do not meet, for as long as its first row is remembered; 0 for a call of one.
    pub call: u64,
}

/// An order to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is ordered.
    pub order: Order<'a>,
    /// Reserve what fits when not all does.
    pub allow_partial: bool,
}

/// Several orders to decide together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveAll<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// In the order in which they are decided.
    pub orders: Vec<Order<'a>>,
}

/// An order's claim on credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order<'a> {
    /// Who orders.
    pub account_id: &'a str,
    /// Unique per account among open reservations.
    pub order_id: &'a str,
    /// Greater than zero.
    pub amount: Minor,
    /// Must be the account's.
    pub currency: Currency,
    /// How long the reservation holds.
    pub ttl: Ttl,
    /// What it names of payment terms; not written where it names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<AskedTerms<'a>>,
}

/// Which reservation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target<'a> {
    /// By its own id.
    Id(ReservationId),
    /// The latest one of an order.
    #[serde(borrow)]
    Order(OrderKey<'a>),
}

/// An order by its account and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey<'a> {
    /// Who ordered.
    pub account_id: &'a str,
    /// Unique per account among open reservations.
    pub order_id: &'a str,
}

/// A new total for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjust<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Whose total.
    pub target: Target<'a>,
    /// Captured and open together; not negative.
    pub total: Minor,
    /// A new time to hold, from now, where the caller asked for one or the old one is over.
    pub ttl: Ttl,
}

/// A shipment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureOrder<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is shipped.
    pub target: Target<'a>,
    /// Greater than zero; absent: all that is open.
    pub amount: Option<Minor>,
    /// The invoice that the ledger will post.
    pub invoice_id: &'a str,
    /// Release what stays open.
    pub last: bool,
    /// The goods have left already.
    pub forced: bool,
    /// The day of the invoice; absent: the day of the capture. Not written where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Day>,
}

/// A cancellation of an order, or of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// What is cancelled.
    pub target: Target<'a>,
    /// Greater than zero; absent: all that is open.
    pub amount: Option<Minor>,
}

/// An account's fields to set; absent ones keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertAccount<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account.
    pub account_id: &'a str,
    /// For people; `Some(None)` removes it.
    #[serde(with = "crate::values::set_or_remove")]
    pub name: Option<Option<Text<'a>>>,
    /// Required for a new account, fixed after.
    pub currency: Option<Currency>,
    /// The account above; `Some("")` removes it.
    pub parent_id: Option<&'a str>,
    /// The segment; `Some("")` removes it.
    pub segment_id: Option<&'a str>,
    /// The account's own limit.
    pub limit: Option<Limit>,
    /// Largest total of one order; zero removes it.
    pub max_order: Option<Minor>,
    /// The most that it and all accounts below it may owe together; `Some(None)` removes it. Not
    /// written where it is left alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values::set_or_remove"
    )]
    pub shared_limit: Option<Option<Minor>>,
}

/// A segment's default limit and cap in one currency; absent ones keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertSegment<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which segment.
    pub segment_id: &'a str,
    /// For accounts of this currency.
    pub currency: Currency,
    /// Never of kind inherit.
    pub limit: Option<Limit>,
    /// The most that all its accounts of this currency may owe together; `Some(None)` removes it.
    /// Not written where it is left alone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::values::set_or_remove"
    )]
    pub cap: Option<Option<Minor>>,
}

/// A new status of an account. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetStatus<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account.
    pub account_id: &'a str,
    /// From now on.
    pub status: Status,
}

/// Payment terms under a name, all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertTerms<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Their name.
    pub terms_id: &'a str,
    /// Which days are worked; none: all are.
    pub calendar_id: Option<&'a str>,
    /// What they say.
    pub spec: TermsSpec,
}

/// A calendar, all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertCalendar<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Its name.
    pub calendar_id: &'a str,
    /// Its days.
    pub spec: CalendarSpec,
}

/// To whom terms are to be assigned, by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsScope<'a> {
    /// To each account of a segment.
    Segment(&'a str),
    /// To an account.
    Account(&'a str),
    /// To the orders of an account that name this contract.
    Contract {
        /// Whose.
        account_id: &'a str,
        /// Which.
        contract_id: &'a str,
    },
}

/// Payment terms for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignTerms<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// For whom.
    pub scope: TermsScope<'a>,
    /// Which; absent: none any more.
    pub terms_id: Option<&'a str>,
}

/// What people wrote about an account, its name and reasons, is to go. Why stands in the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseTexts<'a> {
    /// The caller's name for this request.
    #[serde(borrow)]
    pub request: RequestKey<'a>,
    /// Which account.
    pub account_id: &'a str,
    /// The entries whose texts go, in order, as the server has found them.
    pub entries: Vec<Seq>,
}

/// What kind of movement the ledger reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Raises outstanding; claims what was captured or reserved for it.
    Invoice,
    /// Lowers outstanding.
    Payment,
    /// Lowers outstanding.
    CreditMemo,
    /// Changes outstanding by a signed amount.
    Adjustment,
    /// An open item from before the service started, signed.
    OpeningBalance,
}

/// One movement in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post<'a> {
    /// The system it comes from.
    pub source: &'a str,
    /// Its id there.
    pub entry_id: &'a str,
    /// Where it stands in the source's stream; zero: nowhere.
    pub position: u64,
    /// Whose.
    pub account_id: &'a str,
    /// What.
    pub kind: EntryKind,
    /// Greater than zero; signed and not zero for adjustments and opening balances.
    pub amount: Minor,
    /// Must be the account's.
    pub currency: Currency,
    /// Which invoice, where there is one.
    #[serde(borrow)]
    pub invoice_id: Option<&'a str>,
    /// Which order the invoice bills, where known.
    pub order_id: Option<&'a str>,
    /// Invoice date, where known.
    pub issued: Option<Day>,
    /// Due date, where known.
    pub due: Option<Day>,
    /// What part settles which invoice; in sum at most the amount.
    pub allocations: Vec<(&'a str, Minor)>,
}

/// The work of the clock, with the bounds in force at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Housekeep {
    /// Closed reservations and settled items older than this are forgotten.
    pub closed_before: Micros,
    /// And the oldest of them beyond this count, of each kind.
    pub closed_count_max: u64,
}
