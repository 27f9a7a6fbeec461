//! Adjustments of what the ledger says, under four eyes. What is posted are entries of their own,
//! in the same commit as their approval.

use crate::bounds::ADJUSTMENTS_WAITING_MAX;
use crate::command::{CloseAdjustments, ProposeAdjustments};
use crate::decide::{Context, Decided};
use crate::error::AdjustmentsRefusal;
use crate::event::{AdjustmentsEvent, Event};
use crate::outcome::Outcome;

impl Context<'_> {
    pub(super) fn propose_adjustments<'a>(
        &self,
        command: &ProposeAdjustments<'a>,
        by: &'a str,
    ) -> Decided<'a> {
        if self.state.adjustments().len() >= ADJUSTMENTS_WAITING_MAX {
            return Err(AdjustmentsRefusal::TooMany.into());
        }
        let ProposeAdjustments { source, digest, count, .. } = *command;
        let proposed = AdjustmentsEvent::Proposed { id: self.seq, source, digest, count, by };
        Ok((Outcome::Done, vec![Event::Adjustments(proposed)]))
    }

    pub(super) fn close_adjustments<'a>(
        &self,
        command: &CloseAdjustments<'_>,
        by: &str,
    ) -> Decided<'a> {
        let id = command.adjustments;
        let found = self.state.adjustments().get(&id).ok_or(AdjustmentsRefusal::NotFound(id))?;
        if let Some(digest) = command.approved {
            if *found.by == *by {
                return Err(AdjustmentsRefusal::Own(id).into());
            }
            if found.digest != digest {
                return Err(AdjustmentsRefusal::Others(id).into());
            }
        }
        Ok((Outcome::Done, vec![Event::Adjustments(AdjustmentsEvent::Closed { id })]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, RequestKey};
    use crate::error::Refusal;
    use crate::testing::Book;

    fn propose(request: &str) -> Command<'_> {
        let request = RequestKey { id: request, row: 0, call: 0 };
        Command::ProposeAdjustments(ProposeAdjustments {
            request,
            source: "repair",
            digest: [7; 32],
            count: 2,
        })
    }

    fn close(adjustments: u64, approved: Option<[u8; 32]>) -> Command<'static> {
        let request = RequestKey { id: "close", row: 0, call: 0 };
        Command::CloseAdjustments(CloseAdjustments { request, adjustments, approved })
    }

    #[test]
    fn somebody_else_approves_what_was_proposed_once() {
        let mut book = Book::empty();
        book.run(propose("p")).unwrap();
        let id = book.seq;
        assert_eq!(book.refused(close(id, Some([7; 32]))), AdjustmentsRefusal::Own(id).into());
        book.actor = "finance";
        assert_eq!(book.refused(close(id, Some([8; 32]))), AdjustmentsRefusal::Others(id).into());
        let unknown = Refusal::from(AdjustmentsRefusal::NotFound(id + 1));
        assert_eq!(book.refused(close(id + 1, Some([7; 32]))), unknown);
        book.run(close(id, Some([7; 32]))).unwrap();
        assert_eq!(book.refused(close(id, None)), AdjustmentsRefusal::NotFound(id).into());
    }

    #[test]
    fn who_proposed_may_take_it_back_and_no_more_than_a_thousand_wait() {
        let mut book = Book::empty();
        for _ in 0..ADJUSTMENTS_WAITING_MAX {
            book.run(propose("p")).unwrap();
        }
        assert_eq!(book.refused(propose("p")), AdjustmentsRefusal::TooMany.into());
        book.run(close(book.seq, None)).unwrap();
        book.run(propose("p")).unwrap();
    }
}
