//! Protobuf bytes in, protobuf bytes out: [`admit`] decodes and validates, orders through
//! [`order`]; [`reply`] answers,
//! [`status`] says what was wrong.

pub(crate) mod account;
pub(crate) mod adjustments;
pub(crate) mod admit;
pub(crate) mod cases;
pub(crate) mod conditions;
pub(crate) mod decision;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod order;
pub(crate) mod policy;
pub(crate) mod rates;
pub(crate) mod reason;
pub(crate) mod reply;
pub(crate) mod status;
pub(crate) mod terms;

/// The messages of the contract, generated from `proto/`.
#[allow(missing_docs, dead_code, clippy::all, reason = "generated; some messages are for callers")]
pub(crate) mod v1 {
    include!(concat!(env!("OUT_DIR"), "/creditgate.v1.rs"));
}
