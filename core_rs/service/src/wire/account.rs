//! `CreditAccountService`: requests to commands.

use std::collections::BTreeSet;

use creditgate_engine::bounds::NAME_BYTES_MAX;
use creditgate_engine::command::{
    Command, EraseTexts, RequestKey, SetStatus, UpsertAccount, UpsertSegment,
};
use creditgate_engine::entry::Request;
use creditgate_engine::model::Status;
use creditgate_engine::values::{LimitKind, Minor, Seq, Text};

use crate::wire::admit;
use crate::wire::status::Fault;
use crate::wire::v1;

/// One row of `UpsertAccounts`.
pub(crate) fn upsert_account<'a>(
    request: RequestKey<'a>,
    m: &'a v1::AccountUpsert,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let limit = m.limit.as_ref().map(|limit| admit::limit("limit", limit, true)).transpose()?;
    let optional = |field, value: &'a Option<String>| {
        value.as_deref().map(|value| admit::optional_id(field, value)).transpose()
    };
    let command = Command::UpsertAccount(UpsertAccount {
        request,
        account_id: admit::id("account_id", &m.account_id)?,
        name: m.display_name.as_deref().map(display_name).transpose()?,
        currency: m.currency.as_deref().map(admit::currency).transpose()?,
        parent_id: optional("parent_account_id", &m.parent_account_id)?,
        segment_id: optional("segment_id", &m.segment_id)?,
        limit,
        max_order: m
            .max_order_amount_minor
            .map(|value| admit::amount_or_zero("max_order_amount_minor", value))
            .transpose()?,
        shared_limit: m
            .shared_limit
            .as_ref()
            .map(|limit| bound("shared_limit", limit))
            .transpose()?,
    });
    Ok(Request { command, actor, channel, reason: None })
}

/// A limit of several accounts together; `None`: there is to be none any more.
fn bound(field: &str, value: &v1::CreditLimit) -> Result<Option<Minor>, Fault> {
    if !matches!(value.kind(), v1::LimitKind::Amount | v1::LimitKind::Unlimited) {
        return Err(Fault::field(&format!("{field}.kind"), value.kind, "AMOUNT or UNLIMITED"));
    }
    let limit = admit::limit(field, value, false)?;
    if limit.valid_until.is_some() {
        let rule = "empty for a limit of several accounts";
        return Err(Fault::field(&format!("{field}.valid_until"), &value.valid_until, rule));
    }
    Ok(match limit.kind {
        LimitKind::Amount(amount) => Some(amount),
        _ => None,
    })
}

fn display_name(value: &str) -> Result<Option<Text<'_>>, Fault> {
    admit::text("display_name", value, NAME_BYTES_MAX)
}

/// One row of `UpsertSegments`.
pub(crate) fn upsert_segment<'a>(
    request: RequestKey<'a>,
    m: &'a v1::Segment,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    if m.default_limit.is_none() && m.cap.is_none() {
        return Err(Fault::field("default_limit", (), "given where no cap is"));
    }
    let default = |limit| admit::limit("default_limit", limit, false);
    let command = Command::UpsertSegment(UpsertSegment {
        request,
        segment_id: admit::id("segment_id", &m.segment_id)?,
        currency: admit::currency(&m.currency)?,
        limit: m.default_limit.as_ref().map(default).transpose()?,
        cap: m.cap.as_ref().map(|cap| bound("cap", cap)).transpose()?,
    });
    Ok(Request { command, actor, channel, reason: None })
}

/// `SuspendAccount`, `ReinstateAccount` and `CloseAccount`: one message under three names.
pub(crate) fn set_status<'a>(
    m: &'a v1::SuspendAccountRequest,
    status: Status,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::SetStatus(SetStatus {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        status,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

/// The entries that an `EraseTexts` names, in order, each once; none where it names an account.
pub(crate) fn named_entries(m: &v1::EraseTextsRequest) -> Result<Vec<Seq>, Fault> {
    match (&*m.account_id, &m.journal_seqs[..]) {
        ("", []) => Err(Fault::field("account_id", "", "given where journal_seqs is not")),
        (_, []) => Ok(Vec::new()),
        ("", seqs) => {
            let seqs: BTreeSet<Seq> = admit::rows("journal_seqs", seqs)?.iter().copied().collect();
            Ok(seqs.into_iter().collect())
        }
        (_, seqs) => {
            let given = format!("{} entries", seqs.len());
            Err(Fault::field("journal_seqs", given, "empty where account_id is given"))
        }
    }
}

/// `EraseTexts`, once the entries are found whose texts are to go.
pub(crate) fn erase_texts<'a>(
    m: &'a v1::EraseTextsRequest,
    actor: &'a str,
    named: &[Seq],
    found: Option<&[Seq]>,
) -> Result<Request<'a>, Fault> {
    let command = Command::EraseTexts(EraseTexts {
        request: admit::request(&m.request_id)?,
        account_id: admit::optional_id("account_id", &m.account_id)?,
        entries: found.unwrap_or_default().to_vec(),
        named: named.to_vec(),
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

/// The status that a list is filtered by.
pub(crate) fn status_filter(value: v1::AccountStatus) -> Option<Status> {
    match value {
        v1::AccountStatus::Unspecified => None,
        v1::AccountStatus::Active => Some(Status::Active),
        v1::AccountStatus::Suspended => Some(Status::Suspended),
        v1::AccountStatus::Closed => Some(Status::Closed),
    }
}
