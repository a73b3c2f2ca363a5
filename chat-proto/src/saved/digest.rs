//! What tells one save from another: a number made of all that is in it.
//!
//! It stands in files and must be the same for ever and everywhere, so it is not what `core::hash` gives. Nobody is to be
//! kept from forging it: whoever can write changes can write a save.

use core::sync::atomic::{AtomicU32, Ordering};

use serde::ser::{self, Serialize};

/// The digest of a save, once somebody has asked for it: it costs as much as reading all of the save.
///
/// It is kept in two halves, which every system that has an `Arc` can set by itself. None is zero once it is known, and
/// whoever makes the digest makes the same, so it does not matter who comes first.
#[derive(Debug, Default)]
pub(super) struct Remembered([AtomicU32; 2]);

/// Keeps either half from being zero.
const KNOWN: u64 = 1 << 63 | 1 << 31;
const HALF: u64 = u32::MAX as u64;

impl Remembered {
    pub(super) fn get_or(&self, digest: impl FnOnce() -> u64) -> u64 {
        let [high, low] = self.0.each_ref().map(|half| u64::from(half.load(Ordering::Relaxed)));
        if high != 0 && low != 0 {
            return high << 32 | low;
        }
        let made = digest() | KNOWN;
        for (half, value) in self.0.iter().zip([made >> 32, made & HALF]) {
            half.store(u32::try_from(value).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
        made
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        Self(self.0.each_ref().map(|half| AtomicU32::new(half.load(Ordering::Relaxed))))
    }
}

/// The digest of a value: of what serde makes of it.
pub(super) fn digest<T: Serialize>(value: &T) -> u64 {
    let mut digest = Digest(0x243f_6a88_85a3_08d3);
    // All that could fail is a `Serialize` of ours, and none does.
    let _ = value.serialize(&mut digest);
    digest.0
}

struct Digest(u64);

/// Cannot happen.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(alloc::string::String);

impl ser::Error for Failed {
    fn custom<T: core::fmt::Display>(message: T) -> Self {
        Self(alloc::string::ToString::to_string(&message))
    }
}

type Done = Result<(), Failed>;

impl Digest {
    /// Multiplies with an odd number and mixes the upper half into the lower: each bit reaches all others.
    fn word(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (mixed ^ (mixed >> 32)).wrapping_add(0xbf58_476d_1ce4_e5b9);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.word(u64::from_le_bytes(last));
        // So that where one text ends and the next begins counts.
        self.word(bytes.len() as u64);
    }

    /// So that a number, a text and a list of them are told apart.
    fn kind(&mut self, kind: u64, of: u64) {
        self.word(kind << 56 ^ of);
    }
}

/// Small numbers, as large ones.
macro_rules! numbers {
    ($as:ident: $($method:ident $type:ty),*) => {
        $(fn $method(self, value: $type) -> Done {
            self.$as(value.into())
        })*
    };
}

impl ser::Serializer for &mut Digest {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers!(serialize_i64: serialize_i8 i8, serialize_i16 i16, serialize_i32 i32);
    numbers!(serialize_u64: serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_char char);

    fn serialize_i64(self, value: i64) -> Done {
        self.serialize_u64(value.cast_unsigned())
    }

    fn serialize_u64(self, value: u64) -> Done {
        self.kind(1, value);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.kind(2, value.into());
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Done {
        self.word(value.to_bits());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Done {
        self.bytes(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.kind(3, 0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        self.kind(3, 1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.kind(4, 0);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.serialize_str(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self, Failed> {
        self.kind(5, len.unwrap_or(0) as u64);
        Ok(self)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, Failed> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Self, Failed> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Failed> {
        self.bytes(variant.as_bytes());
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self, Failed> {
        self.kind(6, len.unwrap_or(0) as u64);
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Self, Failed> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, Failed> {
        self.bytes(variant.as_bytes());
        self.serialize_map(Some(len))
    }
}

/// What has parts: each is digested in its turn, and the end of the whole.
macro_rules! parts {
    ($($of:ident $part:ident),*) => {
        $(impl ser::$of for &mut Digest {
            type Ok = ();
            type Error = Failed;

            fn $part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                value.serialize(&mut **self)
            }

            fn end(self) -> Done {
                self.kind(7, 0);
                Ok(())
            }
        })*
    };
}

parts!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

impl ser::SerializeMap for &mut Digest {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(&mut **self)
    }

    fn end(self) -> Done {
        self.kind(7, 0);
        Ok(())
    }
}

/// What has named parts: a name tells one that is there from one that is left out.
macro_rules! fields {
    ($($of:ident),*) => {
        $(impl ser::$of for &mut Digest {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
                self.bytes(name.as_bytes());
                value.serialize(&mut **self)
            }

            fn end(self) -> Done {
                self.kind(7, 0);
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::json::Json;

    /// It stands in files: a digest that changes makes them unusable.
    #[test]
    fn it_is_the_same_for_ever() {
        let value = (7_u64, "a text that is longer than a word", Some(-1_i64), Json::parse("[1]").unwrap());
        assert_eq!(digest(&value), 16_476_723_500_006_777_735);
    }

    #[test]
    fn whatever_differs_has_another() {
        let texts = ["", "a", "b", "aaaaaaaa", "aaaaaaab", "\0", "\0\0"];
        let mut lists: Vec<Vec<String>> = texts.iter().map(|text| alloc::vec![String::from(*text)]).collect();
        lists.extend([Vec::new(), alloc::vec!["a".into(), "b".into()], alloc::vec!["ab".into()]]);
        lists.extend((0..2000).map(|n| alloc::vec![format!("message {n}"), format!("{}", n % 7)]));
        let seen: BTreeSet<u64> = lists.iter().map(digest).collect();
        assert_eq!(seen.len(), lists.len());
        let one =
            [digest(&1_u64), digest(&true), digest(&Some(1_u64)), digest(&[1_u64]), digest(&Json::null())];
        assert_eq!(BTreeSet::from(one).len(), one.len());
    }

    #[test]
    fn it_is_made_once() {
        let remembered = Remembered::default();
        let first = remembered.get_or(|| 5);
        assert_eq!(remembered.get_or(|| panic!("again")), first);
        assert_eq!(remembered.clone().get_or(|| panic!("again")), first);
        assert_ne!(Remembered::default().get_or(|| 6), first);
    }
}
