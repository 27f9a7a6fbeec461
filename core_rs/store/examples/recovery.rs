//! How long a start takes: fills a store where there is none, then opens it.
//!
//!     cargo run --release -p creditgate-store --example recovery -- FOLDER ACCOUNTS OPEN TAIL
//!
//! ACCOUNTS accounts and OPEN open reservations are in the tables; the TAIL of entries after them
//! is not: orders, of which every second is released again.

use std::path::Path;
use std::time::Instant;

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Random, account, execute, limit, release, reserve};
use creditgate_store::{Options, Store};

const COMMIT: u64 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, accounts, open, tail] = &arguments[..] else {
        panic!("arguments: FOLDER ACCOUNTS OPEN TAIL");
    };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let folder = Path::new(folder);
    if !folder.exists() {
        fill(folder, number(accounts), number(open), number(tail));
    }
    let started = Instant::now();
    let (_, recovery) = Store::open(folder, Options::default()).expect("it opens");
    println!("{:?} in {:?}", recovery, started.elapsed());
}

fn fill(folder: &Path, accounts: u64, open: u64, tail: u64) {
    let (mut store, _) = Store::open(folder, Options::default()).expect("it opens");
    let mut follower = store.follower().expect("it starts");
    let mut random = Random(1);
    let account_id = |n: u64| format!("bench-{n:010}");
    let mut fold = |store: &Store| {
        while follower.fold(store.committed_seq()).expect("it folds") {}
        follower.flush().expect("there is room");
    };
    commits(
        &mut store,
        accounts,
        |store, n| {
            execute(
                store,
                &account(&format!("account-{n:08}"), &account_id(n), limit(1_000_000_000)),
            );
            n.is_multiple_of(200_000)
        },
        &mut fold,
    );
    commits(
        &mut store,
        open,
        |store, n| {
            let request_id = format!("{:016x}", random.next());
            let id = format!("order-{n:010}");
            execute(store, &reserve(&request_id, &account_id(random.below(accounts)), &id, 100));
            n.is_multiple_of(100_000)
        },
        &mut fold,
    );
    fold(&store);
    let mut last = (String::new(), String::new());
    commits(
        &mut store,
        tail,
        |store, n| {
            if n.is_multiple_of(2) {
                last = (account_id(Random(n).below(accounts)), format!("tail-{n:011}"));
                execute(store, &reserve(&format!("{n:016}"), &last.0, &last.1, 100));
            } else {
                execute(store, &release(&format!("{n:016}"), &last.0, &last.1));
            }
            false
        },
        &mut fold,
    );
}

/// Executes `count` steps in commits; folds after the commit of a step that asks for it.
fn commits(
    store: &mut Store,
    count: u64,
    mut step: impl FnMut(&mut Store, u64) -> bool,
    fold: &mut impl FnMut(&Store),
) {
    let mut wants_fold = false;
    for n in 0..count {
        if store.has_pending() && n.is_multiple_of(COMMIT) {
            store.commit().expect("there is room");
            if std::mem::take(&mut wants_fold) {
                fold(store);
            }
        }
        store.begin(n as i64);
        wants_fold |= step(store, n);
    }
    store.commit().expect("there is room");
}
