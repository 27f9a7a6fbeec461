//! The one thread that owns the store: takes what waits, decides it, commits once, answers.

mod watches;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use creditgate_engine::values::Micros;
use creditgate_store::{CommitError, ExecuteError, FollowerThread, Store, StoreError};
use prost::Message;

use crate::abort::AbortOnPanic;
use crate::calls::{Calls, Failed, Handled};
use crate::clock::Clock;
use crate::finished::{Finished, Outbox};
use crate::lists::{Lists, Page};
use crate::queue::{Call, Queue};
use crate::stats::Stats;
use crate::wire::reply::timestamp;
use crate::wire::status::Fault;
use crate::wire::v1;
use watches::Watches;

/// Longest sleep of an idle worker; the counters map's heartbeat beats at least as often.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Most commands of the clock in one commit, of up to 1,000 events each: more than the calls of one
/// commit can bring about, or nearly.
const HOUSEKEEPING_COMMANDS_MAX: usize = 8;

/// Pause before what is due by the clock is tried again on a full disk.
const STORE_FULL_PAUSE: Duration = Duration::from_millis(200);

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
    /// When the last commit was made that found no room, if none has been made since.
    full_since: Option<Instant>,
    /// The clock had something to do, and may have more.
    more_due: bool,
    /// Last, so that the store's lock outlives the follower, which writes its tables.
    parts: Parts,
}

/// What calls ask for that is done after the commit that they came with.
#[derive(Default)]
struct After {
    /// Answers by ticket.
    answers: Vec<Finished>,
    pages: Vec<(u64, Page)>,
    watches: Vec<(u64, Vec<creditgate_engine::values::Slot>)>,
    clock: Vec<(u64, Option<v1::SetTimeRequest>)>,
}

impl After {
    /// The commit was undone: whatever these calls saw or asked for may be gone with it.
    fn refuse(&mut self, fault: &Fault) {
        let answers = self.answers.drain(..).map(|finished| finished.ticket);
        let pages = self.pages.drain(..).map(|(ticket, _)| ticket);
        let watches = self.watches.drain(..).map(|(ticket, _)| ticket);
        let tickets: Vec<u64> = answers.chain(pages).chain(watches).collect();
        self.answers = tickets.into_iter().map(|ticket| Finished::fault(ticket, fault)).collect();
    }
}

impl Worker {
    /// A worker with its helpers at work.
    pub(crate) fn new(parts: Parts) -> Result<Worker, StoreError> {
        let follower = Arc::new(parts.store.follower()?.spawn(parts.store.committed_seq())?);
        let tables = parts.store.tables().clone();
        let lists = Lists::spawn(tables, Arc::clone(&follower), Arc::clone(&parts.outbox));
        let watches = Watches::default();
        Ok(Worker { follower, watches, lists, full_since: None, more_due: false, parts })
    }

    /// Runs the worker on a thread of its own until the queue is over.
    pub(crate) fn spawn(self) -> JoinHandle<Result<(), StoreError>> {
        let thread = std::thread::Builder::new().name("creditgate-worker".to_owned());
        let run = move || {
            let _guard = AbortOnPanic;
            self.run()
        };
        thread.spawn(run).expect("a process that cannot start a thread at its start cannot serve")
    }

    fn run(mut self) -> Result<(), StoreError> {
        self.count();
        loop {
            let idle = self.idle();
            let taken = self.parts.queue.take(idle);
            if taken.over {
                break;
            }
            self.serve(taken.calls);
            // After the calls: a watch may be ended in the same moment in which it begins.
            for ticket in taken.cancelled {
                self.watches.remove(ticket);
            }
            self.count();
        }
        self.lists.close();
        Ok(self.follower.sync_to(self.parts.store.committed_seq(), CLOSING_MAX)?)
    }

    /// How long to sleep when nobody calls: until the next reservation expires; not at all while
    /// more is due than one commit does.
    fn idle(&mut self) -> Duration {
        if self.full_since.is_some() {
            return STORE_FULL_PAUSE;
        }
        if self.more_due {
            return Duration::ZERO;
        }
        match self.parts.store.state().expiring().next() {
            Some((at, _)) if !self.parts.clock.is_manual() => {
                let micros = at.saturating_sub(self.parts.clock.now()).max(0);
                Duration::from_micros(micros.unsigned_abs()).min(IDLE_MAX)
            }
            _ => IDLE_MAX,
        }
    }

    /// Serves what one commit carries.
    fn serve(&mut self, calls: Vec<Call>) {
        let now = self.parts.clock.now();
        self.parts.store.begin(now);
        // On a full disk what is due would fail the reads that wait: it is tried after them.
        if self.full_since.is_none() {
            self.housekeep();
        }
        let mut after = After::default();
        self.parts.stats.calls.fetch_add(calls.len() as u64, Ordering::Relaxed);
        for call in calls {
            self.handle(call, now, &mut after);
        }
        if !self.commit() {
            after.refuse(&Fault::store_full());
        }
        self.parts.outbox.push(after.answers);
        for (ticket, request) in after.clock {
            let answer = self.clock(ticket, request);
            self.parts.outbox.push(vec![answer]);
        }
        for (ticket, slots) in after.watches {
            self.watches.add(ticket, slots, &self.parts.store, &self.parts.outbox);
        }
        let seq = self.parts.store.committed_seq();
        for (ticket, page) in after.pages {
            if let Err(fault) = self.lists.read(ticket, page, seq) {
                self.parts.outbox.push(vec![Finished::fault(ticket, &fault)]);
            }
        }
        self.try_again();
        self.parts.store.heartbeat(self.parts.clock.now());
    }

    /// Looks, now and then, whether a full disk has room again, and does what is due by then.
    fn try_again(&mut self) {
        if self.full_since.is_some_and(|since| since.elapsed() >= STORE_FULL_PAUSE) {
            let now = self.parts.clock.now();
            self.parts.store.begin(now);
            by_the_clock(self.parts.store.tick());
            self.housekeep();
            self.commit();
        }
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

    fn handle(&mut self, call: Call, now: Micros, after: &mut After) {
        let ticket = call.ticket;
        if call.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.parts.stats.deadline_passed.fetch_add(1, Ordering::Relaxed);
            after.answers.push(Finished::fault(ticket, &Fault::deadline_passed()));
            return;
        }
        let default_ttl_s = self.parts.default_ttl_s;
        let mut calls = Calls { store: &mut self.parts.store, default_ttl_s, now };
        match calls.handle(&call) {
            Ok(Handled::Answer(bytes)) => after.answers.push(Finished::ok(ticket, bytes)),
            Ok(Handled::List(page)) => after.pages.push((ticket, page)),
            Ok(Handled::Watch(slots)) => after.watches.push((ticket, slots)),
            Ok(Handled::SetTime(request)) => after.clock.push((ticket, Some(request))),
            Ok(Handled::GetTime) => after.clock.push((ticket, None)),
            Err(Failed::Fault(fault)) => after.answers.push(Finished::fault(ticket, &fault)),
            Err(Failed::Fatal(error)) => stop(&error),
        }
    }

    /// Makes durable what was decided; `false` when there was no room and it was undone.
    fn commit(&mut self) -> bool {
        if !self.parts.store.has_pending() {
            return true;
        }
        let stats = &self.parts.stats;
        match self.parts.store.commit() {
            Ok(()) => {
                stats.commits.fetch_add(1, Ordering::Relaxed);
                self.follower.committed(self.parts.store.committed_seq());
                self.watches.tell(&self.parts.store, &self.parts.outbox);
                self.full_since = None;
            }
            Err(CommitError::NoSpace(_)) => {
                stats.commits_undone.fetch_add(1, Ordering::Relaxed);
                self.full_since = Some(Instant::now());
            }
            Err(CommitError::Fatal(error)) => stop(&error),
        }
        stats.store_full_now.store(u64::from(self.full_since.is_some()), Ordering::Relaxed);
        self.full_since.is_none()
    }

    fn clock(&mut self, ticket: u64, request: Option<v1::SetTimeRequest>) -> Finished {
        let answer = match request {
            None => Ok(v1::GetTimeResponse { time: Some(timestamp(self.parts.clock.now())) }
                .encode_to_vec()),
            Some(request) => self.set_time(&request).map(|()| {
                v1::SetTimeResponse { time: Some(timestamp(self.parts.clock.now())) }
                    .encode_to_vec()
            }),
        };
        match answer {
            Ok(bytes) => Finished::ok(ticket, bytes),
            Err(fault) => Finished::fault(ticket, &fault),
        }
    }

    /// Moves the manual clock and does all that is due by then. The time is journalled: a server
    /// that starts again goes on from it.
    fn set_time(&mut self, request: &v1::SetTimeRequest) -> Result<(), Fault> {
        if !self.parts.clock.is_manual() {
            return Err(Fault::clock_not_manual());
        }
        let moment = crate::wire::admit::moment("time", request.time.as_ref())?;
        if moment < self.parts.clock.now() {
            return Err(Fault::clock_backwards(self.parts.clock.now()));
        }
        self.more_due = true;
        while self.more_due {
            self.parts.store.begin(moment);
            by_the_clock(self.parts.store.tick());
            self.housekeep();
            if !self.commit() {
                return Err(Fault::store_full());
            }
            self.parts.clock.set(moment);
        }
        Ok(())
    }

    fn count(&self) {
        let (stats, store) = (&self.parts.stats, &self.parts.store);
        let set = |figure: &AtomicU64, value: u64| figure.store(value, Ordering::Relaxed);
        let state = store.state();
        set(&stats.journal_seq, store.committed_seq());
        let tables = self.follower.figures();
        set(&stats.tables_seq, tables.flushed);
        set(&stats.tables_flushes, tables.flushes);
        set(&stats.tables_failing_now, u64::from(tables.error.is_some()));
        set(&stats.accounts_now, state.account_count() as u64);
        set(&stats.reservations_open_now, state.open_count() as u64);
        set(&stats.items_now, state.item_count() as u64);
        set(&stats.watched_now, self.watches.count());
        let (requests, entries) = store.window_figures();
        let age =
            |oldest: Option<Micros>| oldest.map_or(0, |oldest| store.last_time().abs_diff(oldest));
        set(&stats.request_ids_now, requests.count);
        set(&stats.request_window_us, age(requests.oldest));
        set(&stats.entry_ids_now, entries.count);
        set(&stats.entry_window_us, age(entries.oldest));
    }
}

/// What the clock asks for can only fail with the store.
fn by_the_clock<T>(done: Result<T, ExecuteError>) -> T {
    match done {
        Ok(done) => done,
        Err(ExecuteError::Fatal(error) | ExecuteError::NoSpace(error)) => stop(&error),
        Err(ExecuteError::Refused(refusal)) => unreachable!("the clock was refused: {refusal}"),
    }
}

/// What is on disk is not known any more: nothing may be answered from memory.
fn stop(error: &StoreError) -> ! {
    eprintln!("creditgate: {error}: the process stops; start it again to recover");
    std::process::abort()
}

#[cfg(test)]
mod tests;
