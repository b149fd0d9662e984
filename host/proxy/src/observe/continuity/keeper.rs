//! Carries what is known to the store and back.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::known::Row;
use super::{Continuity, seconds_now};
use crate::state::{Change, StateError, Store, Table};

/// What was seen is written this often: a crash costs the last few seconds.
const WRITE_EVERY: Duration = Duration::from_secs(5);

const PEERS: Table = Table::new("peers");

/// What is known and where it is kept.
#[derive(Clone)]
pub struct Keeper {
    continuity: Arc<Continuity>,
    pub(super) store: Arc<Mutex<Kept>>,
}

/// The store, and whether what the process before this one left there was taken up.
pub(super) struct Kept {
    pub(super) store: Store,
    is_read: bool,
}

impl Keeper {
    /// Takes up what was kept by the process before this one. While that one still holds the store, this waits for the writes.
    pub fn open(continuity: Arc<Continuity>, directory: &Path) -> Self {
        let mut kept = Kept { store: Store::new(directory), is_read: false };
        let _ = kept.read(&continuity);
        Keeper { continuity, store: Arc::new(Mutex::new(kept)) }
    }

    /// Writes from time to time what is new, for as long as the process lives. Nobody waits for it.
    pub async fn keep(self) {
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            self.clone().write().await;
        }
    }

    /// Writes what is new.
    pub async fn write(self) {
        // The thread is the runtime's own for such things; a disk that hangs keeps it and nothing else.
        let _ = tokio::task::spawn_blocking(move || self.write_now()).await;
    }

    pub(super) fn write_now(&self) {
        let mut kept = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(StateError::Damaged(..)) = kept.write(&self.continuity) {
            // There is a new file now, and this may have been the last time that somebody asks.
            let _ = kept.write(&self.continuity);
        }
    }
}

impl Kept {
    /// Reads the store once. What is in memory by then is newer.
    fn read(&mut self, continuity: &Continuity) -> Result<(), StateError> {
        if self.is_read {
            return Ok(());
        }
        let rows = self.store.read(PEERS).inspect_err(|error| continuity.note_failure(error))?;
        self.is_read = true;
        for (domain, value) in rows {
            let Ok(stored) = serde_json::from_slice(&value) else { continue };
            let mut known = continuity.lock();
            let alarms = known.take_up(&domain, stored);
            continuity.tell(known, &domain, alarms, seconds_now());
        }
        Ok(())
    }

    /// Writes what is new; never over what was not read.
    fn write(&mut self, continuity: &Continuity) -> Result<(), StateError> {
        self.read(continuity)?;
        let rows = continuity.lock().take_unwritten();
        if rows.is_empty() {
            return Ok(());
        }
        let changes: Vec<Change> = rows.iter().map(change).collect();
        let written = self.store.write(PEERS, &changes);
        let mut known = continuity.lock();
        match &written {
            Ok(()) => known.note_written(rows),
            Err(StateError::Damaged(..)) => known.rewrite(),
            Err(StateError::Directory(..) | StateError::Failed(..)) => known.note_unwritten(rows),
        }
        drop(known);
        written.inspect_err(|error| continuity.note_failure(error))
    }
}

fn change((domain, sighting): &Row) -> Change {
    let value = sighting.as_ref().and_then(|sighting| serde_json::to_vec(sighting).ok());
    (domain.as_ref().to_owned(), value)
}
