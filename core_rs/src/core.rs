//! The class `Core`: one open store and the threads that serve it.

use std::path::PathBuf;
use std::time::Duration;

use creditgate_service::{ClockKind, Options, Service, Submission};
use creditgate_store::{Retention, WindowBounds};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::StoreError;
use crate::access::Access;

const MICROS_PER_S: u64 = 1_000_000;

/// Method, request, caller, and the time left in seconds.
type Gathered<'py> = (u16, Bound<'py, PyBytes>, String, Option<f64>);

fn submission(method: u16, request: &[u8], caller: String, timeout_s: Option<f64>) -> Submission {
    // A negative time left is none left, as is one that is no number; one too long is no bound.
    let timeout = timeout_s.and_then(|left| Duration::try_from_secs_f64(left.max(0.0)).ok());
    Submission { method, request: request.to_vec(), caller, timeout }
}

/// One open store and the engine thread that owns it. Safe to call from any thread.
#[pyclass(frozen, module = "creditgate.core")]
pub(crate) struct Core {
    service: Service,
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (
        path,
        *,
        access = None,
        clock = "system",
        queue_depth_max = 10_000,
        default_ttl_s = 2_592_000,
        request_window_count_max = 1_000_000,
        request_window_s = 604_800,
        entry_window_count_max = 10_000_000,
        entry_window_s = 316_224_000,
        closed_retention_count_max = 1_000_000,
        closed_retention_s = 7_776_000,
        journal_retention_bytes = 64 << 30,
        journal_retention_s = 2_592_000,
        journal_map_size_bytes = 1 << 40,
        tables_map_size_bytes = 1 << 38,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments, each an option of its own")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        access: Option<PyRef<'_, Access>>,
        clock: &str,
        queue_depth_max: usize,
        default_ttl_s: u32,
        request_window_count_max: u64,
        request_window_s: u32,
        entry_window_count_max: u64,
        entry_window_s: u32,
        closed_retention_count_max: u64,
        closed_retention_s: u32,
        journal_retention_bytes: u64,
        journal_retention_s: u32,
        journal_map_size_bytes: usize,
        tables_map_size_bytes: usize,
    ) -> PyResult<Core> {
        let clock = match clock {
            "system" => ClockKind::System,
            "manual" => ClockKind::Manual,
            other => {
                let message = format!("clock is {other:?}: it must be 'system' or 'manual'");
                return Err(PyValueError::new_err(message));
            }
        };
        let store = creditgate_store::Options {
            request_window: WindowBounds {
                count_max: request_window_count_max,
                age_max_us: micros(request_window_s),
            },
            entry_window: WindowBounds {
                count_max: entry_window_count_max,
                age_max_us: micros(entry_window_s),
            },
            closed_count_max: closed_retention_count_max,
            closed_age_max_us: micros(closed_retention_s),
            journal_retention: Retention {
                bytes_max: journal_retention_bytes,
                age_max_us: micros(journal_retention_s),
            },
            journal_map_size_bytes,
            tables_map_size_bytes,
            ..creditgate_store::Options::default()
        };
        let options = Options { clock, queue_depth_max, default_ttl_s, store };
        let service = py.detach(|| Service::open(&path, options)).map_err(store_error)?;
        Ok(Core {
            service: match access {
                Some(access) => service.guarded_by(access.shared()),
                None => service,
            },
        })
    }

    /// How the store was recovered.
    #[getter]
    fn recovery<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let recovery = self.service.recovery();
        let figures = PyDict::new(py);
        figures.set_item("journal_seq", recovery.journal_seq)?;
        figures.set_item("tables_seq", recovery.tables_seq)?;
        figures.set_item("commits_replayed", recovery.commits_replayed)?;
        figures.set_item("entries_replayed", recovery.entries_replayed)?;
        figures.set_item("accounts", recovery.accounts)?;
        figures.set_item("reservations_open", recovery.reservations_open)?;
        figures.set_item("duration_us", recovery.duration_us)?;
        Ok(figures)
    }

    /// Why the tables were folded anew.
    #[getter]
    fn rebuilt_because(&self) -> Option<&str> {
        self.service.recovery().rebuilt_because.as_deref()
    }

    /// Queues one call and returns its ticket at once.
    #[pyo3(signature = (method, request, caller, timeout_s))]
    fn submit(&self, method: u16, request: &[u8], caller: String, timeout_s: Option<f64>) -> u64 {
        self.service.submit(submission(method, request, caller, timeout_s))
    }

    /// Queues calls that have gathered, each as for `submit`; returns the first one's ticket, from
    /// which those of the others count up.
    fn submit_all(&self, calls: Vec<Gathered<'_>>) -> u64 {
        let submission = |(method, request, caller, timeout_s): Gathered<'_>| {
            submission(method, request.as_bytes(), caller, timeout_s)
        };
        self.service.submit_all(calls.into_iter().map(submission).collect())
    }

    /// Whether so many more orders or batches would be taken on.
    fn has_room(&self, calls: usize, size_bytes: usize) -> bool {
        self.service.has_room(calls, size_bytes)
    }

    /// Refuses a call before it is read: (gRPC status code, bytes).
    fn refuse<'py>(&self, py: Python<'py>) -> (u32, Bound<'py, PyBytes>) {
        let refused = self.service.refuse();
        (refused.code, PyBytes::new(py, &refused.bytes))
    }

    /// Ends a watch.
    fn cancel(&self, ticket: u64) {
        self.service.cancel(ticket);
    }

    /// A file descriptor that becomes readable when `drain` has something to return.
    fn fileno(&self) -> i32 {
        self.service.fd()
    }

    /// Takes all finished calls as (ticket, gRPC status code, bytes).
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(u64, u32, Bound<'py, PyBytes>)> {
        let finished = self.service.drain().into_iter();
        finished.map(|call| (call.ticket, call.code, PyBytes::new(py, &call.bytes))).collect()
    }

    /// Where the chain of the journal ends on disk: (epoch, sequence, microseconds, digest).
    fn chain_end<'py>(&self, py: Python<'py>) -> (u64, u64, i64, Bound<'py, PyBytes>) {
        let end = self.service.chain_end();
        let time = if end.last_seq == 0 { 0 } else { end.time };
        (end.epoch, end.last_seq, time, PyBytes::new(py, &end.hash))
    }

    /// Figures for the metrics page.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let figures = PyDict::new(py);
        for (name, value) in self.service.stats() {
            figures.set_item(name, value)?;
        }
        Ok(figures)
    }

    /// The latest reconciliation of each source: (source, accounts that differed, that never
    /// settled and that could not be read, microseconds).
    fn reconciliations(&self) -> Vec<(String, u64, u64, u64, i64)> {
        let all = self.service.reconciliations();
        let told = all.iter().map(|(source, row)| {
            let found = row.found;
            let source = source.to_string();
            (source, found.differing, found.unsettled, found.unreadable, row.at)
        });
        told.collect()
    }

    /// Refuses new calls, finishes those that wait and closes the store.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.service.close()).map_err(store_error)
    }
}

fn micros(seconds: u32) -> i64 {
    i64::from(seconds) * MICROS_PER_S as i64
}

pub(crate) fn store_error(error: creditgate_store::StoreError) -> PyErr {
    StoreError::new_err(error.to_string())
}
