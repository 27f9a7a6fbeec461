//! Pages of lists, read from the tables by a thread of their own: a long list never holds up an
//! order. A page shows everything that was durable when it was asked for.

mod open_items;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use creditgate_engine::model::{Account, Status};
use creditgate_engine::outcome::ReservationView;
use creditgate_engine::state::State;
use creditgate_engine::values::{Currency, Micros, SegmentIndex, Seq, Slot};
use creditgate_store::{FollowerThread, Journal, OpenPlace, StoreError, SyncError, Tables};
use prost::Message;

use crate::abort::AbortOnPanic;
use crate::changes::{Asked, Changes, Erasure, Sought, Work};
use crate::finished::{Finished, Outbox};
use crate::queue::Queue;
use crate::stats::Stats;
use crate::wire::status::Fault;
use crate::wire::{account, admit, reply, v1};

/// Most pages that may wait.
const WAITING_MAX: usize = 256;

/// Longest wait for the tables to catch up.
const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// One page to read: filters, as slots and indexes, and where the page before ended.
pub(crate) enum Page {
    Reservations {
        slot: Option<Slot>,
        open: Option<bool>,
        after: Option<u64>,
        size: usize,
    },
    Accounts {
        filter: AccountFilter,
        after: Option<u64>,
        size: usize,
        now: Micros,
    },
    OpenItems {
        only: Option<Slot>,
        after: Option<OpenPlace>,
        size: usize,
    },
    /// A filter names what does not exist: nothing can be found.
    NoAccounts,
    /// Of what was done, by the thread that reads the journal.
    Changes(Asked),
    /// No page: that thread is to find a decision.
    Decision(Sought),
    /// No page: that thread is to find the texts that an erasure is about.
    Erasure(Erasure),
}

/// A call that asks for a page.
pub(crate) struct ListCall {
    pub(crate) ticket: u64,
    pub(crate) page: Page,
    pub(crate) deadline: Option<Instant>,
}

/// Which accounts are listed.
pub(crate) struct AccountFilter {
    id_prefix: String,
    segment: Option<SegmentIndex>,
    parent: Option<Slot>,
    currency: Option<Currency>,
    status: Option<Status>,
}

impl AccountFilter {
    fn wants(&self, account: &Account) -> bool {
        account.id.starts_with(&self.id_prefix)
            && self.segment.is_none_or(|segment| account.segment == Some(segment))
            && self.parent.is_none_or(|parent| account.parent == Some(parent))
            && self.currency.is_none_or(|currency| account.currency == currency)
            && self.status.is_none_or(|status| account.status == status)
    }
}

impl Page {
    pub(crate) fn reservations(
        m: &v1::ListReservationsRequest,
        state: &State,
    ) -> Result<Page, Fault> {
        let slot = match admit::optional_id("account_id", &m.account_id)? {
            "" => None,
            id => Some(state.slot(id).ok_or_else(|| {
                Fault::from(creditgate_engine::error::Refusal::AccountNotFound(id.into()))
            })?),
        };
        let open = match v1::ReservationState::try_from(m.state) {
            Ok(v1::ReservationState::Unspecified) => None,
            Ok(v1::ReservationState::Open) => Some(true),
            Ok(v1::ReservationState::Closed) => Some(false),
            Err(_) => return Err(Fault::field("state", m.state, "OPEN, CLOSED or unspecified")),
        };
        let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
        Ok(Page::Reservations { slot, open, after, size })
    }

    /// What has ended at `now` is not shown of an account.
    pub(crate) fn accounts(
        m: &v1::ListAccountsRequest,
        state: &State,
        now: Micros,
    ) -> Result<Page, Fault> {
        let id_prefix = admit::optional_id("account_id_prefix", &m.account_id_prefix)?.to_owned();
        let status = v1::AccountStatus::try_from(m.status).map_err(|_| {
            Fault::field("status", m.status, "ACTIVE, SUSPENDED, CLOSED or unspecified")
        })?;
        let currency = match &*m.currency {
            "" => None,
            code => Some(admit::currency(code)?),
        };
        let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
        let segment = match admit::optional_id("segment_id", &m.segment_id)? {
            "" => None,
            id => match state.segment_index(id) {
                None => return Ok(Page::NoAccounts),
                known => known,
            },
        };
        let parent = match admit::optional_id("parent_account_id", &m.parent_account_id)? {
            "" => None,
            id => match state.slot(id) {
                None => return Ok(Page::NoAccounts),
                known => known,
            },
        };
        let status = account::status_filter(status);
        let filter = AccountFilter { id_prefix, segment, parent, currency, status };
        Ok(Page::Accounts { filter, after, size, now })
    }
}

/// The lists' thread, and the one for lists of changes.
pub(crate) struct Lists {
    changes: Changes,
    waiting: Option<SyncSender<(ListCall, Seq)>>,
    thread: Option<JoinHandle<()>>,
}

impl Lists {
    pub(crate) fn spawn(
        journal: Journal,
        tables: Tables,
        follower: Arc<FollowerThread>,
        queue: Arc<Queue>,
        outbox: Arc<Outbox>,
        stats: Arc<Stats>,
    ) -> Lists {
        let changes = Changes::spawn(journal, queue, Arc::clone(&outbox), Arc::clone(&stats));
        let (waiting, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("creditgate-lists".to_owned())
            .spawn(move || {
                let _guard = AbortOnPanic;
                Reader { tables, follower, outbox, stats }.run(&receiver);
            })
            .expect("a process that cannot start a thread at its start cannot serve");
        Lists { changes, waiting: Some(waiting), thread: Some(thread) }
    }

    /// Has a page read as of `seq`, or later.
    pub(crate) fn read(&self, call: ListCall, seq: Seq) -> Result<(), Fault> {
        let ListCall { ticket, page, deadline } = call;
        let call = match page {
            Page::Changes(asked) => {
                return self.changes.read(ticket, deadline, Work::Page(asked), seq);
            }
            Page::Decision(sought) => {
                return self.changes.read(ticket, deadline, Work::Decision(sought), seq);
            }
            Page::Erasure(erasure) => {
                return self.changes.read(ticket, deadline, Work::Find(erasure), seq);
            }
            page => ListCall { ticket, page, deadline },
        };
        let Some(waiting) = &self.waiting else { return Err(Fault::shutting_down()) };
        waiting.try_send((call, seq)).map_err(|error| match error {
            TrySendError::Full(_) => Fault::queue_full(),
            TrySendError::Disconnected(_) => Fault::shutting_down(),
        })
    }

    /// Reads the pages that wait, and ends.
    pub(crate) fn close(&mut self) {
        self.changes.close();
        self.waiting = None;
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: that ends the process.
            let _ = thread.join();
        }
    }
}

struct Reader {
    tables: Tables,
    follower: Arc<FollowerThread>,
    outbox: Arc<Outbox>,
    stats: Arc<Stats>,
}

impl Reader {
    fn run(&self, waiting: &Receiver<(ListCall, Seq)>) {
        for (ListCall { ticket, page, deadline }, seq) in waiting {
            self.outbox.push(vec![match self.answer(page, deadline, seq) {
                Ok(bytes) => Finished::ok(ticket, bytes),
                Err(fault) => Finished::fault(ticket, &fault),
            }]);
        }
    }

    /// Not after the deadline: others wait for their pages, and this one's caller does not.
    fn answer(&self, page: Page, deadline: Option<Instant>, seq: Seq) -> Result<Vec<u8>, Fault> {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let catch_up_max = left.map_or(CATCH_UP_MAX, |left| left.min(CATCH_UP_MAX));
        let caught_up = match catch_up_max {
            Duration::ZERO => Err(SyncError::Timeout),
            catch_up_max => self.follower.sync_to(seq, catch_up_max),
        };
        match caught_up {
            Ok(()) => self.read(page).map_err(|error| Fault::tables_behind(&error)),
            Err(SyncError::Timeout) if catch_up_max < CATCH_UP_MAX => {
                self.stats.deadline_passed.fetch_add(1, Ordering::Relaxed);
                Err(Fault::deadline_passed())
            }
            Err(error) => Err(Fault::tables_behind(&error)),
        }
    }

    fn read(&self, page: Page) -> Result<Vec<u8>, StoreError> {
        match page {
            Page::Reservations { slot, open, after, size } => {
                let page = self.tables.list_reservations(slot, open, after, size)?;
                let reservations = page.rows.into_iter().map(|reservation| {
                    let account = self.owner(reservation.slot)?;
                    Ok(reply::reservation(ReservationView::of(
                        &reservation,
                        &account.id,
                        account.currency,
                    )))
                });
                let reservations = reservations.collect::<Result<_, StoreError>>()?;
                let next_page_token = reply::page_token(page.next);
                let response = v1::ListReservationsResponse { reservations, next_page_token };
                Ok(response.encode_to_vec())
            }
            Page::Accounts { filter, after, size, now } => {
                // Tokens come from callers: one beyond every slot finds nothing.
                let after = after.map(|slot| Slot::try_from(slot).unwrap_or(Slot::MAX));
                let wanted = |account: &Account| filter.wants(account);
                let page = self.tables.list_accounts(wanted, after, size)?;
                let accounts = page.rows.into_iter().map(|(_, account)| self.account(account, now));
                let accounts = accounts.collect::<Result<_, StoreError>>()?;
                let next_page_token = reply::page_token(page.next.map(u64::from));
                Ok(v1::ListAccountsResponse { accounts, next_page_token }.encode_to_vec())
            }
            Page::OpenItems { only, after, size } => {
                let page = self.tables.list_open_items(only, after.as_ref(), size)?;
                Ok(open_items::response(page).encode_to_vec())
            }
            Page::NoAccounts => Ok(v1::ListAccountsResponse::default().encode_to_vec()),
            Page::Changes(_) | Page::Decision(_) | Page::Erasure(_) => {
                unreachable!("another thread reads these")
            }
        }
    }

    fn owner(&self, slot: Slot) -> Result<Account, StoreError> {
        let row = self.tables.account(slot)?;
        let missing = || StoreError::BadRow {
            path: "tables".into(),
            what: format!("the account in slot {slot} is missing"),
        };
        row.ok_or_else(missing)
    }

    fn account(&self, account: Account, now: Micros) -> Result<v1::Account, StoreError> {
        let parent = account.parent.map(|slot| self.owner(slot)).transpose()?;
        let parent_id = parent.map(|parent| parent.id).unwrap_or_default();
        let segment = match account.segment {
            Some(index) => self.tables.segment(index)?.map(|segment| segment.id),
            None => None,
        };
        Ok(reply::account(account, &parent_id, &segment.unwrap_or_default(), now))
    }
}
