//! Verifications, and limits that are proposed and approved: by somebody else, or by the policy.

use std::borrow::Cow;

use crate::bounds::PROPOSALS_MAX;
use crate::command::{ApproveProposal, ProposeLimit, RecordVerification, RejectProposal};
use crate::decide::Context;
use crate::decide::levels::lasting_limit;
use crate::error::{LimitRefusal, Refusal};
use crate::event::Event;
use crate::model::{Proposal, Verification};
use crate::outcome::{Outcome, Proposed, Upserted};
use crate::policy::limits::{Change, Owner};
use crate::values::{Day, Limit, ProposalId, Slot, Text};

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
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let RecordVerification { reference, source, date, score, document, .. } = *command;
        let slot = self.slot(command.account_id)?;
        if date > Day::of(self.now) {
            return Err(LimitRefusal::VerificationToCome(date).into());
        }
        let unchanged = Ok((Outcome::Upserted(Upserted::Unchanged), Vec::new()));
        if let Some(backing) = self.state.backing(slot) {
            let (reference, source) = (reference.into(), source.into());
            let new = Verification { reference, source, date, score, document };
            match backing.verification(command.reference) {
                Some(known) if *known == new => return unchanged,
                // What a limit was approved on stays what it was.
                Some(_) => {
                    return Err(LimitRefusal::VerificationReused(command.reference.into()).into());
                }
                // A load of old ones must not be refused, nor drive out later ones.
                None if !backing.would_keep(date) => return unchanged,
                None => {}
            }
        }
        let event = Event::VerificationRecorded { slot, reference, source, date, score, document };
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
        self.has_not_ended(&limit)?;
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
        let (proposed, events) = self.propose(slot, account_id, draft)?;
        Ok((Outcome::Proposed(proposed), events))
    }

    /// Puts a limit into force where the policy approves it, else has it wait. The account may be
    /// one that the same command opens.
    pub(super) fn propose<'a>(
        &self,
        slot: Slot,
        account_id: &str,
        draft: Draft<'a>,
    ) -> Result<(Proposed, Vec<Event<'a>>), Refusal> {
        let Draft { limit, verification, by, reason } = draft;
        let is_known = (slot as usize) < self.state.account_count();
        let backing = if is_known { self.state.backing(slot) } else { None };
        let proposal = self.seq;
        let waiting = backing.and_then(|all| all.proposal_by(by)).map(|waiting| waiting.id);
        if is_known && self.approves(slot, limit, verification) {
            let closed = waiting.map(|proposal| Event::ProposalClosed { slot, proposal });
            let verification = verification.map(Cow::Borrowed);
            let (proposal, by) = (Some(proposal), None);
            let event = Event::LimitApproved { slot, proposal, limit, verification, by };
            let proposed = Proposed { proposal: self.seq, approved: true };
            return Ok((proposed, closed.into_iter().chain([event]).collect()));
        }
        let others =
            backing.map_or(0, |all| all.proposals().len()) - usize::from(waiting.is_some());
        if others >= PROPOSALS_MAX {
            return Err(LimitRefusal::TooManyProposals(account_id.into()).into());
        }
        let event = Event::LimitProposed { slot, proposal, limit, verification, by, reason };
        Ok((Proposed { proposal, approved: false }, vec![event]))
    }

    /// Whether the policy approves of a limit of itself.
    fn approves(&self, slot: Slot, to: Limit, verification: Option<&str>) -> bool {
        let terms = self.state.terms(slot);
        let backing = self.state.backing(slot);
        let found = verification.and_then(|reference| backing?.verification(reference));
        let change = Change {
            from: lasting_limit(self.state, &terms).limit.kind,
            to: to.kind,
            currency: terms.currency,
            score: found.and_then(|found| found.score),
        };
        self.state.policy().limits.approves(&change)
    }

    pub(super) fn approve_proposal<'a>(
        &self,
        command: &ApproveProposal<'a>,
        by: &'a str,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        let Proposal { limit, verification, .. } = self.decidable(slot, command.proposal)?;
        self.has_not_ended(limit)?;
        let event = Event::LimitApproved {
            slot,
            proposal: Some(command.proposal),
            limit: *limit,
            verification: verification.as_deref().map(|id| Cow::Owned(id.to_owned())),
            by: Some(by),
        };
        Ok((Outcome::Done, vec![event]))
    }

    pub(super) fn reject_proposal<'a>(
        &self,
        command: &RejectProposal<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let slot = self.slot(command.account_id)?;
        self.decidable(slot, command.proposal)?;
        let event = Event::ProposalClosed { slot, proposal: command.proposal };
        Ok((Outcome::Done, vec![event]))
    }

    /// A proposal that waits, and is not the caller's own.
    fn decidable(&self, slot: Slot, id: ProposalId) -> Result<&Proposal, Refusal> {
        let found = self.state.backing(slot).and_then(|all| all.proposal(id));
        let found = found.ok_or(LimitRefusal::ProposalNotFound(id))?;
        if found.by == self.actor {
            return Err(LimitRefusal::OwnProposal(id).into());
        }
        Ok(found)
    }

    fn has_not_ended(&self, limit: &Limit) -> Result<(), Refusal> {
        match limit.valid_until {
            Some(last) if last < Day::of(self.now) => {
                let rule = "a limit that is to be approved ends today or later";
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
        if owner.is_none_or(|owner| owner == word) {
            let approves = owner.is_some() && limit != before;
            let approved = Event::LimitApproved {
                slot,
                proposal: None,
                limit,
                verification: None,
                by: Some(by),
            };
            let events = if approves { vec![approved] } else { Vec::new() };
            return Ok(Governed { limit, proposed: None, events });
        }
        let is_known = (slot as usize) < self.state.account_count();
        let backing = if is_known { self.state.backing(slot) } else { None };
        let waiting = backing.and_then(|all| all.proposal_by(by));
        if limit == before {
            // Who proposed another one before has come back to what is in force.
            let closed = waiting.map(|known| Event::ProposalClosed { slot, proposal: known.id });
            return Ok(Governed { limit, proposed: None, events: Vec::from_iter(closed) });
        }
        let (proposed, events) = match waiting {
            // A sync says the same again every night.
            Some(known) if known.limit == limit => {
                (Proposed { proposal: known.id, approved: false }, Vec::new())
            }
            _ => self.propose(slot, account_id, asked)?,
        };
        Ok(Governed { limit: before, proposed: Some(proposed), events })
    }
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
