//! What stands behind a limit, and the limit with it.

use super::body;
use crate::event::Event;
use crate::model::{Account, Approval, Proposal, Verification};
use crate::rows::Rows;
use crate::values::Micros;

pub(super) fn apply(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    let (Event::VerificationRecorded { slot, .. }
    | Event::LimitProposed { slot, .. }
    | Event::LimitApproved { slot, .. }
    | Event::ProposalClosed { slot, .. }) = *event
    else {
        unreachable!("only called for what stands behind a limit");
    };
    rows.update_account(slot, |account| move_limit(account, now, event));
}

pub(super) fn move_limit(account: &mut Account, now: Micros, event: &Event<'_>) {
    account.updated_at = now;
    if let Event::LimitApproved { limit, proposal, .. } = *event {
        account.limit = limit;
        // Whoever owns limits stands in the journal with each that it sets. To keep that in the
        // rows as well would cost all of its accounts what only those with proposals need.
        let has_backing = account.conditions.as_ref().is_some_and(|all| all.backing.is_some());
        if proposal.is_none() && !has_backing {
            return;
        }
    }
    let mut conditions = account.conditions.take().unwrap_or_default();
    conditions.forget_ended(now);
    let backing = conditions.backing.get_or_insert_default();
    match *event {
        Event::VerificationRecorded { reference, source, date, score, document, by, .. } => {
            let (reference, source, by) = (reference.into(), source.into(), by.into());
            let at = now;
            backing.record(Verification { reference, source, date, score, document, by, at });
        }
        Event::LimitProposed { proposal, limit, verification, by, reason, .. } => {
            backing.propose(Proposal {
                id: proposal,
                limit,
                verification: verification.map(Into::into),
                by: by.into(),
                at: now,
                reason: body(reason),
                from: account.limit,
            });
        }
        Event::LimitApproved { proposal, ref verification, by, base, .. } => {
            let verification = verification.as_deref().map(Into::into);
            let by = by.map(Into::into);
            backing.approve(Approval { by, at: now, verification, base });
            if let Some(proposal) = proposal {
                backing.close(proposal);
            }
        }
        Event::ProposalClosed { proposal, .. } => backing.close(proposal),
        _ => unreachable!("only called for what stands behind a limit"),
    }
    conditions.backing = conditions.backing.take().filter(|backing| !backing.is_empty());
    account.conditions = Some(conditions).filter(|conditions| !conditions.is_empty());
}
