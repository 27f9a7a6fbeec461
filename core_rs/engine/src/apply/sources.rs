//! How far sources have come, how they were reconciled, and adjustments that wait.

use crate::event::{AdjustmentsEvent, Event};
use crate::model::{Adjustments, Reconciliation, Source};
use crate::rows::Rows;
use crate::values::Micros;

pub(super) fn apply(rows: &mut impl Rows, now: Micros, event: &Event<'_>) {
    match *event {
        Event::SourceMoved { source, position } => {
            rows.set_source(source, Source { position, heard_at: now });
        }
        Event::Reconciled(source, found) => {
            rows.set_reconciliation(source, Reconciliation { found, at: now });
        }
        Event::Adjustments(ref event) => set_adjustments(rows, now, event),
        _ => unreachable!("{event:?} is of no source"),
    }
}

fn set_adjustments(rows: &mut impl Rows, now: Micros, event: &AdjustmentsEvent<'_>) {
    match *event {
        AdjustmentsEvent::Proposed { id, source, digest, count, by } => {
            let (source, by) = (source.into(), by.into());
            rows.set_adjustments(id, Some(Adjustments { id, source, digest, count, by, at: now }));
        }
        AdjustmentsEvent::Closed { id } => rows.set_adjustments(id, None),
    }
}
