use super::*;
use crate::command::*;
use crate::counting::OrderDetails;
use crate::decide::{Inquiry, check};
use crate::outcome::Decision::{self, Approved, Declined, Referred};
use crate::outcome::ReasonCode::{BatchNotApproved, InsufficientCredit, TermsUpgraded};
use crate::outcome::Reserved;
use crate::rates::Rate;
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
    let details = OrderDetails { contract_id, terms_id, shipping: None };
    Order { details: Some(Box::new(details)), ..order(order_id, amount) }
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
        let details = order.details.as_deref();
        let inquiry = Inquiry { allow_partial, details, ..inquiry(amount) };
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
    let asked = found.reservation.details.expect("it named some");
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

/// Due date of an invoice of account "a", in days from today, and its grace.
fn known(book: &Book, invoice_id: &str) -> (Option<i32>, u16) {
    let item = book.item(invoice_id);
    (item.due.map(|due| due.0 - TODAY.0), item.grace_days)
}

/// As [`book`], with terms of 20 days and 4 of grace, and another contract's of 30.
fn book_with_grace() -> Book {
    let mut book = book();
    book.run(terms("net20", TermsSpec { grace_days: 4, ..net(20) })).unwrap();
    book.run(assign(TermsScope::Account("a"), Some("net20"))).unwrap();
    book.run(assign(contract("c"), Some("net30"))).unwrap();
    book
}

#[test]
fn what_the_first_capture_of_an_invoice_was_answered_with_stays() {
    let mut book = book_with_grace();
    book.hold("o1", 10);
    book.hold("o2", 10);
    book.run(ask(asking("o3", 10, Some("c"), None))).unwrap();
    assert_eq!(due(&book.changed(capture("o1", "i"))), Some((Source::Account, 20)));
    book.now += 3 * DAY;
    // Of the same terms: the invoice's own date counts, and not that of the shipment.
    let later = CaptureOrder { issued: Some(Day(TODAY.0 + 3)), ..capture("o2", "i") };
    assert_eq!(due(&book.changed(later)), Some((Source::Account, 20)));
    assert_eq!(due(&book.changed(capture("o3", "i"))), None, "30 days would be another due date");
    assert_eq!(known(&book, "i"), (Some(20), 4));
    // The ledger's word replaces the due date alone.
    book.post(Post { due: Some(Day(TODAY.0 + 9)), ..invoice("i", 30) });
    assert_eq!(known(&book, "i"), (Some(9), 4));
}

#[test]
fn an_invoice_that_the_ledger_posts_first_is_due_by_its_terms_where_the_ledger_says_nothing() {
    let mut book = book_with_grace();
    book.run(ask(asking("o", 30, Some("c"), None))).unwrap();
    let named = Post { order_id: Some("o"), ..invoice("named", 10) };
    book.post(Post { issued: Some(Day(TODAY.0 - 5)), ..named });
    assert_eq!(known(&book, "named"), (Some(25), 0), "by its order's contract");
    let acknowledged = book.changed(capture("o", "named")).invoiced.expect("it has terms");
    assert_eq!((acknowledged.plan.due.0 - TODAY.0, acknowledged.plan.issued.0), (25, TODAY.0 - 5));
    assert_eq!(acknowledged.plan.instalments[0].amount, 10);

    book.post(invoice("plain", 10));
    assert_eq!(known(&book, "plain"), (Some(20), 4), "by its account's");
    book.hold("p", 10);
    let billed = book.changed(capture("p", "plain"));
    assert_eq!((billed.amount, billed.invoiced.map(|i| i.plan.due.0 - TODAY.0)), (0, Some(20)));

    book.post(Post { due: Some(Day(TODAY.0 + 7)), ..invoice("dated", 10) });
    assert_eq!(known(&book, "dated"), (Some(7), 4));
    book.hold("d", 10);
    assert_eq!(book.changed(capture("d", "dated")).invoiced, None, "the ledger's date holds");
    // Nobody knows how old an opening balance is that names no date.
    let opening = Post { invoice_id: Some("old"), ..entry(EntryKind::OpeningBalance, 5) };
    book.post(opening);
    assert_eq!(known(&book, "old"), (None, 4));
}

#[test]
fn a_capture_is_of_about_now() {
    let mut book = book();
    book.hold("o", 50);
    let on = |days| CaptureOrder {
        issued: Some(Day(TODAY.0 + days)),
        amount: Some(1),
        ..capture("o", if days < 0 { "before" } else { "after" })
    };
    for far in [-367, 367] {
        assert_eq!(book.refused(on(far)), Refusal::InvoiceDateFar(Day(TODAY.0 + far)));
    }
    for near in [-366, 366] {
        assert_eq!(book.changed(on(near)).amount, 1);
    }
}

#[test]
fn terms_are_compared_for_an_invoice_of_any_day_of_a_month() {
    let mut book = book();
    book.run(terms("net25", net(25))).unwrap();
    book.run(assign(TermsScope::Account("a"), Some("net25"))).unwrap();
    let month_end = Part { share: WHOLE, due: Rule::EndOfMonth { months: 0, days: 0 } };
    book.run(terms("eom", TermsSpec { parts: vec![month_end], ..net(0) })).unwrap();
    // On the 14th the end of October is nearer than 25 days. That of November is not, on its 1st.
    book.now += 10 * DAY;
    let found = book.reserved(ask(asking("o", 1, None, Some("eom"))));
    let first = i64::from(TODAY.0) + 28;
    let expected = reason(TermsUpgraded, first + 29, first + 25);
    assert_eq!(found.verdict.reasons, [expected]);
}

#[test]
fn what_an_order_grows_by_is_held_against_its_own_terms_again() {
    let mut book = book_with_grace();
    book.run(ask(asking("o", 10, None, Some("net20")))).unwrap();
    book.run(assign(TermsScope::Account("a"), Some("net10"))).unwrap();
    let today = i64::from(TODAY.0);
    let expected = [reason(TermsUpgraded, today + 20, today + 10)];
    for refused in [
        Command::from(adjust("o", 11)),
        CaptureOrder { amount: Some(11), ..capture("o", "i") }.into(),
    ] {
        let found = book.changed(refused);
        assert_eq!((found.verdict.decision, &found.verdict.reasons[..]), (Referred, &expected[..]));
        assert_eq!(book.position(), (0, 0, 10));
    }
    let forced = CaptureOrder { amount: Some(11), forced: true, ..capture("o", "i") };
    let found = book.changed(forced);
    assert_eq!((found.breach, &found.verdict.reasons[..]), (true, &expected[..]));
    assert_eq!(due(&found), Some((Source::Order, 20)));
}

#[test]
fn better_terms_lead_to_what_the_policy_says() {
    let mut book = book_with_grace();
    book.set_policy("[channel.pos.terms-upgraded]\noutcome = \"decline\"\n");
    for (channel, decision) in [("web", Referred), ("pos", Declined)] {
        book.channel = channel;
        let found = book.reserved(ask(asking("o", 1, None, Some("net30"))));
        assert_eq!(found.verdict.decision, decision, "{channel}");
    }
}

#[test]
fn a_capture_after_the_ledger_is_answered_with_terms_also_of_an_order_in_another_currency() {
    let mut book = book();
    book.run(assign(TermsScope::Account("a"), Some("net30"))).unwrap();
    let (request, base, currency, source) = (REQUEST, eur(), usd(), "ecb");
    let rate = Rate::parse("1.25").unwrap();
    book.run(UpsertRate { request, base, currency, rate, source, as_of: None }).unwrap();
    let order = Order { currency: eur(), ..order("o", 60) };
    book.reserved(Reserve { order, ..reserve("", 0) });
    let answered = |book: &mut Book, command: CaptureOrder<'_>| {
        let found = book.changed(command);
        assert_eq!(found.amount, 0, "the ledger has posted it");
        found.invoiced.map(|invoiced| invoiced.plan.instalments[0].amount)
    };
    // In the order's currency. What one of several invoices took, the caller knows.
    book.post(Post { order_id: Some("o"), ..invoice("i", 25) });
    assert_eq!(answered(&mut book, capture("o", "i")), Some(20));
    book.post(Post { order_id: Some("o"), ..invoice("j", 50) });
    let known = CaptureOrder { amount: Some(40), ..capture("o", "j") };
    assert_eq!(answered(&mut book, known), Some(40));
}
