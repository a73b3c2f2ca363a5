//! Addresses inside requests. They are never dialled: the service routes by them.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute address, taken apart the way the wire wants it (spec 01 §2.6). Values stay percent-encoded as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) host: Box<str>,
    pub(crate) path: String,
    pub(crate) query: Vec<(Box<str>, Box<str>)>,
}

impl Url {
    /// Takes `https://host/path?a=b` apart; `None` for anything that is not absolute or has no path. A fragment is
    /// dropped, and everything after the first `=` of a parameter is its value (spec 01 §8 #16).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let slash = rest.find('/').filter(|slash| *slash > 0)?;
        let (host, rest) = rest.split_at(slash);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = query.split('&').filter(|part| !part.is_empty()).map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.into(), value.into())
        });
        Some(Self { host: host.into(), path: path.to_owned(), query: query.collect() })
    }

    /// Appends a segment, percent-encoded.
    pub(crate) fn segment(mut self, segment: &str) -> Self {
        if !self.path.ends_with('/') {
            self.path.push('/');
        }
        encode_into(&mut self.path, segment);
        self
    }

    /// Adds a parameter, percent-encoded.
    pub(crate) fn param(mut self, name: &str, value: &str) -> Self {
        self.query.push((encode_component(name).into(), encode_component(value).into()));
        self
    }
}

/// As text again. The scheme is not kept: only names inside requests are made of these.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path)?;
        for (n, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if n == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an absolute address"))
    }
}

/// Percent-encodes all but `A–Z a–z 0–9 - _ . ! ~ * ' ( )` (spec 02 §1.1 R2).
pub(crate) fn encode_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(&mut out, text);
    out
}

fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'!'
            | b'~'
            | b'*'
            | b'\''
            | b'('
            | b')' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a `String` cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url =
            Url::parse("https://cds.us1.twilio.com:443/v3/Lists/a%20b?a=1&b=x%20y&c=d=e&f#end").unwrap();
        assert_eq!(&*url.host, "cds.us1.twilio.com:443");
        assert_eq!(url.path, "/v3/Lists/a%20b");
        let query: Vec<(&str, &str)> = url.query.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(query, [("a", "1"), ("b", "x%20y"), ("c", "d=e"), ("f", "")]);
        assert_eq!(serde_json::from_str::<Url>(&serde_json::to_string(&url).unwrap()).unwrap(), url);
        for text in ["", "/v3/Lists", "https://host", "https:///path", "ftp://host/path"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn segments_are_encoded() {
        let url = Url::parse("https://aim/v3/Users").unwrap().segment("a b/c@é").param("k ", "ü");
        assert_eq!(url.path, "/v3/Users/a%20b%2Fc%40%C3%A9");
        assert_eq!(url.query, [("k%20".into(), "%C3%BC".into())]);
    }
}
