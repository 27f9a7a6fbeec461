//! The store: the one writer of the journal, and the state that it has led to.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use creditgate_engine::apply::apply;
use creditgate_engine::command::{Command, Identity};
use creditgate_engine::decide::cases::Sweep;
use creditgate_engine::decide::{confine, decide};
use creditgate_engine::entry::{EntryRef, Request};
use creditgate_engine::error::Refusal;
use creditgate_engine::event::Event;
use creditgate_engine::outcome::Outcome;
use creditgate_engine::policy::Policy;
use creditgate_engine::policy::shadow::Figures;
use creditgate_engine::state::State;
use creditgate_engine::values::{Micros, Seq, Slot};

use crate::ahead;
use crate::committer::{ChainEnd, Committer, Moved, Sealed, SharedCounters};
use crate::counters::{CountersMap, CountersRecord};
use crate::error::{CommitError, ExecuteError, StoreError};
use crate::folder::Folder;
use crate::follower::Follower;
use crate::journal::Journal;
use crate::names::Hash;
use crate::options::{Options, Step, suffer};
use crate::pending::Pending;
use crate::recovery::{Recovered, Recovery, recover};
use crate::repeat::Repeats;
use crate::tables::Tables;
use crate::window::{Key, WindowFigures, Windows};

mod clock;
mod together;

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
/// answer may be given out before [`Store::commit`] has returned, or a [`Committer`] has made the
/// commit that holds it durable.
pub struct Store {
    state: State,
    windows: Windows,
    repeats: Repeats,
    /// The call that the last command was of: its rows come one after the other, and to look each
    /// up again would cost more than to execute it. See [`call_of`].
    known_call: Option<(Hash, u64)>,
    pending: Pending,
    /// Not undone with a commit that fails: it is figures, and no fact.
    shadowed: Figures,
    /// The commit on its way to disk, and where the undo log ends that belongs to it.
    sealed: Option<(Arc<Sealed>, usize)>,
    /// The last durable entry, its time, and how many accounts there were after it.
    committed_seq: Seq,
    committed_time: Micros,
    committed_accounts: usize,
    epoch: u64,
    counters: SharedCounters,
    /// Here until another thread takes it.
    committer: Option<Committer>,
    chain_end: ChainEnd,
    /// Which cases were looked at since credit last came back.
    sweep: Sweep,
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
        let journal = Journal::open(folder.journal(), &options)?;
        let tables = Tables::open_or_make(folder.tables(), options.tables_map_size_bytes)?;
        let Recovered { state, windows, last, recovery } = recover(&journal, &tables, &options)?;
        let counters = CountersMap::open(folder.counters(), state.account_count())?;
        let epoch = journal.next_epoch(&last)?;
        publish_all(&counters, &state, last.last_seq, epoch);
        let counters = SharedCounters::new(counters);
        let chain_end = ChainEnd::new(last);
        let committer = Committer {
            journal: journal.clone(),
            counters: counters.clone(),
            faults: Arc::clone(&options.faults),
            epoch,
            unerased: Vec::new(),
            last,
            end: chain_end.clone(),
        };
        let store = Store {
            windows,
            repeats: Repeats::default(),
            known_call: None,
            shadowed: Figures::default(),
            pending: Pending::after(last.last_seq, last.time),
            sealed: None,
            committed_seq: last.last_seq,
            committed_time: last.time,
            committed_accounts: state.account_count(),
            epoch,
            counters,
            committer: Some(committer),
            chain_end,
            sweep: Sweep::default(),
            state,
            journal,
            tables,
            options,
            stopped: false,
            _folder: folder,
        };
        Ok((store, recovery))
    }

    /// What all executed commands have led to, committed or not.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Time of the last durable commit; `Micros::MIN` before the first.
    #[must_use]
    pub fn last_time(&self) -> Micros {
        self.committed_time
    }

    /// The last durable entry; zero before the first.
    #[must_use]
    pub fn committed_seq(&self) -> Seq {
        self.committed_seq
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

    /// How full the windows are: of request ids, and of ids of ledger entries.
    #[must_use]
    pub fn window_figures(&self) -> (WindowFigures, WindowFigures) {
        self.windows.figures()
    }

    /// Where the chain on disk ends.
    #[must_use]
    pub fn chain_end(&self) -> &ChainEnd {
        &self.chain_end
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

    /// Sets the time of the commit under construction: now, but never before the one before it.
    /// Once a command has been executed, its commit's time stands.
    pub fn begin(&mut self, now: Micros) {
        if self.pending.is_empty() {
            let before =
                self.sealed.as_ref().map_or(self.committed_time, |(sealed, _)| sealed.time());
            self.pending.time = now.max(before);
        }
    }

    /// Decides a command, or finds what was decided when it was asked before.
    ///
    /// # Errors
    ///
    /// [`ExecuteError`]; the command has then changed nothing.
    pub fn execute(&mut self, request: &Request<'_>) -> Result<Answer, ExecuteError> {
        self.execute_within(None, request)
    }

    /// The same for whoever has one sales channel alone, where there is one: an order of another
    /// is refused, unless this is a repeat of what was answered before.
    ///
    /// # Errors
    ///
    /// [`ExecuteError`]; the command has then changed nothing.
    pub fn execute_within(
        &mut self,
        own_channel: Option<&str>,
        request: &Request<'_>,
    ) -> Result<Answer, ExecuteError> {
        if self.stopped {
            return Err(ExecuteError::Fatal(StoreError::Stopped));
        }
        let identity = request.command.identity();
        let key = self.windows.key(&identity);
        if let Some(seq) = self.windows.find(&key) {
            return self.repeat(seq, request);
        }
        let call = call_of(&key, &identity);
        if call != self.known_call
            && let Some(seq) = self.windows.find_call(&key)
        {
            self.refuse_other_call(seq, &identity)?;
        }
        if let Some(own) = own_channel {
            confine(&self.state, own, &request.command)?;
        }
        let (seq, time) = (self.pending.next_seq(), self.pending.time);
        let policy_version = self.state.policy().version;
        let (outcome, events) = decide(&self.state, seq, time, request)?;
        if let Some(shadow) = self.state.policies().shadow() {
            self.decide_beside(Arc::clone(shadow), request, &outcome);
        }
        self.make_room(&events)?;
        for event in &events {
            apply(&mut self.state, time, event);
        }
        let (outcome_ref, events) = (&outcome, &events[..]);
        self.pending.push(&EntryRef { request, policy_version, outcome: outcome_ref, events });
        self.windows.add(&key, seq);
        // Only once its name is remembered: a call of which every row was refused leaves none.
        self.known_call = call;
        Ok(Answer { seq, time, outcome, policy_version, replayed: false })
    }

    /// A row that was not answered before may still come, if it is of the same bulk call: it was
    /// refused then.
    fn refuse_other_call(&mut self, seq: Seq, identity: &Identity<'_>) -> Result<(), ExecuteError> {
        let Identity::Request(mine) = identity else { return Ok(()) };
        let pending = not_on_disk(&self.pending, self.sealed.as_ref(), seq);
        if self.repeats.call(&self.journal, pending, seq)? == mine.call {
            return Ok(());
        }
        Err(ExecuteError::Refused(Refusal::RequestIdReused(mine.id.into())))
    }

    fn repeat(&mut self, seq: Seq, request: &Request<'_>) -> Result<Answer, ExecuteError> {
        let pending = not_on_disk(&self.pending, self.sealed.as_ref(), seq);
        let stored = self.repeats.find(&self.journal, pending, seq, request).map_err(unread)?;
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

    /// What the policy that is tried would have decided.
    #[cold]
    fn decide_beside(&mut self, shadow: Arc<Policy>, request: &Request<'_>, outcome: &Outcome) {
        if !matches!(request.command, Command::Reserve(_) | Command::ReserveAll(_)) {
            return;
        }
        let (seq, time) = (self.pending.next_seq(), self.pending.time);
        if self.shadowed.version != shadow.version {
            let version = shadow.version;
            self.shadowed = Figures { version, since: time, ..Figures::default() };
        }
        // It says no other refusal: those do not depend on the policy.
        if let Ok((now, _)) = self.state.under(shadow, |state| decide(state, seq, time, request)) {
            self.shadowed.count(&request.command, outcome, &now);
        }
    }

    /// What the policy that is tried beside the one in force would have decided otherwise, since it
    /// is tried or the store was opened. Of none, and of one that has seen no order yet, they are
    /// another's or empty: see their version.
    #[must_use]
    pub fn shadowed(&self) -> &Figures {
        &self.shadowed
    }

    /// New accounts need a record in the counters map, which must not want for space later.
    fn make_room(&mut self, events: &[Event<'_>]) -> Result<(), StoreError> {
        let known = self.state.account_count();
        let is_new = |event: &&Event<'_>| match event {
            Event::AccountSet { slot, .. } => *slot as usize >= known,
            _ => false,
        };
        let added = events.iter().filter(is_new).count();
        if added == 0 {
            return Ok(());
        }
        let mut counters = self.counters.lock();
        if known + added > counters.capacity() {
            suffer(&*self.options.faults, Step::GrowMap)?;
            counters.grow(known + added)?;
        }
        Ok(())
    }

    /// Makes everything executed since the last commit durable, then publishes its counters: all
    /// that [`Store::seal`] and a [`Committer`] do on two threads, on this one.
    ///
    /// # Errors
    ///
    /// After [`CommitError::NoSpace`] all of it is undone and the store goes on. After
    /// [`CommitError::Fatal`] the process must stop: whether it is durable is not known.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        if self.stopped {
            return Err(CommitError::Fatal(StoreError::Stopped));
        }
        let Some(sealed) = self.seal() else { return Ok(()) };
        let committer = self.committer.as_mut().expect("another thread has the committer");
        let result = committer.commit(&sealed);
        match &result {
            Ok(()) => self.settle(),
            Err(CommitError::NoSpace(_)) => self.undo(),
            Err(CommitError::Fatal(_)) => self.stopped = true,
        }
        result
    }

    /// What makes commits durable. To be taken once, for a thread of its own.
    #[must_use]
    pub fn take_committer(&mut self) -> Committer {
        self.committer.take().expect("there is one committer, and it was taken")
    }

    /// Ends the commit under construction, if it has any entry: what is executed from now on
    /// belongs to the next one. The committer makes it durable, then [`Store::settle`] is to be
    /// called, or [`Store::undo`], and only then the next one may be sealed.
    pub fn seal(&mut self) -> Option<Arc<Sealed>> {
        assert!(self.sealed.is_none(), "one commit at a time is on its way to disk");
        if self.pending.is_empty() {
            return None;
        }
        self.windows.seal(self.pending.time);
        let pending = self.pending.take();
        let moved = self.moved(pending.next_seq() - 1);
        let sealed = Arc::new(Sealed { pending, moved, accounts: self.state.account_count() });
        self.sealed = Some((Arc::clone(&sealed), self.state.mark()));
        Some(sealed)
    }

    /// The accounts that the commit under construction has changed, as it leaves them.
    fn moved(&self, seq: Seq) -> Vec<Moved> {
        let mut slots = Vec::new();
        self.state.touched_since(0, |slot| slots.push(slot));
        slots.sort_unstable();
        slots.dedup();
        // Read with nothing in between, the processor waits for several at once.
        slots.iter().for_each(|slot| self.state.fetch(*slot));
        let moved = slots.into_iter().map(|slot| {
            let (terms, counters) = (self.state.terms(slot), self.state.position(slot));
            let is_new = slot as usize >= self.committed_accounts;
            let record = if is_new {
                CountersRecord::of(self.state.account_id(slot), &terms, counters, seq)
            } else {
                CountersRecord::again(&terms, counters, seq)
            };
            Moved { slot, record, is_new }
        });
        moved.collect()
    }

    /// The sealed commit is durable.
    pub fn settle(&mut self) {
        let Some((sealed, mark)) = self.sealed.take() else { return };
        self.committed_seq = sealed.last_seq();
        self.committed_time = sealed.time();
        self.committed_accounts = sealed.accounts;
        self.windows.settle();
        self.state.settle(mark);
    }

    /// There was no room for the sealed commit: it is undone, and all that was decided on top.
    pub fn undo(&mut self) {
        self.sealed = None;
        self.state.undo(0);
        self.windows.undo();
        self.known_call = None;
        self.pending = Pending::after(self.committed_seq, self.committed_time);
    }

    /// Shows readers of the counters map that the writer lives.
    pub fn heartbeat(&self, now: Micros) {
        self.counters.lock().heartbeat(now);
    }
}

/// What call a request is of: the hash of its id, and the digest by which calls of one id differ.
fn call_of(key: &Key, identity: &Identity<'_>) -> Option<(Hash, u64)> {
    match (key, identity) {
        (Key::Request { id, .. }, Identity::Request(request)) => Some((*id, request.call)),
        _ => None,
    }
}

/// An earlier answer could not be read.
fn unread(error: StoreError) -> ExecuteError {
    match error {
        StoreError::Io { .. } | StoreError::Lmdb { .. } | StoreError::FileMissing { .. } => {
            ExecuteError::Unreadable(error)
        }
        error => error.into(),
    }
}

/// The commit that holds `seq`, if it is not on disk.
fn not_on_disk<'s>(
    pending: &'s Pending,
    sealed: Option<&'s (Arc<Sealed>, usize)>,
    seq: Seq,
) -> Option<&'s Pending> {
    let sealed = sealed.map(|(sealed, _)| &sealed.pending);
    [Some(pending), sealed].into_iter().flatten().find(|pending| seq >= pending.first_seq())
}

/// Shows every account, at the start: a part of them on each core.
fn publish_all(counters: &CountersMap, state: &State, seq: Seq, epoch: u64) {
    let publish = |slots: Range<Slot>| {
        for slot in slots {
            let (id, terms) = (state.account_id(slot), state.terms(slot));
            let record = CountersRecord::of(id, &terms, state.position(slot), seq);
            counters.publish(slot, &record);
        }
    };
    let count = state.account_count() as Slot;
    let each = (count as usize).div_ceil(ahead::cores()).max(1);
    thread::scope(|scope| {
        for start in (0..count).step_by(each) {
            scope.spawn(move || publish(start..count.min(start + each as Slot)));
        }
    });
    counters.reached(state.account_count(), seq);
    counters.release(epoch);
}
