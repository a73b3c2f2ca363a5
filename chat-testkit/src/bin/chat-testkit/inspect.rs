//! `chat-testkit inspect`: a session as a page to look at.

use std::fs;
use std::io;
use std::path::PathBuf;

use chat_testkit::inspect::page;
use chat_testkit::session_file::open;
use clap::Args;

use crate::without_path;

/// Write a session file as one self-contained HTML page: a sequence diagram over time, with every frame to be opened.
///
/// A damaged file gives a page of what stands before the damage, and exit code 1.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The session file, or recorded frames
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The page to write; by default FILE with the extension html
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: Options) -> io::Result<()> {
    let of_file = |damage| io::Error::other(format!("{}: {}", options.file.display(), without_path(damage)));
    let opened = open(&options.file).map_err(of_file)?;
    let title = options.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let out = options.out.unwrap_or_else(|| options.file.with_extension("html"));
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", out.display()));
    fs::write(&out, page(&title, &opened.session)).map_err(named)?;
    println!("{}", out.display());
    opened.damage.map_or(Ok(()), |damage| Err(of_file(damage)))
}
