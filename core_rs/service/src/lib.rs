//! The engine thread and its calls: protobuf bytes in, protobuf bytes out. No Python in here: any
//! transport can stand on [`Service::submit`] and [`Service::drain`].
//!
//! # Layout
//!
//! - [`access`]: who calls, which role may call what, and how much.
//! - [`methods`]: the calls of the contract, by path and number, and their lanes.
//! - `wire`: requests to commands, outcomes to answers, faults to statuses.
//! - `queue`: calls that wait, in two bounded lanes.
//! - `worker`: the one thread that owns the store: takes what waits and decides it, while a second
//!   one makes the commit before durable and answers.
//! - `calls`: one call on that thread; `bulk`: calls of many rows, slice by slice.
//! - `lists`: the thread that reads pages from the tables; `changes`: from the journal.
//! - `finished`: answers on their way back, and the descriptor that announces them.
//! - [`stats`], `clock`.

mod abort;
pub mod access;
mod bulk;
mod calls;
mod changes;
mod clock;
mod finished;
mod lists;
pub mod methods;
mod queue;
pub mod stats;
mod wire;
mod worker;

use std::os::fd::RawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use creditgate_engine::bounds::ID_BYTES_MAX;
use creditgate_engine::state::Reconciliations;
use creditgate_store::{ChainEnd, Link, Recovery, Store, StoreError};

pub use clock::ClockKind;
pub use finished::Finished;

use crate::access::Access;
use crate::clock::Clock;
use crate::finished::Outbox;
use crate::methods::Method;
use crate::queue::{Call, Queue, Refused};
use crate::stats::Stats;
use crate::wire::admit;
use crate::wire::status::Fault;

/// How a service is run, besides its store.
#[derive(Clone)]
pub struct Options {
    /// Where time comes from.
    pub clock: ClockKind,
    /// Most interactive calls that may wait.
    pub queue_depth_max: usize,
    /// How long a reservation holds when the request does not say.
    pub default_ttl_s: u32,
    /// The store's own.
    pub store: creditgate_store::Options,
}

/// A call to queue.
#[derive(Debug)]
pub struct Submission {
    /// Its number in the contract.
    pub method: u16,
    /// As it came.
    pub request: Vec<u8>,
    /// Who calls: the `authorization` that came with the call, where the service is
    /// [guarded](Service::guarded_by), and else what the caller calls itself.
    pub caller: String,
    /// The call is dropped if it has not been decided by then.
    pub timeout: Option<Duration>,
}

impl Submission {
    fn admit(self, ticket: u64, access: Option<&Access>) -> Result<Call, Fault> {
        let Submission { method, request, caller, timeout } = self;
        let method = Method::of(method).ok_or_else(|| Fault::unknown_method(method))?;
        let (actor, role, own_channel) = match access {
            Some(access) => {
                let admitted = access.admit(ticket, &caller, method, request.len())?;
                (admitted.actor, Some(admitted.role), admitted.channel)
            }
            None => (claimed(caller)?, None, None),
        };
        // A timeout too long to be counted is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Ok(Call { ticket, method, request, actor, role, own_channel, deadline, found: None })
    }
}

/// What a caller calls itself, where nobody checks it.
fn claimed(actor: String) -> Result<String, Fault> {
    if actor.len() > ID_BYTES_MAX || actor.chars().any(char::is_control) {
        let rule = "at most 64 bytes of plain text";
        return Err(Fault::field("creditgate-actor", admit::shown(&actor), rule));
    }
    Ok(actor)
}

/// One open store and the threads that serve it. All methods may be called from any thread.
pub struct Service {
    queue: Arc<Queue>,
    outbox: Arc<Outbox>,
    stats: Arc<Stats>,
    recovery: Recovery,
    chain_end: ChainEnd,
    next_ticket: AtomicU64,
    access: Option<Arc<Access>>,
    /// Taken by the first `close`.
    worker: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

impl Service {
    /// Opens or creates the store in `dir`, recovers it and starts the threads.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] when the store cannot be opened; nothing runs then.
    pub fn open(dir: &Path, options: Options) -> Result<Service, StoreError> {
        let (store, recovery) = Store::open(dir, options.store)?;
        let chain_end = store.chain_end().clone();
        let outbox =
            Arc::new(Outbox::new().map_err(|source| StoreError::Io {
                path: dir.to_owned(),
                source: source.into(),
            })?);
        let queue = Arc::new(Queue::new(options.queue_depth_max));
        let stats = Arc::new(Stats::default());
        let worker = worker::Worker::new(worker::Parts {
            clock: Clock::new(options.clock, store.last_time()),
            store,
            default_ttl_s: options.default_ttl_s,
            queue: Arc::clone(&queue),
            outbox: Arc::clone(&outbox),
            stats: Arc::clone(&stats),
        })?;
        Ok(Service {
            queue,
            outbox,
            stats,
            recovery,
            chain_end,
            next_ticket: AtomicU64::new(1),
            access: None,
            worker: Mutex::new(Some(worker.spawn())),
        })
    }

    /// The same service, which from now on takes calls only from those who may make them.
    #[must_use]
    pub fn guarded_by(mut self, access: Arc<Access>) -> Service {
        self.access = Some(access);
        self
    }

    /// How the store was recovered.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Where the chain of the journal ends on disk; also once the service is closed.
    #[must_use]
    pub fn chain_end(&self) -> Link {
        self.chain_end.get()
    }

    /// Queues one call and returns its ticket at once. The answer comes through [`Service::drain`];
    /// whatever is wrong with the call is an answer too.
    pub fn submit(&self, call: Submission) -> u64 {
        self.submit_all(vec![call])
    }

    /// Queues calls that have gathered; returns the first one's ticket, from which those of the
    /// others count up. The worker wakes once for them, and finds all when it does: woken by the
    /// first it would commit that one alone.
    pub fn submit_all(&self, calls: Vec<Submission>) -> u64 {
        let first = self.next_ticket.fetch_add(calls.len() as u64, Ordering::Relaxed);
        let (mut admitted, mut faults) = (Vec::with_capacity(calls.len()), Vec::new());
        for (ticket, call) in (first..).zip(calls) {
            match call.admit(ticket, self.access.as_deref()) {
                Ok(call) => admitted.push(call),
                Err(fault) => faults.push(Finished::fault(ticket, &fault)),
            }
        }
        for (ticket, refused) in self.queue.push_all(admitted) {
            let fault = match refused {
                Refused::Full => self.full(),
                Refused::Closed => Fault::shutting_down(),
            };
            faults.push(Finished::fault(ticket, &fault));
        }
        self.outbox.push(faults);
        first
    }

    fn full(&self) -> Fault {
        self.stats.refused.fetch_add(1, Ordering::Relaxed);
        Fault::queue_full()
    }

    /// Refuses a call for which [`Service::has_room`] was asked in vain, before it is read; with a
    /// ticket of zero.
    #[must_use]
    pub fn refuse(&self) -> Finished {
        Finished::fault(0, &self.full())
    }

    /// Whether so many more orders or batches, of so many bytes together, would not be refused with
    /// QUEUE_FULL. It stays so until somebody submits.
    #[must_use]
    pub fn has_room(&self, calls: usize, bytes: usize) -> bool {
        self.queue.has_room(calls, bytes)
    }

    /// Ends a watch. Other tickets run to their end and are not affected.
    pub fn cancel(&self, ticket: u64) {
        self.queue.cancel(ticket);
        self.outbox.forget(ticket);
        if let Some(access) = &self.access {
            access.answered(ticket, true);
        }
    }

    /// A descriptor that becomes readable when [`Service::drain`] has something to return; open as
    /// long as the service is.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.outbox.fd()
    }

    /// Takes all finished calls.
    #[must_use]
    pub fn drain(&self) -> Vec<Finished> {
        let finished = self.outbox.drain();
        if let Some(access) = &self.access {
            finished.iter().for_each(|call| access.answered(call.ticket, call.code != 0));
        }
        finished
    }

    /// Figures for the metrics page.
    #[must_use]
    pub fn stats(&self) -> Vec<(&'static str, u64)> {
        let mut figures = self.stats.figures(&self.queue);
        figures.extend(self.access.iter().flat_map(|access| access.figures()));
        figures
    }

    /// The latest reconciliation of each source, for the metrics page too.
    #[must_use]
    pub fn reconciliations(&self) -> Arc<Reconciliations> {
        self.stats.reconciliations()
    }

    /// Refuses new calls, finishes those that wait, brings the tables up to date and closes the
    /// store. Finished calls can still be drained.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] when the tables could not be brought up to date; the journal is whole all
    /// the same. A second call does nothing.
    pub fn close(&self) -> Result<(), StoreError> {
        self.queue.close();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        match worker.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            // A panic of the worker ends the process, so this is never reached.
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Nobody is left to be told; the tables are brought up to date at the next start.
        let _ = self.close();
    }
}
