//! What each remote domain proved itself with when it was last here, so that a change shows.
//!
//! A man in the middle with a valid certificate looks like the real server (as at jabber.ru in 2023), but for its key.
//!
//! receive, send → **continuity** → the log, `refrain peers`, [`crate::state`]

mod groups;
mod keeper;
mod known;
mod paced;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

pub use keeper::Keeper;
use known::Known;

use refrain_proto::{Domain, Proof};
use serde::{Deserialize, Serialize};

use crate::net::dane::Voucher;

/// The SHA-256 of a certificate's public key (its SubjectPublicKeyInfo, as in a TLSA record of selector 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// What a known domain did otherwise than before.
#[derive(Debug, PartialEq, Eq)]
enum Alarm {
    /// It showed another key, for the `changes`th time, so long after it was last seen.
    Key { old: KeyDigest, new: KeyDigest, seconds: u64, changes: u64 },
    /// It proved itself otherwise in the same role.
    Proof { before: String, now: String },
}

impl Continuity {
    /// Notes that a remote domain proved itself, and says so in the log if it did otherwise than before.
    pub fn note(&self, domain: &Domain, key: Option<KeyDigest>, by: Recognised) {
        self.note_at(domain, key, by, seconds_now());
    }

    /// Returns how many lines that took.
    fn note_at(&self, domain: &Domain, key: Option<KeyDigest>, by: Recognised, now: u64) -> usize {
        let mut known = self.lock();
        let before = known.get(domain.as_str()).cloned();
        let mut sighting = before.unwrap_or_else(|| Sighting::new(now));
        let alarms = sighting.see(key, by, now);
        known.put(domain.as_str(), sighting);
        self.tell(known, domain.as_str(), alarms, now)
    }

    /// Counts what is new, and says it where it was not said lately. Returns how many lines that took.
    fn tell(&self, mut known: MutexGuard<'_, Known>, domain: &str, mut alarms: Vec<Alarm>, now: u64) -> usize {
        let changed = alarms.iter().filter(|alarm| matches!(alarm, Alarm::Key { .. })).count();
        self.changes.fetch_add(changed as u64, Relaxed);
        alarms.retain(|alarm| known.may_tell(domain, alarm, now));
        drop(known);
        alarms.iter().for_each(|alarm| alarm.tell(domain));
        alarms.len()
    }

    /// All that is known, by name.
    pub fn peers(&self) -> Vec<KnownPeer> {
        let known = self.lock();
        let peer = |(domain, sighting): (&Arc<str>, &Sighting)| KnownPeer {
            domain: domain.as_ref().to_owned(),
            sighting: sighting.clone(),
        };
        let mut peers: Vec<_> = known.iter().map(peer).collect();
        drop(known);
        peers.sort_by(|one, other| one.domain.cmp(&other.domain));
        peers
    }

    /// How many domains are known.
    pub fn count(&self) -> u64 {
        self.lock().len() as u64
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

impl Alarm {
    fn tell(&self, domain: &str) {
        match self {
            Alarm::Key { old, new, seconds, changes } => {
                tracing::warn!(%domain, %old, %new, last_seen_seconds_ago = seconds, changes, "the key of a remote domain has changed");
            }
            Alarm::Proof { before, now } => {
                tracing::warn!(%domain, before, now, "a remote domain proves itself otherwise than before");
            }
        }
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

    /// Notes what was seen; returns what is otherwise than before.
    fn see(&mut self, key: Option<KeyDigest>, by: Recognised, now: u64) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let role = match by {
            Recognised::AsClient(_) => &mut self.as_client,
            Recognised::AsServer(_) => &mut self.as_server,
        };
        let proof = by.to_string();
        alarms.extend(proof_alarm(role.as_deref(), Some(&proof)));
        *role = Some(proof);
        // Without a certificate there is no key to compare; the last one stays known.
        if let Some(new) = key {
            if let Some(old) = self.key.filter(|old| *old != new) {
                (self.previous_key, self.changed) = (Some(old), Some(now));
                self.changes += 1;
                alarms.push(Alarm::Key {
                    old,
                    new,
                    seconds: now.saturating_sub(self.last_seen),
                    changes: self.changes,
                });
            }
            self.key = Some(new);
        }
        self.last_seen = now;
        alarms
    }

    /// This one, which was not at hand, and what was seen without it since.
    fn continued(self, since: &Sighting) -> (Sighting, Vec<Alarm>) {
        let mut alarms = Vec::new();
        alarms.extend(proof_alarm(self.as_client.as_deref(), since.as_client.as_deref()));
        alarms.extend(proof_alarm(self.as_server.as_deref(), since.as_server.as_deref()));
        let mut whole = Sighting {
            key: since.key.or(self.key),
            as_client: since.as_client.clone().or(self.as_client),
            as_server: since.as_server.clone().or(self.as_server),
            first_seen: self.first_seen.min(since.first_seen),
            last_seen: self.last_seen.max(since.last_seen),
            changes: self.changes + since.changes,
            previous_key: since.previous_key.or(self.previous_key),
            changed: since.changed.or(self.changed),
        };
        // Which key came first since is known if it changed once at most; after more changes there was one in any case.
        let first_since = since.previous_key.or(since.key);
        if let (Some(old), Some(new)) = (self.key, first_since)
            && old != new
        {
            whole.changes += 1;
            whole.previous_key = since.previous_key.or(Some(old));
            whole.changed = since.changed.or(Some(since.first_seen));
            let seconds = since.first_seen.saturating_sub(self.last_seen);
            alarms.push(Alarm::Key { old, new, seconds, changes: whole.changes });
        }
        (whole, alarms)
    }
}

fn proof_alarm(before: Option<&str>, now: Option<&str>) -> Option<Alarm> {
    let (before, now) = (before?, now?);
    (before != now).then(|| Alarm::Proof { before: before.to_owned(), now: now.to_owned() })
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
    use std::path::Path;

    use super::known::DOMAINS_MAX;
    use super::*;
    use crate::state::Store;

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
        for number in 0..DOMAINS_MAX + 100 {
            continuity.note_at(&domain(&format!("xmpp.d{number}.example")), None, EXTERNAL, number as u64);
        }
        let peers = continuity.peers();
        assert_eq!(peers.len(), DOMAINS_MAX);
        assert!(peers.iter().all(|peer| peer.sighting.last_seen >= 100));
    }

    /// Whether a silent domain is known after a flood of names by others.
    fn survives(silent: &str, name: impl Fn(usize) -> String, key: impl Fn(usize) -> Option<KeyDigest>) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (continuity, keeper) = keeper(folder.path());
        continuity.note_at(&domain(silent), Some(OTHER), EXTERNAL, 1);
        keeper.write_now();
        for number in 0..2 * DOMAINS_MAX {
            continuity.note_at(&domain(&name(number)), key(number), EXTERNAL, 2 + number as u64);
        }
        keeper.write_now();
        drop(keeper);
        let (continuity, _) = self::keeper(folder.path());
        continuity.peers().len() == DOMAINS_MAX
            && continuity.note_at(&domain(silent), Some(ONE), EXTERNAL, u64::MAX) == 1
    }

    fn own_key(number: usize) -> Option<KeyDigest> {
        let mut digest = [7; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        Some(KeyDigest(digest))
    }

    #[test]
    fn a_flood_of_names_displaces_nobody_who_has_nothing_in_common_with_it() {
        let below = |number| format!("d{number}.evil.example");
        assert!(survives("away.example", below, |_| Some(ONE)), "a wildcard");
        assert!(survives("away.example", below, own_key), "a key for each name");
        assert!(survives("away.example", below, |_| None), "no certificate at all");
        let registered = |number| format!("evil{number}.example");
        assert!(survives("away.example", registered, |_| Some(ONE)), "names without a common end");
        assert!(survives("away.dynamic.example", |number| format!("d{number}.dynamic.example"), |_| Some(ONE)));
    }

    #[test]
    fn a_peer_that_changes_its_key_each_time_gets_a_line_an_hour_and_every_change_is_counted() {
        let continuity = Continuity::default();
        let evil = domain("evil.example");
        let lines: usize =
            (0..600).map(|n| continuity.note_at(&evil, own_key(n), EXTERNAL, 10_000 + n as u64 / 10)).sum();
        assert_eq!((lines, continuity.changes(), continuity.peers()[0].sighting.changes), (1, 599, 599));
        let away = domain("away.example");
        assert_eq!(continuity.note_at(&away, Some(ONE), EXTERNAL, 10_060), 0, "a first sighting is no news");
        assert_eq!(continuity.note_at(&away, Some(OTHER), EXTERNAL, 10_060), 1);
        assert_eq!(continuity.note_at(&evil, own_key(0), EXTERNAL, 10_000 + 3600), 1);
    }

    #[test]
    fn what_another_process_still_held_is_read_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (before, old) = keeper(folder.path());
        before.note_at(&domain("away.example"), Some(ONE), EXTERNAL, 7);
        before.note_at(&domain("silent.example"), Some(ONE), EXTERNAL, 7);
        old.write_now();
        let (continuity, keeper) = keeper(folder.path());
        assert_eq!((continuity.peers(), continuity.failures()), (vec![], 1));
        assert_eq!(continuity.note_at(&domain("away.example"), Some(OTHER), EXTERNAL, 9), 0);
        keeper.write_now();
        drop(old);
        keeper.write_now();
        assert_eq!(continuity.changes(), 1);
        drop(keeper);
        let peers = self::keeper(folder.path()).0.peers();
        assert_eq!(peers, continuity.peers());
        let Sighting { key, first_seen, last_seen, changes, previous_key, changed, .. } = peers[0].sighting.clone();
        assert_eq!((key, previous_key, first_seen, last_seen), (Some(OTHER), Some(ONE), 7, 9));
        assert_eq!((changes, changed), (1, Some(9)));
        assert_eq!(peers[1].sighting.first_seen, 7);
    }

    #[test]
    fn a_file_found_damaged_while_writing_is_begun_anew_with_all_that_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let (continuity, keeper) = keeper(folder.path());
        continuity.note_at(&domain("away.example"), Some(ONE), EXTERNAL, 7);
        keeper.write_now();
        keeper.store.lock().unwrap().store = Store::new(folder.path());
        std::fs::write(folder.path().join("refrain.redb"), "something else entirely").unwrap();
        continuity.note_at(&domain("new.example"), Some(ONE), EXTERNAL, 8);
        keeper.write_now();
        assert_eq!(continuity.failures(), 1);
        drop(keeper);
        assert_eq!(self::keeper(folder.path()).0.peers(), continuity.peers());
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
