//! Making decided commits durable, one after the other, while the store decides the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use creditgate_engine::values::{Micros, Seq, Slot};

use crate::counters::{CountersMap, CountersRecord};
use crate::error::{CommitError, StoreError};
use crate::journal::{Journal, Link};
use crate::options::{Faults, Step, suffer};
use crate::pending::Pending;

/// Records that are brought into the cache together: read with nothing in between, the processor
/// waits for several at once.
const FETCHED_TOGETHER: usize = 16;

/// A commit that is decided and not yet durable. Nothing of it may be told to anyone.
pub struct Sealed {
    pub(crate) pending: Pending,
    /// The accounts that it changes, in order of slot, as they stand after it.
    pub(crate) moved: Vec<Moved>,
    pub(crate) accounts: usize,
}

/// One account of the counters map, as a commit leaves it.
pub(crate) struct Moved {
    pub(crate) slot: Slot,
    pub(crate) record: CountersRecord,
    /// The map has no record of it yet.
    pub(crate) is_new: bool,
}

impl Sealed {
    /// The last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.pending.next_seq() - 1
    }

    /// Of all its entries.
    #[must_use]
    pub fn time(&self) -> Micros {
        self.pending.time
    }

    /// The accounts that it changes, in order of slot.
    pub fn touched(&self) -> impl Iterator<Item = Slot> + '_ {
        self.moved.iter().map(|moved| moved.slot)
    }

    /// Whether it changes what accounts inherit from segments, or are held to with them.
    #[must_use]
    pub fn touches_segments(&self) -> bool {
        self.pending.touches_segments
    }
}

/// The counters map of one store: the store makes room in it, its committer writes the records.
#[derive(Clone)]
pub(crate) struct SharedCounters(Arc<Mutex<CountersMap>>);

impl SharedCounters {
    pub(crate) fn new(counters: CountersMap) -> SharedCounters {
        SharedCounters(Arc::new(Mutex::new(counters)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, CountersMap> {
        // Whoever panics here ends the process; a record half written shows its odd lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the chain on disk ends, for any thread to look at; also when the store is closed.
#[derive(Clone)]
pub struct ChainEnd(Arc<Mutex<Link>>);

impl ChainEnd {
    pub(crate) fn new(last: Link) -> ChainEnd {
        ChainEnd(Arc::new(Mutex::new(last)))
    }

    /// The last commit that is durable.
    #[must_use]
    pub fn get(&self) -> Link {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        // It is set in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn commit_error(error: StoreError) -> CommitError {
    match error {
        StoreError::NoSpace { .. } => CommitError::NoSpace(error),
        error => CommitError::Fatal(error),
    }
}

/// Writes a store's commits to the journal, and their counters into the map. There is one for each
/// open store, on any thread.
pub struct Committer {
    pub(crate) journal: Journal,
    pub(crate) counters: SharedCounters,
    pub(crate) faults: Arc<dyn Faults>,
    pub(crate) epoch: u64,
    /// Entries whose texts are to go, for which there was no room.
    pub(crate) unerased: Vec<Seq>,
    /// The end of the chain on disk.
    pub(crate) last: Link,
    /// The same, for others.
    pub(crate) end: ChainEnd,
}

impl Committer {
    /// Makes a commit durable, then publishes its counters.
    ///
    /// # Errors
    ///
    /// After [`CommitError::NoSpace`] nothing of it is on disk. After [`CommitError::Fatal`] the
    /// process must stop: whether it is durable is not known.
    pub fn commit(&mut self, sealed: &Sealed) -> Result<(), CommitError> {
        let (head, value) = sealed.pending.encode(self.epoch, &self.last);
        let (texts, erased) = (sealed.pending.texts(), sealed.pending.erased());
        if !erased.is_empty() {
            // A crash between the commit and the erasure must not leave them.
            self.journal.will_erase(head.first_seq).map_err(commit_error)?;
        }
        match self.journal.append(head.first_seq, &value, texts, &*self.faults) {
            Ok(()) => {}
            Err(error @ StoreError::NoSpace { .. }) => {
                self.journal.probe(&self.last).map_err(CommitError::Fatal)?;
                return Err(CommitError::NoSpace(error));
            }
            Err(error) => return Err(CommitError::Fatal(error)),
        }
        let hash = *value.first_chunk().expect("a value begins with its digest");
        self.last = Link::of(&head, hash);
        *self.end.lock() = self.last;
        self.erase(erased)?;
        suffer(&*self.faults, Step::Publish).map_err(CommitError::Fatal)?;
        self.publish(sealed);
        Ok(())
    }

    /// Erases texts, now that the journal says who had that done. To delete needs room as well:
    /// where there is none, the next commit tries again, or the next start.
    fn erase(&mut self, erased: &[Seq]) -> Result<(), CommitError> {
        if erased.is_empty() && self.unerased.is_empty() {
            return Ok(());
        }
        self.unerased.extend(erased);
        suffer(&*self.faults, Step::Erase).map_err(CommitError::Fatal)?;
        match self.journal.erase(&self.unerased) {
            Ok(()) => self.unerased.clear(),
            Err(StoreError::NoSpace { .. }) => {}
            Err(error) => return Err(CommitError::Fatal(error)),
        }
        Ok(())
    }

    fn publish(&self, sealed: &Sealed) {
        let counters = self.counters.lock();
        for some in sealed.moved.chunks(FETCHED_TOGETHER) {
            some.iter().for_each(|moved| counters.fetch(moved.slot));
            for Moved { slot, record, is_new } in some {
                if *is_new {
                    counters.publish(*slot, record);
                } else {
                    counters.publish_again(*slot, record);
                }
            }
        }
        counters.reached(sealed.accounts, self.last.last_seq);
    }
}
