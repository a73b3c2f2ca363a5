//! JSON values of the app (attributes, push payloads): kept as text, compared by meaning.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A JSON value as its text. Nobody pays for a tree that nobody looks into.
///
/// Two values are equal when they mean the same: member order and white space do not count, `1` equals `1.0`.
#[derive(Clone)]
pub struct Json(Option<Arc<str>>);

/// What most attributes are: `None` inside stands for it, so that nothing is allocated.
const EMPTY_OBJECT: &str = "{}";

/// The text is not JSON, or is nested too deeply (128 levels).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON: {0}")]
pub struct JsonError(Box<str>);

impl Json {
    /// The value of a JSON text.
    ///
    /// # Errors
    /// The text is not JSON, or nested too deeply.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        if text == EMPTY_OBJECT {
            return Ok(Self::empty_object());
        }
        // A raw value would not limit how deep a text nests, nor look at what stands in it.
        serde_json::from_str::<Checked>(text).map_err(|e| JsonError(e.to_string().into()))?;
        Ok(Self::of(text.trim()))
    }

    fn of(text: &str) -> Self {
        Self((text != EMPTY_OBJECT).then(|| text.into()))
    }

    /// The JSON form of any value that serde can serialize.
    ///
    /// # Errors
    /// JSON has no form for it, such as a map whose keys are no texts.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        serde_json::to_string(value).map(|text| Self::of(&text)).map_err(|e| JsonError(e.to_string().into()))
    }

    /// The value as a type of the caller's.
    ///
    /// # Errors
    /// It is not of that type.
    pub fn to_value<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_str(self.as_str()).map_err(|e| JsonError(e.to_string().into()))
    }

    /// `{}`
    pub fn empty_object() -> Self {
        Self(None)
    }

    /// `null`
    pub fn null() -> Self {
        Self::of("null")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(EMPTY_OBJECT)
    }

    /// Whether this is an object (what the wire calls attributes must be one, spec 03 §19).
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

impl Default for Json {
    /// `{}`: what the service takes for "no attributes".
    fn default() -> Self {
        Self::empty_object()
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        let (this, other) = (self.as_str(), other.as_str());
        if this == other {
            return true;
        }
        match (serde_json::from_str(this), serde_json::from_str(other)) {
            (Ok(a), Ok(b)) => same_meaning(&a, &b),
            _ => false,
        }
    }
}

impl Eq for Json {}

/// Recursion is bounded: both values came through `serde_json`'s own limit of 128 levels.
fn same_meaning(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_meaning(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_meaning(a, b)))
        }
        (a, b) => a == b,
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.as_str())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

/// Any JSON value that `Value` would take, with its limit of depth and its opinion of numbers and escapes, but nothing is
/// built of it.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// A value as its text, of whatever kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawText<'a>(pub(crate) &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for RawText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

/// Attributes arrive as text that holds JSON; what is malformed counts as `{}` (spec 03 §6.7).
pub(crate) fn attributes_or_empty(text: Option<&str>) -> Json {
    text.filter(|text| !text.is_empty()).and_then(|text| Json::parse(text).ok()).unwrap_or_default()
}

/// A text as a JSON string literal, appended to `out`.
pub(crate) fn push_string(out: &mut String, text: &str) {
    if let Ok(quoted) = serde_json::to_string(text) {
        out.push_str(&quoted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_by_meaning() {
        let json = |text| Json::parse(text).unwrap();
        assert_eq!(json(r#"{"a":1,"b":[1.0,"x"]}"#), json(r#" {"b":[1,"x"], "a":1}"#));
        assert_ne!(json("[1,2]"), json("[2,1]"));
        assert_ne!(json(r#"{"a":null}"#), json("{}"));
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(&deep).is_err());
    }

    /// Just what `Value` takes, and refused in the same words.
    #[test]
    fn what_is_json_is_what_value_says() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let (most, too_deep) = (deep(127), deep(128));
        let texts = [
            "{}",
            " {} ",
            "null",
            "-0.5e3",
            "1e999",
            "-1e999",
            "01",
            "1.",
            r#""\ud800""#,
            r#""\ud83d\ude00""#,
            r#""\x""#,
            "\"\u{1}\"",
            r#"{"\ud800":1}"#,
            r#"{"a":[1,true,null,{"b":"c\n"}]}"#,
            "{1:2}",
            "[1,]",
            "{} x",
            "",
            "nul",
            r#"{"a":1,"a":2}"#,
            &most,
            &too_deep,
        ];
        for text in texts {
            let value = serde_json::from_str::<Value>(text).map_err(|e| JsonError(e.to_string().into()));
            let json = Json::parse(text);
            assert_eq!(json.as_ref().err(), value.as_ref().err(), "{text}");
            assert_eq!(json.ok().map(|json| json.to_value::<Value>().unwrap()), value.ok(), "{text}");
        }
    }

    #[test]
    fn serde_embeds_the_value() {
        let json = Json::parse(r#"{"a":[1,{}]}"#).unwrap();
        let text = serde_json::to_string(&json).unwrap();
        assert_eq!(text, r#"{"a":[1,{}]}"#);
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), json);
    }
}
