//! Saves of any moment, crashes at any moment, and forged saves.

mod forged;
mod story;

use chat_proto::Saved;

use self::story::{Point, Story};
use super::script::Script;
use crate::stage::read_in_parts;

/// How much happens in a story at most.
const STEPS: usize = 80;
/// How many saves are kept to crash back to.
const SAVES: usize = 4;

/// Save and resume anywhere: the bytes decide what people do, what goes wrong, when somebody's client is saved and when
/// it is lost and resumed. At the end the resumed client knows what a client of the same person knows that never crashed,
/// every call of the save was answered once, and no message was lost or doubled (laws 5, 7 and 11). Or they forge a save,
/// or what changed since one, which is refused or does no harm.
///
/// # Panics
///
/// When that does not hold.
pub fn resume(data: &[u8]) {
    let mut script = Script::new(data);
    let kind = script.byte();
    match kind {
        228.. => return forged::forged_changes(&mut script),
        200.. => return forged::forged(&mut script),
        _ => {}
    }
    let write_ahead = kind % 4 == 3;
    let mut story = Story::new(write_ahead);
    let mut points: Vec<Point> = Vec::new();
    for _ in 0..STEPS {
        if script.is_over() {
            break;
        }
        match script.byte() % 32 {
            0..=2 => {
                let saved = story.save();
                let read = match points.first() {
                    Some(base) if points.len().is_multiple_of(2) => read_in_parts(base.saved(), &saved),
                    _ => Saved::from_json(saved.to_json().as_bytes()),
                };
                assert_eq!(read.as_ref(), Ok(&saved), "a save does not survive");
                points.push(story.point(read.unwrap_or(saved)));
                let too_many = points.len().saturating_sub(SAVES);
                points.drain(..too_many);
            }
            3 if write_ahead => {
                if story.crash_to_disk() {
                    points.clear();
                }
            }
            3 | 4 => {
                let place = script.below(points.len());
                if place < points.len() {
                    story.crash(points.swap_remove(place));
                    // No two lives begin with the same save, and the others are of a life that never was.
                    points.clear();
                }
            }
            what => story.step(what, &mut script),
        }
    }
    story.heal();
    story.judge();
}
