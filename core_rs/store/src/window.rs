//! Remembered names of requests and ledger entries: by what a repeat is known.

use std::collections::{HashMap, VecDeque};

use creditgate_engine::command::{Identity, RequestKey};
use creditgate_engine::values::{Micros, Seq};
use sha2::{Digest, Sha256};

use crate::options::WindowBounds;

/// A name, by the first half of a SHA-256: long enough that no two are ever taken for one, and a
/// mistake would only refuse the later one.
type Key = [u64; 2];

/// Windows of more names than this grow as they fill: small stores should not pay for large ones.
const NAMES_ALLOCATED_MAX: u64 = 1 << 20;

/// How full a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFigures {
    /// Names remembered.
    pub count: u64,
    /// Time of the oldest one's commit; `None`: it is empty.
    pub oldest: Option<Micros>,
}

/// The names of one kind, the oldest first, as far back as the bounds allow at the latest commit.
pub(crate) struct Window {
    bounds: WindowBounds,
    seqs: HashMap<Key, Seq>,
    order: VecDeque<Key>,
    /// Per commit: its time and how many names it brought.
    commits: VecDeque<(Micros, u64)>,
    /// Names of the commit under construction, the last of `order`.
    pending: usize,
}

impl Window {
    fn new(bounds: WindowBounds) -> Window {
        // Room for all from the start: memory is only taken up as it is used, and no order waits
        // for millions of names to be moved into a larger table.
        let names = bounds.count_max.min(NAMES_ALLOCATED_MAX) as usize;
        let (seqs, order) = (HashMap::with_capacity(names), VecDeque::with_capacity(names));
        Window { bounds, seqs, order, commits: VecDeque::new(), pending: 0 }
    }

    fn add(&mut self, key: Key, seq: Seq) {
        let known = self.seqs.insert(key, seq);
        assert_eq!(known, None, "a remembered name is answered from the journal");
        self.order.push_back(key);
        self.pending += 1;
    }

    fn undo(&mut self) {
        for key in self.order.drain(self.order.len() - self.pending..) {
            self.seqs.remove(&key);
        }
        self.pending = 0;
    }

    fn settle(&mut self, now: Micros) {
        if self.pending > 0 {
            self.commits.push_back((now, self.pending as u64));
            self.pending = 0;
        }
        let count_max = self.bounds.count_max;
        while let Some((time, count)) = self.commits.front_mut() {
            let surplus = (self.order.len() as u64).saturating_sub(count_max).min(*count);
            let aged = now.saturating_sub(*time) > self.bounds.age_max_us;
            let forget = if aged { *count } else { surplus };
            if forget == 0 {
                break;
            }
            *count -= forget;
            if *count == 0 {
                self.commits.pop_front();
            }
            for key in self.order.drain(..forget as usize) {
                self.seqs.remove(&key);
            }
        }
    }

    /// Takes the names of a commit before all that are remembered, as far as the bounds allow.
    fn add_older(&mut self, now: Micros, time: Micros, names: &[(Key, Seq)]) {
        let room = self.bounds.count_max.saturating_sub(self.order.len() as u64);
        if now.saturating_sub(time) > self.bounds.age_max_us {
            return;
        }
        let mut count = 0;
        for (key, seq) in names.iter().rev() {
            if count == room {
                break;
            }
            // A name that left the window and came again counts where it came last.
            if let std::collections::hash_map::Entry::Vacant(free) = self.seqs.entry(*key) {
                free.insert(*seq);
                self.order.push_front(*key);
                count += 1;
            }
        }
        if count > 0 {
            self.commits.push_front((time, count));
        }
    }

    fn is_full(&self, now: Micros, time: Micros) -> bool {
        self.order.len() as u64 >= self.bounds.count_max
            || now.saturating_sub(time) > self.bounds.age_max_us
    }

    fn figures(&self) -> WindowFigures {
        let oldest = self.commits.front().map(|(time, _)| *time);
        WindowFigures { count: self.seqs.len() as u64, oldest }
    }
}

/// Both windows.
pub(crate) struct Windows {
    requests: Window,
    entries: Window,
}

impl Windows {
    pub(crate) fn new(requests: WindowBounds, entries: WindowBounds) -> Windows {
        Windows { requests: Window::new(requests), entries: Window::new(entries) }
    }

    /// Where the command of this name stands in the journal, or in the commit under construction.
    pub(crate) fn find(&self, identity: &Identity<'_>) -> Option<Seq> {
        let window = match identity {
            Identity::Request(_) => &self.requests,
            Identity::Entry { .. } => &self.entries,
            Identity::None => return None,
        };
        window.seqs.get(&key(identity)).copied()
    }

    /// Where some command of any call of this request id stands, for a name that `find` did not.
    pub(crate) fn find_call(&self, identity: &Identity<'_>) -> Option<Seq> {
        let Identity::Request(request) = identity else { return None };
        let seqs = &self.requests.seqs;
        let known = seqs.get(&call_key(request.id));
        if known.is_some() || request.row == 0 {
            return known.copied();
        }
        seqs.get(&key(&Identity::Request(RequestKey { row: 0, ..*request }))).copied()
    }

    /// Remembers a name that `find` did not.
    pub(crate) fn add(&mut self, identity: &Identity<'_>, seq: Seq) {
        match identity {
            Identity::Request(request) => {
                self.requests.add(key(identity), seq);
                if request.call != 0 {
                    let call_key = call_key(request.id);
                    if !self.requests.seqs.contains_key(&call_key) {
                        self.requests.add(call_key, seq);
                    }
                }
            }
            Identity::Entry { .. } => self.entries.add(key(identity), seq),
            Identity::None => {}
        }
    }

    /// Forgets the names since the last commit.
    pub(crate) fn undo(&mut self) {
        self.requests.undo();
        self.entries.undo();
    }

    /// The commit of `now` is durable: its names stay, those beyond the bounds go.
    pub(crate) fn settle(&mut self, now: Micros) {
        self.requests.settle(now);
        self.entries.settle(now);
    }

    /// Takes up a commit of `time`, going back from the latest at `now`, and returns whether an
    /// older one could still bring anything.
    pub(crate) fn add_older<'a>(
        &mut self,
        now: Micros,
        time: Micros,
        names: impl Iterator<Item = (Identity<'a>, Seq)>,
    ) -> bool {
        let (mut requests, mut entries) = (Vec::new(), Vec::new());
        let mut last_call = None;
        for (identity, seq) in names {
            match identity {
                Identity::Request(request) => {
                    requests.push((key(&identity), seq));
                    let call = (request.call != 0).then_some(request.id);
                    if call.is_some() && call != last_call {
                        requests.push((call_key(request.id), seq));
                    }
                    last_call = call;
                }
                Identity::Entry { .. } => entries.push((key(&identity), seq)),
                Identity::None => {}
            }
        }
        self.requests.add_older(now, time, &requests);
        self.entries.add_older(now, time, &entries);
        !(self.requests.is_full(now, time) && self.entries.is_full(now, time))
    }

    /// How full the windows are: of request ids, and of ids of ledger entries.
    pub(crate) fn figures(&self) -> (WindowFigures, WindowFigures) {
        (self.requests.figures(), self.entries.figures())
    }
}

/// The name of a bulk call, whatever its rows.
fn call_key(id: &str) -> Key {
    half(Sha256::new().chain_update([3]).chain_update(id))
}

fn key(identity: &Identity<'_>) -> Key {
    let mut hasher = Sha256::new();
    match identity {
        Identity::Request(key) => {
            hasher.update([1]);
            hasher.update(key.row.to_be_bytes());
            hasher.update(key.id);
        }
        Identity::Entry { source, entry_id } => {
            hasher.update([2]);
            hasher.update((source.len() as u64).to_be_bytes());
            hasher.update(source);
            hasher.update(entry_id);
        }
        Identity::None => unreachable!("what has no name is not remembered"),
    }
    half(hasher)
}

fn half(hasher: Sha256) -> Key {
    let digest = hasher.finalize();
    let word = |at: usize| {
        u64::from_be_bytes(digest[at..at + 8].try_into().expect("eight bytes of thirty-two"))
    };
    [word(0), word(8)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: WindowBounds = WindowBounds { count_max: 3, age_max_us: 10 };

    fn request(id: &str) -> Identity<'_> {
        Identity::Request(RequestKey { id, row: 0, call: 0 })
    }

    fn commit(windows: &mut Windows, now: Micros, names: &[(&'static str, Seq)]) {
        for (id, seq) in names {
            windows.add(&request(id), *seq);
        }
        windows.settle(now);
    }

    fn found(windows: &Windows, ids: &[&str]) -> Vec<Option<Seq>> {
        ids.iter().map(|id| windows.find(&request(id))).collect()
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
            for (j, other) in names.iter().enumerate() {
                assert_eq!(key(one) == key(other), i == j, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_oldest_go_by_count_and_by_age() {
        let mut windows = Windows::new(BOUNDS, BOUNDS);
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
        let mut windows = Windows::new(BOUNDS, BOUNDS);
        commit(&mut windows, 0, &[("a", 1)]);
        windows.add(&request("b"), 2);
        windows.undo();
        assert_eq!(found(&windows, &["a", "b"]), [Some(1), None]);
        commit(&mut windows, 1, &[("b", 2)]);
        assert_eq!(found(&windows, &["a", "b"]), [Some(1), Some(2)]);
    }

    #[test]
    fn going_back_finds_what_going_forward_kept() {
        let commits: [(Micros, &[(&str, Seq)]); 3] =
            [(0, &[("a", 1)]), (4, &[("b", 2), ("c", 3)]), (12, &[("d", 4), ("e", 5)])];
        let mut forward = Windows::new(BOUNDS, BOUNDS);
        let mut back = Windows::new(BOUNDS, BOUNDS);
        for (now, names) in commits {
            commit(&mut forward, now, names);
        }
        for (time, names) in commits.iter().rev() {
            let more = back.add_older(12, *time, names.iter().map(|(id, s)| (request(id), *s)));
            assert_eq!(more, *time > 0);
        }
        let ids = ["a", "b", "c", "d", "e"];
        assert_eq!(found(&back, &ids), found(&forward, &ids));
        assert_eq!(back.figures(), forward.figures());
        // And forgets in the same order from then on.
        for windows in [&mut forward, &mut back] {
            commit(windows, 13, &[("f", 6)]);
            assert_eq!(found(windows, &["c", "d", "e", "f"]), [None, Some(4), Some(5), Some(6)]);
        }
    }

    #[test]
    fn a_call_is_known_by_its_id_and_found_again_going_back() {
        let row = |row, call| Identity::Request(RequestKey { id: "x", row, call });
        let mut forward = Windows::new(BOUNDS, BOUNDS);
        commit(&mut forward, 0, &[("a", 1)]);
        forward.add(&row(0, 7), 2);
        forward.settle(1);
        // Row 2 was refused at first and came again.
        forward.add(&row(2, 7), 3);
        forward.settle(2);
        let mut back = Windows::new(BOUNDS, BOUNDS);
        for (time, name) in [(2, (row(2, 7), 3)), (1, (row(0, 7), 2)), (0, (request("a"), 1))] {
            back.add_older(2, time, [name].into_iter());
        }
        for windows in [&mut forward, &mut back] {
            assert_eq!(found(windows, &["a"]), [None]);
            assert_eq!([0, 1, 2].map(|r| windows.find(&row(r, 7))), [Some(2), None, Some(3)]);
            assert!(windows.find_call(&row(1, 7)).is_some(), "whatever the row");
            assert!(windows.find_call(&row(0, 0)).is_some(), "also for a call of one");
        }
        forward.undo();
        assert!(forward.find_call(&row(1, 7)).is_some(), "only what is pending is undone");
        forward.add(&Identity::Request(RequestKey { id: "y", row: 0, call: 9 }), 4);
        forward.undo();
        assert_eq!(
            forward.find_call(&Identity::Request(RequestKey { id: "y", row: 1, call: 9 })),
            None
        );
    }
}
