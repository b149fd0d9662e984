//! `jabber:x:oob` beside a message or presence: the URL goes, what else was said stays.

use refrain_sdk::{Condition, EditError, Head, Kind, Problem, Selector, Setup, Stanza, StanzaType, Verdict};

use crate::Mechanism;

/// An honest message has one URL. Each more costs a pass over the bodies.
const URLS_MAX: usize = 16;

/// Strips out of band data.
#[derive(Debug)]
pub(crate) struct OutOfBand {
    data: Selector,
    urls: Selector,
    bodies: Selector,
    html: Selector,
    challenge: Selector,
}

impl OutOfBand {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(OutOfBand {
            data: setup.selector("{jabber:x:oob}x")?,
            urls: setup.selector("{jabber:x:oob}x/{jabber:x:oob}url")?,
            bodies: setup.selector("body")?,
            html: setup.selector("{http://jabber.org/protocol/xhtml-im}html")?,
            challenge: setup.selector("{urn:xmpp:captcha}captcha/{jabber:x:data}x")?,
        })
    }

    /// Passes the stanza without its out of band data, or refuses it if nothing else is in it.
    pub(crate) fn strip(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        if self.is_challenge(head, stanza) {
            return Verdict::Pass;
        }
        stanza.reason(Mechanism::Oob.reason());
        match self.remove(stanza) {
            // Of presence nothing is lost; an error is not answered, and whoever waits for it must have it.
            Ok(_) if head.kind == Kind::Presence || head.stanza_type == StanzaType::Error => Verdict::Pass,
            Ok(Remains::Text) => Verdict::Pass,
            // What is encrypted is the message; its body only says so.
            Ok(Remains::Nothing) if head.is_encrypted() => Verdict::Pass,
            Ok(Remains::Nothing) | Err(_) => {
                let refusal = Verdict::bounce(Condition::PolicyViolation).text("File transfer is not allowed here");
                refusal.if_answerable(head)
            }
        }
    }

    /// XEP-0158 §3.1.2: a server or a room asks who wants to write for a proof of humanity, and out of band data is one way to it. Users
    /// write from full JIDs.
    fn is_challenge(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        head.kind == Kind::Message && !head.from.contains('/') && stanza.test(self.challenge)
    }

    fn remove(&self, stanza: &Stanza<'_>) -> Result<Remains, EditError> {
        stanza.remove_all(self.data)?;
        // It says the same as the body, as a link.
        stanza.remove_all(self.html)?;
        let urls = stanza.texts(self.urls, URLS_MAX as u32 + 1);
        if urls.len() > URLS_MAX {
            return Ok(Remains::Nothing);
        }
        let mut remains = Remains::Nothing;
        let texts = stanza.texts(self.bodies, u32::MAX);
        for (body, text) in stanza.find(self.bodies, u32::MAX).into_iter().zip(texts) {
            let stripped = without(&text, &urls);
            if stripped.is_empty() {
                stanza.remove(body)?;
                continue;
            }
            remains = Remains::Text;
            if stripped != text {
                stanza.set_text(body, &stripped)?;
            }
        }
        Ok(remains)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Remains {
    Text,
    Nothing,
}

/// The text without the words that have one of these URLs in them: with it goes what is attached, such as a fragment or a bracket.
fn without(text: &str, urls: &[String]) -> String {
    let urls: Vec<_> = urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty() && text.contains(url)).collect();
    if urls.is_empty() {
        return if text.trim().is_empty() { String::new() } else { text.to_owned() };
    }
    let is_kept = |word: &&str| !urls.iter().any(|url| word.contains(url));
    let kept: String = text.split_inclusive(char::is_whitespace).filter(is_kept).collect();
    // What has white space inside is no URL, but is not kept for that.
    let kept = urls.iter().fold(kept, |kept, url| kept.replace(url, ""));
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_url_and_leaves_the_rest() {
        let urls = ["https://up.example/a.jpg".to_owned(), " ".to_owned()];
        assert_eq!(without("https://up.example/a.jpg", &urls), "");
        assert_eq!(without("look: https://up.example/a.jpg ", &urls), "look:");
        assert_eq!(without("the cat (https://up.example/a.jpg#top) sits", &urls), "the cat sits");
        assert_eq!(without("an  a b  c", &["a b".to_owned()]), "an    c");
        assert_eq!(without(" two  spaces ", &urls), " two  spaces ");
        assert_eq!(without("\n", &urls), "");
    }
}
