//! What accounts owe, invoice by invoice, page by page over the tables.

use std::iter::Peekable;
use std::ops::Bound;

use creditgate_engine::model::{Account, Item};
use creditgate_engine::values::{Id, Minor, Seq, Slot};

use crate::error::StoreError;
use crate::list::EXAMINED_MAX;
use crate::tables::{Tables, item_key};

/// Where a page ended: with an account, or in the middle of one, with this invoice of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPlace {
    /// The account.
    pub slot: Slot,
    /// The last of its invoices that was shown, if there are more.
    pub invoice_id: Option<Id>,
}

/// An account with unallocated money or items that are not settled, or with a part of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// Whose.
    pub account: Account,
    /// What belongs to no item.
    pub unallocated: Minor,
    /// That, and what is open on all items; `None` where it goes on from the page before.
    pub outstanding: Option<Minor>,
    /// Those that are not settled, in order of invoice.
    pub items: Vec<Item>,
}

/// One page of accounts in order of slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPage {
    /// May be none while there are more.
    pub accounts: Vec<OpenAccount>,
    /// Behind which the next page goes on; `None`: this was the last.
    pub next: Option<OpenPlace>,
    /// The entry up to which its rows are folded.
    pub seq: Seq,
}

impl Tables {
    /// What accounts owe, behind `after`, of one account where `only` is given; at most `limit`
    /// items, where an account without any counts for one. All rows of the page are as of one
    /// entry.
    ///
    /// Of an account that begins on the page all items are looked at, for their sum.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadRow`] and I/O errors.
    pub fn list_open_items(
        &self,
        only: Option<Slot>,
        after: Option<&OpenPlace>,
        limit: usize,
    ) -> Result<OpenPage, StoreError> {
        let (rtxn, lmdb) = (self.read_txn()?, self.lmdb());
        let seq = self.reached_in(&rtxn)?.map_or(0, |reached| reached.seq);
        let mut page = OpenPage { accounts: Vec::new(), next: None, seq };
        // Tokens come from callers: one of another account, or behind every slot, finds nothing.
        let (begin, mut shown) = match after {
            None => (Some(only.unwrap_or_default()), None),
            Some(OpenPlace { slot, invoice_id: None }) => (slot.checked_add(1), None),
            Some(OpenPlace { slot, invoice_id }) => (Some(*slot), invoice_id.as_deref()),
        };
        let end = only.unwrap_or(Slot::MAX);
        let Some(begin) = begin.filter(|begin| (only.unwrap_or_default()..=end).contains(begin))
        else {
            return Ok(page);
        };
        let mut accounts = self.accounts.range(&rtxn, &(begin..=end)).map_err(lmdb)?;
        let first = item_key(begin, shown.unwrap_or_default());
        let range = (Bound::Excluded(&first[..]), Bound::Unbounded);
        // Both in order of slot: they are read side by side.
        let mut items = self.items.range(&rtxn, &range).map_err(lmdb)?.peekable();
        let (mut found, mut examined) = (0, 0);
        while let Some(row) = accounts.next() {
            let (slot, row) = row.map_err(lmdb)?;
            let (account, unallocated): (Account, Minor) = self.decode("accounts", row)?;
            let goes_on = shown.take().is_some();
            let items = self.open_items(&mut items, slot, limit - found, goes_on)?;
            examined += 1 + items.examined;
            let last = items.open.last().filter(|_| items.more).map(|item| item.invoice_id.clone());
            if !items.open.is_empty() || unallocated != 0 && !goes_on {
                found += items.open.len().max(1);
                let OpenItems { open, sum, .. } = items;
                let outstanding = match goes_on {
                    true => None,
                    false => Some(self.in_all(slot, unallocated, sum)?),
                };
                page.accounts.push(OpenAccount { account, unallocated, outstanding, items: open });
            }
            if last.is_some() {
                page.next = Some(OpenPlace { slot, invoice_id: last });
                break;
            }
            if found >= limit || examined >= EXAMINED_MAX {
                page.next = accounts.next().map(|_| OpenPlace { slot, invoice_id: None });
                break;
            }
        }
        Ok(page)
    }

    fn in_all(&self, slot: Slot, unallocated: Minor, sum: i128) -> Result<Minor, StoreError> {
        Minor::try_from(i128::from(unallocated) + sum)
            .map_err(|_| self.bad_row(format!("slot {slot} owes more than any account may")))
    }

    /// The items of an account that come next: all of them where they are to be summed up, else up
    /// to where there are more than room for.
    fn open_items<'t>(
        &self,
        rows: &mut Peekable<impl Iterator<Item = heed::Result<(&'t [u8], &'t [u8])>>>,
        slot: Slot,
        room: usize,
        goes_on: bool,
    ) -> Result<OpenItems, StoreError> {
        let of_slot = slot.to_be_bytes();
        let is_own = |row: &heed::Result<(&[u8], _)>| {
            row.as_ref().map_or(true, |(key, _)| key.starts_with(&of_slot))
        };
        let mut found = OpenItems { open: Vec::new(), more: false, sum: 0, examined: 0 };
        while let Some(row) = rows.next_if(is_own) {
            let (_, row) = row.map_err(self.lmdb())?;
            let item: Item = self.decode("items", row)?;
            found.examined += 1;
            found.sum += i128::from(item.open);
            if item.is_settled() {
                continue;
            }
            if found.open.len() < room {
                found.open.push(item);
                continue;
            }
            found.more = true;
            if goes_on {
                break;
            }
        }
        Ok(found)
    }
}

/// What is read of an account's items.
struct OpenItems {
    /// Those that are not settled, as many as there is room for.
    open: Vec<Item>,
    /// There are more.
    more: bool,
    /// What is open on all that were looked at.
    sum: i128,
    examined: usize,
}
