//! Adjustments under four eyes: requests of `LedgerService` to commands, and answers.

use std::collections::HashSet;

use creditgate_engine::command::{CloseAdjustments, Command, ProposeAdjustments};
use creditgate_engine::entry::Request;
use creditgate_engine::model::Adjustments;
use creditgate_engine::state::State;
use creditgate_engine::values::ProposalId;
use prost::encoding::message;
use sha2::{Digest, Sha256};

use crate::wire::reply::{page_token, timestamp};
use crate::wire::status::Fault;
use crate::wire::{admit, ledger, v1};

/// Number of the field of the entries, in both requests that bring them.
const ENTRIES: u32 = 3;

/// `ProposeAdjustments`.
pub(crate) fn propose<'a>(
    m: &'a v1::ProposeAdjustmentsRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let source = admit::id("source", &m.source)?;
    let entries = entries(source, &m.entries, actor)?;
    let command = Command::ProposeAdjustments(ProposeAdjustments {
        request: admit::request(&m.request_id)?,
        source,
        digest: digest(&m.entries),
        count: entries.len() as u32,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

/// `ApproveAdjustments`, but for the entries that are posted with it.
pub(crate) fn approve<'a>(
    m: &'a v1::ApproveAdjustmentsRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::CloseAdjustments(CloseAdjustments {
        request: admit::request(&m.request_id)?,
        adjustments: id(&m.adjustments_id)?,
        approved: Some(digest(admit::rows("entries", &m.entries)?)),
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::reason(&m.reason)? })
}

/// `RejectAdjustments`.
pub(crate) fn reject<'a>(
    m: &'a v1::RejectAdjustmentsRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::CloseAdjustments(CloseAdjustments {
        request: admit::request(&m.request_id)?,
        adjustments: id(&m.adjustments_id)?,
        approved: None,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

/// The command of each entry: adjustments alone, which stand nowhere in their source's stream.
pub(crate) fn entries<'a>(
    source: &'a str,
    entries: &'a [v1::LedgerEntry],
    actor: &'a str,
) -> Result<Vec<Request<'a>>, Fault> {
    let mut known = HashSet::new();
    let rows = admit::rows("entries", entries)?.iter().enumerate();
    let rows = rows.map(|(index, entry)| {
        let request = match entry.kind() {
            _ if !known.insert(&*entry.entry_id) => {
                let rule = "another one than that of each entry before";
                Err(Fault::field("entry_id", admit::shown(&entry.entry_id), rule))
            }
            v1::EntryKind::Adjustment if entry.position == 0 => ledger::post(source, entry, actor),
            v1::EntryKind::Adjustment => Err(Fault::field("position", entry.position, "0")),
            _ => Err(Fault::field("kind", entry.kind, "ADJUSTMENT")),
        };
        request.map_err(|fault| of_entry(fault, index))
    });
    rows.collect()
}

/// A fault of one of the entries.
pub(crate) fn of_entry(fault: Fault, index: usize) -> Fault {
    fault.within(&format!("entries[{index}]"))
}

/// SHA-256 of the entries as they stand in a request.
fn digest(entries: &[v1::LedgerEntry]) -> [u8; 32] {
    let mut bytes = Vec::new();
    entries.iter().for_each(|entry| message::encode(ENTRIES, entry, &mut bytes));
    Sha256::digest(&bytes).into()
}

/// The id of a proposal.
pub(crate) fn id(value: &str) -> Result<ProposalId, Fault> {
    let rule = "an id that ProposeAdjustments returned";
    value.parse().map_err(|_| Fault::field("adjustments_id", admit::shown(value), rule))
}

/// A page of what waits.
pub(crate) fn list(
    state: &State,
    m: &v1::ListAdjustmentsRequest,
) -> Result<v1::ListAdjustmentsResponse, Fault> {
    let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
    let mut found = state.adjustments().range(after.map_or(0, |id| id.saturating_add(1))..);
    let adjustments: Vec<_> = found.by_ref().take(size).map(|(_, row)| row).collect();
    let next = adjustments.last().filter(|_| found.next().is_some()).map(|row| row.id);
    Ok(v1::ListAdjustmentsResponse {
        adjustments: adjustments.into_iter().map(pending).collect(),
        next_page_token: page_token(next),
    })
}

pub(crate) fn pending(row: &Adjustments) -> v1::PendingAdjustments {
    v1::PendingAdjustments {
        adjustments_id: row.id.to_string(),
        source: row.source.to_string(),
        entry_count: row.count,
        entries_sha256: row.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        proposed_by: row.by.to_string(),
        propose_time: Some(timestamp(row.at)),
    }
}
