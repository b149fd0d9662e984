//! What each remote domain proved itself with when it was last here, so that a change shows.
//!
//! A man in the middle with a valid certificate looks like the real server (as at jabber.ru in 2023), but for its key.
//!
//! receive, send → **continuity** → the log, `refrain peers`, [`crate::state`]

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use refrain_proto::{Domain, Proof};
use serde::{Deserialize, Serialize};

use crate::net::dane::Voucher;
use crate::state::{Change, Store, Table};

/// Domains that are remembered: some 3 MB. The federated world is said to have twenty thousand servers; who is in touch with more
/// than half of it forgets those that were silent the longest.
const DOMAINS_MAX: usize = 10_000;
/// So many go at once, so that not every new domain costs a search.
const FORGOTTEN_AT_ONCE: usize = DOMAINS_MAX / 16;
/// What was seen is written this often: a crash costs the last few seconds.
pub const WRITE_EVERY: Duration = Duration::from_secs(5);

const PEERS: Table = Table::new("peers");

/// The SHA-256 of a certificate's public key (its SubjectPublicKeyInfo, as in a TLSA record of selector 1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest(pub [u8; 32]);

/// How a remote domain was recognised.
#[derive(Debug, Clone, Copy)]
pub enum Recognised {
    /// It connected to us and proved itself.
    AsClient(Proof),
    /// We connected to it, and this vouched for its certificate.
    AsServer(Option<Voucher>),
}

/// What is known of one remote domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sighting {
    /// The key that its server showed last.
    pub key: Option<KeyDigest>,
    /// How it proved itself when it last connected to us.
    pub as_client: Option<String>,
    /// What vouched for it when we last connected to it.
    pub as_server: Option<String>,
    /// When it was first here: seconds since the Unix epoch.
    pub first_seen: u64,
    /// When it last proved itself.
    pub last_seen: u64,
    /// How often its key has changed.
    pub changes: u64,
    /// The key before the last change.
    pub previous_key: Option<KeyDigest>,
    /// When that was.
    pub changed: Option<u64>,
}

/// A remote domain as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KnownPeer {
    /// Its name.
    pub domain: String,
    /// What is known of it.
    #[serde(flatten)]
    pub sighting: Sighting,
}

/// All remote domains that were here.
#[derive(Debug, Default)]
pub struct Continuity {
    known: Mutex<Known>,
    changes: AtomicU64,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    peers: HashMap<String, Sighting>,
    /// Those that differ from what is in the store.
    unwritten: HashSet<String>,
}

impl Continuity {
    /// Notes that a remote domain proved itself, and says so in the log if it did otherwise than before.
    pub fn note(&self, domain: &Domain, key: Option<KeyDigest>, by: Recognised) {
        self.note_at(domain, key, by, seconds_now());
    }

    fn note_at(&self, domain: &Domain, key: Option<KeyDigest>, by: Recognised, now: u64) {
        let mut known = self.lock();
        if known.peers.len() >= DOMAINS_MAX && !known.peers.contains_key(domain.as_str()) {
            known.forget_the_longest_unseen();
        }
        let before = known.peers.get(domain.as_str()).cloned();
        let sighting = known.peers.entry(domain.as_str().to_owned()).or_insert_with(|| Sighting::new(now));
        let proof_before = sighting.see(key, by, now);
        let changed = before.as_ref().is_some_and(|before| before.changes < sighting.changes);
        known.unwritten.insert(domain.as_str().to_owned());
        drop(known);
        let Some(before) = before else { return };
        if changed && let (Some(old), Some(new)) = (before.key, key) {
            self.changes.fetch_add(1, Relaxed);
            let seconds = now.saturating_sub(before.last_seen);
            tracing::warn!(%domain, %old, %new, last_seen_seconds_ago = seconds, "the key of a remote domain has changed");
        }
        if let Some(proof_before) = proof_before.filter(|proof| *proof != by.to_string()) {
            tracing::warn!(%domain, before = proof_before, now = %by, "a remote domain proves itself otherwise than before");
        }
    }

    /// All that is known, by name.
    pub fn peers(&self) -> Vec<KnownPeer> {
        let known = self.lock();
        let peers = known.peers.iter().map(|(domain, sighting)| (domain.clone(), sighting.clone()));
        let mut peers: Vec<_> = peers.map(|(domain, sighting)| KnownPeer { domain, sighting }).collect();
        drop(known);
        peers.sort_by(|one, other| one.domain.cmp(&other.domain));
        peers
    }

    /// How many domains are known.
    pub fn count(&self) -> u64 {
        self.lock().peers.len() as u64
    }

    /// Keys that changed since the start.
    pub fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    /// Attempts to read or write the store that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_failure(&self, error: &crate::state::StateError) {
        // The first one is news; a disk that stays full is not.
        if self.failures.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(%error, "what is known of remote domains cannot be kept; stanzas are not affected");
        } else {
            tracing::debug!(%error, "what is known of remote domains cannot be kept");
        }
    }
}

impl Known {
    fn forget_the_longest_unseen(&mut self) {
        let mut by_age: Vec<(u64, String)> =
            self.peers.iter().map(|(domain, sighting)| (sighting.last_seen, domain.clone())).collect();
        by_age.sort();
        for (_, domain) in by_age.into_iter().take(FORGOTTEN_AT_ONCE) {
            self.peers.remove(&domain);
            self.unwritten.insert(domain);
        }
    }

    /// The rows that the store does not have as they are.
    fn take_unwritten(&mut self) -> Vec<Change> {
        let unwritten = std::mem::take(&mut self.unwritten);
        let row = |domain: String| {
            let value = self.peers.get(&domain).and_then(|sighting| serde_json::to_vec(sighting).ok());
            (domain, value)
        };
        unwritten.into_iter().map(row).collect()
    }
}

impl Sighting {
    fn new(now: u64) -> Self {
        Sighting {
            key: None,
            as_client: None,
            as_server: None,
            first_seen: now,
            last_seen: now,
            changes: 0,
            previous_key: None,
            changed: None,
        }
    }

    /// Notes what was seen; returns how the domain was recognised in the same role before.
    fn see(&mut self, key: Option<KeyDigest>, by: Recognised, now: u64) -> Option<String> {
        self.last_seen = now;
        let role = match by {
            Recognised::AsClient(_) => &mut self.as_client,
            Recognised::AsServer(_) => &mut self.as_server,
        };
        let before = role.replace(by.to_string());
        // Without a certificate there is no key to compare; the last one stays known.
        let Some(key) = key else { return before };
        if self.key.is_some_and(|known| known != key) {
            (self.previous_key, self.changed) = (self.key, Some(now));
            self.changes += 1;
        }
        self.key = Some(key);
        before
    }
}

/// What is known and where it is kept.
#[derive(Clone)]
pub struct Keeper {
    continuity: Arc<Continuity>,
    store: Arc<Mutex<Store>>,
}

impl Keeper {
    /// Takes up what was kept by the process before this one.
    pub fn open(continuity: Arc<Continuity>, directory: &Path) -> Self {
        let mut store = Store::new(directory);
        match store.read(PEERS) {
            Ok(rows) => {
                let read = |(domain, value): (String, Vec<u8>)| Some((domain, serde_json::from_slice(&value).ok()?));
                continuity.lock().peers = rows.into_iter().filter_map(read).collect();
            }
            Err(error) => continuity.note_failure(&error),
        }
        Keeper { continuity, store: Arc::new(Mutex::new(store)) }
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

    fn write_now(&self) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.continuity.lock().take_unwritten();
        if changes.is_empty() {
            return;
        }
        if let Err(error) = store.write(PEERS, &changes) {
            self.continuity.note_failure(&error);
            self.continuity.lock().unwritten.extend(changes.into_iter().map(|(domain, _)| domain));
        }
    }
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl fmt::Display for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recognised::AsClient(proof) => proof.fmt(f),
            Recognised::AsServer(Some(voucher)) => voucher.fmt(f),
            Recognised::AsServer(None) => Voucher::Nobody.fmt(f),
        }
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_digest(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

fn parse_digest(text: &str) -> Option<KeyDigest> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(KeyDigest(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: KeyDigest = KeyDigest([1; 32]);
    const EXTERNAL: Recognised = Recognised::AsClient(Proof::External);
    const OTHER: KeyDigest = KeyDigest([0xab; 32]);

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn keeper(directory: &Path) -> (Arc<Continuity>, Keeper) {
        let continuity = Arc::new(Continuity::default());
        (continuity.clone(), Keeper::open(continuity, directory))
    }

    #[test]
    fn a_key_that_changes_is_counted_and_the_one_before_is_known() {
        let continuity = Continuity::default();
        let away = domain("away.example");
        continuity.note_at(&away, Some(ONE), EXTERNAL, 1);
        continuity.note_at(&away, Some(ONE), EXTERNAL, 2);
        assert_eq!(continuity.changes(), 0);
        continuity.note_at(&away, Some(OTHER), EXTERNAL, 3);
        continuity.note_at(&away, None, Recognised::AsClient(Proof::Dialback), 4);
        let Sighting { key, as_client, as_server, first_seen, last_seen, changes, previous_key, changed } =
            continuity.peers().remove(0).sighting;
        assert_eq!((key, previous_key), (Some(OTHER), Some(ONE)));
        assert_eq!((as_client.as_deref(), as_server), (Some("dialback"), None));
        assert_eq!((first_seen, last_seen, changes, changed), (1, 4, 1, Some(3)));
        assert_eq!(continuity.changes(), 1);
    }

    #[test]
    fn the_longest_unseen_are_forgotten_first() {
        let continuity = Continuity::default();
        for number in 0..=DOMAINS_MAX {
            continuity.note_at(&domain(&format!("d{number}.example")), Some(ONE), EXTERNAL, number as u64);
        }
        let peers = continuity.peers();
        assert_eq!(peers.len(), DOMAINS_MAX - FORGOTTEN_AT_ONCE + 1);
        assert!(peers.iter().all(|peer| peer.sighting.last_seen >= FORGOTTEN_AT_ONCE as u64));
    }

    #[test]
    fn what_was_known_is_known_after_a_restart_and_a_change_shows() {
        let folder = tempfile::tempdir().unwrap();
        let (continuity, keeper) = keeper(folder.path());
        continuity.note_at(&domain("away.example"), Some(ONE), EXTERNAL, 7);
        keeper.write_now();
        drop(keeper);
        let (continuity, keeper) = self::keeper(folder.path());
        assert_eq!(continuity.peers()[0].sighting.key, Some(ONE));
        continuity.note_at(&domain("away.example"), Some(OTHER), EXTERNAL, 8);
        assert_eq!((continuity.changes(), continuity.failures()), (1, 0));
        keeper.write_now();
        drop(keeper);
        assert_eq!(self::keeper(folder.path()).0.peers(), continuity.peers());
    }

    #[test]
    fn what_cannot_be_written_now_is_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("refrain.redb");
        std::os::unix::fs::symlink("/dev/full", &file).unwrap();
        let (continuity, keeper) = keeper(folder.path());
        continuity.note_at(&domain("away.example"), Some(ONE), EXTERNAL, 7);
        keeper.write_now();
        assert!(continuity.failures() > 0);
        std::fs::remove_file(&file).unwrap();
        keeper.write_now();
        drop(keeper);
        assert_eq!(self::keeper(folder.path()).0.peers().len(), 1);
    }

    #[test]
    fn a_digest_is_written_as_it_is_read() {
        assert_eq!(parse_digest(&OTHER.to_string()), Some(OTHER));
        assert_eq!(parse_digest("ab"), None);
    }
}
