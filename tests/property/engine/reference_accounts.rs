//! Accounts and segments in the reference model.

use super::*;

impl Model {
    pub(super) fn upsert_account(&mut self, c: &UpsertAccount<'static>, word: Owner) -> Result<()> {
        let known = self.accounts.get(c.account_id).cloned();
        let currency = match (&known, c.currency) {
            (None, None) => return refuse("CurrencyRequired"),
            (Some(account), Some(other)) if account.currency != other => {
                return refuse("CurrencyFixed");
            }
            (Some(account), _) => account.currency,
            (None, Some(currency)) => currency,
        };
        let mut account = known.clone().unwrap_or(Account {
            currency,
            status: Status::Active,
            limit: Limit::INHERIT,
            max_order: 0,
            parent: None,
            segment: None,
            unallocated: 0,
            shared: None,
            holds: BTreeMap::new(),
            temporary: BTreeMap::new(),
            rolling: None,
            owed: Vec::new(),
            backing: Backing::default(),
        });
        if let Some(parent) = c.parent_id.filter(|parent| !parent.is_empty()) {
            let Some(above) = self.accounts.get(parent) else { return refuse("ParentNotFound") };
            if above.currency != currency {
                return refuse("ParentCurrencyMismatch");
            }
            let mut ancestor = Some(parent);
            while let Some(id) = ancestor {
                if id == c.account_id {
                    return refuse("ParentCycle");
                }
                ancestor = self.accounts[id].parent;
            }
        }
        account.parent =
            c.parent_id.map_or(account.parent, |id| Some(id).filter(|id| !id.is_empty()));
        if let Some(id) = c.segment_id {
            if !id.is_empty() && !self.segments.contains(&id) {
                return refuse("SegmentNotFound");
            }
            account.segment = Some(id).filter(|id| !id.is_empty());
        }
        account.max_order = c.max_order.map_or(account.max_order, Amount::from);
        let shared = c.shared_limit.map_or(account.shared, |limit| limit.map(Amount::from));
        let moves = known.as_ref().is_some_and(|before| self.changes_limits(before, &account));
        let other_limit = shared != account.shared || moves;
        account.shared = shared;
        // A band looks at the account as it was before it came to another segment.
        let is_proposed = known.is_some() && word == Owner::Creditgate;
        let asked = c.limit.filter(|_| is_proposed);
        let base = asked.and_then(|limit| self.approves(c.account_id, limit, None));
        if self.accounts.insert(c.account_id, account).is_none() {
            self.opened.push(c.account_id);
        }
        if let Some(limit) = c.limit {
            self.govern(c.account_id, word, limit, base)?;
        }
        if other_limit { self.may_set_limits(word) } else { Ok(()) }
    }

    /// Where somebody owns limits, the other sets none that cannot wait for an approval.
    fn may_set_limits(&self, word: Owner) -> Result<()> {
        match (self.rules.owner, word) {
            (Some(Owner::Creditgate), Owner::Ledger) => refuse("LimitOwnedHere"),
            (Some(Owner::Ledger), Owner::Creditgate) => refuse("LimitOwnedByLedger"),
            _ => Ok(()),
        }
    }

    /// Whether an account comes to other limits by a maximum order, a segment or a parent.
    fn changes_limits(&self, before: &Account, after: &Account) -> bool {
        let mut limits = before.backing.proposals.values().map(|waiting| waiting.1);
        let inherits = |limit: Limit| limit.kind == LimitKind::Inherit;
        let may_inherit = inherits(before.limit) || limits.any(inherits);
        let of_segment = |account: &Account| {
            let key = (account.segment?, account.currency);
            let default = self.defaults.get(&key).copied();
            let inherited = default.filter(|_| may_inherit);
            let capped = self.caps.contains_key(&key).then_some(key);
            Some((inherited, capped)).filter(|found| *found != (None, None))
        };
        let shared = |account: &Account| {
            let above = account.parent.map(|parent| self.lineage(parent)).unwrap_or_default();
            let limited = above.into_iter().filter(|head| self.accounts[*head].shared.is_some());
            limited.collect::<Vec<_>>()
        };
        before.max_order != after.max_order
            || of_segment(before) != of_segment(after)
            || shared(before) != shared(after)
    }

    pub(super) fn upsert_segment(&mut self, c: &UpsertSegment<'static>, word: Owner) -> Result {
        if !self.segments.contains(&c.segment_id) && c.limit.is_none() && c.cap.flatten().is_none()
        {
            return refuse("SegmentNotFound");
        }
        let key = (c.segment_id, c.currency);
        let (limit, cap) = (self.defaults.get(&key), self.caps.get(&key));
        let is_other = c.limit.is_some_and(|asked| limit != Some(&asked))
            || c.cap.is_some_and(|asked| asked.map(Amount::from) != cap.copied());
        if is_other {
            self.may_set_limits(word)?;
        }
        if let Some(limit) = c.limit {
            self.defaults.insert(key, limit);
        }
        match c.cap {
            None => {}
            Some(None) => drop(self.caps.remove(&key)),
            Some(Some(cap)) => drop(self.caps.insert(key, cap.into())),
        }
        if !self.segments.contains(&c.segment_id) {
            self.segments.push(c.segment_id);
        }
        Ok(Vec::new())
    }

    pub(super) fn set_status(&mut self, c: &SetStatus<'static>) -> Result<()> {
        let Some(account) = self.accounts.get_mut(c.account_id) else {
            return refuse("AccountNotFound");
        };
        if (account.status, c.status) == (Status::Closed, Status::Suspended) {
            return refuse("AccountIsClosed");
        }
        account.status = c.status;
        Ok(())
    }
}
