//! Verifications, proposals and the policy's `[limits]` in the reference model.

use creditgate_engine::bounds::{PROPOSALS_MAX, VERIFICATIONS_MAX};
use creditgate_engine::policy::limits::Owner;

use super::*;

/// What the policy says of limits.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub owner: Option<Owner>,
    pub grace_days: i32,
    /// In percent, of orders through "web".
    pub tolerance: Amount,
    pub verified_only: bool,
    /// What needs nobody's approval: a change in percent, an amount in USD, a score.
    pub band: Option<(Option<Amount>, Option<i64>, Option<i64>)>,
}

impl Rules {
    /// As Finance would write it.
    pub fn text(&self) -> String {
        let mut text = String::from("[limits]\n");
        match self.owner {
            None => {}
            Some(Owner::Ledger) => text += "owner = \"ledger\"\n",
            Some(Owner::Creditgate) => text += "owner = \"creditgate\"\n",
        }
        text += &format!("grace_days = {}\n", self.grace_days);
        text += &format!("first_order_needs_verification = {}\n", self.verified_only);
        if self.tolerance > 0 {
            text += &format!("tolerance = {{ web = {}, pos = 100 }}\n", self.tolerance);
        }
        if let Some((percent, amount, score)) = self.band {
            text += "[[limits.approve]]\n";
            text += &percent.map_or(String::new(), |p| format!("change_percent_max = {p}\n"));
            let dollars = |a: i64| format!("amount_max = \"{}.{:02} USD\"\n", a / 100, a % 100);
            text += &amount.map_or(String::new(), dollars);
            text += &score.map_or(String::new(), |s| format!("score_min = {s}\n"));
        }
        text
    }
}

/// What stands behind an account's limit.
#[derive(Clone, Debug, Default)]
pub struct Backing {
    /// All that were ever recorded: reference, date and score, and what is kept of them.
    pub recorded: Vec<(&'static str, Day, Option<i64>)>,
    /// By id: who proposed it, the limit, and the verification.
    pub proposals: BTreeMap<u64, (&'static str, Limit, Option<&'static str>)>,
    /// Some limit was approved on a verification.
    pub verified: bool,
}

impl Backing {
    /// The latest first.
    pub fn kept(&self) -> Vec<(&'static str, Day, Option<i64>)> {
        let mut all: Vec<_> = self.recorded.iter().rev().copied().collect();
        all.sort_by_key(|(_, date, _)| -date.0);
        all.truncate(VERIFICATIONS_MAX);
        all
    }

    pub fn score(&self) -> Option<i64> {
        self.kept().iter().find_map(|(.., score)| *score)
    }
}

impl Model {
    pub(super) fn record_verification(&mut self, c: &RecordVerification<'static>) -> Result<()> {
        let today = Day::of(self.now);
        let Some(account) = self.accounts.get_mut(c.account_id) else {
            return refuse("AccountNotFound");
        };
        if c.date > today {
            return refuse("VerificationToCome");
        }
        let new = (c.reference, c.date, c.score);
        match account.backing.kept().iter().find(|known| known.0 == c.reference) {
            Some(known) if *known == new => {}
            Some(_) => return refuse("VerificationReused"),
            None => account.backing.recorded.push(new),
        }
        Ok(())
    }

    pub(super) fn propose_limit(&mut self, c: &ProposeLimit<'static>) -> Result<()> {
        let today = Day::of(self.now);
        let Some(account) = self.accounts.get(c.account_id) else {
            return refuse("AccountNotFound");
        };
        if c.limit.valid_until.is_some_and(|last| last < today) {
            return refuse("Passed");
        }
        let kept = account.backing.kept();
        if c.verification.is_some_and(|of| kept.iter().all(|known| known.0 != of)) {
            return refuse("VerificationNotFound");
        }
        if c.verification.is_none() && c.limit == account.limit {
            return refuse("NothingProposed");
        }
        self.propose(c.account_id, c.limit, c.verification)
    }

    /// In force at once, or waiting in the place of what its proposer has waiting.
    fn propose(&mut self, id: &str, limit: Limit, of: Option<&'static str>) -> Result<()> {
        let (by, seq, approved) = (self.actor, self.seq, self.approves(id, limit, of));
        let account = self.accounts.get_mut(id).expect("it is known");
        let all = &mut account.backing.proposals;
        all.retain(|_, waiting| waiting.0 != by);
        if approved {
            account.limit = limit;
            account.backing.verified |= of.is_some();
        } else if all.len() >= PROPOSALS_MAX {
            return refuse("TooManyProposals");
        } else {
            all.insert(seq, (by, limit, of));
        }
        Ok(())
    }

    fn approves(&self, id: &str, limit: Limit, of: Option<&str>) -> bool {
        let account = &self.accounts[id];
        let Some((percent, most, least)) = self.rules.band else { return false };
        let LimitKind::Amount(to) = limit.kind else { return false };
        let from = self.lasting_limit(account).map(|limit| limit.kind);
        let within = |percent: Amount| match from {
            Some(LimitKind::Amount(from)) => {
                (Amount::from(to) - Amount::from(from)).abs() * 100 <= Amount::from(from) * percent
            }
            _ => false,
        };
        let kept = account.backing.kept();
        let score = kept.iter().find(|known| Some(known.0) == of).and_then(|known| known.2);
        percent.is_none_or(within)
            && most.is_none_or(|most| account.currency.as_str() == "USD" && to <= most)
            && least.is_none_or(|least| score.is_some_and(|score| score >= least))
    }

    pub(super) fn decide_proposal(&mut self, id: &str, proposal: u64, agrees: bool) -> Result<()> {
        let (by, today) = (self.actor, Day::of(self.now));
        let Some(account) = self.accounts.get_mut(id) else { return refuse("AccountNotFound") };
        let Some((proposer, limit, of)) = account.backing.proposals.get(&proposal).copied() else {
            return refuse("ProposalNotFound");
        };
        if proposer == by {
            return refuse("OwnProposal");
        }
        if agrees && limit.valid_until.is_some_and(|last| last < today) {
            return refuse("Passed");
        }
        account.backing.proposals.remove(&proposal);
        if agrees {
            account.limit = limit;
            account.backing.verified |= of.is_some();
        }
        Ok(())
    }

    /// What an upsert says of the limit of an account that is there, and had `before`.
    pub(super) fn govern(&mut self, id: &str, word: Owner, asked: Limit, new: bool) -> Result<()> {
        let by = self.actor;
        let account = self.accounts.get_mut(id).expect("it is known");
        if self.rules.owner.is_none_or(|owner| owner == word) {
            account.limit = asked;
            return Ok(());
        }
        let waiting = account.backing.proposals.values().find(|waiting| waiting.0 == by).copied();
        if asked == account.limit {
            account.backing.proposals.retain(|_, waiting| waiting.0 != by);
            return Ok(());
        }
        if waiting.is_some_and(|(_, limit, _)| limit == asked) {
            return Ok(());
        }
        if new {
            account.backing.proposals.insert(self.seq, (by, asked, None));
            return Ok(());
        }
        self.propose(id, asked, None)
    }

    /// The id of one that waits, by its place among those of an account; else one that does not.
    pub fn waiting(&self, id: &str, place: usize) -> u64 {
        let known = self.accounts.get(id);
        known.and_then(|account| account.backing.proposals.keys().nth(place)).copied().unwrap_or(1)
    }

    /// Names where an order does not fit into its account's own limit; says what part of it does.
    pub(super) fn short(&self, id: &str, new: Amount, reasons: &mut Vec<Violated>) -> Amount {
        let Some(available) = self.own_available(id).filter(|left| new > *left) else {
            return new;
        };
        let tolerated = available + self.tolerance(id);
        if new > tolerated {
            reasons.push((InsufficientCredit, new, tolerated, None));
        }
        if tolerated > available {
            reasons.push((LimitTolerated, new, available, None));
        }
        new.min(tolerated)
    }

    /// By how much an order may pass its account's own limit.
    pub fn tolerance(&self, id: &str) -> Amount {
        let account = &self.accounts[id];
        let percent = match self.channel {
            "web" => self.rules.tolerance,
            "pos" if self.rules.tolerance > 0 => 100,
            _ => 0,
        };
        match self.limit(account).kind {
            LimitKind::Amount(limit) if account.rolling.is_none() => {
                (Amount::from(limit) * percent / 100).min(MAX - Amount::from(limit))
            }
            _ => 0,
        }
    }
}
