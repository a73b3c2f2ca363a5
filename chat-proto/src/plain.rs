//! Plain JSON, read member by member straight into borrowed fields.
//!
//! Nearly all that the service sends is plain: known members once each, of the expected types, names and ids without
//! escapes. That is read here, in one pass and without an allocation. Whatever is not plain gives `None`, and then serde
//! reads the same text from the beginning: it alone decides what is accepted, and what an error is called. So this may
//! refuse anything, but must never accept or read anything otherwise than serde does (tested against it below).

/// How deep a value that is passed over may nest.
const LEVELS: u32 = 60;

/// A place in a text.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    text: &'a str,
    at: usize,
}

/// Reads a text that is one object and nothing else.
pub(crate) fn object<'a>(
    text: &'a str,
    member: impl FnMut(&mut Plain<'a>, &'a str) -> Option<()>,
) -> Option<()> {
    let mut plain = Plain { text, at: 0 };
    plain.object(member)?;
    plain.space();
    (plain.at == text.len()).then_some(())
}

/// Whether a text stands in a JSON string as it is.
pub(crate) fn needs_no_escapes(text: &str) -> bool {
    let mut plain = Plain { text, at: 0 };
    plain.run();
    plain.at == text.len()
}

/// Fills a field that may come once only.
pub(crate) fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

impl<'a> Plain<'a> {
    /// An object. For each member, `member` is given its name and must read or [skip](Self::skip) its value.
    pub(crate) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.space();
        self.take(b'{')?;
        self.space();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            let name = self.name()?;
            member(self, name)?;
            self.space();
            if self.take(b'}').is_some() {
                return Some(());
            }
            self.take(b',')?;
            self.space();
        }
    }

    /// A text without escapes.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let begin = self.at;
        self.run();
        let text = self.text.get(begin..self.at)?;
        self.take(b'"')?;
        Some(text)
    }

    /// A whole number that needs no care.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let begin = self.at;
        let negative = self.take(b'-').is_some();
        let (mut number, first) = (0_i64, self.at);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            self.at += 1;
        }
        let digits = self.text.as_bytes().get(first..self.at)?;
        let odd = digits.is_empty() || (digits.first() == Some(&b'0') && (digits.len() > 1 || negative));
        if odd || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.at = begin;
            return None;
        }
        Some(if negative { -number } else { number })
    }

    /// Null.
    pub(crate) fn null(&mut self) -> Option<()> {
        self.word("null")
    }

    /// Any value but null, as its text.
    pub(crate) fn raw(&mut self) -> Option<&'a str> {
        if self.peek()? == b'n' {
            return None;
        }
        let begin = self.at;
        self.skip()?;
        self.text.get(begin..self.at)
    }

    /// Passes over a value.
    pub(crate) fn skip(&mut self) -> Option<()> {
        // What encloses the place, one bit a level: 1 for an object. The uppermost bit stands for the outside.
        let mut levels = 1_u64;
        loop {
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    levels = (levels << 1) | u64::from(open == b'{');
                    if levels >> LEVELS != 0 {
                        return None;
                    }
                    self.space();
                    // An empty one is closed below.
                    if !matches!(self.peek()?, b'}' | b']') {
                        if open == b'{' {
                            self.name()?;
                        }
                        continue;
                    }
                }
                b'"' => self.literal()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            // Behind a value: on to the next one, out of what ends here.
            loop {
                if levels == 1 {
                    return Some(());
                }
                self.space();
                let in_object = levels & 1 == 1;
                if self.take(b',').is_some() {
                    self.space();
                    if in_object {
                        self.name()?;
                    }
                    break;
                }
                self.take(if in_object { b'}' } else { b']' })?;
                levels >>= 1;
            }
        }
    }

    // ---- the pieces

    /// What comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The name of a member, and what stands before its value.
    fn name(&mut self) -> Option<&'a str> {
        let name = self.text()?;
        self.space();
        self.take(b':')?;
        self.space();
        Some(name)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    /// A string, escapes and all.
    fn literal(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            self.run();
            if self.take(b'"').is_some() {
                return Some(());
            }
            self.take(b'\\')?;
            let escape = self.peek()?;
            self.at += 1;
            match escape {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    self.at += 4;
                }
                _ => return None,
            }
        }
    }

    /// Up to the next quote, backslash or control character; eight bytes at a time.
    fn run(&mut self) {
        const ONES: u64 = u64::MAX / 255;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (words, tail) = rest.as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word);
            // The highest bit of a byte is set where the byte is zero after the `^`, or below 0x20. A borrow may set
            // more of them above the lowest that is right, and only the lowest counts.
            let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
            let quote = zero(word ^ (ONES * u64::from(b'"')));
            let backslash = zero(word ^ (ONES * u64::from(b'\\')));
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            let found = (quote | backslash | control) & (ONES << 7);
            if found != 0 {
                self.at += (found.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        self.at += tail.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    /// Members of each kind, as serde reads them.
    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Probe {
        text: Option<String>,
        integer: Option<i64>,
        #[serde(default)]
        raw: Option<Raw>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Inner {
        text: Option<String>,
    }

    #[derive(Debug, PartialEq)]
    struct Raw(String);

    impl<'de> Deserialize<'de> for Raw {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get().into()))
        }
    }

    fn plain(text: &str) -> Option<Probe> {
        let mut probe = Probe::default();
        object(text, |plain, name| match name {
            "text" => once(&mut probe.text, plain.text()?.into()),
            "integer" => once(&mut probe.integer, plain.integer()?),
            "raw" => once(&mut probe.raw, Raw(plain.raw()?.into())),
            "inner" => {
                let mut inner = Inner::default();
                plain.object(|plain, name| match name {
                    "text" => once(&mut inner.text, plain.text()?.into()),
                    _ => plain.skip(),
                })?;
                once(&mut probe.inner, inner)
            }
            _ => plain.skip(),
        })?;
        Some(probe)
    }

    /// What is read at all is read as serde reads it.
    fn agrees(text: &str) -> bool {
        let read = plain(text);
        if let Some(read) = &read {
            let serde = serde_json::from_str::<Probe>(text);
            assert_eq!(serde.ok().as_ref(), Some(read), "{text}");
        }
        read.is_some()
    }

    #[test]
    fn plain_texts_are_read() {
        for text in [
            "{}",
            " { } ",
            r#"{"text":"a b","integer":-17,"raw":{"a":[1,2.5e-3,"x\"\u00e9\\",null,{}, [] ]},"inner":{"text":"é😀"},"more":[true,false]}"#,
            "{ \"text\" : \"\" ,\n\"integer\":0 , \"raw\" : [ [ ] , { } , {\"a\":{\"b\":[]}} ] }\r\n",
            r#"{"raw":"\ud800","x":1e999,"inner":{}}"#,
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn the_rest_is_left_to_serde() {
        let deep = alloc::format!(r#"{{"x":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
        let long = alloc::format!(r#"{{"integer":{}}}"#, "9".repeat(40));
        for text in [
            "",
            "{",
            "[]",
            "{}x",
            r#"{"text":1}"#,
            r#"{"text":null}"#,
            r#"{"text":"a\n"}"#,
            r#"{"te\u0078t":"a"}"#,
            r#"{"text":"a","text":"b"}"#,
            r#"{"integer":1.0}"#,
            r#"{"integer":01}"#,
            r#"{"integer":-0}"#,
            r#"{"integer":1e3}"#,
            r#"{"raw":null}"#,
            r#"{"raw":[1,]}"#,
            r#"{"raw":{"a"}}"#,
            r#"{"raw":{1:2}}"#,
            r#"{"raw":[}}"#,
            r#"{"raw":"\x"}"#,
            r#"{"raw":"\u12g4"}"#,
            "{\"x\":\"\u{1}\"}",
            r#"{"x":tru}"#,
            r#"{"x":.5}"#,
            r#"{"x":+5}"#,
            r#"{"x":1.}"#,
            r#"{"x":01}"#,
            "{,}",
            r#"{"x":1,}"#,
            r#"{"x":1 "y":2}"#,
            &deep,
            &long,
        ] {
            assert!(!agrees(text), "{text}");
        }
    }

    /// JSON in the making: mostly right, and often wrong.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(alloc::vec!["{", "}", "[", "]", ",", ":", "\"", " "]),
            4 => prop::sample::select(alloc::vec!["\"text\":", "\"integer\":", "\"raw\":", "\"inner\":", "\"x\":"]),
            4 => prop::sample::select(alloc::vec!["\"a\"", "1", "-12", "null", "true", "{}", "[]", "{\"text\":\"b\"}", "\"é\\n\""]),
            1 => prop::sample::select(alloc::vec!["\\", "\\u00e9", "\u{1}", "0", ".5", "e7", "-", "nul", "é"]),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces: Vec<&str>| pieces.concat())
    }

    /// Members in any order, each likely to be good.
    fn members() -> impl Strategy<Value = String> {
        let string = "\"[ -~é\u{1}]{0,20}\"";
        let number = "-?[0-9]{1,20}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?";
        let value =
            prop_oneof![string.prop_map(|s| s), number.prop_map(|s| s), Just("null".into()), pieces()];
        let name = prop::sample::select(alloc::vec!["text", "integer", "raw", "inner", "other"]);
        let member = (name, value).prop_map(|(name, value)| alloc::format!("\"{name}\":{value}"));
        prop::collection::vec(member, 0..5).prop_map(|members| alloc::format!("{{{}}}", members.join(",")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn nothing_is_read_otherwise(text in prop_oneof![pieces(), members()]) {
            agrees(&text);
        }
    }
}
