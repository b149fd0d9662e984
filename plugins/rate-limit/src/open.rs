//! Requests that wait for their answers: counted out as they cross, and in when their answers do.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use refrain_sdk::{
    Bucket, Counter, Direction, ErrorType, Head, Interest, Kind, Node, Problem, Rule, Setup, Stanza, StanzaType,
    Verdict,
};

use crate::settings::{Outstanding, Told, Way};

/// What the filter asks for to share them between its two chains.
pub(crate) const GRANT: &str = "bucket:rate-limit-requests";
const BUCKET: &str = "rate-limit-requests";

/// All open requests of a sender are one value of the proxy's, which has at most 4 KiB.
const MAX: u32 = 250;
/// A request that takes longer is forgotten at both ends.
const SECONDS_MAX: u32 = 3_600;
/// An address may have 3,071 bytes, a key 1,024.
const KEY_BYTES_MAX: usize = 1_024;

/// The bound on open requests.
#[derive(Debug)]
pub(crate) struct Requests {
    asked: Vec<Rule>,
    answered: Vec<Rule>,
    open: Bucket,
    refused: Counter,
    max: usize,
    seconds: u32,
    told: Told,
    reason: String,
}

impl Requests {
    pub(crate) fn new(settings: &Outstanding, setup: &mut Setup) -> Result<Self, Problem> {
        check("max", settings.max, MAX)?;
        check("seconds", settings.seconds, SECONDS_MAX)?;
        let ways: &[_] = match settings.direction {
            Way::Inbound => &[(Direction::Inbound, Direction::Outbound)],
            Way::Outbound => &[(Direction::Outbound, Direction::Inbound)],
            Way::Both => &[(Direction::Inbound, Direction::Outbound), (Direction::Outbound, Direction::Inbound)],
        };
        let iq = |direction| Interest::any().kind(Kind::Iq).direction(direction);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        for (there, back) in ways {
            asked.push(setup.interest(iq(*there).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet))?);
            answered.push(setup.interest(iq(*back).stanza_type(StanzaType::IqResult).stanza_type(StanzaType::Error))?);
        }
        let help = "Requests beside more open ones than a sender may have.";
        Ok(Requests {
            asked,
            answered,
            open: setup.bucket(BUCKET)?,
            refused: setup.counter("outstanding_refused", help)?,
            max: settings.max as usize,
            seconds: settings.seconds,
            told: settings.condition,
            reason: format!("outstanding: more than {} requests without an answer", settings.max),
        })
    }

    /// Counts in the request that this answers.
    pub(crate) fn note_answer(&self, head: &Head, stanza: &Stanza<'_>) {
        if !self.answered.iter().any(|rule| head.matched(*rule)) {
            return;
        }
        let key = key(head.recipient().bare());
        let Some(known) = self.open.get(&key) else { return };
        let (mut open, request) = (Open::read(&known, head.now_ms), hash(&head.to, &head.from, stanza));
        if open.forget(request) {
            self.keep(&key, &open);
        }
    }

    /// Counts a request out, if the sender may have one more.
    pub(crate) fn admits(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        if !self.asked.iter().any(|rule| head.matched(*rule)) {
            return true;
        }
        let key = key(head.sender().bare());
        let mut open = Open::read(&self.open.get(&key).unwrap_or_default(), head.now_ms);
        let request = hash(&head.from, &head.to, stanza);
        if open.0.len() >= self.max {
            return false;
        }
        open.0.push((request, seconds(head.now_ms).saturating_add(self.seconds)));
        self.keep(&key, &open);
        true
    }

    pub(crate) fn refuse(&self, stanza: &Stanza<'_>) -> Verdict {
        stanza.reason(&self.reason);
        self.refused.add(1);
        let bounce = Verdict::bounce(self.told.condition()).error_type(ErrorType::Wait);
        bounce.text("Too many requests without an answer; try again later")
    }

    /// Where there is no room, whoever it is about may ask more than it should: better than nobody anything.
    fn keep(&self, key: &str, open: &Open) {
        if open.0.is_empty() {
            return self.open.delete(key);
        }
        let _ = self.open.set(key, &open.written(), Duration::from_secs(self.seconds.into()));
    }
}

fn check(key: &str, number: u32, max: u32) -> Result<(), Problem> {
    match (1..=max).contains(&number) {
        true => Ok(()),
        false => Err(Problem::new(format!("outstanding.{key}"), format!("{number} is not between 1 and {max}"))),
    }
}

/// The open requests of one sender: which, and until what second they count.
#[derive(Debug, Default)]
struct Open(Vec<(u64, u32)>);

impl Open {
    const ENTRY: usize = 12;

    /// Reads those that still count.
    fn read(bytes: &[u8], now_ms: u64) -> Self {
        let entry = |bytes: &[u8]| {
            let (request, ends) = bytes.split_at_checked(8)?;
            Some((u64::from_le_bytes(request.try_into().ok()?), u32::from_le_bytes(ends.try_into().ok()?)))
        };
        let now = seconds(now_ms);
        let entries = bytes.chunks_exact(Self::ENTRY).filter_map(entry);
        Open(entries.filter(|(_, ends)| *ends > now).collect())
    }

    /// Takes out one: each has an answer, under the same id too (RFC 6120 §8.2.3).
    fn forget(&mut self, request: u64) -> bool {
        let place = self.0.iter().position(|(known, _)| *known == request);
        place.map(|place| self.0.remove(place)).is_some()
    }

    fn written(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(request, ends)| [&request.to_le_bytes()[..], &ends.to_le_bytes()].concat()).collect()
    }
}

/// Of a request: who asks whom, and by which id (RFC 6120 §8.2.3).
fn hash(asks: &str, asked: &str, stanza: &Stanza<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (asks, asked, stanza.attr(Node::ROOT, "id")).hash(&mut hasher);
    hasher.finish()
}

fn key(address: &str) -> String {
    if address.len() <= KEY_BYTES_MAX {
        return address.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    address.hash(&mut hasher);
    // No address begins so.
    format!("@{:x}", hasher.finish())
}

fn seconds(now_ms: u64) -> u32 {
    u32::try_from(now_ms / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read_while_it_counts() {
        let open = Open(vec![(7, 20), (u64::MAX, 10)]);
        assert_eq!(Open::read(&open.written(), 9_999).0, open.0);
        assert_eq!(Open::read(&open.written(), 10_000).0, [(7, 20)]);
        assert!(Open::read(b"neither", 0).0.is_empty());
    }

    #[test]
    fn as_many_as_may_be_open_fit_a_value() {
        assert!(MAX as usize * Open::ENTRY <= 4 << 10);
    }

    #[test]
    fn an_address_that_is_too_long_for_a_key_has_one() {
        assert_eq!(key("a@b.example"), "a@b.example");
        assert!(key(&"x".repeat(1_025)).len() < 64);
    }
}
