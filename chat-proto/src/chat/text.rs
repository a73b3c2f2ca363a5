//! Texts out of JSON string literals, without an allocation for each. The literals are whole and well formed: serde, or
//! `plain`, looked at them already.

use alloc::string::String;

/// How much room is kept from one text to the next.
const KEPT: usize = 4096;

/// Reads string literals. What has escapes is written out into a buffer that serves all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unescape {
    buffer: String,
}

impl Unescape {
    /// The text of a string literal (quotes included); `None` for any other value, and for half a surrogate pair, which no text can hold.
    pub(crate) fn text<'a>(&'a mut self, literal: &'a str) -> Option<&'a str> {
        let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
        if !inside.as_bytes().contains(&b'\\') {
            return Some(inside);
        }
        let (plain, escape) = inside.split_once('\\')?;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        self.buffer.reserve(inside.len().min(KEPT));
        self.buffer.push_str(plain);
        let mut rest = escape;
        loop {
            rest = self.escape(rest)?;
            let Some((plain, escape)) = rest.split_once('\\') else { break };
            self.buffer.push_str(plain);
            rest = escape;
        }
        self.buffer.push_str(rest);
        Some(&self.buffer)
    }

    /// Takes what stands behind a backslash; gives what follows it.
    fn escape<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let mut chars = text.chars();
        let is = match chars.next()? {
            same @ ('"' | '\\' | '/') => same,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (first, rest) = hex(chars.as_str())?;
                let (is, rest) = match first {
                    0xd800..0xdc00 => {
                        let (second, rest) = hex(rest.strip_prefix("\\u")?)?;
                        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                        (0x1_0000 + ((first - 0xd800) << 10) + low, rest)
                    }
                    _ => (first, rest),
                };
                self.buffer.push(char::from_u32(is)?);
                return Some(rest);
            }
            _ => return None,
        };
        self.buffer.push(is);
        Some(chars.as_str())
    }
}

/// Four hex digits, and what follows them.
fn hex(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let number = digits.chars().try_fold(0, |number, digit| Some((number << 4) | digit.to_digit(16)?))?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {

    use serde_json::value::RawValue;

    use super::*;

    /// Whatever serde reads as a text is read as the same text, and nothing else is.
    fn agrees(literal: &str) {
        let Ok(raw) = serde_json::from_str::<&RawValue>(literal) else { return };
        let mut unescape = Unescape { buffer: "left over".into() };
        assert_eq!(
            unescape.text(raw.get()),
            serde_json::from_str::<String>(literal).ok().as_deref(),
            "{literal}"
        );
    }

    #[test]
    fn texts_are_as_serde_reads_them() {
        let half =
            [r"\ud83d", r"\ud83dx", r"\ud83d\n", r"\ud83d\ud83d", r"\ud83d\u0041", r"\ude00", r"\u+123"];
        let good = ["", "plain", r#"\"\\\/\b\f\n\r\t"#, r"a\u00e9b\ud83d\ude00\uFFFFc", "é😀", r"\u0000"];
        for inside in half.into_iter().chain(good) {
            agrees(&alloc::format!("\"{inside}\""));
        }
        for other in ["null", "5", "{}", r#"["a"]"#] {
            agrees(other);
        }
        let long = alloc::format!("\"\\n{}\"", "x".repeat(3 * KEPT));
        agrees(&long);
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_through(text in ".*") {
            agrees(&serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn any_escapes_do(parts in proptest::collection::vec(r#"[ a"\\/bfnrtué]|\\u[dD][89a-fA-F][0-9a-f]{2}|\\u[0-9a-f]{4}"#, 0..12)) {
            agrees(&alloc::format!("\"{}\"", parts.concat()));
        }
    }
}
