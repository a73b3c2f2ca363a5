//! Runs this program under callgrind, which counts instructions: the same number each time, however busy the machine is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use crate::counted::Count;

/// The word by which this program knows that it is being counted.
pub(crate) const CHILD: &str = "counted";

/// Counts everything whose name contains `only`. Without valgrind there are allocations but no instructions.
pub(crate) fn count(only: &str) -> io::Result<(Vec<Count>, bool)> {
    let me = env::current_exe()?;
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        let told = Command::new(me).args([CHILD, only]).stderr(Stdio::inherit()).output()?;
        return Ok((read(&told.stdout), false));
    }
    let folder = Folder::new()?;
    let out = folder.0.join("part");
    let told = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--quiet"])
        .arg("--toggle-collect=*counted_by_callgrind*")
        .arg("--dump-after=*written_by_callgrind*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(me)
        .args([CHILD, only])
        // Valgrind counts `rep movs` byte by byte, which no processor does.
        .env(
            "GLIBC_TUNABLES",
            "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000",
        )
        .stderr(Stdio::inherit())
        .output()?;
    if !told.status.success() {
        return Err(io::Error::other(format!("the counted run failed: {}", told.status)));
    }
    let mut counts = read(&told.stdout);
    for (n, count) in counts.iter_mut().enumerate() {
        count.instructions = instructions(&out, n + 1)?;
    }
    Ok((counts, true))
}

/// What the child told: a line for each benchmark.
fn read(told: &[u8]) -> Vec<Count> {
    let told = String::from_utf8_lossy(told);
    told.lines().filter_map(line_of).collect()
}

fn line_of(line: &str) -> Option<Count> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_owned();
    let mut number = || fields.next()?.parse().ok();
    Some(Count { units: number()?, allocations: number()?, name, instructions: 0 })
}

/// Tells a benchmark, for [`count`] to read.
pub(crate) fn tell(count: &Count) {
    println!("{}\t{}\t{}", count.name, count.units, count.allocations);
}

/// The sum of the n-th part that callgrind wrote.
fn instructions(out: &Path, n: usize) -> io::Result<u64> {
    let path = PathBuf::from(format!("{}.{n}", out.display()));
    let text = fs::read_to_string(&path)?;
    let sum = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    sum.and_then(|sum| sum.trim().parse().ok()).ok_or_else(|| io::Error::other("callgrind wrote no sum"))
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("chat-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
