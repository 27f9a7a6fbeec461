//! `creditgate-load`: offers orders to a gRPC server on a schedule and keeps every latency.
//!
//! Layout: `options` is the command line, `names` makes ids, `requests` what is sent, `replies`
//! reads what comes back, `channel` carries both over HTTP/2, `schedule` says when, `record` keeps
//! times and outcomes, `orders` and `bulk` are the two kinds of load, `report` is the JSON.

mod bulk;
mod channel;
mod names;
mod options;
mod orders;
mod record;
mod replies;
mod report;
mod requests;
mod schedule;
#[cfg(test)]
mod testing;

use clap::Parser;
use options::{Command, Options};

/// The contract's messages; what they mean stands in proto/.
#[allow(missing_docs, dead_code, clippy::all, reason = "generated; most are for the server")]
mod v1 {
    include!(concat!(env!("OUT_DIR"), "/creditgate.v1.rs"));
}

type Error = Box<dyn std::error::Error + Send + Sync>;

// One thread: what the generator takes is then seen, and the server keeps the other cores.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let options = Options::parse();
    match &options.command {
        None => report::write(&orders::run(&options.load).await?, options.load.out.as_deref()),
        Some(Command::Upsert(bulk)) => {
            report::write(&bulk::upsert(bulk).await?, bulk.out.as_deref())
        }
        Some(Command::Post(bulk)) => report::write(&bulk::post(bulk).await?, bulk.out.as_deref()),
    }
}
