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
    pub band: Option<(Option<Amount>, i64, Option<i64>)>,
    pub exposure: ExposurePolicy,
    pub referring: Referring,
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
            text += &dollars(amount);
            text += &score.map_or(String::new(), |s| format!("score_min = {s}\n"));
        }
        text + &self.exposure.text() + &self.referring.text()
    }
}

/// What stands behind an account's limit.
#[derive(Clone, Debug, Default)]
pub struct Backing {
    /// All that are kept: reference, date, score, and who recorded it.
    pub recorded: Vec<Found>,
    /// By id: who proposed it, the limit, the verification, and the limit of then.
    pub proposals: BTreeMap<u64, (&'static str, Limit, Option<&'static str>, Limit)>,
    /// The verification that a limit was approved on last.
    pub verified: Option<&'static str>,
    /// The one that the limit in force was approved on.
    pub stands_on: Option<&'static str>,
    /// Somebody or the policy approved the limit in force; the policy, measured by this amount.
    pub approved: Option<Option<Amount>>,
}

type Found = (&'static str, Day, Option<i64>, &'static str);

impl Backing {
    /// The latest first.
    pub fn kept(&self) -> Vec<Found> {
        let mut all = self.recorded.clone();
        all.sort_by_key(|(reference, date, ..)| (-date.0, *reference));
        let mut rank = 0;
        all.retain(|(reference, ..)| {
            rank += 1;
            let mut named = self.proposals.values().filter_map(|waiting| waiting.2);
            rank <= VERIFICATIONS_MAX
                || [self.verified, self.stands_on].contains(&Some(*reference))
                || named.any(|of| of == *reference)
        });
        all
    }

    pub fn score(&self) -> Option<i64> {
        self.kept().iter().find_map(|(_, _, score, _)| *score)
    }

    /// Forgets what nothing keeps.
    fn settle(&mut self) {
        self.recorded = self.kept();
    }

    fn approve(&mut self, of: Option<&'static str>, base: Option<Amount>) {
        self.verified = of.or(self.verified);
        (self.stands_on, self.approved) = (of, Some(base));
    }
}

impl Model {
    /// Without what comes and goes.
    pub(super) fn lasting_limit(&self, account: &Account) -> Option<Limit> {
        match (account.limit.kind, account.segment) {
            (LimitKind::Inherit, None) => None,
            (LimitKind::Inherit, Some(segment)) => {
                self.defaults.get(&(segment, account.currency)).copied()
            }
            _ => Some(account.limit),
        }
    }

    /// Whether nothing is known to have been shipped or billed to it.
    fn is_first_order(&self, id: &str) -> bool {
        let moved = [self.outstanding(id), self.captured(id), self.accounts[id].unallocated];
        moved == [0; 3] && !self.billed.contains(id)
    }

    pub(super) fn limit(&self, id: &str) -> Limit {
        let account = &self.accounts[id];
        let none = Limit { kind: LimitKind::NoCredit, valid_until: None };
        let is_verified = account.backing.verified.is_some();
        if self.rules.verified_only && !is_verified && self.is_first_order(id) {
            return none;
        }
        let lasting = self.lasting_limit(account);
        if lasting.is_some_and(|limit| limit.kind == LimitKind::NoCredit) {
            return lasting.unwrap_or(none);
        }
        let today = Day::of(self.now);
        let counts = |first: Day, last: Day| first <= today && today <= last;
        let of_today = account.temporary.values().filter(|(_, _, a, b)| counts(*a, *b));
        let (overrides, added): (Vec<_>, Vec<_>) =
            of_today.partition(|(kind, ..)| *kind == TemporaryLimitKind::Override);
        assert!(overrides.len() <= 1, "two overrides of one day");
        let base = match overrides[..] {
            [&(_, amount, _, last)] => {
                let kind = LimitKind::Amount(amount as i64);
                Limit { kind, valid_until: Some(last) }
            }
            _ => lasting.unwrap_or(none),
        };
        let LimitKind::Amount(amount) = base.kind else { return base };
        let sum = Amount::from(amount) + added.iter().map(|(_, more, ..)| more).sum::<Amount>();
        Limit { kind: LimitKind::Amount(sum.min(MAX) as i64), ..base }
    }

    pub(super) fn record_verification(&mut self, c: &RecordVerification<'static>) -> Result<()> {
        let today = Day::of(self.now);
        let Some(account) = self.accounts.get_mut(c.account_id) else {
            return refuse("AccountNotFound");
        };
        if c.date > today {
            return refuse("VerificationToCome");
        }
        let new = (c.reference, c.date, c.score, self.actor);
        match account.backing.kept().iter().find(|known| known.0 == c.reference) {
            Some(known) if (known.1, known.2) == (new.1, new.2) => {}
            Some(_) => return refuse("VerificationReused"),
            None => {
                account.backing.recorded.push(new);
                account.backing.settle();
            }
        }
        Ok(())
    }

    pub(super) fn propose_limit(&mut self, c: &ProposeLimit<'static>) -> Result<()> {
        let Some(account) = self.accounts.get(c.account_id) else {
            return refuse("AccountNotFound");
        };
        let kept = account.backing.kept();
        if c.verification.is_some_and(|of| kept.iter().all(|known| known.0 != of)) {
            return refuse("VerificationNotFound");
        }
        if c.verification.is_none() && c.limit == account.limit {
            return refuse("NothingProposed");
        }
        let base = self.approves(c.account_id, c.limit, c.verification);
        self.propose(c.account_id, c.limit, c.verification, base)
    }

    /// In force at once, or waiting in the place of what its proposer has waiting.
    fn propose(
        &mut self,
        id: &str,
        limit: Limit,
        of: Option<&'static str>,
        base: Option<Amount>,
    ) -> Result<()> {
        if limit.valid_until.is_some_and(|last| last < Day::of(self.now)) {
            return refuse("Passed");
        }
        let (by, seq) = (self.actor, self.seq);
        let account = self.accounts.get_mut(id).expect("it is known");
        let all = &mut account.backing.proposals;
        all.retain(|_, waiting| waiting.0 != by);
        if base.is_some() {
            account.limit = limit;
            account.backing.approve(of, base);
        } else if all.len() >= PROPOSALS_MAX {
            return refuse("TooManyProposals");
        } else {
            all.insert(seq, (by, limit, of, account.limit));
        }
        account.backing.settle();
        Ok(())
    }

    /// The amount that it is measured by, where a band holds it.
    pub(super) fn approves(&self, id: &str, limit: Limit, of: Option<&str>) -> Option<Amount> {
        let account = &self.accounts[id];
        let (percent, most, least) = self.rules.band?;
        let from = self.lasting_limit(account)?;
        let (LimitKind::Amount(now), LimitKind::Amount(to)) = (from.kind, limit.kind) else {
            return None;
        };
        let base = account.backing.approved.flatten().unwrap_or(Amount::from(now));
        let within = |percent| (Amount::from(to) - base).abs() * 100 <= base * percent;
        let kept = account.backing.kept();
        if kept.iter().any(|known| Some(known.0) == of && known.3 == self.actor) {
            return None;
        }
        let scored = kept.iter().find(|known| of.is_some() && known.2.is_some());
        let score = scored.filter(|known| known.3 != self.actor).and_then(|known| known.2);
        let never = Day(i32::MAX);
        let ends = limit.valid_until.unwrap_or(never) <= from.valid_until.unwrap_or(never);
        let approves = ends
            && percent.is_none_or(within)
            && (account.currency.as_str() == "USD" && to <= most)
            && least.is_none_or(|least| score.is_some_and(|score| score >= least));
        approves.then_some(base)
    }

    pub(super) fn reconcile(&mut self, c: &RecordReconciliation<'static>) -> Result {
        if !self.sources.contains_key(c.source) {
            return refuse("SourceNotFound");
        }
        self.reconciliations.insert(c.source, (c.found, self.now));
        Ok(vec![])
    }

    pub(super) fn propose_adjustments(&mut self, c: &ProposeAdjustments<'static>) -> Result {
        self.adjustments.insert(self.seq, (c.digest, self.actor));
        Ok(vec![])
    }

    pub(super) fn close_adjustments(&mut self, c: &CloseAdjustments<'static>) -> Result {
        match (self.adjustments.get(&c.adjustments), c.approved) {
            (None, _) => return refuse("NotFound"),
            (Some((_, by)), Some(_)) if *by == self.actor => return refuse("Own"),
            (Some((digest, _)), Some(approved)) if *digest != approved => return refuse("Others"),
            _ => self.adjustments.remove(&c.adjustments),
        };
        Ok(vec![])
    }

    pub(super) fn decide_proposal(&mut self, id: &str, proposal: u64, agrees: bool) -> Result<()> {
        let (by, today) = (self.actor, Day::of(self.now));
        let Some(account) = self.accounts.get_mut(id) else { return refuse("AccountNotFound") };
        let Some((proposer, limit, of, from)) = account.backing.proposals.get(&proposal).copied()
        else {
            return refuse("ProposalNotFound");
        };
        if agrees && proposer == by {
            return refuse("OwnProposal");
        }
        if agrees && from != account.limit {
            return refuse("LimitChanged");
        }
        if agrees && limit.valid_until.is_some_and(|last| last < today) {
            return refuse("Passed");
        }
        account.backing.proposals.remove(&proposal);
        if agrees {
            account.limit = limit;
            account.backing.approve(of, None);
        }
        account.backing.settle();
        Ok(())
    }

    /// What an upsert says of the limit of an account that is there; `base`: a band holds it.
    pub(super) fn govern(
        &mut self,
        id: &str,
        word: Owner,
        asked: Limit,
        base: Option<Amount>,
    ) -> Result<()> {
        let by = self.actor;
        let account = self.accounts.get_mut(id).expect("it is known");
        if self.rules.owner.is_none_or(|owner| owner == word) {
            account.backing.proposals.retain(|_, waiting| waiting.0 != by);
            // Noted where anything else stands behind the limit; nothing depends on it elsewhere.
            if asked != account.limit && account.backing.approved.is_some() {
                account.backing.approve(None, None);
            }
            account.backing.settle();
            account.limit = asked;
            return Ok(());
        }
        let waiting = account.backing.proposals.values().find(|waiting| waiting.0 == by).copied();
        if asked == account.limit {
            account.backing.proposals.retain(|_, waiting| waiting.0 != by);
            account.backing.settle();
            return Ok(());
        }
        if waiting.is_some_and(|(_, limit, _, from)| (limit, from) == (asked, account.limit)) {
            return Ok(());
        }
        self.propose(id, asked, None, base)
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
        } else {
            reasons.push((LimitTolerated, new, available, None));
        }
        new.min(tolerated)
    }

    /// Of an answer that approves of less than was asked for: what is tolerated is that part alone,
    /// where anything of it is, which counts `part`.
    pub(super) fn tolerated_part(&self, id: &str, part: Option<Amount>, answer: &mut Answer) {
        answer.reasons.retain(|(code, ..)| *code != LimitTolerated);
        let Some(part) = part else { return };
        let mut found = Vec::new();
        self.short(id, part, &mut found);
        answer.reasons.extend(found.into_iter().filter(|(code, ..)| *code == LimitTolerated));
        answer.reasons.sort_by_key(|(code, ..)| place(*code));
    }

    /// By how much an order may pass its account's own limit.
    pub fn tolerance(&self, id: &str) -> Amount {
        let account = &self.accounts[id];
        let percent = match self.channel {
            "web" => self.rules.tolerance,
            "pos" if self.rules.tolerance > 0 => 100,
            _ => 0,
        };
        match self.limit(id).kind {
            LimitKind::Amount(limit) if account.rolling.is_none() => {
                (Amount::from(limit) * percent / 100).min(MAX - Amount::from(limit))
            }
            _ => 0,
        }
    }
}
