//! Who knows whom. There is no roster here: what local addresses send on purpose says whom they know, and filters are told of each
//! stanza whether its two ends do.
//!
//! receive → **relations** → judge; `lesson` says what a stanza teaches, `keeper` carries it to the disk

mod keeper;
mod lesson;

use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use refrain_filter::{Decision, Direction, Limiter, Outcome, PairKey, Pairs, Rate, Relation};
use refrain_proto::{Jid, Kind, Stanza, StanzaType};
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::config::Relations as Terms;

pub use keeper::{Keeper, secret};
use lesson::Lesson;

/// An `unsubscribed` within this time of a probe answers the probe: servers do so at once.
const PROBE_ANSWER_S: u32 = 10;

/// New acquaintances that one local address may make at once, and then in a day: more than the largest rosters, and far too few to
/// push everybody else's out of the table.
const NEW_PER_DAY: u32 = 5_000;

/// New occupants that all rooms of one hosted domain may have at once, and then in a day. Strangers join rooms, and make rooms, as
/// they like: it would take them weeks to fill the table.
const OCCUPANTS_PER_DAY: u32 = 20_000;

/// Of the table, what all addresses of one local domain may take anew at once, and then in a day: neither a crowd of accounts nor all
/// that rooms say can push out most of it before somebody sees the counts.
const SHARE_PER_DAY: usize = 4;

/// Whose new acquaintances are counted together, beside those of the whole domain.
#[derive(Clone, Copy)]
enum Learner {
    Address,
    RoomsOfDomain,
}

/// What is known of who knows whom.
#[derive(Debug)]
pub struct Relations {
    /// Of the hashes by which pairs are kept, so that neither memory nor disk holds addresses.
    secret: [u8; 16],
    pairs: Pairs,
    /// New acquaintances by local address, new occupants by the domain of the rooms.
    learners: Limiter,
    /// Both, by local domain.
    domains: Limiter,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    learned: AtomicU64,
    forgotten: AtomicU64,
    evicted: AtomicU64,
    expired: AtomicU64,
    too_fast: AtomicU64,
    failures: AtomicU64,
}

/// The counts since the start, and how many pairs are known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RelationCounts {
    /// Pairs that know each other.
    pub known: u64,
    /// Pairs that were learned.
    pub learned: u64,
    /// Pairs that parted.
    pub forgotten: u64,
    /// Pairs that made room for others.
    pub evicted: u64,
    /// Pairs that did not meet for too long.
    pub expired: u64,
    /// Pairs that were not learned, because one local address or domain made too many acquaintances.
    pub too_fast: u64,
    /// Attempts to read or write the store that failed.
    pub store_failures: u64,
}

/// How the two ends of a stanza stand, before it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// What filters are told; `None` if nothing can be said.
    pub relation: Option<Relation>,
    /// The pair that is known, and whether that is to be noted again.
    found: Option<(PairKey, bool)>,
    now_s: u32,
}

/// A pair as an operator asks about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Acquaintance {
    /// The local address.
    pub local: String,
    /// The remote address.
    pub remote: String,
    /// What it is to the local one; none where nothing can be said.
    pub relation: Option<Relation>,
    /// When they last met, as far as it was noted: seconds since the Unix epoch.
    pub met: Option<u64>,
    /// Whether it is known by its domain, to which the local address is subscribed.
    pub by_domain: bool,
}

impl Relations {
    /// Knows nobody yet.
    pub fn new(secret: [u8; 16]) -> Self {
        let (learners, domains) = (Limiter::default(), Limiter::default());
        Relations { secret, pairs: Pairs::default(), learners, domains, counts: Counts::default() }
    }

    /// Says how the two ends of a stanza stand.
    pub fn standing(&self, stanza: &Stanza, direction: Direction, terms: &Terms, now_ms: u64) -> Standing {
        let now_s = seconds(now_ms);
        let (local, remote) = ends(stanza, direction);
        if !terms.enabled || local.local().is_none() {
            return Standing { relation: None, found: None, now_s };
        }
        let found = self.find(local, remote, terms, now_s);
        let relation = if found.is_some() { Relation::Known } else { Relation::Stranger };
        Standing { relation: Some(relation), found: found.map(|(key, met)| (key, met.is_old_news)), now_s }
    }

    /// Takes in what became of a stanza: only what goes on teaches. Costs nothing but a look where the two know each other and
    /// that was noted lately.
    pub fn note(&self, standing: Standing, decision: &Decision, stanza: &Stanza, direction: Direction, terms: &Terms) {
        if standing.relation.is_none() || decision.outcome != Outcome::Forward {
            return;
        }
        match direction {
            Direction::Inbound => self.note_inbound(standing, stanza, terms),
            Direction::Outbound => self.note_outbound(standing, decision.edited, stanza, terms),
        }
    }

    /// A stranger teaches nothing, whatever it sends.
    fn note_inbound(&self, standing: Standing, stanza: &Stanza, terms: &Terms) {
        let Some((key, is_old_news)) = standing.found else { return };
        if is_old_news {
            self.pairs.renew(key, terms.limits(), standing.now_s);
        }
        if stanza.kind() == Kind::Presence && stanza.stanza_type() == StanzaType::Probe {
            self.pairs.note_probe(key, standing.now_s);
        }
    }

    fn note_outbound(&self, standing: Standing, edited: bool, stanza: &Stanza, terms: &Terms) {
        let (local, remote) = ends(stanza, Direction::Outbound);
        let tells_presence = matches!(stanza.stanza_type(), StanzaType::Available | StanzaType::Unavailable);
        if let Some((key, _)) = standing.found.filter(|_| tells_presence) {
            // RFC 6121 §4.3.2: so is answered who is subscribed, and whatever denial follows is meant.
            self.pairs.forget_probes(key);
        }
        let parts =
            matches!(stanza.stanza_type(), StanzaType::Unsubscribe | StanzaType::Unsubscribed | StanzaType::IqSet);
        let is_news = standing.found.is_none_or(|(_, is_old_news)| is_old_news);
        // A domain may be known without its addresses; and a filter may have changed who writes what to whom.
        if parts || is_news || remote.local().is_none() || edited {
            self.take_in(Lesson::of(stanza), (local, remote), terms, standing.now_s);
        }
    }

    fn take_in(&self, lesson: Lesson, (local, remote): (&Jid, &Jid), terms: &Terms, now_s: u32) {
        let key = self.key(local, remote);
        let learn = |keys: &[PairKey], learner| self.learn(keys, (local, learner), terms, now_s);
        match lesson {
            Lesson::Nothing => {}
            Lesson::Occupant => learn(&[key], Learner::RoomsOfDomain),
            Lesson::Subscribed if remote.local().is_none() => {
                learn(&[key, self.domain_key(local, remote)], Learner::Address);
            }
            Lesson::Known | Lesson::Subscribed => learn(&[key], Learner::Address),
            Lesson::Denied if self.answers_probe(key, now_s) => {}
            Lesson::Denied | Lesson::Parted => {
                self.forget(local, remote, terms);
            }
        }
    }

    /// The local address makes the acquaintances, as fast as it may.
    fn learn(&self, keys: &[PairKey], who: (&Jid, Learner), terms: &Terms, now_s: u32) {
        for key in keys {
            let met = self.pairs.get(*key, terms.limits(), now_s);
            if met.is_some_and(|met| !met.is_old_news) {
                continue;
            }
            if met.is_none() && !self.may_learn(who, terms, now_s) {
                self.counts.too_fast.fetch_add(1, Relaxed);
                continue;
            }
            let evicted = self.pairs.meet(*key, terms.limits(), now_s);
            self.counts.learned.fetch_add(u64::from(met.is_none()), Relaxed);
            self.counts.evicted.fetch_add(evicted as u64, Relaxed);
        }
    }

    fn may_learn(&self, (local, learner): (&Jid, Learner), terms: &Terms, now_s: u32) -> bool {
        // An address has an `@`, a domain has none: they share no bucket.
        let (who, per_day) = match learner {
            Learner::Address => (local.bare(), NEW_PER_DAY),
            Learner::RoomsOfDomain => (local.domain(), OCCUPANTS_PER_DAY),
        };
        let share = u32::try_from(terms.pairs_max / SHARE_PER_DAY).unwrap_or(u32::MAX);
        may_take(&self.learners, who, per_day, now_s) && may_take(&self.domains, local.domain(), share, now_s)
    }

    /// RFC 6121 §4.3.2: a server itself answers the probe of somebody who is not subscribed with `unsubscribed`; Prosody does. They
    /// may have talked all the same.
    fn answers_probe(&self, key: PairKey, now_s: u32) -> bool {
        // One answer to each probe: whoever probes all the time is not known for ever.
        let probed_s = self.pairs.take_probe(key);
        probed_s.is_some_and(|probed_s| now_s.abs_diff(probed_s) <= PROBE_ANSWER_S)
    }

    /// Forgets a pair. Returns whether it was known.
    pub fn forget(&self, local: &Jid, remote: &Jid, terms: &Terms) -> bool {
        let mut forgotten = self.pairs.part(self.key(local, remote), terms.limits());
        if remote.local().is_none() {
            forgotten |= self.pairs.part(self.domain_key(local, remote), terms.limits());
        }
        self.counts.forgotten.fetch_add(u64::from(forgotten), Relaxed);
        forgotten
    }

    /// Says what is known of a pair.
    pub fn look_up(&self, local: &Jid, remote: &Jid, terms: &Terms, now_ms: u64) -> Acquaintance {
        let found = self.find(local, remote, terms, seconds(now_ms));
        let may_tell = terms.enabled && local.local().is_some();
        Acquaintance {
            local: local.bare().to_owned(),
            remote: remote.bare().to_owned(),
            relation: may_tell.then(|| if found.is_some() { Relation::Known } else { Relation::Stranger }),
            met: found.map(|(_, met)| u64::from(met.at_s)),
            by_domain: found.is_some_and(|(key, _)| key != self.key(local, remote)),
        }
    }

    /// The counts.
    pub fn counts(&self) -> RelationCounts {
        let Counts { learned, forgotten, evicted, expired, too_fast, failures } = &self.counts;
        RelationCounts {
            known: self.pairs.len() as u64,
            learned: learned.load(Relaxed),
            forgotten: forgotten.load(Relaxed),
            evicted: evicted.load(Relaxed),
            expired: expired.load(Relaxed),
            too_fast: too_fast.load(Relaxed),
            store_failures: failures.load(Relaxed),
        }
    }

    /// Forgets what is over, in a part of the table.
    fn sweep(&self, turn: usize, terms: &Terms, now_ms: u64) {
        let expired = self.pairs.sweep(turn, terms.limits(), seconds(now_ms));
        self.counts.expired.fetch_add(expired as u64, Relaxed);
    }

    /// A pair is known by itself, or by the domain of the remote address: behind a gateway all addresses are as good as it.
    fn find(&self, local: &Jid, remote: &Jid, terms: &Terms, now_s: u32) -> Option<(PairKey, refrain_filter::Met)> {
        let known = |key| Some((key, self.pairs.get(key, terms.limits(), now_s)?));
        let by_domain = || remote.local().and_then(|_| known(self.domain_key(local, remote)));
        known(self.key(local, remote)).or_else(by_domain)
    }

    fn key(&self, local: &Jid, remote: &Jid) -> PairKey {
        self.hash(local.bare(), "", remote.bare())
    }

    /// No address begins with an `@`: this is the key of all at the domain.
    fn domain_key(&self, local: &Jid, remote: &Jid) -> PairKey {
        self.hash(local.bare(), "@", remote.domain())
    }

    fn hash(&self, local: &str, mark: &str, remote: &str) -> PairKey {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        hasher.write(local.as_bytes());
        // In no address, so that no two pairs run together to the same.
        hasher.write_u8(0);
        hasher.write(mark.as_bytes());
        hasher.write(remote.as_bytes());
        PairKey::from(hasher.finish128().as_u128())
    }
}

/// The local end and the remote one.
fn ends(stanza: &Stanza, direction: Direction) -> (&Jid, &Jid) {
    match direction {
        Direction::Inbound => (stanza.to(), stanza.from()),
        Direction::Outbound => (stanza.from(), stanza.to()),
    }
}

/// Takes one of so many at once, and as many in a day.
fn may_take(limiter: &Limiter, who: &str, per_day: u32, now_s: u32) -> bool {
    let rate = Rate::new(per_day, f64::from(per_day) / 86_400.0);
    rate.is_ok_and(|rate| limiter.take(rate, who, 1, u64::from(now_s) * 1_000))
}

/// Until the year 2106.
fn seconds(now_ms: u64) -> u32 {
    u32::try_from(now_ms / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
