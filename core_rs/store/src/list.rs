//! Lists over the tables, page by page: one short read transaction and a bounded scan per page.

use std::iter;
use std::ops::Bound;

use creditgate_engine::model::{Account, Reservation, Segment};
use creditgate_engine::values::{Minor, ReservationId, SegmentIndex, Slot};

use crate::error::StoreError;
use crate::tables::{Tables, TablesTxn};

/// Most rows that one page looks at, whether they are wanted or not.
pub(crate) const EXAMINED_MAX: usize = 10_000;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<Row, Key> {
    /// In order of their keys. May be fewer than asked for while there are more.
    pub rows: Vec<Row>,
    /// The key after which the next page goes on; `None`: this was the last.
    pub next: Option<Key>,
}

/// Collects a page from rows in order of their keys.
fn page<Row, Key: Copy>(
    limit: usize,
    mut rows: impl Iterator<Item = Result<(Key, Option<Row>), StoreError>>,
) -> Result<Page<Row, Key>, StoreError> {
    let mut page = Page { rows: Vec::new(), next: None };
    let mut examined = 0;
    for row in rows.by_ref() {
        let (key, row) = row?;
        page.rows.extend(row);
        examined += 1;
        if page.rows.len() >= limit || examined >= EXAMINED_MAX {
            page.next = Some(key);
            break;
        }
    }
    // Nothing after the last row: there is no next page.
    if page.next.is_some() && rows.next().is_none() {
        page.next = None;
    }
    Ok(page)
}

impl Tables {
    /// Accounts in order of slot, those after `after` that `wanted` accepts, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRow`] and I/O errors.
    pub fn list_accounts(
        &self,
        mut wanted: impl FnMut(&Account) -> bool,
        after: Option<Slot>,
        limit: usize,
    ) -> Result<Page<(Slot, Account), Slot>, StoreError> {
        let (rtxn, lmdb) = (self.read_txn()?, self.lmdb());
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (start, Bound::Unbounded);
        let rows = self.accounts.range(&rtxn, &range).map_err(lmdb)?.map(|row| {
            let (slot, row) = row.map_err(lmdb)?;
            let (account, _): (_, Minor) = self.decode("accounts", row)?;
            Ok((slot, wanted(&account).then_some((slot, account))))
        });
        page(limit, rows)
    }

    /// Reservations in order of id, those after `after`, of one account where `slot` is given, open
    /// or closed ones where `open` is; at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRow`] and I/O errors.
    pub fn list_reservations(
        &self,
        slot: Option<Slot>,
        open: Option<bool>,
        after: Option<ReservationId>,
        limit: usize,
    ) -> Result<Page<Reservation, ReservationId>, StoreError> {
        let below = TablesTxn { tables: self, rtxn: self.read_txn()? };
        let lmdb = self.lmdb();
        let wanted =
            |row: Reservation| open.is_none_or(|open| open == row.is_open()).then_some(row);
        let Some(slot) = slot else {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            let range = (start, Bound::Unbounded);
            let rows = self.reservations.range(&below.rtxn, &range).map_err(lmdb)?.map(|row| {
                let (id, row) = row.map_err(lmdb)?;
                Ok((id, wanted(self.decode("reservations", row)?)))
            });
            return page(limit, rows);
        };
        let mut last = after.unwrap_or_default();
        let rows = iter::from_fn(|| {
            let id = below.reservation_after(slot, last).transpose()?;
            Some(id.and_then(|id| {
                last = id;
                let row = below.reservation(id)?;
                Ok((id, wanted(row.ok_or_else(|| self.bad_row(format!("{id} is missing")))?)))
            }))
        });
        page(limit, rows)
    }

    /// The account in a slot.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRow`] and I/O errors.
    pub fn account(&self, slot: Slot) -> Result<Option<Account>, StoreError> {
        let found = TablesTxn { tables: self, rtxn: self.read_txn()? }.account(slot)?;
        Ok(found.map(|(account, _)| account))
    }

    /// A segment by its index.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRow`] and I/O errors.
    pub fn segment(&self, index: SegmentIndex) -> Result<Option<Segment>, StoreError> {
        TablesTxn { tables: self, rtxn: self.read_txn()? }.segment(index)
    }
}
