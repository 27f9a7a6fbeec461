use super::*;
use crate::command::*;
use crate::decide::{Inquiry, check};
use crate::outcome::Decision::{self, Approved, Declined, Referred};
use crate::outcome::ReasonCode::{BatchNotApproved, InsufficientCredit, TermsUpgraded};
use crate::outcome::Reserved;
use crate::terms::*;
use crate::testing::*;
use crate::values::LimitKind;

fn net(days: u16) -> TermsSpec {
    TermsSpec {
        parts: vec![Part { share: WHOLE, due: Rule::Net { days } }],
        discounts: Vec::new(),
        discount_grace_days: 0,
        grace_days: 0,
        roll: Roll::Keep,
    }
}

fn terms<'a>(terms_id: &'a str, spec: TermsSpec) -> UpsertTerms<'a> {
    UpsertTerms { request: REQUEST, terms_id, calendar_id: None, spec }
}

fn assign<'a>(scope: TermsScope<'a>, terms_id: Option<&'a str>) -> AssignTerms<'a> {
    AssignTerms { request: REQUEST, scope, terms_id }
}

fn contract(contract_id: &str) -> TermsScope<'_> {
    TermsScope::Contract { account_id: "a", contract_id }
}

/// Account "a" with a limit of 100 in segment "s", and terms of 10, 20 and 30 days.
fn book() -> Book {
    let mut book = Book::with_100();
    for (name, days) in [("net10", 10), ("net20", 20), ("net30", 30)] {
        book.run(terms(name, net(days))).unwrap();
    }
    let limit = Some(limit(LimitKind::NoCredit));
    let segment_id = "s";
    book.run(UpsertSegment { request: REQUEST, segment_id, currency: usd(), limit, cap: None })
        .unwrap();
    book.run(UpsertAccount { segment_id: Some("s"), ..account("a") }).unwrap();
    book
}

fn asking<'a>(
    order_id: &'a str,
    amount: Minor,
    contract_id: Option<&'a str>,
    terms_id: Option<&'a str>,
) -> Order<'a> {
    Order { terms: Some(AskedTerms { contract_id, terms_id }), ..order(order_id, amount) }
}

fn ask<'a>(order: Order<'a>) -> Reserve<'a> {
    Reserve { request: REQUEST, order, allow_partial: false }
}

/// Of the only instalment.
fn due(changed: &crate::outcome::Changed) -> Option<(Source, i32)> {
    let Invoiced { source, plan } = changed.invoiced.as_deref()?;
    assert_eq!(plan.instalments, [Instalment { due: plan.due, amount: changed.amount }]);
    Some((*source, plan.due.0 - TODAY.0))
}

#[test]
fn the_most_particular_terms_hold_at_the_moment_of_the_capture() {
    let mut book = book();
    let reserve = ask(asking("o", 10, Some("c"), None));
    assert_eq!(book.refused(reserve.clone()), Refusal::ContractNotFound("c".into()));
    book.run(assign(contract("c"), Some("net10"))).unwrap();
    book.run(reserve).unwrap();
    let mut invoices = 0..;
    let mut ship = |book: &mut Book, order_id| {
        let invoice = format!("i{}", invoices.next().unwrap());
        let part = CaptureOrder { amount: Some(1), ..capture(order_id, &invoice) };
        due(&book.changed(part))
    };
    book.hold("plain", 10);
    assert_eq!(ship(&mut book, "plain"), None);
    assert_eq!(ship(&mut book, "o"), Some((Source::Contract, 10)));
    book.run(assign(TermsScope::Segment("s"), Some("net30"))).unwrap();
    assert_eq!(ship(&mut book, "plain"), Some((Source::Segment, 30)));
    book.run(assign(TermsScope::Account("a"), Some("net20"))).unwrap();
    assert_eq!(ship(&mut book, "plain"), Some((Source::Account, 20)));
    assert_eq!(ship(&mut book, "o"), Some((Source::Contract, 10)));
    // Terms that are set anew hold from then on, for orders that are open too.
    book.run(terms("net10", net(11))).unwrap();
    assert_eq!(ship(&mut book, "o"), Some((Source::Contract, 11)));
    book.run(assign(contract("c"), None)).unwrap();
    assert_eq!(ship(&mut book, "o"), Some((Source::Account, 20)));
    book.run(assign(TermsScope::Account("a"), None)).unwrap();
    assert_eq!(ship(&mut book, "o"), Some((Source::Segment, 30)));
    book.run(UpsertAccount { segment_id: Some(""), ..account("a") }).unwrap();
    assert_eq!(ship(&mut book, "o"), None);
}

#[test]
fn better_terms_than_its_own_are_for_a_person_to_decide() {
    let mut book = book();
    book.run(assign(TermsScope::Account("a"), Some("net20"))).unwrap();
    let today = i64::from(TODAY.0);
    let upgraded = reason(TermsUpgraded, today + 30, today + 20);
    let short = reason(InsufficientCredit, 101, 100);
    #[rustfmt::skip]
    let table = [
        // amount, terms asked for, partial => decision, reasons
        (10, "net10", false, Approved, vec![]),
        (10, "net20", false, Approved, vec![]),
        (10, "net30", false, Referred, vec![upgraded.clone()]),
        // A decline beats a referral, also where a part would do.
        (101, "net30", false, Declined, vec![short.clone(), upgraded.clone()]),
        (101, "net30", true, Declined, vec![short, upgraded]),
    ];
    for (amount, terms_id, allow_partial, decision, reasons) in table {
        let order = asking("o", amount, None, Some(terms_id));
        let inquiry = Inquiry { allow_partial, terms: order.terms, ..inquiry(amount) };
        let checked = check(&book.state, book.now, &inquiry).unwrap();
        let Reserved { verdict, reservation, amount: held, .. } =
            book.reserved(Reserve { allow_partial, ..ask(order) });
        assert_eq!((verdict.decision, &verdict.reasons), (decision, &reasons), "{terms_id}");
        assert_eq!(checked.verdict, verdict);
        assert_eq!((reservation.is_some(), held > 0), (decision == Approved, decision == Approved));
        assert_eq!(verdict.fitting, None);
        book.run(release("o")).ok();
    }
    let unknown = book.refused(ask(asking("o", 1, None, Some("none"))));
    assert_eq!(unknown, Refusal::TermsNotFound("none".into()));
}

#[test]
fn who_has_no_terms_is_to_pay_at_once() {
    let mut book = book();
    let today = i64::from(TODAY.0);
    let found = book.reserved(ask(asking("o", 1, None, Some("net10"))));
    assert_eq!(found.verdict.reasons, [reason(TermsUpgraded, today + 10, today)]);
    book.run(terms("cash", net(0))).unwrap();
    let found = book.reserved(ask(asking("o", 1, None, Some("cash"))));
    assert_eq!(found.verdict.decision, Approved);
}

#[test]
fn an_order_keeps_the_terms_that_it_named() {
    let mut book = book();
    book.run(assign(TermsScope::Account("a"), Some("net20"))).unwrap();
    book.run(assign(contract("c"), Some("net30"))).unwrap();
    book.run(ask(asking("o", 10, Some("c"), Some("net20")))).unwrap();
    book.run(assign(contract("c"), Some("net10"))).unwrap();
    let issued = Some(Day(TODAY.0 - 3));
    let found = book.changed(CaptureOrder { issued, ..capture("o", "i") });
    assert_eq!(due(&found), Some((Source::Order, 17)));
    let asked = found.reservation.asked.expect("it named some");
    assert_eq!(
        (asked.contract_id.as_deref(), asked.terms_id.as_deref()),
        (Some("c"), Some("net20"))
    );
    // By its contract it was worse at the time of the order, and is better now.
    let again = book.reserved(ask(asking("o2", 10, Some("c"), Some("net20"))));
    assert_eq!(again.verdict.decision, Referred);
}

#[test]
fn one_that_is_referred_leaves_its_batch_undecided() {
    let mut book = book();
    book.run(assign(TermsScope::Account("a"), Some("net20"))).unwrap();
    let orders = vec![order("o1", 10), asking("o2", 10, None, Some("net30"))];
    let outcome = book.run(ReserveAll { request: REQUEST, orders }).unwrap();
    let Outcome::ReservedAll(all) = outcome else { panic!("{outcome:?}") };
    let found = all.iter().map(|r| (r.verdict.decision, r.verdict.reasons[0].code));
    let expected: [(Decision, _); 2] = [(Declined, BatchNotApproved), (Referred, TermsUpgraded)];
    assert!(found.eq(expected));
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn what_is_set_again_the_same_is_unchanged() {
    let mut book = book();
    let calendar = |weekend| UpsertCalendar {
        request: REQUEST,
        calendar_id: "k",
        spec: CalendarSpec {
            weekend,
            from: TODAY,
            until: TODAY,
            holidays: vec![TODAY],
            workdays: Vec::new(),
        },
    };
    let moved = UpsertTerms {
        calendar_id: Some("k"),
        ..terms("net10", TermsSpec { roll: Roll::Next, ..net(10) })
    };
    assert_eq!(book.refused(moved.clone()), Refusal::CalendarNotFound("k".into()));
    let to_a = || assign(TermsScope::Account("a"), Some("net10"));
    for (command, first, second) in [
        (Command::from(calendar(0)), Upserted::Created, Upserted::Unchanged),
        (calendar(1).into(), Upserted::Updated, Upserted::Unchanged),
        (moved.into(), Upserted::Updated, Upserted::Unchanged),
        (to_a().into(), Upserted::Created, Upserted::Unchanged),
        (assign(TermsScope::Account("a"), None).into(), Upserted::Updated, Upserted::Unchanged),
        (to_a().into(), Upserted::Created, Upserted::Unchanged),
    ] {
        for expected in [first, second] {
            let before = book.state.dump();
            let (outcome, events) = book.events(command.clone()).unwrap();
            assert_eq!(outcome, Outcome::Upserted(expected), "{command:?}");
            assert_eq!(events.is_empty(), expected == Upserted::Unchanged);
            assert_eq!(book.state.dump() == before, events.is_empty());
        }
    }
    for (scope, refusal) in [
        (TermsScope::Account("x"), Refusal::AccountNotFound("x".into())),
        (TermsScope::Segment("x"), Refusal::SegmentNotFound("x".into())),
    ] {
        assert_eq!(book.refused(assign(scope, Some("net10"))), refusal);
    }
    let unknown = book.refused(assign(TermsScope::Account("a"), Some("x")));
    assert_eq!(unknown, Refusal::TermsNotFound("x".into()));
}
