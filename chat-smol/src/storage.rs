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
///
/// A large account takes tens of megabytes, and each message that is sent is stored before it leaves. With a second place
/// of the same kind, [`changes`](Storage::changes), that is a few kilobytes each time; without one it is always all.
pub trait Storage: Send + Sync {
    /// What was stored last; `None` if nothing was.
    fn load(&self) -> StorageFuture<Option<Vec<u8>>>;

    /// Replaces what was stored. When this is done, `save` survives a crash of the process, or of the machine; a crash
    /// before leaves the old one or the new one, whole. It is never called again before it is done.
    fn store(&self, save: Vec<u8>) -> StorageFuture<()>;

    /// Another place, such as another file or another row of a table, for what changed since the save in this one; the same
    /// one each time. `None`, as by default, has all of the client stored each time.
    ///
    /// The places are written one at a time, and need not change together. Whoever clears the storage
    /// clears the save first and then what changed.
    fn changes(&self) -> Option<Arc<dyn Storage>> {
        None
    }
}

/// A file that is replaced atomically, and another one beside it, with `.changes` appended, for what changed since. A
/// third, with `.lock` appended, keeps other processes away; a process that dies lets go of it.
///
/// On Unix nobody else may read them, and a new name survives a loss of power. On Windows, which replaces files by the
/// same call, they have the rights of their folder, and a loss of power may bring the save before it back. The two belong
/// together: copy both or none.
#[derive(Debug, Clone)]
pub struct FileStorage {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Held while any place of the client lives.
    lock: Arc<File>,
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
        Ok(Self { place: Arc::new(Place { path, lock: Arc::new(lock) }) })
    }

    /// Forgets what was stored, for a client that begins anew.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        // A crash in between leaves changes of nothing, which are thrown away.
        remove(&self.place.path)?;
        remove(&beside(&self.place.path, CHANGES))
    }
}

/// The end of the other file's name.
const CHANGES: &str = ".changes";

/// Removes a file if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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

    fn changes(&self) -> Option<Arc<dyn Storage>> {
        let path = beside(&self.place.path, CHANGES);
        Some(Arc::new(Changes(Self { place: Arc::new(Place { path, lock: self.place.lock.clone() }) })))
    }
}

/// The file of what changed, which has no such file itself.
struct Changes(FileStorage);

impl Storage for Changes {
    fn load(&self) -> StorageFuture<Option<Vec<u8>>> {
        self.0.load()
    }

    fn store(&self, save: Vec<u8>) -> StorageFuture<()> {
        self.0.store(save)
    }
}

/// Writes all of it beside, then puts it in the place of the old one: whatever happens, one of them is there.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    // What a crash left of it may be anything, with anybody's rights.
    remove(&new)?;
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
        let folder = chat_testkit::scratch::Scratch::new("chat-smol-storage").unwrap();
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
        let changes = storage.changes().unwrap();
        assert!(changes.changes().is_none());
        assert_eq!(block_on(changes.load()).unwrap(), None);
        block_on(changes.store(b"what changed".to_vec())).unwrap();
        assert_eq!(block_on(storage.changes().unwrap().load()).unwrap().unwrap(), b"what changed");
        assert_eq!(block_on(storage.load()).unwrap().unwrap(), b"next");
        assert!(folder.join("client.json.changes").exists());
        storage.clear().unwrap();
        storage.clear().unwrap();
        assert_eq!(block_on(changes.load()).unwrap(), None);
        drop(storage);
        // Whoever writes to either has the place.
        assert_eq!(FileStorage::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(changes);
        assert_eq!(block_on(FileStorage::open(&path).unwrap().load()).unwrap(), None);
    }
}
