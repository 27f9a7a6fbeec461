//! `CreditAccountService`: holds, temporary and rolling limits, requests to commands and answers.

use creditgate_engine::bounds::ROLLING_DAYS_MAX;
use creditgate_engine::command::{
    Command, LiftHold, PlaceHold, RemoveRollingLimit, RemoveTemporaryLimit, SetRollingLimit,
    SetTemporaryLimit,
};
use creditgate_engine::entry::Request;
use creditgate_engine::model::{Conditions, Hold, HoldKind, TemporaryLimit, TemporaryLimitKind};
use creditgate_engine::values::{Day, Micros};

use crate::wire::admit;
use crate::wire::reply::timestamp;
use crate::wire::status::Fault;
use crate::wire::v1;

/// `PlaceHold`.
pub(crate) fn place_hold<'a>(
    m: &'a v1::PlaceHoldRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let kind = match m.kind() {
        v1::HoldKind::Manual => HoldKind::Manual,
        v1::HoldKind::Bureau => HoldKind::Bureau,
        v1::HoldKind::Fraud => HoldKind::Fraud,
        v1::HoldKind::Unspecified => {
            return Err(Fault::field("kind", m.kind, "MANUAL, BUREAU or FRAUD"));
        }
    };
    let until = m.expire_time.as_ref().map(|at| admit::moment("expire_time", Some(at)));
    let command = Command::PlaceHold(PlaceHold {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        hold_id: admit::id("hold_id", &m.hold_id)?,
        kind,
        source: admit::optional_id("source", &m.source)?,
        until: until.transpose()?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

/// `LiftHold`.
pub(crate) fn lift_hold<'a>(
    m: &'a v1::LiftHoldRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::LiftHold(LiftHold {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        hold_id: admit::id("hold_id", &m.hold_id)?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

/// `SetTemporaryLimit`.
pub(crate) fn set_temporary_limit<'a>(
    m: &'a v1::SetTemporaryLimitRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let kind = match m.kind() {
        v1::TemporaryLimitKind::Override => TemporaryLimitKind::Override,
        v1::TemporaryLimitKind::Increase => TemporaryLimitKind::Increase,
        v1::TemporaryLimitKind::Collateral => TemporaryLimitKind::Collateral,
        v1::TemporaryLimitKind::Insurance => TemporaryLimitKind::Insurance,
        v1::TemporaryLimitKind::Unspecified => {
            let rule = "OVERRIDE, INCREASE, COLLATERAL or INSURANCE";
            return Err(Fault::field("kind", m.kind, rule));
        }
    };
    let amount = match kind {
        TemporaryLimitKind::Override => admit::amount_or_zero,
        _ => admit::amount,
    };
    let command = Command::SetTemporaryLimit(SetTemporaryLimit {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        limit_id: admit::id("limit_id", &m.limit_id)?,
        kind,
        amount: amount("amount_minor", m.amount_minor)?,
        first: admit::day("first_date", &m.first_date)?,
        last: last_day(&m.last_date)?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

fn last_day(value: &str) -> Result<Day, Fault> {
    admit::day("last_date", value)?
        .ok_or_else(|| Fault::field("last_date", value, "given: a temporary limit has an end"))
}

/// `RemoveTemporaryLimit`.
pub(crate) fn remove_temporary_limit<'a>(
    m: &'a v1::RemoveTemporaryLimitRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::RemoveTemporaryLimit(RemoveTemporaryLimit {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        limit_id: admit::id("limit_id", &m.limit_id)?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

/// `SetRollingLimit`.
pub(crate) fn set_rolling_limit<'a>(
    m: &'a v1::SetRollingLimitRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let days = u16::try_from(m.days).ok().filter(|days| (1..=ROLLING_DAYS_MAX).contains(days));
    let command = Command::SetRollingLimit(SetRollingLimit {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
        hard_cap: admit::amount_or_zero("hard_cap_minor", m.hard_cap_minor)?,
        days: days.ok_or_else(|| Fault::field("days", m.days, "from 1 to 366"))?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

/// `RemoveRollingLimit`.
pub(crate) fn remove_rolling_limit<'a>(
    m: &'a v1::RemoveRollingLimitRequest,
    actor: &'a str,
) -> Result<Request<'a>, Fault> {
    let command = Command::RemoveRollingLimit(RemoveRollingLimit {
        request: admit::request(&m.request_id)?,
        account_id: admit::id("account_id", &m.account_id)?,
    });
    explained(command, actor, &m.channel, &m.reason)
}

/// A change that somebody has to give a reason for.
pub(crate) fn explained<'a>(
    command: Command<'a>,
    actor: &'a str,
    channel: &'a str,
    reason: &'a str,
) -> Result<Request<'a>, Fault> {
    let channel = admit::optional_id("channel", channel)?;
    Ok(Request { command, actor, channel, reason: admit::required_reason(reason)? })
}

/// A hold, with why it was placed.
pub(crate) fn hold(hold: &Hold) -> v1::Hold {
    let kind = match hold.kind {
        HoldKind::Manual => v1::HoldKind::Manual,
        HoldKind::Bureau => v1::HoldKind::Bureau,
        HoldKind::Fraud => v1::HoldKind::Fraud,
    };
    v1::Hold {
        hold_id: hold.id.to_string(),
        kind: kind.into(),
        source: hold.source.to_string(),
        expire_time: hold.until.map(timestamp),
        reason: hold.reason.as_deref().unwrap_or_default().to_owned(),
        place_time: Some(timestamp(hold.placed_at)),
    }
}

/// With the average of this moment, where one is asked for.
pub(crate) fn rolling_limit(
    conditions: &Conditions,
    now: Option<Micros>,
) -> Option<v1::RollingLimit> {
    let rolling = conditions.rolling_limit.as_ref()?;
    let average = now.and_then(|now| rolling.average(now));
    Some(v1::RollingLimit {
        hard_cap_minor: rolling.hard_cap,
        days: rolling.days.into(),
        average_minor: average.map(|average| average.rounded_up()),
    })
}

pub(crate) fn temporary_limit(limit: &TemporaryLimit) -> v1::TemporaryLimit {
    let kind = match limit.kind {
        TemporaryLimitKind::Override => v1::TemporaryLimitKind::Override,
        TemporaryLimitKind::Increase => v1::TemporaryLimitKind::Increase,
        TemporaryLimitKind::Collateral => v1::TemporaryLimitKind::Collateral,
        TemporaryLimitKind::Insurance => v1::TemporaryLimitKind::Insurance,
    };
    v1::TemporaryLimit {
        limit_id: limit.id.to_string(),
        kind: kind.into(),
        amount_minor: limit.amount,
        first_date: limit.first.to_string(),
        last_date: limit.last.to_string(),
    }
}
