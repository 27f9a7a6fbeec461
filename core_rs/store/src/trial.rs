//! A candidate policy tried on what a store's journal holds.

use std::ops::ControlFlow;
use std::path::Path;

use creditgate_engine::apply::apply;
use creditgate_engine::policy::trial::{Trial, Tried};
use creditgate_engine::policy::{self, Problem};
use creditgate_engine::state::State;
use creditgate_engine::values::{Micros, Seq};

use crate::backup::Progress;
use crate::commit::Commit;
use crate::error::StoreError;
use crate::folder::Folder;
use crate::journal::Journal;
use crate::options::Options;

/// Decides all orders from `since` on again, as if the policy of this text had been in force. The
/// store must not be in use; nothing of it is changed.
///
/// Reads the journal twice: the text may name accounts and segments that came late. Both times from
/// the first commit on, archive included.
///
/// # Errors
///
/// [`StoreError`]; `Ok(Err(problems))` for a text that is no policy.
pub fn try_policy(
    folder: &Path,
    options: &Options,
    text: &str,
    since: Micros,
    progress: &dyn Fn(Progress),
) -> Result<Result<Tried, Vec<Problem>>, StoreError> {
    if !folder.join("journal").is_dir() {
        return Err(StoreError::io(folder, std::io::Error::other("there is no store in it")));
    }
    let folder = Folder::open(folder)?;
    let journal = Journal::open(folder.journal(), options)?;
    journal.require(1)?;
    let total = journal.last_seq()?;
    let mut state = State::default();
    each(&journal, total, "entries", progress, |commit| {
        for entry in &commit.entries {
            entry.events.iter().for_each(|event| apply(&mut state, commit.head.time, event));
        }
        state.settle(state.mark());
    })?;
    let (candidate, problems) = policy::read(text, &state);
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    drop(state);
    let mut trial = Trial::new(candidate, since);
    each(&journal, total, "orders", progress, |commit| {
        for (seq, entry) in (commit.head.first_seq..).zip(&commit.entries) {
            trial.take(seq, commit.head.time, entry);
        }
    })?;
    Ok(Ok(trial.finish()))
}

fn each(
    journal: &Journal,
    total: Seq,
    step: &'static str,
    progress: &dyn Fn(Progress),
    mut take: impl FnMut(&Commit<'_>),
) -> Result<(), StoreError> {
    let mut told = 0;
    journal.read(1, |commit| {
        take(commit);
        let done = commit.head.last_seq();
        if done - told >= 10_000 || done == total {
            progress(Progress { step, done, total });
            told = done;
        }
        Ok(ControlFlow::Continue(()))
    })
}
