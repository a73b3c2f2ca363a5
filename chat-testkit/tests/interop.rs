//! The unmodified JavaScript SDK against `chat-testkit serve`.
//!
//! Each driver starts a service of its own; what the SDK saw is compared with what it saw elsewhere (`expected`), apart
//! from what `differences.json` lists. Without Node or network the tests are ignored, and say so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use chat_testkit::compare::{Differences, Report, compare_folders};
use chat_testkit::interop::{Driver, Unavailable, Workshop, is_required};
use chat_testkit::replay::replay_file;
use chat_testkit::session_file::open;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The drivers. A differing line of one of them needs an entry in `differences.json`.
const SCENARIOS: [&str; 6] = ["s01", "s02", "s03", "s05", "s06", "s11"];
/// Drivers mostly wait: more of them than there are processors.
const AT_ONCE: usize = 4;
const PROGRAM: &str = env!("CARGO_BIN_EXE_chat-testkit");

type Shared = Arc<OnceLock<Result<Workshop, Unavailable>>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    let shared = Shared::default();
    let mut trials =
        vec![Trial::test("differences_are_of_known_scenarios", differences_are_of_known_scenarios)];
    for scenario in SCENARIOS {
        trials.push(with_node(&shared, format!("sdk_{scenario}"), move |workshop| sdk(workshop, scenario)));
    }
    trials.push(with_node(&shared, "a_wrong_service_is_caught".into(), a_wrong_service_is_caught));

    if cfg!(unix) {
        trials.push(with_node(&shared, "sdk_s03_recorded".into(), recorded));
    }

    let conclusion = libtest_mimic::run(&arguments, trials);
    match Arc::into_inner(shared).and_then(OnceLock::into_inner) {
        Some(Ok(workshop)) if conclusion.has_failed() => {
            eprintln!("the drivers' logs are in {}", workshop.folder().display());
        }
        Some(Ok(workshop)) => workshop.remove(),
        Some(Err(why)) if !conclusion.has_failed() => eprintln!("ignored: {why}"),
        Some(Err(_)) | None => {}
    }
    conclusion.exit_code()
}

/// A test that needs the SDK. The first of them fetches it.
fn with_node(
    shared: &Shared,
    name: String,
    test: impl Fn(&Workshop) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let shared = shared.clone();
    Trial::ignorable_test(name, move || {
        match shared.get_or_init(|| Workshop::open(Path::new(env!("CARGO_TARGET_TMPDIR")))) {
            Ok(workshop) => test(workshop).map(|()| Completion::Completed),
            Err(why) if why.may_be_ignored() && !is_required() => Ok(Completion::ignored_with(why)),
            Err(why) => Err(why.to_string().into()),
        }
    })
}

fn sdk(workshop: &Workshop, scenario: &str) -> Result<(), Failed> {
    let logs = Driver::new(workshop, scenario, Path::new(PROGRAM)).run()?;
    let report = compare_folders(scenario, &Workshop::expected(scenario), &logs, &differences()?)?;
    if report.passed() {
        Ok(())
    } else {
        Err(format!("the logs differ from the expected ones\n{report}").into())
    }
}

/// The same with the recording proxy in between, which must change nothing; and its file has both people, and replays
/// with what the SDK told them.
fn recorded(workshop: &Workshop) -> Result<(), Failed> {
    let driver = Driver::new(workshop, "s03", Path::new(PROGRAM));
    let logs = driver.output("recorded").service("node recorded.js recorded/s03/session.jsonl").run()?;
    let report = compare_folders("s03", &Workshop::expected("s03"), &logs, &differences()?)?;
    if !report.passed() {
        return Err(format!("the logs differ from the expected ones\n{report}").into());
    }
    let file = logs.join("session.jsonl");
    let opened = open(&file)?;
    if opened.damage.is_some() || !opened.session.ended {
        return Err(format!("{}: {:?}", file.display(), opened.damage).into());
    }
    // What our client may tell otherwise than the SDK is known of another recording of this scenario.
    let known = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/differences.json"))?;
    let mut known: Vec<serde_json::Value> = serde_json::from_slice(&known)?;
    known.retain(|entry| entry["scenario"] == "s03");
    fs::write(logs.join("differences.json"), serde_json::to_vec(&known)?)?;
    let verdict = replay_file(&file)?;
    let people: Vec<_> = verdict.timelines.iter().map(|(who, _)| who.as_str()).collect();
    if verdict.passed() && people == ["alice", "bob"] {
        Ok(())
    } else {
        Err(format!("{people:?}: {:#?} {:#?}", verdict.problems, verdict.notes).into())
    }
}

/// A comparison that cannot fail compares nothing: a service that tells clients of no reachability is found out by
/// exactly the lines that speak of it.
fn a_wrong_service_is_caught(workshop: &Workshop) -> Result<(), Failed> {
    let driver = Driver::new(workshop, "s01", Path::new(PROGRAM));
    let logs = driver.config(r#"{"reachabilityEnabled":false}"#).output("wrong").run()?;
    let Report { unexplained, other_steps, unpaired, .. } =
        compare_folders("s01", &Workshop::expected("s01"), &logs, &Differences::default())?;
    let about_it = |line: &str| line.contains(r#""reachabilityEnabled":false"#);
    if unexplained.iter().any(|(_, difference)| about_it(&difference.line))
        && other_steps.is_empty()
        && unpaired.is_empty()
    {
        Ok(())
    } else {
        Err(format!("not caught: {unexplained:?} {other_steps:?} {unpaired:?}").into())
    }
}

/// An entry of a scenario that nobody runs would never be found to match nothing.
fn differences_are_of_known_scenarios() -> Result<(), Failed> {
    let listed = differences()?;
    let strangers: BTreeSet<_> = listed.entries().iter().map(|entry| entry.scenario.as_str()).collect();
    let strangers: Vec<_> = strangers.into_iter().filter(|name| !SCENARIOS.contains(name)).collect();
    if strangers.is_empty() { Ok(()) } else { Err(format!("no such scenarios: {strangers:?}").into()) }
}

fn differences() -> Result<Differences, Failed> {
    let path = Workshop::differences();
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Differences::parse(&text).map_err(|e| format!("{}: {e}", path.display()).into())
}
