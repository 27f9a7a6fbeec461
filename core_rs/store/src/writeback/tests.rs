use creditgate_engine::apply::apply;
use creditgate_engine::event::Event;
use creditgate_engine::model::{
    Approval, Backing, Conditions, Hold, HoldKind, Proposal, RollingLimit, TemporaryLimit,
    TemporaryLimitKind, Verification,
};
use creditgate_engine::terms::InvoiceDates;
use creditgate_engine::values::{Currency, Day, Limit};

use super::*;

/// Rows are read for years: where a change breaks this, tables of before are read wrongly,
/// unless they are of another format.
#[test]
fn what_stands_beside_an_account_is_written_as_it_always_was() {
    const DAY: i64 = 86_400_000_000;
    let mut rolling_limit = RollingLimit::begin(500, 2, -7, 0);
    rolling_limit.note(DAY, 10);
    rolling_limit.note(2 * DAY + 5, 1);
    let mut conditions = Conditions::default();
    conditions.rolling_limit = Some(Box::new(rolling_limit));
    conditions.place(Hold {
        id: "h".into(),
        kind: HoldKind::Bureau,
        source: "s".into(),
        until: Some(9),
        placed_at: 8,
        reason: Some("why".into()),
    });
    conditions.set_temporary_limit(TemporaryLimit {
        id: "t".into(),
        kind: TemporaryLimitKind::Insurance,
        amount: 3,
        first: Day(1),
        last: Day(2),
    });
    let mut backing = Backing::default();
    let (reference, source) = ("v".into(), "b".into());
    let (date, score, document) = (Day(3), Some(700), Some([9; 32]));
    let (by, at) = ("r".into(), 4);
    backing.record(Verification { reference, source, date, score, document, by, at });
    backing.propose(Proposal {
        id: 300,
        limit: Limit::INHERIT,
        verification: Some("v".into()),
        by: "p".into(),
        at: 7,
        reason: Some("why".into()),
        from: Limit::INHERIT,
    });
    let (by, verification) = (Some("q".into()), Some("v".into()));
    backing.approve(Approval { by, at: 6, verification, base: Some(5) });
    conditions.backing = Some(Box::new(backing));
    let mut bytes = Vec::new();
    encode(&mut bytes, &conditions);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "949196a168a6627572656175a1730908a37768799195a174a9696e737572616e63650301029\
                    7cd01f40204cf000000283baec00592000fc39292ffcfffffff732f1c60009200cf0000003c\
                    59862000949197a176a16203cd02bcc42009090909090909090909090909090909090909090\
                    90909090909090909090909a172049197cd012c92a7696e6865726974c0a176a17007a3776879\
                    92a7696e6865726974c094a17106a17605a176";
    assert_eq!(hex, expected);
    assert_eq!(crate::unpack::read::<Conditions>(&bytes).expect("it was written"), conditions);
    // As rows were written before limits stood on anything.
    let hex = "939196a168a6627572656175a1730908a37768799195a174a9696e737572616e63650301029\
               7cd01f40204cf000000283baec00592000fc39292ffcfffffff732f1c60009200cf0000003\
               c59862000";
    let digits = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16);
    let bytes: Result<Vec<u8>, _> = (0..hex.len()).step_by(2).map(digits).collect();
    conditions.backing = None;
    let read = crate::unpack::read::<Conditions>(&bytes.expect("digits"));
    assert_eq!(read.expect("it was written"), conditions);
    let mut bytes = Vec::new();
    encode(&mut bytes, &conditions);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "939196a168a6627572656175a1730908a37768799195a174a9696e737572616e63650301029\
                    7cd01f40204cf000000283baec00592000fc39292ffcfffffff732f1c60009200cf0000003\
                    c59862000";
    assert_eq!(hex, expected);
    assert_eq!(crate::unpack::read::<Conditions>(&bytes).expect("it was written"), conditions);
}

const INVOICE: &str = "i";

fn opened() -> Event<'static> {
    Event::AccountSet {
        slot: 0,
        account_id: "a",
        currency: Currency::parse("USD").expect("three capital letters"),
        parent: None,
        segment: None,
        limit: Limit::INHERIT,
        max_order: 0,
        name: None,
        shared_limit: None,
    }
}

fn posted(issued: Option<Day>, due: Option<Day>) -> Event<'static> {
    let (order_id, invoice_id) = (Some("o"), INVOICE);
    Event::ItemPosted { slot: 0, invoice_id, amount: 60, order_id, issued, due, grace_days: 0 }
}

/// The invoice after these events, each batch of which is written by itself.
fn written(batches: &[&[Event<'_>]]) -> Option<Item> {
    let folder = tempfile::tempdir().expect("a folder");
    let tables = Tables::open_or_make(folder.path().join("tables"), 1 << 20).expect("it opens");
    tables.clear().expect("there is room");
    for events in batches {
        let mut changes = Changes::default();
        let below = TablesTxn { tables: &tables, rtxn: tables.read_txn().expect("it reads") };
        let mut rows = Overlay::new(below, &mut changes);
        events.iter().for_each(|event| apply(&mut rows, 5, event));
        rows.finish().expect("it reads");
        let mut wtxn = tables.write_txn().expect("it writes");
        changes.write(&tables, &mut wtxn).expect("there is room");
        wtxn.commit().expect("there is room");
    }
    let read = TablesTxn { tables: &tables, rtxn: tables.read_txn().expect("it reads") };
    read.item(0, INVOICE).expect("it reads")
}

#[test]
fn the_tables_keep_of_an_item_also_what_no_decision_depends_on() {
    let (issued, due) = (Some(Day(1)), Some(Day(31)));
    let paid = Event::ItemMoved { slot: 0, invoice_id: INVOICE, amount: -60 };
    let (opened, posted) = (opened(), posted(issued, due));
    let expected = Item {
        order_id: Some("o".into()),
        posted: true,
        issued,
        due,
        settled_at: 5,
        ..Item::new(0, INVOICE, 5)
    };
    // Paid in the same batch, and in a later one, when it is read from the tables again.
    let first = [opened, posted];
    let both = [&first[..], std::slice::from_ref(&paid)].concat();
    assert_eq!(written(&[&both]).as_ref(), Some(&expected));
    assert_eq!(written(&[&first, &[paid]]), Some(expected));
}

#[test]
fn an_item_keeps_the_dates_of_its_capture_until_the_ledger_tells_others() {
    let reservation = 1_024;
    let reserved = Event::Reserved {
        reservation,
        slot: 0,
        order_id: "o",
        amount: 60,
        expires_at: 9,
        details: None,
        channel: "web",
    };
    let dates = Some(InvoiceDates { issued: Day(1), due: Day(31), grace_days: 3 });
    let captured = Event::Captured { reservation, invoice_id: INVOICE, amount: 60, dates };
    let claimed = Event::Claimed { slot: 0, invoice_id: INVOICE, amount: 60 };
    let first = [opened(), reserved, captured];
    let found = |issued, due| {
        let item = written(&[&first, &[claimed.clone(), posted(issued, due)]]);
        let item = item.expect("it was posted");
        assert_eq!((item.posted, item.grace_days), (true, 3));
        (item.issued, item.due)
    };
    let days = |issued, due| (Some(Day(issued)), Some(Day(due)));
    assert_eq!(found(None, None), days(1, 31));
    assert_eq!(found(Some(Day(2)), Some(Day(40))), days(2, 40));
    assert_eq!(found(None, Some(Day(40))), days(1, 40));
}
