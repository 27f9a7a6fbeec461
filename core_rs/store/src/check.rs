//! The whole of a store, held against itself.

use std::path::Path;

use creditgate_engine::apply::apply;
use creditgate_engine::model::{Adjustments, Case, Delegation, Item, Reservation, Segment, Source};
use creditgate_engine::policy::PolicyRow;
use creditgate_engine::rates::Quote;
use creditgate_engine::state::{Reconciliations, State};
use creditgate_engine::terms::Assignee;
use creditgate_engine::values::{Currency, Seq, TermsIndex};

use crate::backup::Progress;
use crate::error::StoreError;
use crate::folder::Folder;
use crate::journal::{Journal, Link};
use crate::name_log;
use crate::options::Options;
use crate::replay::{Reading, replay};
use crate::tables::{Reached, Tables};

/// Progress is told every so many commits.
const COMMITS_PER_STEP: u64 = 64;

/// What a check saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Files of the journal, those in the archive included.
    pub files: u64,
    /// Commits whose digest, place and texts are right.
    pub commits: u64,
    /// The last entry of them.
    pub journal_seq: Seq,
    /// Up to where the tables were held against the journal; zero: there are none, or of another
    /// format: the next start folds them.
    pub tables_seq: Seq,
    /// Accounts after the last entry.
    pub accounts: u64,
    /// Reservations that hold something then.
    pub reservations_open: u64,
    /// What is wrong; empty: nothing.
    pub findings: Vec<String>,
}

/// Verifies the whole chain from the first commit on, texts included, folds it, and holds the
/// tables and the sums of the counters against what that led to. The store must not be in use.
///
/// # Errors
///
/// [`StoreError`] for a store that cannot be checked; what is wrong with one that can is in
/// [`Checked::findings`].
pub fn check_store(
    folder: &Path,
    options: &Options,
    progress: &dyn Fn(Progress),
) -> Result<Checked, StoreError> {
    if !folder.join("journal").is_dir() {
        return Err(StoreError::io(folder, std::io::Error::other("there is no store in it")));
    }
    let folder = Folder::open(folder)?;
    let journal = Journal::open(folder.journal(), options)?;
    let tables = match Tables::open(folder.tables(), options.tables_map_size_bytes) {
        Ok(tables) => tables,
        // Evidence: a start would throw them away and fold them anew.
        Err(error) => {
            let findings = vec![format!("the tables cannot be opened: {error}")];
            return Ok(Checked { findings, ..Checked::default() });
        }
    };
    let mut checked = Checked { files: journal.files().len() as u64, ..Checked::default() };
    // By name: else it would be seen as a commit that does not follow the one before it.
    match journal.require(1) {
        Err(missing @ StoreError::FileMissing { .. }) => {
            checked.findings.push(missing.to_string());
            return Ok(checked);
        }
        required => required?,
    }
    let reached = tables.reached()?.filter(|reached| *reached != Reached::START);
    let mut state = State::default();
    let mut findings = Vec::new();
    let total = journal.last_seq()?;
    let hash_key = Default::default();
    let ended = replay(&journal, Link::START, &hash_key, Reading::Everything, |commit| {
        for event in &commit.events {
            apply(&mut state, commit.head.time, event);
        }
        state.settle(state.mark());
        checked.commits += 1;
        checked.journal_seq = commit.head.last_seq();
        if let Some(reached) = reached.filter(|reached| reached.seq == checked.journal_seq) {
            checked.tables_seq = reached.seq;
            if reached.hash == commit.hash {
                findings.extend(compare(&tables, &state, options).err());
            } else {
                findings.push(format!("the tables are of another journal at {}", reached.seq));
            }
        }
        if checked.commits.is_multiple_of(COMMITS_PER_STEP) {
            progress(Progress { step: "entries", done: checked.journal_seq, total });
        }
    });
    progress(Progress { step: "entries", done: checked.journal_seq, total });
    match ended {
        Ok(_) => {}
        Err(error @ (StoreError::Damaged { .. } | StoreError::UnknownFormat { .. })) => {
            findings.push(error.to_string());
        }
        Err(error) => return Err(error),
    }
    if let (Some(reached), 0, true) = (reached, checked.tables_seq, findings.is_empty()) {
        findings.push(format!("the tables end at {}, where no commit does", reached.seq));
    }
    if !state.adds_up() {
        findings.push("the counters of the accounts are not the sums of their rows".to_owned());
    }
    checked.accounts = state.account_count() as u64;
    checked.reservations_open = state.open_count() as u64;
    checked.findings = findings;
    Ok(checked)
}

/// Cases, who may sign in whose place, and adjustments that wait.
fn compare_cases(tables: &Tables, state: &State) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    if tables.cases.len(&rtxn).map_err(lmdb)? != state.cases().count() as u64 {
        return Err("the tables have another number of cases than the journal".to_owned());
    }
    for row in tables.cases.iter(&rtxn).map_err(lmdb)? {
        let (id, row) = row.map_err(lmdb)?;
        let case: Case = tables.decode("cases", row).map_err(text)?;
        if state.cases().get(id) != Some(&case) {
            return Err(format!("case {id} is not what the journal leads to"));
        }
    }
    let delegations = tables.delegations.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (_, row) = row.map_err(lmdb)?;
        tables.decode::<Delegation>("delegations", row).map_err(text)
    });
    let delegations = delegations.collect::<Result<Vec<_>, _>>()?;
    if !state.cases().delegations().eq(&delegations) {
        return Err("the delegations are not what the journal leads to".to_owned());
    }
    let adjustments = tables.adjustments.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (_, row) = row.map_err(lmdb)?;
        tables.decode::<Adjustments>("adjustments", row).map_err(text)
    });
    let adjustments = adjustments.collect::<Result<Vec<_>, _>>()?;
    if !state.adjustments().values().eq(&adjustments) {
        return Err("the adjustments that wait are not what the journal leads to".to_owned());
    }
    Ok(())
}

/// How far sources have come, and how they were reconciled.
fn compare_sources(tables: &Tables, state: &State) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    let sources = tables.sources.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (source, row) = row.map_err(lmdb)?;
        let (position, heard_at) = tables.decode("sources", row).map_err(text)?;
        Ok((source, Source { position, heard_at }))
    });
    let sources = sources.collect::<Result<Vec<_>, String>>()?;
    if !state.sources_after("").map(|(source, row)| (source, *row)).eq(sources) {
        return Err("the sources are not what the journal leads to".to_owned());
    }
    let latest = tables.reconciliations.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (source, row) = row.map_err(lmdb)?;
        Ok((source.into(), tables.decode("reconciliations", row).map_err(text)?))
    });
    if **state.reconciliations() != latest.collect::<Result<Reconciliations, String>>()? {
        return Err("the reconciliations are not what the journal leads to".to_owned());
    }
    Ok(())
}

/// The same, of named terms, calendars and assignments.
fn compare_payment_terms(tables: &Tables, state: &State) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    let all = state.payment_terms();
    let terms = tables.terms.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (index, row) = row.map_err(lmdb)?;
        Ok((index, tables.decode("terms", row).map_err(text)?))
    });
    same("payment terms", terms, all.terms())?;
    let calendars = tables.calendars.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (index, row) = row.map_err(lmdb)?;
        Ok((index, tables.decode("calendars", row).map_err(text)?))
    });
    same("calendars", calendars, all.calendars())?;
    let mut assigned = Vec::new();
    for row in tables.assignments.iter(&rtxn).map_err(lmdb)? {
        let (_, row) = row.map_err(lmdb)?;
        let found: (Assignee, TermsIndex) = tables.decode("assignments", row).map_err(text)?;
        assigned.push(found);
    }
    let expected = all.assignments().map(|(assignee, terms)| (assignee.clone(), terms));
    match assigned.into_iter().eq(expected) {
        true => Ok(()),
        false => Err("the tables differ from the journal in whose terms are which".to_owned()),
    }
}

/// The same, of versions of the policy, and of what they have to know of accounts.
fn compare_policies(tables: &Tables, state: &State) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    let policies = tables.policies.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (_, row) = row.map_err(lmdb)?;
        tables.decode::<PolicyRow>("policies", row).map_err(text)
    });
    if policies.collect::<Result<Vec<_>, _>>()? != state.policies().rows() {
        return Err("the tables differ from the journal in versions of the policy".to_owned());
    }
    let mut count = 0;
    for row in tables.watches.iter(&rtxn).map_err(lmdb)? {
        let (slot, row) = row.map_err(lmdb)?;
        if *state.watch(slot) != tables.decode("watches", row).map_err(text)? {
            return Err(format!("the tables differ from the journal in what is watched of {slot}"));
        }
        count += 1;
    }
    match count == state.watch_count() {
        true => Ok(()),
        false => Err("the tables differ from the journal in who is watched".to_owned()),
    }
}

/// The same, of exchange rates.
fn compare_rates(tables: &Tables, state: &State) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    let found = tables.rates.iter(&rtxn).map_err(lmdb)?.map(|row| {
        let (_, row) = row.map_err(lmdb)?;
        tables.decode::<(Currency, Currency, Quote)>("rates", row).map_err(text)
    });
    let found = found.collect::<Result<Vec<_>, _>>()?;
    let expected =
        state.rates().iter().map(|(base, currency, quote)| (base, currency, quote.clone()));
    match found.into_iter().eq(expected) {
        true => Ok(()),
        false => Err("the tables differ from the journal in exchange rates".to_owned()),
    }
}

fn same<T: PartialEq>(
    what: &str,
    rows: impl Iterator<Item = Result<(u32, T), String>>,
    expected: &[T],
) -> Result<(), String> {
    let found = rows.collect::<Result<Vec<_>, String>>()?;
    let indexes = found.iter().map(|(index, _)| *index as usize);
    let is_same =
        indexes.eq(0..expected.len()) && found.iter().map(|(_, row)| row).eq(expected.iter());
    match is_same {
        true => Ok(()),
        false => Err(format!("the tables differ from the journal in the {what}")),
    }
}

/// Holds every row of the tables against the state that the journal led to.
fn compare(tables: &Tables, state: &State, options: &Options) -> Result<(), String> {
    let text = |error: StoreError| error.to_string();
    let rtxn = tables.read_txn().map_err(text)?;
    let lmdb = |error| text(tables.lmdb()(error));
    let differs = |what: String| Err(format!("the tables differ from the journal in {what}"));
    let counted = |name: &str, found: u64, expected: usize| match found == expected as u64 {
        true => Ok(()),
        false => differs(format!("the number of {name}: {found}, not {expected}")),
    };
    let reservations = state.open_count() + state.closed().len();
    counted("accounts", tables.accounts.len(&rtxn).map_err(lmdb)?, state.account_count())?;
    counted("reservations", tables.reservations.len(&rtxn).map_err(lmdb)?, reservations)?;
    let by_account = tables.reservations_by_account.len(&rtxn).map_err(lmdb)?;
    counted("reservations by account", by_account, reservations)?;
    counted("items", tables.items.len(&rtxn).map_err(lmdb)?, state.item_count())?;
    counted("segments", tables.segments.len(&rtxn).map_err(lmdb)?, state.segments().len())?;
    for row in tables.accounts.iter(&rtxn).map_err(lmdb)? {
        let (slot, row) = row.map_err(lmdb)?;
        let (account, unallocated) = tables.decode("accounts", row).map_err(text)?;
        if (slot as usize) >= state.account_count()
            || (state.account(slot), state.position(slot).unallocated) != (account, unallocated)
        {
            return differs(format!("the account in slot {slot}"));
        }
    }
    if tables.sums(&rtxn).map_err(text)? != state.sums() {
        return differs("the sums of the counters".to_owned());
    }
    for row in tables.reservations.iter(&rtxn).map_err(lmdb)? {
        let (id, row) = row.map_err(lmdb)?;
        let reservation: Reservation = tables.decode("reservations", row).map_err(text)?;
        if state.reservation(id) != Some(&reservation) {
            return differs(format!("reservation {id}"));
        }
        let key = crate::tables::by_account_key(reservation.slot, id);
        if tables.reservations_by_account.get(&rtxn, &key).map_err(lmdb)?.is_none() {
            return differs(format!("the account of reservation {id}"));
        }
    }
    for row in tables.items.iter(&rtxn).map_err(lmdb)? {
        let (_, row) = row.map_err(lmdb)?;
        let item: Item = tables.decode("items", row).map_err(text)?;
        // The state keeps of an item what decisions need: dates and orders stand in the rows alone.
        if state.item(item.slot, &item.invoice_id) != Some(item.standing()) {
            return differs(format!("item {} of slot {}", item.invoice_id, item.slot));
        }
    }
    for row in tables.segments.iter(&rtxn).map_err(lmdb)? {
        let (index, row) = row.map_err(lmdb)?;
        let segment: Segment = tables.decode("segments", row).map_err(text)?;
        if state.segments().get(index as usize) != Some(&segment) {
            return differs(format!("segment {index}"));
        }
    }
    compare_payment_terms(tables, state)?;
    compare_policies(tables, state)?;
    compare_rates(tables, state)?;
    compare_cases(tables, state)?;
    compare_sources(tables, state)?;
    let windows = name_log::load(tables, options.request_window, options.entry_window);
    windows.map(drop).map_err(text)
}
