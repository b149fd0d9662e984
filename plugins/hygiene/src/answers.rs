//! Answers that nobody asked for (T50, T52): results and errors of iqs whose request did not leave from here, and what archives say.
//!
//! In the outbound chain each request is noted; in the inbound one an answer passes if its request is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use refrain_sdk::{Bucket, Direction, Head, Interest, Kind, Node, Problem, Rule, Setup, Stanza, StanzaType, Verdict};

use crate::names;
use crate::settings::{Settings, Unasked};

/// What the filter asks for to share requests between its two chains.
pub(crate) const GRANT: &str = "bucket:hygiene-requests";
const BUCKET: &str = "hygiene-requests";

/// Under this key, which no request has, stands since when requests are noted.
const SINCE: &str = "since";
/// The longest that the proxy keeps anything.
const FOREVER: Duration = Duration::ZERO;
/// A request older than a day was forgotten by whoever made it.
const SECONDS_MAX: u32 = 86_400;

/// The mode in which answers are compared with requests.
#[derive(Debug)]
pub(crate) struct Answers {
    asked: Rule,
    asked_archive: Rule,
    answered: Rule,
    archived: Rule,
    requests: Bucket,
    ttl: Duration,
    grace: Duration,
    unasked: Unasked,
}

/// What is known of whether an answer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Asked,
    Unasked,
    /// Nobody can say: requests are noted since just now.
    Unknown,
    /// No request was ever noted: most likely the filter is not in the other chain.
    Unseen,
}

impl Answers {
    /// Declares the mode, if it is on.
    pub(crate) fn new(settings: &Settings, setup: &mut Setup) -> Result<Option<Self>, Problem> {
        let (ttl, grace) = (settings.answer_seconds, settings.grace_seconds);
        check("answer-seconds", ttl, 1)?;
        check("grace-seconds", grace, 0)?;
        if settings.unasked == Unasked::Pass {
            return Ok(None);
        }
        let of = |kind, direction| Interest::any().kind(kind).direction(direction);
        let asks = of(Kind::Iq, Direction::Outbound).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet);
        let answers = of(Kind::Iq, Direction::Inbound).stanza_type(StanzaType::IqResult).stanza_type(StanzaType::Error);
        let archived = of(Kind::Message, Direction::Inbound).payload(names::ARCHIVES);
        Ok(Some(Answers {
            asked_archive: setup.interest(asks.clone().payload(names::ARCHIVES))?,
            asked: setup.interest(asks)?,
            answered: setup.interest(answers)?,
            archived: setup.interest(archived)?,
            requests: setup.bucket(BUCKET)?,
            ttl: Duration::from_secs(ttl.into()),
            grace: Duration::from_secs(grace.into()),
            unasked: settings.unasked,
        }))
    }

    /// Notes a request, or judges an answer; `None` leaves the stanza to the other rules.
    pub(crate) fn judge(&self, head: &Head, stanza: &Stanza<'_>) -> Option<Verdict> {
        if head.matched(self.asked) {
            self.note(head, stanza);
            return Some(Verdict::Pass);
        }
        let was_asked = match () {
            () if head.matched(self.answered) => self.was_asked(head, stanza),
            () if head.matched(self.archived) && is_result(head, stanza) => self.was_archive_asked(head),
            () => return None,
        };
        match self.standing(was_asked, head) {
            // Whoever asked somebody outside for a roster wants it from there.
            Standing::Asked => (head.kind == Kind::Iq).then_some(Verdict::Pass),
            Standing::Unknown => None,
            Standing::Unseen => {
                stanza.reason("unasked: no request was noted yet; is this filter in chain.outbound, too?");
                None
            }
            Standing::Unasked => {
                stanza.reason("unasked: an answer to no request that left here");
                (self.unasked == Unasked::Drop).then_some(Verdict::Drop)
            }
        }
    }

    fn note(&self, head: &Head, stanza: &Stanza<'_>) {
        if self.requests.get(SINCE).is_none() {
            // Where the bucket takes nothing, nothing is refused.
            let _ = self.requests.set(SINCE, &head.now_ms.to_le_bytes(), FOREVER);
        }
        let key = key(&head.from, &head.to, stanza);
        let _ = self.requests.set(&key, &[self.open(&key).saturating_add(1)], self.ttl);
        if head.matched(self.asked_archive) {
            let _ = self.requests.set(&archive_key(&head.from, &head.to), b"", self.ttl);
        }
    }

    /// How many requests of this key wait for their answers: a client may use an id twice.
    fn open(&self, key: &str) -> u8 {
        self.requests.get(key).and_then(|open| open.first().copied()).unwrap_or_default()
    }

    fn standing(&self, was_asked: bool, head: &Head) -> Standing {
        if was_asked {
            return Standing::Asked;
        }
        let since = self.requests.get(SINCE).and_then(|since| since.try_into().ok()).map(u64::from_le_bytes);
        match since {
            None => Standing::Unseen,
            Some(since) if head.now_ms.saturating_sub(since) >= self.grace.as_millis() as u64 => Standing::Unasked,
            Some(_) => Standing::Unknown,
        }
    }

    /// Takes the request that this answers. A request has one answer (RFC 6120 §8.2.3).
    fn was_asked(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        let key = key(&head.to, &head.from, stanza);
        match self.open(&key) {
            0 => return false,
            1 => self.requests.delete(&key),
            open => drop(self.requests.set(&key, &[open - 1], self.ttl)),
        }
        true
    }

    /// An archive answers with any number of messages (XEP-0313 §4.1).
    fn was_archive_asked(&self, head: &Head) -> bool {
        self.requests.get(&archive_key(&head.to, &head.from)).is_some()
    }
}

fn check(key: &str, seconds: u32, min: u32) -> Result<(), Problem> {
    match (min..=SECONDS_MAX).contains(&seconds) {
        true => Ok(()),
        false => Err(Problem::new(key, format!("{seconds} is not between {min} and {SECONDS_MAX}"))),
    }
}

/// Whether an archive says something. An error has in it what it is about.
fn is_result(head: &Head, stanza: &Stanza<'_>) -> bool {
    head.stanza_type != StanzaType::Error && stanza.children(Node::ROOT).iter().any(names::is_archived)
}

/// Of a request: who asks whom, and by which id.
fn key(asks: &str, asked: &str, stanza: &Stanza<'_>) -> String {
    digest((asks, asked, stanza.attr(Node::ROOT, "id")))
}

/// Of requests to an archive: who asks which.
fn archive_key(asks: &str, asked: &str) -> String {
    format!("archive {}", digest((asks, asked)))
}

/// Addresses and ids are longer than a key may be, so 128 bits stand for them.
fn digest(of: impl Hash) -> String {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, &of).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}
