//! Calls about orders that wait for a person.

use creditgate_engine::entry::Request;
use creditgate_engine::error::{CaseRefusal, Refusal};
use creditgate_engine::outcome::Outcome;
use prost::Message;

use super::{Calls, Failed, through_own_channel};
use crate::methods::Method;
use crate::queue::Call;
use crate::wire::admit::decode;
use crate::wire::status::Fault;
use crate::wire::{cases, v1};

impl Calls<'_> {
    pub(super) fn approval(&mut self, call: &Call) -> Result<Vec<u8>, Failed> {
        let bytes = &*call.request;
        match call.method {
            Method::ListCases => {
                Ok(cases::list(self.store.state(), &decode(bytes)?, self.now)?.encode_to_vec())
            }
            Method::GetCase => Ok(self.case(&decode(bytes)?)?.encode_to_vec()),
            Method::ClaimCase => self.review(call, &cases::claim(&decode(bytes)?, call)?),
            Method::ApproveCase => self.review(call, &cases::approve(&decode(bytes)?, call)?),
            Method::RejectCase => self.review(call, &cases::reject(&decode(bytes)?, call)?),
            Method::EscalateCase => self.review(call, &cases::escalate(&decode(bytes)?, call)?),
            Method::CommentOnCase => self.review(call, &cases::comment(&decode(bytes)?, call)?),
            Method::Delegate => {
                let message = decode(bytes)?;
                let request = cases::delegate(&message, call)?;
                through_own_channel(call, request.channel)?;
                let (_, made) = self.execute(&request)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                Ok(v1::DelegateResponse { journal_seq, replayed }.encode_to_vec())
            }
            Method::ListDelegations => {
                let v1::ListDelegationsRequest {} = decode(bytes)?;
                Ok(cases::delegations(self.store.state(), self.now).encode_to_vec())
            }
            other => unreachable!("{other:?} concerns no case"),
        }
    }

    fn case(&self, m: &v1::GetCaseRequest) -> Result<v1::GetCaseResponse, Failed> {
        let id = cases::case_id(&m.case_id)?;
        let state = self.store.state();
        let found = state
            .cases()
            .get(id)
            .ok_or(Refusal::Case(CaseRefusal::CaseNotFound(id)))
            .map_err(Fault::from)?;
        Ok(v1::GetCaseResponse { case: Some(cases::case(state, found, self.now)) })
    }

    fn review(&mut self, call: &Call, request: &Request<'_>) -> Result<Vec<u8>, Failed> {
        through_own_channel(call, request.channel)?;
        match self.execute(request)? {
            (Outcome::Reviewed(reviewed), made) => {
                let decided = reviewed.reserved.as_ref();
                let other = |reserved| self.other_currency(reserved, &reviewed.account_id);
                let account_currency = decided.map(other).unwrap_or_default();
                Ok(cases::reviewed(*reviewed, account_currency, made).encode_to_vec())
            }
            (outcome, _) => unreachable!("a case was answered with {outcome:?}"),
        }
    }
}
