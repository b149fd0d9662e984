//! Answers that nobody asked for (T50): results and errors of iqs whose request did not leave from here.
//!
//! In the outbound chain each request is noted; in the inbound one an answer passes if its request is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use refrain_sdk::{Bucket, Direction, Head, Interest, Kind, Node, Problem, Rule, Setup, Stanza, StanzaType, Verdict};

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
    answered: Rule,
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
        let iq = |direction| Interest::any().kind(Kind::Iq).direction(direction);
        let asks = iq(Direction::Outbound).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet);
        let answers = iq(Direction::Inbound).stanza_type(StanzaType::IqResult).stanza_type(StanzaType::Error);
        Ok(Some(Answers {
            asked: setup.interest(asks)?,
            answered: setup.interest(answers)?,
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
        if !head.matched(self.answered) {
            return None;
        }
        match self.standing(head, stanza) {
            Standing::Asked | Standing::Unknown => None,
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
        let _ = self.requests.set(&key, b"", self.ttl);
    }

    fn standing(&self, head: &Head, stanza: &Stanza<'_>) -> Standing {
        if self.was_asked(head, stanza) {
            return Standing::Asked;
        }
        let since = self.requests.get(SINCE).and_then(|since| since.try_into().ok()).map(u64::from_le_bytes);
        match since {
            _ if self.grace.is_zero() => Standing::Unasked,
            Some(since) if head.now_ms.saturating_sub(since) >= self.grace.as_millis() as u64 => Standing::Unasked,
            Some(_) => Standing::Unknown,
            None => Standing::Unseen,
        }
    }

    /// Takes the request that this answers. A request has one answer (RFC 6120 §8.2.3).
    fn was_asked(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        let key = key(&head.to, &head.from, stanza);
        let is_known = self.requests.get(&key).is_some();
        if is_known {
            self.requests.delete(&key);
        }
        is_known
    }
}

fn check(key: &str, seconds: u32, min: u32) -> Result<(), Problem> {
    match (min..=SECONDS_MAX).contains(&seconds) {
        true => Ok(()),
        false => Err(Problem::new(key, format!("{seconds} is not between {min} and {SECONDS_MAX}"))),
    }
}

/// Of a request: who asks whom, and by which id. Addresses and ids are longer than a key may be, so 128 bits stand for them.
fn key(asks: &str, asked: &str, stanza: &Stanza<'_>) -> String {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, asks, asked, stanza.attr(Node::ROOT, "id")).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}
