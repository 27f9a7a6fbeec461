//! Answers on their way back: taken by the transport when a descriptor says that there are some.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use creditgate_engine::values::Slot;

use crate::wire::status::{Code, Fault};

/// One finished call, or one message of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// As `submit` returned it.
    pub ticket: u64,
    /// The gRPC status code.
    pub code: u32,
    /// For code 0 the serialized answer, otherwise a serialized `google.rpc.Status`.
    pub bytes: Vec<u8>,
}

impl Finished {
    pub(crate) fn ok(ticket: u64, bytes: Vec<u8>) -> Finished {
        Finished { ticket, code: Code::Ok as u32, bytes }
    }

    pub(crate) fn fault(ticket: u64, fault: &Fault) -> Finished {
        Finished { ticket, code: fault.code as u32, bytes: fault.to_status() }
    }
}

pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    /// Readable while there is something to drain.
    bell: OwnedFd,
}

#[derive(Default)]
struct Inner {
    calls: Vec<Finished>,
    /// The newest position of each watched account: a reader that is slower than the changes
    /// misses those in between, and memory stays bounded.
    watched: BTreeMap<(u64, Slot), Vec<u8>>,
    rung: bool,
}

impl Outbox {
    pub(crate) fn new() -> rustix::io::Result<Outbox> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Outbox { inner: Mutex::default(), bell })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.bell.as_raw_fd()
    }

    /// Hands over finished calls; rings once for all of them.
    pub(crate) fn push(&self, finished: Vec<Finished>) {
        if finished.is_empty() {
            return;
        }
        let mut inner = self.lock();
        if inner.calls.is_empty() {
            inner.calls = finished;
        } else {
            inner.calls.extend(finished);
        }
        self.ring(&mut inner);
    }

    /// Hands over positions for a watch, each in place of an older one of the same account.
    pub(crate) fn push_watched(&self, positions: Vec<((u64, Slot), Vec<u8>)>) {
        if positions.is_empty() {
            return;
        }
        let mut inner = self.lock();
        inner.watched.extend(positions);
        self.ring(&mut inner);
    }

    /// Drops what waits for a watch that has ended.
    pub(crate) fn forget(&self, ticket: u64) {
        self.lock().watched.retain(|(watch, _), _| *watch != ticket);
    }

    pub(crate) fn drain(&self) -> Vec<Finished> {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.rung) {
            // Nothing else can go wrong with an eventfd that was rung.
            let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        }
        let mut drained = std::mem::take(&mut inner.calls);
        let watched = std::mem::take(&mut inner.watched);
        drained.extend(watched.into_iter().map(|((ticket, _), bytes)| Finished::ok(ticket, bytes)));
        drained
    }

    fn ring(&self, inner: &mut MutexGuard<'_, Inner>) {
        if !std::mem::replace(&mut inner.rung, true) {
            // An eventfd refuses a write only when its counter is full; it is 0 or 1.
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that holds this lock can panic half way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn readable(outbox: &Outbox) -> bool {
        let mut fds = [PollFd::new(&outbox.bell, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).expect("polling an eventfd") == 1
    }

    #[test]
    fn the_bell_is_readable_while_something_waits() {
        let outbox = Outbox::new().expect("an eventfd");
        assert!(!readable(&outbox));
        outbox.push(vec![Finished::ok(1, vec![]), Finished::ok(2, vec![])]);
        outbox.push(vec![Finished::ok(3, vec![])]);
        assert!(readable(&outbox));
        let tickets: Vec<u64> = outbox.drain().iter().map(|finished| finished.ticket).collect();
        assert_eq!(tickets, [1, 2, 3]);
        assert!(!readable(&outbox));
        assert_eq!(outbox.drain(), []);
    }

    #[test]
    fn a_slow_watch_gets_the_newest_position_only() {
        let outbox = Outbox::new().expect("an eventfd");
        outbox.push_watched(vec![((9, 0), vec![1]), ((9, 1), vec![2])]);
        outbox.push_watched(vec![((9, 0), vec![3])]);
        assert_eq!(outbox.drain(), [Finished::ok(9, vec![3]), Finished::ok(9, vec![2])]);
        outbox.push_watched(vec![((9, 0), vec![4])]);
        outbox.forget(9);
        assert_eq!(outbox.drain(), []);
    }
}
