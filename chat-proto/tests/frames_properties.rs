//! Frames, whatever is in them (law 9, and law 8 for the decoder).

use chat_proto::frame::{FrameLimits, decode, encode, split};
use proptest::prelude::*;

proptest! {
    /// What was put together comes apart again.
    #[test]
    fn encode_then_decode(
        members in prop::collection::btree_map("[a-z_]{1,10}", "\\PC{0,20}", 0..5),
        payload in prop::collection::vec(any::<u8>(), 0..300),
        garbage in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut header = serde_json::to_value(members).unwrap();
        header["payload_size"] = payload.len().into();
        let header = header.to_string();
        let bytes = encode(&header, &payload);
        prop_assert_eq!(decode(&bytes, FrameLimits::default()), Ok((header.as_str(), payload.as_slice())));
        // Bytes behind the payload change nothing.
        let more = [bytes, garbage].concat();
        prop_assert_eq!(decode(&more, FrameLimits::default()), Ok((header.as_str(), payload.as_slice())));
    }

    /// No bytes panic.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes, FrameLimits::default());
    }

    /// Nor do those that begin well.
    #[test]
    fn bytes_that_begin_well(
        size in "[ 0-9]{0,25}",
        end in "\r\n|\r|\n|",
        rest in prop::collection::vec(any::<u8>(), 0..100),
        frame_bytes in 0_usize..200,
        header_bytes in 0_usize..200,
    ) {
        let bytes = [format!("TWILSOCK V3.0 {size}{end}").as_bytes(), &rest].concat();
        let limits = FrameLimits { frame_bytes, header_bytes };
        if let Ok(frame) = split(&bytes, limits) {
            prop_assert!(bytes.len() <= frame_bytes && frame.header.len() <= header_bytes);
            for size in [0, 1, rest.len() as u64, u64::MAX] {
                let _ = frame.payload(size, limits);
            }
        }
    }

    /// A good frame with one byte changed never panics.
    #[test]
    fn one_wrong_byte(at: prop::sample::Index, byte: u8, payload in "\\PC{0,30}") {
        let header = format!("{{\"method\":\"notification\",\"id\":\"TM1\",\"payload_size\":{}}}", payload.len());
        let mut bytes = encode(&header, payload.as_bytes());
        *at.get_mut(&mut bytes) = byte;
        let _ = decode(&bytes, FrameLimits::default());
    }
}
