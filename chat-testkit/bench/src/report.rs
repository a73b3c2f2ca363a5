//! The whole report: every figure beside what it stands beside, and the goals.

use std::io;
use std::time::Duration;

use chat_bench::frames::Kind;
use chat_bench::ring::{Place, Ring, SLICE, Work};

use crate::counted::{self, Count};
use crate::goals::Goal;
use crate::room::Room;
use crate::times::{self, QUIET, ROUNDS, Timed};
use crate::{callgrind, growth, room, scenes};

/// The JavaScript SDK's user CPU, in microseconds for a message of a burst, and in milliseconds for the start with 1,000
/// channels: measured on another day (5 and 3 runs, ±15 %). The program `end_to_end` measures both side by side.
const SDK_MESSAGE_US: f64 = 508.0;
const SDK_START_MS: f64 = 4670.0;
/// The round trips that the SDK makes one after the other at such a start, as `end_to_end` finds.
const SDK_SEQUENCE: f64 = 34.0;
/// The time that a frame takes in one direction, where round trips are counted.
const ONE_WAY: Duration = Duration::from_secs(1);

/// Everything that was counted.
struct Counts(Vec<Count>);

impl Counts {
    fn get(&self, name: &str) -> Option<&Count> {
        self.0.iter().find(|count| count.name == name)
    }

    fn instructions(&self, name: &str) -> f64 {
        self.get(name).filter(|count| count.instructions > 0).map_or(f64::NAN, Count::instructions_each)
    }

    fn allocations(&self, name: &str) -> f64 {
        self.get(name).map_or(f64::NAN, Count::allocations_each)
    }
}

/// Counts, times, and prints everything.
pub(crate) fn print() -> io::Result<()> {
    println!("counting instructions (about a minute; valgrind runs this program once)");
    let (counts, with_valgrind) = callgrind::count("")?;
    if !with_valgrind {
        println!("valgrind is not installed: there are no instruction counts");
    }
    let counts = Counts(counts);
    let mut goals = Vec::new();
    frames(&counts, &mut goals);
    scenes(&counts, &mut goals);
    let room = room::measure();
    growth(&counts, room, &mut goals);
    peer(&counts, &mut goals);
    rooms(room, &mut goals);
    println!("\ngoals (5 and 6 beside the SDK itself, and 8: `--bin end_to_end`)");
    goals.sort_by_key(Goal::number);
    for goal in goals {
        println!("{}", goal.line());
    }
    Ok(())
}

/// A line of the tables of frames.
fn line(name: &str, timed: &Timed, bytes: f64, instructions: f64, of: f64, allocations: f64) {
    let (each, ratio) = (&timed.each, &timed.ratio);
    let best = each.best();
    println!(
        "  {name:24} {:7.0} {best:7.0} {:7.0}-{:<7.0} {:7.0} {:6.0}  {:5.2} [{:4.2}-{:4.2}]  {instructions:7.0} {:5.2} {allocations:7.2}",
        each.median(),
        each.percentile(10),
        each.percentile(90),
        1e6 / best,
        bytes * 1e3 / best,
        ratio.median(),
        ratio.percentile(10),
        ratio.percentile(90),
        instructions / of,
    );
}

fn frames(counts: &Counts, goals: &mut Vec<Goal>) {
    println!("\nframes: 20 channels of 50 people and 100 messages; {ROUNDS} rounds of {SLICE} frames");
    println!(
        "  {:24} {:>7} {:>7} {:>15} {:>7} {:>6}  {:>17}  {:>7} {:>5} {:>7}",
        "", "median", "best", "p10-p90 ns", "k/s", "MB/s", "time/(b) [10-90]", "instr", "/(b)", "allocs"
    );
    let place = Place::new(20, 50, 100);
    for (kind, name) in Kind::ALL {
        let mut ring = Ring::new(kind, &place);
        let mut timed = times::frames(&mut ring, ROUNDS);
        let again = |timed: &[Timed]| timed.get(3).map_or(f64::NAN, |again| again.ratio.median());
        let noisy = !QUIET.contains(&again(&timed));
        if noisy {
            timed = times::frames(&mut ring, ROUNDS);
        }
        let bytes = ring.mean_size();
        let told = if QUIET.contains(&again(&timed)) { "" } else { ", NOISY: (b) differs from itself" };
        println!("{name}, {bytes} bytes{told}");
        let yardstick = counts.instructions(&counted::name_of(kind, Work::Borrow));
        for (work, timed) in Work::ALL.into_iter().zip(&timed) {
            let name = counted::name_of(kind, work);
            let (instructions, allocations) = (counts.instructions(&name), counts.allocations(&name));
            #[expect(clippy::cast_precision_loss, reason = "a frame is short")]
            line(work.name(), timed, bytes as f64, instructions, yardstick, allocations);
            if work == Work::Core {
                frame_goals(kind, timed, instructions / yardstick, allocations, goals);
            }
        }
    }
}

fn frame_goals(kind: Kind, timed: &Timed, ratio: f64, allocations: f64, goals: &mut Vec<Goal>) {
    let name = kind.name();
    let (number, instructions, most) = match kind {
        Kind::Message => (1, 1.3, 4.0),
        Kind::Roster => (2, 1.3, 2.0),
        Kind::Typing => (2, 1.3, 1.0),
        Kind::Reply => (2, 1.0, 2.0),
        Kind::Mix => (2, 1.3, f64::INFINITY),
        Kind::Stale | Kind::Unknown => (0, 0.0, 0.0),
        Kind::Document | Kind::MixRepeated => return,
    };
    if number > 0 {
        goals.push(Goal::at_most(number, format!("{name}, instructions"), ratio, instructions, "of (b)"));
    }
    if kind == Kind::Message {
        goals.push(Goal::at_most(1, "message, paired time", timed.ratio.median(), 1.5, "of (b)"));
        let messages = SDK_MESSAGE_US * 1e3 / timed.each.median();
        goals.push(Goal::at_least(
            5,
            "messages a CPU second in the core, beside the SDK's on another day",
            messages,
            100.0,
            "times",
        ));
    }
    if most.is_finite() {
        let what = if number == 0 { "allocations with the acknowledgement" } else { "allocations" };
        goals.push(Goal::at_most(3, format!("{name}, {what}"), allocations, most, "a frame"));
    }
}

fn scenes(counts: &Counts, goals: &mut Vec<Goal>) {
    println!("\nscenes                        median     best  ns for one   instr for one  allocs for one");
    for scene in scenes::all(&|_| true) {
        let sample = times::alone(&*scene.ready, scene.units, 21);
        let (instructions, allocations) = (counts.instructions(scene.name), counts.allocations(scene.name));
        println!(
            "  {:24} {:9.1} {:8.1}  {:12} {instructions:12.1} {allocations:12.2}",
            scene.name,
            sample.median(),
            sample.best(),
            scene.unit
        );
        match scene.name {
            "start, 1,000 channels" => {
                // Microseconds a channel are milliseconds a thousand.
                let ms = sample.median() / 1e3;
                goals.push(Goal::at_least(
                    6,
                    "the SDK's CPU at a start with 1,000 channels, on another day",
                    SDK_START_MS / ms,
                    30.0,
                    "times ours",
                ));
            }
            "empty poll_command" | "empty poll_event" | "deadline" => {
                goals.push(Goal::at_most(
                    7,
                    format!("{}, instructions", scene.name),
                    instructions,
                    250.0,
                    "a poll",
                ));
                goals.push(Goal::at_most(
                    7,
                    format!("{}, allocations", scene.name),
                    allocations,
                    0.0,
                    "a poll",
                ));
            }
            _ => {}
        }
    }
    println!("  simulator: {:.0} steps a second, all laws checked, one processor", scenes::simulator(20));
    let (rig, tape) = scenes::started(1000, ONE_WAY);
    let trips = rig.traffic.last_request.as_secs_f64() / ONE_WAY.as_secs_f64() / 2.0 + 1.0;
    println!(
        "  start with 1,000 channels: {} requests, {} frames in, {} out, {trips:.1} round trips in sequence",
        rig.traffic.requests, rig.traffic.frames_in.0, rig.traffic.frames_out.0
    );
    drop(tape);
    goals.push(Goal::at_most(
        6,
        "round trips in sequence at a start with 1,000 channels",
        trips,
        SDK_SEQUENCE,
        "(the SDK's)",
    ));
}

fn growth(counts: &Counts, room: Room, goals: &mut Vec<Goal>) {
    println!("\ngrowth: a frame of the mix in so many channels of two people");
    let mut rings: Vec<Ring> = growth::CHANNELS.into_iter().map(growth::ring).collect();
    let timed = times::pairs(
        &mut rings,
        ROUNDS,
        SLICE,
        |ring| ring.fill(SLICE),
        |ring| {
            std::hint::black_box(ring.run(Work::Core));
        },
    );
    let few = counts.instructions(&growth::name_of(growth::CHANNELS[0]));
    for (channels, timed) in growth::CHANNELS.into_iter().zip(&timed) {
        let instructions = counts.instructions(&growth::name_of(channels));
        println!(
            "  {channels:6} channels {:7.0} ns median {:7.0} best, {:4.2} times the first [{:4.2}-{:4.2}], {instructions:7.0} instructions",
            timed.each.median(),
            timed.each.best(),
            timed.ratio.median(),
            timed.ratio.percentile(10),
            timed.ratio.percentile(90),
        );
    }
    let bytes_of_a_channel = usize::try_from(room.thousand / 1000).unwrap_or(0);
    let mut memories: Vec<_> =
        rings.iter_mut().map(|ring| growth::Memory::new(ring, bytes_of_a_channel)).collect();
    let memory = times::pairs(&mut memories, ROUNDS, SLICE, growth::Memory::fill, growth::Memory::run);
    println!(
        "what of it is memory: (b), one look into a map that is as large as that client, and one write there"
    );
    for (channels, timed) in growth::CHANNELS.into_iter().zip(&memory) {
        println!(
            "  {channels:6} channels {:7.0} ns median {:7.0} best, {:4.2} times the first [{:4.2}-{:4.2}]",
            timed.each.median(),
            timed.each.best(),
            timed.ratio.median(),
            timed.ratio.percentile(10),
            timed.ratio.percentile(90),
        );
    }
    let many = counts.instructions(&growth::name_of(1000));
    goals.push(Goal::at_most(
        7,
        "instructions of a frame in 1,000 channels",
        many / few,
        1.15,
        "of those in 10",
    ));
    let time = timed.last().map_or(f64::NAN, |timed| timed.ratio.median());
    goals.push(Goal::at_most(
        7,
        "time of a frame in 10,000 channels (caches miss more)",
        time,
        1.5,
        "of that in 10",
    ));
}

#[cfg(not(feature = "peer"))]
fn peer(_: &Counts, _: &mut Vec<Goal>) {}

#[cfg(feature = "peer")]
fn peer(counts: &Counts, goals: &mut Vec<Goal>) {
    use crate::peer::{CACHE, PARSE, Peer};

    enum Subject {
        Us(Box<Ring>),
        Peer(Box<Peer>, bool),
    }
    let ring = Ring::new(Kind::Message, &Place::new(20, 50, 100));
    let mut subjects = [
        Subject::Us(Box::new(ring)),
        Subject::Peer(Box::new(Peer::new()), false),
        Subject::Peer(Box::new(Peer::new()), true),
    ];
    let ready = |subject: &mut Subject| match subject {
        Subject::Us(ring) => ring.fill(SLICE),
        Subject::Peer(peer, _) => peer.fill(),
    };
    let timed = times::pairs(&mut subjects, ROUNDS, SLICE, ready, |subject| match subject {
        Subject::Us(ring) => {
            std::hint::black_box(ring.run(Work::Core));
        }
        Subject::Peer(peer, cache) => peer.run(*cache),
    });
    let ours = counted::name_of(Kind::Message, Work::Core);
    println!("\na new message beside twilight 0.18, paired");
    for ((name, subject), timed) in [ours.as_str(), PARSE, CACHE].into_iter().zip(&subjects).zip(&timed) {
        let bytes = match subject {
            Subject::Us(ring) => ring.mean_size(),
            Subject::Peer(peer, _) => peer.mean_size(),
        };
        println!(
            "  {name:32} {bytes:5} bytes {:7.0} ns median {:7.0} best, {:4.2} times ours [{:4.2}-{:4.2}], {:7.0} instructions, {:5.2} allocations",
            timed.each.median(),
            timed.each.best(),
            timed.ratio.median(),
            timed.ratio.percentile(10),
            timed.ratio.percentile(90),
            counts.instructions(name),
            counts.allocations(name),
        );
    }
    let time = timed.last().map_or(f64::NAN, |timed| timed.ratio.median());
    goals.push(Goal::at_least(
        9,
        "twilight's time for a message, parsed and cached",
        time,
        1.8,
        "times ours",
    ));
    let instructions = counts.instructions(&ours) / counts.instructions(CACHE);
    goals.push(Goal::at_most(9, "our instructions for a message", instructions, 0.55, "of twilight's"));
}

fn rooms(room: Room, goals: &mut Vec<Goal>) {
    #[expect(clippy::cast_precision_loss, reason = "bytes")]
    let figures = [room.idle, room.member, room.message, room.thousand].map(|bytes| bytes as f64);
    let [idle, member, message, thousand] = figures;
    goals.push(Goal::at_most(4, "an idle client", idle / 1024.0, 16.0, "KiB"));
    goals.push(Goal::at_most(4, "a member", member, 256.0, "bytes"));
    goals.push(Goal::at_most(4, "a cached message without its text", message, 400.0, "bytes"));
    goals.push(Goal::at_most(4, "1,000 channels of two people", thousand / 1024.0 / 1024.0, 4.0, "MiB"));
}
