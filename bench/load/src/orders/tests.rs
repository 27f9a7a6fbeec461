use clap::Parser;

use super::*;
use crate::{
    options::Options,
    testing::{Approver, Reply, serve},
};

async fn play(
    arguments: &str,
    answer: impl Fn(&str, bytes::Bytes) -> Reply + Clone + Send + Sync + 'static,
) -> Report {
    let target = serve(answer).await;
    let line = format!("creditgate-load --target {target} --warmup-seconds 0 {arguments}");
    run(&Options::parse_from(line.split_whitespace()).load).await.unwrap()
}

#[tokio::test]
async fn single_orders_are_all_new_and_all_counted() {
    let server = Approver::default();
    let answer = server.clone();
    let report =
        play("--seconds 600 --orders 200 --in-flight 8 --accounts 5", move |path, request| {
            answer.answer(path, request)
        })
        .await;
    assert_eq!(report.outcomes["approved"], 200, "{:?}", report.outcomes);
    assert_eq!((report.outcomes["declined"], report.decisions, report.calls), (0, 200, 200));
    assert_eq!(report.journal_seq_max, report.approved_in_all);
    assert_eq!(server.accounts.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn batches_on_the_hot_account_count_every_order() {
    let server = Approver::default();
    let answer = server.clone();
    let arguments = "--seconds 600 --orders 2000 --call batch --batch 100 --in-flight 2 --hot";
    let report = play(arguments, move |path, request| answer.answer(path, request)).await;
    assert_eq!((report.outcomes["approved"], report.calls), (2_000, 20));
    assert_eq!(server.accounts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn approved_orders_are_released_when_asked_for() {
    let server = Approver::default();
    let report = play("--seconds 600 --orders 20 --in-flight 2 --close", move |path, request| {
        server.answer(path, request)
    })
    .await;
    assert_eq!((report.released, report.not_released), (20, 0));
}

#[tokio::test]
async fn an_open_loop_offers_what_was_asked_for_whatever_the_answers() {
    let report = play("--seconds 0.5 --rate 400", |_, _| Err(8)).await;
    assert_eq!(report.calls, 200);
    assert_eq!(report.outcomes["RESOURCE_EXHAUSTED"], 200);
    assert_eq!((report.decisions, report.decisions_per_s), (0, 0.0));
}

#[tokio::test]
async fn an_open_loop_is_bounded_where_answers_do_not_come() {
    let load = "--seconds 0.2 --rate 100 --outstanding-max 3";
    let target = serve(|_, _| Err(8)).await;
    let line = format!("creditgate-load --target {target} --warmup-seconds 0 {load}");
    let load = Options::parse_from(line.split_whitespace()).load;
    let source = Source { names: Names::of_run("bound"), seed: 1, accounts: 1 };
    let run = Arc::new(Run::connect(&load, source).await.unwrap());
    // Three calls that are on their way for as long as this test wants.
    run.outstanding.store(3, Ordering::Relaxed);
    open_loop(&run, Schedule::new(100.0)).await;
    assert_eq!(run.record().outcomes.refused["NOT_SENT"], 20);
}

#[tokio::test]
async fn a_call_that_is_never_answered_is_not_lost() {
    let load = Options::parse_from(["creditgate-load", "--warmup-seconds", "0"]).load;
    let target = serve(|_, _| Err(8)).await;
    let source = Source { names: Names::of_run("lost"), seed: 1, accounts: 1 };
    let run = Run::connect(&Load { target, ..load }, source).await.unwrap();
    // Polled once, so that it is on its way, and then dropped.
    tokio::select! {
        biased;
        _ = run.call(Duration::ZERO) => panic!("no answer can be there yet"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(run.record().outcomes.refused["NO_ANSWER"], 1);
    assert_eq!(run.outstanding.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn callers_stop_when_the_server_is_gone() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // Each connection ends with its first call.
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                drop(connection.accept().await);
            });
        }
    });
    let line = format!("creditgate-load --target {target} --warmup-seconds 0 --seconds 3600");
    let report = run(&Options::parse_from(line.split_whitespace()).load).await.unwrap();
    assert_eq!(report.outcomes["UNAVAILABLE"], 64);
}

#[tokio::test]
async fn callers_go_on_where_a_call_alone_was_refused() {
    let report = play("--seconds 600 --orders 10 --in-flight 2", |_, _| Err(14)).await;
    assert_eq!(report.outcomes["UNAVAILABLE"], 10);
}

#[tokio::test]
async fn a_run_ends_after_so_many_orders() {
    for pace in ["--in-flight 3", "--rate 10000"] {
        let server = Approver::default();
        let arguments = format!("--seconds 600 --orders 50 {pace}");
        let report = play(&arguments, move |path, request| server.answer(path, request)).await;
        assert_eq!(report.approved_in_all, 50, "{pace}");
    }
}
