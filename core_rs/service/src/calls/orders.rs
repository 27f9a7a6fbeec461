//! Calls about an order that was placed.

use creditgate_engine::command::Target;
use creditgate_engine::decide;
use creditgate_engine::entry::Request;
use creditgate_engine::outcome::{Changed, Outcome};
use prost::Message;

use super::{Calls, Failed};
use crate::methods::Method;
use crate::queue::Call;
use crate::wire::admit::{self, decode};
use crate::wire::reply::{self, Made};
use crate::wire::status::Fault;
use crate::wire::{cases, decision, v1};

impl Calls<'_> {
    /// Changes what an order holds.
    pub(super) fn move_order(&mut self, call: &Call) -> Result<Vec<u8>, Failed> {
        let Call { request: bytes, actor, method, .. } = call;
        Ok(match method {
            Method::Adjust => {
                let message = decode(bytes)?;
                let request = decision::adjust(&message, actor, self.default_ttl_s)?;
                let (changed, made) = self.change(&request, call)?;
                reply::adjusted(changed, made).encode_to_vec()
            }
            Method::Capture => {
                let message = decode(bytes)?;
                let (changed, made) = self.change(&decision::capture(&message, actor)?, call)?;
                reply::captured(changed, made).encode_to_vec()
            }
            Method::Release => {
                let message = decode(bytes)?;
                let request = decision::release(&message, actor)?;
                match self.execute_for(call, &request)? {
                    (Outcome::Changed(changed), made) => reply::released(changed, made),
                    (Outcome::Reviewed(found), made) => {
                        cases::withdrawn(self.store.state(), *found, &message.order_id, made)
                    }
                    (outcome, _) => unreachable!("a release was answered with {outcome:?}"),
                }
                .encode_to_vec()
            }
            other => unreachable!("{other:?} moves no order"),
        })
    }

    fn change(&mut self, request: &Request<'_>, call: &Call) -> Result<(Changed, Made), Failed> {
        match self.execute_for(call, request)? {
            (Outcome::Changed(changed), made) => Ok((changed, made)),
            (outcome, _) => unreachable!("a change was answered with {outcome:?}"),
        }
    }

    pub(super) fn confirm(
        &self,
        m: &v1::ConfirmRequest,
        call: &Call,
    ) -> Result<v1::ConfirmResponse, Failed> {
        let target = admit::target(&m.reservation_id, &m.account_id, &m.order_id)?;
        self.of_own_channel(call, &target)?;
        let found = decide::confirm(self.store.state(), self.now, &target).map_err(Fault::from)?;
        let (verdict, reservation) = (found.verdict, found.reservation);
        let result = reply::result_of(verdict, &reservation, self.looked());
        let reservation = Some(reply::reservation(reservation));
        Ok(v1::ConfirmResponse { result: Some(result), reservation })
    }

    pub(super) fn reservation(
        &self,
        m: &v1::GetReservationRequest,
        call: &Call,
    ) -> Result<v1::GetReservationResponse, Failed> {
        let target = admit::target(&m.reservation_id, &m.account_id, &m.order_id)?;
        self.of_own_channel(call, &target)?;
        let state = self.store.state();
        let found = decide::find_reservation(state, &target).map_err(Fault::from)?;
        let reservation = Some(reply::reservation(decide::view(state, found)));
        Ok(v1::GetReservationResponse { reservation })
    }

    /// Refuses an order of another sales channel than its caller's own, where that has one.
    fn of_own_channel(&self, call: &Call, target: &Target<'_>) -> Result<(), Fault> {
        match &call.own_channel {
            Some(own) => Ok(decide::confine_target(self.store.state(), own, target)?),
            None => Ok(()),
        }
    }
}
