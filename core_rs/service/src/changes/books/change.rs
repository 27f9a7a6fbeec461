//! An entry as it is told, with the records that it changed.

use creditgate_engine::command::{Command, Identity};
use creditgate_engine::entry::Entry;
use creditgate_engine::outcome::Outcome;
use creditgate_engine::values::{Micros, Seq};

use crate::wire::reply::timestamp;
use crate::wire::v1;

pub(super) fn change(
    seq: Seq,
    time: Micros,
    entry: &Entry<'_>,
    account_id: String,
    records: Vec<v1::RecordChange>,
) -> v1::Change {
    let Entry { request, outcome, .. } = entry;
    let request_id = match request.command.identity() {
        Identity::Request(key) => key.id,
        Identity::Entry { entry_id, .. } => entry_id,
        Identity::None => "",
    };
    let source = match &request.command {
        Command::Post(command) => command.source,
        Command::MoveSource(command) => command.source,
        Command::RecordReconciliation(command) => command.source,
        Command::ProposeAdjustments(command) => command.source,
        _ => "",
    };
    let decision = match outcome {
        Outcome::Reserved(reserved) => v1::Decision::from(reserved.verdict.decision),
        Outcome::Changed(changed) => v1::Decision::from(changed.verdict.decision),
        Outcome::Reviewed(reviewed) => match &reviewed.reserved {
            Some(reserved) => v1::Decision::from(reserved.verdict.decision),
            None => v1::Decision::Unspecified,
        },
        _ => v1::Decision::Unspecified,
    };
    let reason = request.reason.map(|reason| reason.text());
    v1::Change {
        journal_seq: seq,
        time: Some(timestamp(time)),
        actor: request.actor.to_owned(),
        channel: request.channel.to_owned(),
        reason: reason.flatten().unwrap_or_default().to_owned(),
        reason_erased: reason == Some(None),
        command: request.command.name().to_owned(),
        request_id: request_id.to_owned(),
        account_id,
        decision: decision.into(),
        records,
        source: source.to_owned(),
    }
}

impl v1::RecordChange {
    /// Whether it tells in which band of utilisation an account is.
    pub(super) fn is_of_band(&self) -> bool {
        let is_band =
            |record: &v1::Record| matches!(record.of, Some(v1::record::Of::Utilisation(_)));
        self.before.iter().chain(&self.after).any(is_band)
    }
}
