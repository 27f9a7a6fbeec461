//! The commit under construction.

use std::ops::Range;

use creditgate_engine::command::Command;
use creditgate_engine::entry::{Entry, EntryRef};
use creditgate_engine::event::Event;
use creditgate_engine::values::{Micros, Seq};

use crate::commit::{self, Head};
use crate::journal::{Link, TextRow};
use crate::text;
use crate::unpack;

/// Entries that were decided and applied and are not on disk.
pub(crate) struct Pending {
    first_seq: Seq,
    pub(crate) time: Micros,
    /// Each entry in msgpack, one after the other.
    bytes: Vec<u8>,
    /// Where in `bytes` each stands.
    ranges: Vec<Range<usize>>,
    texts: Vec<TextRow>,
    /// Entries whose texts go once the commit is durable.
    erased: Vec<Seq>,
    /// It changes what accounts inherit from a segment, or are held to with it.
    pub(crate) touches_segments: bool,
}

impl Pending {
    /// The commit after `last_seq`, not before `time`.
    pub(crate) fn after(last_seq: Seq, time: Micros) -> Pending {
        Pending {
            first_seq: last_seq + 1,
            time,
            bytes: Vec::new(),
            ranges: Vec::new(),
            texts: Vec::new(),
            erased: Vec::new(),
            touches_segments: false,
        }
    }

    pub(crate) fn first_seq(&self) -> Seq {
        self.first_seq
    }

    pub(crate) fn next_seq(&self) -> Seq {
        self.first_seq + self.ranges.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(crate) fn texts(&self) -> &[TextRow] {
        &self.texts
    }

    pub(crate) fn erased(&self) -> &[Seq] {
        &self.erased
    }

    pub(crate) fn push(&mut self, entry: &EntryRef<'_>) {
        let (seq, start) = (self.next_seq(), self.bytes.len());
        commit::append(&mut self.bytes, entry);
        self.ranges.push(start..self.bytes.len());
        self.touches_segments |=
            entry.events.iter().any(|event| matches!(event, Event::SegmentSet { .. }));
        if let Command::EraseTexts(command) = &entry.request.command {
            self.erased.extend(&command.entries);
        }
        self.texts.extend(text::of_request(entry.request).filter_map(|(field, text)| {
            Some(TextRow { seq, field, bytes: text::to_bytes(&text)? })
        }));
    }

    /// Takes the entries from `seq` on back, of which none erases texts or sets a segment.
    pub(crate) fn truncate(&mut self, seq: Seq) {
        let kept = (seq - self.first_seq) as usize;
        self.bytes.truncate(self.ranges.get(kept).map_or(self.bytes.len(), |range| range.start));
        self.ranges.truncate(kept);
        self.texts.retain(|row| row.seq < seq);
    }

    /// Hands over what is decided so far; what comes next is of the commit after it.
    pub(crate) fn take(&mut self) -> Pending {
        let next = Pending {
            first_seq: self.next_seq(),
            time: self.time,
            // The next commit is often about as large as this one.
            bytes: Vec::with_capacity(self.bytes.len()),
            ranges: Vec::with_capacity(self.ranges.len()),
            texts: Vec::new(),
            erased: Vec::new(),
            touches_segments: false,
        };
        std::mem::replace(self, next)
    }

    /// An entry of this commit, read back with its texts.
    pub(crate) fn entry(&self, seq: Seq) -> Entry<'_> {
        let range = self.ranges[(seq - self.first_seq) as usize].clone();
        let mut entry: Entry<'_> =
            unpack::read(&self.bytes[range]).expect("what was encoded a moment ago can be decoded");
        let fetch = |field| {
            let row = self.texts.iter().find(|row| row.seq == seq && row.field == field);
            Ok(row.map(|row| &row.bytes[..]))
        };
        text::restore(&mut entry, fetch, |_| unreachable!("nobody alters a text in memory"))
            .expect("memory is there");
        entry
    }

    /// The journal's value for this commit.
    pub(crate) fn encode(&self, epoch: u64, last: &Link) -> (Head, Vec<u8>) {
        let count = u32::try_from(self.len()).expect("a commit is made long before");
        let head =
            Head { epoch, first_seq: self.first_seq, time: self.time, prev_hash: last.hash, count };
        (head, commit::encode(&head, &self.bytes))
    }
}
