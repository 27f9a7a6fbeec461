//! What accounts owe, invoice by invoice, out of the tables.

mod common;

use common::*;
use creditgate_engine::command::{Command, EntryKind, Post};
use creditgate_engine::entry::Request;
use creditgate_engine::values::{Minor, Slot};
use creditgate_store::{OpenPlace, Store, Tables};

/// Money that belongs to no invoice, or to this one.
fn paid<'a>(
    entry_id: &'a str,
    account_id: &'a str,
    amount: Minor,
    to: Option<&'a str>,
) -> Request<'a> {
    let Command::Post(entry) = invoice(entry_id, account_id, "", amount).command else {
        unreachable!("an invoice is posted");
    };
    let allocations = to.map(|invoice_id| (invoice_id, amount)).into_iter().collect();
    request(Command::Post(Post {
        kind: EntryKind::Payment,
        invoice_id: None,
        allocations,
        ..entry
    }))
}

fn filled(store: &mut Store) {
    store.begin(1);
    for id in ["a", "b", "c", "d", "e", "f"] {
        execute(store, &account(id, id, limit(1_000)));
    }
    for id in ["i1", "i2", "i3", "i4", "i5"] {
        execute(store, &invoice(&format!("a{id}"), "a", id, 10));
    }
    execute(store, &paid("a-paid", "a", 10, Some("i2")));
    execute(store, &paid("c-paid", "c", 7, None));
    execute(store, &reserve("r", "d", "o", 5));
    execute(store, &capture("s", "d", "o", "d1"));
    execute(store, &paid("d-paid", "d", 3, Some("d2")));
    execute(store, &invoice("e1", "e", "e1", 4));
    execute(store, &paid("e-paid", "e", 4, Some("e1")));
    execute(store, &reserve("t", "f", "o", 5));
    store.commit().expect("there is room");
}

/// Unallocated, and outstanding where it is said.
type Owed = (Minor, Option<Minor>);
/// Account, what it owes, and its invoices with what is open and captured.
type Row = (String, Owed, Vec<(String, Minor, Minor)>);

/// All pages of at most so many items.
fn listed(tables: &Tables, only: Option<Slot>, limit: usize) -> Vec<Vec<Row>> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = tables.list_open_items(only, after.as_ref(), limit).expect("it reads");
        let rows = page.accounts.into_iter().map(|row| {
            let items = row.items.into_iter();
            let items = items.map(|item| (item.invoice_id.to_string(), item.open, item.captured));
            (row.account.id.to_string(), (row.unallocated, row.outstanding), items.collect())
        });
        pages.push(rows.collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

fn row(account: &str, owed: Owed, items: &[(&str, Minor, Minor)]) -> Row {
    let items = items.iter().map(|(id, open, captured)| (id.to_string(), *open, *captured));
    (account.to_string(), owed, items.collect())
}

#[test]
fn open_items_come_page_by_page_and_what_is_settled_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = open(folder.path());
    filled(&mut store);
    let none = store.tables().list_open_items(None, None, 10).expect("it reads");
    assert_eq!((none.accounts.len(), none.next, none.seq), (0, None, 0));
    fold(&store);
    let tables = store.tables();
    let all = |owed| row("a", owed, &[("i1", 10, 0), ("i3", 10, 0), ("i4", 10, 0), ("i5", 10, 0)]);
    let (c, d) = (row("c", (-7, Some(-7)), &[]), [("d1", 0, 5), ("d2", -3, 0)]);
    let whole = vec![all((0, Some(40))), c.clone(), row("d", (0, Some(-3)), &d)];
    assert_eq!(listed(tables, None, 10), vec![whole]);
    assert_eq!(tables.list_open_items(None, None, 10).expect("it reads").seq, store.last_seq());
    // An account goes on on the next page, where its sum is not said again.
    let parted = vec![
        vec![row("a", (0, Some(40)), &[("i1", 10, 0), ("i3", 10, 0), ("i4", 10, 0)])],
        vec![row("a", (0, None), &[("i5", 10, 0)]), c, row("d", (0, Some(-3)), &d[..1])],
        vec![row("d", (0, None), &d[1..])],
    ];
    assert_eq!(listed(tables, None, 3), parted);
    assert_eq!(listed(tables, Some(0), 4), vec![vec![all((0, Some(40)))]]);
    assert_eq!(listed(tables, Some(0), 1).concat().len(), 4);
    assert_eq!(listed(tables, Some(1), 1), vec![vec![]]);
    // A place of another account, behind every slot, or behind an item that has gone.
    for (place, found) in
        [((1, None), 0), ((Slot::MAX, None), 0), ((0, Some("i2")), 1), ((0, Some("i9")), 0)]
    {
        let (slot, invoice_id) = place;
        let after = OpenPlace { slot, invoice_id: invoice_id.map(Into::into) };
        let page = tables.list_open_items(Some(0), Some(&after), 10).expect("it reads");
        assert_eq!((page.accounts.len(), page.next), (found, None), "{place:?}");
    }
}
