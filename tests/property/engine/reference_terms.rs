//! The rest of the reference model: payment terms, day by day. All of its rules are net days.

use creditgate_engine::terms::*;

use super::*;

impl Model {
    pub(super) fn upsert_terms(&mut self, c: &UpsertTerms<'static>) -> Result {
        if c.calendar_id.is_some() && (c.calendar_id != Some("k") || self.calendar.is_none()) {
            return refuse("CalendarNotFound");
        }
        self.terms.insert(c.terms_id, c.clone());
        Ok(Vec::new())
    }

    pub(super) fn upsert_calendar(&mut self, c: &UpsertCalendar<'static>) -> Vec<Answer> {
        self.calendar = Some(c.spec.clone());
        Vec::new()
    }

    pub(super) fn assign_terms(&mut self, c: &AssignTerms<'static>) -> Result {
        let known = |id: &str| self.accounts.contains_key(id);
        match c.scope {
            TermsScope::Segment(id) if !self.segments.contains(&id) => {
                return refuse("SegmentNotFound");
            }
            TermsScope::Account(id) | TermsScope::Contract { account_id: id, .. } if !known(id) => {
                return refuse("AccountNotFound");
            }
            _ => {}
        }
        if c.terms_id.is_some_and(|id| !self.terms.contains_key(id)) {
            return refuse("TermsNotFound");
        }
        let scope = format!("{:?}", c.scope);
        match c.terms_id {
            None => drop(self.assigned.remove(&scope)),
            Some(id) => drop(self.assigned.insert(scope, id)),
        }
        Ok(Vec::new())
    }

    fn own_terms(
        &self,
        account_id: &'static str,
        contract_id: Option<&'static str>,
    ) -> Option<(&UpsertTerms<'static>, Source)> {
        let scopes = [
            contract_id.map(|contract_id| {
                (TermsScope::Contract { account_id, contract_id }, Source::Contract)
            }),
            Some((TermsScope::Account(account_id), Source::Account)),
            self.accounts[account_id].segment.map(|id| (TermsScope::Segment(id), Source::Segment)),
        ];
        scopes.into_iter().flatten().find_map(|(scope, source)| {
            Some((&self.terms[self.assigned.get(&format!("{scope:?}"))?], source))
        })
    }

    /// The day so many after `base`, or where it moves; and whether holidays were known.
    fn date(&self, terms: &UpsertTerms<'_>, base: Day, rule: &Rule) -> (Day, bool) {
        let Rule::Net { days } = rule else { panic!("{rule:?}") };
        let day = base.0 + i32::from(*days);
        let Some(calendar) = self.calendar.as_ref().filter(|_| terms.calendar_id.is_some()) else {
            return (Day(day), true);
        };
        let is_worked = |day: i32| {
            let weekday = (day + 3).rem_euclid(7);
            calendar.weekend & (1 << weekday) == 0 && !calendar.holidays.contains(&Day(day))
        };
        let next = || (day..).find(|day| is_worked(*day)).expect("a day of each week is worked");
        let found = match terms.spec.roll {
            Roll::Keep => return (Day(day), true),
            Roll::Next => next(),
            Roll::Previous => (base.0..=day).rev().find(|day| is_worked(*day)).unwrap_or_else(next),
        };
        let known = calendar.from.0..=calendar.until.0;
        (Day(found), known.contains(&day) && known.contains(&found))
    }

    fn plan(&self, terms: &UpsertTerms<'_>, issued: Day, amount: Amount) -> Plan {
        let spec = &terms.spec;
        let dates = |rule: &Rule| self.date(terms, issued, rule);
        let first = amount * Amount::from(spec.parts[0].share) / 10_000;
        let amounts =
            if spec.parts.len() == 1 { vec![amount] } else { vec![first, amount - first] };
        let instalments: Vec<_> = spec
            .parts
            .iter()
            .zip(amounts)
            .map(|(part, amount)| Instalment { due: dates(&part.due).0, amount: amount as i64 })
            .collect();
        let offer = |discount: &Discount| {
            let until = dates(&discount.until).0;
            let granted_until = Day(until.0 + i32::from(spec.discount_grace_days));
            let doubled = 2 * amount * Amount::from(discount.percent) + 10_000;
            let amount = (doubled / 20_000) as i64;
            Offer { percent: discount.percent, until, granted_until, amount }
        };
        let rules = spec.parts.iter().map(|part| &part.due);
        let mut rules = rules.chain(spec.discounts.iter().map(|discount| &discount.until));
        Plan {
            terms_id: terms.terms_id.into(),
            issued,
            due: instalments.iter().map(|part| part.due).max().expect("there is a part"),
            grace_days: spec.grace_days,
            instalments,
            offers: spec.discounts.iter().map(offer).collect(),
            beyond_calendar: !rules.all(|rule| dates(rule).1),
        }
    }

    fn terms_for(
        &self,
        account: &'static str,
        asked: Option<AskedTerms<'static>>,
    ) -> Option<(&UpsertTerms<'static>, Source)> {
        let named = asked.and_then(|asked| asked.terms_id);
        let contract_id = asked.and_then(|asked| asked.contract_id);
        let named = named.map(|id| (&self.terms[id], Source::Order));
        named.or_else(|| self.own_terms(account, contract_id))
    }

    /// The plan of what an invoice takes of an order, unless the invoice has another due date.
    pub(super) fn invoiced(
        &self,
        order: &Order,
        amount: Amount,
        day: Day,
        due: Option<Day>,
    ) -> Option<Invoiced> {
        let (terms, source) = self.terms_for(order.account, order.asked)?;
        let plan = self.plan(terms, day, amount);
        let stands = amount > 0 && due.is_none_or(|due| due == plan.due);
        stands.then_some(Invoiced { source, plan })
    }

    /// Due date and grace of an invoice that the ledger posts.
    pub(super) fn posted_dates(&self, c: &Post<'static>, before: &Invoice) -> (Option<Day>, u16) {
        let order = c.order_id.and_then(|id| self.latest(c.account_id, id));
        let asked = order.and_then(|id| self.orders[&id].asked);
        let Some((terms, _)) = self.terms_for(c.account_id, asked) else { return (c.due, 0) };
        if before.due.is_some() || c.amount < 0 {
            return (c.due, 0);
        }
        let today = Day::of(self.now);
        let day = match c.kind {
            EntryKind::Invoice => Some(c.issued.or(before.issued).unwrap_or(today)),
            _ => c.issued.or(before.issued),
        };
        let due = c.due.or_else(|| day.map(|day| self.plan(terms, day, 1).due));
        (due, terms.spec.grace_days)
    }

    /// Adds to what stands in the way of an order, or of what it grows by, that its terms are
    /// better on any of these days than its own.
    pub(super) fn compare_terms(
        &self,
        account: &'static str,
        asked: Option<AskedTerms<'static>>,
        first: Day,
        days: i32,
        answer: &mut Answer,
    ) {
        let Some(AskedTerms { contract_id, terms_id: Some(terms_id) }) = asked else { return };
        let upgrade = |day| self.upgrade(account, contract_id, &self.terms[terms_id], Day(day));
        let found = (first.0..first.0 + days).find_map(upgrade);
        let reason = |(asked, own): (Day, Day)| (TermsUpgraded, asked.0.into(), own.0.into(), None);
        answer.reasons.extend(found.map(reason));
    }

    /// Whether what an order names of terms is there.
    pub(super) fn know_terms(
        &self,
        account: &'static str,
        asked: Option<AskedTerms<'static>>,
    ) -> Result<()> {
        let Some(AskedTerms { contract_id, terms_id }) = asked else { return Ok(()) };
        if let Some(contract_id) = contract_id {
            let scope = TermsScope::Contract { account_id: account, contract_id };
            if !self.assigned.contains_key(&format!("{scope:?}")) {
                return refuse("ContractNotFound");
            }
        }
        match terms_id {
            Some(id) if !self.terms.contains_key(id) => refuse("TermsNotFound"),
            _ => Ok(()),
        }
    }

    /// The due dates of the terms asked for and of its own, for an invoice of this day, where the
    /// former are better: on some day less is due, or more is taken off, or it is overdue later.
    fn upgrade(
        &self,
        account: &'static str,
        contract_id: Option<&'static str>,
        asked: &UpsertTerms<'static>,
        today: Day,
    ) -> Option<(Day, Day)> {
        let own = self.own_terms(account, contract_id);
        let plans = [Some(asked), own.map(|(own, _)| own)]
            .map(|terms| terms.map(|terms| self.plan(terms, today, 10_000)));
        let due = |plan: &Option<Plan>, day: Day| match plan {
            None => 10_000,
            Some(plan) => {
                plan.instalments.iter().filter(|part| part.due <= day).map(|part| part.amount).sum()
            }
        };
        let off = |plan: &Option<Plan>, day: Day| {
            let all = plan.iter().flat_map(|plan| &plan.offers);
            all.filter(|offer| day <= offer.granted_until).map(|offer| offer.percent).max()
        };
        let [mine, theirs] = [&plans[0], &plans[1]];
        let in_time = |plan: &Option<Plan>| {
            plan.as_ref().map_or(today.0, |plan| plan.due.0 + i32::from(plan.grace_days))
        };
        let better = (today.0..today.0 + 200)
            .map(Day)
            .any(|day| due(mine, day) < due(theirs, day) || off(mine, day) > off(theirs, day));
        let last = |plan: &Option<Plan>| plan.as_ref().map_or(today, |plan| plan.due);
        (better || in_time(mine) > in_time(theirs)).then(|| (last(mine), last(theirs)))
    }
}
