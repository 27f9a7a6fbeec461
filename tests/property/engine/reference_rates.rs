//! Currencies, and what of an order counts, in the reference model: as fractions.

use super::*;

/// An exact fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fraction(pub Amount, pub Amount);

impl Fraction {
    fn of(self, amount: Amount) -> Amount {
        (amount * self.0 + self.1 - 1).div_euclid(self.1)
    }

    fn down(self, amount: Amount) -> Amount {
        (amount * self.0).div_euclid(self.1)
    }
}

/// What a policy says of open orders.
#[derive(Clone, Copy, Debug)]
pub struct ExposurePolicy {
    pub horizon_days: Option<i32>,
    pub tax_counts: bool,
    pub freight_counts: bool,
    pub excluded_percent_max: Option<Amount>,
    pub disputed_counts: bool,
}

impl Default for ExposurePolicy {
    fn default() -> ExposurePolicy {
        ExposurePolicy {
            horizon_days: None,
            tax_counts: true,
            freight_counts: true,
            excluded_percent_max: None,
            disputed_counts: true,
        }
    }
}

impl ExposurePolicy {
    /// As Finance would write it.
    pub fn text(&self) -> String {
        let horizon = self.horizon_days.map(|days| format!("horizon_days = {days}\n"));
        let (tax, freight) = (self.tax_counts, self.freight_counts);
        let most = self.excluded_percent_max.map(|most| format!("excluded_percent_max = {most}\n"));
        let (horizon, most) = (horizon.unwrap_or_default(), most.unwrap_or_default());
        let disputed = format!("disputed_counts = {}\n", self.disputed_counts);
        let rest = format!("tax_counts = {tax}\nfreight_counts = {freight}\n");
        format!("[exposure]\n{horizon}{most}{disputed}{rest}")
    }
}

/// How an order becomes what counts of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// From the order's currency to the account's.
    pub rate: Fraction,
    /// As of when that was quoted.
    pub rate_at: Micros,
    /// What is left of it without what does not count.
    pub share: Fraction,
    pub foreign: Option<Currency>,
    pub ship_date: Option<Day>,
    pub waits: bool,
    pub waited: bool,
    pub sold_to: Option<&'static str>,
}

impl Default for Worth {
    fn default() -> Worth {
        let one = Fraction(1, 1);
        Worth {
            rate: one,
            rate_at: 0,
            share: one,
            foreign: None,
            ship_date: None,
            waits: false,
            waited: false,
            sold_to: None,
        }
    }
}

impl Worth {
    /// Whether an order counts as it is.
    pub fn is_plain(&self) -> bool {
        let Worth { share: Fraction(counts, of), foreign, ship_date, sold_to, .. } = *self;
        counts == of && foreign.is_none() && ship_date.is_none() && sold_to.is_none()
    }

    pub fn full(&self, amount: Amount) -> Amount {
        self.rate.of(amount)
    }

    /// The least that the ledger may invoice for it.
    pub fn at_least(&self, amount: Amount) -> Amount {
        self.rate.down(amount)
    }

    pub fn in_time(&self, amount: Amount) -> Amount {
        self.rate.of(self.share.of(amount))
    }

    pub fn now(&self, amount: Amount) -> Amount {
        if self.waits { 0 } else { self.in_time(amount) }
    }
}

pub fn largest(most: Amount, fits: impl Fn(Amount) -> bool) -> Amount {
    let (mut low, mut high) = (0, most + 1);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

impl Order {
    /// Its own amounts.
    pub fn own(&self) -> [Amount; 4] {
        [self.open, self.captured, self.released, self.expired]
    }

    /// Grows by so much, or opens again.
    pub fn grow(&mut self, by: Amount) {
        self.open += by;
        self.counts[0] = self.worth.now(self.open);
    }

    /// Takes so much of what is open: 1, it ships; 2, it is released; 3, it expires.
    pub fn take(&mut self, amount: Amount, what: usize) {
        self.open -= amount;
        *[&mut self.captured, &mut self.released, &mut self.expired][what - 1] += amount;
        let left = self.worth.now(self.open);
        self.counts[what] += self.counts[0] - left;
        self.counts[0] = left;
    }

    /// What comes on top of what counts when so much leaves, of which `excess` was not open.
    pub fn grown_by(&self, excess: Amount, leaves: Amount) -> Amount {
        let (worth, whole) = (self.worth, self.open + excess);
        match worth.waits {
            true => worth.in_time(whole) - worth.in_time(whole - leaves),
            false => (worth.now(whole) - self.counts[0]).max(0),
        }
    }

    /// Of an order that does not count as it is, nobody keeps what each of several invoices took.
    pub fn acknowledge(&mut self, c: &CaptureOrder<'static>) {
        if !self.worth.is_plain() && self.captures.len() > 1 {
            let said = c.amount.map_or(0, Amount::from).min(self.captured);
            self.taken.insert(c.invoice_id, said);
        }
    }

    /// What leaves counts, also where it did not yet.
    pub fn ship(&mut self, amount: Amount) {
        let counted = self.worth.in_time(self.open) - self.worth.in_time(self.open - amount);
        let waits = self.worth.waits;
        self.take(amount, 1);
        self.counts[1] += if waits { counted } else { 0 };
    }
}

impl Model {
    fn rate(&self, from: Currency, to: Currency) -> Option<(Fraction, Micros)> {
        let direct = self.rates.get(&(from, to));
        let inverse = self.rates.get(&(to, from));
        match (direct, inverse) {
            (Some(direct), Some(inverse)) if inverse.1 <= direct.1 => Some(*direct),
            (_, Some((Fraction(a, b), at))) => Some((Fraction(*b, *a), *at)),
            (direct, None) => direct.copied(),
        }
    }

    fn rate_of_today(
        &self,
        from: Currency,
        to: Currency,
    ) -> std::result::Result<(Fraction, Micros), Violated> {
        let Some((rate, at)) = self.rate(from, to) else {
            return Err((FxRateUnavailable, 0, 0, None));
        };
        self.stale(at).map_or(Ok((rate, at)), Err)
    }

    fn stale(&self, at: Micros) -> Option<Violated> {
        let (age, oldest) = ((self.now - at + 3_599_999_999) / 3_600_000_000, 120);
        (age > oldest).then(|| (FxRateStale, age.into(), oldest.into(), None))
    }

    /// Why an order may not grow by the rate that it has kept.
    pub(super) fn stale_for(&self, order: &Order) -> Option<Violated> {
        order.worth.foreign.and_then(|_| self.stale(order.worth.rate_at))
    }

    pub(super) fn worth(
        &self,
        billed: &'static str,
        order: &crate::OrderOf,
    ) -> std::result::Result<Worth, Violated> {
        let own = self.accounts[billed].currency;
        let mut worth = Worth::default();
        if own != order.currency {
            (worth.rate, worth.rate_at) = self.rate_of_today(order.currency, own)?;
            worth.foreign = Some(order.currency);
        }
        let shipping = order.details.as_ref().and_then(|details| details.shipping);
        let Shipping { ship_date, .. } = shipping.unwrap_or_default();
        let all = Amount::from(order.amount);
        worth.share = Fraction(all - self.excluded(order), all);
        worth.ship_date = ship_date;
        let waits = ship_date.is_some_and(|day| !self.is_near(day));
        (worth.waits, worth.waited) = (waits, waits);
        worth.sold_to = Some(order.account_id).filter(|id| *id != billed);
        Ok(worth)
    }

    /// What does not count of an order.
    pub(super) fn excluded(&self, order: &crate::OrderOf) -> Amount {
        let shipping = order.details.as_ref().and_then(|details| details.shipping);
        let Shipping { tax, freight, .. } = shipping.unwrap_or_default();
        let (all, rules) = (Amount::from(order.amount), self.rules.exposure);
        let mut excluded = if rules.tax_counts { 0 } else { tax.into() };
        excluded += if rules.freight_counts { 0 } else { freight.into() };
        excluded.min(all * rules.excluded_percent_max.unwrap_or(100) / 100)
    }

    pub(super) fn is_near(&self, day: Day) -> bool {
        let today = Day::of(self.now);
        self.rules.exposure.horizon_days.is_none_or(|days| day.0 <= today.0 + days)
    }

    pub(super) fn count_in(&mut self) {
        let near: Vec<_> = self
            .orders
            .iter()
            .filter(|(_, o)| o.open > 0 && o.worth.waits)
            .filter(|(_, o)| o.worth.ship_date.is_none_or(|day| self.is_near(day)))
            .map(|(id, _)| *id)
            .collect();
        for id in near {
            let order = self.orders.get_mut(&id).expect("just found");
            order.worth.waits = false;
            order.grow(0);
        }
    }

    pub(super) fn upsert_rate(&mut self, c: &UpsertRate<'static>) -> Result {
        let as_of = c.as_of.unwrap_or(self.now);
        if as_of > self.now {
            return refuse("NotYet");
        }
        let (whole, fraction) = c.rate.to_string().split_once('.').map_or_else(
            || (c.rate.to_string(), String::new()),
            |(whole, fraction)| (whole.to_owned(), fraction.to_owned()),
        );
        let mantissa = format!("{whole}{fraction}").parse().expect("digits");
        let rate = Fraction(mantissa, 10_i128.pow(fraction.len() as u32));
        let known = self.rates.get(&(c.base, c.currency));
        if known.is_none_or(|(_, at)| *at <= as_of) {
            self.rates.insert((c.base, c.currency), (rate, as_of));
        }
        Ok(Vec::new())
    }

    pub(super) fn revalue(&mut self, c: &Revalue<'static>) -> Result {
        for (id, order) in self.orders.clone() {
            let own = self.accounts[order.account].currency;
            let Some(foreign) = order.worth.foreign.filter(|_| order.open > 0 && id > c.after)
            else {
                continue;
            };
            let Ok(rate) = self.rate_of_today(foreign, own) else { continue };
            let mut valued = order.clone();
            (valued.worth.rate, valued.worth.rate_at) = rate;
            valued.grow(0);
            self.orders.insert(id, valued);
            let room = self.reserved(order.account) + self.captured(order.account) <= MAX
                && self.exposure(order.account) <= MAX;
            if !room {
                self.orders.insert(id, order);
            }
        }
        Ok(Vec::new())
    }
}
