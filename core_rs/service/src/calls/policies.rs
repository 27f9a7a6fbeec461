//! `PolicyService`.

use creditgate_engine::entry::Request;
use creditgate_engine::outcome::Outcome;
use creditgate_engine::policy::PolicyVersion;
use prost::Message;

use crate::calls::{Calls, Failed};
use crate::methods::Method;
use crate::wire::admit::decode;
use crate::wire::reply::Made;
use crate::wire::{policy, v1};

impl Calls<'_> {
    pub(super) fn policies(
        &mut self,
        method: Method,
        bytes: &[u8],
        actor: &str,
    ) -> Result<Vec<u8>, Failed> {
        let state = self.store.state();
        Ok(match method {
            Method::CheckPolicy => policy::check(state, &decode(bytes)?)?.encode_to_vec(),
            Method::GetPolicy => policy::get(state, &decode(bytes)?)?.encode_to_vec(),
            Method::ListPolicies => policy::list(state, &decode(bytes)?)?.encode_to_vec(),
            Method::PutPolicy => {
                let (version, made) = self.decide_policy(&policy::put(&decode(bytes)?, actor)?)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                v1::PutPolicyResponse { version, journal_seq, replayed }.encode_to_vec()
            }
            Method::ActivatePolicy => {
                let message = decode(bytes)?;
                let (version, made) = self.decide_policy(&policy::activate(&message, actor)?)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                v1::ActivatePolicyResponse { version, journal_seq, replayed }.encode_to_vec()
            }
            Method::ShadowPolicy => {
                let message = decode(bytes)?;
                let (version, made) = self.decide_policy(&policy::shadow(&message, actor)?)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                v1::ShadowPolicyResponse { version, journal_seq, replayed }.encode_to_vec()
            }
            Method::GetShadow => {
                let v1::GetShadowRequest {} = decode(bytes)?;
                let tried = state.policies().shadow().map(|shadow| shadow.version);
                policy::shadowed(tried, self.store.shadowed()).encode_to_vec()
            }
            other => unreachable!("{other:?} concerns no policy"),
        })
    }

    fn decide_policy(&mut self, request: &Request<'_>) -> Result<(PolicyVersion, Made), Failed> {
        match self.execute(request)? {
            (Outcome::Policy(version), made) => Ok((version, made)),
            (outcome, _) => unreachable!("a policy was answered with {outcome:?}"),
        }
    }
}
