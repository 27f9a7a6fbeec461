//! The one thread that owns the store: takes what waits and decides it. While one commit is on its
//! way to disk, the calls that come are decided as part of the next.

mod batch;
pub(crate) mod commits;
mod share;
mod time;
pub(crate) mod watches;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use creditgate_engine::values::Micros;
use creditgate_store::{ExecuteError, FollowerThread, Store, StoreError};
use rustix::process::nice;

use crate::abort::AbortOnPanic;
use crate::bulk::Bulk;
use crate::calls::{Calls, Failed, Handled};
use crate::clock::Clock;
use crate::finished::{Finished, Outbox};
use crate::lists::{ListCall, Lists};
use crate::methods::Lane;
use crate::queue::{Call, Queue, Room, Taken};
use crate::stats::Stats;
use crate::wire::status::Fault;
use batch::Batch;
use commits::{Commits, Done, Job};
use share::Share;
use watches::{News, Watches};

/// Longest sleep of an idle worker; the counters map's heartbeat beats at least as often.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Most commands of the clock in one commit, of up to 1,000 events each: more than the calls of one
/// commit can bring about, or nearly.
const HOUSEKEEPING_COMMANDS_MAX: usize = 8;

/// While a commit is on its way, the next one begins with so many bytes of requests: a whole batch.
/// Single orders are decided in less time than it takes to wake for each of them.
const WORTH_BYTES: usize = 8 << 10;

/// Pause before what is due by the clock is tried again on a full disk.
const STORE_FULL_PAUSE: Duration = Duration::from_millis(200);

/// Every order waits for this thread, and each time another takes its core for a moment it comes
/// back to colder caches: over a thousand times a second where more is offered than can be decided.
const NICE: i32 = -5;

/// Longest wait for the tables at the end.
const CLOSING_MAX: Duration = Duration::from_secs(60);

/// What a worker is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) default_ttl_s: u32,
    pub(crate) queue: Arc<Queue>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) stats: Arc<Stats>,
}

pub(crate) struct Worker {
    follower: Arc<FollowerThread>,
    watches: Watches,
    lists: Lists,
    /// The calls of the commit under construction.
    batch: Batch,
    /// The bulk call of which some rows are still to be decided.
    bulk: Option<Bulk>,
    /// When its next slice may be decided.
    share: Share,
    /// What is to be done once the commit on its way to disk is durable.
    on_its_way: Option<OnItsWay>,
    /// When the last commit was made that found no room, if none has been made since.
    full_since: Option<Instant>,
    /// The clock had something to do, and may have more.
    more_due: bool,
    commits: Commits,
    /// Last, so that the store's lock outlives the follower, which writes its tables.
    parts: Parts,
}

/// The calls of a commit that wait for more than its being durable.
struct OnItsWay {
    pages: Vec<ListCall>,
    /// Watches that begin with it.
    watches: Vec<u64>,
}

impl Worker {
    /// A worker with its helpers at work.
    pub(crate) fn new(mut parts: Parts) -> Result<Worker, StoreError> {
        let follower = Arc::new(parts.store.follower()?.spawn(parts.store.committed_seq())?);
        let (journal, tables) = (parts.store.journal().clone(), parts.store.tables().clone());
        let (outbox, stats) = (Arc::clone(&parts.outbox), Arc::clone(&parts.stats));
        let queue = Arc::clone(&parts.queue);
        let lists = Lists::spawn(journal, tables, Arc::clone(&follower), queue, outbox, stats);
        let (queue, outbox) = (Arc::clone(&parts.queue), Arc::clone(&parts.outbox));
        let commits = Commits::spawn(parts.store.take_committer(), queue, outbox);
        Ok(Worker {
            follower,
            watches: Watches::default(),
            lists,
            batch: Batch::default(),
            bulk: None,
            share: Share::default(),
            on_its_way: None,
            full_since: None,
            more_due: false,
            commits,
            parts,
        })
    }

    /// Runs the worker on a thread of its own until the queue is over.
    pub(crate) fn spawn(self) -> JoinHandle<Result<(), StoreError>> {
        let thread = std::thread::Builder::new().name("creditgate-worker".to_owned());
        let run = move || {
            let _guard = AbortOnPanic;
            // On Linux of this thread alone. Refused without a privilege; it then waits its turn.
            let preferred = nice(NICE).is_ok();
            self.parts.stats.worker_preferred_now.store(preferred.into(), Ordering::Relaxed);
            self.run()
        };
        thread.spawn(run).expect("a process that cannot start a thread at its start cannot serve")
    }

    fn run(mut self) -> Result<(), StoreError> {
        self.count();
        loop {
            let idle = self.idle();
            let taken = self.parts.queue.take(idle, self.room());
            let over = taken.over;
            self.serve(taken);
            if over && self.bulk.is_none() {
                break;
            }
        }
        self.flush();
        self.lists.close();
        Ok(self.follower.sync_to(self.parts.store.committed_seq(), CLOSING_MAX)?)
    }

    /// What the commit under construction would still carry.
    fn room(&self) -> Room {
        let Batch { calls, bytes, .. } = self.batch;
        Room {
            calls: Room::FRESH.calls.saturating_sub(calls),
            bytes: Room::FRESH.bytes.saturating_sub(bytes),
            bulk: self.bulk.is_none() && self.may_slice(),
            worth: if self.on_its_way.is_some() { WORTH_BYTES } else { 0 },
            end: self.on_its_way.is_none(),
        }
    }

    /// Whether the commit under construction may take on a slice of a bulk call.
    fn may_slice(&self) -> bool {
        !self.batch.has_slice && self.share.rest(Instant::now()).is_zero()
    }

    /// How long to sleep when nobody calls: until there is more to do for a bulk call, for the disk
    /// or by the clock.
    fn idle(&mut self) -> Duration {
        let rest = self.share.rest(Instant::now());
        // One may wait in the queue, which does not wake for it during a rest.
        let may_be_bulk = self.bulk.is_some() || !rest.is_zero();
        let bulk = if may_be_bulk && !self.batch.has_slice { rest } else { IDLE_MAX };
        bulk.min(self.idle_but_for_bulk())
    }

    /// Until the next reservation expires, or a case; not at all while more is due than one commit
    /// does.
    fn idle_but_for_bulk(&mut self) -> Duration {
        if self.on_its_way.is_some() {
            return IDLE_MAX;
        }
        if self.full_since.is_some() {
            return STORE_FULL_PAUSE;
        }
        if self.more_due || self.parts.store.may_free_cases() {
            return Duration::ZERO;
        }
        match self.parts.store.next_due() {
            Some(at) if !self.parts.clock.is_manual() => {
                let micros = at.saturating_sub(self.parts.clock.now()).max(0);
                Duration::from_micros(micros.unsigned_abs()).min(IDLE_MAX)
            }
            _ => IDLE_MAX,
        }
    }

    /// Takes note of a commit that has ended, decides what was called, and sends the next commit on
    /// its way if none is.
    fn serve(&mut self, taken: Taken) {
        if let Some(done) = taken.done {
            self.arrived(done);
        }
        self.decide(taken.calls);
        if taken.left {
            self.follower.rest();
        }
        // After the calls: a watch may be ended in the same moment in which it begins.
        self.end_watches(taken.cancelled);
        if self.batch.clock.is_empty() {
            self.send();
        } else {
            self.flush();
        }
        self.try_again();
        self.parts.store.heartbeat(self.parts.clock.now());
        self.count();
    }

    fn end_watches(&mut self, tickets: Vec<u64>) {
        for ticket in tickets {
            self.batch.watches.retain(|(watch, _)| *watch != ticket);
            self.watches.remove(ticket);
        }
    }

    /// Decides calls as part of the commit under construction, and a slice of a bulk call.
    fn decide(&mut self, calls: Vec<Call>) {
        let now = self.begin();
        self.parts.stats.calls.fetch_add(calls.len() as u64, Ordering::Relaxed);
        self.batch.calls += calls.len();
        if calls.first().is_some_and(|call| call.method.lane() == Lane::Interactive) {
            self.share.order_came(Instant::now());
        }
        for call in calls {
            match call.method.lane() {
                Lane::Interactive => {
                    self.batch.bytes += call.request.len();
                    self.handle(&call, now);
                }
                Lane::Bulk => self.begin_bulk(&call, now),
            }
        }
        if self.may_slice() {
            self.advance_bulk(now);
        }
    }

    /// Begins the commit under construction, if it is new, with what is due by the clock.
    fn begin(&mut self) -> Micros {
        if let Some(now) = self.batch.now {
            return now;
        }
        let now = self.parts.clock.now();
        self.batch.now = Some(now);
        self.parts.store.begin(now);
        // On a full disk what is due would fail the reads that wait: it is tried after them.
        if self.full_since.is_none() {
            self.housekeep();
        }
        now
    }

    /// Does what is due by the clock, within bounds.
    fn housekeep(&mut self) {
        self.more_due = true;
        let mut commands = 0;
        while self.more_due && commands < HOUSEKEEPING_COMMANDS_MAX {
            self.more_due = by_the_clock(self.parts.store.housekeep());
            commands += 1;
        }
    }

    /// Of many calls of a row each, orders are to feel no more than of one call of many rows.
    fn begin_bulk(&mut self, call: &Call, now: Micros) {
        let began = Instant::now();
        self.handle(call, now);
        if self.bulk.is_none() {
            self.share.slice_decided(began, Instant::now());
        }
    }

    fn handle(&mut self, call: &Call, now: Micros) {
        let ticket = call.ticket;
        if call.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.parts.stats.deadline_passed.fetch_add(1, Ordering::Relaxed);
            self.batch.answers.push(Finished::fault(ticket, &Fault::deadline_passed()));
            return;
        }
        let default_ttl_s = self.parts.default_ttl_s;
        let mut calls = Calls { store: &mut self.parts.store, default_ttl_s, now };
        match calls.handle(call) {
            Ok(Handled::Answer(bytes)) => self.batch.answers.push(Finished::ok(ticket, bytes)),
            Ok(Handled::Bulk(bulk)) => self.bulk = Some(bulk),
            Ok(Handled::List(page)) => {
                self.batch.pages.push(ListCall { ticket, page, deadline: call.deadline });
            }
            Ok(Handled::Watch(watched)) => self.batch.watches.push((ticket, watched)),
            Ok(Handled::SetTime(request)) => self.batch.clock.push((ticket, Some(request))),
            Ok(Handled::GetTime) => self.batch.clock.push((ticket, None)),
            Err(Failed::Fault(fault)) => self.batch.answers.push(Finished::fault(ticket, &fault)),
            Err(Failed::Fatal(error)) => stop(&error),
        }
    }

    /// Decides a slice of the bulk call, if there is one; with the last slice goes its answer.
    fn advance_bulk(&mut self, now: Micros) {
        let Some(mut bulk) = self.bulk.take() else { return };
        self.batch.has_slice = true;
        let default_ttl_s = self.parts.default_ttl_s;
        let mut calls = Calls { store: &mut self.parts.store, default_ttl_s, now };
        let began = Instant::now();
        let advanced = bulk.advance(&mut calls, self.share.slice_bytes(began));
        self.share.slice_decided(began, Instant::now());
        match advanced {
            Ok(false) => self.bulk = Some(bulk),
            Ok(true) => {
                self.batch.answers.push(Finished::ok(bulk.ticket, bulk.into_answer()));
            }
            Err(Failed::Fault(fault)) => {
                self.batch.answers.push(Finished::fault(bulk.ticket, &fault));
            }
            Err(Failed::Fatal(error)) => stop(&error),
        }
    }

    /// Sends the commit under construction on its way, unless one is; calls that changed nothing
    /// are answered at once.
    fn send(&mut self) {
        if self.on_its_way.is_some() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        debug_assert!(batch.clock.is_empty(), "the clock is asked when nothing is on its way");
        let sealed = self.parts.store.seal();
        let (state, mut news) = (self.parts.store.state(), News::default());
        // A call that begins a watch has begun the commit.
        let now = batch.now.unwrap_or(self.parts.store.last_time());
        let stands = (self.parts.store.last_seq(), now);
        if let Some(sealed) = &sealed {
            self.watches.tell(sealed, state, &mut news);
        }
        let mut watches = Vec::new();
        for (ticket, what) in batch.watches {
            if self.watches.add(ticket, what, state, stands, &mut news) {
                watches.push(ticket);
            }
        }
        let News { told: watched, ended } = news;
        let mut answers = batch.answers;
        answers.extend(ended);
        match sealed {
            Some(sealed) => {
                self.commits.send(Job { sealed, answers, watched });
                self.on_its_way = Some(OnItsWay { pages: batch.pages, watches });
            }
            None => {
                self.parts.outbox.push(answers);
                self.parts.outbox.push_watched(watched);
                self.read_pages(batch.pages);
            }
        }
    }

    /// The commit on its way has ended.
    fn arrived(&mut self, done: Done) {
        let Some(OnItsWay { pages, watches }) = self.on_its_way.take() else { return };
        let stats = &self.parts.stats;
        match done {
            Done::Durable => {
                self.parts.store.settle();
                stats.commits.fetch_add(1, Ordering::Relaxed);
                self.follower.committed(self.parts.store.committed_seq());
                self.full_since = None;
                self.read_pages(pages);
            }
            Done::NoRoom(tickets) => {
                self.parts.store.undo();
                stats.commits_undone.fetch_add(1, Ordering::Relaxed);
                self.full_since = Some(Instant::now());
                self.refuse(tickets, pages, &watches);
            }
        }
        let full = u64::from(self.full_since.is_some());
        self.parts.stats.store_full_now.store(full, Ordering::Relaxed);
    }

    /// There was no room: whoever waits for the commit that was on its way, or for what was decided
    /// on top of it, is refused.
    fn refuse(&mut self, tickets: Vec<u64>, pages: Vec<ListCall>, watches: &[u64]) {
        let fault = Fault::store_full();
        watches.iter().for_each(|ticket| self.watches.remove(*ticket));
        let pages = pages.into_iter().map(|call| call.ticket);
        let bulk = self.bulk.take().map(|bulk| bulk.ticket);
        let tickets = tickets.into_iter().chain(pages).chain(watches.iter().copied()).chain(bulk);
        let mut answers = std::mem::take(&mut self.batch).refuse(&fault);
        answers.extend(tickets.map(|ticket| Finished::fault(ticket, &fault)));
        self.parts.outbox.push(answers);
    }

    /// Has the lists read, up to what is durable.
    fn read_pages(&mut self, pages: Vec<ListCall>) {
        let seq = self.parts.store.committed_seq();
        for call in pages {
            let ticket = call.ticket;
            if let Err(fault) = self.lists.read(call, seq) {
                self.parts.outbox.push(vec![Finished::fault(ticket, &fault)]);
            }
        }
    }

    /// Waits until all that is decided is durable or undone; then serves who asks for the clock.
    fn flush(&mut self) {
        let clock = std::mem::take(&mut self.batch.clock);
        self.await_arrival();
        self.send();
        self.await_arrival();
        for (ticket, request) in clock {
            let answer = self.clock(ticket, request);
            self.parts.outbox.push(vec![answer]);
        }
    }

    fn await_arrival(&mut self) {
        while self.on_its_way.is_some() {
            let taken = self.parts.queue.take(IDLE_MAX, Room::NONE);
            self.end_watches(taken.cancelled);
            if let Some(done) = taken.done {
                self.arrived(done);
            }
        }
    }

    /// Looks, now and then, whether a full disk has room again, and does what is due by then.
    fn try_again(&mut self) {
        let is_time = self.full_since.is_some_and(|since| since.elapsed() >= STORE_FULL_PAUSE);
        if is_time && self.on_its_way.is_none() {
            let now = self.begin();
            debug_assert!(now >= self.parts.store.last_time(), "time does not go back");
            by_the_clock(self.parts.store.tick());
            self.housekeep();
            self.flush();
        }
    }

    fn count(&self) {
        let watched = self.watches.count();
        self.parts.stats.observe(&self.parts.store, &self.follower.figures(), watched);
    }
}

/// What the clock asks for can only fail with the store.
fn by_the_clock<T>(done: Result<T, ExecuteError>) -> T {
    match done {
        Ok(done) => done,
        Err(
            ExecuteError::Fatal(error)
            | ExecuteError::NoSpace(error)
            | ExecuteError::Unreadable(error),
        ) => stop(&error),
        Err(ExecuteError::Refused(refusal)) => unreachable!("the clock was refused: {refusal}"),
    }
}

/// What is on disk is not known any more: nothing may be answered from memory.
pub(crate) fn stop(error: &StoreError) -> ! {
    eprintln!("creditgate: {error}: the process stops; start it again to recover");
    std::process::abort()
}

#[cfg(test)]
mod tests;
