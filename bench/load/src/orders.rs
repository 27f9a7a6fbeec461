//! The load of orders: closed loop or open loop.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Error, bulk,
    channel::{Channel, Route, Status},
    names::Names,
    options::{Call, Load},
    record::{Done, Record, Window},
    replies::Outcomes,
    report::{self, Report},
    requests::{self, Source, Template, Terms},
    schedule::{Pacer, Schedule},
};

const SERVICE: &str = "/creditgate.v1.CreditDecisionService";

/// How long the answers to the last calls are waited for.
const GRACE: Duration = Duration::from_secs(10);

/// What all calls of a run share.
struct Run {
    load: Load,
    channels: Vec<Channel>,
    place: Route,
    release: Route,
    template: Template,
    source: Source,
    next_order: AtomicU64,
    next_channel: AtomicUsize,
    outstanding: AtomicUsize,
    start: Instant,
    record: Mutex<Record>,
}

/// Play the load to its end.
pub async fn run(load: &Load) -> Result<Report, Error> {
    let names = Names::of_run_or_new(load.run_id.as_deref());
    let accounts = if load.hot { 1 } else { load.accounts };
    if load.prepare {
        bulk::prepare(&load.target, accounts).await?;
    }
    let source = Source { names, seed: load.seed, accounts };
    let run = Arc::new(Run::connect(load, source).await?);
    let cpu_before = report::cpu_s();
    match load.rate {
        None => closed_loop(&run).await,
        Some(rate) => open_loop(&run, Schedule::new(rate)).await,
    }
    let cpu_s = report::cpu_s() - cpu_before;
    let record = run.record.lock().expect("no call panics");
    Ok(Report::new(load, &record, run.template.len(), cpu_s))
}

/// So many callers, each with one call at a time.
async fn closed_loop(run: &Arc<Run>) {
    let mut callers = JoinSet::new();
    for _ in 0..run.load.in_flight {
        let run = run.clone();
        callers.spawn(async move {
            loop {
                let due = run.start.elapsed();
                if run.is_over(due) || !run.call(due).await {
                    break;
                }
            }
        });
    }
    wait_for(run, &mut callers).await;
}

/// Each call when it is due, whatever became of those before.
async fn open_loop(run: &Arc<Run>, schedule: Schedule) {
    let mut count = schedule.count(run.load.total());
    if let Some(orders) = run.load.orders {
        count = count.min(orders.div_ceil(run.load.orders_per_call() as u64));
    }
    let pacer = Pacer::start(schedule, run.start, count);
    let mut calls = JoinSet::new();
    let mut sent = 0;
    while sent < count {
        let due_count = pacer.more_than(sent).await;
        for number in sent..due_count {
            let due = schedule.due(number);
            if run.outstanding.load(Ordering::Relaxed) >= run.load.outstanding_max {
                run.record().unanswered(due, "NOT_SENT", run.load.orders_per_call());
                continue;
            }
            let run = run.clone();
            calls.spawn(async move { run.call(due).await });
        }
        sent = due_count;
        // What has ended is let go of, or a long run would keep all its calls.
        while calls.try_join_next().is_some() {}
    }
    wait_for(run, &mut calls).await;
}

async fn wait_for<T: 'static>(run: &Run, calls: &mut JoinSet<T>) {
    let end = run.load.total() + GRACE;
    let all = async { while calls.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(end.saturating_sub(run.start.elapsed()), all).await;
    // What is dropped counts itself as unanswered.
    calls.shutdown().await;
}

impl Run {
    async fn connect(load: &Load, source: Source) -> Result<Run, Error> {
        let mut channels = Vec::new();
        for _ in 0..load.connections.max(1) {
            channels.push(Channel::connect(&load.target).await?);
        }
        let deadline = load.deadline_ms.map(Duration::from_millis);
        let method = match load.call {
            Call::Unary => "CheckAndReserve",
            Call::Batch => "BatchCheckAndReserve",
        };
        let terms = Terms { amount_minor: load.amount_minor, ttl_s: load.ttl_seconds };
        Ok(Run {
            channels,
            place: Route::new(&load.target, &format!("{SERVICE}/{method}"), deadline)?,
            release: Route::new(&load.target, &format!("{SERVICE}/Release"), deadline)?,
            template: match load.call {
                Call::Unary => Template::unary(terms),
                Call::Batch => Template::batch(load.batch, terms),
            },
            source,
            next_order: AtomicU64::new(0),
            next_channel: AtomicUsize::new(0),
            outstanding: AtomicUsize::new(0),
            start: Instant::now(),
            record: Mutex::new(Record::new(Window { from: load.warmup(), until: load.total() })),
            load: load.clone(),
        })
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().expect("no call panics")
    }

    /// Whether no further call is to be sent in a closed loop.
    fn is_over(&self, now: Duration) -> bool {
        let sent = self.next_order.load(Ordering::Relaxed);
        now >= self.load.total() || self.load.orders.is_some_and(|orders| sent >= orders)
    }

    /// Place the next orders; false when the connection is gone, so that a caller stops.
    async fn call(&self, due: Duration) -> bool {
        let orders = self.load.orders_per_call();
        let first = self.next_order.fetch_add(orders as u64, Ordering::Relaxed);
        let turn = self.next_channel.fetch_add(1, Ordering::Relaxed);
        let channel = &self.channels[turn % self.channels.len()];
        let mut pending = Pending { run: self, due, orders, answered: false };
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        let answer = channel.call(&self.place, self.template.fill(&self.source, first)).await;
        let at = self.start.elapsed();
        let outcomes = Outcomes::of(self.load.call, orders, &answer);
        let reply_bytes = answer.reply.len();
        let refusal = answer.message.map(|message| {
            (answer.status.name(), String::from_utf8_lossy(message.as_bytes()).into_owned())
        });
        self.record().answered(&Done { due, at, outcomes: &outcomes, refusal, reply_bytes });
        pending.answered = true;
        drop(pending);
        if self.load.close {
            self.close(channel, first, &outcomes).await;
        }
        !answer.is_disconnected
    }

    /// Release the orders of one call; those that were not approved have nothing to release.
    async fn close(&self, channel: &Channel, first: u64, outcomes: &Outcomes) {
        if !outcomes.is_approved() {
            return;
        }
        for number in first..first + self.load.orders_per_call() as u64 {
            let answer = channel.call(&self.release, requests::release(&self.source, number)).await;
            self.record().released(answer.status == Status::OK);
        }
    }
}

/// A call that is on its way; dropped before its answer, it counts as unanswered.
struct Pending<'a> {
    run: &'a Run,
    due: Duration,
    orders: usize,
    answered: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.run.outstanding.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.run.record().unanswered(self.due, "NO_ANSWER", self.orders);
        }
    }
}

#[cfg(test)]
mod tests;
