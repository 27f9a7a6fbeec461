//! One call on the worker's thread: decode, decide, and the bytes of the answer. What is answered
//! here leaves only after the commit that carries it.

mod rates;

use creditgate_engine::decide::{self, Inquiry};
use creditgate_engine::entry::Request;
use creditgate_engine::model::Status;
use creditgate_engine::outcome::{Outcome, Reserved};
use creditgate_engine::values::{SegmentIndex, Slot};
use creditgate_store::{ExecuteError, Store};
use prost::Message;

use crate::bulk::Bulk;
use crate::changes::{Asked, Erasure, Sought};
use crate::lists::Page;
use crate::methods::Method;
use crate::queue::Call;
use crate::wire::admit::{self, decode};
use crate::wire::order::{BatchView, OrderView, ShippingView};
use crate::wire::reply::{self, Made};
use crate::wire::status::Fault;
use crate::wire::{account, decision, terms, v1};
use crate::worker::watches::Watched;

mod adjustments;
mod approval;
mod conditions;
mod limits;
mod orders;
mod policies;
mod sources;

/// Room for the answer to an order that is approved.
const ANSWER_BYTES: usize = 96;

/// Orders whose accounts are brought into the cache together: few enough to stay there.
const FETCHED_TOGETHER: usize = 16;

/// What becomes of a call.
pub(crate) enum Handled {
    /// It is answered with these bytes, after the commit.
    Answer(Vec<u8>),
    /// Its rows are decided slice by slice.
    Bulk(Bulk),
    /// The lists' thread reads a page for it.
    List(Page),
    /// It watches these from now on.
    Watch(Watched),
    /// It asks for the clock to be set.
    SetTime(v1::SetTimeRequest),
    /// It asks what the clock says.
    GetTime,
}

/// Why a call has no answer.
pub(crate) enum Failed {
    /// The call's own fault, or the store's for want of room.
    Fault(Fault),
    /// The store cannot be read: the process must stop.
    Fatal(creditgate_store::StoreError),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Failed {
        Failed::Fault(fault)
    }
}

impl From<ExecuteError> for Failed {
    fn from(error: ExecuteError) -> Failed {
        match error {
            ExecuteError::Refused(refusal) => Failed::Fault(refusal.into()),
            ExecuteError::NoSpace(_) => Failed::Fault(Fault::store_full()),
            ExecuteError::Unreadable(error) => Failed::Fault(Fault::archive_unreadable(&error)),
            ExecuteError::Fatal(error) => Failed::Fatal(error),
        }
    }
}

/// Refuses too many rows before they are decoded.
fn bound_rows(method: Method, bytes: &[u8]) -> Result<(), Fault> {
    method.rows().map_or(Ok(()), |(field, number)| admit::bound_rows(field, number, bytes))
}

fn get_time(bytes: &[u8]) -> Result<Handled, Failed> {
    let v1::GetTimeRequest {} = decode(bytes)?;
    Ok(Handled::GetTime)
}

/// Refuses what names another sales channel than its caller's own, where that has one.
fn through_own_channel(call: &Call, channel: &str) -> Result<(), Fault> {
    match &call.own_channel {
        Some(own) if own != channel => Err(Fault::channel_not_own(channel, own)),
        _ => Ok(()),
    }
}

/// The store, and what a call needs besides.
pub(crate) struct Calls<'s> {
    pub(crate) store: &'s mut Store,
    pub(crate) default_ttl_s: u32,
    /// The time of the commit under construction.
    pub(crate) now: creditgate_engine::values::Micros,
}

impl Calls<'_> {
    pub(crate) fn handle(&mut self, call: &Call) -> Result<Handled, Failed> {
        let Call { request: bytes, actor, method, .. } = call;
        bound_rows(*method, bytes)?;
        let answer = match method {
            Method::CheckAndReserve => self.order(&OrderView::decode(bytes)?, call)?,
            Method::Check => self.check(&decode(bytes)?, call)?.encode_to_vec(),
            Method::Adjust | Method::Capture | Method::Release => self.move_order(call)?,
            Method::BatchCheckAndReserve => self.batch(&BatchView::decode(bytes)?, call)?,
            Method::Confirm => self.confirm(&decode(bytes)?, call)?.encode_to_vec(),
            Method::GetReservation => self.reservation(&decode(bytes)?, call)?.encode_to_vec(),
            Method::UpsertAccounts
            | Method::UpsertSegments
            | Method::PostEntries
            | Method::UpsertTerms
            | Method::UpsertCalendars
            | Method::AssignTerms
            | Method::UpsertRates
            | Method::RecordVerifications => {
                return Ok(Handled::Bulk(Bulk::new(call)?));
            }
            Method::GetAccount => self.account(&decode(bytes)?)?.encode_to_vec(),
            Method::GetPosition => self.position(&decode(bytes)?)?.encode_to_vec(),
            Method::ListSegments => self.segments(&decode(bytes)?)?.encode_to_vec(),
            Method::ListTerms | Method::ListCalendars | Method::ListTermsAssignments => {
                self.terms_listed(*method, bytes)?
            }
            Method::ProposeAdjustments
            | Method::ApproveAdjustments
            | Method::RejectAdjustments
            | Method::ListAdjustments => self.adjustments(*method, bytes, actor)?,
            Method::ListSources | Method::MoveSource | Method::RecordReconciliation => {
                self.sources(*method, bytes, actor)?
            }
            Method::ListRates | Method::RevalueReservations => self.fx(*method, bytes, actor)?,
            Method::GetTermsOf => self.terms_of(&decode(bytes)?)?.encode_to_vec(),
            Method::QuoteTerms => self.quote(&decode(bytes)?)?.encode_to_vec(),
            Method::SuspendAccount => self.set_status(bytes, Status::Suspended, actor)?,
            Method::ReinstateAccount => self.set_status(bytes, Status::Active, actor)?,
            Method::CloseAccount => self.set_status(bytes, Status::Closed, actor)?,
            Method::PlaceHold
            | Method::LiftHold
            | Method::SetTemporaryLimit
            | Method::RemoveTemporaryLimit
            | Method::SetRollingLimit
            | Method::RemoveRollingLimit => self.conditions(call, bytes)?,
            Method::ProposeLimit
            | Method::ApproveProposal
            | Method::RejectProposal
            | Method::ListProposals => self.proposals(*method, bytes, actor)?,
            Method::ListReservations
            | Method::ListAccounts
            | Method::ListOpenItems
            | Method::ListChanges
            | Method::GetDecision => {
                return Ok(Handled::List(self.page(*method, bytes)?));
            }
            Method::EraseTexts => return self.erase_texts(call),
            Method::GetCheckpoint => self.checkpoint(&decode(bytes)?).encode_to_vec(),
            Method::CheckPolicy
            | Method::PutPolicy
            | Method::ActivatePolicy
            | Method::ShadowPolicy
            | Method::GetShadow
            | Method::GetPolicy
            | Method::ListPolicies => self.policies(*method, bytes, actor)?,
            Method::WatchPositions | Method::WatchReservation => return self.watch(call),
            Method::SetTime => return Ok(Handled::SetTime(decode(bytes)?)),
            Method::GetTime => return get_time(bytes),
            Method::ListCases
            | Method::GetCase
            | Method::ClaimCase
            | Method::ApproveCase
            | Method::RejectCase
            | Method::EscalateCase
            | Method::CommentOnCase
            | Method::Delegate
            | Method::ListDelegations => self.approval(call)?,
        };
        Ok(Handled::Answer(answer))
    }

    fn checkpoint(&self, _: &v1::GetCheckpointRequest) -> v1::GetCheckpointResponse {
        reply::checkpoint(&self.store.chain_end().get())
    }

    #[inline]
    fn order(&mut self, message: &OrderView<'_>, call: &Call) -> Result<Vec<u8>, Failed> {
        let (reserved, made) = self.reserve(message, call)?;
        let mut answer = Vec::with_capacity(ANSWER_BYTES);
        let counts = self.counts(&reserved, message);
        reply::reserved(&mut answer, reserved, made, counts);
        Ok(answer)
    }

    fn watch(&self, call: &Call) -> Result<Handled, Failed> {
        let bytes = &*call.request;
        if call.method == Method::WatchPositions {
            let watched = self.watched(&decode(bytes)?)?;
            return Ok(Handled::Watch(Watched::Accounts(watched)));
        }
        let m: v1::WatchReservationRequest = decode(bytes)?;
        let order_id = admit::id("order_id", &m.order_id)?.into();
        let own_channel = call.own_channel.as_deref().map(Into::into);
        let slot = self.slot(&m.account_id)?;
        Ok(Handled::Watch(Watched::Order(slot, order_id, own_channel)))
    }

    /// The page that a list asks for.
    fn page(&self, method: Method, bytes: &[u8]) -> Result<Page, Failed> {
        let state = self.store.state();
        Ok(match method {
            Method::ListReservations => Page::reservations(&decode(bytes)?, state)?,
            Method::ListAccounts => Page::accounts(&decode(bytes)?, state, self.now)?,
            Method::ListOpenItems => Page::open_items(&decode(bytes)?, state)?,
            Method::GetDecision => Page::Decision(Sought::admit(&decode(bytes)?, state)?),
            _ => Page::Changes(Asked::admit(&decode(bytes)?, state)?),
        })
    }

    /// Decides one command.
    pub(crate) fn execute(
        &mut self,
        request: &Request<'_>,
    ) -> Result<(Outcome, Made), ExecuteError> {
        self.execute_within(None, request)
    }

    /// Decides one that places or changes orders, of which each must be the caller's channel's own
    /// where the caller has one.
    #[inline]
    fn execute_for(
        &mut self,
        call: &Call,
        request: &Request<'_>,
    ) -> Result<(Outcome, Made), Failed> {
        through_own_channel(call, request.channel)?;
        Ok(self.execute_within(call.own_channel.as_deref(), request)?)
    }

    #[inline]
    fn execute_within(
        &mut self,
        own_channel: Option<&str>,
        request: &Request<'_>,
    ) -> Result<(Outcome, Made), ExecuteError> {
        let answer = self.store.execute_within(own_channel, request)?;
        let made = Made {
            seq: answer.seq,
            time: answer.time,
            policy_version: answer.policy_version,
            replayed: answer.replayed,
        };
        Ok((answer.outcome, made))
    }

    fn reserve(
        &mut self,
        message: &OrderView<'_>,
        call: &Call,
    ) -> Result<(Reserved, Made), Failed> {
        let request = decision::reserve(message, &call.actor, self.default_ttl_s)?;
        match self.execute_for(call, &request)? {
            (Outcome::Reserved(reserved), made) => Ok((reserved, made)),
            (outcome, _) => unreachable!("reserve was answered with {outcome:?}"),
        }
    }

    fn check(&self, message: &v1::CheckRequest, call: &Call) -> Result<v1::CheckResponse, Failed> {
        let account_id = admit::id("account_id", &message.account_id)?;
        let amount = admit::amount("amount_minor", message.amount_minor)?;
        let currency = admit::currency(&message.currency)?;
        let details = decision::details(
            amount,
            (&message.contract_id, &message.terms_id),
            Some(&ShippingView::of(message)),
        )?;
        let details = details.as_deref();
        let (allow_partial, channel) = (message.allow_partial, &*message.channel);
        admit::optional_id("channel", channel)?;
        through_own_channel(call, channel)?;
        let inquiry = Inquiry { account_id, amount, currency, allow_partial, details, channel };
        let checked = decide::check(self.store.state(), self.now, &inquiry).map_err(Fault::from)?;
        let bill_to = Some(&*message.bill_to_account_id).filter(|id| !id.is_empty());
        let account_currency = self.other_currency(&checked, bill_to.unwrap_or(account_id));
        let approved_amount_minor = checked.amount;
        let counting = reply::counting(&checked, currency);
        let mut result = reply::result(checked.verdict, self.looked());
        result.account_currency = account_currency;
        Ok(v1::CheckResponse { result: Some(result), approved_amount_minor, counting })
    }

    /// Where and when a decision was made that the journal does not hold.
    fn looked(&self) -> Made {
        let policy_version = self.store.state().policy().version;
        Made { seq: 0, time: self.now, policy_version, replayed: false }
    }

    fn batch(&mut self, message: &BatchView<'_>, call: &Call) -> Result<Vec<u8>, Failed> {
        let mut answer = Vec::with_capacity(message.items.len() * ANSWER_BYTES);
        if message.all_or_none {
            let request = decision::reserve_all(message, &call.actor, self.default_ttl_s)?;
            let (Outcome::ReservedAll(all), made) = self.execute_for(call, &request)? else {
                unreachable!("an all-or-none batch is answered for each item");
            };
            for (reserved, order) in all.into_iter().zip(&message.items) {
                let counts = self.counts(&reserved, order);
                reply::batch_item(&mut answer, reserved, made, counts);
            }
            return Ok(answer);
        }
        if !message.request_id.is_empty() {
            let rule = "empty unless all_or_none: each item carries its own";
            return Err(Fault::field("request_id", admit::shown(message.request_id), rule).into());
        }
        for some in message.items.chunks(FETCHED_TOGETHER) {
            self.store.state().fetch_ahead(some.iter().map(|item| item.account_id));
            for item in some {
                match self.reserve(item, call) {
                    Ok((reserved, made)) => {
                        let counts = self.counts(&reserved, item);
                        reply::batch_item(&mut answer, reserved, made, counts);
                    }
                    Err(Failed::Fault(fault)) => reply::batch_error(&mut answer, fault),
                    Err(fatal) => return Err(fatal),
                }
            }
        }
        Ok(answer)
    }

    fn account(&self, m: &v1::GetAccountRequest) -> Result<v1::GetAccountResponse, Failed> {
        let state = self.store.state();
        let slot = self.slot(&m.account_id)?;
        let account = state.account(slot);
        let parent_id = account.parent.map_or("", |parent| state.account_id(parent));
        let segment_of = |index: SegmentIndex| &*state.segments()[index as usize].id;
        let segment_id = account.segment.map_or("", segment_of);
        let account = Some(reply::account(account, parent_id, segment_id, self.now));
        Ok(v1::GetAccountResponse { account })
    }

    fn position(&self, m: &v1::GetPositionRequest) -> Result<v1::GetPositionResponse, Failed> {
        let slot = self.slot(&m.account_id)?;
        let position = reply::position(self.store.state(), slot, self.store.last_seq(), self.now);
        Ok(v1::GetPositionResponse { position: Some(position) })
    }

    /// Segments are few, and what they owe is in memory alone.
    fn segments(&self, m: &v1::ListSegmentsRequest) -> Result<v1::ListSegmentsResponse, Failed> {
        let (size, after) = (admit::page_size(m.page_size)?, admit::page_token(&m.page_token)?);
        let (state, count) = (self.store.state(), self.store.state().segments().len());
        let begin = after.map_or(0, |next| usize::try_from(next).unwrap_or(count).min(count));
        let end = begin.saturating_add(size).min(count);
        let rows = (begin as SegmentIndex)..(end as SegmentIndex);
        let segments = rows.flat_map(|index| reply::segment(state, index)).collect();
        let next = (end < count).then_some(end as u64);
        Ok(v1::ListSegmentsResponse { segments, next_page_token: reply::page_token(next) })
    }

    fn terms_listed(&self, method: Method, bytes: &[u8]) -> Result<Vec<u8>, Failed> {
        let state = self.store.state();
        Ok(match method {
            Method::ListTerms => terms::list(state, &decode(bytes)?)?.encode_to_vec(),
            Method::ListCalendars => terms::list_calendars(state, &decode(bytes)?)?.encode_to_vec(),
            _ => terms::list_assignments(state, &decode(bytes)?)?.encode_to_vec(),
        })
    }

    fn terms_of(&self, m: &v1::GetTermsOfRequest) -> Result<v1::GetTermsOfResponse, Failed> {
        let slot = self.slot(&m.account_id)?;
        Ok(terms::get(self.store.state(), slot, &m.contract_id)?)
    }

    fn quote(&self, m: &v1::QuoteTermsRequest) -> Result<v1::QuoteTermsResponse, Failed> {
        let slot = match &*m.terms_id {
            "" => Some(self.slot(&m.account_id)?),
            _ => None,
        };
        Ok(terms::quote(self.store.state(), self.now, m, slot)?)
    }

    fn watched(&self, m: &v1::WatchPositionsRequest) -> Result<Vec<Slot>, Failed> {
        let ids = admit::rows("account_ids", &m.account_ids)?;
        ids.iter().map(|id| self.slot(id)).collect()
    }

    fn slot(&self, account_id: &str) -> Result<Slot, Failed> {
        let account_id = admit::id("account_id", account_id)?;
        let slot = self.store.state().slot(account_id);
        let unknown = || creditgate_engine::error::Refusal::AccountNotFound(account_id.into());
        slot.ok_or_else(|| Fault::from(unknown()).into())
    }

    /// Has the texts found first, by another thread, which sends the call back with them.
    fn erase_texts(&mut self, call: &Call) -> Result<Handled, Failed> {
        let message: v1::EraseTextsRequest = decode(&call.request)?;
        let named = account::named_entries(&message)?;
        let found = call.found.as_deref();
        let request = account::erase_texts(&message, &call.actor, &named, found)?;
        if named.is_empty() {
            self.slot(&message.account_id)?;
        }
        if found.is_none() {
            let (bytes, actor) = (call.request.clone(), call.actor.clone());
            let account_id = message.account_id;
            let erasure = Erasure { account_id, named, request: bytes, actor };
            return Ok(Handled::List(Page::Erasure(erasure)));
        }
        let (Outcome::Erased(entries_erased), made) = self.execute(&request)? else {
            unreachable!("an erasure says how much it erased");
        };
        let Made { seq: journal_seq, replayed, .. } = made;
        let response = v1::EraseTextsResponse { entries_erased, journal_seq, replayed };
        Ok(Handled::Answer(response.encode_to_vec()))
    }

    /// Suspends, reinstates or closes: three calls whose messages are the same by number and type
    /// of their fields.
    fn set_status(&mut self, bytes: &[u8], status: Status, actor: &str) -> Result<Vec<u8>, Failed> {
        let message: v1::SuspendAccountRequest = decode(bytes)?;
        let (_, made) = self.execute(&account::set_status(&message, status, actor)?)?;
        let response = v1::SuspendAccountResponse {
            status: reply::status(status).into(),
            journal_seq: made.seq,
            replayed: made.replayed,
        };
        Ok(response.encode_to_vec())
    }
}
