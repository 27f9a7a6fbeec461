//! Verifications, and limits that are proposed and approved: by somebody else, or by the policy.

use std::borrow::Cow;

use crate::bounds::{PROPOSALS_MAX, PROPOSALS_TOTAL_MAX};
use crate::command::{ApproveProposal, ProposeLimit, RecordVerification, RejectProposal};
use crate::decide::Context;
use crate::decide::levels::lasting_limit;
use crate::error::{LimitRefusal, Refusal};
use crate::event::Event;
use crate::model::{Proposal, Verification};
use crate::outcome::{Outcome, Proposed, Upserted};
use crate::policy::limits::{Change, Owner};
use crate::values::{Day, Limit, LimitKind, Minor, ProposalId, Slot, Text};

/// A limit that is not in force.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) limit: Limit,
    /// The reference of the verification that it stands on.
    pub(super) verification: Option<&'a str>,
    pub(super) by: &'a str,
    pub(super) reason: Option<Text<'a>>,
}

impl Context<'_> {
    pub(super) fn record_verification<'a>(
        &self,
        command: &RecordVerification<'a>,
        by: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let RecordVerification { reference, source, date, score, document, .. } = *command;
        let slot = self.slot(command.account_id)?;
        if date > Day::of(self.now) {
            return Err(LimitRefusal::VerificationToCome(date).into());
        }
        let unchanged = Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
        if let Some(backing) = self.state.backing(slot) {
            match backing.verification(reference) {
                Some(known) if is_of(known, command) => return unchanged,
                // What a limit was approved on stays what it was.
                Some(_) => {
                    return Err(LimitRefusal::VerificationReused(reference.into()).into());
                }
                // A load of old ones must not be refused, nor drive out later ones.
                None if !backing.would_keep(date, reference) => return unchanged,
                None => {}
            }
        }
        let event =
            Event::VerificationRecorded { slot, reference, source, date, score, document, by };
        Ok((Outcome::Upserted(Upserted::Created), vec![event]))
    }

    pub(super) fn propose_limit<'a>(
        &self,
        command: &ProposeLimit<'a>,
        by: &'a str,
        reason: Option<Text<'a>>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let ProposeLimit { account_id, limit, verification, .. } = *command;
        let slot = self.slot(account_id)?;
        let backing = self.state.backing(slot);
        if let Some(reference) = verification
            && backing.and_then(|all| all.verification(reference)).is_none()
        {
            return Err(LimitRefusal::VerificationNotFound(reference.into()).into());
        }
        // What is in force may still be approved on a verification.
        if verification.is_none() && limit == self.state.terms(slot).limit {
            return Err(LimitRefusal::NothingProposed.into());
        }
        let draft = Draft { limit, verification, by, reason };
        let (proposed, events) = self.propose(Owner::Creditgate, slot, account_id, draft)?;
        Ok((Outcome::Proposed(proposed), events))
    }

    /// Puts a limit into force where the policy approves it, else has it wait. The account may be
    /// one that the same command opens. What a sync says is nobody's judgement: it always waits.
    pub(super) fn propose<'a>(
        &self,
        word: Owner,
        slot: Slot,
        account_id: &str,
        draft: Draft<'a>,
    ) -> Result<(Proposed, Vec<Event<'a>>), Refusal> {
        let Draft { limit, verification, by, reason } = draft;
        self.has_not_ended(&limit)?;
        let is_known = (slot as usize) < self.state.account_count();
        let backing = if is_known { self.state.backing(slot) } else { None };
        let proposal = self.seq;
        let waiting = backing.and_then(|all| all.proposal_by(by)).map(|waiting| waiting.id);
        let base =
            if is_known && word == Owner::Creditgate { self.approves(slot, &draft) } else { None };
        if base.is_some() {
            let closed = waiting.map(|proposal| Event::ProposalClosed { slot, proposal });
            let verification = verification.map(Cow::Borrowed);
            let (proposal, by) = (Some(proposal), None);
            let event = Event::LimitApproved { slot, proposal, limit, verification, by, base };
            let proposed = Proposed { proposal: self.seq, approved: true };
            return Ok((proposed, closed.into_iter().chain([event]).collect()));
        }
        let others =
            backing.map_or(0, |all| all.proposals().len()) - usize::from(waiting.is_some());
        if others >= PROPOSALS_MAX {
            return Err(LimitRefusal::TooManyProposals(account_id.into()).into());
        }
        if waiting.is_none() && self.state.proposal_count() >= PROPOSALS_TOTAL_MAX {
            return Err(LimitRefusal::TooManyProposalsInAll.into());
        }
        let event = Event::LimitProposed { slot, proposal, limit, verification, by, reason };
        Ok((Proposed { proposal, approved: false }, vec![event]))
    }

    /// From which amount on the policy lets a limit change of itself as far as this one; `None`: it
    /// does not approve of it.
    fn approves(&self, slot: Slot, draft: &Draft<'_>) -> Option<Minor> {
        let terms = self.state.terms(slot);
        let backing = self.state.backing(slot);
        let named = draft.verification.and_then(|reference| backing?.verification(reference));
        // Nobody gets a limit on the own word alone, neither from a verification of their own nor
        // with one that hides a later score.
        let of_others = |found: &&Verification| found.by != draft.by;
        if named.is_some_and(|found| !of_others(&found)) {
            return None;
        }
        let from = lasting_limit(self.state, &terms).limit;
        let LimitKind::Amount(now) = from.kind else { return None };
        // What the policy approved before is no reason to go as far again.
        let approval = backing.and_then(|all| all.approval());
        let base = approval.and_then(|approval| approval.base).unwrap_or(now);
        let scored = named.and_then(|_| backing?.scored()).filter(of_others);
        let change = Change {
            base,
            from,
            to: draft.limit,
            currency: terms.currency,
            score: scored.and_then(|found| found.score),
        };
        self.state.policy().limits.approves(&change).then_some(base)
    }

    pub(super) fn approve_proposal<'a>(
        &self,
        command: &ApproveProposal<'a>,
        by: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        let Proposal { limit, verification, by: proposer, from, .. } =
            self.waiting(slot, command.proposal)?;
        if *proposer == *by {
            return Err(LimitRefusal::OwnProposal(command.proposal).into());
        }
        if *from != self.state.terms(slot).limit {
            return Err(LimitRefusal::LimitChanged(command.proposal).into());
        }
        self.has_not_ended(limit)?;
        let event = Event::LimitApproved {
            slot,
            proposal: Some(command.proposal),
            limit: *limit,
            verification: verification.as_deref().map(|id| Cow::Owned(id.to_owned())),
            by: Some(by),
            base: None,
        };
        Ok((Outcome::Done, vec![event]))
    }

    pub(super) fn reject_proposal<'a>(
        &self,
        command: &RejectProposal<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        self.waiting(slot, command.proposal)?;
        let event = Event::ProposalClosed { slot, proposal: command.proposal };
        Ok((Outcome::Done, vec![event]))
    }

    fn waiting(&self, slot: Slot, id: ProposalId) -> Result<&Proposal, Refusal> {
        let found = self.state.backing(slot).and_then(|all| all.proposal(id));
        Ok(found.ok_or(LimitRefusal::ProposalNotFound(id))?)
    }

    fn has_not_ended(&self, limit: &Limit) -> Result<(), Refusal> {
        match limit.valid_until {
            Some(last) if last < Day::of(self.now) => {
                let rule = "a limit that is proposed or approved ends today or later";
                let (field, value) = ("limit.valid_until", last.to_string().into());
                Err(Refusal::Passed { field, value, rule })
            }
            _ => Ok(()),
        }
    }

    /// What becomes of a limit that an upsert names, where `before` is in force: on the word of
    /// whoever owns limits it holds, on the other's it becomes a proposal.
    pub(super) fn govern<'a>(
        &self,
        word: Owner,
        slot: Slot,
        account_id: &str,
        before: Limit,
        asked: Draft<'a>,
    ) -> Result<Governed<'a>, Refusal> {
        let (limit, by) = (asked.limit, asked.by);
        let owner = self.state.policy().limits.owner;
        let is_known = (slot as usize) < self.state.account_count();
        let backing = if is_known { self.state.backing(slot) } else { None };
        let waiting = backing.and_then(|all| all.proposal_by(by));
        let closed = waiting.map(|known| Event::ProposalClosed { slot, proposal: known.id });
        if owner.is_none_or(|owner| owner == word) {
            // An account that shows who approved its limit shows who set the next one.
            let has_approval = backing.is_some_and(|all| all.approval().is_some());
            let approves = (owner.is_some() || has_approval) && limit != before;
            let approved = Event::LimitApproved {
                slot,
                proposal: None,
                limit,
                verification: None,
                by: Some(by),
                base: None,
            };
            let approved = if approves { Some(approved) } else { None };
            let events = closed.into_iter().chain(approved).collect();
            return Ok(Governed { limit, proposed: None, events });
        }
        if limit == before {
            // Who proposed another one before has come back to what is in force.
            return Ok(Governed { limit, proposed: None, events: Vec::from_iter(closed) });
        }
        let (proposed, events) = match waiting {
            // A sync says the same again every night.
            Some(known) if known.limit == limit && known.from == before => {
                (Proposed { proposal: known.id, approved: false }, Vec::new())
            }
            _ => self.propose(word, slot, account_id, asked)?,
        };
        Ok(Governed { limit: before, proposed: Some(proposed), events })
    }
}

/// Whether what is kept is what is to be kept, whoever says it.
fn is_of(known: &Verification, command: &RecordVerification<'_>) -> bool {
    let RecordVerification { source, date, score, document, .. } = *command;
    (&*known.source, known.date, known.score, known.document) == (source, date, score, document)
}

/// What becomes of a limit that an upsert names.
pub(super) struct Governed<'a> {
    /// What the upsert sets.
    pub(super) limit: Limit,
    /// What became a proposal.
    pub(super) proposed: Option<Proposed>,
    pub(super) events: Vec<Event<'a>>,
}

#[cfg(test)]
mod tests;
