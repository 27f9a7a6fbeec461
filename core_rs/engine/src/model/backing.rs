//! What stands behind an account's limit: what others have found out about the customer, changes
//! that wait for a second person, and who approved the limit on what grounds. Boxed beside the
//! other conditions, so that accounts of which nobody said anything cost nothing.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::bounds::VERIFICATIONS_MAX;
use crate::values::{Day, Id, Limit, Micros, Minor, ProposalId};

/// All of it, in an order of its own, so that the same changes leave the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backing {
    /// The latest first: by their dates, and of one date by their references.
    verifications: Vec<Verification>,
    /// Those that wait, in order of id; one at most of each proposer.
    proposals: Vec<Proposal>,
    /// On whose word the limit in force is; absent: it was set when nothing of this was kept. It is
    /// kept from the first limit on that was approved as a proposal, and where somebody owns limits
    /// for each that is set while there are verifications or proposals.
    approval: Option<Approval>,
    /// The verification on which a limit of the account was approved last, whatever came after.
    verified_by: Option<Id>,
}

/// What a third party found out about a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The third party's name for it, unique per account.
    pub reference: Id,
    /// Who it is: a bureau, an insurer.
    pub source: Id,
    /// Of which day it is.
    pub date: Day,
    /// How good the customer is; the higher, the better. Absent: it says nothing of that.
    pub score: Option<i64>,
    /// SHA-256 of the document, where there is one.
    #[serde(with = "serde_bytes")]
    pub document: Option<[u8; 32]>,
    /// Who recorded it.
    pub by: Id,
    /// When.
    pub at: Micros,
}

/// A limit that somebody would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Unique in the store.
    pub id: ProposalId,
    /// The limit.
    pub limit: Limit,
    /// The reference of the verification that it stands on.
    pub verification: Option<Id>,
    /// Who proposed it, and may not approve it.
    pub by: Id,
    /// When.
    pub at: Micros,
    /// Why; absent when not said or erased.
    pub reason: Option<Box<str>>,
    /// The account's own limit when it was proposed: whoever approves it decides between these two.
    pub from: Limit,
}

/// On whose word a limit is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved it; absent: the policy, of itself.
    pub by: Option<Id>,
    /// When.
    pub at: Micros,
    /// The reference of the verification that it stands on.
    pub verification: Option<Id>,
    /// The last limit that somebody set, where the policy approved this one: so far it goes from
    /// there, by however many steps.
    pub base: Option<Minor>,
}

impl Backing {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Backing::default()
    }

    /// The latest first.
    #[must_use]
    pub fn verifications(&self) -> &[Verification] {
        &self.verifications
    }

    /// The one of this reference, unless it was forgotten.
    #[must_use]
    pub fn verification(&self, reference: &str) -> Option<&Verification> {
        self.verifications.iter().find(|known| known.reference == reference)
    }

    /// Those that wait, in order of id.
    #[must_use]
    pub fn proposals(&self) -> &[Proposal] {
        &self.proposals
    }

    /// The one of this id, if it waits.
    #[must_use]
    pub fn proposal(&self, id: ProposalId) -> Option<&Proposal> {
        self.proposals.iter().find(|known| known.id == id)
    }

    /// The one that this proposer has waiting.
    #[must_use]
    pub fn proposal_by(&self, by: &str) -> Option<&Proposal> {
        self.proposals.iter().find(|known| known.by == by)
    }

    /// On whose word the limit in force is, where that is kept.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        self.approval.as_ref()
    }

    /// The verification on which a limit of the account was approved last; `None`: none ever was.
    #[must_use]
    pub fn verified_by(&self) -> Option<&Id> {
        self.verified_by.as_ref()
    }

    /// The latest verification that says a score.
    #[must_use]
    pub fn scored(&self) -> Option<&Verification> {
        self.verifications.iter().find(|known| known.score.is_some())
    }

    /// Whether a verification would be kept beside those that are later.
    #[must_use]
    pub fn would_keep(&self, date: Day, reference: &str) -> bool {
        self.place_of(date, reference) < VERIFICATIONS_MAX
    }

    fn place_of(&self, date: Day, reference: &str) -> usize {
        let place = (Reverse(date), reference);
        self.verifications.partition_point(|known| (Reverse(known.date), &*known.reference) < place)
    }

    /// Adds a verification.
    pub fn record(&mut self, verification: Verification) {
        let place = self.place_of(verification.date, &verification.reference);
        self.verifications.insert(place, verification);
        self.forget_verifications();
    }

    /// Forgets the earliest beyond the bound, but for what a limit or a proposal stands on: what
    /// was approved on it must be shown later, and its reference never means another.
    fn forget_verifications(&mut self) {
        let Backing { verifications, proposals, approval, verified_by } = self;
        let approved_on = approval.as_ref().and_then(|known| known.verification.as_ref());
        let mut place = 0;
        verifications.retain(|known| {
            place += 1;
            let reference = Some(&known.reference);
            place <= VERIFICATIONS_MAX
                || verified_by.as_ref() == reference
                || approved_on == reference
                || proposals.iter().any(|waiting| waiting.verification.as_ref() == reference)
        });
    }

    /// Adds a proposal, in the place of the one that its proposer has waiting.
    pub fn propose(&mut self, proposal: Proposal) {
        self.proposals.retain(|known| known.by != proposal.by);
        // Ids are handed out in order.
        self.proposals.push(proposal);
        self.forget_verifications();
    }

    /// Removes a proposal.
    pub fn close(&mut self, id: ProposalId) {
        self.proposals.retain(|known| known.id != id);
        self.forget_verifications();
    }

    /// Notes who approved the limit that is in force from now on.
    pub fn approve(&mut self, approval: Approval) {
        if approval.verification.is_some() {
            self.verified_by.clone_from(&approval.verification);
        }
        self.approval = Some(approval);
        self.forget_verifications();
    }

    /// Removes what people wrote.
    pub fn erase_reasons(&mut self) {
        self.proposals.iter_mut().for_each(|proposal| proposal.reason = None);
    }
}
