//! `refrain run --watch`: reloads when a file that the configuration depends on changes.
//!
//! Polls, because that works everywhere: with editors that write anew or rename, with mounted folders, with symbolic links that
//! are pointed elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::reload::{Cause, Reloader};
use crate::config::Config;

/// Short enough that nobody waits for it, and a few dozen `stat` calls each cost nothing.
const POLL: Duration = Duration::from_millis(250);

/// A file that is written all the time is read as it is then.
const SETTLE_MAX: Duration = Duration::from_secs(3);

/// Watches until the process ends.
pub async fn watch(reloader: Arc<Reloader>) {
    let mut files = files_of(reloader.config(), Vec::new());
    let mut known = look(&files).await;
    loop {
        tokio::time::sleep(POLL).await;
        let seen = look(&files).await;
        if seen == known {
            continue;
        }
        known = settle(&files, seen).await;
        tracing::info!("a watched file changed");
        // Logged and kept for the status where it was decided.
        let _ = reloader.reload(Cause::Watch).await;
        files = files_of(reloader.config(), files);
        // What changed after `known` was seen is noticed next time; a file that is new to the list counts as it is now.
        let now = look(&files).await;
        known = now
            .into_iter()
            .map(|(file, print)| {
                let print = known.get(&file).copied().unwrap_or(print);
                (file, print)
            })
            .collect();
    }
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

/// Each file's state; `None` while it is not there.
type Prints = BTreeMap<PathBuf, Option<Print>>;

/// Waits until nothing changes any more, but not for ever: whoever writes a file writes it in pieces.
async fn settle(files: &[PathBuf], mut seen: Prints) -> Prints {
    let begin = Instant::now();
    loop {
        tokio::time::sleep(POLL).await;
        let now = look(files).await;
        if now == seen || begin.elapsed() >= SETTLE_MAX {
            return now;
        }
        seen = now;
    }
}

/// Off the data plane's threads: a file may be on a slow disk.
async fn look(files: &[PathBuf]) -> Prints {
    let files = files.to_vec();
    let looking = tokio::task::spawn_blocking(move || {
        files
            .into_iter()
            .map(|file| {
                let print = print(&file);
                (file, print)
            })
            .collect()
    });
    looking.await.unwrap_or_default()
}

fn print(file: &Path) -> Option<Print> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(file).ok()?;
    Some(Print { modified: found.modified().ok(), bytes: found.len(), inode: found.ino() })
}

/// The configuration file and all that it names, even if it has mistakes; while it cannot be read at all, what was named before.
fn files_of(config: &Path, before: Vec<PathBuf>) -> Vec<PathBuf> {
    match Config::read(config) {
        Ok((read, _)) => std::iter::once(config.to_owned()).chain(read.files()).collect(),
        Err(_) if before.is_empty() => vec![config.to_owned()],
        Err(_) => before,
    }
}
