//! Reading members that may be absent, null, or of a type that nobody promised: one odd member must not cost the rest.

use alloc::borrow::Cow;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::text::Unescape;
use crate::date::Timestamp;
use crate::json::{Json, attributes_or_empty};
use crate::plain::Plain;

/// A member of an object. A value of the wrong type counts as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Field<T> {
    #[default]
    Absent,
    Null,
    Value(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// `None` for absent, `Some(None)` for null.
    #[expect(clippy::option_option, reason = "that is the point")]
    pub(crate) fn present(self) -> Option<Option<T>> {
        match self {
            Self::Absent => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

impl<T> Field<T> {
    /// Reads what is plain: null, a text without escapes, or a whole number, if it means something here. All else, and
    /// what comes twice, is serde's.
    pub(crate) fn read<'a>(&mut self, plain: &mut Plain<'a>) -> Option<()>
    where
        T: Scalar<'a>,
    {
        let Self::Absent = self else { return None };
        *self = match plain.peek()? {
            b'"' => Self::Value(T::from_text(Cow::Borrowed(plain.text()?))?),
            b'n' => {
                plain.null()?;
                Self::Null
            }
            _ => Self::Value(T::from_integer(plain.integer()?)?),
        };
        Some(())
    }
}

/// What a [`Field`] may hold: each type takes the JSON scalars that mean something to it.
pub(crate) trait Scalar<'de>: Sized {
    fn from_text(_text: Cow<'de, str>) -> Option<Self> {
        None
    }
    fn from_integer(_number: i64) -> Option<Self> {
        None
    }
    fn from_bool(_value: bool) -> Option<Self> {
        None
    }
}

impl<'de: 'a, 'a> Scalar<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl Scalar<'_> for u64 {
    fn from_integer(number: i64) -> Option<Self> {
        Self::try_from(number).ok()
    }
}

impl Scalar<'_> for bool {
    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

/// Dates are texts; milliseconds since 1970 are seen too (spec 03 §6.5). A malformed one counts as absent (Q9).
impl Scalar<'_> for Timestamp {
    fn from_text(text: Cow<'_, str>) -> Option<Self> {
        Self::parse(&text)
    }

    fn from_integer(number: i64) -> Option<Self> {
        Some(Self::from_unix_millis(number))
    }
}

impl<'de, T: Scalar<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

fn value_or_absent<T>(value: Option<T>) -> Field<T> {
    value.map_or(Field::Absent, Field::Value)
}

impl<'de, T: Scalar<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(value_or_absent(T::from_text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(value_or_absent(T::from_text(Cow::Owned(text.into()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(value_or_absent(T::from_integer(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(value_or_absent(i64::try_from(number).ok().and_then(T::from_integer)))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "compared afterwards")]
    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // Some services write 3.0 for 3; beyond 2^53 a double is no longer exact and is not taken for an integer.
        let whole = number as i64;
        let exact = number.abs() <= 9_007_199_254_740_992.0 && (whole as f64 - number).abs() < f64::EPSILON;
        Ok(value_or_absent(if exact { T::from_integer(whole) } else { None }))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(value_or_absent(T::from_bool(value)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Absent)
    }
}

/// Attributes: normally a text that holds JSON, in channel documents also an object (spec 03 §6.2). What is absent or
/// malformed counts as `{}`.
pub(crate) fn attributes(raw: Option<&str>) -> Json {
    attributes_with(raw, &mut Unescape::default())
}

/// The same with a buffer that is there already.
pub(crate) fn attributes_with(raw: Option<&str>, unescape: &mut Unescape) -> Json {
    let Some(raw) = raw else { return Json::empty_object() };
    if raw.starts_with('"') {
        attributes_or_empty(unescape.text(raw))
    } else {
        Json::parse(raw).ok().filter(|json| !json.is_null()).unwrap_or_default()
    }
}

/// Stores `new`, if there is one; tells whether that changed anything.
pub(crate) fn set<T: PartialEq>(slot: &mut T, new: Option<T>) -> bool {
    match new {
        Some(new) if *slot != new => {
            *slot = new;
            true
        }
        _ => false,
    }
}

/// The same for a text that is copied only when it is another.
#[expect(clippy::option_option, reason = "absent and null mean different things on the wire")]
pub(crate) fn set_text<T: AsRef<str> + for<'a> From<&'a str>>(
    slot: &mut Option<T>,
    new: Option<Option<&str>>,
) -> bool {
    match new {
        Some(new) if slot.as_ref().map(T::as_ref) != new => {
            *slot = new.map(T::from);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(default)]
    struct Probe<'a> {
        #[serde(borrow)]
        text: Field<Cow<'a, str>>,
        number: Field<u64>,
        date: Field<Timestamp>,
    }

    impl Default for Probe<'_> {
        fn default() -> Self {
            Self { text: Field::Absent, number: Field::Absent, date: Field::Absent }
        }
    }

    #[test]
    fn odd_members_cost_nothing_else() {
        let probe: Probe<'_> =
            serde_json::from_str(r#"{"text":"x","number":{"a":[1]},"date":"soon","more":1}"#).unwrap();
        assert_eq!(probe, Probe { text: Field::Value("x".into()), ..Probe::default() });
        let probe: Probe<'_> = serde_json::from_str(r#"{"text":null,"number":3.0,"date":1000}"#).unwrap();
        assert_eq!(probe.text.present(), Some(None));
        assert_eq!(probe.number, Field::Value(3));
        assert_eq!(probe.date, Field::Value(Timestamp::from_unix_millis(1000)));
        for odd in ["-1", "1.5", "1e300", "\"3\"", "true"] {
            let text = alloc::format!(r#"{{"number":{odd}}}"#);
            assert_eq!(serde_json::from_str::<Probe<'_>>(&text).unwrap().number, Field::Absent, "{odd}");
        }
    }

    #[test]
    fn attributes_come_in_two_forms() {
        let read = |text: &str| attributes(Some(text));
        assert_eq!(read(r#""{\"a\":1}""#), read(r#"{"a":1}"#));
        for odd in [r#""""#, r#""{""#, "null"] {
            assert_eq!(read(odd), Json::empty_object(), "{odd}");
        }
        assert_eq!(attributes(None), Json::empty_object());
    }
}
