//! Adjustments that are proposed, and posted once a second person agrees.

use prost::Message;

use super::{Calls, Failed};
use crate::methods::Method;
use crate::wire::admit::decode;
use crate::wire::{adjustments, v1};

impl Calls<'_> {
    pub(super) fn adjustments(
        &mut self,
        method: Method,
        bytes: &[u8],
        actor: &str,
    ) -> Result<Vec<u8>, Failed> {
        Ok(match method {
            Method::ProposeAdjustments => {
                let (_, made) = self.execute(&adjustments::propose(&decode(bytes)?, actor)?)?;
                let response = v1::ProposeAdjustmentsResponse {
                    adjustments_id: made.seq.to_string(),
                    journal_seq: made.seq,
                    replayed: made.replayed,
                };
                response.encode_to_vec()
            }
            Method::ApproveAdjustments => {
                self.approve_adjustments(&decode(bytes)?, actor)?.encode_to_vec()
            }
            Method::RejectAdjustments => {
                let (_, made) = self.execute(&adjustments::reject(&decode(bytes)?, actor)?)?;
                let (journal_seq, replayed) = (made.seq, made.replayed);
                v1::RejectAdjustmentsResponse { journal_seq, replayed }.encode_to_vec()
            }
            _ => adjustments::list(self.store.state(), &decode(bytes)?)?.encode_to_vec(),
        })
    }

    /// The approval and each entry, in one commit. What waits no more is a repeat, or refused, and
    /// posts nothing.
    fn approve_adjustments(
        &mut self,
        m: &v1::ApproveAdjustmentsRequest,
        actor: &str,
    ) -> Result<v1::ApproveAdjustmentsResponse, Failed> {
        let mut requests = vec![adjustments::approve(m, actor)?];
        let waiting = self.store.state().adjustments();
        let found = waiting.get(&adjustments::id(&m.adjustments_id)?);
        let source = found.map(|row| row.source.clone());
        if let Some(source) = &source {
            requests.extend(adjustments::entries(source, &m.entries, actor)?);
        }
        let answer = self.store.execute_together(&requests).map_err(|(index, error)| {
            match (Failed::from(error), index.checked_sub(1)) {
                (Failed::Fault(fault), Some(entry)) => {
                    Failed::Fault(adjustments::of_entry(fault, entry))
                }
                (failed, _) => failed,
            }
        })?;
        let (journal_seq, replayed) = (answer.seq, answer.replayed);
        Ok(v1::ApproveAdjustmentsResponse { journal_seq, replayed })
    }
}
