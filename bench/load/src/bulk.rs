//! The load of bulk rows: limits of accounts, entries of the ledger.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use prost::Message;
use tokio::task::JoinSet;

use crate::{
    Error,
    channel::{Answer, Channel, Route, Status},
    names::{self, Names},
    options::Bulk,
    report::{self, BulkReport},
    requests::{self, CURRENCY},
    v1,
};

/// Holds any number of this program's orders, and stays within the bounds of the contract.
const LIMIT_MINOR: i64 = 100_000_000_000_000_000;
const INVOICE_MINOR: i64 = 500;

/// The bulk lane is bounded: a refused call is sent again after this.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// What is sent in calls of many rows.
#[derive(Clone, Copy)]
enum Rows {
    Limits,
    Invoices,
}

struct Totals {
    rows: u64,
    retries: u64,
    latencies: Histogram<u64>,
}

/// Upsert `accounts` accounts with ample limits.
pub async fn prepare(target: &str, accounts: u64) -> Result<(), Error> {
    let bulk = Bulk {
        target: target.into(),
        accounts,
        entries: None,
        seconds: None,
        in_flight: 4,
        rows: 1000,
        run_id: None,
        out: None,
    };
    upsert(&bulk).await.map(drop)
}

/// Set the limit of every account, once or until the seconds are over.
pub async fn upsert(bulk: &Bulk) -> Result<BulkReport, Error> {
    send(bulk, Rows::Limits, bulk.accounts).await
}

/// Post invoices, on one account after the other.
pub async fn post(bulk: &Bulk) -> Result<BulkReport, Error> {
    send(bulk, Rows::Invoices, bulk.entries.unwrap_or(bulk.accounts)).await
}

struct Sender {
    bulk: Bulk,
    rows: Rows,
    count: u64,
    names: Names,
    route: Route,
    next: AtomicU64,
    start: Instant,
}

async fn send(bulk: &Bulk, rows: Rows, count: u64) -> Result<BulkReport, Error> {
    let path = match rows {
        Rows::Limits => "/creditgate.v1.CreditAccountService/UpsertAccounts",
        Rows::Invoices => "/creditgate.v1.LedgerService/PostEntries",
    };
    let cpu_before = report::cpu_s();
    let sender = Arc::new(Sender {
        bulk: bulk.clone(),
        rows,
        count,
        names: Names::of_run_or_new(bulk.run_id.as_deref()),
        route: Route::new(&bulk.target, path, None)?,
        next: AtomicU64::new(0),
        start: Instant::now(),
    });
    let mut callers = JoinSet::new();
    for _ in 0..bulk.in_flight.max(1) {
        let channel = Channel::connect(&bulk.target).await?;
        let sender = sender.clone();
        callers.spawn(async move { sender.send_all(&channel).await });
    }
    let mut totals = Totals::default();
    while let Some(part) = callers.join_next().await {
        totals.add(&part??);
    }
    let seconds = sender.start.elapsed().as_secs_f64();
    Ok(BulkReport {
        rows: totals.rows,
        rows_per_s: totals.rows as f64 / seconds,
        seconds,
        retries: totals.retries,
        latency_us: report::quantiles(&totals.latencies),
        client_cpu_s: report::cpu_s() - cpu_before,
    })
}

impl Sender {
    async fn send_all(&self, channel: &Channel) -> Result<Totals, Error> {
        let mut totals = Totals::default();
        loop {
            let first = self.next.fetch_add(self.bulk.rows, Ordering::Relaxed);
            let over = match self.bulk.seconds {
                None => first >= self.count,
                Some(seconds) => self.start.elapsed().as_secs_f64() >= seconds,
            };
            if over {
                return Ok(totals);
            }
            let frame = self.frame(first);
            let sent = Instant::now();
            let answer = self.send_until_taken(channel, frame, &mut totals).await?;
            totals.latencies.record(sent.elapsed().as_micros() as u64)?;
            totals.rows += self.rows_taken(&answer)?;
        }
    }

    async fn send_until_taken(
        &self,
        channel: &Channel,
        frame: Bytes,
        totals: &mut Totals,
    ) -> Result<Answer, Error> {
        loop {
            let answer = channel.call(&self.route, frame.clone()).await;
            match answer.status {
                Status::OK => return Ok(answer),
                // gRPC itself turns calls away as CANCELLED.
                Status::RESOURCE_EXHAUSTED | Status::CANCELLED => {
                    totals.retries += 1;
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                status => return Err(format!("a bulk call was refused: {}", status.name()).into()),
            }
        }
    }

    fn frame(&self, first: u64) -> Bytes {
        let last = match self.bulk.seconds {
            None => self.count.min(first + self.bulk.rows),
            Some(_) => first + self.bulk.rows,
        };
        match self.rows {
            Rows::Limits => requests::frame_of(&v1::UpsertAccountsRequest {
                request_id: self.names.text(b'u', first),
                accounts: (first..last).map(|number| self.limit(number)).collect(),
                channel: "bench".into(),
            }),
            Rows::Invoices => requests::frame_of(&v1::PostEntriesRequest {
                source: "bench".into(),
                entries: (first..last).map(|number| self.invoice(number)).collect(),
            }),
        }
    }

    fn limit(&self, number: u64) -> v1::AccountUpsert {
        // Every round sets another limit, or it would change nothing.
        let round = (number / self.bulk.accounts) as i64;
        v1::AccountUpsert {
            account_id: names::account_text(number % self.bulk.accounts),
            currency: Some(CURRENCY.into()),
            limit: Some(v1::CreditLimit {
                kind: v1::LimitKind::Amount.into(),
                amount_minor: LIMIT_MINOR + round,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn invoice(&self, number: u64) -> v1::LedgerEntry {
        v1::LedgerEntry {
            entry_id: self.names.text(b'e', number),
            account_id: names::account_text(number % self.bulk.accounts),
            kind: v1::EntryKind::Invoice.into(),
            amount_minor: INVOICE_MINOR,
            currency: CURRENCY.into(),
            invoice_id: self.names.text(b'i', number),
            ..Default::default()
        }
    }

    /// How many rows took effect: all of them, or the load is not what was asked for.
    fn rows_taken(&self, answer: &Answer) -> Result<u64, Error> {
        let (count, error) = match self.rows {
            Rows::Limits => {
                let results = v1::UpsertAccountsResponse::decode(answer.reply.clone())?.results;
                (results.len(), results.into_iter().find_map(|result| result.error))
            }
            Rows::Invoices => {
                let results = v1::PostEntriesResponse::decode(answer.reply.clone())?.results;
                (results.len(), results.into_iter().find_map(|result| result.error))
            }
        };
        match error {
            Some(error) => Err(format!("a row was refused: {}", error.message).into()),
            None => Ok(count as u64),
        }
    }
}

impl Default for Totals {
    fn default() -> Totals {
        let latencies = Histogram::new(3).expect("3 digits are within 0 to 5");
        Totals { rows: 0, retries: 0, latencies }
    }
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.rows += other.rows;
        self.retries += other.retries;
        self.latencies.add(&other.latencies).expect("the histogram grows");
    }
}

#[cfg(test)]
mod tests;
