use std::cell::Cell;

use creditgate_engine::command::{PutPolicy, RequestKey};
use creditgate_engine::entry::Request;
use creditgate_store::{Options, Store};

use super::*;

const COMMITS: u64 = 5;

/// A store of so many commits, none of which is about an order.
fn store(folder: &std::path::Path) -> Store {
    let map_size_bytes = 1 << 28;
    let options = Options {
        journal_map_size_bytes: map_size_bytes,
        tables_map_size_bytes: map_size_bytes,
        ..Options::default()
    };
    let (mut store, _) = Store::open(folder, options).expect("the store opens");
    for seq in 1..=COMMITS {
        let request = RequestKey { id: &seq.to_string(), row: 0, call: 0 };
        let command = Command::PutPolicy(PutPolicy { request, text: "" });
        let request = Request { command, actor: "anna", channel: "", reason: None };
        store.begin(seq as Micros);
        store.execute(&request).expect("it is decided");
        store.commit().expect("there is room");
    }
    store
}

#[test]
fn a_search_ends_with_the_commit_after_which_nobody_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let (account_id, order_id) = ("a".to_owned(), "o".to_owned());
    let order = Sought::Order { account_id, order_id, reservation: None };
    // It asks once beforehand, and then at each commit.
    for (patience, is_over) in [(0, true), (1, true), (3, true), (COMMITS + 1, false)] {
        let asked = Cell::new(0);
        let waits = || {
            asked.set(asked.get() + 1);
            asked.get() <= patience
        };
        match find(store.journal(), &order, COMMITS, waits) {
            Ok(None) => assert!(is_over, "after {patience}"),
            Ok(Some(_)) => panic!("there is no order"),
            Err(fault) => assert_eq!((fault.reason, is_over), ("DECISION_NOT_FOUND", false)),
        }
        assert_eq!(asked.get(), patience + u64::from(is_over));
    }
}

#[test]
fn whoever_has_more_time_than_the_search_is_told_what_is_shorter() {
    let (account_id, order_id) = ("a".to_owned(), "o".to_owned());
    let sought = Sought::Order { account_id, order_id, reservation: None };
    let message = sought.given_up(Duration::from_secs(5)).message;
    assert!(message.starts_with("order_id o was looked for among the last 100000"), "{message}");
    assert!(message.contains("for 5 s") && message.contains("journal_seq"), "{message}");
}
