//! The rest of the reference model: what becomes of an order, and of an invoice.

use super::*;

/// A source that does not move is noted as heard so often.
const MINUTE: Micros = 60_000_000;

impl Model {
    /// Notes which of an account's orders have closed and which of its invoices are settled.
    fn settle(&mut self) {
        let since = |done: bool, since: Micros, now| match (done, since) {
            (false, _) => 0,
            (true, 0) => now,
            (true, since) => since,
        };
        for order in self.orders.values_mut() {
            order.closed_at = since(order.open == 0, order.closed_at, self.now);
        }
        for invoice in self.invoices.values_mut() {
            let settled = invoice.open == 0 && invoice.captured == 0;
            invoice.settled_at = since(settled, invoice.settled_at, self.now);
        }
    }

    fn answer(&mut self, id: u64, amount: Amount) -> Answer {
        self.settle();
        Answer {
            decision: Approved,
            reasons: Vec::new(),
            fitting: None,
            available: None,
            bound_by: None,
            amount,
            breach: false,
            invoiced: None,
            order: Some(self.orders[&id].clone()),
        }
    }

    fn declined(&self, id: u64, mut answer: Answer) -> Answer {
        self.tolerated_part(self.orders[&id].account, None, &mut answer);
        Answer { amount: 0, order: Some(self.orders[&id].clone()), ..answer }
    }

    /// Who is billed for an order.
    fn billed(&self, order: &crate::OrderOf) -> Result<&'static str> {
        if !self.accounts.contains_key(order.account_id) {
            return refuse("AccountNotFound");
        }
        let billed = billed(order);
        if !self.accounts.contains_key(billed) {
            return refuse("BillToNotFound");
        }
        Ok(billed)
    }

    pub(super) fn reserve(&mut self, order: &crate::OrderOf, partial: bool) -> Result<Answer> {
        let billed = self.billed(order)?;
        let latest = self.latest(billed, order.order_id);
        if let Some(held) = latest.filter(|id| self.orders[id].open > 0) {
            let before = self.reserved_before(order, held);
            return before.map_or_else(|| refuse("OrderAlreadyReserved"), Ok);
        }
        let signed = self.waiver_for(order).is_some();
        let mut answer = self.judge(order, partial, 0)?;
        self.after_order(order, &mut answer, signed);
        Ok(answer)
    }

    /// An item of a batch, which opens no case and asks for nothing that was signed.
    fn reserve_item(&mut self, order: &crate::OrderOf, item: usize) -> Result<Answer> {
        let billed = self.billed(order)?;
        let latest = self.latest(billed, order.order_id);
        if let Some(held) = latest.filter(|id| self.orders[id].open > 0) {
            let before = self.reserved_before(order, held);
            return before.map_or_else(|| refuse("OrderAlreadyReserved"), Ok);
        }
        let waives = std::mem::take(&mut self.cases);
        let answer = self.judge(order, false, item);
        self.cases = waives;
        let mut answer = answer?;
        if answer.decision == Approved {
            self.after_order(order, &mut answer, false);
        }
        Ok(answer)
    }

    /// Decides an order that may be placed, under what was signed for it.
    pub(super) fn judge(
        &mut self,
        order: &crate::OrderOf,
        partial: bool,
        item: usize,
    ) -> Result<Answer> {
        let (billed, asked) = (self.billed(order)?, order.terms());
        let waiver = self.waiver_for(order);
        self.know_terms(billed, asked)?;
        let worth = self.worth(billed, order);
        let mut answer = self.ask_for(billed, order, worth.as_ref().copied());
        // Nobody would be asked about a part of what is left to a person.
        let mut blocking = answer.reasons.iter().filter(|reason| self.blocks(reason));
        let divides = partial && waiver.is_none() && blocking.all(|one| self.declines(one));
        if let Some(waiver) = waiver {
            self.under(&waiver, order.amount.into(), &mut answer);
        }
        if let Some(part) = answer.fitting.filter(|part| divides && *part > 0) {
            (answer.decision, answer.amount) = (PartiallyApproved, part);
        }
        if answer.amount < order.amount.into() {
            let worth = worth.as_ref().ok().filter(|_| answer.amount > 0);
            let part = worth.map(|worth| worth.now(answer.amount));
            self.tolerated_part(billed, part, &mut answer);
        }
        if answer.amount > 0 {
            let worth = worth.expect("it was valued");
            let mut made = Order {
                account: billed,
                order_id: order.order_id,
                created_at: self.now,
                expires_at: self.holds_until(&worth, order.ttl),
                asked,
                channel: self.channel,
                worth,
                ..Order::default()
            };
            made.grow(answer.amount);
            self.orders.insert(reservation_id(self.seq, item), made);
            self.in_range(billed)?;
        }
        (answer.available, answer.bound_by) = self.room(billed);
        Ok(answer)
    }

    /// What waits does not lapse before its day, unless it says when.
    fn holds_until(&self, worth: &Worth, ttl: Ttl) -> Micros {
        let ships = worth.ship_date.filter(|_| worth.waits && ttl.asked_s.is_none());
        let from = ships.map_or(self.now, |day| day.begins().max(self.now));
        let end = from + Micros::from(ttl.seconds()) * 1_000_000;
        end.min(self.now + 366 * 86_400_000_000)
    }

    pub(super) fn reserve_all(&mut self, orders: &[crate::OrderOf]) -> Result {
        let before = self.clone();
        let mut seen = Vec::new();
        let mut answers = Vec::new();
        for (index, order) in orders.iter().enumerate() {
            let key = (billed(order), order.order_id);
            let in_item = |kind| format!("items[{index}] {kind}");
            let result = self.reserve_item(order, index);
            let of_account = ["AccountNotFound", "BillToNotFound"];
            let placed = !result.as_ref().is_err_and(|kind| of_account.contains(&&**kind));
            if placed && seen.contains(&key) {
                return Err(in_item("OrderAlreadyReserved".to_owned()));
            }
            let answer = result.map_err(in_item)?;
            seen.push(key);
            answers.push(answer);
        }
        if let Some(misfit) = answers.iter().position(|answer| answer.decision != Approved) {
            *self = before;
            for (answer, order) in answers.iter_mut().zip(orders) {
                if answer.decision == Approved {
                    answer.reasons.retain(|(code, ..)| *code != LimitTolerated);
                    answer.reasons.push((BatchNotApproved, misfit as Amount, 0, None));
                    answer.decision = Declined;
                }
                answer.amount = 0;
                (answer.available, answer.bound_by) = self.room(billed(order));
            }
        }
        Ok(answers)
    }

    pub(super) fn adjust(&mut self, c: &Adjust<'static>) -> Result<Answer> {
        let id = self.target(c.target)?;
        let mut order = self.orders[&id].clone();
        let total = Amount::from(c.total);
        if total < order.captured {
            return refuse("BelowCaptured");
        }
        let growth = total - order.captured - order.open;
        let mut notices = Vec::new();
        if growth > 0 {
            if self.latest(order.account, order.order_id) != Some(id) {
                return refuse("OrderAlreadyReserved");
            }
            order.worth.waits &= !order.worth.ship_date.is_none_or(|day| self.is_near(day));
            let counted = order.worth.now(order.open + growth) - order.counts[0];
            let today = Day::of(self.now);
            let total = order.worth.full(total);
            let (mut answer, _) = self.ask_more(&order, counted, total, today, 31);
            if order.worth.waits {
                count_nothing(&mut answer);
            }
            answer.reasons.extend(self.stale_for(&order));
            let (_, room) = self.hold_to_limits(order.account, counted, 0);
            let answer = self.concluded(answer, counted, room);
            if answer.decision != Approved {
                let (more, waits) = ((order.open, order.counts[0], growth), order.worth.waits);
                return Ok(self.declined(id, fitting_part(&order, more, waits, answer)));
            }
            notices = answer.reasons;
        }
        let now = self.now;
        let expires_at = self.holds_until(&order.worth, c.ttl);
        let changed = self.orders.get_mut(&id).expect("found above");
        if growth > 0 {
            changed.worth.waits = order.worth.waits;
            changed.grow(growth);
        } else {
            changed.take(-growth, 2);
        }
        if c.ttl.asked_s.is_some() || (growth > 0 && order.expires_at <= now) {
            changed.expires_at = expires_at;
        }
        if growth > 0 {
            changed.closed_at = 0;
            self.in_range(order.account)?;
            self.use_case(order.account, order.order_id, id, false);
        }
        Ok(Answer { reasons: notices, ..self.answer(id, 0) })
    }

    pub(super) fn release(&mut self, c: &Release<'static>) -> Result<Answer> {
        if let Some(withdrawn) = self.withdraw(c) {
            return Ok(withdrawn);
        }
        let id = self.target(c.target)?;
        let order = self.orders.get_mut(&id).expect("found above");
        let amount = c.amount.map_or(order.open, Amount::from);
        if amount > order.open {
            return refuse("ReleaseExceedsOpen");
        }
        order.take(amount, 2);
        Ok(self.answer(id, amount))
    }

    /// The order that is captured, and its id.
    fn captured_order(&self, c: &CaptureOrder<'static>) -> Result<(u64, Order)> {
        match (self.target(c.target), c.target) {
            (Ok(id), _) => Ok((id, self.orders[&id].clone())),
            // By force also what nobody reserved.
            (Err(kind), Target::Order(key))
                if kind == "ReservationNotFound" && c.forced && c.amount.is_some() =>
            {
                let now = self.now;
                let OrderKey { account_id: account, order_id } = key;
                let order = Order {
                    account,
                    order_id,
                    created_at: now,
                    expires_at: now,
                    channel: self.channel,
                    ..Order::default()
                };
                Ok((reservation_id(self.seq, 0), order))
            }
            (Err(kind), _) => Err(kind),
        }
    }

    fn date_invoice(&mut self, key: (&'static str, &'static str), invoiced: Option<&Invoiced>) {
        let Some(Invoiced { plan, .. }) = invoiced else { return };
        let invoice = self.invoices.get_mut(&key).expect("captured");
        (invoice.issued, invoice.due) = (Some(plan.issued), Some(plan.due));
        invoice.grace_days = plan.grace_days;
    }

    /// Lets an order grow by what leaves of it beyond what was open, or did not count.
    fn grow(&mut self, id: u64, order: &mut Order, excess: Amount, counted: Amount) -> Result<()> {
        order.grow(excess);
        let mut grown = order.clone();
        grown.counts[0] = grown.counts[0].max(counted);
        self.orders.insert(id, grown);
        order.closed_at = 0;
        self.in_range(order.account)
    }

    pub(super) fn capture(&mut self, c: &CaptureOrder<'static>) -> Result<Answer> {
        let today = Day::of(self.now);
        if c.issued.is_some_and(|day| (day.0 - today.0).abs() > 366) {
            return refuse("InvoiceDateFar");
        }
        let (id, mut order) = self.captured_order(c)?;
        let unreserved = !self.orders.contains_key(&id);
        let account = order.account;
        let asked = c.amount.map_or(order.open, Amount::from);
        let before = self.invoices.get(&(account, c.invoice_id)).cloned().unwrap_or_default();
        let (posted, day) = (before.posted, before.issued.or(c.issued).unwrap_or(today));
        let mut judged = None;
        let (mut captured, mut grown) = (0, false);
        match order.captures.insert(c.invoice_id, false) {
            Some(false) => return refuse("InvoiceAlreadyCaptured"),
            // The ledger's invoice has moved it.
            Some(true) => order.acknowledge(c),
            // The ledger's invoice counts already: the order holds that much less.
            None if posted && unreserved => {
                grown = true;
                order.grow(asked);
                order.taken.insert(c.invoice_id, asked);
                self.orders.insert(id, order.clone());
                self.in_range(account)?;
                order.take(asked, 1);
            }
            None if posted => {
                let part = asked.min(order.open);
                order.taken.insert(c.invoice_id, part);
                order.take(part, 1);
            }
            None if asked == 0 => return refuse("NothingOpen"),
            None => {
                let excess = (asked - order.open).max(0);
                let counted = order.grown_by(excess, asked);
                judged = self.ask_to_ship(&order, asked, day);
                if let Some(answer) = &judged
                    && answer.decision != Approved
                    && !c.forced
                {
                    return Ok(self.declined(id, answer.clone()));
                }
                grown = excess > 0 || counted > 0;
                if grown {
                    self.grow(id, &mut order, excess, counted)?;
                }
                let before = order.counts[1];
                order.ship(asked);
                captured = asked;
                self.billed.insert(account);
                order.taken.insert(c.invoice_id, asked);
                let heard = self.now;
                let new = || Invoice { heard, ..Invoice::default() };
                let invoice = self.invoices.entry((account, c.invoice_id)).or_insert_with(new);
                invoice.captured += order.counts[1] - before;
            }
        }
        if c.last {
            order.take(order.open, 2);
        }
        self.orders.insert(id, order.clone());
        if grown {
            self.use_case(account, order.order_id, id, false);
        }
        let taken = order.taken.get(c.invoice_id).copied().unwrap_or_default();
        let invoiced = self.invoiced(&order, taken, day, before.due);
        // What an earlier capture found stays.
        if captured > 0 && before.due.is_none() {
            self.date_invoice((account, c.invoice_id), invoiced.as_ref());
        }
        let answer = Answer { invoiced, ..self.answer(id, captured) };
        Ok(match judged {
            None => answer,
            Some(Answer { decision: Approved, reasons, .. }) => Answer { reasons, ..answer },
            Some(Answer { reasons, fitting, .. }) => {
                Answer { reasons, fitting, breach: true, ..answer }
            }
        })
    }

    pub(super) fn post(&mut self, c: &Post<'static>) -> Result<()> {
        let Some(account) = self.accounts.get_mut(c.account_id) else {
            return refuse("AccountNotFound");
        };
        if account.currency != c.currency {
            return refuse("CurrencyMismatch");
        }
        let amount = Amount::from(c.amount);
        let heard = self.now;
        let new = || Invoice { heard, ..Invoice::default() };
        match (c.kind, c.invoice_id) {
            (EntryKind::Payment | EntryKind::CreditMemo, _) => {
                let allocated: Amount = c.allocations.iter().map(|(_, part)| *part as Amount).sum();
                account.unallocated -= amount - allocated;
                for (invoice_id, part) in &c.allocations {
                    let key = (c.account_id, *invoice_id);
                    self.invoices.entry(key).or_insert_with(new).open -= Amount::from(*part);
                }
            }
            (_, None) => account.unallocated += amount,
            (EntryKind::Dispute, Some(invoice_id)) => {
                let key = (c.account_id, invoice_id);
                let known = self.invoices.get(&key).map_or(0, |invoice| invoice.disputed);
                if amount != known {
                    self.invoices.entry(key).or_insert_with(new).disputed = amount;
                }
            }
            (EntryKind::Adjustment, Some(invoice_id)) => {
                self.invoices.entry((c.account_id, invoice_id)).or_insert_with(new).open += amount;
            }
            (kind, Some(invoice_id)) => {
                let key = (c.account_id, invoice_id);
                let before = self.invoices.entry(key).or_insert_with(new).clone();
                if before.posted {
                    return refuse("InvoiceAlreadyPosted");
                }
                let (due, grace_days) = self.posted_dates(c, &before);
                let invoice = self.invoices.get_mut(&key).expect("just put");
                invoice.issued = c.issued.or(before.issued);
                invoice.due = due.or(before.due);
                invoice.grace_days = before.grace_days.max(grace_days);
                invoice.posted = true;
                self.billed.insert(c.account_id);
                invoice.open += amount;
                let claimed = invoice.captured;
                if kind == EntryKind::Invoice {
                    invoice.captured = 0;
                }
                if kind == EntryKind::Invoice && claimed == 0 {
                    self.bill(c.account_id, c.order_id, invoice_id, amount);
                }
            }
        }
        self.settle();
        self.hear(c.source, c.position);
        self.in_range(c.account_id)
    }

    pub(super) fn hear(&mut self, source: &'static str, position: u64) -> Vec<Answer> {
        let now = self.now;
        let (reached, heard_at) = self.sources.entry(source).or_insert((0, now - MINUTE));
        if position > *reached || now - *heard_at >= MINUTE {
            (*reached, *heard_at) = (position.max(*reached), now);
        }
        vec![]
    }

    /// Moves what the order still reserves: its invoice came before its capture.
    fn bill(
        &mut self,
        account: &str,
        order_id: Option<&str>,
        invoice_id: &'static str,
        invoiced: Amount,
    ) {
        let Some(id) = order_id.and_then(|id| self.latest(account, id)) else { return };
        let order = self.orders.get_mut(&id).expect("just found");
        if order.open > 0 {
            let worth = order.worth;
            let part = largest(order.open, |part| worth.at_least(part) <= invoiced);
            order.take(part, 1);
            order.captures.insert(invoice_id, true);
            order.taken.insert(invoice_id, part);
        }
    }

    pub(super) fn housekeep(&mut self, c: &Housekeep) -> Vec<Answer> {
        self.keep_cases(c);
        let stale = |count: usize, (place, since): (usize, Micros)| {
            since < c.closed_before || place as u64 + c.closed_count_max < count as u64
        };
        let mut closed: Vec<_> = self
            .orders
            .iter()
            .filter(|(_, o)| o.open == 0)
            .map(|(id, o)| (o.closed_at, *id))
            .collect();
        closed.sort_unstable();
        for (place, (since, id)) in closed.iter().enumerate() {
            if stale(closed.len(), (place, *since)) {
                self.orders.remove(id);
            }
        }
        let slot = |account: &str| self.opened.iter().position(|id| *id == account);
        let mut settled: Vec<_> = self
            .invoices
            .iter()
            .filter(|(_, invoice)| invoice.settled_at != 0)
            .map(|(key, invoice)| (invoice.settled_at, slot(key.0), *key))
            .collect();
        settled.sort_unstable();
        for (place, (since, _, key)) in settled.iter().enumerate() {
            if stale(settled.len(), (place, *since)) {
                self.invoices.remove(key);
            }
        }
        for order in self.orders.values_mut().filter(|o| o.open > 0 && o.expires_at <= self.now) {
            order.take(order.open, 3);
        }
        self.count_in();
        self.settle();
        Vec::new()
    }
}
