//! `LimitService`: requests to commands, and answers.

use creditgate_engine::bounds::SCORE_MAX;
use creditgate_engine::command::{
    ApproveProposal, Command, ProposeLimit, RecordVerification, RejectProposal, RequestKey,
};
use creditgate_engine::entry::Request;
use creditgate_engine::error::Refusal;
use creditgate_engine::model::{Approval, Backing, Proposal, Verification};
use creditgate_engine::outcome::Proposed;
use creditgate_engine::state::State;
use creditgate_engine::values::{ProposalId, Slot};

use crate::wire::reply::{self, Made, page_token, timestamp};
use crate::wire::status::Fault;
use crate::wire::{admit, v1};

/// One row of `RecordVerifications`.
pub(crate) fn record_verification<'a>(
    request: RequestKey<'a>,
    m: &'a v1::VerificationRecord,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let account_id = admit::id("account_id", &m.account_id)?;
    let found = m.verification.as_ref();
    let found = found.ok_or_else(|| Fault::field("verification", (), "given"))?;
    let rule = "the day of the verification";
    let date = admit::business_day("date", &found.date)?
        .ok_or_else(|| Fault::field("date", &found.date, rule))?;
    if let Some(score) = found.score.filter(|score| !(0..=SCORE_MAX).contains(score)) {
        return Err(Fault::field("score", score, "from 0 to 1000000"));
    }
    let command = Command::RecordVerification(RecordVerification {
        request,
        account_id,
        reference: admit::id("reference", &found.reference)?,
        source: admit::id("source", &found.source)?,
        date,
        score: found.score,
        document: digest(&found.document_sha256)?,
    });
    Ok(Request { command, actor, channel, reason: None })
}

/// A SHA-256 in hexadecimal digits; empty: none.
fn digest(value: &str) -> Result<Option<[u8; 32]>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    let rule = "a SHA-256 in 64 hexadecimal digits, or empty";
    let wrong = || Fault::field("document_sha256", admit::shown(value), rule);
    let mut found = [0; 32];
    if value.len() != 2 * found.len() || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (place, byte) in found.iter_mut().enumerate() {
        let digits = &value[2 * place..2 * place + 2];
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(Some(found))
}

/// `ProposeLimit`.
pub(crate) fn propose<'a>(
    m: &'a v1::ProposeLimitRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let limit = m.limit.as_ref().ok_or_else(|| Fault::field("limit", (), "given"))?;
    let verification = admit::optional_id("verification", &m.verification)?;
    let command = Command::ProposeLimit(ProposeLimit {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        limit: admit::limit("limit", limit, true)?,
        verification: Some(verification).filter(|reference| !reference.is_empty()),
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

/// `ApproveProposal`.
pub(crate) fn approve<'a>(
    m: &'a v1::ApproveProposalRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::ApproveProposal(ApproveProposal {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        proposal: proposal_id(&m.proposal_id)?,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::reason(&m.reason)? })
}

/// `RejectProposal`.
pub(crate) fn reject<'a>(
    m: &'a v1::RejectProposalRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::RejectProposal(RejectProposal {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        proposal: proposal_id(&m.proposal_id)?,
    });
    let channel = admit::optional_id("channel", &m.channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(&m.reason)? })
}

fn proposal_id(value: &str) -> Result<ProposalId, Fault> {
    let rule = "an id that ProposeLimit or a load returned";
    value.parse().map_err(|_| Fault::field("proposal_id", admit::shown(value), rule))
}

pub(crate) fn proposed(proposed: Proposed, made: Made) -> v1::ProposeLimitResponse {
    v1::ProposeLimitResponse {
        proposal_id: proposed.proposal.to_string(),
        state: state_of(proposed).into(),
        journal_seq: made.seq,
        replayed: made.replayed,
    }
}

pub(crate) fn state_of(proposed: Proposed) -> v1::ProposalState {
    if proposed.approved { v1::ProposalState::Approved } else { v1::ProposalState::Pending }
}

/// A page of what waits, of all accounts or of one.
pub(crate) fn list(
    state: &State,
    m: &v1::ListProposalsRequest,
) -> Result<v1::ListProposalsResponse, Fault> {
    let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
    let after = after.unwrap_or_default();
    let of_account = |slot: Slot| {
        let waiting = state.backing(slot).map_or(&[][..], Backing::proposals);
        waiting.iter().map(move |proposal| (proposal.id, slot)).filter(move |(id, _)| *id > after)
    };
    // One more than is shown, to see whether there is another page.
    let found: Vec<_> = match admit::optional_id("account_id", &m.account_id)? {
        "" => state.proposals(after).take(size + 1).collect(),
        id => {
            let slot = state.slot(id).ok_or_else(|| Refusal::AccountNotFound(id.into()))?;
            of_account(slot).take(size + 1).collect()
        }
    };
    let shown = &found[..size.min(found.len())];
    let next = shown.last().filter(|_| shown.len() < found.len()).map(|(id, _)| *id);
    let proposals = shown.iter().filter_map(|(id, slot)| pending(state, *slot, *id)).collect();
    Ok(v1::ListProposalsResponse { proposals, next_page_token: page_token(next) })
}

fn pending(state: &State, slot: Slot, id: ProposalId) -> Option<v1::PendingProposal> {
    let terms = state.terms(slot);
    Some(v1::PendingProposal {
        account_id: state.account_id(slot).to_string(),
        currency: terms.currency.to_string(),
        limit_now: Some(reply::limit(terms.limit)),
        proposal: Some(proposal(state.backing(slot)?.proposal(id)?)),
    })
}

pub(crate) fn proposal(proposal: &Proposal) -> v1::LimitProposal {
    v1::LimitProposal {
        proposal_id: proposal.id.to_string(),
        limit: Some(reply::limit(proposal.limit)),
        verification: proposal.verification.as_deref().unwrap_or_default().to_owned(),
        proposed_by: proposal.by.to_string(),
        propose_time: Some(timestamp(proposal.at)),
        reason: proposal.reason.as_deref().unwrap_or_default().to_owned(),
        limit_then: Some(reply::limit(proposal.from)),
    }
}

pub(crate) fn verification(found: &Verification) -> v1::Verification {
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    v1::Verification {
        reference: found.reference.to_string(),
        source: found.source.to_string(),
        date: found.date.to_string(),
        score: found.score,
        document_sha256: found.document.map(hex).unwrap_or_default(),
        recorded_by: found.by.to_string(),
        record_time: Some(timestamp(found.at)),
    }
}

pub(crate) fn approval(approval: &Approval) -> v1::LimitApproval {
    v1::LimitApproval {
        approved_by: approval.by.as_deref().unwrap_or_default().to_owned(),
        by_policy: approval.by.is_none(),
        approve_time: Some(timestamp(approval.at)),
        verification: approval.verification.as_deref().unwrap_or_default().to_owned(),
    }
}
