//! `creditgate-count STEP TIMES`: does one step so many times, for callgrind to count.
//!
//! Two runs that differ in nothing but TIMES differ by what the step takes, in all threads
//! together: what is prepared, and how the process begins and ends, cancels out.

use std::hint::black_box;
use std::process::ExitCode;

use creditgate_engine::apply::apply;
use creditgate_engine::decide::decide;
use creditgate_engine::state::State;
use creditgate_micro::BATCH;
use creditgate_micro::book::{Book, commit_of_batch, decided, families, ruled, state};
use creditgate_micro::calls::{Desk, method, refused_batch};
use creditgate_micro::orders::{NOW, Orders, reserve};
use creditgate_store::{append_value, encode_commit};

/// Enough that rows are not all in one place, few enough to open quickly under valgrind.
const ACCOUNTS: usize = 1_000;

/// Most that TIMES may be; so much is prepared whatever it is.
const TIMES_MAX: usize = 1_000;

/// Its name, and what does it so many times.
type Step = (&'static str, fn(usize));

const STEPS: &[Step] = &[
    ("decide", |times| decide_orders(&state(ACCOUNTS), times)),
    ("decide_levels", |times| decide_orders(&families(ACCOUNTS), times)),
    ("decide_policy", |times| decide_orders(&ruled(ACCOUNTS), times)),
    ("apply", |times| apply_orders(state(ACCOUNTS), times)),
    ("apply_levels", |times| apply_orders(families(ACCOUNTS), times)),
    ("apply_policy", |times| apply_orders(ruled(ACCOUNTS), times)),
    ("encode_entry", encode_entries),
    ("encode_commit_1000", encode_commits),
    ("execute", execute_orders),
    ("repeat", repeat_orders),
    ("execute_commit_1", |times| execute_and_commit(times, 1)),
    ("execute_commit_1000", |times| execute_and_commit(times, BATCH)),
    ("decode_batch_1000", decode_batches),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let step = arguments.next().and_then(|name| STEPS.iter().find(|step| step.0 == name));
    let times = arguments.next().and_then(|times| times.parse().ok());
    let times = times.filter(|times| *times <= TIMES_MAX);
    let (Some((_, run)), Some(times)) = (step, times) else {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: creditgate-count STEP TIMES; steps: {}", names.join(" "));
        return ExitCode::FAILURE;
    };
    run(times);
    ExitCode::SUCCESS
}

fn decide_orders(state: &State, times: usize) {
    let orders = Orders::of(ACCOUNTS).take(TIMES_MAX);
    for ids in &orders[..times] {
        let request = black_box(reserve(ids));
        let _ = black_box(decide(state, 1, NOW, &request));
    }
}

fn apply_orders(mut state: State, times: usize) {
    let orders = Orders::of(ACCOUNTS).take(TIMES_MAX);
    let numbered = orders.iter().zip(1..);
    let entries: Vec<_> = numbered.map(|(ids, seq)| decided(&state, seq, &reserve(ids))).collect();
    for event in entries[..times].iter().flat_map(|entry| &entry.events) {
        apply(&mut state, NOW, black_box(event));
    }
}

fn encode_entries(times: usize) {
    let (state, ids) = (state(ACCOUNTS), Orders::of(ACCOUNTS).next());
    let entry = decided(&state, 1, &reserve(&ids));
    let mut bytes = Vec::with_capacity(1 << 20);
    for _ in 0..times {
        append_value(&mut bytes, black_box(&entry));
    }
}

/// What a commit puts around entries that are encoded: head and digest.
fn encode_commits(times: usize) {
    let (head, entries) = commit_of_batch();
    for _ in 0..times {
        black_box(encode_commit(black_box(&head), &entries));
    }
}

fn execute_orders(times: usize) {
    let orders = Orders::of(ACCOUNTS).take(TIMES_MAX);
    let mut book = Book::open(&std::env::temp_dir(), ACCOUNTS);
    for ids in &orders[..times] {
        book.execute(&[reserve(ids)]);
    }
}

fn repeat_orders(times: usize) {
    let orders = Orders::of(ACCOUNTS).take(TIMES_MAX);
    let requests: Vec<_> = orders.iter().map(reserve).collect();
    let mut book = Book::open(&std::env::temp_dir(), ACCOUNTS);
    book.execute(&requests);
    book.commit();
    book.execute(&requests[..times]);
}

fn execute_and_commit(times: usize, orders_each: usize) {
    let mut orders = Orders::of(ACCOUNTS);
    let mut book = Book::open(&std::env::temp_dir(), ACCOUNTS);
    for _ in 0..times {
        for ids in orders.take(orders_each) {
            book.execute(&[reserve(&ids)]);
        }
        book.commit();
    }
}

fn decode_batches(times: usize) {
    let desk = Desk::open(&std::env::temp_dir(), 0);
    let request = refused_batch(&Orders::of(ACCOUNTS).take(BATCH));
    for _ in 0..times {
        let refused = desk.call(method("BatchCheckAndReserve"), request.clone());
        assert_ne!(refused.code, 0, "the last order's amount is wrong");
    }
}
