//! Pages of what was done, read from the journal by a thread of their own that stands back behind
//! those who decide: who asks about the past never holds up an order.
//!
//! What an entry found before it is in no entry, so the journal is added up from its beginning, a
//! slice at a time, and the books are kept between the pages of one caller.

mod books;
mod decision;
mod erasure;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use creditgate_engine::error::Refusal;
use creditgate_engine::state::State;
use creditgate_engine::values::{Micros, Seq, Slot};
use creditgate_store::{Journal, StoreError};
use prost::Message;
use rustix::process::nice;

use crate::abort::AbortOnPanic;
use crate::finished::{Finished, Outbox};
use crate::methods::Method;
use crate::queue::{Call, Queue, Refused};
use crate::stats::Stats;
use crate::wire::status::Fault;
use crate::wire::{admit, reply, v1};
use books::Books;
pub(crate) use decision::Sought;
pub(crate) use erasure::Erasure;

/// Most pages that may wait.
const WAITING_MAX: usize = 64;

/// Longest work on one page: then others have their turn, and the caller asks again.
const SLICE: Duration = Duration::from_millis(20);

/// Most bytes of changes in one page, but at least one change.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Most callers at a time. Each has books in memory: of one account, or of all.
const BOOKS_MAX: usize = 8;

/// Books that nobody has asked for since are closed.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// How long a decision is looked for at most.
const SEARCH_MAX: Duration = Duration::from_secs(5);

/// Such books make room for another caller's.
const IDLE_BEFORE_ANOTHER: Duration = Duration::from_secs(10);

/// Behind everybody else.
const NICE: i32 = 19;

/// One page to read.
pub(crate) struct Asked {
    account_id: String,
    /// Of `account_id`.
    slot: Option<Slot>,
    since: Micros,
    /// Not up to this entry.
    after: Seq,
    size: usize,
}

impl Asked {
    pub(crate) fn admit(m: &v1::ListChangesRequest, state: &State) -> Result<Asked, Fault> {
        let slot = match admit::optional_id("account_id", &m.account_id)? {
            "" => None,
            id => Some(
                state.slot(id).ok_or_else(|| Fault::from(Refusal::AccountNotFound(id.into())))?,
            ),
        };
        let since = match &m.since {
            None => Micros::MIN,
            since => admit::moment("since", since.as_ref())?,
        };
        let (size, token) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
        let after = m.after_seq.max(token.unwrap_or_default());
        Ok(Asked { account_id: m.account_id.clone(), slot, since, after, size })
    }
}

/// What the thread is asked for.
pub(crate) enum Work {
    Page(Asked),
    Decision(Sought),
    Find(Erasure),
}

struct Waiting {
    ticket: u64,
    deadline: Option<Instant>,
    work: Work,
    /// The last entry that is durable.
    up_to: Seq,
}

/// The thread.
pub(crate) struct Changes {
    waiting: Option<SyncSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

impl Changes {
    pub(crate) fn spawn(
        journal: Journal,
        queue: Arc<Queue>,
        outbox: Arc<Outbox>,
        stats: Arc<Stats>,
    ) -> Changes {
        let (waiting, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("creditgate-changes".to_owned())
            .spawn(move || {
                let _guard = AbortOnPanic;
                // On Linux of this thread alone. Where it is refused, it is not as nice.
                let _ = nice(NICE);
                Reader { journal, queue, outbox, stats, open: Vec::new() }.run(&receiver);
            })
            .expect("a process that cannot start a thread at its start cannot serve");
        Changes { waiting: Some(waiting), thread: Some(thread) }
    }

    /// Has a page read, or texts found, up to the entry `up_to`.
    pub(crate) fn read(
        &self,
        ticket: u64,
        deadline: Option<Instant>,
        work: Work,
        up_to: Seq,
    ) -> Result<(), Fault> {
        let Some(waiting) = &self.waiting else { return Err(Fault::shutting_down()) };
        waiting.try_send(Waiting { ticket, deadline, work, up_to }).map_err(|error| match error {
            TrySendError::Full(_) => Fault::queue_full(),
            TrySendError::Disconnected(_) => Fault::shutting_down(),
        })
    }

    /// Reads the pages that wait, and ends.
    pub(crate) fn close(&mut self) {
        self.waiting = None;
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: that ends the process.
            let _ = thread.join();
        }
    }
}

/// Books that are kept for the next page.
struct Open {
    account_id: String,
    books: Books,
    /// The last entry in them.
    seq: Seq,
    used: Instant,
}

struct Reader {
    journal: Journal,
    queue: Arc<Queue>,
    outbox: Arc<Outbox>,
    stats: Arc<Stats>,
    open: Vec<Open>,
}

impl Reader {
    fn run(&mut self, waiting: &Receiver<Waiting>) {
        loop {
            match waiting.recv_timeout(IDLE_MAX) {
                Ok(Waiting { ticket, deadline, work, up_to }) => {
                    let done = match work {
                        Work::Page(asked) => self
                            .answer(&asked, deadline, up_to)
                            .map(|page| Some(Finished::ok(ticket, page.encode_to_vec()))),
                        Work::Decision(sought) => self
                            .decision(&sought, deadline, up_to)
                            .map(|found| Some(Finished::ok(ticket, found.encode_to_vec()))),
                        Work::Find(erasure) => {
                            self.find(ticket, deadline, erasure, up_to).map(|()| None)
                        }
                    };
                    let done = done.unwrap_or_else(|fault| Some(Finished::fault(ticket, &fault)));
                    self.outbox.push(done.into_iter().collect());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.open.retain(|open| open.used.elapsed() < IDLE_MAX);
        }
    }

    fn answer(
        &mut self,
        asked: &Asked,
        deadline: Option<Instant>,
        up_to: Seq,
    ) -> Result<v1::ListChangesResponse, Fault> {
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(self.too_late());
        }
        let mut open = self.books_for(asked)?;
        // Books that an error left half way through a commit are not kept.
        let page = self.page(asked, &mut open, up_to).map_err(|e| Fault::journal_unreadable(&e))?;
        open.used = Instant::now();
        self.open.push(open);
        Ok(page)
    }

    /// Others wait behind it: it takes no longer than its caller waits, nor than [`SEARCH_MAX`].
    fn decision(
        &self,
        sought: &Sought,
        deadline: Option<Instant>,
        up_to: Seq,
    ) -> Result<v1::GetDecisionResponse, Fault> {
        let longest = Instant::now() + SEARCH_MAX;
        let is_callers = deadline.is_some_and(|deadline| deadline <= longest);
        let until = deadline.map_or(longest, |deadline| deadline.min(longest));
        let found = decision::find(&self.journal, sought, up_to, || Instant::now() < until)?;
        found.ok_or_else(|| match is_callers {
            true => self.too_late(),
            false => sought.given_up(SEARCH_MAX),
        })
    }

    fn too_late(&self) -> Fault {
        self.stats.deadline_passed.fetch_add(1, Ordering::Relaxed);
        Fault::deadline_passed()
    }

    /// Finds the texts that an erasure is about, and sends the call back to the worker with them.
    fn find(
        &self,
        ticket: u64,
        deadline: Option<Instant>,
        erasure: Erasure,
        up_to: Seq,
    ) -> Result<(), Fault> {
        let waits = || deadline.is_none_or(|deadline| Instant::now() < deadline);
        let found = erasure.find(&self.journal, up_to, waits)?;
        if found.is_none() {
            return Err(self.too_late());
        }
        let Erasure { request, actor, .. } = erasure;
        let method = Method::EraseTexts;
        // Whoever may erase is held to no sales channel, and an erasure is about no limit.
        let (role, own_channel) = (None, None);
        let call = Call { ticket, method, request, actor, role, own_channel, deadline, found };
        match self.queue.push_all(vec![call])[..] {
            [] => Ok(()),
            [(_, Refused::Full), ..] => Err(Fault::queue_full()),
            [(_, Refused::Closed), ..] => Err(Fault::shutting_down()),
        }
    }

    /// The books of this account, or of all, that have come as far as possible, but not too far.
    fn books_for(&mut self, asked: &Asked) -> Result<Open, Fault> {
        let fits = |open: &Open| open.account_id == asked.account_id && open.seq <= asked.after;
        let found = self.open.iter().enumerate().filter(|(_, open)| fits(open));
        if let Some((place, _)) = found.max_by_key(|(_, open)| open.seq) {
            return Ok(self.open.swap_remove(place));
        }
        if self.open.len() >= BOOKS_MAX {
            let oldest = self.open.iter().enumerate().min_by_key(|(_, open)| open.used);
            match oldest {
                Some((place, open)) if open.used.elapsed() >= IDLE_BEFORE_ANOTHER => {
                    self.open.swap_remove(place);
                }
                _ => return Err(Fault::audit_busy(BOOKS_MAX)),
            }
        }
        let only = asked.slot.map(|slot| (slot, asked.account_id.as_str().into()));
        let account_id = asked.account_id.clone();
        Ok(Open { account_id, books: Books::new(only), seq: 0, used: Instant::now() })
    }

    fn page(
        &self,
        asked: &Asked,
        open: &mut Open,
        up_to: Seq,
    ) -> Result<v1::ListChangesResponse, StoreError> {
        let began = Instant::now();
        let (mut changes, mut bytes) = (Vec::new(), 0);
        if open.seq < up_to {
            self.journal.read(open.seq + 1, |commit| {
                if commit.head.first_seq > open.seq + 1 {
                    let path = self.journal.path().to_owned();
                    return Err(StoreError::FileMissing { path, seq: open.seq + 1 });
                }
                let time = commit.head.time;
                for (seq, entry) in (commit.head.first_seq..).zip(&commit.entries) {
                    if seq <= open.seq {
                        continue;
                    }
                    if seq > asked.after && time >= asked.since {
                        if let Some(change) = open.books.take(seq, time, entry) {
                            bytes += change.encoded_len();
                            changes.push(change);
                        }
                    } else {
                        open.books.pass(time, entry);
                    }
                    open.seq = seq;
                    let is_full = changes.len() >= asked.size || bytes >= PAGE_BYTES_MAX;
                    if is_full || seq >= up_to || began.elapsed() >= SLICE {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        let journal_seq = open.seq.max(asked.after);
        let next = (open.seq < up_to).then_some(journal_seq);
        let next_page_token = reply::page_token(next);
        Ok(v1::ListChangesResponse { changes, next_page_token, journal_seq })
    }
}
