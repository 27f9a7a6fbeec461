//! The durable state of creditgate: a hash-chained journal, tables folded from it, a map of live
//! counters, and the way back after a crash.
//!
//! Everything is synchronous and is driven step by step: by the engine thread of the extension, and
//! by a seeded simulation that crashes between any two steps.
//!
//! # Layout
//!
//! - [`Store`]: the one that decides. `begin`, `execute` as often as commands wait, `commit`.
//! - [`Committer`]: the one that writes the journal; `commit` asks it, or a thread of its own does,
//!   while the store decides what comes next.
//! - [`Journal`]: the truth: a row of LMDB environments, one value per commit, a chain of digests.
//! - [`text`]: names and free text beside the chain, so that they can be erased.
//! - [`Tables`]: a cache of the rows in an LMDB environment of its own, for lists and recovery.
//! - [`Follower`], [`FollowerThread`]: fold the journal into the tables.
//! - [`CountersReader`]: the map of live counters, as any process reads it.
//! - [`Recovery`]: what opening a store found and did.
//! - [`Faults`]: where a test makes the store crash or run out of space.
//!
//! # A store's folder
//!
//! | name | holds |
//! |---|---|
//! | `LOCK` | an advisory lock of the process that has the store open |
//! | `journal/` | LMDB: `texts`, `meta`; and the files `commits-*.mdb`, each an environment |
//! | `archive/` | those of these files that were moved away from the journal |
//! | `tables/` | LMDB: rows; a cache, rebuilt from the journal where it does not fit it |
//! | `counters.map` | counters of every account; a cache, rewritten at each open |

mod ahead;
mod backup;
mod check;
mod commit;
mod committer;
mod counters;
mod error;
mod folder;
mod follower;
mod follower_thread;
mod journal;
mod list;
mod load;
mod map;
mod msgpack;
mod name_log;
mod names;
mod open_items;
mod options;
mod pending;
mod recovery;
mod repeat;
mod replay;
mod segments;
mod space;
mod store;
mod tables;
pub mod text;
mod trial;
mod unpack;
mod upgrade;
mod window;
mod writeback;

pub use backup::{Copied, Progress, copy_store};
pub use check::{Checked, check_store};
pub use commit::{Commit, Digest, FORMAT, Head};
/// For `bench/micro`, which measures them alone.
#[doc(hidden)]
pub use commit::{append as append_value, encode as encode_commit};
pub use committer::{ChainEnd, Committer, Sealed};
pub use counters::{COUNTERS_FORMAT, CountersReader, CountersRecord};
pub use error::{CommitError, ExecuteError, StoreError, SyncError};
pub use follower::Follower;
pub use follower_thread::{FollowerFigures, FollowerThread};
pub use journal::{Journal, Link, STORE_FORMAT};
pub use list::Page;
pub use open_items::{OpenAccount, OpenPage, OpenPlace};
pub use options::{Fault, Faults, NoFaults, Options, Retention, Step, WindowBounds};
pub use recovery::Recovery;
pub use store::{Answer, Store};
pub use tables::{Reached, TABLES_FORMAT, Tables};
pub use trial::try_policy;
pub use upgrade::{Upgraded, upgrade_store};
pub use window::WindowFigures;
