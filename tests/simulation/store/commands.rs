//! Random commands.

use creditgate_engine::command::*;
use creditgate_engine::counting::{OrderDetails, Shipping};
use creditgate_engine::entry::Request;
use creditgate_engine::model::{Findings, HoldKind, Signer, Status, TemporaryLimitKind};
use creditgate_engine::outcome::{Outcome, ReasonCode, Reserved};
use creditgate_engine::rates::Rate;
use creditgate_engine::terms::*;
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Ttl};
use creditgate_store::text;

use crate::Simulation;
use crate::common::{Random, usd};
use crate::limits;

// Few, so that commands meet each other.
const ACCOUNTS: [&str; 3] = ["acme", "bolt", "cord"];
// A circle is refused.
const PARENTS: [&str; 4] = ["", "acme", "bolt", "cord"];
const ORDERS: [&str; 4] = ["o0", "o1", "o2", "o3"];
const TERMS: [&str; 2] = ["net", "late"];
// Under one of them accounts cross bands, and some orders are referred. It leaves limits to whoever
// sets them, as they move accounts over bands: under another one most of those become proposals.
const POLICIES: [&str; 4] = [
    limits::POLICY,
    "[approvals]
     escalate_after_hours = 1
     bands = [{ roles = 'finance' }]
     [exposure]
     horizon_days = 0
     disputed_counts = false",
    "[all]
     first-order = { outcome = 'notify' }
     overdue-days = { days = 0, outcome = 'alert' }
     oldest-item = { days = 1, outcome = 'refer' }
     velocity = { orders = 3, amount = '9.00 USD', outcome = 'notify' }
     [all.utilisation]
     hysteresis = 5
     band = [{ percent = 30, outcome = 'notify' }, { percent = 60, outcome = 'alert' }]
     [segment.retail]
     utilisation = { band = [{ percent = 50, outcome = 'refer' }] }
     [channel.pos]
     maximum-order = { amount = '2.00 USD', outcome = 'refer' }
     [account.acme]
     first-order = { excluded = true }
     [approvals]
     escalate_after_hours = 1
     bands = [{ roles = 'finance', up_to = '1.50 USD' }, { roles = 'finance', signatures = 2 }]
     [exposure]
     horizon_days = 0
     tax_counts = false",
    "[limits]
     owner = 'ledger'
     [approvals]
     bands = [{ roles = 'finance' }]",
];
const INVOICES: [&str; 4] = ["i0", "i1", "i2", "i3"];

fn euro() -> Currency {
    Currency::parse("EUR").expect("three capital letters")
}

/// What few orders name.
fn details(random: &mut Random, today: Day) -> OrderDetails<'static> {
    let shipping = random.chance(2, 3).then(|| Shipping {
        ship_date: random.chance(2, 3).then(|| today.plus(random.below(6) as u16)),
        tax: random.below(50) as i64,
        freight: random.below(50) as i64,
        bill_to: random.chance(1, 3).then(|| random.pick(&ACCOUNTS)),
    });
    OrderDetails {
        contract_id: random.chance(1, 6).then_some("frame"),
        terms_id: random.chance(1, 4).then(|| random.pick(&TERMS)),
        shipping,
    }
}

fn order(
    random: &mut Random,
    today: Day,
    account_id: &'static str,
    order_id: &'static str,
    amount: i64,
) -> Order<'static> {
    let details = random.chance(1, 3).then(|| Box::new(details(random, today)));
    // Some last until their day of shipping comes near.
    let shipping = details.as_ref().and_then(|details| details.shipping);
    let ships = shipping.is_some_and(|shipping| shipping.ship_date.is_some());
    let ttl_s = if ships { 200_000 } else { 1 + random.below(50) as u32 };
    let currency = random.pick(&[usd(), usd(), usd(), usd(), usd(), usd(), euro()]);
    let ttl = Ttl { asked_s: Some(ttl_s), default_s: 30 };
    Order { account_id, order_id, amount, currency, ttl, details }
}

/// Ids that last as long as the test.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Simulation {
    fn command(&mut self) -> Command<'static> {
        self.requests += 1;
        let id = leak(format!("r{}", self.requests));
        let request = RequestKey { id, row: self.random.below(2) as u32, call: 0 };
        let (random, today) = (&mut self.random, Day::of(self.now));
        let account_id = random.pick(&ACCOUNTS);
        // Few different ones, so that payments settle invoices.
        let amount = 100 * (1 + random.below(3) as i64);
        let some = random.chance(1, 2).then_some(amount);
        // An order has its own invoice, so that captures meet ledger entries.
        let which = random.below(ORDERS.len() as u64) as usize;
        let (order_id, invoice_id) = (ORDERS[which], INVOICES[which]);
        let order = |random: &mut Random| order(random, today, account_id, order_id, amount);
        let target = Target::Order(OrderKey { account_id, order_id });
        match random.below(33) {
            32 => self.erasure(request),
            27..=28 | 30..=31 => self.case(request),
            0..=1 => self.upsert(request, account_id),
            2..=7 => {
                let (order, allow_partial) = (order(random), random.chance(1, 3));
                Command::Reserve(Reserve { request, order, allow_partial })
            }
            8 => {
                let mut orders = vec![order(random), order(random)];
                orders[1].order_id = random.pick(&ORDERS);
                Command::ReserveAll(ReserveAll { request, orders })
            }
            9..=10 => {
                let asked_s = random.chance(1, 4).then_some(30);
                let ttl = Ttl { asked_s, default_s: 30 };
                Command::Adjust(Adjust { request, target, total: amount, ttl })
            }
            11..=13 => {
                let (last, forced) = (random.chance(1, 2), random.chance(1, 3));
                let issued = random.chance(1, 4).then_some(Day(5));
                Command::Capture(CaptureOrder {
                    request,
                    target,
                    amount: some,
                    invoice_id,
                    last,
                    forced,
                    issued,
                })
            }
            14 => Command::Release(Release { request, target, amount: some }),
            15 => {
                let status = random.pick(&[Status::Active, Status::Active, Status::Suspended]);
                Command::SetStatus(SetStatus { request, account_id, status })
            }
            16 => {
                let kind = random.pick(&[LimitKind::Amount(700), LimitKind::Unlimited]);
                let limit = Limit { kind, valid_until: None };
                let currency = Currency::parse("USD").expect("three capital letters");
                let segment_id = "retail";
                let limit = random.chance(2, 3).then_some(limit);
                let cap = random.chance(2, 3).then(|| random.below(2_000) as i64);
                let cap = random.chance(1, 2).then_some(cap);
                let upsert = UpsertSegment { request, segment_id, currency, limit, cap };
                if random.chance(1, 4) {
                    return Command::SyncSegment(upsert);
                }
                Command::UpsertSegment(upsert)
            }
            17..=18 => self.conditions(request, account_id, amount),
            19..=20 => self.payment_terms(request, account_id),
            21 | 29 => self.policy(request),
            22..=23 => self.limits(request, account_id),
            24 => self.rates(request),
            _ => {
                let latest = self.latest_order().filter(|_| self.random.chance(1, 2));
                let (account_id, which) = latest.unwrap_or((account_id, which));
                self.post(account_id, which, amount, id)
            }
        }
    }

    /// Holds that soon end, so that orders still get through; limits for some days.
    fn conditions(
        &mut self,
        request: RequestKey<'static>,
        account_id: &'static str,
        amount: i64,
    ) -> Command<'static> {
        let (random, now) = (&mut self.random, self.now);
        match random.below(7) {
            5 => {
                let (hard_cap, days) = (900, 1);
                Command::SetRollingLimit(SetRollingLimit { request, account_id, hard_cap, days })
            }
            6 => Command::RemoveRollingLimit(RemoveRollingLimit { request, account_id }),
            0..=1 => {
                let kind = random.pick(&[HoldKind::Fraud, HoldKind::Bureau, HoldKind::Manual]);
                // Few different ones, so that some are placed again as they are.
                let until = Some((now / 20_000_000 + 1) * 20_000_000);
                let (hold_id, source) = (random.pick(&["h0", "h1"]), "radar");
                Command::PlaceHold(PlaceHold { request, account_id, hold_id, kind, source, until })
            }
            2 => {
                let hold_id = random.pick(&["h0", "h1"]);
                Command::LiftHold(LiftHold { request, account_id, hold_id })
            }
            3 => {
                let kinds = [TemporaryLimitKind::Override, TemporaryLimitKind::Collateral];
                let (kind, limit_id) = (random.pick(&kinds), random.pick(&["t0", "t1"]));
                let (first, last) = (None, Day(Day::of(now).0 + random.below(2) as i32));
                let limit =
                    SetTemporaryLimit { request, account_id, limit_id, kind, amount, first, last };
                Command::SetTemporaryLimit(limit)
            }
            _ => {
                let limit_id = random.pick(&["t0", "t1"]);
                let removed = RemoveTemporaryLimit { request, account_id, limit_id };
                Command::RemoveTemporaryLimit(removed)
            }
        }
    }

    fn upsert(
        &mut self,
        request: RequestKey<'static>,
        account_id: &'static str,
    ) -> Command<'static> {
        let random = &mut self.random;
        let name = leak(format!("{account_id} & Söhne {}", random.below(3)));
        let name = match random.below(3) {
            0 => None,
            1 => Some(None),
            _ => Some(Some(text::seal([random.below(256) as u8; 16], name))),
        };
        let amount = LimitKind::Amount(random.below(900) as i64);
        let kind = random.pick(&[amount, amount, amount, LimitKind::Inherit]);
        let shared = random.chance(2, 3).then(|| random.below(1_500) as i64);
        let of_ledger = random.chance(1, 3);
        let upsert = UpsertAccount {
            request,
            account_id,
            name,
            currency: Some(usd()),
            parent_id: random.chance(1, 6).then_some(random.pick(&PARENTS)),
            segment_id: random.chance(1, 4).then_some("retail"),
            limit: Some(Limit { kind, valid_until: None }),
            max_order: None,
            shared_limit: random.chance(1, 4).then_some(shared),
        };
        if of_ledger { Command::SyncAccount(upsert) } else { Command::UpsertAccount(upsert) }
    }

    fn payment_terms(
        &mut self,
        request: RequestKey<'static>,
        account_id: &'static str,
    ) -> Command<'static> {
        let random = &mut self.random;
        let (terms_id, calendar_id) = (random.pick(&TERMS), "works");
        match random.below(5) {
            0 => {
                let due = Rule::Net { days: random.below(40) as u16 };
                let spec = TermsSpec {
                    parts: vec![Part { share: WHOLE, due: due.clone() }],
                    discounts: vec![Discount { percent: 200, until: due }],
                    discount_grace_days: 0,
                    grace_days: random.below(3) as u16,
                    roll: Roll::Next,
                };
                let calendar_id = random.chance(1, 2).then_some(calendar_id);
                Command::UpsertTerms(UpsertTerms { request, terms_id, calendar_id, spec })
            }
            1 => {
                let holidays = vec![Day(random.below(30) as i32)];
                let spec = CalendarSpec {
                    weekend: 0b110_0000,
                    from: Day(0),
                    until: Day(30),
                    holidays,
                    workdays: vec![],
                };
                Command::UpsertCalendar(UpsertCalendar { request, calendar_id, spec })
            }
            _ => {
                let contract = TermsScope::Contract { account_id, contract_id: "frame" };
                let scope = random.pick(&[
                    contract,
                    TermsScope::Account(account_id),
                    TermsScope::Segment("retail"),
                ]);
                let terms_id = random.chance(3, 4).then_some(terms_id);
                Command::AssignTerms(AssignTerms { request, scope, terms_id })
            }
        }
    }

    fn rates(&mut self, request: RequestKey<'static>) -> Command<'static> {
        if self.random.chance(1, 3) {
            return Command::Revalue(Revalue { request, after: 0 });
        }
        let rate = Rate::parse(self.random.pick(&["1.25", "0.8", "1.0825"]));
        let rate = rate.expect("a decimal");
        let (base, currency, source, as_of) = (euro(), usd(), "ecb", None);
        Command::UpsertRate(UpsertRate { request, base, currency, rate, source, as_of })
    }

    /// Of what is activated a part is not there, or was put by the same caller.
    fn policy(&mut self, request: RequestKey<'static>) -> Command<'static> {
        let versions = self.acknowledged.iter().filter_map(|(_, answer)| match answer.outcome {
            Outcome::Policy(version) => Some(version),
            _ => None,
        });
        let latest = versions.fold(1, u64::max);
        let random = &mut self.random;
        let version = 2 + random.below(latest);
        match random.below(6) {
            0..=2 => Command::ActivatePolicy(ActivatePolicy { request, version }),
            3 => {
                let version = random.chance(2, 3).then_some(version);
                Command::ShadowPolicy(ShadowPolicy { request, version })
            }
            _ => Command::PutPolicy(PutPolicy { request, text: random.pick(&POLICIES) }),
        }
    }

    /// What was reserved last: the account, and which of the orders.
    fn latest_order(&self) -> Option<(&'static str, usize)> {
        self.acknowledged.iter().rev().find_map(|(asked, answer)| {
            let Outcome::Reserved(Reserved { reservation: Some(_), .. }) = answer.outcome else {
                return None;
            };
            let Command::Reserve(Reserve { order, .. }) = &asked.command else { return None };
            let which = ORDERS.iter().position(|id| *id == order.order_id)?;
            Some((order.account_id, which))
        })
    }

    /// Reasons of entries about no account: whether they are there decides nothing.
    fn erasure(&mut self, request: RequestKey<'static>) -> Command<'static> {
        let is_of_none = |command: &Command<'_>| {
            command.accounts().is_empty() && !matches!(command, Command::ReviewCase(_))
        };
        let of_none = self.acknowledged.iter().filter(|(asked, _)| is_of_none(&asked.command));
        let named: Vec<_> = of_none.map(|(_, answer)| answer.seq).collect();
        let named = named[named.len().saturating_sub(5)..].to_vec();
        if named.is_empty() {
            return self.rates(request);
        }
        let entries = named.clone();
        Command::EraseTexts(EraseTexts { request, account_id: "", entries, named })
    }

    /// Something about a case that an answer has named.
    fn case(&mut self, request: RequestKey<'static>) -> Command<'static> {
        let cases = self.acknowledged.iter().filter_map(|(_, answer)| match &answer.outcome {
            Outcome::Reserved(reserved) => Some((reserved.case?, &reserved.verdict.reasons)),
            _ => None,
        });
        let latest: Vec<_> = cases.collect();
        let random = &mut self.random;
        if random.chance(1, 8) {
            let during = random.chance(2, 3).then_some((0, self.now + 9_000_000));
            let (to, role, from) = ("mate", Some(Signer::Finance), None);
            return Command::Delegate(Delegate { request, to, role, during, from });
        }
        let back = random.below(2) as usize;
        // Mostly what its order was referred for.
        let (case, waived) = match latest.into_iter().rev().nth(back) {
            Some((case, reasons)) if random.chance(3, 4) => {
                (case, reasons.iter().map(|reason| reason.code).collect())
            }
            Some((case, _)) => (case, vec![ReasonCode::UtilisationReached]),
            None => (1, vec![ReasonCode::TermsUpgraded]),
        };
        let (amount, until, on_behalf_of, revision) = (None, None, None, None);
        let approve = Approve { waived, amount, until, on_behalf_of, revision };
        let act = match random.below(14) {
            0 => Act::Claim { take_over: true },
            1 => Act::Reject,
            2 => Act::Escalate,
            3 => Act::Comment { priority: Some(3) },
            _ => Act::Approve(approve),
        };
        Command::ReviewCase(ReviewCase { request, case, role: Some(Signer::Finance), act })
    }

    fn post(
        &mut self,
        account_id: &'static str,
        which: usize,
        amount: i64,
        entry_id: &'static str,
    ) -> Command<'static> {
        let random = &mut self.random;
        let invoice_id = INVOICES[which];
        let kind = random.pick(&[EntryKind::Invoice, EntryKind::Payment, EntryKind::Adjustment]);
        let paid = kind == EntryKind::Payment && random.chance(2, 3);
        Command::Post(Post {
            source: "erp",
            entry_id,
            position: self.requests,
            account_id,
            kind,
            amount,
            currency: usd(),
            invoice_id: (kind != EntryKind::Payment).then_some(invoice_id),
            order_id: random.chance(3, 4).then_some(ORDERS[which]),
            issued: None,
            due: None,
            allocations: if paid { vec![(invoice_id, amount)] } else { Vec::new() },
        })
    }

    fn dispute(&self) -> Post<'static> {
        let which = self.requests as usize;
        Post {
            source: "erp",
            entry_id: leak(format!("d{which}")),
            position: self.requests,
            account_id: ACCOUNTS[which % 2],
            kind: EntryKind::Dispute,
            amount: (which % 3 * 80) as i64,
            currency: usd(),
            invoice_id: Some(INVOICES[which % INVOICES.len()]),
            order_id: None,
            issued: None,
            due: None,
            allocations: Vec::new(),
        }
    }

    fn reconciliation(&self, source: &'static str) -> RecordReconciliation<'static> {
        let name = leak(format!("reconciliation {}", self.requests));
        let request = RequestKey { id: name, row: 0, call: 0 };
        let found = Findings { position: self.requests, accounts: 2, ..Findings::default() };
        RecordReconciliation { request, source, found }
    }

    /// What the ledger's loader says between other requests: by no die, so that each seed goes on
    /// finding what it found.
    pub fn between(&self) -> Option<Request<'static>> {
        let source = if self.requests.is_multiple_of(2) { "erp" } else { "pay" };
        let command = match self.requests % 13 {
            0 => Command::MoveSource(MoveSource { source, position: self.requests }),
            4 => Command::Post(self.dispute()),
            8 => Command::RecordReconciliation(self.reconciliation(source)),
            _ => return None,
        };
        Some(Request { command, actor: "sim", channel: "", reason: None })
    }

    /// Adjustments that are proposed, and decided by somebody else or their proposer: likewise.
    pub fn adjustments(&self) -> Option<Request<'static>> {
        let step = self.requests % 26;
        let name = &*format!("adjustments {}", self.requests).leak();
        let request = RequestKey { id: name, row: 0, call: 0 };
        let (digest, count) = ([9; 32], 1);
        let proposed = self.acknowledged.iter().rev().find_map(|(asked, answer)| {
            matches!(asked.command, Command::ProposeAdjustments(_)).then_some(answer.seq)
        });
        let command = match (step, proposed) {
            (0..=2, _) => {
                let proposed = ProposeAdjustments { request, source: "repair", digest, count };
                Command::ProposeAdjustments(proposed)
            }
            (13..=15, Some(adjustments)) => {
                let approved = (step < 15).then_some(digest);
                Command::CloseAdjustments(CloseAdjustments { request, adjustments, approved })
            }
            _ => return None,
        };
        let actor = if step == 13 { "sim" } else { "other" };
        Some(Request { command, actor, channel: "", reason: None })
    }

    pub fn request(&mut self) -> Request<'static> {
        let command = self.command();
        let reason = self.random.chance(1, 4).then(|| text::seal([4; 16], "because"));
        let actor = self.random.pick(&["sim", "other"]);
        Request { command, actor, channel: self.random.pick(&["web", "pos"]), reason }
    }
}
