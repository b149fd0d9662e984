//! Carries who knows whom to the disk and back: only what changed, on a thread that moves no stanza.
//!
//! The secret of the hashes has a file of its own, so that a process that starts while the one before it still holds the store
//! hashes as that one did.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::NamedTempFile;

use super::Relations;
use crate::config::Relations as Terms;
use crate::pipeline::Gateway;
use crate::pipeline::judge::now_ms;
use crate::state::{Numbers, StateError, Store};

/// What was learned is written this often: a crash costs the last few seconds.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// Of so many turns, one sweeps a part of the table: all of it in a quarter of an hour.
const SWEEP_EVERY_TURNS: usize = 12;

const FILE: &str = "relations.redb";
const SECRET_FILE: &str = "relations.key";
const PAIRS: Numbers = Numbers::new("pairs");

const UNREAD: &str = "who knew whom cannot be read; meanwhile filters take friends for strangers";
const UNWRITTEN: &str = "who knows whom cannot be kept; stanzas are not affected";

/// Who knows whom and where it is kept.
#[derive(Clone)]
pub struct Keeper {
    gateway: Arc<Gateway>,
    /// None where nothing is kept.
    kept: Option<Arc<Mutex<Kept>>>,
}

/// The store, and whether what the process before this one left there was taken up.
struct Kept {
    store: Store,
    is_read: bool,
}

/// Returns the secret by which pairs are kept in this directory; `fresh` becomes it if there is none yet.
pub fn secret(directory: &Path, fresh: [u8; 16]) -> io::Result<[u8; 16]> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let path = directory.join(SECRET_FILE);
    match fs::read(&path) {
        Ok(kept) => kept
            .try_into()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not 16 bytes long; remove it")),
        // Whole or not at all, whatever happens meanwhile; only its owner may read it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut file = NamedTempFile::new_in(directory)?;
            file.write_all(&fresh)?;
            file.as_file().sync_all()?;
            file.persist_noclobber(&path)?;
            Ok(fresh)
        }
        Err(error) => Err(error),
    }
}

impl Keeper {
    /// Takes up what was kept by the process before this one, if there is a directory. While that one still holds the store, this
    /// waits for the writes.
    pub fn open(gateway: Arc<Gateway>, directory: Option<&Path>) -> Self {
        let kept = directory.map(|directory| {
            gateway.relations.pairs.note_changes();
            let mut kept = Kept { store: Store::named(directory, FILE), is_read: false };
            let _ = kept.read(&gateway.relations, &gateway.snapshot().config.relations);
            Arc::new(Mutex::new(kept))
        });
        Keeper { gateway, kept }
    }

    /// Writes from time to time what is new and forgets what is over, for as long as the process lives. Nobody waits for it.
    pub async fn keep(self) {
        for turn in 1.. {
            tokio::time::sleep(WRITE_EVERY).await;
            if turn % SWEEP_EVERY_TURNS == 0 {
                let terms = self.gateway.snapshot().config.relations;
                self.gateway.relations.sweep(turn / SWEEP_EVERY_TURNS, &terms, now_ms());
            }
            self.clone().write().await;
        }
    }

    /// Writes what is new.
    pub async fn write(self) {
        // The thread is the runtime's own for such things; a disk that hangs keeps it and nothing else.
        let _ = tokio::task::spawn_blocking(move || self.write_now()).await;
    }

    fn write_now(&self) {
        let Some(kept) = &self.kept else { return };
        let (relations, terms) = (&self.gateway.relations, self.gateway.snapshot().config.relations);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(StateError::Damaged(..)) = kept.write(relations, &terms) {
            // There is a new file now, and this may have been the last time that somebody asks.
            let _ = kept.write(relations, &terms);
        }
    }
}

impl Kept {
    /// Reads the store once. What is in memory by then is newer.
    fn read(&mut self, relations: &Relations, terms: &Terms) -> Result<(), StateError> {
        if self.is_read {
            return Ok(());
        }
        let now_s = super::seconds(now_ms());
        let mut evicted = 0;
        let take_up = |key, met_s| evicted += relations.pairs.take_up(key, met_s, terms.limits(), now_s);
        let read = self.store.read_numbers(PAIRS, take_up);
        relations.counts.evicted.fetch_add(evicted as u64, Relaxed);
        let read = read.inspect_err(|error| relations.note_failure(error, UNREAD));
        // What a damaged file gave before it broke is in memory alone now, since it was put aside.
        if matches!(read, Err(StateError::Damaged(..))) {
            relations.pairs.rewrite();
        }
        self.is_read = !matches!(read, Err(StateError::Directory(..) | StateError::Failed(..)));
        read
    }

    /// Writes what is new; never over what was not read.
    fn write(&mut self, relations: &Relations, terms: &Terms) -> Result<(), StateError> {
        self.read(relations, terms)?;
        let changes = relations.pairs.take_changes();
        if changes.rows.is_empty() && !changes.is_all {
            return Ok(());
        }
        let written = self.store.write_numbers(PAIRS, changes.is_all, &changes.rows);
        match &written {
            Ok(()) => {}
            Err(StateError::Damaged(..)) => relations.pairs.rewrite(),
            Err(StateError::Directory(..) | StateError::Failed(..)) => {
                relations.pairs.put_back(&changes, terms.limits())
            }
        }
        written.inspect_err(|error| relations.note_failure(error, UNWRITTEN))
    }
}

impl Relations {
    fn note_failure(&self, error: &StateError, what: &str) {
        // The first one is news; a disk that stays full is not.
        if self.counts.failures.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(%error, "{what}");
        } else {
            tracing::debug!(%error, "{what}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_proto::Jid;

    const TERMS: Terms = Terms { enabled: true, ttl_days: 180, pairs_max: 10_000 };
    const SECRET: [u8; 16] = *b"0123456789abcdef";

    fn kept(directory: &Path) -> (Relations, Kept) {
        let relations = Relations::new(secret(directory, SECRET).unwrap());
        relations.pairs.note_changes();
        (relations, Kept { store: Store::named(directory, FILE), is_read: false })
    }

    fn jid(text: &str) -> Jid {
        Jid::parse(text).unwrap()
    }

    fn learn(relations: &Relations, remote: &str) {
        let (local, remote) = (jid("alice@home.example"), jid(remote));
        relations.learn(
            &[relations.key(&local, &remote)],
            (&local, super::super::Learner::Address),
            &TERMS,
            super::super::seconds(now_ms()),
        );
    }

    fn knows(relations: &Relations, remote: &str) -> bool {
        relations.look_up(&jid("alice@home.example"), &jid(remote), &TERMS, now_ms()).met.is_some()
    }

    #[test]
    fn the_next_process_knows_whom_this_one_knew() {
        let folder = tempfile::tempdir().unwrap();
        let (relations, mut store) = kept(folder.path());
        ["bob@far.example", "eve@far.example"].iter().for_each(|remote| learn(&relations, remote));
        store.write(&relations, &TERMS).unwrap();
        relations.forget(&jid("alice@home.example"), &jid("eve@far.example"), &TERMS);
        store.write(&relations, &TERMS).unwrap();
        drop(store);
        let (relations, mut store) = kept(folder.path());
        store.read(&relations, &TERMS).unwrap();
        assert!(knows(&relations, "bob@far.example") && !knows(&relations, "eve@far.example"));
        assert_eq!(relations.counts().known, 1);
    }

    #[test]
    fn a_damaged_store_costs_nothing_that_is_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let (relations, mut store) = kept(folder.path());
        learn(&relations, "bob@far.example");
        store.write(&relations, &TERMS).unwrap();
        drop(store);
        fs::write(folder.path().join(FILE), b"something else entirely").unwrap();
        let mut store = Kept { store: Store::named(folder.path(), FILE), is_read: true };
        learn(&relations, "carol@far.example");
        assert!(store.write(&relations, &TERMS).is_err());
        store.write(&relations, &TERMS).unwrap();
        assert_eq!(relations.counts().store_failures, 1);
        drop(store);
        let (relations, mut store) = kept(folder.path());
        store.read(&relations, &TERMS).unwrap();
        assert!(knows(&relations, "bob@far.example") && knows(&relations, "carol@far.example"));
    }

    #[test]
    fn a_full_disk_loses_nothing_once_it_has_room() {
        let folder = tempfile::tempdir().unwrap();
        let (relations, mut store) = kept(folder.path());
        std::os::unix::fs::symlink("/dev/full", folder.path().join(FILE)).unwrap();
        store.is_read = true;
        learn(&relations, "bob@far.example");
        assert!(store.write(&relations, &TERMS).is_err());
        fs::remove_file(folder.path().join(FILE)).unwrap();
        store.write(&relations, &TERMS).unwrap();
        drop(store);
        let (relations, mut store) = kept(folder.path());
        store.read(&relations, &TERMS).unwrap();
        assert!(knows(&relations, "bob@far.example"));
    }

    #[test]
    fn neither_file_has_addresses_and_both_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (relations, mut store) = kept(folder.path());
        learn(&relations, "bob@far.example");
        store.write(&relations, &TERMS).unwrap();
        for file in [FILE, SECRET_FILE] {
            let path = folder.path().join(file);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
            let bytes = fs::read(&path).unwrap();
            assert!(["alice", "bob", "far.example"].iter().all(|word| !contains(&bytes, word.as_bytes())), "{file}");
        }
    }

    fn contains(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|window| window == word)
    }

    #[test]
    fn the_secret_stays_the_same_and_a_damaged_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(secret(folder.path(), [1; 16]).unwrap(), [1; 16]);
        assert_eq!(secret(folder.path(), [2; 16]).unwrap(), [1; 16]);
        fs::write(folder.path().join(SECRET_FILE), b"short").unwrap();
        assert!(secret(folder.path(), [2; 16]).is_err());
    }
}
