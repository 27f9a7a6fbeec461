//! Rules that fields of requests must keep, whatever the state.

use creditgate_engine::bounds::{
    AMOUNT_MINOR_MAX, BATCH_ITEMS_MAX, ID_BYTES_MAX, REASON_BYTES_MAX, TTL_S_MAX,
};
use creditgate_engine::command::{OrderKey, RequestKey, Target};
use creditgate_engine::values::{Currency, Day, Limit, LimitKind, Micros, Minor, Text};
use creditgate_store::text::{SALT_BYTES, seal};
use prost::encoding::{DecodeContext, decode_key, skip_field};

use sha2::{Digest, Sha256};

use crate::wire::status::Fault;
use crate::wire::v1;

const ID_RULE: &str = "1 to 64 bytes of UTF-8 without control characters";
pub(crate) const ROWS_RULE: &str = "1 to 1000 rows";
const OPTIONAL_ID_RULE: &str = "at most 64 bytes of UTF-8 without control characters";

/// 9998-12-31: what is reserved on it for the longest time still ends in a year of four digits.
const LAST_DAY: Day = Day(2_932_531);

/// Decodes a request.
pub(crate) fn decode<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Fault> {
    M::decode(bytes).map_err(|error| Fault::malformed(&error))
}

/// Refuses a request of too many rows before it is decoded: an empty row takes two bytes of it and
/// a hundred times as many in memory.
pub(crate) fn bound_rows(field: &str, number: u32, mut bytes: &[u8]) -> Result<(), Fault> {
    let mut count = 0;
    while !bytes.is_empty() {
        let row = decode_key(&mut bytes).and_then(|(tag, wire_type)| {
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).map(|()| tag)
        });
        count += usize::from(row.map_err(|error| Fault::malformed(&error))? == number);
        if count > BATCH_ITEMS_MAX {
            return Err(Fault::field(field, "more than 1000 rows", ROWS_RULE));
        }
    }
    Ok(())
}

/// An id of any kind.
pub(crate) fn id<'a>(field: &str, value: &'a str) -> Result<&'a str, Fault> {
    if value.is_empty() {
        return Err(Fault::field(field, value, ID_RULE));
    }
    optional_id(field, value).map_err(|_| Fault::field(field, shown(value), ID_RULE))
}

/// An id that may be empty.
pub(crate) fn optional_id<'a>(field: &str, value: &'a str) -> Result<&'a str, Fault> {
    if value.len() > ID_BYTES_MAX || has_control(value) {
        return Err(Fault::field(field, shown(value), OPTIONAL_ID_RULE));
    }
    Ok(value)
}

fn has_control(value: &str) -> bool {
    // Nearly every id is ASCII, and its bytes are looked at several at a time.
    if value.is_ascii() {
        value.bytes().fold(false, |found, byte| found | byte.is_ascii_control())
    } else {
        value.chars().any(char::is_control)
    }
}

/// Errors repeat what they were given, within reason.
pub(crate) fn shown(value: &str) -> &str {
    value.char_indices().nth(80).map_or(value, |(end, _)| &value[..end])
}

/// The request id of a call of one.
pub(crate) fn request(value: &str) -> Result<RequestKey<'_>, Fault> {
    Ok(RequestKey { id: id("request_id", value)?, row: 0, call: 0 })
}

/// What the rows of a bulk call share: the request id, and a digest of the call by its fields.
pub(crate) fn bulk<'a>(
    request_id: &'a str,
    channel: &str,
    message: &impl prost::Message,
) -> Result<RequestKey<'a>, Fault> {
    optional_id("channel", channel)?;
    let digest = Sha256::digest(message.encode_to_vec());
    let call = digest.first_chunk().map_or(1, |start| u64::from_be_bytes(*start));
    // Zero stands for a call of one.
    Ok(RequestKey { id: id("request_id", request_id)?, row: 0, call: call.max(1) })
}

/// An amount greater than zero.
pub(crate) fn amount(field: &str, value: Minor) -> Result<Minor, Fault> {
    if !(1..=AMOUNT_MINOR_MAX).contains(&value) {
        return Err(Fault::field(field, value, "from 1 to 10^18 minor units"));
    }
    Ok(value)
}

/// An amount, or zero.
pub(crate) fn amount_or_zero(field: &str, value: Minor) -> Result<Minor, Fault> {
    if !(0..=AMOUNT_MINOR_MAX).contains(&value) {
        return Err(Fault::field(field, value, "from 0 to 10^18 minor units"));
    }
    Ok(value)
}

/// An amount with a sign.
pub(crate) fn signed_amount(field: &str, value: Minor) -> Result<Minor, Fault> {
    if value == 0 || !(-AMOUNT_MINOR_MAX..=AMOUNT_MINOR_MAX).contains(&value) {
        return Err(Fault::field(field, value, "from -10^18 to 10^18 minor units, and not 0"));
    }
    Ok(value)
}

/// A currency.
pub(crate) fn currency(value: &str) -> Result<Currency, Fault> {
    let rule = "an ISO 4217 code of three capital letters";
    Currency::parse(value).ok_or_else(|| Fault::field("currency", shown(value), rule))
}

/// A calendar day, or none.
pub(crate) fn day(field: &str, value: &str) -> Result<Option<Day>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    let rule = "a day as YYYY-MM-DD";
    Day::parse(value).map(Some).ok_or_else(|| Fault::field(field, shown(value), rule))
}

/// A calendar day from 1970 to the last year in which something can be due.
pub(crate) fn business_day(field: &str, value: &str) -> Result<Option<Day>, Fault> {
    let found = day(field, value)?;
    if found.is_some_and(|found| !(Day(0)..=LAST_DAY).contains(&found)) {
        return Err(Fault::field(field, shown(value), "a day from 1970 to 9998"));
    }
    Ok(found)
}

/// A moment since 1970, until the last year that timestamps can show.
pub(crate) fn moment(field: &str, value: Option<&prost_types::Timestamp>) -> Result<Micros, Fault> {
    let micros = value.and_then(|at| {
        let whole = at.seconds.checked_mul(1_000_000)?;
        whole
            .checked_add(i64::from(at.nanos / 1_000))
            .filter(|micros| *micros > 0 && Day::of(*micros) <= LAST_DAY)
    });
    micros.ok_or_else(|| {
        Fault::field(field, value.map(|at| at.seconds), "a moment from 1970 to 9998")
    })
}

/// A time to hold.
pub(crate) fn ttl(value: Option<&prost_types::Duration>) -> Result<Option<u32>, Fault> {
    let Some(duration) = value else { return Ok(None) };
    let seconds = u32::try_from(duration.seconds).ok().filter(|seconds| *seconds <= TTL_S_MAX);
    match seconds {
        // Fractions count as a whole second: nothing expires sooner than asked.
        Some(seconds) if duration.nanos > 0 && seconds < TTL_S_MAX => Ok(Some(seconds + 1)),
        Some(seconds) if duration.nanos == 0 && seconds > 0 => Ok(Some(seconds)),
        _ => {
            let given = format!("{} s {} ns", duration.seconds, duration.nanos);
            Err(Fault::field("ttl", given, "greater than 0 and at most 366 days"))
        }
    }
}

/// Which reservation is meant.
pub(crate) fn target<'a>(
    reservation_id: &'a str,
    account_id: &'a str,
    order_id: &'a str,
) -> Result<Target<'a>, Fault> {
    if reservation_id.is_empty() {
        let account_id = id("account_id", account_id)?;
        return Ok(Target::Order(OrderKey { account_id, order_id: id("order_id", order_id)? }));
    }
    if !account_id.is_empty() || !order_id.is_empty() {
        let rule = "empty where account_id and order_id are given";
        return Err(Fault::field("reservation_id", shown(reservation_id), rule));
    }
    reservation_id.parse().map(Target::Id).map_err(|_| {
        let rule = "an id that CheckAndReserve returned";
        Fault::field("reservation_id", shown(reservation_id), rule)
    })
}

/// A credit limit; `inherit` says whether it may be inherited.
pub(crate) fn limit(field: &str, value: &v1::CreditLimit, inherit: bool) -> Result<Limit, Fault> {
    let kind = match value.kind() {
        v1::LimitKind::Amount => {
            let field = format!("{field}.amount_minor");
            LimitKind::Amount(amount_or_zero(&field, value.amount_minor)?)
        }
        v1::LimitKind::Unlimited => LimitKind::Unlimited,
        v1::LimitKind::NoCredit => LimitKind::NoCredit,
        v1::LimitKind::Inherit if inherit => LimitKind::Inherit,
        v1::LimitKind::Inherit | v1::LimitKind::Unspecified => {
            let rule = if inherit {
                "AMOUNT, UNLIMITED, NO_CREDIT or INHERIT"
            } else {
                "AMOUNT, UNLIMITED or NO_CREDIT"
            };
            return Err(Fault::field(&format!("{field}.kind"), value.kind, rule));
        }
    };
    if !matches!(kind, LimitKind::Amount(_)) && value.amount_minor != 0 {
        let rule = "0 unless the kind is AMOUNT";
        return Err(Fault::field(&format!("{field}.amount_minor"), value.amount_minor, rule));
    }
    let valid_until = day(&format!("{field}.valid_until"), &value.valid_until)?;
    if kind == LimitKind::Inherit && valid_until.is_some() {
        let rule = "empty for a limit that is inherited";
        return Err(Fault::field(&format!("{field}.valid_until"), &value.valid_until, rule));
    }
    Ok(Limit { kind, valid_until })
}

/// A free text of at most `bytes_max`; empty: none.
pub(crate) fn text<'a>(
    field: &str,
    value: &'a str,
    bytes_max: usize,
) -> Result<Option<Text<'a>>, Fault> {
    if value.len() > bytes_max || value.chars().any(|c| c.is_control() && c != '\n') {
        let rule = format!("at most {bytes_max} bytes of UTF-8 without control characters");
        return Err(Fault::field(field, shown(value), &rule));
    }
    Ok((!value.is_empty()).then(|| seal(salt(), value)))
}

fn salt() -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    let filled = rustix::rand::getrandom(&mut salt, rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled, Ok(SALT_BYTES), "the system gives so few random bytes whole, always");
    salt
}

/// Why a caller asks, for the audit trail.
pub(crate) fn reason(value: &str) -> Result<Option<Text<'_>>, Fault> {
    text("reason", value, REASON_BYTES_MAX)
}

/// Why a caller asks, where that must be said.
pub(crate) fn required_reason(value: &str) -> Result<Option<Text<'_>>, Fault> {
    if value.is_empty() {
        return Err(Fault::field("reason", value, "given, in at most 500 bytes"));
    }
    reason(value)
}

/// The page size in force: `asked`, or 100 for 0.
pub(crate) fn page_size(asked: i32) -> Result<usize, Fault> {
    match asked {
        0 => Ok(100),
        1..=1_000 => Ok(asked as usize),
        _ => Err(Fault::field("page_size", asked, "from 1 to 1000, or 0 for 100")),
    }
}

/// A page token: where the page before ended. Opaque to callers, so only its form can be wrong.
pub(crate) fn page_token(token: &str) -> Result<Option<u64>, Fault> {
    if token.is_empty() {
        return Ok(None);
    }
    let rule = "the next_page_token of the page before";
    u64::from_str_radix(token, 16)
        .map(Some)
        .map_err(|_| Fault::field("page_token", shown(token), rule))
}

/// The rows of a call of many, at least one and at most 1,000.
pub(crate) fn rows<'a, T>(field: &str, rows: &'a [T]) -> Result<&'a [T], Fault> {
    if !(1..=BATCH_ITEMS_MAX).contains(&rows.len()) {
        let given = format!("{} rows", rows.len());
        return Err(Fault::field(field, given, ROWS_RULE));
    }
    Ok(rows)
}
