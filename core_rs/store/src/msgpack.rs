//! Msgpack for the journal: the bytes that `rmp_serde` writes, several times as fast.
//!
//! An entry is some fifty small values. Writing each through `std::io::Write` took a quarter of all
//! the time that an order costs; here each is a push or two that the compiler sees through. Reading
//! is done by [`crate::unpack`], and tests hold both writers' bytes against each other. Format:
//! <https://github.com/msgpack/msgpack/blob/master/spec.md>; structs are arrays of their fields,
//! variants are maps of one pair, or their name alone where they hold nothing.

use std::fmt;

use serde::ser::{
    Error as _, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Appends a value.
///
/// # Errors
///
/// [`Unwritable`] for what no record of the journal holds: floats, characters, and maps.
pub(crate) fn append<T: Serialize + ?Sized>(to: &mut Vec<u8>, value: &T) -> Result<(), Unwritable> {
    value.serialize(Msgpack(to))
}

/// A value of a kind that the journal does not hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unwritable(String);

impl serde::ser::Error for Unwritable {
    fn custom<T: fmt::Display>(what: T) -> Unwritable {
        Unwritable(what.to_string())
    }
}

/// The writer; what holds several values writes each after its head.
struct Msgpack<'v>(&'v mut Vec<u8>);

impl Msgpack<'_> {
    fn uint(&mut self, value: u64) {
        match value {
            0..=0x7f => self.0.push(value as u8),
            0x80..=0xff => self.0.extend([0xcc, value as u8]),
            0x100..=0xffff => self.head(0xcd, (value as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => self.head(0xce, (value as u32).to_be_bytes()),
            _ => self.head(0xcf, value.to_be_bytes()),
        }
    }

    fn int(&mut self, value: i64) {
        match value {
            0.. => self.uint(value.cast_unsigned()),
            -0x20..0 => self.0.push(value as u8),
            -0x80..-0x20 => self.0.extend([0xd0, value as u8]),
            -0x8000..-0x80 => self.head(0xd1, (value as i16).to_be_bytes()),
            -0x8000_0000..-0x8000 => self.head(0xd2, (value as i32).to_be_bytes()),
            _ => self.head(0xd3, value.to_be_bytes()),
        }
    }

    fn str(&mut self, value: &str) {
        let len = value.len();
        match len {
            0..=0x1f => self.0.push(0xa0 | len as u8),
            0x20..=0xff => self.0.extend([0xd9, len as u8]),
            _ => self.long(0xda, len),
        }
        self.0.extend_from_slice(value.as_bytes());
    }

    fn bin(&mut self, value: &[u8]) {
        match value.len() {
            len @ 0..=0xff => self.0.extend([0xc4, len as u8]),
            len => self.long(0xc5, len),
        }
        self.0.extend_from_slice(value);
    }

    fn array(&mut self, len: usize) {
        match len {
            0..=0xf => self.0.push(0x90 | len as u8),
            _ => self.long(0xdc, len),
        }
    }

    /// A map of one pair, whose value follows.
    fn variant(&mut self, name: &str) {
        self.0.push(0x81);
        self.str(name);
    }

    fn head<const N: usize>(&mut self, marker: u8, bytes: [u8; N]) {
        self.0.push(marker);
        self.0.extend_from_slice(&bytes);
    }

    /// A length of two bytes, or, with the next marker, of four.
    fn long(&mut self, marker: u8, len: usize) {
        match u16::try_from(len) {
            Ok(len) => self.head(marker, len.to_be_bytes()),
            Err(_) => {
                let len = u32::try_from(len).expect("no record holds four thousand million values");
                self.head(marker + 1, len.to_be_bytes());
            }
        }
    }
}

fn unwritable<T>(kind: &str) -> Result<T, Unwritable> {
    Err(Unwritable::custom(format_args!("the journal holds no {kind}")))
}

impl<'v> Serializer for Msgpack<'v> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Msgpack<'v>;
    type SerializeTuple = Msgpack<'v>;
    type SerializeTupleStruct = Msgpack<'v>;
    type SerializeTupleVariant = Msgpack<'v>;
    type SerializeMap = serde::ser::Impossible<(), Unwritable>;
    type SerializeStruct = Msgpack<'v>;
    type SerializeStructVariant = Msgpack<'v>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.0.push(if value { 0xc3 } else { 0xc2 });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(mut self, value: i64) -> Result<(), Unwritable> {
        self.int(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(mut self, value: u64) -> Result<(), Unwritable> {
        self.uint(value);
        Ok(())
    }

    fn serialize_f32(self, _value: f32) -> Result<(), Unwritable> {
        unwritable("floats")
    }

    fn serialize_f64(self, _value: f64) -> Result<(), Unwritable> {
        unwritable("floats")
    }

    fn serialize_char(self, _value: char) -> Result<(), Unwritable> {
        unwritable("single characters")
    }

    fn serialize_str(mut self, value: &str) -> Result<(), Unwritable> {
        self.str(value);
        Ok(())
    }

    fn serialize_bytes(mut self, value: &[u8]) -> Result<(), Unwritable> {
        self.bin(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.0.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(mut self, _name: &'static str) -> Result<(), Unwritable> {
        self.array(0);
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Msgpack<'v>, Unwritable> {
        let Some(len) = len else { return unwritable("sequences of unknown length") };
        self.serialize_tuple(len)
    }

    fn serialize_tuple(mut self, len: usize) -> Result<Msgpack<'v>, Unwritable> {
        self.array(len);
        Ok(self)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<Msgpack<'v>, Unwritable> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Msgpack<'v>, Unwritable> {
        self.variant(variant);
        self.serialize_tuple(len)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, Unwritable> {
        unwritable("maps")
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Msgpack<'v>, Unwritable> {
        self.serialize_tuple(len)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Msgpack<'v>, Unwritable> {
        self.serialize_tuple_variant(name, index, variant, len)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Everything that holds several values writes them one after the other.
macro_rules! holds_several {
    ($($kind:ident $method:ident ($($key:ident)?);)*) => {$(
        impl $kind for Msgpack<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), Unwritable> {
                value.serialize(Msgpack(self.0))
            }

            fn end(self) -> Result<(), Unwritable> {
                Ok(())
            }
        }
    )*};
}

holds_several! {
    SerializeSeq serialize_element ();
    SerializeTuple serialize_element ();
    SerializeTupleStruct serialize_field ();
    SerializeTupleVariant serialize_field ();
    SerializeStruct serialize_field (_key);
    SerializeStructVariant serialize_field (_key);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    enum Choice<'a> {
        Bare,
        One(Option<i32>),
        Two(u8, &'a str),
        Named { id: u64, inner: Inner },
    }

    #[derive(Clone, Copy, Serialize)]
    struct Inner(bool, (), [i8; 2]);

    #[derive(Serialize)]
    struct Empty;

    fn both<T: Serialize + ?Sized>(value: &T) -> (Vec<u8>, Vec<u8>) {
        let mut mine = Vec::new();
        append(&mut mine, value).expect("the journal holds such values");
        (mine, rmp_serde::to_vec(value).expect("it can be written"))
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_the_library_writes_them(
            wide in any::<i64>(),
            shift in 0_u32..64,
        ) {
            // Shifted, so that every length is met often.
            let (signed, unsigned) = (wide >> shift, wide.cast_unsigned() >> shift);
            for (mine, theirs) in [both(&signed), both(&unsigned), both(&(signed as i32))] {
                prop_assert_eq!(mine, theirs);
            }
        }

        #[test]
        fn records_are_written_as_the_library_writes_them(
            text in ".{0,40}",
            id in any::<u64>(),
            pair in any::<[i8; 2]>(),
            some in any::<Option<i32>>(),
        ) {
            let inner = Inner(id % 2 == 0, (), pair);
            let choices = vec![
                Choice::Bare,
                Choice::One(some),
                Choice::Two(pair[0] as u8, &text),
                Choice::Named { id, inner },
            ];
            let (mine, theirs) = both(&(choices, Empty, serde_bytes::Bytes::new(text.as_bytes())));
            prop_assert_eq!(mine, theirs);
        }
    }

    #[test]
    fn lengths_are_written_as_the_library_writes_them() {
        for len in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(len);
            let (mine, theirs) = both(&text);
            assert!(mine == theirs, "a text of {len} bytes");
            let (mine, theirs) = both(serde_bytes::Bytes::new(text.as_bytes()));
            assert!(mine == theirs, "{len} bytes");
            let (mine, theirs) = both(&vec![(); len]);
            assert!(mine == theirs, "{len} values");
        }
    }

    #[test]
    fn what_the_journal_does_not_hold_is_refused() {
        assert!(append(&mut Vec::new(), &1.5).is_err());
        assert!(append(&mut Vec::new(), &'x').is_err());
        assert!(append(&mut Vec::new(), &std::collections::BTreeMap::from([(1, 2)])).is_err());
    }
}
