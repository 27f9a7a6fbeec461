//! `LedgerService`: entries to commands.

use creditgate_engine::bounds::{ALLOCATIONS_MAX, COMPARED_MAX};
use creditgate_engine::command::{Command, EntryKind, MoveSource, Post, RecordReconciliation};
use creditgate_engine::entry::Request;
use creditgate_engine::model::{Findings, Reconciliation};
use creditgate_engine::values::Minor;

use crate::wire::admit;
use crate::wire::reply::timestamp;
use crate::wire::status::Fault;
use crate::wire::v1;

/// One row of `PostEntries`.
pub(crate) fn post<'a>(
    source: &'a str,
    m: &'a v1::LedgerEntry,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let kind = kind(m)?;
    let settles = matches!(kind, EntryKind::Payment | EntryKind::CreditMemo);
    let invoice_id = optional("invoice_id", &m.invoice_id)?;
    if matches!(kind, EntryKind::Invoice | EntryKind::Dispute) && invoice_id.is_none() {
        return Err(Fault::field("invoice_id", "", "given for an invoice or dispute"));
    }
    let order_id = optional("order_id", &m.order_id)?;
    if kind != EntryKind::Invoice && order_id.is_some() {
        return Err(Fault::field("order_id", &m.order_id, "empty for all but invoices"));
    }
    let admitted = match kind {
        EntryKind::Adjustment | EntryKind::OpeningBalance => admit::signed_amount,
        EntryKind::Dispute => admit::amount_or_zero,
        _ => admit::amount,
    };
    let amount = admitted("amount_minor", m.amount_minor)?;
    let allocations = if settles {
        allocations(m, invoice_id)?
    } else if m.allocations.is_empty() {
        Vec::new()
    } else {
        let given = format!("{} allocations", m.allocations.len());
        return Err(Fault::field(
            "allocations",
            given,
            "empty for all but payments and credit memos",
        ));
    };
    let command = Command::Post(Post {
        source,
        entry_id: admit::id("entry_id", &m.entry_id)?,
        position: m.position,
        account_id: admit::id("account_id", &m.account_id)?,
        kind,
        amount,
        currency: admit::currency(&m.currency)?,
        // A payment's invoice stands in its allocations.
        invoice_id: invoice_id.filter(|_| !settles),
        order_id,
        issued: admit::day("issue_date", &m.issue_date)?,
        due: admit::day("due_date", &m.due_date)?,
        allocations,
    });
    Ok(Request { command, actor, channel: "", reason: None })
}

/// `MoveSource`.
pub(crate) fn move_source<'a>(
    m: &'a v1::MoveSourceRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let source = admit::id("source", &m.source)?;
    let command = Command::MoveSource(MoveSource { source, position: m.position });
    Ok(Request { command, actor, channel: "", reason: None })
}

/// `RecordReconciliation`.
pub(crate) fn record_reconciliation<'a>(
    m: &'a v1::RecordReconciliationRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let told = m.reconciliation.as_ref();
    let told = told.ok_or_else(|| Fault::field("reconciliation", (), "given"))?;
    let command = Command::RecordReconciliation(RecordReconciliation {
        request: admit::request(&m.request_id)?,
        source: admit::id("source", &m.source)?,
        found: findings(told).map_err(|fault| fault.within("reconciliation"))?,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: None })
}

/// No more accounts can differ than were compared, or move while they are.
fn findings(m: &v1::Reconciliation) -> Result<Findings, Fault> {
    if let Some(time) = &m.record_time {
        return Err(Fault::field("record_time", time.seconds, "absent: the server says it"));
    }
    let accounts = count("accounts_compared", m.accounts_compared)?;
    let among = |field, value| {
        let found = count(field, value)?;
        let rule = "at most accounts_compared";
        if found <= accounts { Ok(found) } else { Err(Fault::field(field, found, rule)) }
    };
    Ok(Findings {
        position: m.position,
        accounts,
        items: count("items_compared", m.items_compared)?,
        differing: among("accounts_differing", m.accounts_differing)?,
        unsettled: among("accounts_unsettled", m.accounts_unsettled)?,
        unreadable: count("accounts_unreadable", m.accounts_unreadable)?,
    })
}

fn count(field: &str, value: i64) -> Result<u64, Fault> {
    let found = u64::try_from(value).ok().filter(|found| *found <= COMPARED_MAX);
    found.ok_or_else(|| Fault::field(field, value, "from 0 to 10^12"))
}

/// What was found, as it is told.
pub(crate) fn reconciliation(row: &Reconciliation) -> v1::Reconciliation {
    let Findings { position, accounts, items, differing, unsettled, unreadable } = row.found;
    // Admission bounds them.
    v1::Reconciliation {
        position,
        accounts_compared: accounts as i64,
        items_compared: items as i64,
        accounts_differing: differing as i64,
        accounts_unsettled: unsettled as i64,
        accounts_unreadable: unreadable as i64,
        record_time: Some(timestamp(row.at)),
    }
}

fn kind(m: &v1::LedgerEntry) -> Result<EntryKind, Fault> {
    match m.kind() {
        v1::EntryKind::Invoice => Ok(EntryKind::Invoice),
        v1::EntryKind::Payment => Ok(EntryKind::Payment),
        v1::EntryKind::CreditMemo => Ok(EntryKind::CreditMemo),
        v1::EntryKind::Adjustment => Ok(EntryKind::Adjustment),
        v1::EntryKind::OpeningBalance => Ok(EntryKind::OpeningBalance),
        v1::EntryKind::Dispute => Ok(EntryKind::Dispute),
        v1::EntryKind::Unspecified => {
            let rule = "INVOICE, PAYMENT, CREDIT_MEMO, ADJUSTMENT, OPENING_BALANCE or DISPUTE";
            Err(Fault::field("kind", m.kind, rule))
        }
    }
}

fn optional<'a>(field: &str, value: &'a str) -> Result<Option<&'a str>, Fault> {
    if value.is_empty() { Ok(None) } else { admit::id(field, value).map(Some) }
}

/// A payment that names an invoice and allocates nothing settles that invoice with all of it.
fn allocations<'a>(
    m: &'a v1::LedgerEntry,
    invoice_id: Option<&'a str>,
) -> Result<Vec<(&'a str, Minor)>, Fault> {
    if let Some(invoice_id) = invoice_id {
        if !m.allocations.is_empty() {
            let rule = "empty where a payment or credit memo has allocations";
            return Err(Fault::field("invoice_id", invoice_id, rule));
        }
        return Ok(vec![(invoice_id, m.amount_minor)]);
    }
    if m.allocations.len() > ALLOCATIONS_MAX {
        let given = format!("{} allocations", m.allocations.len());
        return Err(Fault::field("allocations", given, "at most 100"));
    }
    let mut rest = m.amount_minor;
    let mut found = Vec::with_capacity(m.allocations.len());
    for (index, allocation) in m.allocations.iter().enumerate() {
        let within = |fault: Fault| fault.within(&format!("allocations[{index}]"));
        let invoice_id = admit::id("invoice_id", &allocation.invoice_id).map_err(within)?;
        let part = admit::amount("amount_minor", allocation.amount_minor).map_err(within)?;
        if part > rest {
            let rule = "in sum at most the entry's amount";
            return Err(within(Fault::field("amount_minor", part, rule)));
        }
        rest -= part;
        found.push((invoice_id, part));
    }
    Ok(found)
}
