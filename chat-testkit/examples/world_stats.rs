use chat_proto::{ChannelStatus, Client, Command, ConnectionState, Event, FrameRecord, InputRecord, Record};
use chat_testkit::laws;
use chat_testkit::world::{Core, Plan, World};
use std::collections::BTreeMap;
fn main() {
    let from: u64 = std::env::args().nth(1).map_or(0, |a| a.parse().unwrap());
    let n: u64 = std::env::args().nth(2).map_or(20, |a| a.parse().unwrap());
    let steps: usize = std::env::args().nth(3).map_or(60, |a| a.parse().unwrap());
    let verbose = n == 1;
    let mut ev: BTreeMap<String, usize> = BTreeMap::new();
    let mut st = BTreeMap::<&str, u64>::new();
    let (mut bad, mut steps_total) = (0, 0);
    for seed in from..from + n {
        let mut plan = Plan::stormy(seed);
        plan.steps = steps;
        let t = std::time::Instant::now();
        let run = match World::<Client>::new(plan.clone()).run() {
            Ok(run) => run,
            Err(v) => {
                println!("seed {seed}: {v}");
                bad += 1;
                continue;
            }
        };
        let t1 = t.elapsed();
        if let Err(v) = laws::all(&run, seed) {
            println!("seed {seed}: {v}");
            bad += 1;
        }
        steps_total += run.session.entries.len();
        for e in &run.session.entries {
            let name = match &e.record {
                Record::Event(Event::Answer { result: Ok(_), call }) => {
                    let c = run
                        .session
                        .entries
                        .iter()
                        .find_map(|x| match &x.record {
                            Record::Call { id: Some(id), call: c, .. }
                                if id == call && x.client == e.client =>
                            {
                                Some(format!("{c:?}"))
                            }
                            _ => None,
                        })
                        .unwrap_or_default();
                    format!("Ok {}", c.split(['(', ' ']).next().unwrap())
                }
                Record::Event(Event::Answer { result: Err(x), .. }) => {
                    format!("Err {}", format!("{x:?}").split(['(', ' ']).next().unwrap())
                }
                Record::Event(x) => {
                    format!("Event {}", format!("{x:?}").split(['(', ' ', '{']).next().unwrap())
                }
                Record::Command(c) => format!("Command {}", format!("{c:?}").split(' ').next().unwrap()),
                Record::Input(i) => format!("Input {}", format!("{i:?}").split('(').next().unwrap()),
                _ => continue,
            };
            *ev.entry(name).or_default() += 1;
            if verbose {
                let text = match &e.record {
                    Record::Input(InputRecord::Frame(l, FrameRecord::Binary(b))) => {
                        format!("{l} <- {}", String::from_utf8_lossy(b))
                    }
                    Record::Command(Command::Send { link, bytes }) => {
                        format!("{link} -> {}", String::from_utf8_lossy(bytes.as_bytes()))
                    }
                    r => format!("{r:?}"),
                };
                println!("{} {} {}", e.at, e.client, text.replace("\r\n", " "));
            }
        }
        for c in &run.clients {
            let s = c.stats();
            for (k, v) in [
                ("connects", s.connects),
                ("stale", s.stale),
                ("clock_back", s.clock_backwards),
                ("dup", s.duplicates),
                ("behind", s.behind),
                ("retries", s.retries),
                ("calls", s.calls),
            ] {
                *st.entry(k).or_default() += v;
            }
            *st.entry("connected at end").or_default() +=
                u64::from(c.state().connection() == ConnectionState::Connected);
            *st.entry("joined").or_default() +=
                c.state().channels().iter().filter(|c| c.status == ChannelStatus::Joined).count() as u64;
        }
        *st.entry("truth messages").or_default() +=
            run.truth.messages.values().map(|m| m.len() as u64).sum::<u64>();
        if std::env::args().nth(4).is_some() {
            println!(
                "seed {seed}: {} entries, run {t1:?}, laws {:?}",
                run.session.entries.len(),
                t.elapsed().checked_sub(t1).unwrap()
            );
        }
    }
    println!("{ev:#?}\n{st:#?}\n{bad} bad of {n}, {steps_total} entries");
}
