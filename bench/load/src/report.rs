//! The figures of a run as JSON.

use std::{collections::BTreeMap, path::Path};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::{Error, options::Load, record::Record};

/// A run of orders. The keys are those that bench/README.md explains.
#[derive(Serialize)]
pub struct Report {
    call: &'static str,
    #[serde(rename = "loop")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    seconds: f64,
    batch: usize,
    pub calls: u64,
    pub decisions: u64,
    pub decisions_per_s: f64,
    calls_per_s: f64,
    pub outcomes: BTreeMap<&'static str, u64>,
    messages: BTreeMap<&'static str, String>,
    latency_us: Option<Quantiles>,
    refusal_latency_us: Option<Quantiles>,
    histogram: Vec<(u64, u64)>,
    request_bytes_mean: f64,
    reply_bytes_mean: f64,
    client_cpu_s: f64,
    /// The highest journal entry that any answer of the whole run named, warm-up included.
    pub journal_seq_max: u64,
    /// Orders of the whole run, warm-up included, whose approval was answered.
    pub approved_in_all: u64,
    pub released: u64,
    pub not_released: u64,
}

/// A run of bulk rows.
#[derive(Serialize)]
pub struct BulkReport {
    pub rows: u64,
    pub rows_per_s: f64,
    pub seconds: f64,
    pub retries: u64,
    pub latency_us: Option<Quantiles>,
    pub client_cpu_s: f64,
}

/// Latencies in microseconds.
#[derive(Serialize)]
pub struct Quantiles {
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Report {
    pub fn new(load: &Load, record: &Record, frame_bytes: usize, client_cpu_s: f64) -> Report {
        let mut outcomes = record.outcomes.refused.clone();
        outcomes.insert("approved", record.outcomes.approved);
        outcomes.insert("declined", record.outcomes.declined);
        Report {
            call: load.call.name(),
            kind: if load.rate.is_some() { "open" } else { "closed" },
            in_flight: load.rate.is_none().then_some(load.in_flight),
            rate: load.rate,
            seconds: load.seconds,
            batch: load.orders_per_call(),
            calls: record.calls,
            decisions: record.outcomes.decisions(),
            decisions_per_s: record.decisions_in_window as f64 / load.seconds,
            calls_per_s: record.calls_answered_in_window as f64 / load.seconds,
            outcomes,
            messages: record.messages.clone(),
            latency_us: quantiles(&record.accepted),
            refusal_latency_us: quantiles(&record.refusals),
            histogram: bars(&record.accepted),
            request_bytes_mean: (frame_bytes - crate::channel::PREFIX_LEN) as f64,
            reply_bytes_mean: record.reply_bytes as f64 / record.replies.max(1) as f64,
            client_cpu_s,
            journal_seq_max: record.journal_seq_max,
            approved_in_all: record.approved_in_all,
            released: record.released,
            not_released: record.not_released,
        }
    }
}

/// None when nothing was recorded.
pub fn quantiles(histogram: &Histogram<u64>) -> Option<Quantiles> {
    let at = |quantile| histogram.value_at_quantile(quantile);
    (!histogram.is_empty()).then(|| Quantiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: histogram.max(),
    })
}

/// Every bucket that is not empty: its upper bound in microseconds, and how many calls are in it.
fn bars(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram
        .iter_recorded()
        .map(|bar| (bar.value_iterated_to(), bar.count_since_last_iteration()))
        .collect()
}

/// CPU time of this process so far, in seconds.
pub fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Write to `out`, or to standard output.
pub fn write(report: &impl Serialize, out: Option<&Path>) -> Result<(), Error> {
    let text = serde_json::to_string(report)? + "\n";
    match out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| format!("out = {}: {error}", path.display()).into()),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bars_of_a_histogram_hold_every_call() {
        let mut histogram = Histogram::new(3).unwrap();
        [100, 100, 250].into_iter().for_each(|value| histogram.record(value).unwrap());
        assert_eq!(bars(&histogram), [(100, 2), (250, 1)]);
        let quantiles = quantiles(&histogram).unwrap();
        assert_eq!((quantiles.p50, quantiles.p99, quantiles.max), (100, 250, 250));
    }

    #[test]
    fn nothing_recorded_has_no_quantiles() {
        assert!(quantiles(&Histogram::new(3).unwrap()).is_none());
    }
}
