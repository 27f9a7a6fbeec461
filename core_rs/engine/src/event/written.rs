//! How events are written of which more than one last field may say nothing.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::counting::Details;
use crate::model::CaseId;
use crate::values::{Id, Micros, Minor, ReservationId, Slot};

/// The fields of an order that was approved: as many of the last ones as say something. Each order
/// is written by it.
#[allow(clippy::too_many_arguments, reason = "serde passes each field by itself")]
#[inline]
pub(super) fn reserved<S: Serializer>(
    reservation: &ReservationId,
    slot: &Slot,
    order_id: &str,
    amount: &Minor,
    expires_at: &Micros,
    details: &Option<Box<Details>>,
    channel: &str,
    to: S,
) -> Result<S::Ok, S::Error> {
    let fields = match (details, channel.is_empty()) {
        (_, false) => 7,
        (Some(_), true) => 6,
        (None, true) => 5,
    };
    let mut event = to.serialize_struct("Reserved", fields)?;
    event.serialize_field("reservation", reservation)?;
    event.serialize_field("slot", slot)?;
    event.serialize_field("order_id", order_id)?;
    event.serialize_field("amount", amount)?;
    event.serialize_field("expires_at", expires_at)?;
    if fields > 5 {
        event.serialize_field("details", details)?;
    }
    if fields > 6 {
        event.serialize_field("channel", channel)?;
    }
    event.end()
}

/// The fields of an order that was reserved in a case: as many of the last ones as say something.
#[allow(clippy::too_many_arguments, reason = "serde passes each field by itself")]
pub(super) fn reserved_in_case<S: Serializer>(
    case: &CaseId,
    reservation: &ReservationId,
    slot: &Slot,
    order_id: &str,
    amount: &Minor,
    expires_at: &Micros,
    details: &Option<Box<Details>>,
    channel: &Id,
    to: S,
) -> Result<S::Ok, S::Error> {
    match (details, channel.is_empty()) {
        (None, true) => (case, reservation, slot, order_id, amount, expires_at).serialize(to),
        (details, true) => {
            (case, reservation, slot, order_id, amount, expires_at, details).serialize(to)
        }
        (details, false) => {
            (case, reservation, slot, order_id, amount, expires_at, details, channel).serialize(to)
        }
    }
}
