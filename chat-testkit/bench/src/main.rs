//! The benchmark suite: `cargo run --release --manifest-path chat-testkit/bench/Cargo.toml`. See the README beside it.

mod callgrind;
mod counted;
mod growth;
mod measure;
#[cfg(feature = "peer")]
mod peer;
mod scenes;

use std::env;

fn main() {
    let mut arguments = env::args().skip(1);
    let word = arguments.next().unwrap_or_default();
    let only = arguments.next().unwrap_or_default();
    match word.as_str() {
        callgrind::CHILD => counted::all(&only, &mut |count| callgrind::tell(&count)),
        "counts" => {
            let (counts, _) = callgrind::count(&only).expect("valgrind works");
            for count in counts {
                println!(
                    "{:44} {:10.1} instructions {:8.2} allocations",
                    count.name,
                    count.instructions_each(),
                    count.allocations_each()
                );
            }
        }
        _ => println!("?"),
    }
}
