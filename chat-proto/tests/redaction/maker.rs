//! Makes values of any type that serde can read: each variant of each enum once, a mark of its own in each text.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

/// What `serde_json` calls a raw value.
const RAW: &str = "$serde_json::private::RawValue";

/// Goes through all variants, one value after another.
#[derive(Debug, Default)]
pub(crate) struct Maker {
    /// Of each place at which there is a choice: which of its variants have been made with all that is in them.
    complete_at: BTreeMap<String, Vec<bool>>,
    /// The marks of the newest value, and where they stand.
    pub(crate) marks: BTreeMap<String, String>,
    /// Whether the newest value was the last.
    pub(crate) is_done: bool,
    path: Vec<String>,
    /// For each choice around: whether all that is in it has been made.
    complete: Vec<bool>,
}

#[derive(Debug)]
pub(crate) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl Maker {
    /// The next value.
    pub(crate) fn make<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Error> {
        self.marks.clear();
        self.path.clear();
        self.complete = vec![true];
        let value = T::deserialize(&mut *self)?;
        self.is_done = self.complete == [true];
        Ok(value)
    }

    fn mark(&mut self) -> String {
        // The slash keeps `Debug` of an address from showing it as a host.
        let mark = format!("/mark-{}/", self.marks.len());
        self.marks.insert(mark.clone(), self.path.join("/"));
        mark
    }

    fn within<T>(&mut self, step: impl Into<String>, make: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let value = make(self);
        self.path.pop();
        value
    }

    /// Makes one of `variants` at this place: the first that is not complete.
    fn choose<T>(
        &mut self,
        variants: usize,
        make: impl FnOnce(&mut Self, usize) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let place = self.path.join("/");
        let complete = self.complete_at.entry(place.clone()).or_insert_with(|| vec![false; variants]);
        let choice = complete.iter().position(|is_complete| !is_complete).unwrap_or(0);
        self.complete.push(true);
        let value = make(self, choice)?;
        let is_complete = self.complete.pop().unwrap_or(true);
        let complete = self.complete_at.entry(place).or_default();
        if let Some(chosen) = complete.get_mut(choice) {
            *chosen = *chosen || is_complete;
        }
        let all = complete.iter().all(|is_complete| *is_complete);
        if let Some(around) = self.complete.last_mut() {
            *around = *around && all;
        }
        Ok(value)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(1)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.visit_string(self.mark())
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Maker {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
    }
    // Bytes that are asked for as anything are a text in readable formats.
    texts! { deserialize_any deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f32(1.0)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(1.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(true)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char('x')
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.choose(
            2,
            |maker, choice| {
                if choice == 0 { visitor.visit_some(maker) } else { visitor.visit_none() }
            },
        )
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == RAW {
            let text = format!("{:?}", self.mark());
            return visitor.visit_map(Raw(Some(text)));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { maker: self, next: 0, count: 1 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { maker: self, next: 0, count })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Parts { maker: self, next: 0, count })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Members { maker: self, names: &["a member"], next: 0 })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Members { maker: self, names, next: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.choose(variants.len(), |maker, choice| {
            let variant = variants.get(choice).copied().unwrap_or_default();
            maker.within(format!("{name}::{variant}"), |maker| visitor.visit_enum(Variant { maker, variant }))
        })
    }

    texts! { deserialize_identifier }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Parts<'a> {
    maker: &'a mut Maker,
    next: usize,
    count: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.next == self.count {
            return Ok(None);
        }
        self.next += 1;
        let step = (self.next - 1).to_string();
        self.maker.within(step, |maker| seed.deserialize(maker)).map(Some)
    }
}

struct Members<'a> {
    maker: &'a mut Maker,
    names: &'static [&'static str],
    next: usize,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(name) = self.names.get(self.next) else { return Ok(None) };
        let name: StrDeserializer<'_, Error> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let name = self.names.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        self.maker.within(name, |maker| seed.deserialize(maker))
    }
}

struct Variant<'a> {
    maker: &'a mut Maker,
    variant: &'static str,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), Error> {
        let name: StrDeserializer<'_, Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.maker)))
    }
}

struct Content<'a>(&'a mut Maker);

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_struct("", names, visitor)
    }
}

/// JSON text as `RawValue` takes it.
struct Raw(Option<String>);

impl<'de> MapAccess<'de> for Raw {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let name: StrDeserializer<'_, Error> = RAW.into_deserializer();
        if self.0.is_some() { seed.deserialize(name).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(self.0.take().unwrap_or_default().into_deserializer())
    }
}
