//! Limits that are proposed and approved.

use creditgate_engine::entry::Request;
use creditgate_engine::outcome::Outcome;
use prost::Message;

use crate::calls::{Calls, Failed};
use crate::methods::Method;
use crate::wire::admit::decode;
use crate::wire::reply::Made;
use crate::wire::{limits, v1};

impl Calls<'_> {
    pub(super) fn proposals(
        &mut self,
        method: Method,
        bytes: &[u8],
        actor: &str,
    ) -> Result<Vec<u8>, Failed> {
        Ok(match method {
            Method::ProposeLimit => self.propose(&limits::propose(&decode(bytes)?, actor)?)?,
            Method::ApproveProposal => {
                let (_, made) = self.execute(&limits::approve(&decode(bytes)?, actor)?)?;
                let Made { seq: journal_seq, replayed, .. } = made;
                v1::ApproveProposalResponse { journal_seq, replayed }.encode_to_vec()
            }
            Method::RejectProposal => {
                let (_, made) = self.execute(&limits::reject(&decode(bytes)?, actor)?)?;
                let Made { seq: journal_seq, replayed, .. } = made;
                v1::RejectProposalResponse { journal_seq, replayed }.encode_to_vec()
            }
            Method::ListProposals => {
                limits::list(self.store.state(), &decode(bytes)?)?.encode_to_vec()
            }
            other => unreachable!("{other:?} concerns no proposal"),
        })
    }

    fn propose(&mut self, request: &Request<'_>) -> Result<Vec<u8>, Failed> {
        match self.execute(request)? {
            (Outcome::Proposed(proposed), made) => {
                Ok(limits::proposed(proposed, made).encode_to_vec())
            }
            (outcome, _) => unreachable!("a proposal was answered with {outcome:?}"),
        }
    }
}
