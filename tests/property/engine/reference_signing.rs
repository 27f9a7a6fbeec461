//! Who signs for cases in the reference model, and who lets others sign.

use creditgate_engine::model::{CaseStatus, Signer};

use super::cases::{HOUR, band};
use super::*;

impl Model {
    pub(super) fn sign(&mut self, c: &ReviewCase<'static>, approve: &Approve<'static>) -> Result {
        let (now, who) = (self.now, c.request.id);
        let worth = self.worth_of(&self.cases[&c.case]);
        let case = self.cases.get_mut(&c.case).expect("it was found");
        let is_foreign = self.accounts[case.billed].currency != case.order.currency;
        if approve.revision.is_some_and(|seen| seen != case.revision) {
            return refuse("CaseChanged");
        }
        let role = match approve.on_behalf_of {
            None => c.role,
            Some(from) => match self.delegations.get(&(from, who)) {
                Some((role, first, until)) if (*first..*until).contains(&now) => Some(*role),
                _ => return refuse("NotDelegated"),
            },
        };
        // What is over counts for nothing.
        let before = case.waiver.clone().filter(|before| now < before.until);
        let signed = before.iter().flat_map(|before| &before.waived);
        let all: Vec<_> = signed.chain(&case.reasons).collect();
        let mut waived = Vec::new();
        for code in &approve.waived {
            let of_code = all.iter().filter(|(known, _)| known == code);
            if of_code.clone().count() == 0 {
                return refuse("NotAReason");
            }
            waived.extend(of_code.map(|one| (*one).clone()));
        }
        let longest = now + 20 * HOUR;
        let mut until = approve.until.unwrap_or(longest).min(longest);
        if until <= now {
            return refuse("Passed");
        }
        let signed = before.as_ref().filter(|_| is_foreign).map(|signed| signed.most);
        let amount = approve.amount.map_or(signed.unwrap_or(worth), Amount::from);
        let mut signatures = if before.is_some() { case.signatures.clone() } else { Vec::new() };
        waived.sort_by_key(|one| format!("{one:?}"));
        waived.dedup();
        if let Some(signed) = before {
            if (signed.most, &signed.waived) != (amount, &waived) {
                return refuse("SignedOtherwise");
            }
            until = until.min(signed.until);
        }
        for who in [Some(who), approve.on_behalf_of].into_iter().flatten() {
            if case.askers.contains(&who) {
                return refuse("SelfApproval");
            }
            if signatures.iter().any(|(by, from, _)| *by == who || *from == Some(who)) {
                return refuse("SignedAlready");
            }
        }
        let Some((roles, needed)) = band(amount, case.level) else {
            return refuse("NotAuthorised");
        };
        let Some(role) = role.filter(|role| roles.contains(role)) else {
            return refuse("NotAuthorised");
        };
        signatures.push((who, approve.on_behalf_of, role));
        case.signatures = signatures;
        case.waiver = Some(Waiver { waived, most: amount, until });
        if case.signatures.iter().filter(|(_, _, role)| roles.contains(role)).count() < needed {
            return Ok(vec![]);
        }
        (case.status, case.escalates_at, case.expires_at) = (CaseStatus::Approved, 0, until);
        if worth > amount {
            return Ok(vec![]);
        }
        let account = case.billed;
        let mut answer = self.decide_again(c.case, 0)?;
        (answer.available, answer.bound_by) = self.room(account);
        Ok(vec![answer])
    }

    pub(super) fn delegate(&mut self, c: &Delegate<'static>) -> Result {
        let key = (c.from.unwrap_or(c.request.id), c.to);
        if key.0 == key.1 {
            return refuse("DelegatedToSelf");
        }
        let is_own = key.0 == c.request.id;
        match (c.during, c.role) {
            (None, role) if !is_own && role != Some(Signer::Finance) => refuse("MayNotEnd"),
            (Some(_), _) if !is_own => refuse("NotOwnToGive"),
            (None, _) if self.delegations.remove(&key).is_none() => refuse("DelegationNotFound"),
            (None, _) => Ok(vec![]),
            (_, None | Some(Signer::Admin | Signer::Supervisor)) => refuse("NotASigner"),
            // Nobody signs where no policy says who.
            _ if !self.has_policy => refuse("NotASigner"),
            (Some((_, until)), _) if until <= self.now => refuse("Passed"),
            (Some((first, until)), Some(role)) => {
                self.delegations.insert(key, (role, first.max(self.now), until));
                Ok(vec![])
            }
        }
    }
}
