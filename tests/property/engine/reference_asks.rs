//! What the reference model is asked for: new orders, and more of those that are there.

use super::*;

impl Model {
    /// Everything that stands in the way of an order.
    pub(super) fn ask_for(
        &self,
        billed: &'static str,
        order: &crate::OrderOf,
        worth: std::result::Result<Worth, &Violated>,
    ) -> Answer {
        let (amount, today) = (Amount::from(order.amount), Day::of(self.now));
        let (new, full) = worth.map_or((0, 0), |worth| (worth.now(amount), worth.full(amount)));
        let (mut answer, _) = self.hold_to_limits(billed, new, full);
        if worth.map_or(true, |worth| worth.waits) {
            count_nothing(&mut answer);
        }
        answer.reasons.extend(worth.err().cloned());
        if billed != order.account_id {
            answer.reasons.extend(self.sold_to(order.account_id));
        }
        self.compare_terms(billed, order.terms(), today, 31, &mut answer);
        let (_, room) = self.hold_to_limits(billed, new, 0);
        let most = most_of_order(&answer.reasons);
        let fits =
            |worth: Worth| largest(amount, |x| worth.now(x) <= room && worth.full(x) <= most);
        let answer = self.concluded(answer, amount, worth.map_or(0, fits));
        // There is no part of it that counts less than all of it does.
        let waits = worth.is_ok_and(|worth| worth.waits);
        Answer { fitting: answer.fitting.filter(|_| !waits), ..answer }
    }

    /// Why somebody may not order, whoever is billed.
    fn sold_to(&self, who: &'static str) -> Vec<Violated> {
        let status =
            [AccountClosed, AccountSuspended, FraudSuspension, BureauSuspension, AccountOnHold];
        let own = self.ask(who, 0, 0).reasons.into_iter();
        let own = own.filter(|(code, ..)| status.contains(code));
        own.map(|(code, a, b, whose)| {
            let hold = match whose {
                Some(Whose::Hold(id)) => Some(id),
                _ => None,
            };
            (code, a, b, Some(Whose::SoldTo(who.into(), hold)))
        })
        .collect()
    }

    /// Everything that stands in the way of more of an order, not concluded yet, and how much of it
    /// would fit.
    pub(super) fn ask_more(
        &self,
        order: &Order,
        new: Amount,
        total: Amount,
        first: Day,
        days: i32,
    ) -> (Answer, Amount) {
        let (mut answer, fits) = self.hold_to_limits(order.account, new, total);
        self.compare_terms(order.account, order.asked, first, days, &mut answer);
        answer.reasons.extend(order.worth.sold_to.into_iter().flat_map(|who| self.sold_to(who)));
        (answer, fits)
    }

    /// What is said of a shipment, where anything of it is to be asked for: what was not open, or
    /// did not count, or came to count by itself.
    pub(super) fn ask_to_ship(&self, order: &Order, asked: Amount, day: Day) -> Option<Answer> {
        let worth = order.worth;
        let excess = (asked - order.open).max(0);
        let grown = order.grown_by(excess, asked);
        let by_itself = worth.waited && !worth.waits;
        if excess == 0 && grown == 0 && !by_itself {
            return None;
        }
        // What an order may be at most was asked when it was placed.
        let total = if excess == 0 { 0 } else { worth.full(order.captured + asked) };
        let mut without = self.clone();
        // Nor is what was placed before a first order.
        without.billed.extend((excess == 0).then_some(order.account));
        let (mut new, mut more) = (grown, (order.open, order.counts[0], excess));
        if by_itself {
            // All that counts of it is asked for.
            let held = without.orders.values_mut().find(|held| {
                (held.account, held.order_id, held.created_at)
                    == (order.account, order.order_id, order.created_at)
            });
            held.expect("it came to count").counts[0] = 0;
            (new, more) = (grown + order.counts[0], (order.open, 0, excess));
        } else if worth.waits {
            more = (0, 0, asked);
        }
        let (mut answer, _) = without.ask_more(order, new, total, day, 1);
        answer.reasons.extend(self.stale_for(order).filter(|_| excess > 0));
        if let Some(waiver) = self.let_through(order).filter(|_| excess == 0) {
            answer.reasons.retain(|reason| !waiver.covers(reason));
        }
        let (_, room) = without.hold_to_limits(order.account, new, 0);
        Some(fitting_part(order, more, false, self.concluded(answer, new, room)))
    }
}

/// Of an order that does not count yet, or whose amount nobody knows.
pub fn count_nothing(answer: &mut Answer) {
    let room = [
        InsufficientCredit,
        LimitTolerated,
        RollingAverageExceeded,
        SharedLimitExceeded,
        SegmentCapExceeded,
    ];
    answer.reasons.retain(|(code, ..)| !room.contains(code));
}

/// What would have fitted of `more` of an order, in its currency, on top of what is `open` of it,
/// where so much of that has been `counted` already, and none is as long as it `waits`.
pub fn fitting_part(
    order: &Order,
    (open, counted, more): (Amount, Amount, Amount),
    waits: bool,
    answer: Answer,
) -> Answer {
    let worth = order.worth;
    let most = most_of_order(&answer.reasons);
    let fits = |room, part| {
        let whole = order.captured + order.open.max(open + part);
        let counts = if waits { 0 } else { worth.in_time(open + part) };
        counts - counted <= room && worth.full(whole) <= most
    };
    let part = |room| largest(more, |part| fits(room, part));
    Answer { fitting: answer.fitting.map(part), ..answer }
}
