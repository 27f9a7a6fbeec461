//! A state to run commands against in one line each, for the unit tests.

use crate::apply::apply;
use crate::bounds::EXPOSURE_MINOR_MAX;
use crate::command::*;
use crate::decide::{Inquiry, decide};
use crate::entry::Request;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::{Account, Counters, Reservation, Standing, Status};
use crate::outcome::{Changed, Outcome, Reason, ReasonCode, Reserved};
use crate::state::State;
use crate::values::{Currency, Day, Id, Limit, LimitKind, Micros, Minor, Seq, Slot, Ttl};

pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const DAY: Micros = 86_400 * SECOND;

/// 2024-10-04, the day on which every test begins.
pub(crate) const TODAY: Day = Day(20_000);

/// How long an order holds, unless a test says otherwise.
pub(crate) const TTL_S: u32 = 3_600;

pub(crate) fn ttl(asked_s: Option<u32>) -> Ttl {
    Ttl { asked_s, default_s: TTL_S }
}

/// A state, a clock and a journal's length.
pub(crate) struct Book {
    pub(crate) state: State,
    pub(crate) now: Micros,
    pub(crate) seq: Seq,
    /// Who asks, and through which sales channel.
    pub(crate) actor: &'static str,
    pub(crate) channel: &'static str,
}

impl Book {
    /// Nothing in it.
    pub(crate) fn empty() -> Book {
        let now = Micros::from(TODAY.0) * DAY + 10 * 3_600 * SECOND;
        Book { state: State::default(), now, seq: 0, actor: "oms", channel: "" }
    }

    /// Account "a" with this limit, in USD.
    pub(crate) fn with_limit(kind: LimitKind) -> Book {
        let mut book = Book::empty();
        book.run(UpsertAccount { limit: Some(limit(kind)), ..account("a") }).unwrap();
        book
    }

    /// Account "a" with a limit of 100.
    pub(crate) fn with_100() -> Book {
        Book::with_limit(LimitKind::Amount(100))
    }

    /// A command as the book's actor asks for it.
    pub(crate) fn request<'a>(&self, command: impl Into<Command<'a>>) -> Request<'a> {
        let Book { actor, channel, .. } = *self;
        Request { command: command.into(), actor, channel, reason: None }
    }

    /// Decides twice, to the same, and applies.
    pub(crate) fn run<'a>(&mut self, command: impl Into<Command<'a>>) -> Result<Outcome, Refusal> {
        Ok(self.events(command)?.0)
    }

    /// The same, and what happened.
    pub(crate) fn events<'a>(
        &mut self,
        command: impl Into<Command<'a>>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let request = self.request(command);
        let decided = decide(&self.state, self.seq + 1, self.now, &request);
        assert_eq!(decided, decide(&self.state, self.seq + 1, self.now, &request));
        let (outcome, events) = decided?;
        for event in &events {
            apply(&mut self.state, self.now, event);
        }
        self.state.settle(self.state.mark());
        self.seq += 1;
        self.assert_sums();
        Ok((outcome, events))
    }

    /// Has this policy in force, put by one and activated by another.
    pub(crate) fn set_policy(&mut self, text: &str) {
        let asked = std::mem::replace(&mut self.actor, "writer");
        let put = self.run(PutPolicy { request: REQUEST, text });
        let Ok(Outcome::Policy(version)) = put else { panic!("a policy is put, not {put:?}") };
        self.actor = "activator";
        let activated = self.run(ActivatePolicy { request: REQUEST, version });
        assert_eq!(activated, Ok(Outcome::Policy(version)));
        self.actor = asked;
    }

    /// Runs an order; panics when it is refused.
    pub(crate) fn reserved(&mut self, command: Reserve<'_>) -> Reserved {
        match self.run(command) {
            Ok(Outcome::Reserved(reserved)) => reserved,
            other => panic!("expected a decision, got {other:?}"),
        }
    }

    /// Reserves an order of account "a" that must fit.
    pub(crate) fn hold(&mut self, order_id: &str, amount: Minor) -> Reserved {
        let reserved = self.reserved(reserve(order_id, amount));
        assert_eq!(reserved.amount, amount, "order {order_id} fits");
        reserved
    }

    /// Runs an adjust, a capture or a release; panics when it is refused.
    pub(crate) fn changed<'a>(&mut self, command: impl Into<Command<'a>>) -> Changed {
        match self.run(command) {
            Ok(Outcome::Changed(changed)) => changed,
            other => panic!("expected a decision, got {other:?}"),
        }
    }

    /// Runs what must be refused, and shows that it changed nothing.
    pub(crate) fn refused<'a>(&mut self, command: impl Into<Command<'a>>) -> Refusal {
        let before = self.state.dump();
        let refusal = self.run(command).expect_err("must be refused");
        assert_eq!(self.state.dump(), before);
        refusal
    }

    /// Posts a ledger entry that must be taken.
    pub(crate) fn post(&mut self, entry: Post<'_>) {
        assert_eq!(self.run(entry), Ok(Outcome::Done));
    }

    /// Lets time pass and the clock do its work, forgetting nothing.
    pub(crate) fn pass(&mut self, time: Micros) {
        self.now += time;
        let keep_all = Housekeep { closed_before: Micros::MIN, closed_count_max: u64::MAX };
        self.run(keep_all).unwrap();
    }

    /// Account "a": outstanding, captured, reserved.
    pub(crate) fn position(&self) -> (Minor, Minor, Minor) {
        let Counters { outstanding, captured, reserved, .. } = *self.counters("a");
        (outstanding, captured, reserved)
    }

    pub(crate) fn counters(&self, account_id: &str) -> &Counters {
        self.state.position(self.state.slot(account_id).unwrap())
    }

    /// The latest reservation of an order of account "a".
    pub(crate) fn order(&self, order_id: &str) -> &Reservation {
        self.state.latest_of_order(self.state.slot("a").unwrap(), order_id).unwrap()
    }

    /// An invoice of account "a".
    pub(crate) fn item(&self, invoice_id: &str) -> Standing {
        self.state.item(self.state.slot("a").unwrap(), invoice_id).unwrap()
    }

    fn is_under(&self, slot: Slot, head: Slot) -> bool {
        let mut at = Some(slot);
        while at.is_some_and(|at| at != head) {
            at = at.and_then(|at| self.state.terms(at).parent);
        }
        at.is_some()
    }

    /// Every counter is the sum of the rows that it counts, and within its bounds.
    fn assert_sums(&self) {
        let dump = self.state.dump();
        for (slot, (account, counters)) in dump.accounts.iter().enumerate() {
            let mut expected = Counters { unallocated: counters.unallocated, ..Default::default() };
            let reservations = dump.reservations.values().filter(|r| r.slot as usize == slot);
            expected.reserved = reservations.map(|r| r.open).sum();
            let mine = |key: &(u32, Id)| key.0 as usize == slot;
            let items = || dump.items.iter().filter(|(key, _)| mine(key)).map(|(_, item)| item);
            expected.captured = items().map(|item| item.captured).sum();
            let open: Minor = items().map(|item| item.open).sum();
            expected.outstanding = counters.unallocated + open;
            assert_eq!(*counters, expected, "account {}", account.id);
            let bounds = -EXPOSURE_MINOR_MAX..=EXPOSURE_MINOR_MAX;
            let sums = [counters.exposure(), counters.outstanding, counters.captured];
            assert!(sums.iter().all(|sum| bounds.contains(sum)), "account {}", account.id);
        }
        for (slot, (account, _)) in (0..).zip(&dump.accounts) {
            let below = (0..).zip(&dump.accounts).filter(|(other, _)| self.is_under(*other, slot));
            let owed: i128 = below.map(|(_, (_, counters))| i128::from(counters.exposure())).sum();
            let parents = dump.accounts.iter().map(|(other, _)| other.parent);
            let needed = account.shared_limit.is_some() || parents.flatten().any(|p| p == slot);
            let found = self.state.group(slot).map(|group| (group.limit(), group.exposure()));
            assert_eq!(found, needed.then_some((account.shared_limit, owed)), "{}", account.id);
        }
        for (index, segment) in (0..).zip(&dump.segments) {
            let of = |account: &Account| account.segment == Some(index);
            for currency in [usd(), eur()] {
                let all = dump.accounts.iter().filter(|(a, _)| of(a) && a.currency == currency);
                let owed: i128 = all.map(|(_, counters)| i128::from(counters.exposure())).sum();
                let found = self.state.segment_exposure(index, currency);
                assert_eq!(found, owed, "segment {}", segment.id);
            }
        }
        for reservation in dump.reservations.values() {
            assert_eq!(reservation.is_open(), reservation.closed_at == 0, "{reservation:?}");
            let captured: Minor = reservation.captures.iter().map(|capture| capture.amount).sum();
            assert_eq!(reservation.captured, captured, "{reservation:?}");
            let worth = reservation.worth(reservation.parts().open);
            assert_eq!(reservation.open, worth, "{reservation:?}");
        }
    }
}

macro_rules! into_command {
    ($($name:ident($record:ty)),+ $(,)?) => {
        $(impl<'a> From<$record> for Command<'a> {
            fn from(record: $record) -> Command<'a> {
                Command::$name(record)
            }
        })+
    };
}

into_command! {
    Reserve(Reserve<'a>),
    ReserveAll(ReserveAll<'a>),
    Adjust(Adjust<'a>),
    Capture(CaptureOrder<'a>),
    Release(Release<'a>),
    UpsertAccount(UpsertAccount<'a>),
    UpsertSegment(UpsertSegment<'a>),
    SetStatus(SetStatus<'a>),
    PlaceHold(PlaceHold<'a>),
    LiftHold(LiftHold<'a>),
    SetTemporaryLimit(SetTemporaryLimit<'a>),
    RemoveTemporaryLimit(RemoveTemporaryLimit<'a>),
    SetRollingLimit(SetRollingLimit<'a>),
    RemoveRollingLimit(RemoveRollingLimit<'a>),
    RecordVerification(RecordVerification<'a>),
    ProposeLimit(ProposeLimit<'a>),
    ApproveProposal(ApproveProposal<'a>),
    RejectProposal(RejectProposal<'a>),
    UpsertTerms(UpsertTerms<'a>),
    UpsertCalendar(UpsertCalendar<'a>),
    AssignTerms(AssignTerms<'a>),
    PutPolicy(PutPolicy<'a>),
    ActivatePolicy(ActivatePolicy<'a>),
    ShadowPolicy(ShadowPolicy<'a>),
    UpsertRate(UpsertRate<'a>),
    Revalue(Revalue<'a>),
    ReviewCase(ReviewCase<'a>),
    Delegate(Delegate<'a>),
    RetryCases(RetryCases),
    EraseTexts(EraseTexts<'a>),
    Post(Post<'a>),
    MoveSource(MoveSource<'a>),
    RecordReconciliation(RecordReconciliation<'a>),
    Housekeep(Housekeep),
}

/// The engine does not look at it.
pub(crate) const REQUEST: RequestKey<'static> = RequestKey { id: "request", row: 0, call: 0 };

pub(crate) fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

pub(crate) fn eur() -> Currency {
    Currency::parse("EUR").unwrap()
}

pub(crate) fn limit(kind: LimitKind) -> Limit {
    Limit { kind, valid_until: None }
}

pub(crate) fn account(account_id: &str) -> UpsertAccount<'_> {
    UpsertAccount {
        request: REQUEST,
        account_id,
        name: None,
        currency: Some(usd()),
        parent_id: None,
        segment_id: None,
        limit: None,
        max_order: None,
        shared_limit: None,
    }
}

pub(crate) fn order(order_id: &str, amount: Minor) -> Order<'_> {
    Order { account_id: "a", order_id, amount, currency: usd(), ttl: ttl(None), details: None }
}

pub(crate) fn reserve(order_id: &str, amount: Minor) -> Reserve<'_> {
    Reserve { request: REQUEST, order: order(order_id, amount), allow_partial: false }
}

/// What an order of account "a" would ask for.
pub(crate) fn inquiry(amount: Minor) -> Inquiry<'static> {
    let (account_id, currency) = ("a", usd());
    Inquiry { account_id, amount, currency, allow_partial: false, details: None, channel: "" }
}

pub(crate) fn by_order(order_id: &str) -> Target<'_> {
    Target::Order(OrderKey { account_id: "a", order_id })
}

pub(crate) fn adjust(order_id: &str, total: Minor) -> Adjust<'_> {
    Adjust { request: REQUEST, target: by_order(order_id), total, ttl: ttl(None) }
}

pub(crate) fn capture<'a>(order_id: &'a str, invoice_id: &'a str) -> CaptureOrder<'a> {
    CaptureOrder {
        request: REQUEST,
        target: by_order(order_id),
        amount: None,
        invoice_id,
        last: false,
        forced: false,
        issued: None,
    }
}

pub(crate) fn release(order_id: &str) -> Release<'_> {
    Release { request: REQUEST, target: by_order(order_id), amount: None }
}

pub(crate) fn status(account_id: &str, status: Status) -> SetStatus<'_> {
    SetStatus { request: REQUEST, account_id, status }
}

pub(crate) fn entry(kind: EntryKind, amount: Minor) -> Post<'static> {
    Post {
        source: "erp",
        entry_id: "entry",
        position: 0,
        account_id: "a",
        kind,
        amount,
        currency: usd(),
        invoice_id: None,
        order_id: None,
        issued: None,
        due: None,
        allocations: Vec::new(),
    }
}

pub(crate) fn invoice(invoice_id: &str, amount: Minor) -> Post<'_> {
    Post { invoice_id: Some(invoice_id), ..entry(EntryKind::Invoice, amount) }
}

pub(crate) fn payment<'a>(amount: Minor, allocations: &[(&'a str, Minor)]) -> Post<'a> {
    Post { allocations: allocations.to_vec(), ..entry(EntryKind::Payment, amount) }
}

pub(crate) fn reason(code: ReasonCode, observed: i64, threshold: i64) -> Reason {
    Reason::own(code, observed, threshold)
}
