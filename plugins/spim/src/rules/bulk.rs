//! Campaigns: the same text from many, to many, and requests by the dozen. What was seen is kept by the proxy, for all instances.

use std::time::Duration;

use refrain_sdk::{Address, Bucket, Limiter, Problem, Selector, Setup};

use super::table::{Book, Entry};
use super::{BUCKET, Seen, shape};
use crate::settings::{Field, RuleName as Name};
use crate::text::Views;

/// Shorter texts are said by many people.
const LETTERS_MIN: usize = 40;

/// How many may have to be counted: a value has 4 KiB for them.
pub(super) const COUNTED_MAX: u32 = 256;

/// Marks of a fallback that are looked at; honest ones have one or two.
const FALLBACKS_MAX: u32 = 8;

/// Texts of one stanza that are compared; an honest one has one in a language or two, and a subject.
const TEXTS_MAX: usize = 8;

/// What is counted over time.
#[derive(Debug)]
pub(super) struct Bulk {
    texts: Option<Bucket>,
    senders: Option<Entry>,
    recipients: Option<Entry>,
    subscriptions: Option<Limiter>,
    encryption: Selector,
    fallback: Selector,
    captcha: Selector,
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
        let encryption = setup.selector("{urn:xmpp:eme:0}encryption")?;
        let fallback = setup.selector("{urn:xmpp:fallback:0}fallback")?;
        let captcha = setup.selector("{urn:xmpp:captcha}captcha")?;
        Ok(Bulk { texts, senders, recipients, subscriptions, encryption, fallback, captcha })
    }

    /// Whether this request of a domain is one too many.
    pub(super) fn is_burst(&self, sender: Address<'_>) -> bool {
        self.subscriptions.is_some_and(|limiter| !limiter.take(sender.domain()))
    }

    /// Counts what somebody says, but not what a client wrote.
    pub(super) fn look(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        let Some(bucket) = self.texts else { return };
        let (sender, recipient) = (seen.head.sender(), seen.head.recipient());
        let count = |key: &str, who, rule| count(bucket, key, who, rule, seen.head.now_ms / 1_000);
        let said =
            [Field::Body, Field::Subject, Field::Status, Field::Invite].into_iter().flat_map(|field| seen.of(field));
        let said: Vec<_> = said.take(TEXTS_MAX).filter_map(|text| fingerprint(text, recipient)).collect();
        if said.is_empty() || self.is_automatic(seen) {
            return;
        }
        for text in said {
            if let Some(rule) = &self.senders
                && count(&format!("senders {text:016x}"), sender.bare(), rule) >= rule.at_least
            {
                hit(Name::ManySenders);
            }
            if let Some(rule) = &self.recipients
                && count(&format!("recipients {text:016x} {}", sender.bare()), recipient.bare(), rule) >= rule.at_least
            {
                hit(Name::ManyRecipients);
            }
        }
    }

    /// Whether the body is the same from everybody: what a client shows that cannot do more, beside an encrypted payload (XEP-0380 names
    /// those that the proxy does not know), in OTR, or marked as such (XEP-0428); or what a server says that asks who is human (XEP-0158).
    fn is_automatic(&self, seen: &Seen<'_>) -> bool {
        let Seen { head, stanza, .. } = seen;
        let is_whole = |fallback| {
            let parts = stanza.children(fallback);
            // XEP-0428 §3: without a range it is all of the body. A reply's quotation has one, and is followed by what somebody wrote.
            let mut bodies = parts.iter().filter(|part| part.name == "body");
            parts.is_empty() || bodies.any(|body| stanza.attr(body.node, "start").is_none())
        };
        head.is_encrypted()
            || seen.bodies().any(shape::begins_otr)
            || stanza.test(self.encryption)
            || stanza.test(self.captcha)
            || stanza.find(self.fallback, FALLBACKS_MAX).into_iter().any(is_whole)
    }
}

/// Notes somebody under a key, and tells how many were noted there within the time of the rule.
fn count(bucket: Bucket, key: &str, who: &str, rule: &Entry, now_seconds: u64) -> u32 {
    let window = Duration::from_secs(u64::from(rule.minutes) * 60);
    let mut noted = Noted::read(&bucket.get(key).unwrap_or_default(), now_seconds, window);
    if noted.add(hash(who.as_bytes(), FNV_OFFSET), now_seconds, rule.at_least) {
        // Two workers at once may forget each other's; the next sender makes up for it. Without room nothing is counted.
        let _ = bucket.set(key, &noted.write(), window);
    }
    noted.0.len() as u32
}

/// Who was noted, and in which second.
#[derive(Debug)]
struct Noted(Vec<(u64, u64)>);

impl Noted {
    /// Those of a value whose time is not over.
    fn read(value: &[u8], now_seconds: u64, window: Duration) -> Self {
        let number = |bytes: &[u8]| Some(u64::from_le_bytes(bytes.try_into().ok()?));
        let one = |one: &[u8]| one.split_at_checked(8).and_then(|(who, at)| Some((number(who)?, number(at)?)));
        let is_fresh = |(_, at): &(u64, u64)| now_seconds.checked_sub(*at).is_some_and(|age| age < window.as_secs());
        Noted(value.chunks(16).filter_map(one).filter(is_fresh).collect())
    }

    /// Notes somebody who is not; whether that changed anything. Whoever is noted keeps the time of the first message.
    ///
    /// Of those who came last as many are kept as make a campaign: that there are more changes nothing.
    fn add(&mut self, who: u64, now_seconds: u64, most: u32) -> bool {
        let is_new = self.0.iter().all(|(noted, _)| *noted != who);
        if is_new {
            let too_many = (self.0.len() + 1).saturating_sub(most.min(COUNTED_MAX) as usize);
            self.0.drain(..too_many);
            self.0.push((who, now_seconds));
        }
        is_new
    }

    fn write(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(who, at)| [who.to_le_bytes(), at.to_le_bytes()]).flatten().collect()
    }
}

/// A number for what a text says, whomever it greets, whatever numbers, codes, links and addresses it has; `None` if that is too little.
fn fingerprint(text: &Views, recipient: Address<'_>) -> Option<u64> {
    // With digits read as letters a price would be a word.
    let reading =
        text.revealed().iter().find(|reading| !reading.is_leet).map_or(text.folded(), |reading| &reading.text);
    if reading.len() < LETTERS_MIN {
        return None;
    }
    let name = recipient.local().unwrap_or_default();
    let is_said = |word: &&str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        bare != name && !word.contains(|c: char| matches!(c, '/' | '@') || c.is_numeric()) && !bare.contains('.')
    };
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
        let sent = |price: &str, code: &str, place: &str| {
            number(&format!(
                "We sell the best of watches for {price} only, say {code} and see {place} for more of them"
            ))
        };
        assert_eq!(sent("37usd", "A7H3Q1", "oakshop.example"), sent("74usd", "B2K9", "bob@elm.example"));
    }

    #[test]
    fn whoever_was_noted_is_forgotten_one_by_one() {
        const HOUR: Duration = Duration::from_secs(3_600);
        let after = |noted: &Noted, seconds| Noted::read(&noted.write(), seconds, HOUR);
        let mut noted = Noted(Vec::new());
        assert!(noted.add(1, 0, 5) && noted.add(2, 1_800, 5));
        assert!(!noted.add(1, 3_000, 5), "a repetition renews nothing");
        assert_eq!(after(&noted, 3_599).0, [(1, 0), (2, 1_800)]);
        assert_eq!(after(&noted, 3_600).0, [(2, 1_800)]);
        assert_eq!(after(&noted, 5_400).0, []);
        assert_eq!(Noted::read(b"odd", 0, HOUR).0, []);
    }

    #[test]
    fn of_those_who_came_last_as_many_are_noted_as_are_counted() {
        let mut noted = Noted(Vec::new());
        (0..9).for_each(|who| _ = noted.add(who, who, 5));
        assert_eq!(noted.0.iter().map(|(who, _)| *who).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
        (0..2_000).for_each(|who| _ = noted.add(who, 0, u32::MAX));
        assert!(noted.write().len() <= 4 << 10);
    }

    #[test]
    fn what_is_short_is_said_by_many() {
        assert_eq!(number("See you at eight"), None);
        assert!(number("澳门赌场欢迎您注册即送现金红包天天返利").is_some());
    }
}
