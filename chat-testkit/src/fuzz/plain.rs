//! A plain reading of JSON: what `serde_json::Value` says, and whether a member stands there twice (then readers may
//! differ). It is what the core's own reading is held against.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The value of a text in which no member stands twice in its object; `None` for any other text.
pub(super) fn read(text: &[u8]) -> Option<Value> {
    let doubled = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Node(&doubled).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    (!doubled.get()).then_some(value)
}

struct Node<'a>(&'a Cell<bool>);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Node(self.0))? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let member = map.next_value_seed(Node(self.0))?;
            if members.insert(name, member).is_some() {
                self.0.set(true);
            }
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_as_serde_json_does() {
        for text in [r#"{"a":[1,-2,2.5,null,true,"\u00e9",{"b":{}}]}"#, "[]", "7", "\"x\"", " null "] {
            assert_eq!(read(text.as_bytes()), serde_json::from_str(text).ok(), "{text}");
        }
        assert_eq!(read(b"[1"), None);
        assert_eq!(read(b"1 2"), None);
        assert_eq!(read(b"\"\xff\""), None);
    }

    #[test]
    fn doubled_members_are_noticed_at_any_depth() {
        assert_eq!(read(br#"{"a":1,"a":1}"#), None);
        assert_eq!(read(br#"[{"a":{"b":1,"b":2}}]"#), None);
        assert_eq!(read(br#"[{"a":1},{"a":1}]"#), Some(json!([{"a":1},{"a":1}])));
    }
}
