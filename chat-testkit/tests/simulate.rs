//! The simulator as a library and as a command.

use chat_proto::{Client, Input, Record, Time};
use chat_testkit::simulate::{Outcome, Simulation, Trouble};
use chat_testkit::world::World;
use chat_testkit::wrong::{self, Mute, Twist, Wrong};

/// One that panics after a while.
#[derive(Debug, Clone, Default)]
struct Panics;

impl Twist for Panics {
    fn handle(&mut self, client: &mut Client, now: Time, input: Input<'_>) {
        client.handle(now, input);
        assert!(client.stats().connects < 2, "it does not like to connect");
    }
}

fn simulation(jobs: usize) -> Simulation {
    Simulation { worlds: 12, steps: 30, jobs, ..Simulation::new(1) }
}

#[test]
fn worlds_pass_and_are_counted() {
    let told = std::sync::atomic::AtomicU64::new(0);
    let outcome = Simulation { worlds: 4, ..simulation(2) }.run::<Client>(|worlds, _| {
        told.fetch_max(worlds, std::sync::atomic::Ordering::SeqCst);
    });
    let Outcome { worlds, steps, records, failure, .. } = outcome;
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!((worlds, steps, told.into_inner()), (4, 120, 4));
    assert!(records > 400, "{records}");
}

#[test]
fn the_first_world_that_fails_is_told_and_fails_again() {
    let failures: Vec<_> = [1, 3]
        .into_iter()
        .map(|jobs| simulation(jobs).run::<Wrong<Mute>>(|_, _| ()).failure.expect("a mute client is caught"))
        .collect();
    assert_eq!(failures[0].plan.seed, failures[1].plan.seed);
    assert_eq!(failures[0].trouble, failures[1].trouble);
    assert_eq!(failures[0].session, failures[1].session);
    assert!(matches!(&failures[0].trouble, Trouble::Law(violation) if violation.law == 5));
    // From its seed alone.
    let alone = Simulation { seed: failures[0].plan.seed, worlds: 1, ..simulation(1) };
    let again = alone.run::<Wrong<Mute>>(|_, _| ()).failure.unwrap();
    assert_eq!(again.trouble, failures[0].trouble);
    assert!(alone.run::<Client>(|_, _| ()).failure.is_none());
}

#[test]
fn a_panic_has_a_seed_too() {
    let failure = simulation(2).run::<Wrong<Panics>>(|_, _| ()).failure.expect("some world connects twice");
    assert_eq!(failure.trouble, Trouble::Panic("it does not like to connect".into()));
    let session = failure.session.expect("what happened until then");
    let last = session.entries.last().map(|entry| &entry.record);
    assert!(matches!(last, Some(Record::Input(_) | Record::Call { .. })), "{last:?}");
}

#[test]
fn a_world_that_breaks_a_law_while_it_runs_keeps_its_session() {
    let failures = (0..20).filter_map(|seed| {
        World::<Wrong<wrong::Restless>>::new(chat_testkit::world::Plan::stormy(seed)).run_or_keep().err()
    });
    let (violation, session) = *failures.into_iter().next().expect("a restless client spins");
    assert_eq!(violation.law, 4);
    assert!(!session.entries.is_empty());
}

#[cfg(feature = "cli")]
mod command {
    use std::process::{Command, Output};

    fn simulate(arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_chat-testkit")).arg("simulate").args(arguments).output().unwrap()
    }

    #[test]
    fn it_tells_what_it_did_and_is_quiet_in_a_pipe() {
        let output =
            simulate(&["--seed", "5", "--worlds", "3", "--clients", "2", "--steps", "20", "--jobs", "2"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        assert!(text.starts_with("3 worlds passed, 60 steps, "), "{text}");
        assert!(text.trim_end().ends_with(" steps/s"), "{text}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }

    /// A place for files, of this test alone.
    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_failing_world_is_told_and_kept_as_a_session_file() {
        let folder = folder("simulate-fails");
        let file = folder.join("world.jsonl");
        let output =
            simulate(&["--break", "11", "--worlds", "40", "--steps", "40", "--out", file.to_str().unwrap()]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        let line = |begin: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(begin));
            found.unwrap_or_else(|| panic!("no line begins with {begin:?}: {text}")).to_owned()
        };
        let seed = line("seed ");
        let (seed, why) = seed.split_once(" failed: ").unwrap();
        assert!(why.starts_with("law 11 is broken by client "), "{why}");
        assert_eq!(
            line("again: "),
            format!("chat-testkit simulate --seed {seed} --worlds 1 --steps 40 --break 11")
        );
        assert_eq!(line("kept: "), file.display().to_string());
        assert_eq!(line("replay it: "), format!("chat-testkit replay {}", file.display()));

        // The same again, by the command that it told.
        let again = simulate(&[
            "--seed",
            seed,
            "--worlds",
            "1",
            "--steps",
            "40",
            "--break",
            "11",
            "--out",
            folder.join("again.jsonl").to_str().unwrap(),
        ]);
        assert_eq!(again.status.code(), Some(1));
        assert!(String::from_utf8(again.stdout).unwrap().contains(why));
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("world.jsonl"), read("again.jsonl"));

        // The file is a whole session: a right client does something else there, and `replay` says what.
        let testkit = |arguments: &[&str]| {
            Command::new(env!("CARGO_BIN_EXE_chat-testkit")).args(arguments).output().unwrap()
        };
        let replayed = testkit(&["replay", "--quiet", file.to_str().unwrap()]);
        let told = String::from_utf8(replayed.stdout).unwrap();
        assert_eq!(replayed.status.code(), Some(1), "{told}");
        assert!(told.contains("does something else than recorded"), "{told}");
        assert!(!told.contains("cannot be read"), "{told}");
        let page = folder.join("world.html");
        let inspected = testkit(&["inspect", file.to_str().unwrap(), "--out", page.to_str().unwrap()]);
        assert!(inspected.status.success());
        assert!(std::fs::metadata(page).unwrap().len() > 10_000);
        assert!(!read("world.jsonl").contains("planted-secret"), "law 10");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told() {
        let output = simulate(&[
            "--break",
            "5",
            "--worlds",
            "5",
            "--steps",
            "30",
            "--out",
            "/no/such/folder/world.jsonl",
        ]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("/no/such/folder/world.jsonl"), "{told}");
    }

    #[test]
    fn faults_are_counted() {
        let output = simulate(&["--worlds", "2", "--steps", "20", "--faults"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.lines()
                .any(|line| line.trim_start().split_once(' ').is_some_and(|(n, of)| of == "Cut" && n != "0")),
            "{text}"
        );
        assert!(text.contains(" CrashWithWriteAhead\n"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn an_interrupt_tells_how_far_it_came() {
        use std::process::Stdio;
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-testkit"));
        command.args(["simulate", "--seed", "70", "--worlds", "1000000", "--steps", "5"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // Until the handler stands an interrupt ends it without a word; some worlds take longer than that.
        std::thread::sleep(std::time::Duration::from_secs(3));
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(130), "{text}");
        assert!(text.starts_with("interrupted: "), "{text}");
        let seed: u64 = text.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(seed >= 70, "{text}");
    }

    #[test]
    fn nonsense_is_refused() {
        let wrong = [
            &["--clients", "0"][..],
            &["--worlds", "many"],
            &["--worlds", "0"],
            &["--steps", "0"],
            &["--jobs", "0"],
            &["--break", "12"],
            &["--seeds", "1"],
        ];
        for arguments in wrong {
            let output = simulate(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains(arguments[0]), "{arguments:?}: {told}");
        }
    }
}
