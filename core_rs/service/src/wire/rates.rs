//! `RateService`: requests to commands, and answers; and how orders count that are not as others.

use creditgate_engine::bounds::{RATE_MANTISSA_MAX, RATE_SCALE_MAX};
use creditgate_engine::command::{Command, RequestKey, Revalue, UpsertRate};
use creditgate_engine::counting::{Counting, Waiting};
use creditgate_engine::entry::Request;
use creditgate_engine::outcome::{ReservationView, Revalued};
use creditgate_engine::rates::{Exchange, Quote, Rate};
use creditgate_engine::state::State;
use creditgate_engine::values::{Currency, Minor};

use crate::wire::reply::{Made, page_token, timestamp};
use crate::wire::status::Fault;
use crate::wire::{admit, v1};

/// One row of `UpsertRates`.
pub(crate) fn upsert<'a>(
    request: RequestKey<'a>,
    m: &'a v1::ExchangeRate,
    actor: &'a str,
    channel: &'a str,
) -> Result<Request<'a>, Fault> {
    let base = code("base_currency", &m.base_currency)?;
    let currency = code("currency", &m.currency)?;
    if base == currency {
        return Err(Fault::field("currency", &m.currency, "another one than base_currency"));
    }
    let rate = Rate::parse(&m.rate).ok_or_else(|| {
        let rule = format!(
            "a decimal greater than zero, at most {RATE_MANTISSA_MAX} without its point and with \
             at most {RATE_SCALE_MAX} digits behind it"
        );
        Fault::field("rate", admit::shown(&m.rate), &rule)
    })?;
    let source = admit::id("source", &m.source)?;
    let as_of = m.as_of.as_ref().map(|at| admit::moment("as_of", Some(at))).transpose()?;
    let rate = UpsertRate { request, base, currency, rate, source, as_of };
    Ok(Request { command: Command::UpsertRate(rate), actor, channel, reason: None })
}

fn code(field: &str, value: &str) -> Result<Currency, Fault> {
    let rule = "an ISO 4217 code of three capital letters";
    Currency::parse(value).ok_or_else(|| Fault::field(field, admit::shown(value), rule))
}

/// `RevalueReservations`.
pub(crate) fn revalue<'a>(
    m: &'a v1::RevalueReservationsRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let request = admit::request(&m.request_id)?;
    let after = admit::page_token(&m.page_token)?.unwrap_or_default();
    let channel = admit::optional_id("channel", &m.channel)?;
    let reason = admit::reason(&m.reason)?;
    Ok(Request { command: Command::Revalue(Revalue { request, after }), actor, channel, reason })
}

pub(crate) fn revalued(found: Revalued, made: Made) -> v1::RevalueReservationsResponse {
    let Revalued { examined, revalued, kept, next } = found;
    let (journal_seq, replayed) = (made.seq, made.replayed);
    let next_page_token = page_token(next);
    v1::RevalueReservationsResponse {
        examined,
        revalued,
        kept,
        next_page_token,
        journal_seq,
        replayed,
    }
}

/// `ListRates`: they are few, and in memory.
pub(crate) fn list(
    state: &State,
    m: &v1::ListRatesRequest,
) -> Result<v1::ListRatesResponse, Fault> {
    let size = admit::page_size(m.page_size)?;
    let begin = admit::page_token(&m.page_token)?.unwrap_or_default();
    let count = state.rates().iter().len() as u64;
    let end = begin.saturating_add(size as u64);
    let page = state.rates().iter().skip(begin.try_into().unwrap_or(usize::MAX)).take(size);
    let rates = page.map(|(base, currency, quote)| rate(base, currency, quote)).collect();
    Ok(v1::ListRatesResponse { rates, next_page_token: page_token((end < count).then_some(end)) })
}

/// The rate of a pair.
pub(crate) fn rate(base: Currency, currency: Currency, quote: &Quote) -> v1::ExchangeRate {
    v1::ExchangeRate {
        base_currency: base.to_string(),
        currency: currency.to_string(),
        rate: quote.rate.to_string(),
        source: quote.source.to_string(),
        as_of: Some(timestamp(quote.as_of)),
    }
}

/// How a reservation counts that does not count as it is.
pub(crate) fn of_view(view: &ReservationView) -> Option<v1::OrderCounting> {
    let counting = view.details.as_ref()?.counting.as_ref()?;
    Some(counted(counting, view.currency, view.open))
}

/// The same, of which so much counts, in the account's currency.
pub(crate) fn counted(counting: &Counting, account: Currency, counted: Minor) -> v1::OrderCounting {
    let Counting { parts, exchange, ship_date, waiting, sold_to, excluded, .. } = counting;
    let quoted = |exchange: &Exchange| {
        let Exchange { from, to, quote, inverted } = exchange;
        let (base, currency) = if *inverted { (to, from) } else { (from, to) };
        rate(*base, *currency, quote)
    };
    let own = exchange.as_ref().map_or(account, |exchange| exchange.from);
    let account = exchange.as_ref().map_or(account, |exchange| exchange.to);
    v1::OrderCounting {
        currency: own.to_string(),
        open_minor: parts.open,
        captured_minor: parts.captured,
        released_minor: parts.released,
        expired_minor: parts.expired,
        counted_minor: counted,
        account_currency: account.to_string(),
        rate: exchange.as_ref().map(quoted),
        excluded_minor: *excluded,
        ship_date: ship_date.map(|day| day.to_string()).unwrap_or_default(),
        waiting: *waiting == Waiting::Still,
        sold_to_account_id: sold_to.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
