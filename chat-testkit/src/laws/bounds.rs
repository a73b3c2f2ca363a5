use std::fmt::{self, Write};

use chat_proto::{Frame, HttpReply, Input};

use super::Violation;
use super::replay::{Replay, probe};
use crate::world::{Core, Rng, Session};

/// How many bad inputs in a row.
const INPUTS: usize = 60;
/// How much may come out of one input.
const MOST_OUTPUTS: usize = 5000;
/// How much a client may keep of so many bad inputs, in bytes.
const MOST_GROWTH: i64 = 512 << 10;

/// Runs something and tells how much more memory is in use after it than before, in bytes.
///
/// A counting allocator knows best, but a library must not bring one: [`stays_bounded_by`] takes a meter.
pub type Meter<'a> = &'a dyn Fn(&mut dyn FnMut()) -> i64;

/// Law 8: no input panics, loops, or grows memory: frames of the session with bytes changed, cut and repeated, plain
/// rubbish, and answers to HTTP requests that are none. The size of a client is taken from its `Debug`, which shows
/// everything that it keeps.
///
/// # Errors
///
/// The first client that answers too much, or keeps too much. (One that panics ends the test by itself.)
pub fn stays_bounded<C: Core>(session: &Session, seed: u64) -> Result<(), Violation> {
    law::<C>(session, seed, None)
}

/// The same with a better measure of memory.
///
/// # Errors
///
/// As [`stays_bounded`].
pub fn stays_bounded_by<C: Core>(session: &Session, seed: u64, meter: Meter<'_>) -> Result<(), Violation> {
    law::<C>(session, seed, Some(meter))
}

fn law<C: Core>(session: &Session, seed: u64, meter: Option<Meter<'_>>) -> Result<(), Violation> {
    let frames: Vec<&[u8]> = session
        .entries
        .iter()
        .filter_map(|entry| match entry.record.as_input() {
            Some(Input::Frame(_, Frame::Binary(bytes))) => Some(bytes),
            _ => None,
        })
        .collect();
    let few = |rng: &mut Rng| rng.per_mille(150);
    let check = |replay: &Replay<C>, rng: &mut Rng| {
        if few(rng) { bounded(replay, &frames, rng, meter) } else { Ok(()) }
    };
    probe::<C>(session, seed, check, 8)
}

fn bounded<C: Core>(
    replay: &Replay<C>,
    frames: &[&[u8]],
    rng: &mut Rng,
    meter: Option<Meter<'_>>,
) -> Result<(), String> {
    if replay.live.is_none() && replay.asked.is_empty() {
        return Ok(());
    }
    let mut client = replay.what_if();
    // Made before: what is measured is what the client keeps.
    let inputs: Vec<Vec<u8>> = (0..INPUTS).map(|_| hostile(frames, rng)).collect();
    let before = meter.is_none().then(|| size(&client.core));
    let mut result = Ok(());
    let mut work = || {
        result = inputs.iter().try_for_each(|bytes| {
            feed(&mut client, bytes)?;
            let outputs = client.drain();
            if outputs > MOST_OUTPUTS {
                return Err(format!("{outputs} outputs of one frame of {} bytes", bytes.len()));
            }
            (client.commands, client.events) = (Vec::new(), Vec::new());
            Ok(())
        });
    };
    let growth = meter.map(|meter| meter(&mut work));
    if growth.is_none() {
        work();
    }
    result?;
    let growth = growth.or_else(|| Some(size(&client.core) - before?)).unwrap_or(0);
    if growth > MOST_GROWTH {
        return Err(format!("{INPUTS} bad inputs made it grow by {growth}"));
    }
    Ok(())
}

fn feed<C: Core>(client: &mut Replay<C>, bytes: &[u8]) -> Result<(), String> {
    let now = client.now;
    let http = client.asked.first().copied().filter(|_| bytes.len().is_multiple_of(7));
    if let Some(http) = http {
        client.handle(now, &Input::HttpDone(http, Ok(HttpReply::new(201, bytes))));
    } else if let Some(link) = client.live {
        let frame = match std::str::from_utf8(bytes) {
            Ok(text) if bytes.len().is_multiple_of(5) => Frame::Text(text),
            _ => Frame::Binary(bytes),
        };
        client.handle(now, &Input::Frame(link, frame));
    }
    if client.core.deadline().is_some_and(|deadline| deadline.at < client.now) {
        return Err(format!("the deadline is in the past: {:?}", client.core.deadline()));
    }
    Ok(())
}

/// A frame that nobody should send.
fn hostile(frames: &[&[u8]], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = rng.pick(frames).map(|bytes| bytes.to_vec()).unwrap_or_default();
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
fn size(core: &impl fmt::Debug) -> i64 {
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
    i64::try_from(count.0).unwrap_or(i64::MAX)
}
