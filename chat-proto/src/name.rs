//! Names as the service makes them, kept small: a SID is two characters and 32 hex digits, and a client holds one or
//! more of them for every member and every message.

use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The length of a SID.
const LENGTH: usize = 34;
/// What stands behind the SID of a user in the name of the map that describes the user (spec 03 §3.2).
const INFO: &str = ".info";
/// The longest text that is packed.
const LONGEST: usize = LENGTH + INFO.len();

/// A name: any text. What looks like a SID is packed, without an allocation; each text has one form only, so that
/// forms are compared instead of texts. Names have the order of their texts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name(Form);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    /// A SID, and nothing else.
    Sid(Sid),
    /// A SID and `.info`.
    Info(Sid),
    /// Whatever else.
    Other(Arc<str>),
}

impl Name {
    pub(crate) fn new(text: &str) -> Self {
        let form = match text.split_at_checked(LENGTH) {
            Some((sid, "")) => Sid::pack(sid).map(Form::Sid),
            Some((sid, INFO)) => Sid::pack(sid).map(Form::Info),
            _ => None,
        };
        Self(form.unwrap_or_else(|| Form::Other(text.into())))
    }

    /// The text, written out.
    pub(crate) fn text(&self) -> NameText<'_> {
        NameText(match &self.0 {
            Form::Sid(packed) => Written::Here(packed.text(), LENGTH),
            Form::Info(packed) => Written::Here(packed.text(), LONGEST),
            Form::Other(text) => Written::There(text),
        })
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            // Digits have the order of their characters.
            (Form::Sid(this), Form::Sid(other)) | (Form::Info(this), Form::Info(other)) => this.cmp(other),
            _ => self.text().cmp(&*other.text()),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text(), f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                Ok(Name::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The text of a name, for as long as somebody looks at it.
#[derive(Clone)]
pub struct NameText<'a>(Written<'a>);

#[derive(Clone)]
enum Written<'a> {
    Here([u8; LONGEST], usize),
    There(&'a str),
}

impl Deref for NameText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            // It is ASCII, always.
            Written::Here(bytes, length) => {
                bytes.get(..*length).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
            }
            Written::There(text) => text,
        }
    }
}

impl AsRef<str> for NameText<'_> {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Debug for NameText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for NameText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// A SID, packed: two ASCII characters as they are, then two digits in each byte. It has the order of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sid([u8; 18]);

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

impl Sid {
    /// `None` for what is no SID. Only small letters are digits here: the text must come out as it was.
    ///
    /// Eight digits at a time: every frame has several SIDs.
    pub(crate) fn pack(text: &str) -> Option<Self> {
        let (prefix, digits) = text.as_bytes().split_first_chunk::<2>()?;
        let digits: &[u8; 32] = digits.try_into().ok()?;
        let mut packed = [0; 18];
        let (first, rest) = packed.split_first_chunk_mut::<2>()?;
        *first = *prefix;
        let mut odd = 0;
        for (to, from) in rest.as_chunks_mut::<4>().0.iter_mut().zip(digits.as_chunks::<8>().0) {
            let digits = u64::from_le_bytes(*from);
            // Letters have the bit of 0x40, and what they stand for begins with 10. No byte reaches into the next: none
            // is above 24 here, and above 15 only if it was no digit.
            let values = (digits & each(0x0f)) + 9 * (digits >> 6 & each(1));
            let letters = (values + each(6)) >> 4 & each(1);
            odd |=
                digits ^ (values + each(b'0') + u64::from(b'a' - b'0' - 10) * letters) | values & each(0xf0);
            // Two digits to a byte, and the four bytes together.
            let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
            let pairs = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
            *to = [pairs, pairs >> 8, pairs >> 32, pairs >> 40].map(|byte| byte.to_le_bytes()[0]);
        }
        (odd == 0 && prefix.is_ascii()).then_some(Self(packed))
    }

    /// The text, and `.info` behind it.
    fn text(self) -> [u8; LONGEST] {
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
        let (prefix, digits) = self.0.split_at(2);
        let digits = digits.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        let mut text = [0; LONGEST];
        let all = prefix.iter().copied().chain(digits).chain(INFO.bytes());
        for (to, byte) in text.iter_mut().zip(all) {
            *to = byte;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    /// Texts that are packed, that nearly are, and others.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[A-Z]{2}[0-9a-f]{32}(\\.info)?",
            2 => "[A-Z\u{0}-\u{7f}é]{1,2}[0-9a-gA-F]{31,33}(\\.inf[op])?",
            1 => ".{0,40}",
        ]
    }

    #[test]
    fn sids_are_packed() {
        let sid = "MB0123456789abcdef0123456789abcdef";
        for text in [sid, &alloc::format!("{sid}.info")] {
            assert!(!matches!(Name::new(text).0, Form::Other(_)), "{text}");
        }
        for text in ["", "MB1", &sid.to_uppercase(), &alloc::format!("{sid}0"), &alloc::format!("{sid}.xnfo")]
        {
            assert!(matches!(Name::new(text).0, Form::Other(_)), "{text}");
        }
        assert_eq!(size_of::<Option<Name>>(), 24);
    }

    #[test]
    fn small_digits_are_packed_and_nothing_else() {
        let sid = "MB0123456789abcdef0123456789abcdef";
        for place in 2..sid.len() {
            for other in '\0'..='\u{7f}' {
                let text: String = sid
                    .chars()
                    .enumerate()
                    .map(|(n, digit)| if n == place { other } else { digit })
                    .collect();
                let packed = Sid::pack(&text);
                assert_eq!(packed.is_some(), matches!(other, '0'..='9' | 'a'..='f'), "{text:?}");
                assert!(packed.is_none_or(|packed| packed.text().starts_with(text.as_bytes())), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_name_is_its_text(a in texts(), b in texts()) {
            let (one, other) = (Name::new(&a), Name::new(&b));
            prop_assert_eq!(&*one.text(), a.as_str());
            prop_assert_eq!(one.to_string(), a.as_str());
            prop_assert_eq!(alloc::format!("{one:?}"), alloc::format!("{a:?}"));
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
            prop_assert_eq!(one == other, a == b);
            let json = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&a).unwrap());
            prop_assert_eq!(serde_json::from_str::<Name>(&json).unwrap(), one);
        }
    }
}
