//! What outlives the process: one file in the directory of `[state]`. The only door to redb.
//!
//! Whatever goes wrong here costs what would have been remembered, and never a stanza: nobody who moves one waits for this.

use std::cell::Cell;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::Once;

use redb::backends::FileBackend;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageError, TableDefinition,
};

/// The file in the directory, unless another is named.
const FILE: &str = "refrain.redb";
const OWNER_ONLY: u32 = 0o600;
/// Ten thousand records are 3 MB; the default of redb, 1 GiB, is for databases.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// A table of texts with what is said of each.
pub type Table = TableDefinition<'static, &'static str, &'static [u8]>;

/// A table of numbers with a number for each.
pub type Numbers = TableDefinition<'static, u128, u32>;

/// A change of one row: its key, and its new value or none.
pub type Change = (String, Option<Vec<u8>>);

/// Why something could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The directory is not there and cannot be made.
    #[error("cannot make {directory}: {1}", directory = .0.display())]
    Directory(PathBuf, std::io::Error),
    /// The file is not what we wrote.
    #[error("{file} is damaged: {1}", file = .0.display())]
    Damaged(PathBuf, String),
    /// Anything else: a full disk, no permission, another process.
    #[error("{file}: {1}", file = .0.display())]
    Failed(PathBuf, redb::Error),
}

/// The file. After an error it is opened anew with the next use: redb refuses everything after a failed write.
pub struct Store {
    directory: PathBuf,
    file: &'static str,
    database: Option<Database>,
}

impl Store {
    /// Names the directory; nothing is opened yet.
    pub fn new(directory: &Path) -> Self {
        Store::named(directory, FILE)
    }

    /// Likewise, with a file of its own, so that damage to one does not cost the other.
    pub fn named(directory: &Path, file: &'static str) -> Self {
        Store { directory: directory.to_owned(), file, database: None }
    }

    /// Reads a table.
    pub fn read(&mut self, table: Table) -> Result<Vec<(String, Vec<u8>)>, StateError> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let table = match transaction.open_table(table) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                table => table?,
            };
            let row = |row: Result<(redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>), StorageError>| {
                row.map(|(key, value)| (key.value().to_owned(), value.value().to_owned()))
            };
            Ok(table.iter()?.map(row).collect::<Result<_, _>>()?)
        })
    }

    /// Reads a table of numbers, row by row.
    pub fn read_numbers(&mut self, table: Numbers, mut row: impl FnMut(u128, u32)) -> Result<(), StateError> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let table = match transaction.open_table(table) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
                table => table?,
            };
            for read in table.iter()? {
                let (key, value) = read?;
                row(key.value(), value.value());
            }
            Ok(())
        })
    }

    /// Makes all changes of a table of numbers or none; with `anew`, nothing of what was there stays.
    pub fn write_numbers(
        &mut self,
        table: Numbers,
        anew: bool,
        changes: &[(u128, Option<u32>)],
    ) -> Result<(), StateError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            if anew {
                transaction.delete_table(table)?;
            }
            {
                let mut table = transaction.open_table(table)?;
                for (key, value) in changes {
                    match value {
                        Some(value) => table.insert(key, value)?,
                        None => table.remove(key)?,
                    };
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// Makes all changes or none.
    pub fn write(&mut self, table: Table, changes: &[Change]) -> Result<(), StateError> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(table)?;
                for (key, value) in changes {
                    match value {
                        Some(value) => table.insert(key.as_str(), value.as_slice())?,
                        None => table.remove(key.as_str())?,
                    };
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// A file that proves damaged is put aside as `….redb.damaged`, and the next use begins a new one.
    fn with<T>(&mut self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StateError> {
        let file = self.directory.join(self.file);
        let worked = self.attempt(&file, work);
        if let Err(StateError::Damaged(..)) = &worked
            && let Err(error) = fs::rename(&file, file.with_extension("redb.damaged"))
        {
            tracing::warn!(%error, file = %file.display(), "the damaged file cannot be put aside");
        }
        worked
    }

    fn attempt<T>(
        &mut self,
        file: &Path,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StateError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => guarded(file, || open(&self.directory, file))?,
        };
        let worked = guarded(file, || work(&database).map_err(|error| failure(file, error)));
        match &worked {
            Ok(_) => self.database = Some(database),
            // Closing a damaged file would try to tidy it up. Its lock stays with it, and it is about to be put aside.
            Err(StateError::Damaged(..)) => std::mem::forget(database),
            Err(StateError::Directory(..) | StateError::Failed(..)) => drop(database),
        }
        worked
    }
}

/// redb takes some damage of the file for a fault of its own and panics; that ends here.
fn guarded<T>(file: &Path, work: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    let damaged = |_| Err(StateError::Damaged(file.to_owned(), "it cannot be read".to_owned()));
    HUSHED.call_once(hush);
    IS_GUARDED.set(true);
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(damaged);
    IS_GUARDED.set(false);
    done
}

static HUSHED: Once = Once::new();
thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A panic that ends here is told as what it means, without its trace.
fn hush() {
    let loud = take_hook();
    set_hook(Box::new(move |panic| {
        if !IS_GUARDED.get() {
            loud(panic);
        }
    }));
}

fn open(directory: &Path, file: &Path) -> Result<Database, StateError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| StateError::Directory(directory.to_owned(), error))?;
    let private = open_private(file).map_err(|error| failure(file, error.into()))?;
    let backend = FileBackend::new(private);
    let opened = backend.and_then(|backend| Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend));
    opened.map_err(|error| match error {
        DatabaseError::UpgradeRequired(version) => {
            StateError::Damaged(file.to_owned(), format!("it is of version {version}"))
        }
        error => failure(file, error.into()),
    })
}

/// Whom one federates with is nobody else's business, whatever the directory and the umask allow.
fn open_private(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(OWNER_ONLY).open(path)?;
    let metadata = file.metadata()?;
    // What an earlier version made may be open to others. A link to a device is not ours to change.
    if metadata.is_file()
        && metadata.mode() & 0o077 != 0
        && let Err(error) = file.set_permissions(Permissions::from_mode(OWNER_ONLY))
    {
        tracing::warn!(%error, file = %path.display(), "others may read this file, and that cannot be changed");
    }
    Ok(file)
}

fn failure(file: &Path, error: redb::Error) -> StateError {
    match error {
        redb::Error::Corrupted(text) => StateError::Damaged(file.to_owned(), text),
        // A file that is too short, or does not begin as ours do.
        redb::Error::Io(error)
            if matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof) =>
        {
            StateError::Damaged(file.to_owned(), error.to_string())
        }
        error => StateError::Failed(file.to_owned(), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = TableDefinition::new("test");

    fn row(key: &str, value: &str) -> Change {
        (key.to_owned(), Some(value.as_bytes().to_vec()))
    }

    #[test]
    fn what_was_written_is_read_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("state");
        let mut store = Store::new(&directory);
        assert_eq!(store.read(TABLE).unwrap(), []);
        store.write(TABLE, &[row("a", "1"), row("b", "2")]).unwrap();
        store.write(TABLE, &[("a".to_owned(), None), row("b", "3")]).unwrap();
        drop(store);
        assert_eq!(Store::new(&directory).read(TABLE).unwrap(), [("b".to_owned(), b"3".to_vec())]);
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_a_new_one_begun() {
        for damage in [&b"something else entirely"[..], &[0; 100_000], &[0xff; 5_000]] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE), damage).unwrap();
            let mut store = Store::new(folder.path());
            let error = store.read(TABLE).unwrap_err();
            assert!(matches!(error, StateError::Damaged(..)), "{error}");
            assert_eq!(store.read(TABLE).unwrap(), []);
            store.write(TABLE, &[row("a", "1")]).unwrap();
            assert_eq!(fs::read(folder.path().join("refrain.redb.damaged")).unwrap(), damage);
        }
    }

    #[test]
    fn a_file_damaged_at_any_of_many_places_costs_the_record_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new(folder.path());
        let rows: Vec<Change> = (0..200).map(|n| row(&format!("domain-{n}.example"), "a record")).collect();
        store.write(TABLE, &rows).unwrap();
        drop(store);
        let whole = fs::read(folder.path().join(FILE)).unwrap();
        for step in 0..40 {
            let folder = tempfile::tempdir().unwrap();
            let mut damaged = whole.clone();
            let at = step * whole.len() / 40;
            damaged[at..(at + 64).min(whole.len())].fill(0xa5);
            fs::write(folder.path().join(FILE), damaged).unwrap();
            let mut store = Store::new(folder.path());
            // Both find the damage; either way the next write is kept.
            let found = if step % 2 == 0 { store.read(TABLE).map(drop) } else { store.write(TABLE, &[row("b", "2")]) };
            if found.is_ok() && store.write(TABLE, &[row("a", "1")]).is_ok() {
                continue;
            }
            store.write(TABLE, &[row("a", "1")]).unwrap();
            drop(store);
            assert!(Store::new(folder.path()).read(TABLE).unwrap().contains(&("a".to_owned(), b"1".to_vec())));
        }
    }

    #[test]
    fn nobody_else_may_read_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        let write = || Store::new(folder.path()).write(TABLE, &[row("a", "1")]).unwrap();
        write();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write();
        assert_eq!(mode(), 0o600, "as an earlier version made it");
    }

    #[test]
    fn a_full_disk_is_an_error_and_not_the_end() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(FILE)).unwrap();
        let mut store = Store::new(folder.path());
        assert!(store.write(TABLE, &[row("a", "1")]).is_err());
        fs::remove_file(folder.path().join(FILE)).unwrap();
        store.write(TABLE, &[row("a", "1")]).unwrap();
    }
}
