//! Calls of many rows in the slower lane, served in slices: a load of thousands of rows holds up an
//! order for one slice at most. Its rows are independent, so a slice is durable by itself; the call
//! is answered with the last one.

use creditgate_engine::command::{Command, RequestKey};
use creditgate_engine::entry::Request;
use creditgate_engine::outcome::Outcome;
use prost::Message;
use prost::encoding::message;

use crate::calls::{Calls, Failed};
use crate::methods::Method;
use crate::queue::Call;
use crate::wire::admit::{self, decode};
use crate::wire::reply::{self, Made};
use crate::wire::status::Fault;
use crate::wire::{account, ledger, limits, rates, terms, v1};

/// Number of the field that holds the results, in the answers to all of these calls.
const RESULTS: u32 = 1;

enum Rows {
    Accounts(v1::UpsertAccountsRequest),
    Segments(v1::UpsertSegmentsRequest),
    Entries(v1::PostEntriesRequest),
    Terms(v1::UpsertTermsRequest),
    Calendars(v1::UpsertCalendarsRequest),
    Assignments(v1::AssignTermsRequest),
    Verifications(v1::RecordVerificationsRequest),
    Rates(v1::UpsertRatesRequest),
}

/// A bulk call on its way.
pub(crate) struct Bulk {
    pub(crate) ticket: u64,
    actor: String,
    /// Whether what it says of limits is the ledger's word.
    from_ledger: bool,
    rows: Rows,
    /// Digest of the call; zero for ledger entries, which are known by ids of their own.
    digest: u64,
    /// The first row that is not decided.
    next: usize,
    /// The answer, as far as it goes.
    answer: Vec<u8>,
}

impl Bulk {
    /// Decodes and checks what the rows share.
    pub(crate) fn new(call: &Call) -> Result<Bulk, Fault> {
        let Call { ticket, method, request: bytes, actor, .. } = call;
        let (rows, digest) = match method {
            Method::UpsertAccounts => {
                let m: v1::UpsertAccountsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("accounts", &m.accounts)?;
                (Rows::Accounts(m), call)
            }
            Method::UpsertSegments => {
                let m: v1::UpsertSegmentsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("segments", &m.segments)?;
                (Rows::Segments(m), call)
            }
            Method::PostEntries => {
                let m: v1::PostEntriesRequest = decode(bytes)?;
                admit::id("source", &m.source)?;
                admit::rows("entries", &m.entries)?;
                (Rows::Entries(m), 0)
            }
            Method::UpsertTerms => {
                let m: v1::UpsertTermsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("terms", &m.terms)?;
                (Rows::Terms(m), call)
            }
            Method::UpsertCalendars => {
                let m: v1::UpsertCalendarsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("calendars", &m.calendars)?;
                (Rows::Calendars(m), call)
            }
            Method::AssignTerms => {
                let m: v1::AssignTermsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("assignments", &m.assignments)?;
                (Rows::Assignments(m), call)
            }
            Method::RecordVerifications => {
                let m: v1::RecordVerificationsRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("verifications", &m.verifications)?;
                (Rows::Verifications(m), call)
            }
            Method::UpsertRates => {
                let m: v1::UpsertRatesRequest = decode(bytes)?;
                let call = admit::bulk(&m.request_id, &m.channel, &m)?.call;
                admit::rows("rates", &m.rates)?;
                (Rows::Rates(m), call)
            }
            other => unreachable!("{other:?} is no bulk call"),
        };
        let from_ledger = match &rows {
            Rows::Accounts(m) => call.speaks_for_ledger(&m.channel),
            Rows::Segments(m) => call.speaks_for_ledger(&m.channel),
            _ => false,
        };
        let (ticket, actor) = (*ticket, actor.clone());
        Ok(Bulk { ticket, actor, from_ledger, rows, digest, next: 0, answer: Vec::new() })
    }

    /// Decides one slice, which ends with the row that fills so many bytes of the request. Returns
    /// whether it was the last one.
    pub(crate) fn advance(
        &mut self,
        calls: &mut Calls<'_>,
        bytes_max: usize,
    ) -> Result<bool, Failed> {
        let mut bytes = 0;
        while bytes < bytes_max {
            let Some(row_bytes) = self.decide_next(calls)? else { return Ok(true) };
            bytes += row_bytes;
            self.next += 1;
        }
        Ok(false)
    }

    /// The answer, once all is decided.
    pub(crate) fn into_answer(self) -> Vec<u8> {
        self.answer
    }

    /// Decides the next row and returns its length in bytes; `None`: there is none.
    fn decide_next(&mut self, calls: &mut Calls<'_>) -> Result<Option<usize>, Failed> {
        let (index, actor, digest, answer) =
            (self.next, &self.actor[..], self.digest, &mut self.answer);
        let from_ledger = self.from_ledger;
        let key = |id| RequestKey { id, row: index as u32, call: digest };
        match &self.rows {
            Rows::Accounts(m) => {
                let Some(row) = m.accounts.get(index) else { return Ok(None) };
                let request = account::upsert_account(key(&m.request_id), row, actor, &m.channel)
                    .map(|request| worded(request, from_ledger));
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Segments(m) => {
                let Some(row) = m.segments.get(index) else { return Ok(None) };
                let request = account::upsert_segment(key(&m.request_id), row, actor, &m.channel)
                    .map(|request| worded(request, from_ledger));
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Terms(m) => {
                let Some(row) = m.terms.get(index) else { return Ok(None) };
                let request = terms::upsert_terms(key(&m.request_id), row, actor, &m.channel);
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Calendars(m) => {
                let Some(row) = m.calendars.get(index) else { return Ok(None) };
                let request = terms::upsert_calendar(key(&m.request_id), row, actor, &m.channel);
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Assignments(m) => {
                let Some(row) = m.assignments.get(index) else { return Ok(None) };
                let request = terms::assign(key(&m.request_id), row, actor, &m.channel);
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Verifications(m) => {
                let Some(row) = m.verifications.get(index) else { return Ok(None) };
                let key = key(&m.request_id);
                let request = limits::record_verification(key, row, actor, &m.channel);
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Rates(m) => {
                let Some(row) = m.rates.get(index) else { return Ok(None) };
                let request = rates::upsert(key(&m.request_id), row, actor, &m.channel);
                message::encode(RESULTS, &upsert(calls, request)?, answer);
                Ok(Some(row.encoded_len()))
            }
            Rows::Entries(m) => {
                let Some(row) = m.entries.get(index) else { return Ok(None) };
                message::encode(RESULTS, &post(calls, &m.source, row, actor)?, answer);
                Ok(Some(row.encoded_len()))
            }
        }
    }
}

/// An upsert, as one of the ledger's where it is.
fn worded(request: Request<'_>, from_ledger: bool) -> Request<'_> {
    let command = match request.command {
        Command::UpsertAccount(command) if from_ledger => Command::SyncAccount(command),
        Command::UpsertSegment(command) if from_ledger => Command::SyncSegment(command),
        command => command,
    };
    Request { command, ..request }
}

/// One row: its fault is its own, and the other rows go on.
fn upsert(
    calls: &mut Calls<'_>,
    request: Result<Request<'_>, Fault>,
) -> Result<v1::UpsertResult, Failed> {
    let done = request.map_err(Failed::from).and_then(|request| Ok(calls.execute(&request)?));
    match done {
        Ok((Outcome::Upserted(outcome), made)) => Ok(reply::upserted(outcome, None, made)),
        Ok((Outcome::UpsertedProposing(outcome, proposed), made)) => {
            Ok(reply::upserted(outcome, Some(proposed), made))
        }
        Ok((outcome, _)) => unreachable!("an upsert was answered with {outcome:?}"),
        Err(Failed::Fault(fault)) => {
            let error = Some(fault.into_item_error());
            Ok(v1::UpsertResult { error, ..v1::UpsertResult::default() })
        }
        Err(fatal) => Err(fatal),
    }
}

fn post(
    calls: &mut Calls<'_>,
    source: &str,
    entry: &v1::LedgerEntry,
    actor: &str,
) -> Result<v1::EntryResult, Failed> {
    let done = ledger::post(source, entry, actor)
        .map_err(Failed::from)
        .and_then(|request| Ok(calls.execute(&request)?));
    match done {
        Ok((_, made)) => Ok(posted(made)),
        Err(Failed::Fault(fault)) => {
            let error = Some(fault.into_item_error());
            Ok(v1::EntryResult { error, ..v1::EntryResult::default() })
        }
        Err(fatal) => Err(fatal),
    }
}

fn posted(made: Made) -> v1::EntryResult {
    let outcome =
        if made.replayed { v1::EntryOutcome::Duplicate } else { v1::EntryOutcome::Posted };
    v1::EntryResult { outcome: outcome.into(), error: None, journal_seq: made.seq }
}
