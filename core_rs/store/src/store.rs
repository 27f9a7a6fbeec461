//! The store: the one writer of the journal, and the state that it has led to.

use std::path::Path;

use creditgate_engine::apply::apply;
use creditgate_engine::command::{Command, Housekeep, Identity};
use creditgate_engine::decide::{decide, housekeeping_due};
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::error::Refusal;
use creditgate_engine::event::Event;
use creditgate_engine::outcome::Outcome;
use creditgate_engine::state::State;
use creditgate_engine::values::{Micros, Seq, Slot};

use crate::counters::{CountersMap, CountersRecord};
use crate::error::{CommitError, ExecuteError, StoreError};
use crate::folder::Folder;
use crate::follower::Follower;
use crate::journal::{Journal, Link};
use crate::options::{Options, Step, suffer};
use crate::pending::Pending;
use crate::recovery::{Recovered, Recovery, recover};
use crate::repeat::Repeats;
use crate::tables::Tables;
use crate::window::{WindowFigures, Windows};

/// The policy in force: the rules that are built in, until others can be set.
pub const POLICY_VERSION: u64 = 1;

/// What was decided, now or when the same was asked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it stands in the journal.
    pub seq: Seq,
    /// When it was decided.
    pub time: Micros,
    /// What was decided.
    pub outcome: Outcome,
    /// The policy then in force.
    pub policy_version: u64,
    /// It is the stored answer to an earlier request of the same name.
    pub replayed: bool,
}

/// An open store. Dropping it gives up what is not committed.
///
/// Commands are executed against the state that earlier ones have led to, committed or not: no
/// answer may be given out before [`Store::commit`] has returned.
pub struct Store {
    state: State,
    windows: Windows,
    repeats: Repeats,
    pending: Pending,
    last: Link,
    epoch: u64,
    counters: CountersMap,
    /// Accounts that the last commit changed, in order.
    touched: Vec<Slot>,
    /// The last commit changed what accounts inherit from segments.
    segments_touched: bool,
    journal: Journal,
    tables: Tables,
    options: Options,
    stopped: bool,
    /// Last, so that the lock outlives what it guards.
    _folder: Folder,
}

impl Store {
    /// Opens the store in `folder`, or makes one, and recovers it.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; a store that is damaged, of an unknown format or open elsewhere is left as
    /// it is.
    pub fn open(folder: &Path, options: Options) -> Result<(Store, Recovery), StoreError> {
        let folder = Folder::open(folder)?;
        let journal = Journal::open(folder.journal(), options.journal_map_size_bytes)?;
        let tables = Tables::open_or_make(folder.tables(), options.tables_map_size_bytes)?;
        let Recovered { state, windows, last, recovery } = recover(&journal, &tables, &options)?;
        let counters = CountersMap::open(folder.counters(), state.account_count())?;
        let epoch = journal.next_epoch()?;
        let store = Store {
            windows,
            repeats: Repeats::default(),
            pending: Pending::after(&last),
            epoch,
            counters,
            touched: (0..state.account_count() as Slot).collect(),
            segments_touched: false,
            state,
            last,
            journal,
            tables,
            options,
            stopped: false,
            _folder: folder,
        };
        Ok((store.publish_all(), recovery))
    }

    fn publish_all(mut self) -> Store {
        self.publish();
        self.counters.release(self.epoch);
        self
    }

    /// What all executed commands have led to, committed or not.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Time of the last commit; `Micros::MIN` before the first.
    #[must_use]
    pub fn last_time(&self) -> Micros {
        self.last.time
    }

    /// The last durable entry; zero before the first.
    #[must_use]
    pub fn committed_seq(&self) -> Seq {
        self.last.last_seq
    }

    /// How often the store was opened.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The newest entry, committed or not; zero before the first.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.pending.next_seq() - 1
    }

    /// Whether there is anything to commit.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The accounts that the last commit changed, in order of slot.
    #[must_use]
    pub fn touched(&self) -> &[Slot] {
        &self.touched
    }

    /// Whether the last commit changed what accounts inherit from segments.
    #[must_use]
    pub fn touched_segments(&self) -> bool {
        self.segments_touched
    }

    /// How full the windows are: of request ids, and of ids of ledger entries.
    #[must_use]
    pub fn window_figures(&self) -> (WindowFigures, WindowFigures) {
        self.windows.figures()
    }

    /// The journal, for readers on any thread.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The tables, for readers on any thread.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The follower that keeps the tables. There must be only one at a time, and it must be gone
    /// before the store is opened again.
    ///
    /// # Errors
    ///
    /// What cannot be read.
    pub fn follower(&self) -> Result<Follower, StoreError> {
        Follower::new(self.journal.clone(), self.tables.clone(), self.options.clone())
    }

    /// Sets the time of the commit under construction: now, but never before the last commit.
    /// Once a command has been executed, its commit's time stands.
    pub fn begin(&mut self, now: Micros) {
        if self.pending.is_empty() {
            self.pending.time = now.max(self.last.time);
        }
    }

    /// Decides a command, or finds what was decided when it was asked before.
    ///
    /// # Errors
    ///
    /// [`ExecuteError`]; the command has then changed nothing.
    pub fn execute(&mut self, request: &Request<'_>) -> Result<Answer, ExecuteError> {
        if self.stopped {
            return Err(ExecuteError::Fatal(StoreError::Stopped));
        }
        let identity = request.command.identity();
        let key = self.windows.key(&identity);
        if let Some(seq) = self.windows.find(&key) {
            return self.repeat(seq, request);
        }
        if let Some(seq) = self.windows.find_call(&key) {
            self.refuse_other_call(seq, &identity)?;
        }
        let (seq, time) = (self.pending.next_seq(), self.pending.time);
        let (outcome, events) = decide(&self.state, seq, time, &request.command, request.reason)?;
        self.make_room(&events)?;
        for event in &events {
            apply(&mut self.state, time, event);
        }
        let policy_version = POLICY_VERSION;
        let answer =
            Answer { seq, time, outcome: outcome.clone(), policy_version, replayed: false };
        self.pending.push(&Entry { request: request.clone(), policy_version, outcome, events });
        self.windows.add(&key, seq);
        Ok(answer)
    }

    /// A row that was not answered before may still come, if it is of the same bulk call: it was
    /// refused then.
    fn refuse_other_call(&mut self, seq: Seq, identity: &Identity<'_>) -> Result<(), ExecuteError> {
        let Identity::Request(mine) = identity else { return Ok(()) };
        if self.repeats.call(&self.journal, &self.pending, seq)? == mine.call {
            return Ok(());
        }
        Err(ExecuteError::Refused(Refusal::RequestIdReused(mine.id.into())))
    }

    fn repeat(&mut self, seq: Seq, request: &Request<'_>) -> Result<Answer, ExecuteError> {
        let stored = self.repeats.find(&self.journal, &self.pending, seq, request)?;
        let Some(stored) = stored else {
            return Err(ExecuteError::Refused(match request.command.identity() {
                Identity::Entry { entry_id, .. } => Refusal::EntryIdReused(entry_id.into()),
                Identity::Request(key) => Refusal::RequestIdReused(key.id.into()),
                Identity::None => unreachable!("what has no name is never found"),
            }));
        };
        Ok(Answer {
            seq,
            time: stored.time,
            outcome: stored.outcome,
            policy_version: stored.policy_version,
            replayed: true,
        })
    }

    /// New accounts need a record in the counters map, which must not want for space later.
    fn make_room(&mut self, events: &[Event<'_>]) -> Result<(), StoreError> {
        let known = self.state.account_count();
        let is_new = |event: &&Event<'_>| match event {
            Event::AccountSet { slot, .. } => *slot as usize >= known,
            _ => false,
        };
        let accounts = known + events.iter().filter(is_new).count();
        if accounts > self.counters.capacity() {
            suffer(&*self.options.faults, Step::GrowMap)?;
            self.counters.grow(accounts)?;
        }
        Ok(())
    }

    /// Executes one command of the clock if anything is due: expiries, and closed records to
    /// forget. Returns whether it did; then more may be due.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Fatal`].
    pub fn housekeep(&mut self) -> Result<bool, ExecuteError> {
        let due = housekeeping_due(&self.state, self.pending.time, &self.housekeeping());
        if due {
            self.tick()?;
        }
        Ok(due)
    }

    /// Executes one command of the clock, due or not: its time is durable with the commit.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Fatal`].
    pub fn tick(&mut self) -> Result<(), ExecuteError> {
        let command = Command::Housekeep(self.housekeeping());
        self.execute(&Request { command, actor: "clock", channel: "", reason: None })?;
        Ok(())
    }

    fn housekeeping(&self) -> Housekeep {
        Housekeep {
            closed_before: self.pending.time.saturating_sub(self.options.closed_age_max_us),
            closed_count_max: self.options.closed_count_max,
        }
    }

    /// Makes everything executed since the last commit durable, then publishes its counters.
    ///
    /// # Errors
    ///
    /// After [`CommitError::NoSpace`] all of it is undone and the store goes on. After
    /// [`CommitError::Fatal`] the process must stop: whether it is durable is not known.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Fatal(StoreError::Stopped));
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let result = self.write().map_err(|error| match error {
            StoreError::NoSpace { .. } => self.undo(error),
            error => CommitError::Fatal(error),
        });
        self.stopped = matches!(result, Err(CommitError::Fatal(_)));
        result
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let (head, value) = self.pending.encode(self.epoch, &self.last);
        let faults = &*self.options.faults;
        self.windows.seal(head.time);
        self.journal.append(head.first_seq, &value, self.pending.texts(), faults)?;
        let hash = *value.first_chunk().expect("a value begins with its digest");
        self.last = Link::of(&head, hash);
        self.segments_touched = self.pending.touches_segments;
        self.pending.reset(&self.last);
        self.windows.settle();
        suffer(faults, Step::Publish)?;
        self.touched.clear();
        let touched = &mut self.touched;
        self.state.touched_since(0, |slot| touched.push(slot));
        self.state.settle(self.state.mark());
        self.touched.sort_unstable();
        self.touched.dedup();
        self.publish();
        Ok(())
    }

    fn undo(&mut self, error: StoreError) -> CommitError {
        if let Err(error) = self.journal.probe(&self.last) {
            return CommitError::Fatal(error);
        }
        self.state.undo(0);
        self.windows.undo();
        self.pending.reset(&self.last);
        CommitError::NoSpace(error)
    }

    fn publish(&mut self) {
        for slot in self.touched.iter().copied() {
            let (id, terms) = (self.state.account_id(slot), self.state.terms(slot));
            let counters = self.state.position(slot);
            let record = CountersRecord::of(id, &terms, counters, self.last.last_seq);
            self.counters.publish(slot, &record);
        }
        self.counters.reached(self.state.account_count(), self.last.last_seq);
    }

    /// Shows readers of the counters map that the writer lives.
    pub fn heartbeat(&self, now: Micros) {
        self.counters.heartbeat(now);
    }
}
