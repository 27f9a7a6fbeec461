//! A seeded simulation: random commands against a store that crashes and runs out of space between
//! any two steps. What was acknowledged must be there after every restart.
//!
//! `CREDITGATE_SEED=… cargo test -p creditgate-store --test simulation` replays a run.

mod checks;
mod commands;
#[path = "../../../core_rs/store/tests/common/mod.rs"]
mod common;
mod limits;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use checks::{check_counters, check_journal, check_tables, kinds};
use common::{Random, catch_up, options, seed};
use creditgate_engine::command::Identity;
use creditgate_engine::entry::Request;
use creditgate_engine::values::Seq;
use creditgate_store::{
    Answer, CommitError, ExecuteError, Fault, Faults, Follower, NoFaults, Options, Retention, Step,
    Store, StoreError, WindowBounds,
};

/// Throws a die before each step.
struct Dice(Mutex<Random>);

impl Faults for Dice {
    fn before(&self, step: Step) -> Result<(), Fault> {
        let mut random = self.0.lock().expect("no test panics while it throws");
        match random.below(40) {
            0 => Err(Fault::Crash),
            1 | 2 if has_room_to_want(step) => Err(Fault::NoSpace),
            _ => Ok(()),
        }
    }
}

fn has_room_to_want(step: Step) -> bool {
    use Step::{Append, Commit, Flush, GrowMap, Roll, Texts};
    matches!(step, Append | Commit | Flush | GrowMap | Roll | Texts)
}

/// In microseconds.
const DAY: i64 = 86_400_000_000;

struct Simulation {
    folder: tempfile::TempDir,
    options: Options,
    random: Random,
    now: i64,
    requests: u64,
    /// What callers hold against the store: every answer that they were given.
    acknowledged: Vec<(Request<'static>, Answer)>,
    /// Requests whose commit found no room: asked again in the next.
    undone: Vec<Request<'static>>,
    /// Up to where the tables were written.
    flushed: Seq,
    crashes: u32,
    no_space: u32,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let folder = tempfile::tempdir().expect("a folder");
        let dice = Random(seed ^ 0xd1ce);
        let options = Options {
            closed_count_max: seed % 7,
            // Whatever was answered is asked again, however long ago.
            request_window: WindowBounds { count_max: 1_000_000, age_max_us: i64::MAX },
            // Small, so that many files are begun and archived.
            journal_file_bytes: 64 << 10,
            journal_retention: Retention {
                bytes_max: (seed % 3) * (100 << 10),
                age_max_us: 60_000_000 * seed as i64,
            },
            faults: Arc::new(Dice(Mutex::new(dice))),
            ..options()
        };
        let (acknowledged, random) = (Vec::new(), Random(seed));
        let (now, requests, flushed, crashes, no_space) = (0, 0, 0, 0, 0);
        let undone = Vec::new();
        Simulation {
            folder,
            options,
            random,
            now,
            requests,
            acknowledged,
            undone,
            flushed,
            crashes,
            no_space,
        }
    }

    /// Opens the store and runs it until it crashes, or to the end of its `commits`.
    fn live(&mut self, commits: &mut u32) {
        let opened = Store::open(self.folder.path(), self.options.clone());
        let (mut store, recovery) = opened.expect("a crash leaves a store that opens");
        assert_eq!(recovery.journal_seq, store.committed_seq());
        assert!(recovery.tables_seq >= self.flushed, "{recovery:?}: {} was there", self.flushed);
        let mut follower = store.follower().expect("it starts");
        // Whether what was under way when it crashed is durable, nobody was told.
        self.undone.clear();
        self.check(&mut store);
        while *commits > 0 {
            *commits -= 1;
            let alive = self.commit(&mut store) && self.follow(&store, &mut follower);
            if !alive {
                self.crashes += 1;
                return;
            }
        }
    }

    /// One commit of a few commands; returns whether the process lives.
    fn commit(&mut self, store: &mut Store) -> bool {
        self.now += self.random.below(5_000_000) as i64;
        if self.random.chance(1, 20) {
            self.now += DAY;
        }
        store.begin(self.now);
        let before = (store.committed_seq(), store.state().dump());
        self.ask_again(store);
        let mut batch = Vec::new();
        while store.housekeep().expect("the clock is never refused") {}
        let mut requests = std::mem::take(&mut self.undone);
        requests.extend((0..1 + self.random.below(8)).map(|_| self.request()));
        requests.extend(self.between());
        requests.extend(self.adjustments());
        for request in requests {
            match store.execute(&request) {
                Ok(answer) => {
                    assert!(!answer.replayed, "an undone request is forgotten");
                    // What has no name is not known again.
                    if request.command.identity() != Identity::None {
                        batch.push((request, answer));
                    }
                }
                Err(ExecuteError::Refused(_) | ExecuteError::NoSpace(_)) => {}
                Err(ExecuteError::Fatal(_) | ExecuteError::Unreadable(_)) => return false,
            }
        }
        match store.commit() {
            Ok(()) => self.acknowledged.extend(batch),
            Err(CommitError::NoSpace(_)) => {
                self.no_space += 1;
                assert_eq!((store.committed_seq(), store.state().dump()), before);
                self.undone = batch.into_iter().map(|(request, _)| request).collect();
            }
            Err(CommitError::Fatal(_)) => return false,
        }
        true
    }

    fn follow(&mut self, store: &Store, follower: &mut Follower) -> bool {
        if self.random.chance(1, 2) && follower.fold(store.committed_seq()).is_err() {
            return false;
        }
        if self.random.chance(1, 4) {
            match follower.flush().and_then(|()| follower.archive()) {
                Ok(()) => self.flushed = follower.flushed(),
                Err(StoreError::NoSpace { .. }) => self.no_space += 1,
                Err(_) => return false,
            }
        }
        true
    }

    /// One answer that was given is given again.
    fn ask_again(&mut self, store: &mut Store) {
        if self.acknowledged.is_empty() {
            return;
        }
        let one = self.random.below(self.acknowledged.len() as u64) as usize;
        let (request, answer) = &self.acknowledged[one];
        let again = store.execute(request).expect("it was answered before");
        assert_eq!(again, Answer { replayed: true, ..answer.clone() });
    }

    /// After each start: what was acknowledged is there, and all that is derived agrees.
    fn check(&mut self, store: &mut Store) {
        store.begin(self.now);
        (0..40).for_each(|_| self.ask_again(store));
        assert!(!store.has_pending(), "a repeat is not journalled");
        check_journal(store);
        check_counters(store, self.folder.path());
    }
}

/// Returns the kinds of events that happened.
fn simulate(seed: u64, mut commits: u32) -> BTreeSet<String> {
    println!("CREDITGATE_SEED={seed}");
    let mut simulation = Simulation::new(seed);
    while commits > 0 {
        simulation.live(&mut commits);
    }
    // At rest: every single answer, and tables that hold the whole state.
    simulation.options.faults = Arc::new(NoFaults);
    let (mut store, _) =
        Store::open(simulation.folder.path(), simulation.options.clone()).expect("it opens");
    store.begin(simulation.now);
    for (request, answer) in &simulation.acknowledged {
        let again = store.execute(request).expect("it was answered before");
        assert_eq!(again, Answer { replayed: true, ..answer.clone() });
    }
    simulation.check(&mut store);
    let mut follower = store.follower().expect("it starts");
    catch_up(&mut follower, &store);
    assert_eq!(follower.rows_dirty(), 0);
    check_tables(&store);
    let dump = store.state().dump();
    drop((follower, store));
    let (store, recovery) =
        Store::open(simulation.folder.path(), simulation.options.clone()).expect("it opens");
    assert_eq!((recovery.tables_seq, recovery.commits_replayed), (store.committed_seq(), 0));
    assert_eq!(store.state().dump(), dump);
    let Simulation { crashes, no_space, acknowledged, .. } = &simulation;
    println!("{crashes} crashes, {no_space} full disks, {} answers", acknowledged.len());
    let files = store.journal().files();
    let archived = files.iter().filter(|(_, path)| path.parent().is_some_and(is_archive)).count();
    println!("{} files, {archived} archived", files.len());
    assert!(archived > 0 && archived < files.len(), "nothing was archived");
    assert!(*crashes > 0 && *no_space > 0 && !acknowledged.is_empty(), "nothing was simulated");
    kinds(&store)
}

fn is_archive(folder: &Path) -> bool {
    folder.ends_with("archive")
}

#[test]
fn what_was_acknowledged_survives_everything() {
    if std::env::var("CREDITGATE_SEED").is_ok() {
        simulate(seed(0), 250);
        return;
    }
    let happened: BTreeSet<String> = (1..=8).flat_map(|seed| simulate(seed, 260)).collect();
    let kinds = "AccountSet Acknowledged Adjustments AverageMoved Billed Breached CalendarSet \
                 Captured Case CaseCounted Claimed Counted Expired ExpirySet FirstBilled \
                 Grown HoldLifted HoldPlaced ItemDisputed ItemForgotten ItemMoved ItemPosted \
                 LimitApproved LimitProposed OrderMoved OrdersCounted OrdersForgotten \
                 PolicyActivated PolicyPut PolicyShadowed ProposalClosed RateSet Reconciled \
                 Released ReservationForgotten Reserved Revalued RollingLimitRemoved \
                 RollingLimitSet SegmentSet SourceMoved StatusSet TemporaryLimitRemoved \
                 TemporaryLimitSet TermsAssigned TermsSet UnallocatedMoved UtilisationCrossed \
                 UtilisationTaken VerificationRecorded";
    assert_eq!(happened.iter().map(String::as_str).collect::<Vec<_>>().join(" "), kinds);
}
