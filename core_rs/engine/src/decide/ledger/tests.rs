use std::sync::Arc;

use super::is_news;
use crate::apply::apply;
use crate::bounds::{ALLOCATIONS_MAX, AMOUNT_MINOR_MAX, EXPOSURE_MINOR_MAX, SOURCES_MAX};
use crate::command::*;
use crate::error::Refusal;
use crate::event::Event;
use crate::model::{Findings, Reconciliation};
use crate::outcome::Decision::{Approved, Declined};
use crate::outcome::Outcome;
use crate::rates::Rate;
use crate::testing::*;
use crate::values::Currency;
use crate::values::LimitKind::Unlimited;

#[test]
fn an_order_and_its_invoice_count_once_in_whatever_sequence_they_come() {
    let named = || Post { order_id: Some("o"), ..invoice("i", 60) };
    let capture = || Command::from(capture("o", "i"));
    let table: [(&str, Vec<Command<'_>>); 7] = [
        ("captured, then posted", vec![capture(), invoice("i", 60).into()]),
        ("captured, then posted with the order's id", vec![capture(), named().into()]),
        ("posted with the order's id, then captured", vec![named().into(), capture()]),
        ("posted, then captured", vec![invoice("i", 60).into(), capture()]),
        ("posted with the order's id, never captured", vec![named().into()]),
        ("posted, never captured, released", vec![invoice("i", 60).into(), release("o").into()]),
        (
            "paid, captured, posted, with what was overpaid given back",
            vec![
                payment(60, &[("i", 60)]).into(),
                capture(),
                invoice("i", 60).into(),
                entry(EntryKind::Adjustment, 60).into(),
            ],
        ),
    ];
    for (way, commands) in table {
        let mut book = Book::with_100();
        book.hold("o", 60);
        for command in commands {
            book.run(command).unwrap();
        }
        assert_eq!(book.position(), (60, 0, 0), "{way}");
        let again = book.refused(invoice("i", 60));
        assert_eq!(again, Refusal::InvoiceAlreadyPosted("i".into()), "{way}");
    }
}

#[test]
fn amount_differences_follow_the_ledger() {
    #[rustfmt::skip]
    let table = [
        // captured, invoiced, names the order => outstanding, captured, reserved
        (Some(40), 50, true, (50, 0, 20)),
        (Some(40), 30, true, (30, 0, 20)),
        (Some(40), 50, false, (50, 0, 20)),
        (None, 50, true, (50, 0, 10)),
        (None, 60, true, (60, 0, 0)),
        (None, 500, true, (500, 0, 0)),
        (None, 50, false, (50, 0, 60)),
    ];
    for (captured, invoiced, named, position) in table {
        let mut book = Book::with_100();
        book.hold("o", 60);
        if captured.is_some() {
            book.run(CaptureOrder { amount: captured, ..capture("o", "i") }).unwrap();
        }
        book.post(Post { order_id: named.then_some("o"), ..invoice("i", invoiced) });
        assert_eq!(book.position(), position, "{captured:?} {invoiced} {named}");
    }
}

#[test]
fn an_invoice_of_an_order_that_holds_nothing_only_adds_to_outstanding() {
    let mut book = Book::with_100();
    book.post(Post { order_id: Some("never heard of"), ..invoice("i", 10) });
    book.hold("o", 60);
    book.run(release("o")).unwrap();
    book.post(Post { order_id: Some("o"), ..invoice("j", 60) });
    assert_eq!(book.position(), (70, 0, 0));
    assert!(book.order("o").captures.is_empty());
}

#[test]
fn each_kind_moves_outstanding_its_own_way() {
    let on = |kind, amount| Post { invoice_id: Some("i"), ..entry(kind, amount) };
    use EntryKind::{Adjustment, CreditMemo, OpeningBalance, Payment};
    #[rustfmt::skip]
    let table = [
        // entry => outstanding, unallocated, open on "i"
        (invoice("i", 30), 30, 0, Some(30)),
        (entry(Payment, 30), -30, -30, None),
        (entry(CreditMemo, 30), -30, -30, None),
        (Post { allocations: vec![("i", 30)], ..entry(Payment, 30) }, -30, 0, Some(-30)),
        (Post { allocations: vec![("i", 10)], ..entry(CreditMemo, 30) }, -30, -20, Some(-10)),
        (Post { allocations: vec![("i", 10), ("j", 5), ("i", 10)], ..entry(Payment, 30) },
            -30, -5, Some(-20)),
        (entry(Adjustment, -30), -30, -30, None),
        (entry(Adjustment, 30), 30, 30, None),
        (on(Adjustment, -30), -30, 0, Some(-30)),
        (entry(OpeningBalance, 30), 30, 30, None),
        (entry(OpeningBalance, -30), -30, -30, None),
        (on(OpeningBalance, -30), -30, 0, Some(-30)),
        (on(OpeningBalance, 30), 30, 0, Some(30)),
    ];
    for (post, outstanding, unallocated, open) in table {
        let row = format!("{post:?}");
        let mut book = Book::with_100();
        book.post(post);
        let counters = *book.counters("a");
        assert_eq!(
            (counters.outstanding, counters.unallocated),
            (outstanding, unallocated),
            "{row}"
        );
        assert_eq!(book.state.item(0, "i").map(|item| item.open), open, "{row}");
        let fits = book.reserved(reserve("o", 100 - outstanding)).verdict.decision;
        assert_eq!(fits, Approved, "a credit balance raises what is available: {row}");
        assert_eq!(book.reserved(reserve("p", 1)).verdict.decision, Declined, "{row}");
    }
}

#[test]
fn a_payment_may_come_before_its_invoice() {
    let mut book = Book::with_100();
    book.post(payment(60, &[("i", 60)]));
    assert!(!book.item("i").posted);
    assert_eq!(book.position(), (-60, 0, 0));
    book.post(invoice("i", 60));
    let item = book.item("i");
    assert_eq!((item.open, item.posted, item.settled_at), (0, true, book.now));
    // A correction opens it again.
    let correction = entry(EntryKind::Adjustment, 5);
    book.post(Post { invoice_id: Some("i"), ..correction });
    assert_eq!((book.item("i").open, book.item("i").settled_at), (5, 0));
}

#[test]
fn invoices_are_unique_per_account_and_the_ledger_is_held_to_the_currency() {
    let mut book = Book::with_100();
    book.run(account("b")).unwrap();
    book.post(invoice("i", 60));
    book.post(Post { account_id: "b", ..invoice("i", 60) });
    let twice = Refusal::InvoiceAlreadyPosted("i".into());
    assert_eq!(book.refused(invoice("i", 1)), twice);
    let opening = Post { kind: EntryKind::OpeningBalance, ..invoice("i", 1) };
    assert_eq!(book.refused(opening), twice);
    let mismatch = Refusal::CurrencyMismatch { expected: usd(), found: eur() };
    assert_eq!(book.refused(Post { currency: eur(), ..invoice("j", 1) }), mismatch);
    let unknown = Post { account_id: "x", ..invoice("j", 1) };
    assert_eq!(book.refused(unknown), Refusal::AccountNotFound("x".into()));
}

#[test]
fn a_source_moves_forward_only_and_not_with_what_is_refused() {
    let mut book = Book::with_100();
    let at = |position, invoice_id| Post { position, ..invoice(invoice_id, 1) };
    book.post(at(0, "i"));
    assert_eq!(book.state.source_position("erp"), 0);
    for (position, invoice_id, reached) in [(7, "j", 7), (5, "k", 7), (0, "l", 7), (8, "m", 8)] {
        book.post(at(position, invoice_id));
        assert_eq!(book.state.source_position("erp"), reached);
    }
    book.refused(at(9, "m"));
    book.post(Post { source: "other", ..at(3, "n") });
    let positions = ["erp", "other"].map(|source| book.state.source_position(source));
    assert_eq!(positions, [8, 3]);
}

#[test]
fn a_source_that_counts_nothing_is_heard_once_a_minute() {
    let mut book = Book::with_100();
    let heard = |book: &mut Book, position, time| {
        book.now += time;
        let (_, events) = book.events(Post { position, ..entry(EntryKind::Payment, 1) }).unwrap();
        let moved = events.iter().find_map(|event| match *event {
            Event::SourceMoved { position, .. } => Some(position),
            _ => None,
        });
        (moved, book.state.heard_at() == Some(book.now))
    };
    assert_eq!(heard(&mut book, 0, 0), (Some(0), true));
    assert_eq!(heard(&mut book, 0, 59 * SECOND), (None, false));
    assert_eq!(heard(&mut book, 0, SECOND), (Some(0), true));
    assert_eq!(heard(&mut book, 7, SECOND), (Some(7), true));
    assert_eq!(heard(&mut book, 0, 60 * SECOND), (Some(7), true));
}

#[test]
fn a_quiet_source_is_moved_and_heard_without_an_entry() {
    let mut book = Book::with_100();
    let moved = |book: &mut Book, position, time| {
        book.now += time;
        let news = is_news(&book.state, book.now, "erp", position);
        let (outcome, events) = book.events(MoveSource { source: "erp", position }).unwrap();
        assert_eq!((outcome, !events.is_empty()), (Outcome::Done, news));
        (news, book.state.source_position("erp"), book.state.source_heard_at("erp").unwrap())
    };
    let begun = book.now;
    assert_eq!(moved(&mut book, 0, 0), (true, 0, begun));
    assert_eq!(moved(&mut book, 0, 59 * SECOND), (false, 0, begun));
    let heard = begun + 59 * SECOND;
    assert_eq!(moved(&mut book, 7, 0), (true, 7, heard));
    assert_eq!(moved(&mut book, 5, 59 * SECOND), (false, 7, heard));
    assert_eq!(moved(&mut book, 5, SECOND), (true, 7, heard + 60 * SECOND));
    assert_eq!(book.position(), (0, 0, 0));
}

#[test]
fn the_latest_reconciliation_of_a_source_is_kept() {
    let mut book = Book::with_100();
    let found = |differing| Findings { position: 7, accounts: 9, differing, ..Findings::default() };
    let record = |source, differing| RecordReconciliation {
        request: REQUEST,
        source,
        found: found(differing),
    };
    assert_eq!(book.refused(record("erp", 2)), Refusal::SourceNotFound("erp".into()));
    let heard_at = book.now;
    book.run(MoveSource { source: "erp", position: 7 }).unwrap();
    book.now += SECOND;
    let handed_out = Arc::clone(book.state.reconciliations());
    for differing in [2, 0] {
        let done = (Outcome::Done, vec![Event::Reconciled("erp", found(differing))]);
        assert_eq!(book.events(record("erp", differing)), Ok(done));
        let expected = Reconciliation { found: found(differing), at: book.now };
        assert_eq!(book.state.reconciliations()["erp"], expected);
    }
    assert!(handed_out.is_empty(), "it stays as it was");
    // It is no word of the source's own.
    assert_eq!(book.state.source_heard_at("erp"), Some(heard_at));
    assert_eq!(book.refused(record("bank", 0)), Refusal::SourceNotFound("bank".into()));
}

#[test]
fn a_reconciliation_is_undone_to_the_one_before_or_to_none() {
    let mut book = Book::empty();
    book.run(MoveSource { source: "erp", position: 7 }).unwrap();
    let mut marks = Vec::new();
    for accounts in 1..=2 {
        marks.push((book.state.mark(), book.state.dump()));
        let found = Findings { accounts, ..Findings::default() };
        apply(&mut book.state, book.now, &Event::Reconciled("erp", found));
    }
    for (mark, before) in marks.into_iter().rev() {
        book.state.undo(mark);
        assert_eq!(book.state.dump(), before);
    }
}

#[test]
fn sources_are_bounded() {
    let mut book = Book::with_100();
    let names = Vec::from_iter((0..SOURCES_MAX).map(|number| number.to_string()));
    for name in &names {
        book.post(Post { source: name, ..entry(EntryKind::Payment, 1) });
    }
    let beyond = Post { source: "beyond", ..entry(EntryKind::Payment, 1) };
    assert_eq!(book.refused(beyond), Refusal::TooManySources("beyond".into()));
    let beyond = MoveSource { source: "beyond", position: 1 };
    assert_eq!(book.refused(beyond), Refusal::TooManySources("beyond".into()));
    book.post(Post { source: "0", ..entry(EntryKind::Payment, 1) });
}

#[test]
fn outstanding_stays_within_bounds_in_either_direction() {
    let mut book = Book::with_limit(Unlimited);
    let max = AMOUNT_MINOR_MAX;
    let out_of_range = |amount| Refusal::ExposureOutOfRange(amount);
    for invoice_id in ["1", "2", "3", "4"] {
        book.post(invoice(invoice_id, max));
    }
    assert_eq!(book.position(), (EXPOSURE_MINOR_MAX, 0, 0));
    assert_eq!(book.refused(invoice("5", 1)), out_of_range(1));
    assert_eq!(book.refused(entry(EntryKind::Adjustment, 1)), out_of_range(1));
    for _ in 0..8 {
        book.post(payment(max, &[]));
        if book.counters("a").unallocated == -EXPOSURE_MINOR_MAX {
            break;
        }
    }
    // Outstanding is nil, but what belongs to no invoice has reached its bound.
    assert_eq!(book.position(), (0, 0, 0));
    assert_eq!(book.refused(payment(1, &[])), out_of_range(1));
    for invoice_id in ["1", "2", "3", "4"] {
        book.post(payment(max, &[(invoice_id, max)]));
    }
    assert_eq!(book.position(), (-EXPOSURE_MINOR_MAX, 0, 0));
    assert_eq!(book.refused(payment(1, &[("1", 1)])), out_of_range(1));
}

#[test]
fn one_invoice_stays_within_bounds_however_it_is_moved() {
    let mut book = Book::with_limit(Unlimited);
    let max = AMOUNT_MINOR_MAX;
    let move_by = |invoice_id, amount| {
        let invoice_id = Some(invoice_id);
        Post { invoice_id, ..entry(EntryKind::Adjustment, amount) }
    };
    for _ in 0..4 {
        book.post(move_by("i", max));
        book.post(move_by("j", -max));
    }
    assert_eq!(book.position(), (0, 0, 0));
    assert_eq!(book.refused(move_by("i", 1)), Refusal::ExposureOutOfRange(1));
    assert_eq!(book.refused(invoice("i", 1)), Refusal::ExposureOutOfRange(1));
    assert_eq!(book.refused(move_by("j", -1)), Refusal::ExposureOutOfRange(-1));
    // The parts of one payment add up before they are compared.
    book.post(move_by("j", 1));
    let twice = payment(2, &[("j", 1), ("j", 1)]);
    assert_eq!(book.refused(twice), Refusal::ExposureOutOfRange(2));
    book.post(payment(2, &[("j", 1), ("i", 1)]));
}

#[test]
fn a_claim_makes_room_for_its_own_invoice() {
    let mut book = Book::with_limit(Unlimited);
    for order_id in ["1", "2", "3", "4"] {
        book.hold(order_id, AMOUNT_MINOR_MAX);
    }
    book.run(capture("1", "i")).unwrap();
    book.post(invoice("i", AMOUNT_MINOR_MAX));
    book.post(Post { order_id: Some("2"), ..invoice("j", AMOUNT_MINOR_MAX) });
    assert_eq!(book.position(), (2 * AMOUNT_MINOR_MAX, 0, 2 * AMOUNT_MINOR_MAX));
    let refusal = book.refused(Post { order_id: Some("2"), ..invoice("k", 1) });
    assert_eq!(refusal, Refusal::ExposureOutOfRange(1));
}

#[test]
fn a_payment_may_settle_many_invoices() {
    let mut book = Book::with_100();
    let invoices: Vec<String> = (0..ALLOCATIONS_MAX).map(|i| i.to_string()).collect();
    let parts: Vec<_> = invoices.iter().map(|invoice_id| (&**invoice_id, 1)).collect();
    book.post(payment(ALLOCATIONS_MAX as i64 + 1, &parts));
    assert_eq!(book.state.item_count(), ALLOCATIONS_MAX);
    assert_eq!(book.counters("a").unallocated, -1);
}

#[test]
fn an_order_in_another_currency_is_closed_by_its_invoices_however_the_ledger_rounds() {
    let yen = Currency::parse("JPY").unwrap();
    #[rustfmt::skip]
    let table = [
        // The order's currency, one unit in USD, its parts, and what the ledger makes of each.
        (eur(), "1.0825", &[10_001][..], [&[10_826][..], &[10_827]]),
        (eur(), "1.0825", &[3_333, 3_333, 3_335], [&[3_607, 3_607, 3_610], &[3_608, 3_608, 3_611]]),
        (yen, "0.0065", &[3_333, 3_333, 3_334], [&[2_166, 2_166, 2_167], &[2_167, 2_167, 2_168]]),
    ];
    for (base, rate, parts, invoices) in table {
        for amounts in invoices {
            let mut book = Book::with_limit(Unlimited);
            let (request, currency, source, as_of) = (REQUEST, usd(), "ecb", None);
            let rate = Rate::parse(rate).unwrap();
            book.run(UpsertRate { request, base, currency, rate, source, as_of }).unwrap();
            let order = Order { currency: base, ..order("o", parts.iter().sum()) };
            book.reserved(Reserve { order, ..reserve("", 0) });
            for (invoice_id, amount) in ["i", "j", "k"].into_iter().zip(amounts) {
                assert!(book.order("o").is_open());
                book.post(Post { order_id: Some("o"), ..invoice(invoice_id, *amount) });
            }
            assert!(!book.order("o").is_open(), "{amounts:?}");
            assert_eq!(book.position(), (amounts.iter().sum(), 0, 0));
        }
    }
}
