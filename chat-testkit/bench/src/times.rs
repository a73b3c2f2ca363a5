//! Time of the processor, on a machine that is busy with other things as well: every round does each kind of work once with the same 256
//! frames, in an order that is drawn anew, and what counts is the ratio to (b) in the same round.

use std::hint::black_box;
use std::time::Duration;

use chat_bench::ring::{Ring, SLICE, Work};
use chat_testkit::world::Rng;
use nix::time::{ClockId, clock_gettime};

/// How many rounds.
pub(crate) const ROUNDS: usize = 301;
/// Outside of this the second (b) shows that the machine was too noisy.
pub(crate) const QUIET: std::ops::RangeInclusive<f64> = 0.98..=1.02;

/// Many figures of one thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// The figure that so many percent are not above.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let place = (self.0.len().saturating_sub(1)) * percent / 100;
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The least.
    pub(crate) fn best(&self) -> f64 {
        self.percentile(0)
    }
}

/// What was found of one kind of work.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    /// Nanoseconds for one frame.
    pub(crate) each: Sample,
    /// Of the time of (b) in the same round.
    pub(crate) ratio: Sample,
}

/// Times everything that can be done with the frames of a ring, in the order of [`Work::ALL`].
pub(crate) fn frames(ring: &mut Ring, rounds: usize) -> Vec<Timed> {
    let mut dice = Rng::new(3);
    let mut order: Vec<usize> = (0..Work::ALL.len()).collect();
    let mut times = vec![Vec::with_capacity(rounds); Work::ALL.len()];
    // The first rounds warm up.
    for round in 0..rounds + 5 {
        ring.fill(SLICE);
        shuffle(&mut order, &mut dice);
        for place in &order {
            let (work, begun) = (Work::ALL[*place], cpu_time());
            black_box(ring.run(work));
            let took = each(begun, SLICE);
            if round >= 5 {
                times[*place].push(took);
            }
        }
    }
    ratios(times, Work::ALL.iter().position(|work| *work == Work::Borrow).unwrap_or(0))
}

/// Times several pieces of work against the first of them, each prepared before each round.
pub(crate) fn pairs<S>(
    subjects: &mut [S],
    rounds: usize,
    units: usize,
    ready: fn(&mut S),
    work: fn(&mut S),
) -> Vec<Timed> {
    let mut dice = Rng::new(4);
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    let mut times = vec![Vec::with_capacity(rounds); subjects.len()];
    for round in 0..rounds + 3 {
        subjects.iter_mut().for_each(ready);
        shuffle(&mut order, &mut dice);
        for place in &order {
            let begun = cpu_time();
            work(&mut subjects[*place]);
            let took = each(begun, units);
            if round >= 3 {
                times[*place].push(took);
            }
        }
    }
    ratios(times, 0)
}

fn ratios(times: Vec<Vec<f64>>, base: usize) -> Vec<Timed> {
    let base = times[base].clone();
    let against = |each: Vec<f64>| {
        let ratio = each.iter().zip(&base).map(|(one, base)| one / base).collect();
        Timed { each: Sample::new(each), ratio: Sample::new(ratio) }
    };
    times.into_iter().map(against).collect()
}

/// Times a piece of work that is made ready so many times.
pub(crate) fn alone(ready: &dyn Fn() -> Box<dyn FnMut()>, units: usize, times: usize) -> Sample {
    let time = |_| {
        let mut work = ready();
        let begun = cpu_time();
        work();
        each(begun, units)
    };
    Sample::new((0..times).map(time).collect())
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 ns")]
fn each(begun: Duration, units: usize) -> f64 {
    cpu_time().saturating_sub(begun).as_nanos() as f64 / units as f64
}

fn shuffle(order: &mut [usize], dice: &mut Rng) {
    for place in (1..order.len()).rev() {
        let other = dice.place(place + 1).unwrap_or(0);
        order.swap(place, other);
    }
}

/// What this thread was given of a processor so far: it stands still while others run.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Unix has this clock").into()
}
