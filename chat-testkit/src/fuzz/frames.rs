//! What the fuzz targets do: each takes any bytes and panics when something does not hold. The targets themselves are
//! one line each, so that their corpora run under plain `cargo test` too.

use chat_proto::FrameError;
use chat_proto::frame::{self, FrameLimits};

/// Frames: bytes → header and payload → bytes → the same header and payload. What cannot be decoded says exactly how
/// much is missing.
///
/// # Panics
///
/// When that does not hold.
pub fn frames(data: &[u8]) {
    let limits = FrameLimits::default();
    match frame::decode(data, limits) {
        Ok((header, payload)) => {
            assert!(header.len() + payload.len() <= data.len(), "more came out than went in");
            let encoded = frame::encode(header, payload);
            // An odd magic line may be longer than ours, and ours never lacks the line end behind the header.
            let again = frame::decode(&encoded, roomier(limits));
            assert_eq!(again, Ok((header, payload)), "a decoded frame does not survive");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            completed(data, &error, limits);
        }
    }
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
        (FrameError::PayloadCut { .. }, Err(error)) => panic!("the payload is complete, but: {error}"),
        _ => {}
    }
}

fn roomier(limits: FrameLimits) -> FrameLimits {
    FrameLimits { frame_bytes: limits.frame_bytes + (1 << 17), ..limits }
}
