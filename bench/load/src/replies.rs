//! What comes back, read as far as it is counted.

use std::collections::BTreeMap;

use prost::Message;

use crate::{
    channel::{Answer, Status},
    options::Call,
    v1::Decision,
};

// Fewer fields than the contract has: prost skips the others, and no id is copied.

#[derive(Clone, PartialEq, Message)]
struct Batch {
    #[prost(message, repeated, tag = "1")]
    results: Vec<Item>,
}

#[derive(Clone, PartialEq, Message)]
struct Item {
    #[prost(message, optional, tag = "1")]
    response: Option<Response>,
    #[prost(message, optional, tag = "2")]
    error: Option<ItemError>,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    result: Option<DecisionResult>,
}

#[derive(Clone, PartialEq, Message)]
struct DecisionResult {
    #[prost(enumeration = "Decision", tag = "1")]
    decision: i32,
    #[prost(uint64, tag = "5")]
    journal_seq: u64,
}

#[derive(Clone, PartialEq, Message)]
struct ItemError {
    #[prost(int32, tag = "1")]
    code: i32,
}

/// What became of orders, and how often.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Outcomes {
    pub approved: u64,
    pub declined: u64,
    /// Orders without a decision, by the name of the gRPC code.
    pub refused: BTreeMap<&'static str, u64>,
    /// The highest journal entry that holds one of the decisions.
    pub journal_seq_max: u64,
}

impl Outcomes {
    pub fn decisions(&self) -> u64 {
        self.approved + self.declined
    }

    /// The outcomes of one call that carried so many orders.
    pub fn of(call: Call, orders: usize, answer: &Answer) -> Outcomes {
        let mut outcomes = Outcomes::default();
        if answer.status != Status::OK {
            outcomes.refuse(answer.status.name(), orders as u64);
        } else if !outcomes.read(call, orders, answer) {
            outcomes = Outcomes::default();
            outcomes.refuse("UNREADABLE", orders as u64);
        }
        outcomes
    }

    /// Whether the one order of a unary call was approved, in full or in part.
    pub fn is_approved(&self) -> bool {
        self.approved > 0
    }

    pub fn add(&mut self, other: &Outcomes) {
        self.approved += other.approved;
        self.declined += other.declined;
        self.journal_seq_max = self.journal_seq_max.max(other.journal_seq_max);
        for (name, count) in &other.refused {
            self.refuse(name, *count);
        }
    }

    pub fn refuse(&mut self, name: &'static str, orders: u64) {
        *self.refused.entry(name).or_default() += orders;
    }

    /// False when the reply is not what the contract says.
    fn read(&mut self, call: Call, orders: usize, answer: &Answer) -> bool {
        match call {
            Call::Unary => Response::decode(answer.reply.clone())
                .is_ok_and(|response| self.read_decision(response.result.as_ref())),
            Call::Batch => Batch::decode(answer.reply.clone()).is_ok_and(|batch| {
                batch.results.len() == orders
                    && batch.results.iter().all(|item| self.read_item(item))
            }),
        }
    }

    fn read_item(&mut self, item: &Item) -> bool {
        match (&item.response, &item.error) {
            (Some(response), None) => self.read_decision(response.result.as_ref()),
            (None, Some(error)) => {
                self.refuse(Status(u32::try_from(error.code).unwrap_or(2)).name(), 1);
                true
            }
            _ => false,
        }
    }

    fn read_decision(&mut self, result: Option<&DecisionResult>) -> bool {
        let Some(result) = result else { return false };
        match Decision::try_from(result.decision) {
            Ok(Decision::Approved | Decision::PartiallyApproved) => self.approved += 1,
            Ok(Decision::Declined | Decision::Referred) => self.declined += 1,
            Ok(Decision::Unspecified) | Err(_) => return false,
        }
        self.journal_seq_max = self.journal_seq_max.max(result.journal_seq);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    fn response(decision: Decision, journal_seq: u64) -> v1::CheckAndReserveResponse {
        v1::CheckAndReserveResponse {
            result: Some(v1::DecisionResult {
                decision: decision.into(),
                journal_seq,
                ..Default::default()
            }),
            reservation_id: "reservation".into(),
            ..Default::default()
        }
    }

    fn item(outcome: v1::batch_item_result::Outcome) -> v1::BatchItemResult {
        v1::BatchItemResult { outcome: Some(outcome) }
    }

    fn ok(message: &impl Message) -> Answer {
        Answer::ok(message.encode_to_vec().into())
    }

    fn refused(name: &'static str, count: u64) -> Outcomes {
        Outcomes { refused: [(name, count)].into(), ..Outcomes::default() }
    }

    #[test]
    fn decisions_of_single_orders_are_told_apart() {
        let approved = |decision| Outcomes::of(Call::Unary, 1, &ok(&response(decision, 9)));
        assert!(approved(Decision::Approved).is_approved());
        assert!(approved(Decision::PartiallyApproved).is_approved());
        for decision in [Decision::Declined, Decision::Referred] {
            let expected = Outcomes { declined: 1, journal_seq_max: 9, ..Outcomes::default() };
            assert_eq!(approved(decision), expected);
        }
    }

    #[test]
    fn every_item_of_a_batch_is_counted() {
        use v1::batch_item_result::Outcome;
        let error = v1::ItemError { code: 5, ..Default::default() };
        let results = vec![
            item(Outcome::Response(response(Decision::Approved, 7))),
            item(Outcome::Response(response(Decision::Declined, 9))),
            item(Outcome::Error(error)),
        ];
        let batch = v1::BatchCheckAndReserveResponse { results };
        let mut expected = refused("NOT_FOUND", 1);
        (expected.approved, expected.declined, expected.journal_seq_max) = (1, 1, 9);
        assert_eq!(Outcomes::of(Call::Batch, 3, &ok(&batch)), expected);
    }

    #[test]
    fn a_refused_call_refuses_all_of_its_orders() {
        let answer = Answer::refused(Status::RESOURCE_EXHAUSTED);
        assert_eq!(Outcomes::of(Call::Batch, 500, &answer), refused("RESOURCE_EXHAUSTED", 500));
    }

    #[test]
    fn a_reply_that_is_not_the_contracts_counts_as_no_decision() {
        let short = v1::BatchCheckAndReserveResponse {
            results: vec![item(v1::batch_item_result::Outcome::Response(response(
                Decision::Approved,
                1,
            )))],
        };
        assert_eq!(Outcomes::of(Call::Batch, 2, &ok(&short)), refused("UNREADABLE", 2));
        let empty = Answer::ok(Default::default());
        assert_eq!(Outcomes::of(Call::Unary, 1, &empty), refused("UNREADABLE", 1));
        let unspecified = ok(&response(Decision::Unspecified, 1));
        assert_eq!(Outcomes::of(Call::Unary, 1, &unspecified), refused("UNREADABLE", 1));
    }

    #[test]
    fn outcomes_add_up() {
        let mut sum = refused("UNAVAILABLE", 2);
        sum.add(&Outcomes { approved: 3, journal_seq_max: 4, ..refused("UNAVAILABLE", 1) });
        let expected = Outcomes { approved: 3, journal_seq_max: 4, ..refused("UNAVAILABLE", 3) };
        assert_eq!(sum, expected);
        assert_eq!(sum.decisions(), 3);
    }
}
