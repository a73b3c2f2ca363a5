//! Running one driver under Node.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Workshop;

/// How often a running driver is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A run of a driver.
#[derive(Debug, Clone)]
pub struct Driver<'a> {
    workshop: &'a Workshop,
    scenario: &'a str,
    program: &'a Path,
    config: Option<&'a str>,
    command: Option<&'a str>,
    output: &'a str,
    limit: Duration,
}

/// Why a driver failed.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// It could not be started, or its output not kept.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It ended with an error, or a check of its own failed.
    #[error("the driver ended with {status}\n{output}")]
    Failed {
        /// How it ended.
        status: String,
        /// The end of what it wrote.
        output: String,
    },
    /// It did not end.
    #[error("the driver did not end within {limit:?}\n{output}")]
    Hung {
        /// The time it had.
        limit: Duration,
        /// The end of what it wrote.
        output: String,
    },
}

impl<'a> Driver<'a> {
    /// The driver of a scenario, such as `s01`, against `program serve`, where `program` is `chat-testkit`.
    pub fn new(workshop: &'a Workshop, scenario: &'a str, program: &'a Path) -> Self {
        Self {
            workshop,
            scenario,
            program,
            config: None,
            command: None,
            output: "out",
            limit: Duration::from_mins(2),
        }
    }

    /// Starts the service with these settings. For drivers that give none of their own; JSON without spaces.
    #[must_use]
    pub fn config(self, json: &'a str) -> Self {
        Self { config: Some(json), ..self }
    }

    /// Starts this instead of `program serve`, in the workshop's folder and with the program in the `PATH`; it is to
    /// print the ports as `serve` does. The command is cut at spaces.
    #[must_use]
    pub fn service(self, command: &'a str) -> Self {
        Self { command: Some(command), ..self }
    }

    /// Puts the logs into another folder of the workshop than `out`, so that a scenario can be run twice.
    #[must_use]
    pub fn output(self, folder: &'a str) -> Self {
        Self { output: folder, ..self }
    }

    /// Runs it to its end: the folder with its logs.
    ///
    /// # Errors
    /// See [`DriverError`]. A failed check of the driver's own is among them.
    pub fn run(self) -> Result<PathBuf, DriverError> {
        let folder = self.workshop.folder();
        let out = folder.join(self.output);
        let said = folder.join(format!("{}-{}.txt", self.scenario, self.output));
        let log = File::create(&said)?;
        let mut child = Command::new("node")
            .arg(format!("{}.js", self.scenario))
            .current_dir(folder)
            .env("OUT", &out)
            .env("SERVICE", self.starts())
            .env("PATH", self.path()?)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if start.elapsed() > self.limit {
                // The service that it started ends with it (`--with-parent`).
                child.kill()?;
                child.wait()?;
                return Err(DriverError::Hung { limit: self.limit, output: end_of(&said) });
            }
            thread::sleep(LOOK);
        };
        if status.success() {
            Ok(out.join(self.scenario))
        } else {
            Err(DriverError::Failed { status: status.to_string(), output: end_of(&said) })
        }
    }

    /// The command that the drivers start; they cut it at spaces, so the program is found by `PATH`.
    fn starts(&self) -> OsString {
        let ours = || {
            let mut program = self.program.file_name().unwrap_or_default().to_owned();
            program.push(" serve --with-parent");
            program
        };
        let mut command = self.command.map_or_else(ours, OsString::from);
        if let Some(config) = self.config {
            command.push(" --config ");
            command.push(config);
        }
        command
    }

    fn path(&self) -> io::Result<OsString> {
        let before = env::var_os("PATH").unwrap_or_default();
        let ours = self.program.parent().map(Path::to_owned);
        env::join_paths(ours.into_iter().chain(env::split_paths(&before))).map_err(io::Error::other)
    }
}

/// The last lines of what a driver wrote.
fn end_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}
