//! Small readers for serde: text that stays borrowed, numbers that may come as text.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde_json::error::Category;

/// A text that is borrowed from the frame when it holds no escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Debug, Clone)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.into())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(Visit)
    }
}

/// An index of a list: a number, or a number as text (spec 02 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Index(pub(super) u64);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an index")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Index, E> {
                Ok(Index(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Index, E> {
                u64::try_from(number)
                    .map(Index)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Index, E> {
                text.parse().map(Index).map_err(|_| E::custom("not an index"))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

/// What is wrong with a JSON text, without quoting it: it may hold secrets (law 10).
pub(super) fn problem(error: &serde_json::Error) -> Box<str> {
    let what = match error.classify() {
        Category::Data => "not of the expected shape",
        Category::Eof => "cut off",
        Category::Io | Category::Syntax => "not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_borrowed_unless_escaped() {
        let plain: Text<'_> = serde_json::from_str(r#""abc""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("abc")));
        let escaped: Text<'_> = serde_json::from_str(r#""a\nc""#).unwrap();
        assert_eq!(escaped.0, "a\nc");
        assert!(serde_json::from_str::<Text<'_>>("5").is_err());
    }

    #[test]
    fn indexes_may_be_texts() {
        for (text, expected) in
            [("7", Some(7)), (r#""7""#, Some(7)), ("-1", None), (r#""x""#, None), ("1.5", None)]
        {
            assert_eq!(serde_json::from_str::<Index>(text).ok().map(|index| index.0), expected, "{text}");
        }
    }

    #[test]
    fn problems_quote_nothing() {
        let error = serde_json::from_str::<u64>(r#""hunter2""#).unwrap_err();
        assert!(!problem(&error).contains("hunter2"), "{}", problem(&error));
    }
}
