//! The policy's rules for orders in the reference model, and what all reasons lead to.

use creditgate_engine::outcome::Effect::{self, Decline, Notify, Refer};

use super::*;

/// Which rules leave orders to a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Referring {
    /// An order of more than this, in minor units of either currency.
    pub most: Option<i64>,
    /// One through "web" of an account that has no score of at least so much; through "pos" it is
    /// declined.
    pub score: Option<i64>,
    /// One that does not fit into its account's own limit.
    pub short: bool,
    /// One that does not fit into what several accounts share.
    pub shared: bool,
}

impl Referring {
    /// As Finance would write it.
    pub fn text(&self) -> String {
        let mut text = String::from("[all]\n");
        if let Some(most) = self.most {
            let amounts =
                ["USD", "EUR"].map(|of| format!("\"{}.{:02} {of}\"", most / 100, most % 100));
            let amounts = amounts.join(", ");
            text += &format!("maximum-order = {{ amount = [{amounts}], outcome = \"refer\" }}\n");
        }
        if self.short {
            text += "insufficient-credit = { outcome = \"refer\" }\n";
        }
        if self.shared {
            text += "shared-limit = { outcome = \"refer\" }\n";
        }
        let scores = [("web", "refer"), ("pos", "decline")];
        for (score, (channel, outcome)) in
            self.score.into_iter().flat_map(|s| scores.map(|of| (s, of)))
        {
            text += &format!("[channel.{channel}.minimum-score]\nscore = {score}\n");
            text += &format!("outcome = \"{outcome}\"\n");
        }
        text
    }
}

impl Model {
    /// What a reason leads to, of an order through the channel that is asked through.
    fn leads_to(&self, code: ReasonCode) -> Effect {
        let Referring { short, shared, .. } = self.rules.referring;
        match code {
            LimitTolerated | LimitInGrace => Notify,
            TermsUpgraded | OrderAmountExceeded => Refer,
            ScoreMissing | ScoreTooLow if self.channel == "web" => Refer,
            InsufficientCredit if short => Refer,
            SharedLimitExceeded if shared => Refer,
            _ => Decline,
        }
    }

    pub(super) fn blocks(&self, reason: &Violated) -> bool {
        self.leads_to(reason.0) > Notify
    }

    pub(super) fn declines(&self, reason: &Violated) -> bool {
        self.leads_to(reason.0) == Decline
    }

    /// What reasons lead to all together.
    pub(super) fn decision<'r>(&self, reasons: impl IntoIterator<Item = &'r Violated>) -> Decision {
        match reasons.into_iter().map(|reason| self.leads_to(reason.0)).max() {
            None | Some(Notify) => Approved,
            Some(Refer) => Referred,
            Some(_) => Declined,
        }
    }

    /// Names the rules that an order of `total` violates, of which `new` is new, and says what part
    /// of that would not.
    pub(super) fn hold_to_rules(
        &self,
        id: &str,
        new: Amount,
        total: Amount,
        reasons: &mut Vec<Violated>,
    ) -> Amount {
        let Referring { most, score, .. } = self.rules.referring;
        let asks = ["web", "pos"].contains(&self.channel);
        if let Some(least) = score.filter(|_| asks) {
            match self.accounts[id].backing.score() {
                None => reasons.push((ScoreMissing, 0, least.into(), None)),
                Some(score) if score < least => {
                    reasons.push((ScoreTooLow, score.into(), least.into(), None));
                }
                Some(_) => {}
            }
        }
        match most.map(Amount::from) {
            Some(most) if total > most => {
                reasons.push((OrderAmountExceeded, total, most, None));
                new.min(most - (total - new))
            }
            _ => new,
        }
    }

    /// What the reasons of an answer lead to: all of `amount`, or none of it, where `fits` of what
    /// was asked would have violated no amount.
    pub(super) fn concluded(&self, mut answer: Answer, amount: Amount, fits: Amount) -> Answer {
        answer.reasons.sort_by_key(|(code, ..)| place(*code));
        let amounts = [
            MaxOrderAmountExceeded,
            OrderAmountExceeded,
            InsufficientCredit,
            SharedLimitExceeded,
            SegmentCapExceeded,
        ];
        let mut blocking = answer.reasons.iter().filter(|reason| self.blocks(reason));
        answer.decision = self.decision(&answer.reasons);
        let short = blocking.all(|(code, ..)| amounts.contains(code));
        answer.fitting = (answer.decision != Approved && short).then_some(fits);
        answer.amount = if answer.decision == Approved { amount } else { 0 };
        answer
    }

    /// What an order comes to under what was signed for it: all of it, or nothing. People sign for
    /// what was left to them, not for what is declined.
    pub(super) fn under(&self, waiver: &Waiver, order: Amount, answer: &mut Answer) {
        let stands = |reason: &&Violated| self.declines(reason) || !waiver.covers(reason);
        answer.decision = self.decision(answer.reasons.iter().filter(stands));
        answer.amount = if answer.decision == Approved { order } else { 0 };
    }
}

/// The most that an order may be, where it is more.
pub fn most_of_order(reasons: &[Violated]) -> Amount {
    let of_order = [MaxOrderAmountExceeded, OrderAmountExceeded];
    let violated = reasons.iter().filter(|(code, ..)| of_order.contains(code));
    violated.map(|(_, _, most, _)| *most).min().unwrap_or(Amount::MAX)
}
