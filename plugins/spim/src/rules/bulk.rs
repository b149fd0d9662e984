//! Campaigns: the same text from many, to many, and requests by the dozen. What was seen is kept by the proxy, for all instances.

use std::time::Duration;

use refrain_sdk::{Address, Bucket, Limiter, Problem, Setup};

use super::table::{Book, Entry};
use super::{BUCKET, Seen};
use crate::settings::RuleName as Name;
use crate::text::Views;

/// Shorter texts are said by many people.
const LETTERS_MIN: usize = 40;

/// Whose number is kept of one text: a value may have 4 KiB.
const COUNTED_MAX: usize = 256;

/// Bodies of one message that are compared; an honest one has one in a language or two.
const BODIES_MAX: usize = 4;

/// What is counted over time.
#[derive(Debug)]
pub(super) struct Bulk {
    texts: Option<Bucket>,
    senders: Option<Entry>,
    recipients: Option<Entry>,
    subscriptions: Option<Limiter>,
}

impl Bulk {
    pub(super) fn new(book: &Book, setup: &mut Setup) -> Result<Self, Problem> {
        let (senders, recipients) = (book.get(Name::ManySenders), book.get(Name::ManyRecipients));
        let texts = if senders.is_some() || recipients.is_some() { Some(setup.bucket(BUCKET)?) } else { None };
        let subscriptions = match book.get(Name::SubscriptionBurst) {
            None => None,
            Some(burst) => {
                // The one after as many as may be is the first of too many.
                let may_be = burst.at_least.saturating_sub(1).max(1);
                let per_second = f64::from(burst.at_least) / (f64::from(burst.minutes) * 60.0);
                Some(setup.limiter("subscriptions", may_be, per_second)?)
            }
        };
        Ok(Bulk { texts, senders, recipients, subscriptions })
    }

    /// Whether this request of a domain is one too many.
    pub(super) fn is_burst(&self, sender: Address<'_>) -> bool {
        self.subscriptions.is_some_and(|limiter| !limiter.take(sender.domain()))
    }

    /// Counts the bodies of a message.
    pub(super) fn look(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        let Some(bucket) = self.texts else { return };
        let (sender, recipient) = (seen.head.sender(), seen.head.recipient());
        for body in seen.bodies().take(BODIES_MAX) {
            let Some(text) = fingerprint(body, recipient) else { continue };
            if let Some(rule) = &self.senders
                && count(bucket, &format!("senders {text:016x}"), sender.bare(), rule) >= rule.at_least
            {
                hit(Name::ManySenders);
            }
            if let Some(rule) = &self.recipients
                && count(bucket, &format!("recipients {text:016x} {}", sender.bare()), recipient.bare(), rule)
                    >= rule.at_least
            {
                hit(Name::ManyRecipients);
            }
        }
    }
}

/// Notes somebody under a key, and tells how many are noted there.
fn count(bucket: Bucket, key: &str, who: &str, rule: &Entry) -> u32 {
    let who = hash(who.as_bytes(), FNV_OFFSET).to_le_bytes();
    let mut noted = bucket.get(key).unwrap_or_default();
    let is_noted = noted.chunks(who.len()).any(|one| one == who);
    if !is_noted && noted.len() / who.len() < COUNTED_MAX {
        noted.extend(who);
    }
    // Two workers at once may forget each other's; the next sender makes up for it. Without room nothing is counted.
    let _ = bucket.set(key, &noted, Duration::from_secs(u64::from(rule.minutes) * 60));
    (noted.len() / who.len()) as u32
}

/// A number for what a text says, whomever it greets, whatever numbers and links it has; `None` if that is too little.
fn fingerprint(body: &Views, recipient: Address<'_>) -> Option<u64> {
    let reading = body.revealed().first().map_or(body.folded(), |reading| reading.text.as_str());
    let name = recipient.local().unwrap_or_default();
    let is_said = |word: &&str| !word.contains(['/', '@']) && word.trim_matches(|c: char| !c.is_alphanumeric()) != name;
    let (mut letters, mut said) = (0, FNV_OFFSET);
    for c in reading.split_whitespace().filter(is_said).flat_map(str::chars).filter(|c| c.is_alphabetic()) {
        // An ideograph says as much as some letters.
        letters += if c.len_utf8() > 2 { 3 } else { 1 };
        said = hash(c.encode_utf8(&mut [0; 4]).as_bytes(), said);
    }
    (letters >= LETTERS_MIN).then_some(said)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: whoever makes two texts of one number gains nothing by it.
fn hash(bytes: &[u8], from: u64) -> u64 {
    bytes.iter().fold(from, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<u64> {
        fingerprint(&Views::of(text.to_owned()), Address::of("alice@home.example"))
    }

    #[test]
    fn a_text_is_the_same_with_other_names_numbers_and_links() {
        let one =
            number("Hi alice, we have 500 good news for you, our new casino opens in the town: https://a.example/1");
        assert!(one.is_some());
        assert_eq!(
            one,
            number(
                "Hi alice! We have 900 good news for you... our new casino opens in the town! https://b.example/xyz"
            )
        );
        assert_eq!(one, number("Hi, we have good news for you, our new саsino opens in the town"));
        assert_ne!(one, number("Hi alice, we have bad news for you, our old casino closes"));
    }

    #[test]
    fn what_is_short_is_said_by_many() {
        assert_eq!(number("See you at eight"), None);
        assert!(number("澳门赌场欢迎您注册即送现金红包天天返利").is_some());
    }
}
