//! What the calls of one commit ask for, to be answered once it is durable.

use creditgate_engine::values::Micros;

use crate::finished::Finished;
use crate::lists::ListCall;
use crate::wire::status::Fault;
use crate::wire::v1;
use crate::worker::watches::Watched;

/// The calls of the commit under construction.
#[derive(Default)]
pub(crate) struct Batch {
    /// The commit's time, once it is begun.
    pub(crate) now: Option<Micros>,
    pub(crate) calls: usize,
    /// Of the requests of these calls.
    pub(crate) bytes: usize,
    /// It carries its part of a bulk call.
    pub(crate) has_slice: bool,
    /// Answers by ticket.
    pub(crate) answers: Vec<Finished>,
    pub(crate) pages: Vec<ListCall>,
    pub(crate) watches: Vec<(u64, Watched)>,
    pub(crate) clock: Vec<(u64, Option<v1::SetTimeRequest>)>,
}

impl Batch {
    /// The commit was undone: whatever these calls saw or asked for may be gone with it.
    pub(crate) fn refuse(self, fault: &Fault) -> Vec<Finished> {
        let answers = self.answers.into_iter().map(|finished| finished.ticket);
        let pages = self.pages.into_iter().map(|call| call.ticket);
        let watches = self.watches.into_iter().map(|(ticket, _)| ticket);
        let clock = self.clock.into_iter().map(|(ticket, _)| ticket);
        let tickets = answers.chain(pages).chain(watches).chain(clock);
        tickets.map(|ticket| Finished::fault(ticket, fault)).collect()
    }
}
