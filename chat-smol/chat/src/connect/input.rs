//! Standard input, line by line, read on a thread of its own: a terminal cannot be asked whether it has a line.

use std::io::{self, BufRead, Read};
use std::thread;

use async_channel::Receiver;

use crate::exit::Failure;

/// Longer lines are not taken. The service takes at most 32 KiB in a message.
const LONGEST: u64 = 64 << 10;
/// Lines that may wait.
const WAITING: usize = 64;

/// A line, or why there is none.
pub(super) type Line = Result<String, String>;

/// The lines that remain of standard input; the channel closes at its end.
pub(super) fn lines() -> Result<Receiver<Line>, Failure> {
    let (send, lines) = async_channel::bounded(WAITING);
    let read = move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next(&mut input) {
            if send.send_blocking(line).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("stdin".into())
        .spawn(read)
        .map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))?;
    Ok(lines)
}

fn next(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) if line.len() as u64 >= LONGEST && line.last() != Some(&b'\n') => {
            skip(input);
            Some(Err(format!("a line of more than {LONGEST} bytes is not sent")))
        }
        Ok(_) => Some(String::from_utf8(line).map_err(|_| "a line that is not UTF-8 is not sent".into())),
    }
}

/// Leaves out the rest of a line.
fn skip(input: &mut impl BufRead) {
    loop {
        let (used, end) = match input.fill_buf() {
            Ok([]) | Err(_) => return,
            Ok(held) => match held.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (held.len(), false),
            },
        };
        input.consume(used);
        if end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_text() {
        let mut input = b"one\n".to_vec();
        input.extend(vec![b'x'; 200_000]);
        input.extend(b"\ntwo\n\xff\nthree");
        let mut input = io::BufReader::with_capacity(7, input.as_slice());
        let all: Vec<Line> = std::iter::from_fn(|| next(&mut input)).collect();
        assert_eq!(all.len(), 5);
        assert_eq!(all[0].as_deref(), Ok("one\n"));
        assert!(all[1].is_err() && all[3].is_err());
        assert_eq!(all[2].as_deref(), Ok("two\n"));
        assert_eq!(all[4].as_deref(), Ok("three"));
    }
}
