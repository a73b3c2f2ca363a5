//! A client in a process of its own, ours or the SDK, and the lines that it is driven with.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use chat_testkit::interop::Workshop;
use serde_json::Value;

use crate::Outcome;
use crate::service::said;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(3);

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin/end_to_end/sdk.js");

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    Sdk,
}

impl Who {
    pub(crate) const BOTH: [Self; 2] = [Self::Ours, Self::Sdk];
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Sdk => "sdk",
        })
    }
}

/// Where the SDK is.
pub(crate) struct Sdk {
    workshop: Workshop,
}

impl Sdk {
    /// Fetches it once, into the folder that the tests with the SDK use too.
    pub(crate) fn open() -> Outcome<Self> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp");
        let workshop = Workshop::open(&target)?;
        fs::copy(SDK, workshop.folder().join("sdk.js"))?;
        Ok(Self { workshop })
    }

    pub(crate) fn close(self) {
        self.workshop.remove();
    }
}

/// What a process used until it said a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) cpu: Duration,
    pub(crate) rss_kib: u64,
    /// When the line came.
    pub(crate) at: Instant,
}

/// The process. Dropping it ends it.
pub(crate) struct Peer {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<(Instant, String)>,
}

impl Peer {
    /// A client of this identity that has not connected yet, and what its process used so far.
    pub(crate) fn start(who: Who, sdk: &Sdk, url: &str, token: &str) -> Outcome<(Self, Figures)> {
        let mut command = match who {
            Who::Ours => Self::ours()?,
            Who::Sdk => {
                let mut command = Command::new("node");
                command.arg("sdk.js").current_dir(sdk.workshop.folder());
                command
            }
        };
        command.args([url, token]);
        let mut peer = Self::spawn(&mut command)?;
        let loaded = peer.until("loaded")?;
        Ok((peer, loaded))
    }

    /// Our client, recording its session.
    pub(crate) fn recording(url: &str, token: &str, file: &Path) -> Outcome<(Self, Figures)> {
        let mut peer = Self::spawn(Self::ours()?.args([url, token]).arg(file))?;
        let loaded = peer.until("loaded")?;
        Ok((peer, loaded))
    }

    fn ours() -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("client");
        Ok(command)
    }

    /// Any process that speaks such lines.
    pub(crate) fn spawn(command: &mut Command) -> Outcome<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("the client has no output")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send((Instant::now(), line)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { process, input, lines })
    }

    pub(crate) fn tell(&mut self, line: &str) -> Outcome<()> {
        let input = self.input.as_mut().ok_or("the client has ended")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Waits for the line that says this is done.
    pub(crate) fn until(&mut self, at: &str) -> Outcome<Figures> {
        self.line(at).map(|(_, figures)| figures)
    }

    /// The same, with all that the line says.
    pub(crate) fn line(&mut self, at: &str) -> Outcome<(Value, Figures)> {
        let (when, line) =
            self.lines.recv_timeout(PATIENCE).map_err(|error| said(format!("{at}: {error}")))?;
        let line: Value = serde_json::from_str(&line)?;
        if line["at"] != at {
            return Err(said(format!("{at} is awaited, not {line}")));
        }
        let figure = |name: &str| line[name].as_u64().ok_or_else(|| said(format!("no {name}: {line}")));
        let figures =
            Figures { cpu: Duration::from_micros(figure("cpuUs")?), rss_kib: figure("rssKib")?, at: when };
        Ok((line, figures))
    }

    /// Has it do something, and waits until that is done.
    pub(crate) fn ask(&mut self, line: &str, done: &str) -> Outcome<Figures> {
        self.tell(line)?;
        self.until(done)
    }

    /// Ends it in peace.
    pub(crate) fn end(mut self) -> Outcome<()> {
        self.tell("end")?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.process.try_wait()? {
                return if status.success() { Ok(()) } else { Err(said(format!("it ended with {status}"))) };
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(said("it does not end"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
