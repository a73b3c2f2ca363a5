//! The outer form of a Twilsock frame: a magic line, a JSON header, a payload (spec 01 §1).
//!
//! Both directions and both sides use it: the client, the offline service, recorders and fuzzers.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use serde::Deserialize;

use crate::error::FrameError;

/// Longest magic line that is looked at (spec 01 §1.5).
const MAGIC_LINE: usize = 64;

/// How much of a frame is accepted, in bytes. By default 16 MiB and 1 MiB, as in [`Limits`](crate::Limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// The whole frame.
    pub frame_bytes: usize,
    /// The header alone.
    pub header_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { frame_bytes: 16 << 20, header_bytes: 1 << 20 }
    }
}

/// A frame whose header is not looked into yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The header: UTF-8, most likely a JSON object.
    pub header: &'a str,
    /// All that follows the header and its line end; the payload is the first `payload_size` bytes of it.
    pub rest: &'a [u8],
}

/// Takes a frame apart: magic line, header, and what follows (spec 01 §1.5).
///
/// # Errors
/// It is none, is cut off in the header, or longer than `limits`: each variant of [`FrameError`] but those of the payload.
pub fn split(bytes: &[u8], limits: FrameLimits) -> Result<RawFrame<'_>, FrameError> {
    if bytes.len() > limits.frame_bytes {
        return Err(FrameError::TooLarge { size: bytes.len() as u64, limit: limits.frame_bytes as u64 });
    }
    let (size, line) = match plain_magic_line(bytes) {
        Some(plain) => plain,
        None => magic_line(bytes)?,
    };
    if size > limits.header_bytes {
        return Err(FrameError::TooLarge { size: size as u64, limit: limits.header_bytes as u64 });
    }
    let body = bytes.get(line + 2..).unwrap_or_default();
    // Where the frame ends within the end of the magic line, that is missing too.
    let missing = (line + 2).saturating_add(size).saturating_sub(bytes.len());
    let header = body.get(..size).ok_or(FrameError::HeaderCut { missing: missing as u64 })?;
    let header = core::str::from_utf8(header)
        .map_err(|e| FrameError::BadHeader(format!("not UTF-8 after byte {}", e.valid_up_to()).into()))?;
    Ok(RawFrame { header, rest: body.get(size + 2..).unwrap_or_default() })
}

/// The size of the header and the length of the magic line, as everybody writes it; `None` for any other.
fn plain_magic_line(bytes: &[u8]) -> Option<(usize, usize)> {
    let rest = bytes.strip_prefix(b"TWILSOCK V3.0 ")?;
    let length = rest.iter().take(8).position(|byte| *byte == b'\r')?;
    let digits = rest.get(..length).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    Some((decimal(digits)?, bytes.len().saturating_sub(rest.len()).saturating_add(length)))
}

/// The same of whatever passes for a magic line (spec 01 §1.5).
fn magic_line(bytes: &[u8]) -> Result<(usize, usize), FrameError> {
    let line = bytes.iter().take(MAGIC_LINE).position(|byte| *byte == b'\r').ok_or(FrameError::BadMagic)?;
    let mut words = bytes.get(..line).unwrap_or_default().split(|byte| *byte == b' ');
    if (words.next(), words.next()) != (Some(b"TWILSOCK"), Some(b"V3.0")) {
        return Err(FrameError::BadMagic);
    }
    let size = words.next().and_then(decimal).ok_or(FrameError::BadSize)?;
    Ok((size, line))
}

impl<'a> RawFrame<'a> {
    /// The payload, `size` bytes long as the header says. What follows it does not count; a payload that is shorter
    /// than it says passes when it is JSON all the same (spec 01 §1.6).
    ///
    /// # Errors
    /// [`FrameError::PayloadCut`], or [`FrameError::TooLarge`] for a `size` above `limits`.
    pub fn payload(&self, size: u64, limits: FrameLimits) -> Result<&'a [u8], FrameError> {
        if size > limits.frame_bytes as u64 {
            return Err(FrameError::TooLarge { size, limit: limits.frame_bytes as u64 });
        }
        match usize::try_from(size).ok().and_then(|size| self.rest.get(..size)) {
            Some(payload) => Ok(payload),
            None if serde_json::from_slice::<serde::de::IgnoredAny>(self.rest).is_ok() => Ok(self.rest),
            None => Err(FrameError::PayloadCut { missing: size.saturating_sub(self.rest.len() as u64) }),
        }
    }
}

/// Takes a frame apart as far as header text and payload bytes.
///
/// # Errors
/// As [`split`] and [`RawFrame::payload`], and [`FrameError::BadHeader`] for a header that is no JSON object.
pub fn decode(bytes: &[u8], limits: FrameLimits) -> Result<(&str, &[u8]), FrameError> {
    #[derive(Deserialize)]
    struct Sizes {
        #[serde(default)]
        payload_size: Option<i64>,
    }
    let frame = split(bytes, limits)?;
    let sizes: Sizes = parse_header(frame.header)?;
    Ok((frame.header, frame.payload(payload_size(sizes.payload_size), limits)?))
}

/// Reads the members of a header that `T` has. Serde would take an array for a struct, so that is looked at first.
pub(crate) fn parse_header<'a, T: Deserialize<'a>>(header: &'a str) -> Result<T, FrameError> {
    if !header.trim_start().starts_with('{') {
        return Err(FrameError::BadHeader("not a JSON object".into()));
    }
    serde_json::from_str(header).map_err(|e| FrameError::BadHeader(json_problem(&e)))
}

/// What `payload_size` means: missing, zero and negative are all "no payload" (spec 01 §1.3).
pub(crate) fn payload_size(declared: Option<i64>) -> u64 {
    declared.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

/// Where a JSON text is wrong. Serde's own words may quote a value, and that may be a secret (law 10).
pub(crate) fn json_problem(error: &serde_json::Error) -> Box<str> {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Io | Category::Syntax => "not JSON",
        Category::Data => "unexpected type or value",
        Category::Eof => "the JSON ends too early",
    };
    format!("{what} (line {}, column {})", error.line(), error.column()).into()
}

/// Puts a frame together. `header` must tell the right `payload_size` itself; no line end follows the payload
/// (spec 01 §8 #13).
pub fn encode(header: &str, payload: &[u8]) -> Vec<u8> {
    let magic = format!("TWILSOCK V3.0 {}\r\n", header.len());
    let mut bytes = Vec::with_capacity(magic.len() + header.len() + 2 + payload.len());
    bytes.extend_from_slice(magic.as_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(payload);
    bytes
}

/// Reads a decimal number with white space around it; `None` for anything else or more than fits.
fn decimal(word: &[u8]) -> Option<usize> {
    let digits = word.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_usize, |n, digit| {
        let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_cut_off_says_how_much_of_the_header_is_missing() {
        for (bytes, missing) in
            [("TWILSOCK V3.0 19\r", 20), ("TWILSOCK V3.0 19\r\n", 19), ("TWILSOCK V3.0 19\r\n{", 18)]
        {
            let cut = split(bytes.as_bytes(), FrameLimits::default()).map(|frame| frame.header);
            assert_eq!(cut, Err(FrameError::HeaderCut { missing }), "{bytes:?}");
        }
    }

    /// The short way never says anything else than the long one.
    #[test]
    fn magic_lines_are_read_the_same_either_way() {
        let sizes = ["226", "0", "007", "9999999", "99999999", " 1", "1 ", "1\t", "", "+1", "1x", "1 2"];
        for size in sizes {
            for begin in ["TWILSOCK V3.0 ", "TWILSOCK  V3.0 ", "TWILSOCK V3.0", "twilsock V3.0 "] {
                let line = format!("{begin}{size}\r\n{{}}");
                if let Some(plain) = plain_magic_line(line.as_bytes()) {
                    assert_eq!(magic_line(line.as_bytes()), Ok(plain), "{line}");
                }
            }
        }
        assert_eq!(plain_magic_line(b"TWILSOCK V3.0 226\r\n"), Some((226, 17)));
    }
}
