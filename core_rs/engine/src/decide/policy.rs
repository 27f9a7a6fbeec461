//! Versions of the policy: put by one, activated by another.

use std::borrow::Cow;

use crate::bounds::{POLICIES_MAX, POLICY_BYTES_MAX};
use crate::command::{ActivatePolicy, PutPolicy, ShadowPolicy};
use crate::decide::Context;
use crate::error::{PolicyRefusal, Refusal};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::policy::{self, BUILT_IN, PolicyStatus};

impl Context<'_> {
    pub(super) fn put_policy<'a>(
        &self,
        command: &PutPolicy<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        assert!(command.text.len() <= POLICY_BYTES_MAX, "admission bounds the text of a policy");
        let all = self.state.policies();
        if all.rows().len() >= POLICIES_MAX {
            return Err(Refusal::Policy(PolicyRefusal::TooManyPolicies));
        }
        let (_, problems) = policy::read(command.text, self.state);
        if !problems.is_empty() {
            return Err(Refusal::Policy(PolicyRefusal::PolicyInvalid(problems)));
        }
        let (version, by) = (all.next_version(), Cow::Owned(self.actor.to_owned()));
        let event = Event::PolicyPut { version, text: command.text, by };
        Ok((Outcome::Policy(version), vec![event]))
    }

    pub(super) fn activate_policy<'a>(
        &self,
        command: &ActivatePolicy<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let version = command.version;
        let row = self
            .state
            .policies()
            .row(version)
            .ok_or(Refusal::Policy(PolicyRefusal::PolicyNotFound(version)))?;
        if row.status == PolicyStatus::Active {
            return Err(Refusal::Policy(PolicyRefusal::PolicyInForce(version)));
        }
        if *row.put_by == *self.actor {
            return Err(Refusal::Policy(PolicyRefusal::PolicyNeedsSecond(
                version,
                row.put_by.clone(),
            )));
        }
        let retired = Some(self.state.policy().version).filter(|version| *version != BUILT_IN);
        let by = Cow::Owned(self.actor.to_owned());
        Ok((Outcome::Policy(version), vec![Event::PolicyActivated { version, retired, by }]))
    }

    pub(super) fn shadow_policy<'a>(
        &self,
        command: &ShadowPolicy<'a>,
    ) -> Result<(Outcome, Vec<Event<'a>>), Refusal> {
        let (version, all) = (command.version, self.state.policies());
        if let Some(version) = version {
            let row =
                all.row(version).ok_or(Refusal::Policy(PolicyRefusal::PolicyNotFound(version)))?;
            if row.status == PolicyStatus::Active {
                return Err(Refusal::Policy(PolicyRefusal::PolicyInForce(version)));
            }
        }
        let was = all.shadow().map(|shadow| shadow.version);
        let events = match was == version {
            true => Vec::new(),
            false => vec![Event::PolicyShadowed { was, version }],
        };
        Ok((Outcome::Policy(version.unwrap_or_default()), events))
    }
}

#[cfg(test)]
mod tests;
