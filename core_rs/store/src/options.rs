//! How a store is opened, and where a test may make it fail.

use std::sync::Arc;

use creditgate_engine::values::Micros;

use crate::error::StoreError;

/// How many repeats a window remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowBounds {
    /// At most so many names.
    pub count_max: u64,
    /// None whose commit is older than this, in microseconds, at the time of the latest commit.
    pub age_max_us: Micros,
}

/// How much of the journal stays at hand before its oldest files move to the archive, behind the
/// tables. A file moves as a whole when either bound is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At most so many bytes in whole files.
    pub bytes_max: u64,
    /// No file whose last commit is older than this, in microseconds, at the time of the latest.
    pub age_max_us: Micros,
}

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// For request ids.
    pub request_window: WindowBounds,
    /// For the ids of ledger entries.
    pub entry_window: WindowBounds,
    /// Most closed reservations, and most settled invoices, that are kept.
    pub closed_count_max: u64,
    /// How long they are kept, in microseconds.
    pub closed_age_max_us: Micros,
    /// Address space for one file of the journal, in bytes; what is beyond a few times
    /// `journal_file_bytes` is not used.
    pub journal_map_size_bytes: usize,
    /// At this size, in bytes, a file of the journal is whole and the next one begins.
    pub journal_file_bytes: u64,
    /// What of the journal stays at hand.
    pub journal_retention: Retention,
    /// With more entries to fold the follower stands back no longer behind those who decide: a
    /// start would have to read them all.
    pub follower_behind_max: u64,
    /// Address space for the tables: their largest size, in bytes.
    pub tables_map_size_bytes: usize,
    /// What goes wrong, in tests.
    pub faults: Arc<dyn Faults>,
}

const DAY_US: Micros = 86_400 * 1_000_000;

impl Default for Options {
    fn default() -> Self {
        Options {
            request_window: WindowBounds { count_max: 1_000_000, age_max_us: 7 * DAY_US },
            entry_window: WindowBounds { count_max: 10_000_000, age_max_us: Micros::MAX },
            closed_count_max: 1_000_000,
            // Goods may be shipped, and invoiced, long after their reservation has expired.
            closed_age_max_us: 90 * DAY_US,
            journal_map_size_bytes: 1 << 40,
            journal_file_bytes: 1 << 30,
            journal_retention: Retention { bytes_max: 64 << 30, age_max_us: 30 * DAY_US },
            follower_behind_max: 2_000_000,
            tables_map_size_bytes: 1 << 38,
            faults: Arc::new(NoFaults),
        }
    }
}

/// A step between whose start and the end of the one before a store may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The counters map grows.
    GrowMap,
    /// A new file of the journal begins.
    Roll,
    /// The texts of a commit are made durable.
    Texts,
    /// A commit is put into the journal.
    Append,
    /// The journal's transaction is made durable.
    Commit,
    /// Texts are erased that a durable commit says to erase.
    Erase,
    /// The counters of a durable commit are published.
    Publish,
    /// The follower folds commits into its rows.
    Fold,
    /// The follower writes its rows into the tables.
    Flush,
    /// A store of an older format is upgraded: before each of the steps that make it so.
    Upgrade,
    /// A file of the journal moves to the archive: before, before it is in place, and before what
    /// it was copied from goes.
    Archive,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no room.
    NoSpace,
    /// The process dies here.
    Crash,
}

/// Says whether something goes wrong.
pub trait Faults: Send + Sync {
    /// Asked before each step.
    ///
    /// # Errors
    ///
    /// The fault to suffer.
    fn before(&self, step: Step) -> Result<(), Fault>;
}

/// Nothing goes wrong that does not go wrong by itself.
pub struct NoFaults;

impl Faults for NoFaults {
    fn before(&self, _step: Step) -> Result<(), Fault> {
        Ok(())
    }
}

/// Asks for a fault as the error that it would show as.
pub(crate) fn suffer(faults: &dyn Faults, step: Step) -> Result<(), StoreError> {
    faults.before(step).map_err(|fault| match (fault, step) {
        // Publishing writes into memory that is there: it cannot want for space.
        (
            Fault::NoSpace,
            Step::GrowMap | Step::Append | Step::Commit | Step::Flush | Step::Roll | Step::Texts,
        ) => StoreError::NoSpace { path: "injected".into(), what: format!("before {step:?}") },
        _ => StoreError::Injected(step),
    })
}
