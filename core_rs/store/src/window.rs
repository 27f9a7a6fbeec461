//! Remembered names of requests and ledger entries: by what a repeat is known.

use std::collections::VecDeque;
use std::hash::Hasher;

use creditgate_engine::command::Identity;
use creditgate_engine::values::{Micros, Seq};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::names::{Hash, Kind, NAMES_MAX, Names};
use crate::options::WindowBounds;

/// What names are hashed under: a secret, so that nobody can choose names that meet.
pub(crate) type HashKey = [u8; 16];

/// A command's name, hashed once: long enough that no two are ever taken for one, and a mistake
/// would only refuse the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A request id, and which row of a call by this id it is.
    Request { id: Hash, row: u32, is_row: bool },
    /// A ledger entry.
    Entry(Hash),
    /// Nobody repeats it.
    None,
}

/// The hash of one row of a request id. An odd factor spreads the rows over all bits.
fn row_hash(id: Hash, row: u32) -> Hash {
    const SPREAD: Hash = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    id.wrapping_add(Hash::from(row).wrapping_mul(SPREAD))
}

/// How full a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFigures {
    /// Names remembered.
    pub count: u64,
    /// Time of the oldest one's commit; `None`: it is empty.
    pub oldest: Option<Micros>,
}

/// The names of one kind, the oldest first, as far back as the bounds allow at the latest commit.
struct Window {
    bounds: WindowBounds,
    names: Names,
    /// Per durable commit: its time and how many names it brought.
    commits: VecDeque<(Micros, u64)>,
    /// As `commits`, of those that are being made durable.
    sealed: VecDeque<(Micros, u64)>,
    /// Names of the commit under construction, the latest of all.
    pending: u64,
}

impl Window {
    fn new(bounds: WindowBounds) -> Window {
        let count_max = bounds.count_max.min(NAMES_MAX);
        let bounds = WindowBounds { count_max, ..bounds };
        let (names, commits, sealed) = (Names::new(count_max), VecDeque::new(), VecDeque::new());
        Window { bounds, names, commits, sealed, pending: 0 }
    }

    /// Adds a name; returns whether it was not known.
    fn add(&mut self, hash: Hash, seq: Seq, kind: Kind) -> bool {
        self.pending += 1;
        self.names.push(hash, seq, kind)
    }

    fn seal(&mut self, time: Micros) {
        self.sealed.push_back((time, self.pending));
        self.pending = 0;
    }

    fn undo(&mut self) {
        (0..self.unsettled()).for_each(|_| self.names.pop_last());
        self.sealed.clear();
        self.pending = 0;
    }

    /// Forgets the latest names of the commit under construction, down to so many of it.
    fn undo_to(&mut self, pending: u64) {
        (pending..self.pending).for_each(|_| self.names.pop_last());
        self.pending = pending;
    }

    fn unsettled(&self) -> u64 {
        self.pending + self.sealed.iter().map(|(_, count)| count).sum::<u64>()
    }

    fn settle(&mut self) {
        let Some(durable) = self.sealed.pop_front() else { return };
        if durable.1 > 0 {
            self.commits.push_back(durable);
        }
        let found_max = self.bounds.count_max.saturating_add(self.unsettled());
        while let Some((time, count)) = self.commits.front_mut() {
            let aged = durable.0.saturating_sub(*time) > self.bounds.age_max_us;
            if !aged && self.names.found() <= found_max {
                break;
            }
            self.names.pop_first();
            *count -= 1;
            if *count == 0 {
                self.commits.pop_front();
            }
        }
    }

    fn figures(&self) -> WindowFigures {
        let oldest = self.commits.front().map(|(time, _)| *time);
        WindowFigures { count: self.names.found(), oldest }
    }
}

/// Both windows.
pub(crate) struct Windows {
    hash_key: HashKey,
    requests: Window,
    entries: Window,
}

impl Windows {
    pub(crate) fn new(hash_key: HashKey, requests: WindowBounds, entries: WindowBounds) -> Windows {
        Windows { hash_key, requests: Window::new(requests), entries: Window::new(entries) }
    }

    /// The key of a command's name, for all that follows.
    pub(crate) fn key(&self, identity: &Identity<'_>) -> Key {
        key(&self.hash_key, identity)
    }

    /// Where the command of this name stands in the journal, or in the commit under construction.
    pub(crate) fn find(&self, key: &Key) -> Option<Seq> {
        match *key {
            Key::Request { id, row, .. } => self.requests.names.find(row_hash(id, row), Kind::One),
            Key::Entry(hash) => self.entries.names.find(hash, Kind::One),
            Key::None => None,
        }
    }

    /// Where some command of any call of this request id stands, for a name that `find` did not.
    pub(crate) fn find_call(&self, key: &Key) -> Option<Seq> {
        let Key::Request { id, row, .. } = *key else { return None };
        let names = &self.requests.names;
        let call = names.find(id, Kind::Call);
        if call.is_some() || row == 0 { call } else { names.find(row_hash(id, 0), Kind::One) }
    }

    /// Remembers a name that `find` did not.
    pub(crate) fn add(&mut self, key: &Key, seq: Seq) {
        let is_new = self.add_again(key, seq);
        assert!(is_new, "a remembered name is answered from the journal");
    }

    /// Remembers a name of the journal, which may have left a smaller window and come again: it
    /// then counts where it came last. Returns whether it was not known.
    pub(crate) fn add_again(&mut self, key: &Key, seq: Seq) -> bool {
        match *key {
            Key::Request { id, row, is_row } => {
                let is_new = self.requests.add(row_hash(id, row), seq, Kind::One);
                if is_row && self.requests.names.find(id, Kind::Call).is_none() {
                    self.requests.add(id, seq, Kind::Call);
                }
                is_new
            }
            Key::Entry(hash) => self.entries.add(hash, seq, Kind::One),
            Key::None => true,
        }
    }

    /// Remembers the names of one kind that a durable commit of `time` brought.
    pub(crate) fn restore(&mut self, time: Micros, names: impl IntoIterator<Item = (Key, Seq)>) {
        for (key, seq) in names {
            self.add_again(&key, seq);
        }
        self.seal(time);
        self.settle();
    }

    /// Forgets the names since the last durable commit.
    pub(crate) fn undo(&mut self) {
        self.requests.undo();
        self.entries.undo();
    }

    /// How many names the commit under construction has: see [`Windows::undo_to`].
    pub(crate) fn mark(&self) -> (u64, u64) {
        (self.requests.pending, self.entries.pending)
    }

    /// Forgets the names since a mark of the same commit.
    pub(crate) fn undo_to(&mut self, (requests, entries): (u64, u64)) {
        self.requests.undo_to(requests);
        self.entries.undo_to(entries);
    }

    /// The names since the last sealing are of a commit of `time`, on its way to the disk.
    pub(crate) fn seal(&mut self, time: Micros) {
        self.requests.seal(time);
        self.entries.seal(time);
    }

    /// The earliest sealed commit is durable: its names stay, those beyond the bounds go.
    pub(crate) fn settle(&mut self) {
        self.requests.settle();
        self.entries.settle();
    }

    /// The earliest entry of the journal that a name stands for.
    pub(crate) fn oldest_seq(&self) -> Option<Seq> {
        let oldest = [&self.requests, &self.entries].map(|window| window.names.first_seq());
        oldest.into_iter().flatten().min()
    }

    /// How full the windows are: of request ids, and of ids of ledger entries.
    pub(crate) fn figures(&self) -> (WindowFigures, WindowFigures) {
        (self.requests.figures(), self.entries.figures())
    }
}

/// The key of a command's name under `hash_key`.
pub(crate) fn key(hash_key: &HashKey, identity: &Identity<'_>) -> Key {
    let hasher = SipHasher13::new_with_key(hash_key);
    match identity {
        Identity::Request(request) => Key::Request {
            id: hasher.hash(request.id.as_bytes()).as_u128(),
            row: request.row,
            is_row: request.call != 0,
        },
        Identity::Entry { source, entry_id } => {
            let mut hasher = hasher;
            hasher.write_u64(source.len() as u64);
            hasher.write(source.as_bytes());
            hasher.write(entry_id.as_bytes());
            Key::Entry(hasher.finish128().as_u128())
        }
        Identity::None => Key::None,
    }
}

#[cfg(test)]
mod tests {
    use creditgate_engine::command::RequestKey;

    use super::*;

    const BOUNDS: WindowBounds = WindowBounds { count_max: 3, age_max_us: 10 };

    fn windows() -> Windows {
        Windows::new([7; 16], BOUNDS, BOUNDS)
    }

    fn request(id: &str) -> Identity<'_> {
        Identity::Request(RequestKey { id, row: 0, call: 0 })
    }

    fn add(windows: &mut Windows, identity: &Identity<'_>, seq: Seq) {
        windows.add(&windows.key(identity), seq);
    }

    fn commit(windows: &mut Windows, now: Micros, names: &[(&'static str, Seq)]) {
        for (id, seq) in names {
            add(windows, &request(id), *seq);
        }
        windows.seal(now);
        windows.settle();
    }

    fn found(windows: &Windows, ids: &[&str]) -> Vec<Option<Seq>> {
        ids.iter().map(|id| windows.find(&windows.key(&request(id)))).collect()
    }

    #[test]
    fn names_of_different_kinds_and_rows_differ() {
        let names = [
            request("ab"),
            Identity::Request(RequestKey { id: "ab", row: 1, call: 0 }),
            Identity::Entry { source: "a", entry_id: "b" },
            Identity::Entry { source: "", entry_id: "ab" },
            Identity::Entry { source: "ab", entry_id: "" },
        ];
        for (i, one) in names.iter().enumerate() {
            let mut windows = windows();
            add(&mut windows, one, 1);
            for (j, other) in names.iter().enumerate() {
                let found = windows.find(&windows.key(other));
                assert_eq!(found.is_some(), i == j, "{one:?} {other:?}");
            }
        }
        let other = Windows::new([8; 16], BOUNDS, BOUNDS);
        assert_ne!(windows().key(&names[0]), other.key(&names[0]), "the key is a secret");
    }

    #[test]
    fn the_oldest_go_by_count_and_by_age() {
        let mut windows = windows();
        commit(&mut windows, 0, &[("a", 1), ("b", 2)]);
        commit(&mut windows, 5, &[("c", 3), ("d", 4)]);
        assert_eq!(found(&windows, &["a", "b", "c", "d"]), [None, Some(2), Some(3), Some(4)]);
        assert_eq!(windows.figures().0, WindowFigures { count: 3, oldest: Some(0) });
        commit(&mut windows, 11, &[]);
        assert_eq!(found(&windows, &["b", "c", "d"]), [None, Some(3), Some(4)]);
        commit(&mut windows, 16, &[]);
        assert_eq!(windows.figures().0, WindowFigures { count: 0, oldest: None });
    }

    #[test]
    fn an_undone_commit_leaves_no_name() {
        let mut windows = windows();
        commit(&mut windows, 0, &[("a", 1)]);
        add(&mut windows, &request("b"), 2);
        windows.undo();
        assert_eq!(found(&windows, &["a", "b"]), [Some(1), None]);
        commit(&mut windows, 1, &[("b", 2)]);
        assert_eq!(found(&windows, &["a", "b"]), [Some(1), Some(2)]);
    }

    #[test]
    fn what_is_on_its_way_pushes_nothing_out_and_is_undone_as_a_whole() {
        let mut windows = windows();
        commit(&mut windows, 0, &[("a", 1), ("b", 2), ("c", 3)]);
        add(&mut windows, &request("d"), 4);
        windows.seal(1);
        add(&mut windows, &request("e"), 5);
        windows.seal(2);
        add(&mut windows, &request("f"), 6);
        assert_eq!(found(&windows, &["a", "d", "f"]), [Some(1), Some(4), Some(6)]);
        windows.settle();
        assert_eq!(found(&windows, &["a", "b", "d", "e"]), [None, Some(2), Some(4), Some(5)]);
        windows.undo();
        assert_eq!(found(&windows, &["b", "c", "d"]), [Some(2), Some(3), Some(4)]);
        assert_eq!(found(&windows, &["e", "f"]), [None, None]);
        commit(&mut windows, 3, &[("e", 5)]);
        assert_eq!(found(&windows, &["b", "c", "e"]), [None, Some(3), Some(5)]);
    }

    #[test]
    fn a_name_that_left_a_smaller_window_counts_where_it_came_last() {
        let mut windows = windows();
        commit(&mut windows, 0, &[("a", 1), ("b", 2)]);
        assert!(!windows.add_again(&windows.key(&request("a")), 3));
        windows.seal(1);
        windows.settle();
        assert_eq!(windows.figures().0, WindowFigures { count: 2, oldest: Some(0) });
        commit(&mut windows, 2, &[("c", 4), ("d", 5)]);
        assert_eq!(found(&windows, &["a", "b", "c"]), [Some(3), None, Some(4)]);
        assert_eq!(windows.figures().0, WindowFigures { count: 3, oldest: Some(1) });
    }

    #[test]
    fn a_call_is_known_by_its_id_whatever_its_rows() {
        let row = |row, call| Identity::Request(RequestKey { id: "x", row, call });
        let mut windows = windows();
        commit(&mut windows, 0, &[("a", 1)]);
        add(&mut windows, &row(0, 7), 2);
        windows.seal(1);
        windows.settle();
        // Row 2 was refused at first and came again.
        add(&mut windows, &row(2, 7), 3);
        windows.seal(2);
        windows.settle();
        assert_eq!(found(&windows, &["a"]), [None]);
        let find = |row| windows.find(&windows.key(&row));
        assert_eq!([0, 1, 2].map(|r| find(row(r, 7))), [Some(2), None, Some(3)]);
        let find_call = |windows: &Windows, row| windows.find_call(&windows.key(&row));
        assert!(find_call(&windows, row(1, 7)).is_some(), "whatever the row");
        assert!(find_call(&windows, row(0, 0)).is_some(), "also for a call of one");
        windows.undo();
        assert!(find_call(&windows, row(1, 7)).is_some(), "only what is pending is undone");
        let other = |row| Identity::Request(RequestKey { id: "y", row, call: 9 });
        add(&mut windows, &other(0), 4);
        windows.undo();
        assert_eq!(find_call(&windows, other(1)), None);
    }
}
