//! Folders for the files of a test.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io};

/// An empty folder of one test alone, which goes with it.
///
/// It stays if the test fails, or where the environment has `CHAT_KEEP_FILES`: CI searches for secrets what tests write.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A folder whose name begins with `name`, among the temporary files.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(name: &str) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder =
            env::temp_dir().join(format!("{name}-{}-{}", id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        // Of an earlier process with the same number.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if env::var_os("CHAT_KEEP_FILES").is_none() && !std::thread::panicking() {
            // What is left is in nobody's way.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
