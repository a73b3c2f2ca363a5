//! The folder where drivers run: the SDK fetched once, the drivers copied beside it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The drivers, their lock file and what they are to log.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
/// Oldest Node that the drivers run on, as their `package.json` says.
const OLDEST_NODE: u32 = 18;
/// npm's errors that are ours to mend, whatever the network: a lock file that does not fit, a package that changed.
const OUR_FAULT: [&str; 4] = ["EINTEGRITY", "EUSAGE", "EJSONPARSE", "ERESOLVE"];

/// Why the SDK cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// There is no usable Node, or no npm beside it.
    #[error("no Node ({0})")]
    NoNode(String),
    /// The packages could not be fetched.
    #[error("no network (npm ci failed: {0})")]
    NoNetwork(String),
    /// Something that is not the environment's fault; never a reason to ignore a test.
    #[error("{0}")]
    Broken(String),
}

impl Unavailable {
    /// Whether a test that meets this may be ignored.
    pub fn may_be_ignored(&self) -> bool {
        !matches!(self, Self::Broken(_))
    }
}

/// A folder in which drivers can be run.
#[derive(Debug)]
pub struct Workshop {
    folder: PathBuf,
}

impl Workshop {
    /// Fetches what is missing and copies the drivers.
    ///
    /// `tmpdir` is the test's `env!("CARGO_TARGET_TMPDIR")`: packages go to `interop` beside it, one folder for each
    /// lock file. Waits while another process does the same.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn open(tmpdir: &Path) -> Result<Self, Unavailable> {
        check_node()?;
        let source = Path::new(SOURCE);
        let broken = |what: &Path| {
            let what = what.display().to_string();
            move |e: io::Error| Unavailable::Broken(format!("{what}: {e}"))
        };
        let lockfile = source.join("package-lock.json");
        let packages = fs::read(&lockfile).map_err(broken(&lockfile))?;
        let root = tmpdir.with_file_name("interop");
        let home = root.join(format!("{:016x}", fnv(&packages)));
        fs::create_dir_all(&home).map_err(broken(&home))?;

        let guard = root.join("lock");
        let guard =
            File::create(&guard).and_then(|file| file.lock().map(|()| file)).map_err(broken(&guard))?;
        let complete = home.join("complete");
        if !complete.exists() {
            for name in ["package.json", "package-lock.json", ".npmrc"] {
                fs::copy(source.join(name), home.join(name)).map_err(broken(&home.join(name)))?;
            }
            npm_ci(&home)?;
            File::create(&complete).map_err(broken(&complete))?;
        }
        drop(guard);

        // A folder of its own for each run: drivers may change while an older test still runs.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let folder =
            home.join(format!("run-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        // One that a killed process of the same number left behind.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(broken(&folder))?;
        let entries = fs::read_dir(source).map_err(broken(source))?;
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_some_and(|extension| extension == "js") {
                let to = folder.join(path.file_name().unwrap_or_default());
                fs::copy(&path, &to).map_err(broken(&to))?;
            }
        }
        Ok(Self { folder })
    }

    /// Where the drivers were copied to, and where their logs go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The logs that the drivers' authors got, in a folder for each driver.
    pub fn expected(scenario: &str) -> PathBuf {
        Path::new(SOURCE).join("expected").join(scenario)
    }

    /// The list of differences that may be.
    pub fn differences() -> PathBuf {
        Path::new(SOURCE).join("differences.json")
    }

    /// Removes the folder. Without this it stays, for whoever looks at a failure.
    pub fn remove(self) {
        // A folder that stays does no harm: it is in the target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn check_node() -> Result<(), Unavailable> {
    let version = match Command::new("node").arg("--version").output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => return Err(Unavailable::NoNode(tail(&output))),
        Err(error) => return Err(Unavailable::NoNode(not_started("node", &error))),
    };
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    match major {
        Some(major) if OLDEST_NODE <= major => Ok(()),
        _ => Err(Unavailable::NoNode(format!("found {version}, {OLDEST_NODE} or newer is wanted"))),
    }
}

fn npm_ci(home: &Path) -> Result<(), Unavailable> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let arguments =
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1"];
    let output = Command::new(npm).args(arguments).current_dir(home).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = tail(&output);
            let ours = OUR_FAULT.iter().any(|code| said.contains(code));
            Err(if ours {
                Unavailable::Broken(format!("npm ci: {said}"))
            } else {
                Unavailable::NoNetwork(said)
            })
        }
        Err(error) => Err(Unavailable::NoNode(not_started("npm", &error))),
    }
}

fn not_started(program: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        format!("{program} is not in PATH")
    } else {
        format!("{program}: {error}")
    }
}

/// What went wrong, in one line: npm's errors without its warnings.
fn tail(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let error = |line: &str| {
        Some(line.strip_prefix("npm error").or(line.strip_prefix("npm ERR!"))?.trim().to_owned())
    };
    let mut lines: Vec<_> = text.lines().filter_map(error).collect();
    if lines.is_empty() {
        lines = text.lines().map(|line| line.trim().to_owned()).collect();
    }
    lines.retain(|line| !line.is_empty());
    lines.truncate(4);
    if lines.is_empty() { output.status.to_string() } else { lines.join("; ") }
}

/// FNV-1a: a name for a folder, nothing more.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
