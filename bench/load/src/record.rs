//! What was measured: every latency in a histogram, every outcome counted.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::replies::Outcomes;

/// The part of a run that counts.
#[derive(Clone, Copy)]
pub struct Window {
    pub from: Duration,
    pub until: Duration,
}

impl Window {
    fn holds(&self, moment: Duration) -> bool {
        (self.from..self.until).contains(&moment)
    }
}

/// One call, with times from the start of the run.
pub struct Done<'a> {
    /// When it should have been sent; waiting to be sent is part of what its caller sees.
    pub due: Duration,
    pub at: Duration,
    pub outcomes: &'a Outcomes,
    /// The status of a refused call, and the server's words about it.
    pub refusal: Option<(&'static str, String)>,
    pub reply_bytes: usize,
}

/// What a run has seen so far.
///
/// Outcomes and latencies are those of the calls that were due within the window, however late
/// their answers; rates are of answers that came within it, however early their calls.
pub struct Record {
    window: Window,
    pub accepted: Histogram<u64>,
    pub refusals: Histogram<u64>,
    pub outcomes: Outcomes,
    /// Of all calls, within the window or not.
    pub journal_seq_max: u64,
    pub approved_in_all: u64,
    pub calls: u64,
    pub calls_answered_in_window: u64,
    pub decisions_in_window: u64,
    pub replies: u64,
    pub reply_bytes: u64,
    /// The server's words about the first call of each status.
    pub messages: BTreeMap<&'static str, String>,
    pub released: u64,
    pub not_released: u64,
}

impl Record {
    pub fn new(window: Window) -> Record {
        let histogram = || Histogram::new(3).expect("3 digits are within 0 to 5");
        Record {
            window,
            accepted: histogram(),
            refusals: histogram(),
            outcomes: Outcomes::default(),
            journal_seq_max: 0,
            approved_in_all: 0,
            calls: 0,
            calls_answered_in_window: 0,
            decisions_in_window: 0,
            replies: 0,
            reply_bytes: 0,
            messages: BTreeMap::new(),
            released: 0,
            not_released: 0,
        }
    }

    pub fn answered(&mut self, done: &Done) {
        if let Some((status, message)) = &done.refusal {
            self.messages.entry(status).or_insert_with(|| message.clone());
        }
        let decisions = done.outcomes.decisions();
        self.journal_seq_max = self.journal_seq_max.max(done.outcomes.journal_seq_max);
        self.approved_in_all += done.outcomes.approved;
        if self.window.holds(done.at) {
            self.calls_answered_in_window += 1;
            self.decisions_in_window += decisions;
        }
        if !self.window.holds(done.due) {
            return;
        }
        self.calls += 1;
        self.outcomes.add(done.outcomes);
        let latency_us = done.at.saturating_sub(done.due).as_micros() as u64;
        let histogram = if decisions > 0 { &mut self.accepted } else { &mut self.refusals };
        histogram.record(latency_us).expect("the histogram grows");
        if decisions > 0 {
            self.replies += 1;
            self.reply_bytes += done.reply_bytes as u64;
        }
    }

    /// An order that was placed is released, or was refused to be.
    pub fn released(&mut self, is_ok: bool) {
        *(if is_ok { &mut self.released } else { &mut self.not_released }) += 1;
    }

    /// A call that was due and has no answer: it was not sent, or the run ended before its answer.
    pub fn unanswered(&mut self, due: Duration, why: &'static str, orders: usize) {
        if self.window.holds(due) {
            self.calls += 1;
            self.outcomes.refuse(why, orders as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn approved() -> Outcomes {
        Outcomes { approved: 1, ..Outcomes::default() }
    }

    fn answer(record: &mut Record, due: Duration, at: Duration, outcomes: &Outcomes) {
        record.answered(&Done { due, at, outcomes, refusal: None, reply_bytes: 10 });
    }

    #[test]
    fn a_stall_counts_for_every_call_that_was_due_in_it() {
        let schedule = Schedule::new(1_000.0);
        let mut record = Record::new(Window { from: ms(0), until: ms(1_000) });
        // The server stands still until 100 ms, then answers all at once; later calls take 1 ms.
        for number in 0..1_000 {
            let due = schedule.due(number);
            answer(&mut record, due, ms(100).max(due + ms(1)), &approved());
        }
        assert_eq!(record.accepted.len(), 1_000);
        let late = record.accepted.count_between(1_500, u64::MAX);
        assert_eq!(late, 99, "calls 0 to 98 waited from 100 ms down to 2 ms");
        assert!((99_900..=100_100).contains(&record.accepted.max()));
        // A closed loop would have seen one slow call of 901 and a p99 of 1 ms.
        assert!(record.accepted.value_at_quantile(0.99) >= 89_000);
    }

    #[test]
    fn warm_up_and_what_is_due_afterwards_do_not_count() {
        let mut record = Record::new(Window { from: ms(10), until: ms(20) });
        answer(&mut record, ms(9), ms(15), &approved());
        answer(&mut record, ms(19), ms(500), &approved());
        answer(&mut record, ms(20), ms(21), &approved());
        assert_eq!((record.calls, record.outcomes.approved), (1, 1));
        assert_eq!(record.accepted.max() / 1_000, 481, "the answer after the end counts in full");
        // The rate is of what was answered within the window: the first alone.
        assert_eq!((record.calls_answered_in_window, record.decisions_in_window), (1, 1));
        assert_eq!(record.approved_in_all, 3);
    }

    #[test]
    fn refusals_have_a_histogram_of_their_own() {
        let mut record = Record::new(Window { from: ms(0), until: ms(10) });
        let mut refused = Outcomes::default();
        refused.refuse("RESOURCE_EXHAUSTED", 1_000);
        answer(&mut record, ms(1), ms(3), &refused);
        record.unanswered(ms(2), "NOT_SENT", 1_000);
        assert_eq!((record.accepted.len(), record.refusals.len(), record.calls), (0, 1, 2));
        assert_eq!(record.outcomes.refused["RESOURCE_EXHAUSTED"], 1_000);
        assert_eq!(record.outcomes.refused["NOT_SENT"], 1_000);
        assert_eq!(record.replies, 0);
    }
}
