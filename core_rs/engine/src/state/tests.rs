use super::dump::Dump;
use super::{AccountRows, Restore, State, Sums};
use crate::apply::apply;
use crate::bounds::PARENT_DEPTH_MAX;
use crate::command::*;
use crate::decide::decide;
use crate::model::Status;
use crate::outcome::{Outcome, Upserted};
use crate::testing::*;
use crate::values::LimitKind::{Amount, Unlimited};
use crate::values::{Micros, ReservationId, Slot};

/// A book with something of everything.
fn book() -> Book {
    let mut book = Book::with_limit(Unlimited);
    for head in ["head", "other"] {
        book.run(UpsertAccount { shared_limit: Some(Some(1_000)), ..account(head) }).unwrap();
    }
    let segment = UpsertSegment {
        request: REQUEST,
        segment_id: "s",
        currency: usd(),
        limit: Some(limit(Unlimited)),
        cap: None,
    };
    book.run(segment.clone()).unwrap();
    let below = UpsertAccount { parent_id: Some("head"), segment_id: Some("t"), ..account("a") };
    let capped = UpsertSegment { segment_id: "t", cap: Some(Some(1_000)), ..segment };
    book.run(capped).unwrap();
    book.run(below).unwrap();
    book.hold("open", 10);
    book.hold("closed", 10);
    book.run(release("closed")).unwrap();
    book.hold("shipped", 10);
    book.run(capture("shipped", "captured")).unwrap();
    book.post(Post { position: 3, ..invoice("settled", 10) });
    book.post(payment(10, &[("settled", 10)]));
    book
}

/// A command of every kind, each of which changes something in [`book`].
fn commands() -> Vec<Command<'static>> {
    let segment = |segment_id, kind| UpsertSegment {
        request: REQUEST,
        segment_id,
        currency: usd(),
        limit: Some(limit(kind)),
        cap: None,
    };
    let orders = vec![order("all 1", 5), order("closed", 5)];
    vec![
        reserve("new", 7).into(),
        reserve("closed", 7).into(),
        ReserveAll { request: REQUEST, orders }.into(),
        Adjust { ttl: ttl(Some(9)), ..adjust("open", 12) }.into(),
        adjust("open", 3).into(),
        adjust("closed", 3).into(),
        CaptureOrder { amount: Some(4), last: true, ..capture("open", "captured") }.into(),
        release("open").into(),
        account("new").into(),
        UpsertAccount { segment_id: Some("s"), ..account("a") }.into(),
        UpsertAccount { shared_limit: Some(Some(900)), ..account("a") }.into(),
        UpsertAccount { parent_id: Some("other"), ..account("a") }.into(),
        UpsertAccount { parent_id: Some(""), ..account("a") }.into(),
        segment("s", Amount(4)).into(),
        UpsertSegment { cap: Some(Some(4)), ..segment("s", Amount(4)) }.into(),
        UpsertSegment { cap: Some(None), ..segment("t", Amount(4)) }.into(),
        segment("new", Amount(4)).into(),
        status("a", Status::Closed).into(),
        Post { position: 9, order_id: Some("open"), ..invoice("new", 10) }.into(),
        invoice("captured", 10).into(),
        Post { source: "new", position: 1, ..payment(10, &[("settled", 3), ("ahead", 3)]) }.into(),
        Housekeep { closed_before: Micros::MAX, closed_count_max: 0 }.into(),
    ]
}

fn step(book: &mut Book, command: &Command<'_>) {
    let request = book.request(command.clone());
    let (_, events) = decide(&book.state, book.seq + 1, book.now, &request).unwrap();
    assert!(!events.is_empty(), "{command:?}");
    for event in &events {
        apply(&mut book.state, book.now, event);
    }
    book.seq += 1;
}

#[test]
fn undo_takes_back_every_change_of_every_command() {
    for command in commands() {
        let mut book = book();
        let before = book.state.dump();
        let mark = book.state.mark();
        step(&mut book, &command);
        assert_ne!(book.state.dump(), before, "{command:?}");
        book.state.undo(mark);
        assert_eq!(book.state.dump(), before, "{command:?}");
    }
}

#[test]
fn undo_comes_back_to_any_mark_of_a_batch() {
    let mut book = book();
    book.now += DAY;
    let mut marks = Vec::new();
    let moves = ["other", "", "head"]
        .map(|parent| UpsertAccount { parent_id: Some(parent), ..account("a") }.into());
    let joins = ["", "s", "t"].map(|segment_id| {
        let parent_id = Some("other");
        UpsertAccount { parent_id, segment_id: Some(segment_id), ..account("a") }.into()
    });
    let commands = [commands().pop().unwrap(), account("new").into(), reserve("closed", 7).into()]
        .into_iter()
        .chain(moves)
        .chain(joins)
        .chain([adjust("closed", 9).into(), release("closed").into(), reserve("closed", 1).into()]);
    for command in commands {
        marks.push((book.state.mark(), book.state.dump()));
        step(&mut book, &command);
    }
    for (mark, dump) in marks.into_iter().rev() {
        book.state.undo(mark);
        assert_eq!(book.state.dump(), dump);
    }
}

#[test]
fn settling_names_the_accounts_that_changed_and_forgets_how_to_undo() {
    let mut book = book();
    step(&mut book, &account("b").into());
    step(&mut book, &reserve("new", 7).into());
    let other = Order { account_id: "nobody", ..order("o", 5) };
    let request = book.request(Reserve { order: other, ..reserve("", 0) });
    assert!(decide(&book.state, book.seq + 1, book.now, &request).is_err());
    let dump = book.state.dump();
    let mut seen: Vec<Slot> = Vec::new();
    book.state.touched_since(0, |slot| seen.push(slot));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [0, 3]);
    book.state.settle(book.state.mark());
    assert_eq!(book.state.mark(), 0);
    book.state.undo(0);
    assert_eq!(book.state.dump(), dump);
    book.state.touched_since(0, |slot| panic!("slot {slot} has not changed since"));
}

/// A state of these rows.
fn put_back(dump: &Dump) -> State {
    let mut restored = State::default();
    for segment in &dump.segments {
        restored.restore_segment(segment.clone());
    }
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
    for (source, position) in &dump.sources {
        restored.restore_source(source, *position);
    }
    restored
}

#[test]
fn a_state_put_back_row_by_row_is_the_same() {
    let mut book = book();
    book.hold("closed", 10);
    book.post(payment(10, &[("ahead", 3)]));
    let dump = book.state.dump();
    let mut restored = put_back(&dump);
    assert!(restored.add_up() && restored.sum_up());
    assert_eq!(restored.dump(), dump);
    assert_eq!(restored.sums(), book.state.sums());
    assert!(restored.adds_up());
    assert_eq!(restored.mark(), 0);
}

#[test]
fn a_tree_from_before_depths_were_bounded_is_taken_and_loaded_again() {
    let mut book = Book::empty();
    let ids: Vec<String> = (0..=PARENT_DEPTH_MAX + 2).map(|i| i.to_string()).collect();
    ids.iter().for_each(|id| drop(book.run(account(id)).unwrap()));
    let mut dump = book.state.dump();
    for (slot, (account, _)) in (0..).zip(&mut dump.accounts) {
        account.parent = Some(slot + 1).filter(|above| (*above as usize) < ids.len());
    }
    book.state = put_back(&dump);
    assert!(book.state.add_up() && book.state.sum_up());
    for pair in ids.windows(2) {
        let again = UpsertAccount { parent_id: Some(&pair[1]), ..account(&pair[0]) };
        assert_eq!(book.run(again), Ok(Outcome::Upserted(Upserted::Unchanged)));
    }
}

#[test]
fn accounts_that_were_put_back_in_a_circle_are_found() {
    let dump = book().state.dump();
    let under = |slot: usize, parent| {
        let mut altered = dump.clone();
        altered.accounts[slot].0.parent = Some(parent);
        let mut restored = put_back(&altered);
        assert!(restored.add_up());
        restored.sum_up()
    };
    // "a" stands below "head".
    let (a, head) = (0, 1);
    assert!(under(head as usize, 2));
    assert!(!under(head as usize, a));
    assert!(!under(head as usize, head));
}

#[test]
fn a_row_that_was_altered_lost_or_moved_shows_in_the_sums() {
    let mut book = book();
    step(&mut book, &account("b").into());
    book.hold("kept", 10);
    book.post(payment(10, &[("ahead", 3)]));
    let (dump, sums) = (book.state.dump(), book.state.sums());
    assert_eq!(Sums::from_bytes(sums.to_bytes()), sums);
    let first = *dump.reservations.iter().find(|(_, row)| row.is_open()).expect("one is open").0;
    type Change = fn(&mut Dump, ReservationId);
    let changes: [Change; 5] = [
        |dump, id| dump.reservations.get_mut(&id).expect("it is there").open ^= 1 << 62,
        |dump, id| dump.reservations.get_mut(&id).expect("it is there").slot ^= 1,
        |dump, id| drop(dump.reservations.remove(&id)),
        |dump, _| dump.accounts[0].1.unallocated -= 1,
        |dump, _| dump.items.retain(|_, item| item.open == 0 && item.captured == 0),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut altered = dump.clone();
        change(&mut altered, first);
        let mut restored = put_back(&altered);
        assert!(restored.add_up(), "change {number}: every row has an owner");
        assert_ne!(restored.sums(), sums, "change {number}");
    }
    let mut orphaned = dump.clone();
    orphaned.reservations.get_mut(&first).expect("it is there").slot = 7;
    assert!(!put_back(&orphaned).add_up());
}
