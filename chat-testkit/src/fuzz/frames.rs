use chat_proto::FrameError;
use chat_proto::frame::{self, FrameLimits};
use serde_json::Value;

use super::plain;

/// Frames: bytes → header and payload → bytes → the same header and payload. What cannot be decoded says exactly how
/// much is missing, and a plain reading with `serde_json` agrees.
///
/// # Panics
///
/// When that does not hold.
pub fn frames(data: &[u8]) {
    let limits = FrameLimits::default();
    let decoded = frame::decode(data, limits);
    match &decoded {
        Ok((header, payload)) => {
            assert!(header.len() + payload.len() <= data.len(), "more came out than went in");
            let encoded = frame::encode(header, payload);
            // An odd magic line may be longer than ours, and ours never lacks the line end behind the header.
            let again = frame::decode(&encoded, roomier(limits));
            assert_eq!(again, Ok((*header, *payload)), "a decoded frame does not survive");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            completed(data, error, limits);
        }
    }
    if let Some((header, payload)) = plainly(data) {
        assert_eq!(decoded, Ok((header, payload)), "a plain reading finds something else");
    }
}

/// Header and payload as a plain reading has them; `None` where it finds anything odd: then the two may differ.
fn plainly(data: &[u8]) -> Option<(&str, &[u8])> {
    let text = data.strip_prefix(b"TWILSOCK V3.0 ")?;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let size: usize = str::from_utf8(text.get(..digits)?).ok()?.parse().ok()?;
    let body = text.get(digits..)?.strip_prefix(b"\r\n")?;
    let (header, rest) = body.split_at_checked(size)?;
    let Value::Object(members) = plain::read(header)? else { return None };
    let size = match members.get("payload_size") {
        None | Some(Value::Null) => 0,
        Some(size) => usize::try_from(size.as_i64()?).unwrap_or(0),
    };
    let payload = rest.get(2..).unwrap_or_default().get(..size)?;
    Some((str::from_utf8(header).ok()?, payload))
}

/// A frame that is cut off decodes further once as much as the error names is there.
fn completed(data: &[u8], error: &FrameError, limits: FrameLimits) {
    let (FrameError::HeaderCut { missing } | FrameError::PayloadCut { missing }) = *error else { return };
    assert!(missing > 0, "nothing is missing, but it is cut off: {error}");
    let Some(missing) = usize::try_from(missing).ok().filter(|missing| *missing <= 1 << 16) else { return };
    let mut whole = data.to_vec();
    whole.resize(data.len() + missing, b' ');
    match (error, frame::decode(&whole, roomier(limits))) {
        (FrameError::HeaderCut { .. }, Err(FrameError::HeaderCut { missing })) => {
            panic!("the header is complete, but {missing} bytes are said to be missing")
        }
        // Where the frame ends before the line end behind the header, that is missing too.
        (FrameError::PayloadCut { .. }, Err(FrameError::PayloadCut { missing: 1 | 2 })) => {
            whole.extend(b"  ");
            assert!(frame::decode(&whole, roomier(limits)).is_ok(), "the payload is complete");
        }
        (FrameError::PayloadCut { .. }, Err(error)) => panic!("the payload is complete, but: {error}"),
        _ => {}
    }
}

fn roomier(limits: FrameLimits) -> FrameLimits {
    FrameLimits { frame_bytes: limits.frame_bytes + (1 << 17), ..limits }
}
