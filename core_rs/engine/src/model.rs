//! The records of the domain. The store keeps each as one row; the engine holds them in memory.

use serde::{Deserialize, Serialize};

use crate::counting::{Counting, Details, Parts, Waiting};
use crate::terms::InvoiceDates;
use crate::values::{Currency, Day, Id, Limit, Micros, Minor, ReservationId, SegmentIndex, Slot};

mod adjustments;
mod backing;
mod captures;
mod case_details;
mod cases;
mod conditions;
mod rolling;
mod velocity;
mod watch;

pub use adjustments::Adjustments;
pub use backing::{Approval, Backing, Proposal, Verification};
pub use captures::Captures;
pub use case_details::{CaseCounts, CaseDetails};
pub use cases::{Case, CaseId, CaseStatus, Comment, Delegation, Signature, Signer, Waived, Waiver};
pub use conditions::{Conditions, Hold, HoldKind, TemporaryLimit, TemporaryLimitKind};
pub use rolling::{Average, RollingLimit};
pub use velocity::{Counted, PARTS, Velocity};
pub use watch::{Noted, Watch};

/// Whether an account may take on new exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Orders are decided by limit.
    #[serde(rename = "active")]
    Active,
    /// Orders are declined for now.
    #[serde(rename = "suspended")]
    Suspended,
    /// Orders are declined for good.
    #[serde(rename = "closed")]
    Closed,
}

/// All of an account but its counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The customer's id, unique in the store.
    pub id: Id,
    /// Fixed once set.
    pub currency: Currency,
    /// Whether orders are taken.
    pub status: Status,
    /// The account's own limit.
    pub limit: Limit,
    /// Largest total of one order; zero: none.
    pub max_order: Minor,
    /// The account above, of the same currency.
    pub parent: Option<Slot>,
    /// The segment whose defaults are inherited.
    pub segment: Option<SegmentIndex>,
    /// For people; absent when never set or erased.
    pub name: Option<Box<str>>,
    /// Why the status is what it is; absent when never changed or erased.
    pub status_reason: Option<Box<str>>,
    /// When the account was opened.
    pub created_at: Micros,
    /// When anything but counters last changed.
    pub updated_at: Micros,
    /// The most that it and all accounts below it may owe together.
    #[serde(default)]
    pub shared_limit: Option<Minor>,
    /// What stands beside it for a time; not written where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Box<Conditions>>,
}

/// The part of an account that its orders are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Of all its amounts.
    pub currency: Currency,
    /// Whether orders are taken.
    pub status: Status,
    /// The account's own limit.
    pub limit: Limit,
    /// Largest total of one order; zero: none.
    pub max_order: Minor,
    /// The account above.
    pub parent: Option<Slot>,
    /// The segment whose defaults are inherited.
    pub segment: Option<SegmentIndex>,
}

impl Account {
    /// What its orders are held to.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let Account { currency, status, limit, max_order, parent, segment, .. } = *self;
        Terms { currency, status, limit, max_order, parent, segment }
    }
}

/// What an account owes and holds, in minor units. `exposure` is their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Posted by the ledger and not paid; negative: a credit balance.
    pub outstanding: Minor,
    /// Shipped and invoiced here, not yet seen in the ledger.
    pub captured: Minor,
    /// Held by open orders.
    pub reserved: Minor,
    /// The part of `outstanding` that belongs to no open item.
    pub unallocated: Minor,
}

impl Counters {
    /// All zero.
    pub const NONE: Counters =
        Counters { outstanding: 0, captured: 0, reserved: 0, unallocated: 0 };

    /// Adds a change to each.
    pub fn add(&mut self, change: &Counters) {
        self.outstanding += change.outstanding;
        self.captured += change.captured;
        self.reserved += change.reserved;
        self.unallocated += change.unallocated;
    }

    /// What counts against the limit. `decide` keeps it within ±`EXPOSURE_MINOR_MAX`.
    #[must_use]
    pub fn exposure(&self) -> Minor {
        self.outstanding + self.captured + self.reserved
    }
}

/// What one order holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Unique in the store.
    pub id: ReservationId,
    /// Whose.
    pub slot: Slot,
    /// The order's id, unique per account among open reservations.
    pub order_id: Id,
    /// Still held.
    pub open: Minor,
    /// Shipped.
    pub captured: Minor,
    /// Given back by a call.
    pub released: Minor,
    /// Given back by the clock.
    pub expired: Minor,
    /// When what is open is given back.
    pub expires_at: Micros,
    /// When the order was decided.
    pub created_at: Micros,
    /// When nothing was open any more; zero while open.
    pub closed_at: Micros,
    /// Which invoices took what.
    pub captures: Captures,
    /// What its order named that few do; absent where it named nothing.
    #[serde(default)]
    pub details: Option<Box<Details>>,
    /// The sales channel that it was placed through; empty where it named none, or was placed
    /// before that was kept.
    #[serde(default)]
    pub channel: Id,
}

impl Reservation {
    /// One that holds nothing, since `now`.
    #[must_use]
    pub fn empty(id: ReservationId, slot: Slot, order_id: &str, now: Micros) -> Reservation {
        Reservation {
            id,
            slot,
            order_id: order_id.into(),
            open: 0,
            captured: 0,
            released: 0,
            expired: 0,
            expires_at: now,
            created_at: now,
            closed_at: now,
            captures: Captures::default(),
            details: None,
            channel: Id::default(),
        }
    }

    /// OPEN until nothing of it is open, whether it counts or not.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open > 0 || self.counting().is_some_and(|counting| counting.parts.open > 0)
    }

    /// How it counts, where it does not count as it is.
    #[inline]
    #[must_use]
    pub fn counting(&self) -> Option<&Counting> {
        self.details.as_ref().and_then(|details| details.counting.as_ref())
    }

    /// The order's amounts, in its own currency.
    #[inline]
    #[must_use]
    pub fn parts(&self) -> Parts {
        match self.counting() {
            None => {
                let Reservation { open, captured, released, expired, .. } = *self;
                Parts { open, captured, released, expired }
            }
            Some(counting) => counting.parts,
        }
    }

    /// What would count of it now, if so much of the order were open.
    #[inline]
    #[must_use]
    pub fn worth(&self, open: Minor) -> Minor {
        self.counting().map_or(open, |counting| counting.worth(open))
    }

    /// An amount of the order in the account's currency, whether it counts or not.
    #[inline]
    #[must_use]
    pub fn full(&self, amount: Minor) -> Minor {
        self.counting().map_or(amount, |counting| counting.full(amount))
    }

    /// Whether it does not count yet.
    #[inline]
    #[must_use]
    pub fn waits(&self) -> bool {
        self.counting().is_some_and(|counting| counting.waiting == Waiting::Still)
    }

    /// What counts of the part of it that leaves so much open.
    #[inline]
    #[must_use]
    pub fn freed(&self, left: Minor) -> Minor {
        (self.open - self.worth(left)).clamp(0, self.open)
    }

    /// The part of it that an invoice took.
    #[must_use]
    pub fn capture(&self, invoice_id: &str) -> Option<&Capture> {
        self.captures.iter().find(|capture| &*capture.invoice_id == invoice_id)
    }
}

/// What one invoice took of one reservation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The invoice.
    pub invoice_id: Id,
    /// How much.
    pub amount: Minor,
    /// The ledger told of it first and no `Capture` call has named it yet.
    pub by_ledger: bool,
}

/// One invoice of one account: captured here, posted by the ledger, or both; or paid ahead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose.
    pub slot: Slot,
    /// Unique per account.
    pub invoice_id: Id,
    /// The order that it bills, where known.
    pub order_id: Option<Id>,
    /// Captured here and not yet posted by the ledger.
    pub captured: Minor,
    /// What the customer still owes on it; negative: paid ahead or too much.
    pub open: Minor,
    /// The ledger has posted it.
    pub posted: bool,
    /// Invoice date, where known.
    pub issued: Option<Day>,
    /// Due date, where known.
    pub due: Option<Day>,
    /// When it was first heard of.
    pub created_at: Micros,
    /// When it was settled; zero while it is not.
    pub settled_at: Micros,
    /// How many days after its due date it is not yet overdue.
    #[serde(default)]
    pub grace_days: u16,
    /// How much of it is disputed, as the ledger says, whatever is open of it.
    #[serde(default)]
    pub disputed: Minor,
}

impl Item {
    /// An invoice heard of for the first time.
    #[must_use]
    pub fn new(slot: Slot, invoice_id: &str, now: Micros) -> Item {
        Item {
            slot,
            invoice_id: invoice_id.into(),
            order_id: None,
            captured: 0,
            open: 0,
            posted: false,
            issued: None,
            due: None,
            created_at: now,
            settled_at: 0,
            grace_days: 0,
            disputed: 0,
        }
    }

    /// Takes on the dates that a capture found, until the ledger names its own.
    pub fn set_dates(&mut self, dates: InvoiceDates) {
        let InvoiceDates { issued, due, grace_days } = dates;
        (self.issued, self.due, self.grace_days) = (Some(issued), Some(due), grace_days);
    }

    /// Nothing is owed on it and nothing captured waits for it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.open == 0 && self.captured == 0
    }

    /// The part of it that decisions depend on.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let Item { captured, open, posted, settled_at, due, grace_days, disputed, .. } = *self;
        let dated = self.issued.is_some();
        let day = self.issued.unwrap_or(Day::of(self.created_at));
        Standing { captured, open, posted, settled_at, day, dated, due, grace_days, disputed }
    }
}

/// What decisions depend on of an [`Item`]: all that memory keeps of it. The rest is in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Captured here and not yet posted by the ledger.
    pub captured: Minor,
    /// What the customer still owes on it; negative: paid ahead or too much.
    pub open: Minor,
    /// The ledger has posted it.
    pub posted: bool,
    /// When it was settled; zero while it is not.
    pub settled_at: Micros,
    /// Its invoice date; where none is known, the day on which it was first heard of.
    pub day: Day,
    /// Whether its invoice date is known.
    pub dated: bool,
    /// Due date, where known.
    pub due: Option<Day>,
    /// How many days after its due date it is not yet overdue.
    pub grace_days: u16,
    /// How much of it is disputed, as the ledger says, whatever is open of it.
    pub disputed: Minor,
}

impl Standing {
    /// The part of what is owed on it that is disputed.
    #[must_use]
    pub fn contested(&self) -> Minor {
        self.disputed.min(self.open).max(0)
    }

    /// An item that stands like this, of which nothing else is known.
    #[must_use]
    pub fn item(&self, slot: Slot, invoice_id: &str) -> Item {
        let Standing { captured, open, posted, settled_at, day, dated, due, grace_days, disputed } =
            *self;
        // A day that was read need not be one that a moment can fall on.
        let (issued, created_at) = if dated { (Some(day), 0) } else { (None, day.begins()) };
        let item = Item::new(slot, invoice_id, created_at);
        Item { captured, open, posted, settled_at, issued, due, grace_days, disputed, ..item }
    }
}

/// Named accounts, the limits that they inherit, and their cap, by currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Unique in the store.
    pub id: Box<str>,
    /// At most one for each currency, in order of currency.
    pub defaults: Vec<(Currency, Limit)>,
    /// The most that all its accounts of a currency may owe together, in order of currency; not
    /// written where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<(Currency, Minor)>,
}

impl Segment {
    /// The default for a currency.
    #[must_use]
    pub fn default_limit(&self, currency: Currency) -> Option<Limit> {
        self.defaults.iter().find(|(known, _)| *known == currency).map(|(_, limit)| *limit)
    }

    /// The cap for a currency.
    #[must_use]
    pub fn cap(&self, currency: Currency) -> Option<Minor> {
        self.caps.iter().find(|(known, _)| *known == currency).map(|(_, cap)| *cap)
    }

    /// Sets the cap for a currency; `None` removes it.
    pub fn set_cap(&mut self, currency: Currency, cap: Option<Minor>) {
        self.caps.retain(|(known, _)| *known != currency);
        if let Some(cap) = cap {
            let place = self.caps.partition_point(|(known, _)| *known < currency);
            self.caps.insert(place, (currency, cap));
        }
    }

    /// Sets the default for a currency.
    pub fn set_default(&mut self, currency: Currency, limit: Limit) {
        match self.defaults.binary_search_by_key(&currency, |(known, _)| *known) {
            Ok(found) => self.defaults[found].1 = limit,
            Err(place) => self.defaults.insert(place, (currency, limit)),
        }
    }
}

/// What was found when a source's ledger was held against the book, account by account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// All of the source's stream below it was compared.
    pub position: u64,
    /// How many accounts were compared.
    pub accounts: u64,
    /// How many open items the ledger has of them.
    pub items: u64,
    /// How many of the accounts differ.
    pub differing: u64,
    /// How many moved at every look, so that nothing can be said of them.
    pub unsettled: u64,
    /// Of how many the ledger says what cannot be read.
    pub unreadable: u64,
}

/// The latest reconciliation of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// What was found.
    pub found: Findings,
    /// When that was said.
    pub at: Micros,
}

/// How far a source of ledger entries has been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The highest position seen; zero where it does not count its entries.
    pub position: u64,
    /// When it told something, to the minute.
    pub heard_at: Micros,
}
