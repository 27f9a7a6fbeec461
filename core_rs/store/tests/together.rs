//! Adjustments that are approved: all of them are posted, or none.

mod common;

use common::*;
use creditgate_engine::command::{CloseAdjustments, Command, EntryKind, Post, ProposeAdjustments};
use creditgate_engine::entry::Request;
use creditgate_engine::error::Refusal;
use creditgate_store::{ExecuteError, text};

const DIGEST: [u8; 32] = [1; 32];

fn adjustment<'a>(entry_id: &'a str, account_id: &'a str) -> Request<'a> {
    let Command::Post(entry) = invoice(entry_id, account_id, "", 5).command else {
        unreachable!("an invoice is posted");
    };
    let (kind, invoice_id) = (EntryKind::Adjustment, None);
    request(Command::Post(Post { kind, invoice_id, ..entry }))
}

fn approval(id: &str, adjustments: u64) -> Request<'_> {
    let approved = Some(DIGEST);
    let close = CloseAdjustments { request: key(id), adjustments, approved };
    let reason = Some(text::seal([4; 16], "counted again"));
    let request = request(Command::CloseAdjustments(close));
    Request { actor: "second", reason, ..request }
}

#[test]
fn an_entry_that_is_refused_takes_all_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    store.begin(1);
    execute(&mut store, &account("a", "a", limit(100)));
    let propose = ProposeAdjustments { request: key("p"), source: "erp", digest: DIGEST, count: 2 };
    let id = execute(&mut store, &request(Command::ProposeAdjustments(propose))).seq;
    store.commit().expect("there is room");

    store.begin(2);
    let before = execute(&mut store, &reserve("r", "a", "o", 7)).seq;
    let stood = store.state().dump();
    let (good, bad) = (adjustment("good", "a"), adjustment("bad", "nobody"));
    let refused = store.execute_together(&[approval("q", id), good.clone(), bad]);
    let (index, error) = refused.expect_err("nobody has no account");
    assert_eq!(index, 2);
    assert!(matches!(error, ExecuteError::Refused(Refusal::AccountNotFound(_))));
    assert_eq!(store.state().dump(), stood);

    // The names that it had are free, and so are its places in the journal.
    let both = [approval("q", id), good.clone(), adjustment("better", "a")];
    let answer = store.execute_together(&both).expect("both can be posted");
    assert_eq!((answer.seq, answer.replayed), (before + 1, false));
    store.commit().expect("there is room");
    let again = store.execute(&both[0]).expect("it was answered");
    assert!(again.replayed && again.seq == answer.seq);
    assert!(execute(&mut store, &good).replayed, "an entry is posted once");

    let after = store.state().dump();
    drop(store);
    let (store, _) = open(folder.path());
    assert_eq!(store.state().dump(), after);
    assert_eq!(after.accounts[0].1.outstanding, 10);
    assert!(after.adjustments.is_empty());
}
