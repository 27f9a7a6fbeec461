//! The follower on a thread of its own.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use creditgate_engine::values::Seq;
use rustix::process::nice;

use crate::error::{StoreError, SyncError};
use crate::follower::Follower;

/// Rows that change again and again are written once in so long, and so often at least while the
/// follower does not rest; a list that wants them sooner has them written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// And as soon as so many rows and names wait. Under full load pages that many rows share are then
/// written once for all of them; but more rows at a time would keep the disk busy for a good part
/// of a second, and commits wait behind it.
const ROWS_DIRTY_MAX: usize = 500_000;
/// How far the follower stands back behind those who decide and answer, where cores are few.
const NICE: i32 = 19;
/// How long it leaves the machine to others when asked to: longer than a commit takes, so that it
/// rests on while it is asked at each of them, and no longer than a burst of orders.
const REST: Duration = Duration::from_millis(100);
/// How long a full disk is left alone before the first next attempt; doubled up to the longest.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(32);

/// How the follower fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowerFigures {
    /// Up to where the tables are folded on disk.
    pub flushed: Seq,
    /// And up to where in memory, when the follower last began a step.
    pub folded: Seq,
    /// How often the tables were written.
    pub flushes: u64,
    /// How often so much was left to fold that the follower no longer stood back.
    pub far_behind: u64,
    /// How often it left the machine to others, as it was asked to.
    pub rests: u64,
    /// How often the tables could not be written, for want of space.
    pub no_space: u64,
    /// What stopped the follower, or keeps it from writing.
    pub error: Option<Arc<str>>,
    /// What keeps whole files of the journal from being moved to the archive.
    pub archive_error: Option<Arc<str>>,
}

struct Shared {
    /// Up to where the journal is committed; written by the engine.
    committed: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    figures: FollowerFigures,
    /// Someone waits for the tables to be folded so far.
    wanted: Seq,
    /// How often writing was tried: a waiter is answered by an attempt after it asked.
    attempts: u64,
    last_was_no_space: bool,
    /// Nothing is folded before, if it can wait.
    rest_until: Option<Instant>,
    stopping: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves figures, no half-made change.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A running follower. Dropping it stops the threads without writing what waits: the journal has
/// it.
pub struct FollowerThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    waker: Thread,
}

/// The thread that follows while the other one, which stands back, has fallen far behind. A thread
/// may become nicer, but needs a privilege to be less nice again, so there are two.
struct Urgent {
    /// Dropping it ends the thread.
    to: Sender<Runner>,
    from: Receiver<(Runner, Next)>,
}

impl Urgent {
    fn spawn() -> io::Result<Urgent> {
        let (to, theirs) = channel::<Runner>();
        let (done, from) = channel();
        thread::Builder::new().name("creditgate-urgent".to_owned()).spawn(move || {
            for mut runner in theirs {
                let mut next = Next::Again;
                while next == Next::Again && runner.is_behind(runner.behind_max / 2) {
                    next = runner.advance(false);
                }
                // Nobody waits for it after a panic of the other thread.
                let _ = done.send((runner, next));
            }
        })?;
        Ok(Urgent { to, from })
    }

    /// Has the other thread follow until less is left, or it can do no more.
    fn catch_up(&self, runner: Runner) -> (Runner, Next) {
        self.to.send(runner).ok().and_then(|()| self.from.recv().ok()).expect("it does not panic")
    }
}

impl Follower {
    /// Runs the follower on a thread, from what is `committed` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] when no thread can be started.
    pub fn spawn(self, committed: Seq) -> Result<FollowerThread, StoreError> {
        let figures = FollowerFigures {
            flushed: self.flushed(),
            folded: self.folded(),
            ..Default::default()
        };
        let shared = Arc::new(Shared {
            committed: AtomicU64::new(committed),
            state: Mutex::new(State { figures, ..Default::default() }),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let no_thread = |e| StoreError::io("creditgate-tables".as_ref(), e);
        let urgent = Urgent::spawn().map_err(no_thread)?;
        let thread = thread::Builder::new()
            .name("creditgate-tables".to_owned())
            .spawn(move || {
                // On Linux of this thread alone. Where it is refused, the follower is not as nice.
                let _ = nice(NICE);
                Runner::new(self, theirs).run(&urgent);
            })
            .map_err(no_thread)?;
        let waker = thread.thread().clone();
        Ok(FollowerThread { shared, thread: Some(thread), waker })
    }
}

impl FollowerThread {
    /// Tells of a commit. Never blocks.
    pub fn committed(&self, seq: Seq) {
        self.shared.committed.store(seq, Release);
        self.waker.unpark();
    }

    /// Has the follower leave the machine to others for a moment, unless it is far behind already
    /// or someone waits for the tables.
    pub fn rest(&self) {
        self.shared.lock().rest_until = Some(Instant::now() + REST);
    }

    /// How the follower fares.
    #[must_use]
    pub fn figures(&self) -> FollowerFigures {
        self.shared.lock().figures.clone()
    }

    /// Waits until the tables are folded up to `seq`, which must be committed.
    ///
    /// # Errors
    ///
    /// [`SyncError`].
    pub fn sync_to(&self, seq: Seq, timeout: Duration) -> Result<(), SyncError> {
        let mut state = self.shared.lock();
        state.wanted = state.wanted.max(seq);
        let asked_at = state.attempts;
        self.waker.unpark();
        let waiting = |state: &mut State| {
            let failed = state.last_was_no_space && state.attempts > asked_at;
            state.figures.flushed < seq && !state.stopped && !failed
        };
        let waited = self.shared.changed.wait_timeout_while(state, timeout, waiting);
        let (state, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        let error = || state.figures.error.clone().unwrap_or_else(|| "it was stopped".into());
        if state.figures.flushed >= seq {
            Ok(())
        } else if state.stopped {
            Err(SyncError::Stopped(error()))
        } else if state.last_was_no_space && state.attempts > asked_at {
            Err(SyncError::NoSpace(error()))
        } else {
            Err(SyncError::Timeout)
        }
    }
}

impl Drop for FollowerThread {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.waker.unpark();
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was shown when it happened.
            drop(thread.join());
        }
    }
}

struct Runner {
    follower: Follower,
    shared: Arc<Shared>,
    /// When the oldest row that waits became dirty.
    dirty_since: Option<Instant>,
    /// Not before this; set while there is no room.
    retry_at: Option<Instant>,
    retry_after: Duration,
    /// Set while it rests.
    rest_until: Option<Instant>,
    /// With more entries to fold it no longer stands back.
    behind_max: u64,
}

/// What to do after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Again,
    Sleep,
    Stop,
}

impl Drop for Runner {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if thread::panicking() {
            state.figures.error = Some("the follower panicked".into());
        }
        // Also then: nobody is to wait for it.
        state.stopped = true;
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Runner {
    fn new(follower: Follower, shared: Arc<Shared>) -> Runner {
        let (dirty_since, retry_at, behind_max) = (None, None, follower.behind_max());
        Runner {
            follower,
            shared,
            dirty_since,
            retry_at,
            retry_after: RETRY_FIRST,
            rest_until: None,
            behind_max,
        }
    }

    fn run(mut self, urgent: &Urgent) {
        loop {
            match self.advance(true) {
                Next::Stop => return,
                Next::Sleep => self.sleep(),
                Next::Again if self.is_behind(self.behind_max) => {
                    self.shared.lock().figures.far_behind += 1;
                    let next;
                    (self, next) = urgent.catch_up(self);
                    // It sleeps on no other thread than this one, which is woken.
                    if next == Next::Stop {
                        return;
                    }
                }
                Next::Again => {}
            }
        }
    }

    fn is_behind(&self, entries: u64) -> bool {
        self.shared.committed.load(Acquire).saturating_sub(self.follower.folded()) > entries
    }

    /// Does one step, unless it is to stop, or to rest and may.
    fn advance(&mut self, may_rest: bool) -> Next {
        let (wanted, stopping, rest_until) = {
            let mut state = self.shared.lock();
            state.figures.folded = self.follower.folded();
            (state.wanted, state.stopping, state.rest_until)
        };
        if stopping {
            return Next::Stop;
        }
        let can_wait = wanted <= self.follower.flushed() && !self.is_behind(self.behind_max);
        let rest_until = rest_until.filter(|until| may_rest && can_wait && Instant::now() < *until);
        if rest_until.is_some() && self.rest_until.is_none() {
            self.shared.lock().figures.rests += 1;
        }
        self.rest_until = rest_until;
        if rest_until.is_some() {
            return Next::Sleep;
        }
        match self.step(wanted) {
            Ok(true) => Next::Again,
            Ok(false) => Next::Sleep,
            Err(error) => {
                self.shared.lock().figures.error = Some(error.to_string().into());
                Next::Stop
            }
        }
    }

    /// Folds or flushes once; returns whether there may be more to do at once.
    fn step(&mut self, wanted: Seq) -> Result<bool, StoreError> {
        let full = self.follower.rows_dirty() >= ROWS_DIRTY_MAX;
        let folded = !full && self.follower.fold(self.shared.committed.load(Acquire))?;
        if folded {
            self.dirty_since.get_or_insert_with(Instant::now);
        }
        let is_wanted =
            wanted > self.follower.flushed() && (full || wanted <= self.follower.folded());
        let due = self.dirty_since.is_some_and(|since| since.elapsed() >= FLUSH_EVERY);
        let may = self.retry_at.is_none_or(|at| Instant::now() >= at);
        // A waiter has an attempt of its own, even while the clock leaves a full disk alone; a
        // failed one answers it and is not repeated for it.
        if is_wanted || (may && (full || due)) {
            self.flush()?;
            return Ok(true);
        }
        Ok(folded)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let result = self.follower.flush();
        let mut state = self.shared.lock();
        state.attempts += 1;
        state.last_was_no_space = false;
        match result {
            Ok(()) => {
                (self.dirty_since, self.retry_at, self.retry_after) = (None, None, RETRY_FIRST);
                state.figures.flushes += 1;
                state.figures.flushed = self.follower.flushed();
                state.figures.error = None;
            }
            Err(error @ StoreError::NoSpace { .. }) => {
                self.retry_at = Some(Instant::now() + self.retry_after);
                self.retry_after = (self.retry_after * 2).min(RETRY_LONGEST);
                state.last_was_no_space = true;
                state.wanted = 0;
                state.figures.no_space += 1;
                state.figures.error = Some(error.to_string().into());
            }
            Err(error) => return Err(error),
        }
        self.shared.changed.notify_all();
        drop(state);
        self.archive()
    }

    /// Files that cannot be moved, to a disk that is full or gone, stay at hand: the tables are
    /// kept all the same, and the next flush tries again.
    fn archive(&mut self) -> Result<(), StoreError> {
        let error = match self.follower.archive() {
            Err(crash @ StoreError::Injected(_)) => return Err(crash),
            archived => archived.err().map(|error| error.to_string().into()),
        };
        self.shared.lock().figures.archive_error = error;
        Ok(())
    }

    /// Until a commit, a waiter or the clock has work, or the rest is over.
    fn sleep(&self) {
        let due = self.dirty_since.map(|since| since + FLUSH_EVERY);
        match self.rest_until.or(due.max(self.retry_at)) {
            None => thread::park(),
            Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
        }
    }
}
