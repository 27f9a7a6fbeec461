//! Times of the steps of an order. `cargo test` runs each once, on the small book alone.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use creditgate_engine::apply::apply;
use creditgate_engine::decide::decide;
use creditgate_micro::BATCH;
use creditgate_micro::book::{Book, commit_of_batch, decided, state};
use creditgate_micro::calls::{CheckAndReserve, Desk, batch, method, refused_batch};
use creditgate_micro::orders::{NOW, Orders, reserve};
use creditgate_store::{append_value, encode_commit};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;

const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;

/// On the disk that the sources are on: a commit to memory would be none.
const DISK: &str = env!("CARGO_TARGET_TMPDIR");

/// Whether times are asked for, or only that it runs.
fn measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

fn books() -> &'static [usize] {
    if measured() { &[SMALL, LARGE] } else { &[SMALL] }
}

fn decide_and_apply(criterion: &mut Criterion) {
    for accounts in books() {
        let (mut state, mut orders) = (state(*accounts), Orders::of(*accounts));
        criterion.bench_function(&format!("decide/{accounts}"), |bencher| {
            bencher.iter_batched(
                || orders.next(),
                |ids| {
                    let request = reserve(&ids);
                    black_box(decide(&state, 1, NOW, &request)).is_ok()
                },
                BatchSize::SmallInput,
            );
        });
        criterion.bench_function(&format!("apply/{accounts}"), |bencher| {
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    let ids = orders.next();
                    let (entry, mark) = (decided(&state, 1, &reserve(&ids)), state.mark());
                    let begin = Instant::now();
                    entry.events.iter().for_each(|event| apply(&mut state, NOW, event));
                    spent += begin.elapsed();
                    state.undo(mark);
                }
                spent
            });
        });
    }
}

fn encode(criterion: &mut Criterion) {
    let (state, ids) = (state(SMALL), Orders::of(SMALL).next());
    let entry = decided(&state, 1, &reserve(&ids));
    let mut bytes = Vec::new();
    criterion.bench_function("encode/entry", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            append_value(&mut bytes, black_box(&entry));
        });
    });
    let (head, entries) = commit_of_batch();
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(entries.len() as u64));
    group.bench_function("commit_1000", |bencher| {
        bencher.iter(|| encode_commit(black_box(&head), &entries));
    });
}

fn store(criterion: &mut Criterion) {
    for accounts in books() {
        let mut book = Book::open(Path::new(DISK), *accounts);
        let mut orders = Orders::of(*accounts);
        criterion.bench_function(&format!("execute/{accounts}"), |bencher| {
            bencher.iter_custom(|times| timed(&mut book, &mut orders, times, BATCH).0);
        });
        let mut group = criterion.benchmark_group("commit");
        group.sample_size(20);
        for each in [1, BATCH] {
            group.bench_function(format!("{each}/{accounts}"), |bencher| {
                bencher.iter_custom(|times| {
                    timed(&mut book, &mut orders, times * each as u64, each).1
                });
            });
        }
    }
}

/// Executes `count` orders, `each` to a commit; what executing took, and what committing.
fn timed(book: &mut Book, orders: &mut Orders, count: u64, each: usize) -> (Duration, Duration) {
    let (mut executing, mut committing) = (Duration::ZERO, Duration::ZERO);
    let mut left = count as usize;
    while left > 0 {
        let ids = orders.take(each.min(left));
        let requests: Vec<_> = ids.iter().map(reserve).collect();
        let begin = Instant::now();
        book.execute(&requests);
        let executed = Instant::now();
        book.commit();
        committing += executed.elapsed();
        executing += executed - begin;
        left -= requests.len();
    }
    (executing, committing)
}

fn service(criterion: &mut Criterion) {
    let mut orders = Orders::of(SMALL);
    let desk = Desk::open(Path::new(DISK), SMALL);
    let mut group = criterion.benchmark_group("service");
    group.sample_size(30);
    group.bench_function("handover", |bencher| {
        bencher.iter(|| desk.call(method("GetTime"), Vec::new()));
    });
    group.bench_function("order", |bencher| {
        bencher.iter_batched(
            || CheckAndReserve::of(&orders.next()).encode_to_vec(),
            |request| desk.call(method("CheckAndReserve"), request),
            BatchSize::SmallInput,
        );
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    let refused = refused_batch(&orders.take(BATCH));
    group.bench_function("decode_batch_1000", |bencher| {
        bencher.iter(|| desk.call(method("BatchCheckAndReserve"), refused.clone()));
    });
    group.bench_function("batch_1000", |bencher| {
        bencher.iter_batched(
            || batch(&orders.take(BATCH)),
            |request| desk.call(method("BatchCheckAndReserve"), request),
            BatchSize::LargeInput,
        );
    });
}

criterion_group!(steps, decide_and_apply, encode, store, service);
criterion_main!(steps);
