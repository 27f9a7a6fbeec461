//! The thread that makes commits durable while the worker decides the next one.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use creditgate_engine::values::Slot;
use creditgate_store::{CommitError, Committer, Sealed};

use crate::abort::AbortOnPanic;
use crate::finished::{Finished, Outbox};
use crate::queue::Queue;
use crate::worker::stop;

/// A commit, and what may be told once it is durable.
pub(crate) struct Job {
    pub(crate) sealed: Arc<Sealed>,
    pub(crate) answers: Vec<Finished>,
    pub(crate) watched: Vec<((u64, Slot), Vec<u8>)>,
}

/// What became of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is durable, and its answers are on their way.
    Durable,
    /// There was no room; these tickets have no answer yet.
    NoRoom(Vec<u64>),
}

pub(crate) struct Commits {
    /// Gone once the thread is to end.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Commits {
    pub(crate) fn spawn(committer: Committer, queue: Arc<Queue>, outbox: Arc<Outbox>) -> Commits {
        // The worker sends one when the one before is done.
        let (jobs, received) = sync_channel(1);
        let thread = std::thread::Builder::new().name("creditgate-commit".to_owned());
        let run = move || {
            let _guard = AbortOnPanic;
            run(committer, &received, &queue, &outbox);
        };
        let thread = thread.spawn(run).expect("a process that cannot start a thread cannot serve");
        Commits { jobs: Some(jobs), thread: Some(thread) }
    }

    pub(crate) fn send(&self, job: Job) {
        let jobs = self.jobs.as_ref().expect("nothing is sent after the end");
        jobs.send(job).expect("the thread ends with the last job");
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it has ended the process.
            drop(thread.join());
        }
    }
}

fn run(mut committer: Committer, jobs: &Receiver<Job>, queue: &Queue, outbox: &Outbox) {
    for Job { sealed, answers, watched } in jobs {
        let done = match committer.commit(&sealed) {
            Ok(()) => {
                outbox.push(answers);
                outbox.push_watched(watched);
                Done::Durable
            }
            Err(CommitError::NoSpace(_)) => {
                Done::NoRoom(answers.into_iter().map(|answer| answer.ticket).collect())
            }
            Err(CommitError::Fatal(error)) => stop(&error),
        };
        queue.done(done);
    }
}
