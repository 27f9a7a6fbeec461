//! Msgpack read from memory: what [`crate::msgpack`] writes, in less time than `rmp_serde`.
//!
//! A start reads tens of millions of small values, and the follower reads all that is committed.
//! The library reads through `std::io::Read` and copies what it peeked at; here a value is a look
//! at a slice. Texts and bytes are borrowed. Tests hold both readers' values against each other.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// Reads the one value that `bytes` hold.
///
/// # Errors
///
/// [`Unreadable`] for what is cut short, is followed by more, or is another kind of value.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Unreadable> {
    let mut reader = Reader { rest: bytes };
    let value = T::deserialize(&mut reader)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(Unreadable::custom("more follows it")) }
}

/// The bytes of the value at the beginning of `bytes`.
///
/// # Errors
///
/// As [`read`], but that more may follow.
pub(crate) fn first(bytes: &[u8]) -> Result<&[u8], Unreadable> {
    let mut reader = Reader { rest: bytes };
    reader.skip()?;
    Ok(&bytes[..bytes.len() - reader.rest.len()])
}

/// Why a value could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(Box<str>);

impl serde::de::Error for Unreadable {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Unreadable {
        Unreadable(what.to_string().into())
    }
}

struct Reader<'de> {
    rest: &'de [u8],
}

/// The head of a value: all of a small one, the length of a large one.
enum Head {
    Nil,
    Bool(bool),
    Uint(u64),
    Int(i64),
    Str(usize),
    Bin(usize),
    Array(usize),
    Map(usize),
    /// A float or an extension of so many bytes, which no record of ours holds: never read, but
    /// another format's are gone past.
    Other(usize),
}

#[cold]
fn cut_short() -> Unreadable {
    Unreadable::custom("it is cut short")
}

impl<'de> Reader<'de> {
    #[inline]
    fn take(&mut self, len: usize) -> Result<&'de [u8], Unreadable> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn word<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (word, rest) = self.rest.split_first_chunk().ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(*word)
    }

    #[inline]
    fn len_8(&mut self) -> Result<usize, Unreadable> {
        Ok(usize::from(u8::from_be_bytes(self.word()?)))
    }

    #[inline]
    fn len_16(&mut self) -> Result<usize, Unreadable> {
        Ok(usize::from(u16::from_be_bytes(self.word()?)))
    }

    #[inline]
    fn len_32(&mut self) -> Result<usize, Unreadable> {
        Ok(u32::from_be_bytes(self.word()?) as usize)
    }

    #[inline]
    fn head(&mut self) -> Result<Head, Unreadable> {
        let [marker] = self.word()?;
        Ok(match marker {
            0..=0x7f => Head::Uint(u64::from(marker)),
            0x80..=0x8f => Head::Map(usize::from(marker & 0x0f)),
            0x90..=0x9f => Head::Array(usize::from(marker & 0x0f)),
            0xa0..=0xbf => Head::Str(usize::from(marker & 0x1f)),
            0xc0 => Head::Nil,
            0xc2 => Head::Bool(false),
            0xc3 => Head::Bool(true),
            0xc4 => Head::Bin(self.len_8()?),
            0xc5 => Head::Bin(self.len_16()?),
            0xc6 => Head::Bin(self.len_32()?),
            0xcc => Head::Uint(u8::from_be_bytes(self.word()?).into()),
            0xcd => Head::Uint(u16::from_be_bytes(self.word()?).into()),
            0xce => Head::Uint(u32::from_be_bytes(self.word()?).into()),
            0xcf => Head::Uint(u64::from_be_bytes(self.word()?)),
            0xd0 => Head::Int(i8::from_be_bytes(self.word()?).into()),
            0xd1 => Head::Int(i16::from_be_bytes(self.word()?).into()),
            0xd2 => Head::Int(i32::from_be_bytes(self.word()?).into()),
            0xd3 => Head::Int(i64::from_be_bytes(self.word()?)),
            0xd9 => Head::Str(self.len_8()?),
            0xda => Head::Str(self.len_16()?),
            0xdb => Head::Str(self.len_32()?),
            0xdc => Head::Array(self.len_16()?),
            0xdd => Head::Array(self.len_32()?),
            0xde => Head::Map(self.len_16()?),
            0xdf => Head::Map(self.len_32()?),
            0xe0..=0xff => Head::Int(i64::from(marker.cast_signed())),
            0xc7 => Head::Other(1 + self.len_8()?),
            0xc8 => Head::Other(1 + self.len_16()?),
            0xc9 => Head::Other(1 + self.len_32()?),
            0xca => Head::Other(4),
            0xcb => Head::Other(8),
            0xd4..=0xd8 => Head::Other(1 + (1 << (marker - 0xd4))),
            0xc1 => return Err(Unreadable::custom("no value begins like this")),
        })
    }

    #[inline]
    fn str(&mut self, len: usize) -> Result<&'de str, Unreadable> {
        std::str::from_utf8(self.take(len)?).map_err(Unreadable::custom)
    }

    /// Goes past a value, however deep it is.
    fn skip(&mut self) -> Result<(), Unreadable> {
        let mut values = 1_u64;
        while values > 0 {
            values -= 1;
            match self.head()? {
                Head::Nil | Head::Bool(_) | Head::Uint(_) | Head::Int(_) => {}
                Head::Str(len) | Head::Bin(len) => drop(self.take(len)?),
                Head::Array(len) => values += len as u64,
                Head::Map(len) => values += 2 * len as u64,
                Head::Other(len) => drop(self.take(len)?),
            }
        }
        Ok(())
    }

    #[inline]
    fn seq<V: Visitor<'de>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let mut values = Values { reader: self, left };
        let value = visitor.visit_seq(&mut values)?;
        if values.left == 0 { Ok(value) } else { Err(Unreadable::custom("it holds too much")) }
    }

    fn map<V: Visitor<'de>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Unreadable> {
        let mut values = Values { reader: self, left };
        let value = visitor.visit_map(&mut values)?;
        if values.left == 0 { Ok(value) } else { Err(Unreadable::custom("it holds too much")) }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.head()? {
            Head::Nil => visitor.visit_unit(),
            Head::Bool(value) => visitor.visit_bool(value),
            Head::Uint(value) => visitor.visit_u64(value),
            Head::Int(value) => visitor.visit_i64(value),
            Head::Str(len) => visitor.visit_borrowed_str(self.str(len)?),
            Head::Bin(len) => visitor.visit_borrowed_bytes(self.take(len)?),
            Head::Array(len) => self.seq(len, visitor),
            Head::Map(len) => self.map(len, visitor),
            Head::Other(_) => Err(Unreadable::custom("no record holds such a value")),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.rest.split_first() {
            Some((0xc0, rest)) => {
                self.rest = rest;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        match self.rest.split_first() {
            Some((0x81, rest)) => {
                self.rest = rest;
                visitor.visit_enum(Variant { reader: self, has_value: true })
            }
            _ => visitor.visit_enum(Variant { reader: self, has_value: false }),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// What an array or a map still holds.
struct Values<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Values<'_, 'de> {
    type Error = Unreadable;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Values<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, Unreadable> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A variant's name, and its value if it has one.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    has_value: bool,
}

impl<'de> Variant<'_, 'de> {
    fn expect_value(&self, has_value: bool) -> Result<(), Unreadable> {
        if self.has_value == has_value {
            return Ok(());
        }
        Err(Unreadable::custom("a variant holds something where it should not, or nothing"))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), Unreadable> {
        Ok((seed.deserialize(&mut *self.reader)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        self.expect_value(false)
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, Unreadable> {
        self.expect_value(true)?;
        seed.deserialize(self.reader)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.expect_value(true)?;
        self.reader.deserialize_any(visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.expect_value(true)?;
        self.reader.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use creditgate_engine::command::{Command, EntryKind, Post};
    use creditgate_engine::entry::{Entry, Request};
    use creditgate_engine::event::Event;
    use creditgate_engine::outcome::Outcome;
    use creditgate_engine::values::{Currency, Day, Text};
    use proptest::prelude::*;
    use serde::Serialize;
    use serde::de::IgnoredAny;

    use super::*;
    use crate::msgpack;

    fn written<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        msgpack::append(&mut bytes, value).expect("the journal holds such values");
        bytes
    }

    /// Of texts, bytes, numbers, options, arrays and variants with and without a value.
    fn entry<'a>(id: &'a str, amounts: &[i64], day: Option<i32>) -> Entry<'a> {
        let amount = amounts.iter().fold(0, |sum: i64, amount| sum.wrapping_add(*amount));
        let post = Post {
            source: "erp",
            entry_id: id,
            position: amount.cast_unsigned(),
            account_id: "a",
            kind: EntryKind::Payment,
            amount,
            currency: Currency::parse("EUR").expect("three capital letters"),
            invoice_id: day.map(|_| id),
            order_id: None,
            issued: None,
            due: day.map(Day),
            allocations: amounts.iter().map(|amount| (id, *amount)).collect(),
        };
        let reason = day.map(|day| Text { digest: [day as u8; 32], body: None });
        let command = Command::Post(post);
        let forgotten = |amount: &i64| Event::ItemForgotten {
            slot: *amount as u32,
            invoice_id: Cow::Borrowed(id),
        };
        Entry {
            request: Request { command, actor: "", channel: id, reason },
            policy_version: 1,
            outcome: Outcome::Done,
            events: amounts.iter().map(forgotten).collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_written_is_read_and_nothing_that_is_cut_short(
            id in ".{0,300}",
            amounts in prop::collection::vec((any::<i64>(), 0_u32..64), 0..20),
            day in any::<Option<i32>>(),
            cut in any::<prop::sample::Index>(),
        ) {
            // Shifted, so that every length is met often.
            let amounts: Vec<i64> = amounts.iter().map(|(amount, by)| amount >> by).collect();
            let entry = entry(&id, &amounts, day);
            let bytes = written(&entry);
            prop_assert_eq!(&read::<Entry<'_>>(&bytes).expect("it is whole"), &entry);
            prop_assert!(read::<IgnoredAny>(&bytes).is_ok());
            let more = [&bytes[..], &[0xc0]].concat();
            prop_assert_eq!(first(&more).expect("it is whole"), &bytes);
            prop_assert!(read::<Entry<'_>>(&more).is_err());
            let part = &bytes[..cut.index(bytes.len())];
            prop_assert!(read::<Entry<'_>>(part).is_err());
            prop_assert!(first(part).is_err());
        }

        #[test]
        fn nothing_is_read_that_the_library_reads_otherwise(
            altered in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = written(&entry("an id", &[1, -70_000, i64::MAX], Some(9)));
            for (place, byte) in altered {
                *place.get_mut(&mut bytes) = byte;
            }
            if let Ok(found) = read::<Entry<'_>>(&bytes) {
                let theirs = rmp_serde::from_slice::<Entry<'_>>(&bytes);
                prop_assert_eq!(found, theirs.expect("the library reads it too"));
            }
        }
    }

    #[test]
    fn numbers_and_lengths_are_read_in_every_form() {
        for bytes in [&b"\x07"[..], b"\xcc\x07", b"\xcd\0\x07", b"\xce\0\0\0\x07", b"\xd0\x07"] {
            assert_eq!(read::<i64>(bytes).expect("a number"), 7);
        }
        for len in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let (text, row) = ("x".repeat(len), vec![3_u8; len]);
            assert_eq!(read::<&str>(&written(&text)).expect("a text"), text);
            assert_eq!(read::<Vec<u8>>(&written(&row)).expect("an array"), row);
            let bytes = written(&serde_bytes::Bytes::new(&row));
            assert_eq!(read::<&[u8]>(&bytes).expect("bytes"), row);
        }
    }

    #[test]
    fn what_was_written_with_fewer_fields_is_read() {
        let bytes = b"\x81\xa8reserved\x95\xcd\x04\x01\x02\xa1o\xcd\x01\x2c\x05";
        let event = read::<Event<'_>>(bytes).expect("of before orders had details and channels");
        let said = format!("{event:?}");
        assert!(said.ends_with("expires_at: 5, details: None, channel: \"\" }"), "{said}");
    }

    #[test]
    fn a_value_is_refused_where_another_kind_is_expected() {
        assert!(read::<u8>(b"\xcd\x01\x00").is_err(), "too large");
        assert!(read::<u8>(b"\xff").is_err(), "negative");
        assert!(read::<&str>(b"\xa1\xff").is_err(), "not UTF-8");
        assert!(read::<(u8, u8)>(b"\x93\x01\x02\x03").is_err(), "one too many");
        assert!(read::<(u8, u8)>(b"\x91\x01").is_err(), "one too few");
        for other in [
            &b"\xca\0\0\0\0"[..],
            &[0xcb; 9],
            b"\xd4\x05x",
            b"\xd8\x05sixteen bytes...",
            b"\xc7\x03\x05abc",
        ] {
            assert!(read::<u64>(other).is_err(), "a float or an extension: {other:?}");
            assert!(read::<IgnoredAny>(other).is_ok(), "which may be gone past: {other:?}");
            assert!(read::<IgnoredAny>(&other[..other.len() - 1]).is_err(), "cut short: {other:?}");
        }
        assert!(read::<IgnoredAny>(b"\xc1").is_err(), "not msgpack");
        let deep = [&[0x91; 1 << 20][..], &[0xc0]].concat();
        assert!(read::<IgnoredAny>(&deep).is_ok(), "however deep");
    }
}
