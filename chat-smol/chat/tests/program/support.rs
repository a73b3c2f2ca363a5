//! Running the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use chat_testkit::serve::{ServeConfig, Server};
use serde_json::{Value, json};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// A failure as it must be: this code, and one line on standard error in which `part` stands.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, part: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("chat: ") && self.err.contains(part), "{self:?} lacks {part}");
    }

    /// Success, with nothing to complain about.
    #[track_caller]
    pub(crate) fn succeeds(&self) {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
    }
}

/// How long the program may run. Nothing here takes a tenth of it.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills a process that hangs, so that its test fails instead of hanging too. Forgotten when the sender is dropped.
fn watch(child: &Child) -> Sender<()> {
    let (done, wait) = mpsc::channel();
    let id = child.id().to_string();
    std::thread::spawn(move || {
        if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    done
}

/// The program, without a token of the environment's.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.args(arguments).env_remove("CHAT_TOKEN").env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end with this standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Run {
    let mut child = command.spawn().unwrap();
    let _watch = watch(&child);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It may end without having read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// `chat connect` to a service, with a token in the environment.
pub(crate) fn connect(server: &Server, identity: &str) -> Command {
    let mut command = program(&["connect", "--url", &server.url()]);
    command.env("CHAT_TOKEN", token(server, identity));
    command
}

pub(crate) fn service() -> Server {
    Server::start(ServeConfig::default()).unwrap()
}

pub(crate) fn admin(server: &Server, command: &str, arguments: Value) -> Value {
    smol::block_on(server.admin(command, arguments)).unwrap()
}

pub(crate) fn token(server: &Server, identity: &str) -> String {
    admin(server, "token", json!({ "identity": identity }))["token"].as_str().unwrap().to_owned()
}

/// A running program whose output is read line by line.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: BufReader<ChildStdout>,
    _watch: Sender<()>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let watch = watch(&child);
        Self { child, out, _watch: watch }
    }

    /// Reads until a line in which `part` stands.
    #[track_caller]
    pub(crate) fn until(&mut self, part: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "no {part} in\n{all}");
            if line.contains(part) {
                return line;
            }
            all.push_str(&line);
        }
    }

    pub(crate) fn types(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for its end. Standard input stays open until then.
    pub(crate) fn end(mut self) -> Run {
        let stdin = self.child.stdin.take();
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        drop(stdin);
        Run { code, out, err }
    }
}

/// A file of this test's own.
pub(crate) fn file(content: impl AsRef<[u8]>) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("chat-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Waits for what another process sees a little later.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}
