//! `ListOpenItems`.

use creditgate_engine::error::Refusal;
use creditgate_engine::model::Item;
use creditgate_engine::state::State;
use creditgate_engine::values::{Day, Id};
use creditgate_store::{OpenAccount, OpenPage, OpenPlace};

use super::Page;
use crate::wire::status::Fault;
use crate::wire::{admit, v1};

/// Most items of a page: a few megabytes at most, however long their ids.
const ITEMS_MAX: i32 = 10_000;

impl Page {
    pub(crate) fn open_items(m: &v1::ListOpenItemsRequest, state: &State) -> Result<Page, Fault> {
        let only = match admit::optional_id("account_id", &m.account_id)? {
            "" => None,
            id => Some(state.slot(id).ok_or_else(|| Refusal::AccountNotFound(id.into()))?),
        };
        let size = match m.page_size {
            0 => 1_000,
            asked @ 1..=ITEMS_MAX => asked as usize,
            other => {
                return Err(Fault::field("page_size", other, "from 1 to 10000, or 0 for 1000"));
            }
        };
        Ok(Page::OpenItems { only, after: place(&m.page_token)?, size })
    }
}

pub(super) fn response(page: OpenPage) -> v1::ListOpenItemsResponse {
    v1::ListOpenItemsResponse {
        accounts: page.accounts.into_iter().map(account).collect(),
        next_page_token: page.next.as_ref().map(token).unwrap_or_default(),
        journal_seq: page.seq,
    }
}

fn account(row: OpenAccount) -> v1::OpenAccount {
    v1::OpenAccount {
        account_id: row.account.id.into(),
        currency: row.account.currency.to_string(),
        unallocated_minor: row.unallocated,
        outstanding_minor: row.outstanding,
        items: row.items.into_iter().map(item).collect(),
    }
}

fn item(row: Item) -> v1::OpenItem {
    let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
    v1::OpenItem {
        invoice_id: row.invoice_id.into(),
        open_minor: row.open,
        captured_minor: row.captured,
        posted: row.posted,
        issue_date: day(row.issued),
        due_date: day(row.due),
        order_id: row.order_id.map(String::from).unwrap_or_default(),
        disputed_minor: row.disputed,
    }
}

/// Where the next page begins: behind this account, or behind this item of it.
fn token(place: &OpenPlace) -> String {
    let OpenPlace { slot, invoice_id } = place;
    match invoice_id {
        None => format!("{slot:x}"),
        Some(invoice_id) => format!("{slot:x}:{invoice_id}"),
    }
}

fn place(page_token: &str) -> Result<Option<OpenPlace>, Fault> {
    if page_token.is_empty() {
        return Ok(None);
    }
    let found = || {
        let (slot, invoice_id) = match page_token.split_once(':') {
            None => (page_token, None),
            Some((slot, id)) => (slot, Some(Id::from(admit::id("page_token", id).ok()?))),
        };
        Some(OpenPlace { slot: u32::from_str_radix(slot, 16).ok()?, invoice_id })
    };
    let rule = "the next_page_token of the page before";
    found().map(Some).ok_or_else(|| Fault::field("page_token", admit::shown(page_token), rule))
}
