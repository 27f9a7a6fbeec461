//! Small values that records are made of: currencies, days, moments, texts, credit limits.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An id that a record keeps. Up to 23 bytes, as nearly all have, need no memory beside the record.
pub use smol_str::SmolStr as Id;

/// Money in minor units of a currency (cents for USD).
pub type Minor = i64;

/// A moment: microseconds since 1970-01-01 UTC.
pub type Micros = i64;

/// A position in the journal; the first entry is 1.
pub type Seq = u64;

/// An account's place in every table and in the counters map; assigned once, in order of creation.
pub type Slot = u32;

/// A proposal's id: the sequence of the entry that made it.
pub type ProposalId = u64;

/// A segment's place, assigned once, in order of creation.
pub type SegmentIndex = u32;

/// The place of named payment terms, assigned once, in order of creation.
pub type TermsIndex = u32;

/// A calendar's place, assigned once, in order of creation.
pub type CalendarIndex = u32;

/// A reservation's id: the sequence of the entry that made it, with the item's index in the low
/// bits of an all-or-none batch (see [`reservation_id`]).
pub type ReservationId = u64;

/// Bits of a reservation id that number the items of one entry.
pub const RESERVATION_ITEM_BITS: u32 = 10;

const _: () = assert!(crate::bounds::BATCH_ITEMS_MAX <= 1 << RESERVATION_ITEM_BITS);

/// The id of the reservation that item `item` of entry `seq` makes.
#[must_use]
pub fn reservation_id(seq: Seq, item: usize) -> ReservationId {
    debug_assert!(item < 1 << RESERVATION_ITEM_BITS);
    (seq << RESERVATION_ITEM_BITS) | item as u64
}

/// A calendar day: days since 1970-01-01, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The day on which a moment falls.
    #[must_use]
    pub fn of(moment: Micros) -> Day {
        // The quotient of any i64 of microseconds fits in 28 bits.
        Day(moment.div_euclid(86_400_000_000) as i32)
    }

    /// Its midnight.
    #[must_use]
    pub fn begins(self) -> Micros {
        Micros::from(self.0) * 86_400_000_000
    }

    /// Reads `YYYY-MM-DD`; `None` unless it names a real day of the years 1 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |range: std::ops::Range<usize>| -> Option<i64> {
            bytes[range].iter().try_fold(0, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
            })
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let found = Day::from_civil(year, month, day);
        (year >= 1 && found.civil() == (year, month, day)).then_some(found)
    }

    /// 9999-12-31, the last day that can be written.
    pub const LAST: Day = Day(2_932_896);

    /// How many days it is later than another; less than zero: it is earlier.
    #[inline]
    #[must_use]
    pub fn since(self, other: Day) -> i64 {
        i64::from(self.0) - i64::from(other.0)
    }

    /// So many days later, [`Day::LAST`] at most.
    #[must_use]
    pub fn plus(self, days: u16) -> Day {
        Day(self.0.saturating_add(days.into())).min(Day::LAST)
    }

    /// The day `day` of the month that begins `months` after this day's; the last day of that month
    /// where it is shorter. [`Day::LAST`] at most.
    #[must_use]
    pub fn in_month(self, months: u8, day: u8) -> Day {
        let (year, month, _) = self.civil();
        let count = year * 12 + month - 1 + i64::from(months);
        let first = |count: i64| Day::from_civil(count.div_euclid(12), count.rem_euclid(12) + 1, 1);
        let asked = Day(first(count).0 + i32::from(day.max(1)) - 1);
        asked.min(Day(first(count + 1).0 - 1)).min(Day::LAST)
    }

    /// From 1 to 31.
    #[must_use]
    pub fn day_of_month(self) -> u8 {
        self.civil().2 as u8
    }

    /// From 0, a Monday, to 6, a Sunday.
    #[must_use]
    pub fn weekday(self) -> u8 {
        // The first day of 1970 was a Thursday.
        (i64::from(self.0) + 3).rem_euclid(7) as u8
    }

    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days_from_civil.
    fn from_civil(year: i64, month: i64, day: i64) -> Day {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year - era * 400;
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Day((era * 146_097 + day_of_era - 719_468) as i32)
    }

    // The same source: civil_from_days.
    fn civil(self) -> (i64, i64, i64) {
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days - era * 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A moment as messages show it, to the second: `YYYY-MM-DDTHH:MM:SSZ`.
#[must_use]
pub fn shown(moment: Micros) -> String {
    let seconds = moment.div_euclid(1_000_000).rem_euclid(86_400);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", Day::of(moment))
}

/// An ISO 4217 currency code, by its form: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// `None` unless `code` is three letters A to Z.
    #[must_use]
    pub fn parse(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Currency(bytes))
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // `parse` is the only way in and takes ASCII letters alone.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The three letters as bytes, for records of fixed size.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 3] {
        self.0
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <&str>::deserialize(deserializer)?;
        Currency::parse(code).ok_or_else(|| serde::de::Error::custom("not a currency code"))
    }
}

/// Approved maximum exposure, as it was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitKind {
    /// An amount; zero is an amount, never "unset".
    #[serde(rename = "amount")]
    Amount(Minor),
    /// No bound.
    #[serde(rename = "unlimited")]
    Unlimited,
    /// No order on account.
    #[serde(rename = "no_credit")]
    NoCredit,
    /// The default of the account's segment in the account's currency.
    #[serde(rename = "inherit")]
    Inherit,
}

/// A credit limit and the last day on which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How much.
    pub kind: LimitKind,
    /// Until when, that day included; `None`: no end.
    pub valid_until: Option<Day>,
}

impl Limit {
    /// What an account has that nobody set a limit for.
    pub const INHERIT: Limit = Limit { kind: LimitKind::Inherit, valid_until: None };
}

/// In minor units.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            LimitKind::Amount(amount) => write!(f, "{amount}")?,
            LimitKind::Unlimited => f.write_str("unlimited")?,
            LimitKind::NoCredit => f.write_str("no credit")?,
            LimitKind::Inherit => f.write_str("inherit")?,
        }
        self.valid_until.map_or(Ok(()), |last| write!(f, " until {last}"))
    }
}

/// How long an order is to hold: what the caller asked for, and the server's default at that time.
///
/// Two are equal when the caller asked for the same: a repeat is one also with another default.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ttl {
    /// In seconds; `None`: the caller left it to the server.
    pub asked_s: Option<u32>,
    /// The server's, in seconds.
    pub default_s: u32,
}

impl Ttl {
    /// The time in force, in seconds.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.asked_s.unwrap_or(self.default_s)
    }
}

impl PartialEq for Ttl {
    fn eq(&self, other: &Self) -> bool {
        self.asked_s == other.asked_s
    }
}

impl Eq for Ttl {}

/// A name or free text: its salted digest goes into the chained entry, its body beside it, so that
/// a person's data can be erased and the chain stays whole.
///
/// Two texts are equal when their bodies are; where a body has been erased, when digests are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Text<'a> {
    /// SHA-256 over salt and text.
    #[serde(with = "serde_bytes")]
    pub digest: [u8; 32],
    /// Absent once erased.
    #[serde(skip)]
    pub body: Option<TextBody<'a>>,
}

/// What [`Text::digest`] was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextBody<'a> {
    /// Random, so that nobody can find out an erased name by trying names.
    pub salt: [u8; 16],
    /// The text itself.
    pub text: &'a str,
}

impl<'a> Text<'a> {
    /// The text, unless erased.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.body.map(|body| body.text)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.text(), other.text()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.digest == other.digest,
        }
    }
}

impl Eq for Text<'_> {}

/// For fields that are not written where they are zero.
pub(crate) fn is_zero(days: &u16) -> bool {
    *days == 0
}

/// How a field that can be set, removed or left alone is written: nil leaves it alone, an empty
/// array removes it, an array of one sets it. Msgpack has a single nil, so two nested options would
/// come back as one and a replay would keep what was removed.
pub(crate) mod set_or_remove {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        field: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        field.as_ref().map(Option::as_slice).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        let Some(mut found) = Option::<Vec<T>>::deserialize(deserializer)? else { return Ok(None) };
        let set = found.pop();
        if !found.is_empty() {
            return Err(serde::de::Error::custom("at most one value can be set"));
        }
        Ok(Some(set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip_and_refuse_what_is_no_day() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2026-11-21", 20_778),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(Day::parse(text), Some(Day(days)), "{text}");
            assert_eq!(Day(days).to_string(), text);
        }
        for text in ["2023-02-29", "2024-13-01", "2024-00-10", "0000-01-01", "2024-1-01", "", "x"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_before_the_epoch_falls_on_the_day_before() {
        assert_eq!(Day::of(-1), Day(-1));
        assert_eq!(Day::of(0), Day(0));
        assert_eq!(Day::of(86_400_000_000), Day(1));
        assert_eq!(shown(-1), "1969-12-31T23:59:59Z");
        assert_eq!(shown(45_296_000_000), "1970-01-01T12:34:56Z");
    }

    #[test]
    fn currencies_are_three_capital_letters() {
        assert_eq!(Currency::parse("USD").map(|c| c.to_string()), Some("USD".to_owned()));
        for code in ["", "US", "usd", "USDX", "U D", "ÄB"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }

    #[test]
    fn reservation_ids_are_distinct_across_items_and_entries() {
        assert_ne!(reservation_id(1, 999), reservation_id(2, 0));
        assert_eq!(reservation_id(7, 3) >> RESERVATION_ITEM_BITS, 7);
    }

    #[test]
    fn what_is_set_removed_and_left_alone_is_written_differently() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Row(#[serde(with = "set_or_remove")] Option<Option<u8>>);
        for (row, bytes) in
            [(Row(None), &[0xc0][..]), (Row(Some(None)), &[0x90]), (Row(Some(Some(7))), &[0x91, 7])]
        {
            assert_eq!(rmp_serde::to_vec(&row).unwrap(), bytes);
            assert_eq!(rmp_serde::from_slice::<Row>(bytes).unwrap(), row);
        }
        assert!(rmp_serde::from_slice::<Row>(&[0x92, 7, 7]).is_err());
    }
}
