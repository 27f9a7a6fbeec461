//! Books of accounts, and orders on them, to measure the steps of an order with.
//!
//! # Layout
//!
//! - [`orders`]: commands as the core sees them.
//! - [`book`]: state in memory, and a store on disk, that hold accounts.
//! - [`calls`]: a service, and requests as they come from the wire.

pub mod book;
pub mod calls;
pub mod orders;

/// Orders a batch and a commit are measured with: the most that one call may carry.
pub const BATCH: usize = 1_000;
