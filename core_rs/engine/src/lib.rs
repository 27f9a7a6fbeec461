//! The credit domain: accounts, orders and what they may owe. Pure: no clock, no I/O, no floats.
//!
//! # Layout
//!
//! - [`values`], [`model`]: what records are made of, and the records.
//! - [`terms`]: when an invoice is due, and what is taken off for paying early.
//! - [`policy`]: what Finance sets, as versions of a text of which one is in force.
//! - [`rates`], [`counting`]: orders in other currencies, and what of an order counts, and where.
//! - [`command`], [`event`], [`outcome`], [`entry`]: what is asked, what happens, what is answered,
//!   and the journal's record of all three.
//! - [`decide`]: state + command + time → outcome + events. Changes nothing.
//! - [`apply`]: adds events up, in any store of rows that implements [`rows::Rows`].
//! - [`state`]: such a store in memory, with indexes and undo.
//! - [`bounds`]: every limit, in one file.

pub mod apply;
pub mod bounds;
pub mod command;
pub mod counting;
pub mod decide;
pub mod entry;
pub mod error;
pub mod event;
pub mod model;
pub mod outcome;
pub mod policy;
pub mod rates;
pub mod rows;
pub mod state;
pub mod terms;
pub mod values;

#[cfg(test)]
mod testing;
