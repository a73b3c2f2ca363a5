//! Where a client is kept, so that it survives the end of its process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use crate::error::BoxError;

/// What a [`Storage`] does, as a future.
pub type StorageFuture<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// A place for one client, of which one process at a time makes use. See [`Options::storage`](crate::Options::storage).
pub trait Storage: Send + Sync {
    /// What was stored last; `None` if nothing was.
    fn load(&self) -> StorageFuture<Option<Vec<u8>>>;

    /// Replaces what was stored. When this is done, `save` survives a crash of the process, or of the machine; a crash
    /// before leaves the old one or the new one, whole. It is never called again before it is done.
    fn store(&self, save: Vec<u8>) -> StorageFuture<()>;
}

/// A file that is replaced atomically. A file beside it, with `.lock` appended, keeps other processes away; a process
/// that dies lets go of it.
///
/// On Unix nobody else may read it, and the new name survives a loss of power. On Windows, which replaces files by the
/// same call, it has the rights of its folder, and a loss of power may bring the save before it back.
#[derive(Debug, Clone)]
pub struct FileStorage {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Held while this lives.
    _lock: File,
}

impl FileStorage {
    /// Takes the place, which need not exist yet. Its folder must.
    ///
    /// # Errors
    /// Another process has it ([`io::ErrorKind::WouldBlock`]), or the folder cannot be written to.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let lock = private(&beside(&path, ".lock"), false)?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self { place: Arc::new(Place { path, _lock: lock }) })
    }

    /// Forgets what was stored, for a client that begins anew.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        match fs::remove_file(&self.place.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Storage for FileStorage {
    fn load(&self) -> StorageFuture<Option<Vec<u8>>> {
        let place = self.place.clone();
        Box::pin(smol::unblock(move || match fs::read(&place.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }))
    }

    fn store(&self, save: Vec<u8>) -> StorageFuture<()> {
        let place = self.place.clone();
        Box::pin(smol::unblock(move || replace(&place.path, &save).map_err(Into::into)))
    }
}

/// Writes all of it beside, then puts it in the place of the old one: whatever happens, one of them is there.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    // What a crash left of it may be anything, with anybody's rights.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(&new, true)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    // The new name, too, must be there after a loss of power. Not every system can sync a folder.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Opens a file that nobody else may read: what people wrote is in it.
fn private(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).create_new(new).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::block_on;

    #[test]
    fn what_is_stored_is_loaded_and_one_process_has_it() {
        let folder = std::env::temp_dir().join(format!("chat-smol-storage-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("client.json");
        let storage = FileStorage::open(&path).unwrap();
        assert_eq!(FileStorage::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(block_on(storage.load()).unwrap(), None);
        block_on(storage.store(b"a long one".to_vec())).unwrap();
        block_on(storage.store(b"short".to_vec())).unwrap();
        assert_eq!(block_on(storage.load()).unwrap().unwrap(), b"short");
        // What a crash left half written is never read.
        fs::write(folder.join("client.json.new"), b"garbage that is longer").unwrap();
        assert_eq!(block_on(storage.load()).unwrap().unwrap(), b"short");
        block_on(storage.store(b"next".to_vec())).unwrap();
        assert_eq!(block_on(storage.load()).unwrap().unwrap(), b"next");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        storage.clear().unwrap();
        storage.clear().unwrap();
        drop(storage);
        assert_eq!(block_on(FileStorage::open(&path).unwrap().load()).unwrap(), None);
        // CI keeps what tests write, and searches it for secrets.
        if std::env::var_os("CHAT_KEEP_FILES").is_none() {
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}
