//! Calls that wait for the worker, in two bounded lanes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use creditgate_engine::values::Seq;

use crate::access::roles::Role;
use crate::methods::{Lane, Method};
use crate::worker::commits::Done;

/// Most interactive calls that one commit takes on.
const TAKEN_CALLS_MAX: usize = 4_096;

/// With so many bytes of interactive requests one commit takes on no further one. Three batches of
/// 1,000 orders: they are decided and written in milliseconds, and what comes next waits no longer.
const TAKEN_BYTES_MAX: usize = 1 << 18;

/// Most bulk calls that may wait; each carries up to 1,000 rows.
const BULK_DEPTH_MAX: usize = 64;

/// Most bytes of requests that may wait in the bulk lane, whose callers have time.
const BULK_BYTES_MAX: usize = 64 << 20;

/// Most bytes of requests that may wait in the interactive lane: some 15 batches of 1,000 orders,
/// 40 to 100 ms of work. What would wait longer is better refused at once than decided
/// when its caller has given up.
const INTERACTIVE_BYTES_MAX: usize = 1 << 20;

/// Calls of at most so many bytes are bounded by their number alone: single orders find room where
/// batches have taken all of theirs.
const SMALL_CALL_BYTES: usize = 4 << 10;

/// One call on its way to the worker.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) ticket: u64,
    pub(crate) method: Method,
    pub(crate) request: Vec<u8>,
    pub(crate) actor: String,
    /// The only sales channel that it may name; `None`: any.
    pub(crate) own_channel: Option<String>,
    /// What its caller is here for; `None`: nobody has verified it.
    pub(crate) role: Option<Role>,
    pub(crate) deadline: Option<Instant>,
    /// Of an erasure that comes back once they are found: the entries whose texts are to go.
    pub(crate) found: Option<Vec<Seq>>,
}

/// The channel through which `creditgate load` calls.
const LOADING: &str = "load";

impl Call {
    /// Whether what it says of limits, through this channel, is the ledger's word: that of whoever
    /// is here to load, or where roles are not asked for, of a load.
    pub(crate) fn speaks_for_ledger(&self, channel: &str) -> bool {
        self.role.map_or(channel == LOADING, |role| role == Role::Loader)
    }
}

/// Why a call was not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// How much the worker would take on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) calls: usize,
    /// Of interactive requests; the last one may go beyond.
    pub(crate) bytes: usize,
    /// Whether a bulk call is wanted.
    pub(crate) bulk: bool,
    /// Fewer bytes of interactive requests are not worth waking for.
    pub(crate) worth: usize,
    /// Whether to wake because no call will come any more: not while a commit is waited for.
    pub(crate) end: bool,
}

impl Room {
    /// For the first calls of a commit.
    pub(crate) const FRESH: Room =
        Room { calls: TAKEN_CALLS_MAX, bytes: TAKEN_BYTES_MAX, bulk: true, worth: 0, end: true };

    /// For nothing at all.
    pub(crate) const NONE: Room = Room { calls: 0, bytes: 0, bulk: false, worth: 0, end: false };
}

/// What the worker finds when it looks.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) calls: Vec<Call>,
    /// Whether interactive calls were left for want of room.
    pub(crate) left: bool,
    /// What became of the commit that was on its way.
    pub(crate) done: Option<Done>,
    /// Watches that have ended.
    pub(crate) cancelled: Vec<u64>,
    /// No call will come any more, and none waits.
    pub(crate) over: bool,
}

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Signalled when something was put in and the worker may be asleep.
    wake: Condvar,
    interactive_depth_max: usize,
}

/// Calls of one lane, in order.
#[derive(Default)]
struct Waiting {
    calls: VecDeque<Call>,
    /// Of their requests together.
    bytes: usize,
}

impl Waiting {
    /// Whether so many more calls, of so many bytes together, would be taken on. Where nothing
    /// waits one call is, however large: it would never get in otherwise, and it waits for nobody.
    fn has_room(&self, calls: usize, bytes: usize, depth_max: usize, bytes_max: usize) -> bool {
        let alone = calls == 1 && self.calls.is_empty();
        self.calls.len() + calls <= depth_max && (alone || self.bytes + bytes <= bytes_max)
    }

    fn push(&mut self, call: Call, depth_max: usize, bytes_max: usize) -> Result<(), Refused> {
        if !self.has_room(1, call.request.len(), depth_max, bytes_max) {
            return Err(Refused::Full);
        }
        self.bytes += call.request.len();
        self.calls.push_back(call);
        Ok(())
    }

    fn pop(&mut self) -> Option<Call> {
        let call = self.calls.pop_front()?;
        self.bytes -= call.request.len();
        Some(call)
    }

    /// Takes a call back that still waits; returns whether it did.
    fn take_back(&mut self, wanted: impl Fn(&Call) -> bool) -> bool {
        let place = self.calls.iter().position(wanted);
        let call = place.and_then(|place| self.calls.remove(place));
        self.bytes -= call.as_ref().map_or(0, |call| call.request.len());
        call.is_some()
    }
}

#[derive(Default)]
struct Inner {
    interactive: Waiting,
    bulk: Waiting,
    cancelled: Vec<u64>,
    done: Option<Done>,
    closed: bool,
    /// What the worker would take on, while it sleeps: nobody wakes one that is at work, or for
    /// less.
    asleep: Option<Room>,
}

impl Inner {
    fn push(&mut self, call: Call, interactive_depth_max: usize) -> Result<(), Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        match call.method.lane() {
            Lane::Interactive => {
                let bytes_max = bytes_max(call.request.len());
                self.interactive.push(call, interactive_depth_max, bytes_max)
            }
            Lane::Bulk => self.bulk.push(call, BULK_DEPTH_MAX, BULK_BYTES_MAX),
        }
    }

    /// Whether there is nothing that a worker with so much room would take.
    fn is_empty(&self, room: Room) -> bool {
        let interactive = room.calls > 0
            && room.bytes > 0
            && self.interactive.bytes >= room.worth
            && !self.interactive.calls.is_empty();
        let bulk = room.bulk && !self.bulk.calls.is_empty();
        !interactive
            && !bulk
            && self.cancelled.is_empty()
            && self.done.is_none()
            && !(room.end && self.is_over())
    }

    /// No call waits, and none will.
    fn is_over(&self) -> bool {
        self.closed && self.interactive.calls.is_empty() && self.bulk.calls.is_empty()
    }
}

impl Queue {
    pub(crate) fn new(interactive_depth_max: usize) -> Queue {
        Queue { inner: Mutex::default(), wake: Condvar::new(), interactive_depth_max }
    }

    /// Puts calls in their lanes, all before the worker sees the first; returns the tickets of
    /// those that are refused.
    pub(crate) fn push_all(&self, calls: Vec<Call>) -> Vec<(u64, Refused)> {
        let mut inner = self.lock();
        let mut refused = Vec::new();
        for call in calls {
            let ticket = call.ticket;
            if let Err(why) = inner.push(call, self.interactive_depth_max) {
                refused.push((ticket, why));
            }
        }
        self.wake_from(&mut inner);
        refused
    }

    /// Whether so many more interactive calls, of so many bytes together, would not be refused as
    /// too many. It stays so until somebody puts calls in.
    pub(crate) fn has_room(&self, calls: usize, bytes: usize) -> bool {
        let inner = self.lock();
        let depth_max = self.interactive_depth_max;
        inner.closed || inner.interactive.has_room(calls, bytes, depth_max, bytes_max(bytes))
    }

    /// Ends a watch: takes its call back where it still waits, or else tells the worker.
    pub(crate) fn cancel(&self, ticket: u64) {
        let mut inner = self.lock();
        let waits = |call: &Call| call.ticket == ticket && call.method.is_watch();
        if !inner.interactive.take_back(waits) {
            inner.cancelled.push(ticket);
            self.wake_from(&mut inner);
        }
    }

    /// Takes no more calls; those that wait are still served.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        self.wake_from(&mut inner);
    }

    /// Calls waiting in the interactive and in the bulk lane.
    pub(crate) fn depths(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.interactive.calls.len(), inner.bulk.calls.len())
    }

    /// Tells the worker what became of the commit on its way.
    pub(crate) fn done(&self, done: Done) {
        let mut inner = self.lock();
        inner.done = Some(done);
        self.wake_from(&mut inner);
    }

    /// Waits until there is something to do, at most for `timeout`, and takes it: interactive calls
    /// as far as there is room and, after them, at most one bulk call.
    pub(crate) fn take(&self, timeout: Duration, room: Room) -> Taken {
        let mut inner = self.lock();
        if inner.is_empty(room) && !timeout.is_zero() {
            inner.asleep = Some(room);
            inner = match self.wake.wait_timeout(inner, timeout) {
                Ok((inner, _)) => inner,
                Err(poisoned) => poisoned.into_inner().0,
            };
            inner.asleep = None;
        }
        let mut taken = Taken {
            cancelled: std::mem::take(&mut inner.cancelled),
            done: inner.done.take(),
            ..Taken::default()
        };
        let mut bytes = 0;
        while taken.calls.len() < room.calls && bytes < room.bytes {
            let Some(call) = inner.interactive.pop() else { break };
            bytes += call.request.len();
            taken.calls.push(call);
        }
        taken.left = !inner.interactive.calls.is_empty();
        if room.bulk {
            taken.calls.extend(inner.bulk.pop());
        }
        taken.over = taken.calls.is_empty() && inner.is_over();
        taken
    }

    fn wake_from(&self, inner: &mut MutexGuard<'_, Inner>) {
        if inner.asleep.is_some_and(|room| !inner.is_empty(room)) {
            inner.asleep = None;
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that holds this lock can panic half way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many bytes may wait in the interactive lane for a call of so many to be taken on.
fn bytes_max(call_bytes: usize) -> usize {
    if call_bytes <= SMALL_CALL_BYTES { usize::MAX } else { INTERACTIVE_BYTES_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Queue {
        /// Puts a call in its lane, or refuses it at once.
        pub(crate) fn push(&self, call: Call) -> Result<(), Refused> {
            self.push_all(vec![call]).pop().map_or(Ok(()), |(_, why)| Err(why))
        }
    }

    fn call(ticket: u64, method: Method, bytes: usize) -> Call {
        let (request, actor) = (vec![0; bytes], String::new());
        let (own_channel, role, deadline, found) = (None, None, None, None);
        Call { ticket, method, request, actor, own_channel, role, deadline, found }
    }

    fn tickets(taken: &Taken) -> Vec<u64> {
        taken.calls.iter().map(|call| call.ticket).collect()
    }

    #[test]
    fn interactive_calls_overtake_bulk_calls_which_go_one_at_a_time() {
        let queue = Queue::new(10);
        queue.push(call(1, Method::PostEntries, 5)).expect("there is room");
        queue.push(call(2, Method::PostEntries, 5)).expect("there is room");
        queue.push(call(3, Method::CheckAndReserve, 5)).expect("there is room");
        assert_eq!(tickets(&queue.take(Duration::ZERO, Room::FRESH)), [3, 1]);
        assert_eq!(tickets(&queue.take(Duration::ZERO, Room::FRESH)), [2]);
    }

    #[test]
    fn it_is_told_whether_interactive_calls_are_left() {
        let queue = Queue::new(10);
        for ticket in 1..3 {
            queue.push(call(ticket, Method::Check, TAKEN_BYTES_MAX)).expect("there is room");
            queue.push(call(ticket, Method::PostEntries, 5)).expect("there is room");
        }
        let left = [(); 3].map(|()| queue.take(Duration::ZERO, Room::FRESH).left);
        assert_eq!(left, [true, false, false]);
    }

    #[test]
    fn a_full_lane_refuses_and_leaves_the_other_lane_alone() {
        let queue = Queue::new(1);
        queue.push(call(1, Method::Check, 5)).expect("there is room");
        assert_eq!(queue.push(call(2, Method::Check, 5)), Err(Refused::Full));
        queue.push(call(3, Method::PostEntries, 5)).expect("there is room");
        queue.take(Duration::ZERO, Room::FRESH);
        queue.push(call(4, Method::Check, 5)).expect("there is room again");
    }

    #[test]
    fn calls_that_gathered_go_in_together_but_for_those_that_are_refused() {
        let queue = Queue::new(2);
        let gathered = (1..=4).map(|ticket| match ticket {
            2 => call(ticket, Method::PostEntries, 5),
            _ => call(ticket, Method::Check, 5),
        });
        assert_eq!(queue.push_all(gathered.collect()), [(4, Refused::Full)]);
        assert_eq!(tickets(&queue.take(Duration::ZERO, Room::FRESH)), [1, 3, 2]);
    }

    #[test]
    fn bytes_that_wait_are_bounded_too() {
        let queue = Queue::new(10);
        let half = INTERACTIVE_BYTES_MAX / 2;
        queue.push(call(1, Method::Check, half)).expect("there is room");
        queue.push(call(2, Method::Check, half)).expect("there is room for just that");
        let larger = SMALL_CALL_BYTES + 1;
        assert_eq!(queue.push(call(3, Method::Check, larger)), Err(Refused::Full));
        queue.push(call(4, Method::Check, SMALL_CALL_BYTES)).expect("a small one finds room");
        queue.take(Duration::ZERO, Room::FRESH);
        let left = half - SMALL_CALL_BYTES;
        queue.push(call(5, Method::Check, left)).expect("there is room again");
    }

    #[test]
    fn a_call_larger_than_the_bound_waits_alone() {
        for (method, bytes_max) in [
            (Method::BatchCheckAndReserve, INTERACTIVE_BYTES_MAX),
            (Method::PostEntries, BULK_BYTES_MAX),
        ] {
            let queue = Queue::new(10);
            queue.push(call(1, method, bytes_max + 1)).expect("nothing waits before it");
            let larger = SMALL_CALL_BYTES + 1;
            assert_eq!(queue.push(call(2, method, larger)), Err(Refused::Full));
            assert_eq!(tickets(&queue.take(Duration::ZERO, Room::FRESH)), [1]);
            queue.push(call(3, method, 0)).expect("there is room again");
            assert_eq!(queue.push(call(4, method, bytes_max + 1)), Err(Refused::Full));
        }
    }

    #[test]
    fn room_is_for_all_that_are_asked_for_together() {
        let queue = Queue::new(3);
        assert!(queue.has_room(1, INTERACTIVE_BYTES_MAX + 1), "one alone may be large");
        assert!(!queue.has_room(2, INTERACTIVE_BYTES_MAX + 1), "the second would not get in");
        queue.push(call(1, Method::Check, 1)).expect("there is room");
        assert!(queue.has_room(2, INTERACTIVE_BYTES_MAX - 1));
        assert!(!queue.has_room(1, INTERACTIVE_BYTES_MAX));
        assert!(!queue.has_room(3, 0));
        queue.push(call(2, Method::Check, INTERACTIVE_BYTES_MAX - 1)).expect("there is room");
        assert!(!queue.has_room(1, SMALL_CALL_BYTES + 1));
        assert!(queue.has_room(1, SMALL_CALL_BYTES), "a small one finds room");
        queue.close();
        assert!(queue.has_room(3, 0), "it says otherwise why it takes none");
    }

    #[test]
    fn a_commit_takes_a_few_batches_and_leaves_the_rest() {
        let queue = Queue::new(10);
        for ticket in 1..=5 {
            let batch = call(ticket, Method::BatchCheckAndReserve, TAKEN_BYTES_MAX / 2);
            queue.push(batch).expect("there is room");
        }
        assert_eq!(tickets(&queue.take(Duration::ZERO, Room::FRESH)), [1, 2]);
    }

    #[test]
    fn large_loads_leave_room_for_orders() {
        let queue = Queue::new(10);
        queue.push(call(1, Method::PostEntries, BULK_BYTES_MAX)).expect("there is room");
        assert_eq!(queue.push(call(2, Method::PostEntries, 1)), Err(Refused::Full));
        queue.push(call(3, Method::CheckAndReserve, 1)).expect("orders have room of their own");
    }

    #[test]
    fn a_watch_that_is_taken_back_gives_back_its_bytes() {
        let queue = Queue::new(10);
        queue.push(call(1, Method::Check, 1)).expect("there is room");
        let rest = INTERACTIVE_BYTES_MAX - 1;
        queue.push(call(2, Method::WatchPositions, rest)).expect("there is room");
        assert_eq!(queue.push(call(3, Method::Check, rest)), Err(Refused::Full));
        queue.cancel(2);
        queue.push(call(4, Method::Check, rest)).expect("there is room again");
    }

    #[test]
    fn a_watch_that_still_waits_is_taken_back_and_another_is_told() {
        let queue = Queue::new(10);
        queue.push(call(1, Method::WatchPositions, 5)).expect("there is room");
        queue.push(call(2, Method::Check, 5)).expect("there is room");
        queue.cancel(1);
        queue.cancel(2);
        let taken = queue.take(Duration::ZERO, Room::FRESH);
        assert_eq!((tickets(&taken), taken.cancelled), (vec![2], vec![2]));
    }

    #[test]
    fn a_closed_queue_is_over_once_it_is_empty() {
        let queue = Queue::new(10);
        queue.push(call(1, Method::Check, 0)).expect("it is open");
        queue.close();
        assert_eq!(queue.push(call(2, Method::Check, 0)), Err(Refused::Closed));
        assert!(!queue.take(Duration::ZERO, Room::FRESH).over);
        assert!(queue.take(Duration::ZERO, Room::FRESH).over);
    }
}
