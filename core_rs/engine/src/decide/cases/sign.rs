//! Who signs a case, what a signature stands for, and who signs for another.

use std::borrow::Cow;

use crate::bounds::DELEGATIONS_MAX;
use crate::command::{Approve, Delegate};
use crate::decide::levels::Pending;
use crate::decide::{Context, Decided};
use crate::error::{CaseRefusal, Refusal};
use crate::event::{CaseEvent, Event};
use crate::model::{Case, CaseStatus, Signer, Waived, Waiver};
use crate::outcome::{CaseOrder, Outcome, Reason, Reviewed, Upserted};
use crate::policy::Band;
use crate::state::State;
use crate::values::{Id, Micros, Minor, shown};

/// A signature, before it is known whether it may stand.
struct Signing<'a> {
    by: &'a str,
    on_behalf_of: Option<&'a str>,
    role: Option<Signer>,
    waiver: Waiver,
}

impl Context<'_> {
    pub(super) fn require_signer(&self, role: Option<Signer>) -> Result<Signer, Refusal> {
        let signs = |role: &Signer| self.state.policy().approvals.is_signer(*role);
        role.filter(signs).ok_or(Refusal::Case(CaseRefusal::NotASigner(named(role))))
    }

    /// Adds a signature; where it is the last, decides the order again, with what it waives.
    pub(super) fn sign<'a>(
        &self,
        case: &Case,
        approve: &Approve<'a>,
        role: Option<Signer>,
        reviewed: &mut Reviewed,
        events: &mut Vec<Event<'a>>,
    ) -> Result<(), Refusal> {
        if approve.revision.is_some_and(|seen| seen != case.revision) {
            let (case, revision) = (case.id, case.revision);
            return Err(Refusal::Case(CaseRefusal::CaseChanged { case, revision }));
        }
        let on_behalf_of = approve.on_behalf_of;
        let role = match on_behalf_of {
            None => role,
            Some(from) => Some(self.delegated_by(from)?),
        };
        let waiver = self.waiver(case, approve)?;
        let by = self.actor;
        let band =
            self.may_sign(case, &Signing { by, on_behalf_of, role, waiver: waiver.clone() })?;
        let role = role.expect("nobody signs without one");
        let signed = case.signatures_at(self.now).iter();
        let counted = signed.filter(|s| band.roles.contains(&s.role)).count() + 1;
        let missing = usize::from(band.signatures).saturating_sub(counted) as u8;
        let complete = missing == 0;
        events.push(Event::Case(CaseEvent::Signed {
            case: case.id,
            by: self.whoever_asks(),
            on_behalf_of: on_behalf_of.map(Cow::Borrowed),
            role,
            waiver: waiver.clone(),
            complete,
        }));
        reviewed.missing = missing;
        if !complete {
            return Ok(());
        }
        reviewed.status = CaseStatus::Approved;
        if self.worth_of(case) <= waiver.amount {
            let (mut reserved, event) =
                self.reserve_case(case, Some(&waiver), Pending::default(), 0)?;
            reserved.case = Some(case.id);
            match event {
                Some(_) => reviewed.status = CaseStatus::Used,
                None => {
                    let (order_id, amount) = (case.order_id.clone(), case.amount);
                    reviewed.order = Some(Box::new(CaseOrder { order_id, amount }));
                }
            }
            events.extend(event);
            reviewed.reserved = Some(reserved);
            reviewed.currency = Some(self.currency_of(case));
        }
        Ok(())
    }

    /// What a signature is for: what the one before it is for, where there is one that holds.
    fn waiver(&self, case: &Case, approve: &Approve<'_>) -> Result<Waiver, Refusal> {
        let mut waived: Vec<Waived> = Vec::new();
        let signed = case.waiver_at(self.now);
        // What is signed already counts on, also of a reason that has gone meanwhile.
        let signed_for = signed.into_iter().flat_map(|signed| signed.waived.iter().cloned());
        let named = case.reasons.iter().map(|Reason { code, whose, .. }| {
            let (code, whose) = (*code, whose.clone());
            Waived { code, whose }
        });
        let all = Vec::from_iter(signed_for.chain(named));
        for code in &approve.waived {
            let mut of_code = all.iter().filter(|one| one.code == *code).peekable();
            if of_code.peek().is_none() {
                return Err(Refusal::Case(CaseRefusal::NotAReason { case: case.id, code: *code }));
            }
            for one in of_code {
                if !waived.contains(one) {
                    waived.push(one.clone());
                }
            }
        }
        let longest = self.now.saturating_add(self.state.policy().approvals.valid_for);
        let until = approve.until.unwrap_or(longest);
        if until <= self.now {
            let rule = "an approval that is over approves nothing";
            let value = shown(until).into();
            return Err(Refusal::Passed { field: "expire_time", value, rule });
        }
        let worth = match signed {
            // Whatever it is worth since then.
            Some(signed) if case.is_converted() => signed.amount,
            _ => self.worth_of(case),
        };
        let mut waiver =
            Waiver { waived, amount: approve.amount.unwrap_or(worth), until: until.min(longest) };
        if let Some(signed) = signed {
            let same = |one: &Waived| signed.waived.contains(one);
            let all_same = waiver.waived.iter().all(same);
            if !all_same
                || waiver.waived.len() != signed.waived.len()
                || waiver.amount != signed.amount
            {
                return Err(Refusal::Case(CaseRefusal::SignedOtherwise { case: case.id }));
            }
            waiver.waived.clone_from(&signed.waived);
            waiver.until = waiver.until.min(signed.until);
        }
        Ok(waiver)
    }

    fn delegated_by(&self, from: &str) -> Result<Signer, Refusal> {
        let found = self.state.cases().delegation(from, self.actor);
        let found = found.filter(|delegation| delegation.holds_at(self.now));
        found
            .map(|found| found.role)
            .ok_or_else(|| Refusal::Case(CaseRefusal::NotDelegated(from.into())))
    }

    /// Nobody signs what they asked for, nor twice, nor beyond their band; also not by another's
    /// hand.
    fn may_sign(&self, case: &Case, signing: &Signing<'_>) -> Result<&Band, Refusal> {
        let Signing { by, on_behalf_of, role, ref waiver } = *signing;
        for who in [Some(by), on_behalf_of].into_iter().flatten() {
            if case.asked_by.iter().any(|asker| asker == who) {
                return Err(Refusal::Case(CaseRefusal::SelfApproval {
                    case: case.id,
                    who: who.into(),
                }));
            }
            let signed = |by: Option<&Id>| by.is_some_and(|by| by == who);
            let mut all = case.signatures_at(self.now).iter();
            if all.any(|s| signed(Some(&s.by)) || signed(s.on_behalf_of.as_ref())) {
                return Err(Refusal::Case(CaseRefusal::SignedAlready {
                    case: case.id,
                    who: who.into(),
                }));
            }
        }
        let band = self.band_of(case, waiver.amount);
        band.filter(|band| role.is_some_and(|role| band.roles.contains(&role)))
            .ok_or_else(|| self.not_authorised(case, role, waiver.amount))
    }

    /// A no stands as long as its case is kept, and may undo what others have signed: so it takes
    /// the authority that a yes would, or that of a band above.
    pub(super) fn may_reject(&self, case: &Case, role: Option<Signer>) -> Result<(), Refusal> {
        let role = role.ok_or(Refusal::Case(CaseRefusal::NotASigner(named(role))))?;
        let amount = self.signed_for(case);
        let currency = self.state.terms(case.slot).currency;
        match self.state.policy().approvals.rejects(role, amount, currency, case.level) {
            true => Ok(()),
            false => Err(self.not_authorised(case, Some(role), amount)),
        }
    }

    fn not_authorised(&self, case: &Case, role: Option<Signer>, amount: Minor) -> Refusal {
        let band = self.band_of(case, amount);
        let names = band.map(|band| band.roles.iter().map(|role| role.name()));
        let names = names.map_or_else(|| "nobody".to_owned(), |n| Vec::from_iter(n).join(", "));
        let (case, role, band) = (case.id, named(role), names.into());
        Refusal::Case(CaseRefusal::NotAuthorised { case, role, amount, band })
    }

    /// What the next signature would be for: what is signed, or what the order is worth.
    fn signed_for(&self, case: &Case) -> Minor {
        let signed = case.waiver_at(self.now).map(|waiver| waiver.amount);
        signed.unwrap_or_else(|| self.worth_of(case))
    }

    fn band_of(&self, case: &Case, amount: Minor) -> Option<&Band> {
        let currency = self.state.terms(case.slot).currency;
        self.state.policy().approvals.band(amount, currency, case.level)
    }

    /// How many signatures a case still needs, or would.
    pub(super) fn missing(&self, case: &Case) -> u8 {
        if !case.is_unsigned() {
            return 0;
        }
        let Some(band) = self.band_of(case, self.signed_for(case)) else { return 1 };
        let signed = case.signatures_at(self.now).iter();
        let counted = signed.filter(|s| band.roles.contains(&s.role)).count();
        usize::from(band.signatures).saturating_sub(counted) as u8
    }

    pub(in crate::decide) fn delegate<'a>(&self, command: &Delegate<'a>) -> Decided<'a> {
        let Delegate { to, role, during, from, .. } = *command;
        let cases = self.state.cases();
        let from = from.unwrap_or(self.actor);
        if to == from {
            return Err(Refusal::Case(CaseRefusal::DelegatedToSelf(to.into())));
        }
        let is_own = from == self.actor;
        let known = cases.delegation(from, to);
        let from = Cow::Owned(from.to_owned());
        let Some((first, until)) = during else {
            // Those who may change who signs what.
            if !is_own && !matches!(role, Some(Signer::Finance | Signer::Admin)) {
                return Err(Refusal::Case(CaseRefusal::MayNotEnd(named(role))));
            }
            let known =
                known.ok_or_else(|| Refusal::Case(CaseRefusal::DelegationNotFound(to.into())))?;
            let event = Event::Case(CaseEvent::Delegated { from, to, role: known.role, during });
            return Ok((Outcome::Done, vec![event]));
        };
        if !is_own {
            return Err(Refusal::Case(CaseRefusal::NotOwnToGive((*from).into())));
        }
        let role = self.require_signer(role)?;
        if until <= self.now {
            let rule = "a delegation that is over lets nobody sign";
            let value = shown(until).into();
            return Err(Refusal::Passed { field: "expire_time", value, rule });
        }
        let lasting = cases.delegations_after(self.now).count();
        if known.is_none() && lasting >= DELEGATIONS_MAX {
            return Err(Refusal::Case(CaseRefusal::TooManyDelegations(to.into())));
        }
        let first = first.max(self.now);
        let upserted = if known.is_some() { Upserted::Updated } else { Upserted::Created };
        let event =
            Event::Case(CaseEvent::Delegated { from, to, role, during: Some((first, until)) });
        Ok((Outcome::Upserted(upserted), vec![event]))
    }
}

/// How many more signatures a case needs at `now`, for those who look at it.
#[must_use]
pub fn signatures_missing(state: &State, case: &Case, now: Micros) -> u8 {
    let context = Context { state, seq: 0, now, actor: "", channel: "" };
    context.missing(case)
}

/// What all of the order of a case is worth at `now`, in the currency of the account that is
/// billed; by the rate of when it was last asked for, where there is none of now.
#[must_use]
pub fn worth(state: &State, case: &Case, now: Micros) -> Minor {
    Context { state, seq: 0, now, actor: "", channel: "" }.worth_of(case)
}

/// Whether somebody of this role could sign a case as it stands at `now`.
#[must_use]
pub fn signs(state: &State, case: &Case, role: Signer, now: Micros) -> bool {
    let context = Context { state, seq: 0, now, actor: "", channel: "" };
    let band = context.band_of(case, context.signed_for(case));
    case.is_unsigned() && band.is_some_and(|band| band.roles.contains(&role))
}

fn named(role: Option<Signer>) -> &'static str {
    role.map_or("no role", Signer::name)
}

#[cfg(test)]
mod tests;
