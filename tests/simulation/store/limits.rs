//! Random verifications, proposals, and what becomes of them.

use creditgate_engine::command::*;
use creditgate_engine::outcome::{Outcome, Proposed};
use creditgate_engine::values::{Day, Limit, LimitKind, ProposalId};

use crate::Simulation;

/// What a policy may say of limits.
pub const POLICY: &str = "\
[limits]
owner = \"creditgate\"
grace_days = 1
tolerance = { web = 10 }
[[limits.approve]]
change_percent_max = 20
amount_max = \"9 USD\"
";

impl Simulation {
    pub fn limits(
        &mut self,
        request: RequestKey<'static>,
        account_id: &'static str,
    ) -> Command<'static> {
        let waiting = self.waiting();
        let random = &mut self.random;
        match random.below(5) {
            0 => {
                let reference = random.pick(&["v0", "v1", "v2"]);
                let score = random.chance(1, 2).then_some(600);
                Command::RecordVerification(RecordVerification {
                    request,
                    account_id,
                    reference,
                    source: "bureau",
                    date: Day(0),
                    score,
                    document: random.chance(1, 2).then_some([7; 32]),
                })
            }
            1..=2 => {
                let kind = LimitKind::Amount(random.below(900) as i64);
                let limit = Limit { kind, valid_until: None };
                let verification = random.chance(1, 3).then_some(random.pick(&["v0", "v1"]));
                Command::ProposeLimit(ProposeLimit { request, account_id, limit, verification })
            }
            _ if waiting.is_empty() => {
                let proposal = 1;
                Command::RejectProposal(RejectProposal { request, account_id, proposal })
            }
            // Some were decided meanwhile, or taken the place of.
            which => {
                let (account_id, proposal) = random.pick(&waiting);
                if which == 3 {
                    Command::ApproveProposal(ApproveProposal { request, account_id, proposal })
                } else {
                    Command::RejectProposal(RejectProposal { request, account_id, proposal })
                }
            }
        }
    }

    /// The latest that were left to somebody else.
    fn waiting(&self) -> Vec<(&'static str, ProposalId)> {
        let left =
            self.acknowledged.iter().rev().filter_map(|(request, answer)| match answer.outcome {
                Outcome::Proposed(Proposed { proposal, approved: false })
                | Outcome::UpsertedProposing(_, Proposed { proposal, approved: false }) => {
                    Some((request.command.accounts()[0], proposal))
                }
                _ => None,
            });
        left.take(3).collect()
    }
}
