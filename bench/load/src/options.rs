//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Offers orders, or bulk rows, to a creditgate server or anything that serves the same calls.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true, args_override_self = true)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub load: Load,
}

/// What is sent instead of orders.
#[derive(Subcommand)]
pub enum Command {
    /// Set limits of accounts, in calls of 1,000.
    Upsert(Bulk),
    /// Post invoices on accounts, in calls of 1,000.
    Post(Bulk),
}

/// Which call is made.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Call {
    Unary,
    Batch,
}

impl Call {
    pub fn name(self) -> &'static str {
        match self {
            Call::Unary => "unary",
            Call::Batch => "batch",
        }
    }
}

/// A load of orders.
#[derive(Args, Clone)]
pub struct Load {
    /// HOST:PORT of the server.
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub target: String,
    #[arg(long, value_enum, default_value = "unary")]
    pub call: Call,
    /// Orders in a batch call.
    #[arg(long, default_value_t = 1000)]
    pub batch: usize,
    /// Closed loop: so many calls at a time.
    #[arg(long, default_value_t = 64, conflicts_with = "rate")]
    pub in_flight: usize,
    /// Open loop: calls a second, each timed from when it should have been sent.
    #[arg(long)]
    pub rate: Option<f64>,
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Load before the seconds that count.
    #[arg(long, default_value_t = 1.0)]
    pub warmup_seconds: f64,
    /// Stop before the end once so many orders were sent.
    #[arg(long)]
    pub orders: Option<u64>,
    #[arg(long, default_value_t = 4)]
    pub connections: usize,
    #[arg(long, default_value_t = 100_000)]
    pub accounts: u64,
    /// All orders on the first account.
    #[arg(long)]
    pub hot: bool,
    #[arg(long, default_value_t = 12_345)]
    pub amount_minor: i64,
    /// First upsert the accounts, with ample limits.
    #[arg(long)]
    pub prepare: bool,
    /// Release every approved order once its answer is there.
    #[arg(long)]
    pub close: bool,
    /// How long each order holds; default: the server's time.
    #[arg(long)]
    pub ttl_seconds: Option<i64>,
    /// gRPC deadline of each call; default: none.
    #[arg(long)]
    pub deadline_ms: Option<u64>,
    /// Open loop: calls without an answer at a time; one more is not sent, and counted NOT_SENT.
    #[arg(long, default_value_t = 20_000)]
    pub outstanding_max: usize,
    /// Chooses the accounts of the orders.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Request and order ids are unique per run id and number; default: a new one.
    #[arg(long)]
    pub run_id: Option<String>,
    /// File for the JSON; default: standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// A load of bulk rows.
#[derive(Args, Clone)]
pub struct Bulk {
    /// HOST:PORT of the server.
    #[arg(long, default_value = "127.0.0.1:50051")]
    pub target: String,
    #[arg(long, default_value_t = 100_000)]
    pub accounts: u64,
    /// Invoices to post in all, one on each account in turn; `upsert` sets each account once.
    #[arg(long)]
    pub entries: Option<u64>,
    /// Start over until so many seconds have passed; default: stop after the last row.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Calls at a time.
    #[arg(long, default_value_t = 4)]
    pub in_flight: usize,
    /// Rows in a call.
    #[arg(long, default_value_t = 1000)]
    pub rows: u64,
    #[arg(long)]
    pub run_id: Option<String>,
    /// File for the JSON; default: standard output.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

impl Load {
    /// Orders in each call.
    pub fn orders_per_call(&self) -> usize {
        match self.call {
            Call::Unary => 1,
            Call::Batch => self.batch,
        }
    }

    pub fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup_seconds)
    }

    /// From the first call until the last one is sent.
    pub fn total(&self) -> Duration {
        Duration::from_secs_f64(self.warmup_seconds + self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Options;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }
}
