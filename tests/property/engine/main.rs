//! Random commands against a reference model, and what must hold after every one of them.

mod checks;
mod commands;
mod reference;

use std::collections::BTreeMap;

use creditgate_engine::apply::apply;
use creditgate_engine::command::*;
use creditgate_engine::decide::{confine, decide};
use creditgate_engine::entry::{Entry, Request};
use creditgate_engine::error::Refusal;
use creditgate_engine::event::Event;
use creditgate_engine::outcome::{Changed, Outcome, Reserved, Verdict};
use creditgate_engine::state::{AccountRows, Dump, Group, Restore, State};
use creditgate_engine::values::{Currency, Day, Micros};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use checks::{assert_check, assert_verdicts};
use commands::{Step, opening, rules, steps};
use reference::cases::POLICY;
use reference::{Answer, Model, Rules};

const DAY: Micros = 86_400_000_000;
const START: Micros = 20_000 * DAY;
type OrderOf = Order<'static>;

fn config() -> ProptestConfig {
    let regressions = Box::new(FileFailurePersistence::WithSource("regressions"));
    ProptestConfig { cases: 1_000, failure_persistence: Some(regressions), ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_engine_does_what_the_model_does(
        rules in rules(),
        steps in steps(),
    ) {
        let mut run = Run::default();
        run.model.now = START;
        if let Some(rules) = rules {
            run.set_policy(rules);
        }
        for step in opening().into_iter().chain(steps) {
            run.step(step);
        }
        run.assert_restored();
    }
}

/// The engine, a replica that only reads the journal, and the model.
#[derive(Default)]
struct Run {
    state: State,
    replica: State,
    model: Model,
    made: Vec<u64>,
}

impl Run {
    /// Has a policy in force, which the model knows by its rules.
    fn set_policy(&mut self, rules: Rules) {
        let text = format!("{}\n{POLICY}", rules.text());
        let request = RequestKey { id: "r", row: 0, call: 0 };
        let put = Command::PutPolicy(PutPolicy { request, text: &text });
        let activate = Command::ActivatePolicy(ActivatePolicy { request, version: 2 });
        for (actor, command) in [("writer", put), ("activator", activate)] {
            let (now, seq) = (self.model.now, self.model.seq + 1);
            let request = Request { command, actor, channel: "", reason: None };
            let (_, events) = decide(&self.state, seq, now, &request).expect("a policy");
            apply_all(&mut self.state, now, &events);
            apply_all(&mut self.replica, now, &events);
            self.model.seq = seq;
        }
        self.state.settle(self.state.mark());
        (self.model.rules, self.model.has_policy) = (rules, true);
    }

    fn step(&mut self, Step { later, actor, channel, command }: Step) {
        // Who signs is named by the request.
        let actor = match command.identity() {
            Identity::Request(key) if key.id != "r" => key.id,
            _ => actor,
        };
        (self.model.actor, self.model.channel) = (actor, channel);
        self.model.now += later;
        let (now, seq) = (self.model.now, self.model.seq + 1);
        let command = self.resolve(command);
        let before = self.state.dump();
        let accounts = self.model.accounts.keys();
        let room = |id| self.model.available(id).map(|left| left + self.model.tolerance(id));
        let available: Vec<_> = accounts.map(|id| (*id, room(id))).collect();

        for own in ["web", "pos"] {
            let confined = confine(&self.state, own, &command).is_err();
            assert_eq!(confined, self.model.is_of_another(own, &command), "{own}: {command:?}");
        }
        let expected = self.model.run(&command);
        let asked = Request { command: command.clone(), actor, channel, reason: None };
        let decided = decide(&self.state, seq, now, &asked);
        assert_eq!(self.state.dump(), before, "deciding changes nothing");
        let (outcome, events) = match (decided, expected) {
            (Err(refusal), expected) => {
                assert_eq!(Err(kind(&refusal)), expected.map(|_| ()), "{command:?}");
                return;
            }
            (Ok((outcome, events)), expected) => {
                let expected = expected.unwrap_or_else(|kind| panic!("{kind}: {command:?}"));
                assert_eq!(answers(&outcome), expected_answers(expected), "{command:?}");
                (outcome, events)
            }
        };
        assert_verdicts(&outcome, &command, &available);
        assert_check(&self.state, now, &asked, &outcome);
        self.apply_and_undo(now, &events, &before);
        self.replay(seq, now, &asked, outcome, events);
        self.assert_rows();
        self.assert_cases();
    }

    /// Puts in ids and moments that only this run knows.
    fn resolve(&mut self, mut command: Command<'static>) -> Command<'static> {
        self.made.extend(self.model.orders.keys());
        self.made.sort_unstable();
        self.made.dedup();
        let target = match &mut command {
            Command::Adjust(command) => &mut command.target,
            Command::Capture(command) => &mut command.target,
            Command::Release(command) => &mut command.target,
            Command::ApproveProposal(ApproveProposal { account_id, proposal, .. })
            | Command::RejectProposal(RejectProposal { account_id, proposal, .. }) => {
                *proposal = self.model.waiting(account_id, *proposal as usize);
                return command;
            }
            Command::CloseAdjustments(command) => {
                let mut waiting = self.model.adjustments.keys().rev();
                let place = command.adjustments as usize;
                command.adjustments = waiting.nth(place).copied().unwrap_or(7);
                return Command::CloseAdjustments(*command);
            }
            Command::ReviewCase(command) => {
                command.case = self.case(command.case);
                if let (Act::Approve(approve), Some(case)) =
                    (&mut command.act, self.model.cases.get(&command.case))
                    && approve.waived.is_empty()
                {
                    approve.waived = case.reasons.iter().map(|(code, _)| *code).collect();
                }
                return Command::ReviewCase(command.clone());
            }
            Command::RetryCases(command) => {
                command.cases = command.cases.iter().map(|place| self.case(*place)).collect();
                return Command::RetryCases(command.clone());
            }
            Command::Housekeep(command) => {
                command.closed_before = self.model.now - command.closed_before;
                return Command::Housekeep(*command);
            }
            _ => return command,
        };
        if let Target::Id(place) = target {
            *place = self.made.get(*place as usize).copied().unwrap_or(7);
        }
        command
    }

    fn case(&self, place: u64) -> u64 {
        self.model.cases.keys().rev().nth(place as usize).copied().unwrap_or(7)
    }

    fn apply_and_undo(&mut self, now: Micros, events: &[Event<'_>], before: &Dump) {
        let mark = self.state.mark();
        apply_all(&mut self.state, now, events);
        let after = self.state.dump();
        self.state.undo(mark);
        assert_eq!(self.state.dump(), *before, "undone");
        apply_all(&mut self.state, now, events);
        assert_eq!(self.state.dump(), after, "done again");
        self.state.settle(self.state.mark());
    }

    /// What the journal holds of it leads a replica to the same state, where deciding again gives
    /// the same bytes.
    fn replay(
        &mut self,
        seq: u64,
        now: Micros,
        asked: &Request<'static>,
        outcome: Outcome,
        events: Vec<Event<'static>>,
    ) {
        let (outcome_again, events_again) =
            decide(&self.replica, seq, now, asked).expect("decided before");
        let entry = |outcome, events| {
            let entry = Entry { request: asked.clone(), policy_version: 0, outcome, events };
            rmp_serde::to_vec(&entry).expect("every entry can be written")
        };
        let bytes = entry(outcome, events);
        assert_eq!(entry(outcome_again, events_again), bytes, "{asked:?}");
        let read: Entry<'_> = rmp_serde::from_slice(&bytes).expect("and read again");
        apply_all(&mut self.replica, now, &read.events);
        assert_eq!(self.replica.dump(), self.state.dump(), "{asked:?}");
    }

    /// Orders, invoices and counters are the model's.
    fn assert_rows(&self) {
        let (dump, model) = (self.state.dump(), &self.model);
        for (account, counters) in &dump.accounts {
            let found = [
                counters.outstanding,
                counters.captured,
                counters.reserved,
                counters.unallocated,
                counters.exposure(),
            ];
            let id = &*account.id;
            let expected = [
                model.outstanding(id),
                model.captured(id),
                model.reserved(id),
                model.accounts[id].unallocated,
                model.exposure(id),
            ];
            assert_eq!(found.map(i128::from), expected, "account {id}");
        }
        let found = dump.sources.iter().map(|(name, row)| (&**name, (row.position, row.heard_at)));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), model.sources);
        let found = dump.reconciliations.iter().map(|(name, row)| (&**name, (row.found, row.at)));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), model.reconciliations);
        self.assert_limits();
        for (slot, id) in (0..).zip(&model.opened) {
            let found = dump.groups.get(&slot).map(Group::exposure);
            let expected = model.heads_group(id).then(|| model.group_exposure(id));
            assert_eq!(found, expected, "all under account {id}");
        }
        for (index, id) in (0..).zip(&model.segments) {
            for currency in ["USD", "EUR"].map(|code| Currency::parse(code).expect("a code")) {
                let found = self.state.segment_exposure(index, currency);
                assert_eq!(found, model.segment_exposure(id, currency), "all in {id}, {currency}");
            }
        }
        let orders: Vec<_> = dump
            .reservations
            .values()
            .map(|r| {
                let counts = [r.open, r.captured, r.released, r.expired].map(i128::from);
                let own = r.parts();
                let own = [own.open, own.captured, own.released, own.expired].map(i128::from);
                let amounts = (own, counts, r.waits());
                let moments = [r.created_at, r.expires_at, r.closed_at];
                let captures = r.captures.iter().map(|c| (&*c.invoice_id, c.by_ledger)).collect();
                (r.id, (&*r.order_id, &*r.channel), amounts, moments, captures)
            })
            .collect();
        let expected: Vec<_> = model
            .orders
            .iter()
            .map(|(id, o)| {
                let amounts = (o.own(), o.counts, o.worth.waits);
                let moments = [o.created_at, o.expires_at, o.closed_at];
                (*id, (o.order_id, o.channel), amounts, moments, o.captures.clone())
            })
            .collect();
        assert_eq!(orders, expected);
        let mut open: Vec<_> = dump.reservations.values().filter(|r| r.is_open()).collect();
        open.sort_by_key(|r| (r.slot, &r.order_id));
        let unique =
            open.windows(2).all(|w| (w[0].slot, &w[0].order_id) != (w[1].slot, &w[1].order_id));
        assert!(unique, "an order has one open reservation at most");
        self.assert_invoices();
    }

    fn assert_invoices(&self) {
        let (dump, model) = (self.state.dump(), &self.model);
        let invoices: Vec<_> = dump
            .items
            .iter()
            .map(|((slot, invoice_id), item)| {
                let id = &*dump.accounts[*slot as usize].0.id;
                let amounts = [item.captured, item.open, item.disputed].map(i128::from);
                let dates = (item.day, item.dated, item.due, item.grace_days);
                ((id, &**invoice_id), amounts, item.posted, item.settled_at, dates)
            })
            .collect();
        let mut expected: Vec<_> = model
            .invoices
            .iter()
            .map(|(key, i)| {
                let day = i.issued.unwrap_or(Day::of(i.heard));
                let dates = (day, i.issued.is_some(), i.due, i.grace_days);
                (*key, [i.captured, i.open, i.disputed], i.posted, i.settled_at, dates)
            })
            .collect();
        expected.sort_by_key(|((account, _), ..)| model.opened.iter().position(|id| id == account));
        assert_eq!(invoices, expected);
    }

    /// Limits and what they stand on are the model's.
    fn assert_limits(&self) {
        let model = &self.model;
        for (slot, id) in (0..).zip(&model.opened) {
            let (account, backing) = (&model.accounts[id], self.state.backing(slot));
            assert_eq!(self.state.terms(slot).limit, account.limit, "limit of {id}");
            let found = backing.map_or(Vec::new(), |all| all.proposals().to_vec());
            let found: Vec<_> = found.iter().map(|p| (p.id, &*p.by, p.limit)).collect();
            let waiting = account.backing.proposals.iter();
            let expected: Vec<_> =
                waiting.map(|(id, (by, limit, ..))| (*id, *by, *limit)).collect();
            assert_eq!(found, expected, "proposals of {id}");
            let found = backing.is_some_and(|all| all.verified_by().is_some());
            assert_eq!(found, account.backing.verified.is_some(), "account {id}");
            let score = backing.and_then(|all| all.scored()).and_then(|found| found.score);
            assert_eq!(score, account.backing.score(), "account {id}");
        }
    }

    /// Cases are the model's, and adjustments.
    fn assert_cases(&self) {
        let state = &self.state;
        let waiting = state.adjustments().values().map(|row| (row.id, row.digest, &*row.by));
        let expected = self.model.adjustments.iter().map(|(id, (digest, by))| (*id, *digest, *by));
        assert_eq!(waiting.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let cases = state.cases().iter().map(|case| {
            let signatures = case.signatures.iter();
            let signatures =
                signatures.map(|s| (&*s.by, s.on_behalf_of.as_deref(), s.role)).collect::<Vec<_>>();
            let names = case.reasons.iter().map(|r| (r.code, r.whose.clone()));
            let names = names.collect::<Vec<_>>();
            let waiver = case.waiver.as_ref().map(|signed| {
                let mut waived: Vec<_> =
                    signed.waived.iter().map(|one| (one.code, one.whose.clone())).collect();
                waived.sort_by_key(|one| format!("{one:?}"));
                (waived, i128::from(signed.amount), signed.until)
            });
            let moments = [case.escalates_at, case.expires_at, case.closed_at, case.kept_at];
            let billed = &**state.account_id(case.slot);
            let order = (billed, &*case.order_id, case.amount, i128::from(case.worth()));
            let stands = (case.status, case.level, case.claimed_by.as_deref(), case.reservation);
            let asked = (&*case.channel, case.asked_by.iter().map(|by| &**by).collect::<Vec<_>>());
            let signed = (names, waiver, signatures, case.revision);
            (case.id, order, asked, stands, moments, signed)
        });
        let expected = self.model.cases.iter().map(|(id, case)| {
            let moments = [case.escalates_at, case.expires_at, case.closed_at, case.kept_at];
            let order = (case.billed, case.order.order_id, case.order.amount, case.worth);
            let stands = (case.status, case.level, case.claimed_by, case.reservation);
            let asked = (case.channel, case.askers.clone());
            let waiver = case.waiver.clone().map(|w| (w.waived, w.most, w.until));
            let names = case.reasons.clone();
            let signed = (names, waiver, case.signatures.clone(), case.revision);
            (*id, order, asked, stands, moments, signed)
        });
        assert_eq!(cases.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let found = state.cases().delegations();
        let found: Vec<_> =
            found.map(|d| ((&*d.from, &*d.to), (d.role, d.first, d.until))).collect();
        let expected = self.model.delegations.iter();
        assert_eq!(found, expected.map(|(key, row)| (*key, *row)).collect::<Vec<_>>());
    }

    /// A recovery from the rows finds the same state.
    fn assert_restored(&self) {
        let dump = self.state.dump();
        let mut restored = State::default();
        dump.segments.iter().for_each(|row| restored.restore_segment(row.clone()));
        restored.restore_payment_terms().clone_from(&dump.payment_terms);
        restored.restore_rates().clone_from(&dump.rates);
        let Restore { mut accounts, mut reservations, mut items } = restored.restore();
        let mut rows = AccountRows::default();
        for (account, counters) in &dump.accounts {
            rows.push(account.clone(), counters.unallocated);
        }
        accounts.extend(vec![rows], 2);
        dump.reservations.values().for_each(|row| reservations.push(row.clone()));
        for ((slot, invoice_id), standing) in &dump.items {
            items.push(&standing.item(*slot, invoice_id));
        }
        dump.cases.values().for_each(|case| restored.restore_cases().restore(case.clone()));
        let delegations = dump.delegations.iter().cloned();
        delegations.for_each(|one| restored.restore_cases().restore_delegation(one));
        dump.sources.iter().for_each(|(source, row)| restored.restore_source(source, *row));
        let latest = dump.reconciliations.iter();
        latest.for_each(|(source, row)| restored.restore_reconciliation(source, *row));
        let adjustments = dump.adjustments.values().cloned();
        adjustments.for_each(|row| restored.restore_adjustments(row));
        dump.watches.iter().for_each(|(slot, row)| restored.restore_watch(*slot, row.clone()));
        dump.policies.iter().for_each(|row| restored.restore_policy(row.clone()));
        assert!(restored.add_up() && restored.sum_up());
        dump.policies.iter().for_each(|row| restored.restore_policy(row.clone()));
        assert_eq!(restored.dump(), dump);
    }
}

fn apply_all(state: &mut State, now: Micros, events: &[Event<'_>]) {
    events.iter().for_each(|event| apply(state, now, event));
}

fn kind(refusal: &Refusal) -> String {
    if let Refusal::InItem { index, refusal } = refusal {
        return format!("items[{index}] {}", kind(refusal));
    }
    let text = match refusal {
        Refusal::Limit(refusal) => format!("{refusal:?}"),
        Refusal::Case(refusal) => format!("{refusal:?}"),
        Refusal::Adjustments(refusal) => format!("{refusal:?}"),
        refusal => format!("{refusal:?}"),
    };
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

fn answer(verdict: &Verdict, amount: i64) -> Answer {
    let reason = |r: &creditgate_engine::outcome::Reason| {
        (r.code, i128::from(r.observed), i128::from(r.threshold), r.whose.clone())
    };
    Answer {
        decision: verdict.decision,
        reasons: verdict.reasons.iter().map(reason).collect(),
        fitting: verdict.fitting.map(i128::from),
        available: verdict.available.map(i128::from),
        bound_by: verdict.bound_by.clone(),
        amount: amount.into(),
        breach: false,
        invoiced: None,
        order: None,
    }
}

fn reserved_answer(reserved: &Reserved) -> (Answer, Option<Vec<i128>>) {
    assert_eq!(reserved.reservation.is_some(), reserved.amount > 0);
    assert_eq!(reserved.expires_at > 0, reserved.amount > 0);
    (answer(&reserved.verdict, reserved.amount), None)
}

/// Every decision of an outcome, and the order after it where the outcome shows it.
fn answers(outcome: &Outcome) -> Vec<(Answer, Option<Vec<i128>>)> {
    match outcome {
        Outcome::Reserved(reserved) => vec![reserved_answer(reserved)],
        Outcome::ReservedAll(all) => all.iter().map(reserved_answer).collect(),
        Outcome::Changed(Changed { verdict, reservation: view, amount, breach, invoiced }) => {
            let invoiced = invoiced.as_deref().cloned();
            let answer = Answer { breach: *breach, invoiced, ..answer(verdict, *amount) };
            let own = view.parts();
            let own = [own.open, own.captured, own.released, own.expired];
            let counts = [view.open, view.captured, view.released, view.expired];
            let all = [&own[..], &counts, &[view.expires_at]].concat();
            vec![(answer, Some(all.into_iter().map(i128::from).collect()))]
        }
        Outcome::Upserted(_)
        | Outcome::UpsertedProposing(..)
        | Outcome::Proposed(_)
        | Outcome::Policy(_)
        | Outcome::Revalued(_)
        | Outcome::Erased(_)
        | Outcome::Done => vec![],
        Outcome::Reviewed(reviewed) => reviewed.reserved.iter().map(reserved_answer).collect(),
        Outcome::Retried(all) => {
            all.iter().filter_map(|one| one.reserved.as_ref()).map(reserved_answer).collect()
        }
    }
}

fn expected_answers(answers: Vec<Answer>) -> Vec<(Answer, Option<Vec<i128>>)> {
    let parts = |mut answer: Answer| {
        let order = answer.order.take();
        let parts = order.map(|o| [&o.own()[..], &o.counts, &[i128::from(o.expires_at)]].concat());
        (answer, parts)
    };
    answers.into_iter().map(parts).collect()
}
