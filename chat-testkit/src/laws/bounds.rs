use std::fmt::{self, Write};

use chat_proto::{Frame, Input, LinkId, Record};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// How many bad inputs in a row.
const INPUTS: usize = 60;
/// How much may come out of one input.
const MOST_OUTPUTS: usize = 5000;
/// How much of a client is written by `Debug` for a byte of memory, at most, and what it may keep of many bad inputs.
const MOST_GROWTH: usize = 512 << 10;

/// Law 8: no input panics, loops, or grows memory: frames of the session with bytes changed, cut and repeated, and plain
/// rubbish. The size of a client is taken from its `Debug`, which shows everything that it keeps.
///
/// # Errors
///
/// The first client that answers too much, or keeps too much. (One that panics ends the test by itself.)
pub fn stays_bounded<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    let frames: Vec<(usize, &[u8])> = session
        .entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Input(_) => match entry.record.as_input() {
                Some(Input::Frame(_, Frame::Binary(bytes))) => Some((entry.client, bytes)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let few = |rng: &mut Rng| rng.per_mille(150);
    probe::<C>(session, seed, |replay, rng| if few(rng) { bounded(replay, &frames, rng) } else { Ok(()) }, 8)
}

fn bounded<C: Core>(replay: &Replay<C>, frames: &[(usize, &[u8])], rng: &mut Rng) -> Result<(), String> {
    let Some(link) = replay.live else { return Ok(()) };
    let mut client = replay.what_if();
    let before = size(&client.core);
    for _ in 0..INPUTS {
        let bytes = hostile(frames, rng);
        let link = client.live.unwrap_or(link);
        feed(&mut client, link, &bytes)?;
        let outputs = client.drain();
        if outputs > MOST_OUTPUTS {
            return Err(format!("{outputs} outputs of one frame of {} bytes", bytes.len()));
        }
        client.commands.clear();
        client.events.clear();
    }
    let after = size(&client.core);
    if after > before + MOST_GROWTH {
        return Err(format!("{INPUTS} bad frames made it grow from {before} to {after}"));
    }
    Ok(())
}

fn feed<C: Core>(client: &mut Replay<C>, link: LinkId, bytes: &[u8]) -> Result<(), String> {
    let frame = match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len().is_multiple_of(5) => Frame::Text(text),
        _ => Frame::Binary(bytes),
    };
    let now = client.now;
    client.handle(now, &Input::Frame(link, frame));
    if client.core.deadline().is_some_and(|deadline| deadline.at < client.now) {
        return Err(format!("the deadline is in the past: {:?}", client.core.deadline()));
    }
    Ok(())
}

/// A frame that nobody should send.
fn hostile(frames: &[(usize, &[u8])], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = rng.pick(frames).map(|(_, bytes)| bytes.to_vec()).unwrap_or_default();
    match rng.below(8) {
        // Big, and nothing in it.
        0 => {
            let length = 1 << rng.range(4, 18);
            bytes = b"TWILSOCK V3.0 20\r\n{\"method\":\"message\"".to_vec();
            bytes.resize(length, b'[');
        }
        1 => bytes = rng.bytes(100),
        2 => bytes.truncate(rng.place(bytes.len()).unwrap_or(0)),
        // As it was: told twice.
        3 => {}
        // Another number somewhere.
        4 | 5 => {
            let digits: Vec<usize> =
                (0..bytes.len()).filter(|place| bytes[*place].is_ascii_digit()).collect();
            for _ in 0..rng.range(1, 3) {
                if let Some(place) = rng.pick(&digits) {
                    bytes[*place] = b'0' + u8::try_from(rng.below(10)).unwrap_or(0);
                }
            }
        }
        // Another byte somewhere.
        6 => {
            if let Some(place) = rng.place(bytes.len()) {
                bytes[place] = rng.bytes(1)[0];
            }
        }
        // A piece twice.
        _ => {
            let from = rng.place(bytes.len()).unwrap_or(0);
            let piece = bytes[from..].to_vec();
            bytes.extend(piece);
        }
    }
    bytes
}

/// How long a client's `Debug` is, without making the text.
fn size(core: &impl fmt::Debug) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Writing into a counter does not fail.
    let _ = write!(count, "{core:?}");
    count.0
}
