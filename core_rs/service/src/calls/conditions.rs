//! What stands beside an account's terms: holds, limits for some days, limits that look back.

use creditgate_engine::entry::Request;
use creditgate_engine::model::HoldKind;
use creditgate_engine::outcome::Outcome;
use prost::Message;

use super::{Calls, Failed};
use crate::access::roles::Role;
use crate::methods::Method;
use crate::queue::Call;
use crate::wire::admit::decode;
use crate::wire::status::Fault;
use crate::wire::{conditions, reply, v1};

impl Calls<'_> {
    /// Sets or removes what stands beside an account's terms.
    pub(super) fn conditions(&mut self, call: &Call, bytes: &[u8]) -> Result<Vec<u8>, Failed> {
        let actor = &call.actor;
        match call.method {
            Method::PlaceHold => {
                let message: v1::PlaceHoldRequest = decode(bytes)?;
                let is_persons =
                    message.kind() == v1::HoldKind::Manual && message.source.is_empty();
                self.leave_to_people(call, &message.account_id, &message.hold_id, is_persons)?;
                self.set(&conditions::place_hold(&message, actor)?)
            }
            Method::LiftHold => {
                let message: v1::LiftHoldRequest = decode(bytes)?;
                self.leave_to_people(call, &message.account_id, &message.hold_id, false)?;
                self.remove(&conditions::lift_hold(&message, actor)?)
            }
            Method::SetTemporaryLimit => {
                self.set(&conditions::set_temporary_limit(&decode(bytes)?, actor)?)
            }
            Method::RemoveTemporaryLimit => {
                self.remove(&conditions::remove_temporary_limit(&decode(bytes)?, actor)?)
            }
            Method::SetRollingLimit => {
                self.set(&conditions::set_rolling_limit(&decode(bytes)?, actor)?)
            }
            Method::RemoveRollingLimit => {
                self.remove(&conditions::remove_rolling_limit(&decode(bytes)?, actor)?)
            }
            other => unreachable!("{other:?} concerns no conditions"),
        }
    }

    /// A system takes back what systems said, and has nothing to do with holds of people: those of
    /// kind `Manual` that name no source.
    fn leave_to_people(
        &self,
        call: &Call,
        account_id: &str,
        hold_id: &str,
        is_persons: bool,
    ) -> Result<(), Fault> {
        if call.role != Some(Role::Loader) {
            return Ok(());
        }
        let state = self.store.state();
        let conditions = state.slot(account_id).and_then(|slot| state.conditions(slot));
        let mut holds = conditions.into_iter().flat_map(|found| found.holds_at(self.now));
        let was_persons = holds.any(|hold| {
            hold.id == hold_id && hold.kind == HoldKind::Manual && hold.source.is_empty()
        });
        if is_persons || was_persons { Err(Fault::hold_not_own(hold_id)) } else { Ok(()) }
    }

    /// Answers to what is set are the same by number and type of their fields.
    fn set(&mut self, request: &Request<'_>) -> Result<Vec<u8>, Failed> {
        let (Outcome::Upserted(upserted), made) = self.execute(request)? else {
            unreachable!("what is set is answered with whether it was there");
        };
        let outcome = reply::upsert_outcome(upserted).into();
        let (journal_seq, replayed) = (made.seq, made.replayed);
        Ok(v1::PlaceHoldResponse { outcome, journal_seq, replayed }.encode_to_vec())
    }

    /// And those to what is removed.
    fn remove(&mut self, request: &Request<'_>) -> Result<Vec<u8>, Failed> {
        let (_, made) = self.execute(request)?;
        let (journal_seq, replayed) = (made.seq, made.replayed);
        Ok(v1::LiftHoldResponse { journal_seq, replayed }.encode_to_vec())
    }
}
