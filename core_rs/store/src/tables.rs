//! The tables: the domain's rows in an LMDB environment of their own, as of some commit.
//!
//! Kept by the follower, read by lists and by recovery. A cache: where it does not fit the journal
//! it is thrown away and folded again. Rows are msgpack, structs as arrays of their fields.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use creditgate_engine::model::{Account, Case, CaseId, Item, Reservation, Segment, Watch};
use creditgate_engine::policy::{PolicyRow, PolicyVersion};
use creditgate_engine::state::Sums;
use creditgate_engine::terms::Assignee;
use creditgate_engine::values::{
    Currency, Minor, RESERVATION_ITEM_BITS, ReservationId, SegmentIndex, Seq, Slot,
};
use heed::byteorder::BigEndian;
use heed::types::{Bytes, Str, U32, U64, Unit};
use heed::{CommitOrAbort, Database, EnvFlags, RoTxn, RwTxn, WithoutTls};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Deserialize;

use crate::commit::{Digest, NO_HASH};
use crate::error::StoreError;
use crate::folder::{Env, open_env};
use crate::unpack;
use crate::window::HashKey;

/// The format of the tables. Tables of another one are folded again.
pub const TABLES_FORMAT: u64 = 6;

/// The commit up to which something is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Of its last entry; zero: nothing is folded.
    pub seq: Seq,
    /// Its digest.
    pub hash: Digest,
}

impl Reached {
    /// Nothing is folded.
    pub(crate) const START: Reached = Reached { seq: 0, hash: NO_HASH };
}

/// The tables of an open store. Reading takes a short transaction and hinders nobody; only the
/// follower writes.
#[derive(Clone)]
pub struct Tables {
    pub(crate) path: Arc<Path>,
    pub(crate) env: Env,
    /// Slot → account, and the part of what is outstanding that belongs to no item. All else that
    /// its counters say is what the other rows amount to.
    pub(crate) accounts: Database<'static, U32<BigEndian>, Bytes>,
    /// Id → reservation.
    pub(crate) reservations: Database<'static, U64<BigEndian>, Bytes>,
    /// Period, slot and id → nothing.
    pub(crate) reservations_by_account: Database<'static, Bytes, Unit>,
    /// Slot and invoice id → item.
    pub(crate) items: Database<'static, Bytes, Bytes>,
    /// Index → segment.
    pub(crate) segments: Database<'static, U32<BigEndian>, Bytes>,
    /// Index → named payment terms.
    pub(crate) terms: Database<'static, U32<BigEndian>, Bytes>,
    /// Index → calendar.
    pub(crate) calendars: Database<'static, U32<BigEndian>, Bytes>,
    /// Kind, place and contract of an assignee → the assignee and the index of its terms.
    pub(crate) assignments: Database<'static, Bytes, Bytes>,
    /// Version → its text, and what became of it.
    pub(crate) policies: Database<'static, U64<BigEndian>, Bytes>,
    /// Slot → what a policy has to know of the account.
    pub(crate) watches: Database<'static, U32<BigEndian>, Bytes>,
    /// Two currencies → the latest rate of the pair.
    pub(crate) rates: Database<'static, Bytes, Bytes>,
    /// Name → position and when it was reached, as a pair of integers.
    pub(crate) sources: Database<'static, Str, Bytes>,
    /// Name → the latest reconciliation.
    pub(crate) reconciliations: Database<'static, Str, Bytes>,
    /// Id → case.
    pub(crate) cases: Database<'static, U64<BigEndian>, Bytes>,
    /// Whose authority and who signs with it → the delegation.
    pub(crate) delegations: Database<'static, Bytes, Bytes>,
    /// Id → adjustments that wait for a second person.
    pub(crate) adjustments: Database<'static, U64<BigEndian>, Bytes>,
    /// Names of the windows, in chunks: see [`crate::name_log`].
    pub(crate) names: Database<'static, Bytes, Bytes>,
    /// `format` as big-endian `u64`; `reached` as sequence and digest; `sums` of all counters;
    /// `hash_key`, under which names are hashed.
    pub(crate) meta: Database<'static, Str, Bytes>,
}

/// 131,072 entries of the journal: as many reservations, or a few more, share a period.
const PERIOD_BITS: u32 = RESERVATION_ITEM_BITS + 17;

/// Key of an account's reservation: period, slot, id. New ones are of the latest periods. Under
/// full load a flush holds whole periods, so that nearly every page of the index is written once;
/// without periods a flush would write nearly every page of all.
pub(crate) fn by_account_key(slot: Slot, id: ReservationId) -> [u8; 16] {
    account_key((id >> PERIOD_BITS) as u32, slot, id)
}

fn account_key(period: u32, slot: Slot, id: ReservationId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&period.to_be_bytes());
    key[4..8].copy_from_slice(&slot.to_be_bytes());
    key[8..].copy_from_slice(&id.to_be_bytes());
    key
}

/// Key of an item.
pub(crate) fn item_key(slot: Slot, invoice_id: &str) -> Vec<u8> {
    [&slot.to_be_bytes()[..], invoice_id.as_bytes()].concat()
}

/// Key of the rate of a pair of currencies.
pub(crate) fn rate_key(base: Currency, currency: Currency) -> Vec<u8> {
    [base.to_bytes(), currency.to_bytes()].concat()
}

/// Key of a delegation: an id holds no control character.
pub(crate) fn delegation_key(from: &str, to: &str) -> Vec<u8> {
    [from.as_bytes(), &[0], to.as_bytes()].concat()
}

/// Key of an assignment, in the order of [`Assignee`].
pub(crate) fn assignment_key(assignee: &Assignee) -> Vec<u8> {
    let (kind, place, contract_id): (u8, u32, &str) = match assignee {
        Assignee::Segment(segment) => (0, *segment, ""),
        Assignee::Account(slot) => (1, *slot, ""),
        Assignee::Contract(slot, contract_id) => (2, *slot, contract_id),
    };
    [&[kind], &place.to_be_bytes()[..], contract_id.as_bytes()].concat()
}

impl Tables {
    /// Opens the tables; where their file is none of LMDB's, throws it away and makes a new one.
    pub(crate) fn open_or_make(path: PathBuf, map_size_bytes: usize) -> Result<Tables, StoreError> {
        use heed::MdbError::{Corrupted, Invalid, PageNotFound};
        match Tables::open(path.clone(), map_size_bytes) {
            Err(StoreError::Lmdb {
                source: heed::Error::Mdb(Corrupted | Invalid | PageNotFound),
                ..
            }) => {
                std::fs::remove_dir_all(&path).map_err(|e| StoreError::io(&path, e))?;
                Tables::open(path, map_size_bytes)
            }
            opened => opened,
        }
    }

    pub(crate) fn open(path: PathBuf, map_size_bytes: usize) -> Result<Tables, StoreError> {
        let lmdb = StoreError::lmdb(&path);
        // After a power failure the last commits may be missing: the journal has them.
        let env = open_env(&path, map_size_bytes, 24, EnvFlags::NO_META_SYNC)?;
        let wtxn = env.write_txn().map_err(lmdb)?;
        let dbs = env
            .create_databases_and_commit(wtxn, |opener, wtxn| {
                let accounts = opener.create_database(wtxn, Some("accounts"))?;
                let reservations = opener.create_database(wtxn, Some("reservations"))?;
                let by_account = opener.create_database(wtxn, Some("reservations_by_account"))?;
                let items = opener.create_database(wtxn, Some("items"))?;
                let segments = opener.create_database(wtxn, Some("segments"))?;
                let terms = opener.create_database(wtxn, Some("terms"))?;
                let calendars = opener.create_database(wtxn, Some("calendars"))?;
                let assignments = opener.create_database(wtxn, Some("assignments"))?;
                let policies = opener.create_database(wtxn, Some("policies"))?;
                let watches = opener.create_database(wtxn, Some("watches"))?;
                let rates = opener.create_database(wtxn, Some("rates"))?;
                let cases = opener.create_database(wtxn, Some("cases"))?;
                let delegations = opener.create_database(wtxn, Some("delegations"))?;
                let adjustments = opener.create_database(wtxn, Some("adjustments"))?;
                let of_policy = (policies, watches, cases, delegations, rates, adjustments);
                let sources = opener.create_database(wtxn, Some("sources"))?;
                let reconciliations = opener.create_database(wtxn, Some("reconciliations"))?;
                let of_ledger = (sources, reconciliations);
                let names = opener.create_database(wtxn, Some("names"))?;
                let meta = opener.create_database(wtxn, Some("meta"))?;
                let ours = (accounts, reservations, by_account, items, segments, of_ledger);
                let of_terms = (terms, calendars, assignments);
                Ok(CommitOrAbort::<_, ()>::Commit((ours, of_terms, of_policy, names, meta)))
            })
            .map_err(lmdb)?
            .unwrap_commit();
        let (ours, of_terms, of_policy, names, meta) = dbs;
        let (policies, watches, cases, delegations, rates, adjustments) = of_policy;
        let (terms, calendars, assignments) = of_terms;
        let (accounts, reservations, reservations_by_account, items, segments, of_ledger) = ours;
        let (sources, reconciliations) = of_ledger;
        let path = path.into();
        Ok(Tables {
            path,
            env,
            accounts,
            reservations,
            reservations_by_account,
            items,
            segments,
            terms,
            calendars,
            assignments,
            policies,
            watches,
            rates,
            cases,
            delegations,
            adjustments,
            sources,
            reconciliations,
            names,
            meta,
        })
    }

    pub(crate) fn lmdb(&self) -> impl Fn(heed::Error) -> StoreError + Copy + '_ {
        StoreError::lmdb(&self.path)
    }

    pub(crate) fn read_txn(&self) -> Result<RoTxn<'_, WithoutTls>, StoreError> {
        self.env.read_txn().map_err(self.lmdb())
    }

    pub(crate) fn write_txn(&self) -> Result<RwTxn<'_>, StoreError> {
        self.env.write_txn().map_err(self.lmdb())
    }

    pub(crate) fn bad_row(&self, what: String) -> StoreError {
        StoreError::BadRow { path: (*self.path).into(), what }
    }

    /// Reads a row; `what` and its key name it where it cannot be read.
    pub(crate) fn decode<'a, T: Deserialize<'a>>(
        &self,
        what: &str,
        row: &'a [u8],
    ) -> Result<T, StoreError> {
        unpack::read(row)
            .map_err(|error| self.bad_row(format!("a row of {what} cannot be read: {error}")))
    }

    pub(crate) fn watch(&self, txn: &RoTxn<'_>, slot: Slot) -> Result<Option<Watch>, StoreError> {
        let row = self.watches.get(txn, &slot).map_err(self.lmdb())?;
        row.map(|row| self.decode("watches", row)).transpose()
    }

    /// Up to where the tables are folded; `None` where they are of another format or of none.
    pub(crate) fn reached(&self) -> Result<Option<Reached>, StoreError> {
        self.reached_in(&self.read_txn()?)
    }

    pub(crate) fn reached_in(
        &self,
        txn: &RoTxn<'_, WithoutTls>,
    ) -> Result<Option<Reached>, StoreError> {
        let format = self.meta.get(txn, "format").map_err(self.lmdb())?;
        let reached = self.meta.get(txn, "reached").map_err(self.lmdb())?;
        if format != Some(&TABLES_FORMAT.to_be_bytes()[..]) {
            return Ok(None);
        }
        Ok(reached.and_then(|bytes| {
            let (seq, hash) = bytes.split_first_chunk()?;
            Some(Reached { seq: Seq::from_be_bytes(*seq), hash: hash.try_into().ok()? })
        }))
    }

    pub(crate) fn set_reached(
        &self,
        wtxn: &mut RwTxn<'_>,
        reached: &Reached,
    ) -> Result<(), StoreError> {
        let bytes = [&reached.seq.to_be_bytes()[..], &reached.hash].concat();
        let format = TABLES_FORMAT.to_be_bytes();
        self.meta.put(wtxn, "format", &format).map_err(self.lmdb())?;
        self.meta.put(wtxn, "reached", &bytes).map_err(self.lmdb())
    }

    /// Of the file, in bytes.
    pub(crate) fn size_bytes(&self) -> Result<u64, StoreError> {
        self.env.real_disk_size().map_err(self.lmdb())
    }

    /// What the rows must amount to.
    pub(crate) fn sums(&self, rtxn: &RoTxn<'_, WithoutTls>) -> Result<Sums, StoreError> {
        let sums = self.meta.get(rtxn, "sums").map_err(self.lmdb())?;
        sums.and_then(|sums| Some(Sums::from_bytes(sums.try_into().ok()?)))
            .ok_or_else(|| self.bad_row("the sums of the counters are missing".to_owned()))
    }

    pub(crate) fn set_sums(&self, wtxn: &mut RwTxn<'_>, sums: Sums) -> Result<(), StoreError> {
        self.meta.put(wtxn, "sums", &sums.to_bytes()).map_err(self.lmdb())
    }

    /// Under what names are hashed.
    pub(crate) fn hash_key(&self) -> Result<HashKey, StoreError> {
        let rtxn = self.read_txn()?;
        let key = self.meta.get(&rtxn, "hash_key").map_err(self.lmdb())?;
        key.and_then(|key| key.try_into().ok())
            .ok_or_else(|| self.bad_row("the key of the names is missing".to_owned()))
    }

    /// Throws every row away.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        let mut wtxn = self.write_txn()?;
        let clear = |wtxn: &mut RwTxn<'_>| {
            self.accounts.clear(wtxn)?;
            self.reservations.clear(wtxn)?;
            self.reservations_by_account.clear(wtxn)?;
            self.items.clear(wtxn)?;
            self.segments.clear(wtxn)?;
            self.terms.clear(wtxn)?;
            self.calendars.clear(wtxn)?;
            self.assignments.clear(wtxn)?;
            self.policies.clear(wtxn)?;
            self.watches.clear(wtxn)?;
            self.rates.clear(wtxn)?;
            self.cases.clear(wtxn)?;
            self.delegations.clear(wtxn)?;
            self.adjustments.clear(wtxn)?;
            self.sources.clear(wtxn)?;
            self.reconciliations.clear(wtxn)?;
            self.names.clear(wtxn)
        };
        clear(&mut wtxn).map_err(self.lmdb())?;
        self.set_reached(&mut wtxn, &Reached::START)?;
        self.set_sums(&mut wtxn, Sums::default())?;
        let mut hash_key = HashKey::default();
        getrandom(&mut hash_key, GetRandomFlags::empty())
            .map_err(|e| StoreError::io(&self.path, e))?;
        self.meta.put(&mut wtxn, "hash_key", &hash_key).map_err(self.lmdb())?;
        wtxn.commit().map_err(self.lmdb())
    }
}

/// Reads single rows within one read transaction.
pub(crate) struct TablesTxn<'t> {
    pub(crate) tables: &'t Tables,
    pub(crate) rtxn: RoTxn<'t, WithoutTls>,
}

impl TablesTxn<'_> {
    /// An account, and its unallocated money.
    pub(crate) fn account(&self, slot: Slot) -> Result<Option<(Account, Minor)>, StoreError> {
        let row = self.tables.accounts.get(&self.rtxn, &slot).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("accounts", row)).transpose()
    }

    pub(crate) fn reservation(&self, id: ReservationId) -> Result<Option<Reservation>, StoreError> {
        let row = self.tables.reservations.get(&self.rtxn, &id).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("reservations", row)).transpose()
    }

    /// The first reservation of an account after `id`: two looks at the index for each period.
    pub(crate) fn reservation_after(
        &self,
        slot: Slot,
        id: ReservationId,
    ) -> Result<Option<ReservationId>, StoreError> {
        let index = self.tables.reservations_by_account;
        let mut from = by_account_key(slot, id + 1);
        loop {
            let found = index.get_greater_than_or_equal_to(&self.rtxn, &from);
            let Some((key, ())) = found.map_err(self.tables.lmdb())? else { return Ok(None) };
            let key: [u8; 16] = key
                .try_into()
                .map_err(|_| self.tables.bad_row("a key has the wrong length".to_owned()))?;
            let word =
                |at: usize| u32::from_be_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
            let (period, found) = (word(0), word(4));
            from = match found.cmp(&slot) {
                Ordering::Equal => return Ok(Some(u64::from(word(8)) << 32 | u64::from(word(12)))),
                Ordering::Less => account_key(period, slot, 0),
                Ordering::Greater => account_key(period + 1, slot, 0),
            };
        }
    }

    pub(crate) fn item(&self, slot: Slot, invoice_id: &str) -> Result<Option<Item>, StoreError> {
        let key = item_key(slot, invoice_id);
        let row = self.tables.items.get(&self.rtxn, &key).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("items", row)).transpose()
    }

    pub(crate) fn segment(&self, index: SegmentIndex) -> Result<Option<Segment>, StoreError> {
        let row = self.tables.segments.get(&self.rtxn, &index).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("segments", row)).transpose()
    }

    pub(crate) fn case(&self, id: CaseId) -> Result<Option<Case>, StoreError> {
        let row = self.tables.cases.get(&self.rtxn, &id).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("cases", row)).transpose()
    }

    pub(crate) fn policy(&self, version: PolicyVersion) -> Result<Option<PolicyRow>, StoreError> {
        let row = self.tables.policies.get(&self.rtxn, &version).map_err(self.tables.lmdb())?;
        row.map(|row| self.tables.decode("policies", row)).transpose()
    }
}
