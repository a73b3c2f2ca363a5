//! Frames that were seen on the real wire, through the public door (`chat-testkit/tests/captures/REPORT.md` has the
//! origin of each).

use std::fs;
use std::path::PathBuf;

use chat_proto::FrameError;
use chat_proto::frame::{FrameLimits, decode, encode, split};
use serde_json::Value;

struct Capture {
    id: String,
    text: String,
    /// What the log that it comes from cut off.
    missing: Option<String>,
    declared_header_size: Option<u64>,
    declared_payload_size: Option<u64>,
}

/// All records that are Twilsock frames, or what a log left of such.
fn captures() -> Vec<Capture> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../chat-testkit/tests/captures/frames.jsonl");
    let records = fs::read_to_string(path).unwrap();
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let frames = records.filter_map(|record| {
        let text = record["text"].as_str()?.to_owned();
        let is_frame = text.starts_with("TWILSOCK ") || record["evidence"] == "wire-frame";
        is_frame.then(|| Capture {
            id: record["id"].as_str().unwrap().to_owned(),
            text,
            missing: record["missing"].as_str().map(str::to_owned),
            declared_header_size: record["declared_header_size"].as_u64(),
            declared_payload_size: record["declared_payload_size"].as_u64(),
        })
    });
    frames.collect()
}

#[test]
fn complete_captures_decode_and_encode_again() {
    let captures = captures();
    let mut seen = Vec::new();
    for capture in captures.iter().filter(|capture| capture.missing.is_none()) {
        let bytes = capture.text.as_bytes();
        let (header, payload) =
            decode(bytes, FrameLimits::default()).unwrap_or_else(|e| panic!("{}: {e}", capture.id));
        let members: Value = serde_json::from_str(header).unwrap();
        assert_eq!(members["payload_size"].as_u64().unwrap_or(0), payload.len() as u64, "{}", capture.id);
        if let Some(size) = capture.declared_header_size {
            assert_eq!(header.len() as u64, size, "{}", capture.id);
        }
        if let Some(size) = capture.declared_payload_size {
            assert_eq!(payload.len() as u64, size, "{}", capture.id);
        }

        let again = encode(header, payload);
        let (header_again, payload_again) = decode(&again, FrameLimits::default()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(header_again).unwrap(), members, "{}", capture.id);
        assert_eq!(payload_again, payload, "{}", capture.id);
        // Byte for byte too, but for the line end after a payload, which is optional.
        let optional = bytes.strip_suffix(b"\r\n").filter(|_| !payload.is_empty());
        assert_eq!(again, optional.unwrap_or(bytes), "{}", capture.id);
        seen.push(capture.id.as_str());
    }
    assert_eq!(seen, ["ms-1", "ms-3", "xa-12-1", "kt-1", "kt-2", "kt-3", "kt-4", "kt-6", "kt-8", "kt-10"]);
}

#[test]
fn incomplete_captures_say_what_is_missing() {
    let mut seen = Vec::new();
    for capture in captures() {
        let Some(missing) = &capture.missing else { continue };
        let bytes = capture.text.as_bytes();
        let error = decode(bytes, FrameLimits::default()).expect_err(&capture.id);
        let line = capture.text.find("\r\n").map_or(0, |at| at as u64 + 2);
        let total = bytes.len() as u64;
        let expected = if missing.starts_with("magic line") {
            FrameError::BadMagic
        } else if missing.contains("header") {
            FrameError::HeaderCut { missing: capture.declared_header_size.unwrap() - (total - line) }
        } else {
            let header = capture.declared_header_size.unwrap() + 2;
            FrameError::PayloadCut {
                missing: capture.declared_payload_size.unwrap() - (total - line - header),
            }
        };
        assert_eq!(error, expected, "{}: {missing}", capture.id);
        seen.push(capture.id);
    }
    assert_eq!(
        seen,
        ["cd-14-1", "cd-14-3", "cd-14-4", "cd-35-2", "cd-35-4", "cd-35-5", "cd-36-1", "cd-36-2", "cd-55-1"]
    );
}

/// A frame that is cut anywhere gives an error that counts the missing bytes, unless only the end that does not count
/// is missing.
#[test]
fn every_cut_of_a_frame_is_noticed() {
    const LINE: usize = "TWILSOCK V3.0 528\r\n".len();
    const HEADER: usize = LINE + 528;
    let captures = captures();
    let capture = captures.iter().find(|capture| capture.id == "ms-1").unwrap();
    let bytes = capture.text.as_bytes();
    let whole = decode(bytes, FrameLimits::default()).unwrap();
    let end_of_payload = bytes.len() - 2;
    for end in 0..bytes.len() {
        let decoded = decode(&bytes[..end], FrameLimits::default());
        if end < LINE - 1 {
            assert_eq!(decoded, Err(FrameError::BadMagic), "cut at {end}");
        } else if end < HEADER {
            let missing = (HEADER - end) as u64;
            assert_eq!(decoded, Err(FrameError::HeaderCut { missing }), "cut at {end}");
        } else if end < end_of_payload {
            let missing = (end_of_payload - end.max(HEADER + 2)) as u64;
            assert_eq!(decoded, Err(FrameError::PayloadCut { missing }), "cut at {end}");
        } else {
            assert_eq!(decoded, Ok(whole), "cut at {end}");
        }
    }
}

#[test]
fn errors_never_quote_the_frame() {
    // Serde's own texts would quote the value, and it may be a token.
    let error = decode(&encode("{\"payload_size\":\"sesame\"}", b""), FrameLimits::default()).unwrap_err();
    assert!(matches!(error, FrameError::BadHeader(_)));
    assert!(!error.to_string().contains("sesame"), "{error}");
    assert!(error.to_string().contains("line 1, column"), "{error}");
}

#[test]
fn limits_hold() {
    let frame = encode("{\"payload_size\":4}", b"1234");
    let limits = |frame_bytes, header_bytes| FrameLimits { frame_bytes, header_bytes };
    assert!(decode(&frame, limits(frame.len(), 18)).is_ok());
    for (limits, size) in [(limits(frame.len() - 1, 18), frame.len() as u64), (limits(frame.len(), 17), 18)] {
        assert!(matches!(split(&frame, limits), Err(FrameError::TooLarge { size: is, .. }) if is == size));
    }
    let claims = encode("{\"payload_size\":9000000000000}", b"1");
    assert_eq!(
        decode(&claims, limits(100, 100)),
        Err(FrameError::TooLarge { size: 9_000_000_000_000, limit: 100 })
    );
}
