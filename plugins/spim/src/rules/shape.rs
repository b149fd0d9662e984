//! What a text looks like.

use std::collections::BTreeSet;

use crate::text::{Class, Views, class, is_format};

/// Shorter texts look like anything.
const SYMBOLS_CHARS_MIN: usize = 20;

/// Whether a text has so many links.
pub(super) fn has_links(body: &Views, at_least: u32) -> bool {
    let is_link = |host: &str, has_scheme| has_scheme || host.starts_with("www.");
    let links = body.mentions().filter(|one| one.local.is_none() && is_link(one.host, one.has_scheme));
    // One may be told twice.
    links.map(|one| one.at).collect::<BTreeSet<_>>().len() as u64 >= u64::from(at_least)
}

/// Whether a text calls so many people: `@alice @bob`.
pub(super) fn has_mentions(body: &Views, at_least: u32) -> bool {
    let is_call = |word: &&str| word.strip_prefix('@').is_some_and(|name| name.starts_with(char::is_alphanumeric));
    body.normal().split_whitespace().filter(is_call).count() as u64 >= u64::from(at_least)
}

/// Whether so many of a hundred characters are neither letters nor digits nor usual punctuation.
pub(super) fn has_symbols(body: &Views, percent: u32) -> bool {
    let (mut all, mut symbols) = (0, 0);
    for c in body.normal().chars().filter(|c| class(*c) != Class::Space) {
        all += 1;
        symbols += usize::from(!c.is_alphanumeric() && class(c) == Class::Alone && !".,!?'\"()-:;/…".contains(c));
    }
    all >= SYMBOLS_CHARS_MIN && symbols * 100 >= all * percent as usize
}

/// Whether so many words have letters of two scripts.
pub(super) fn has_mixed_scripts(body: &Views, at_least: u32) -> bool {
    body.revealed().iter().any(|reading| reading.mixed >= at_least)
}

/// Whether so many invisible characters stand between letters of scripts that need none there.
///
/// Persian and the scripts of India have joiners in words, German soft hyphens, Hebrew and Arabic marks of direction beside them.
pub(super) fn has_hidden_characters(body: &Views, at_least: u32) -> bool {
    if body.raw().is_ascii() {
        return false;
    }
    let needs_none = |c: char| c.is_ascii_alphanumeric() || matches!(c, 'À'..='ɏ' | 'Ͱ'..='ԯ');
    let (mut hidden, mut before, mut within) = (0, false, 0);
    for c in body.raw().chars() {
        if is_format(c) && c != '\u{ad}' {
            within += u32::from(before);
            continue;
        }
        let is_letter = needs_none(c);
        hidden += if is_letter { within } else { 0 };
        (before, within) = (is_letter, 0);
    }
    hidden >= at_least
}

/// Whether a text has so many characters.
pub(super) fn is_long(body: &Views, at_least: u32) -> bool {
    body.raw().len() >= at_least as usize && body.raw().chars().count() >= at_least as usize
}

/// Whether a text begins encryption by OTR, which hides what follows from every filter.
pub(super) fn begins_otr(body: &Views) -> bool {
    body.raw().trim_start().starts_with("?OTR")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Views {
        Views::of(text.to_owned())
    }

    #[test]
    fn links_and_calls_are_counted() {
        assert!(has_links(&of("https://a.example www.b.example http://c.example/x"), 3));
        assert!(!has_links(&of("a.example, mail bob@b.example, version 1.2.3, and so.on"), 1));
        assert!(has_mentions(&of("@alice @bob, @eve"), 3) && !has_mentions(&of("alice@a.example @ noon"), 1));
    }

    #[test]
    fn symbols_are_weighed_against_letters() {
        assert!(has_symbols(&of("💰💰💰 $$$ FREE $$$ 💰💰💰 ★★★★★"), 40));
        assert!(!has_symbols(&of("Привет! Как дела? (Хорошо, спасибо...) \"Да\""), 40));
        assert!(!has_symbols(&of("नमस्ते दुनिया कैसे हैं आप सब लोग"), 40));
        assert!(!has_symbols(&of("👍👍"), 40));
    }

    #[test]
    fn only_what_hides_within_words_is_hidden() {
        assert!(has_hidden_characters(&of("ca\u{200b}si\u{200d}no"), 2));
        for honest in [
            "می\u{200c}خواهم می\u{200c}روم",
            "\u{200f}שלום\u{200f} a",
            "👩\u{200d}💻👨\u{200d}👩\u{200d}👧",
            "Do\u{ad}nau\u{ad}dampf",
        ] {
            assert!(!has_hidden_characters(&of(honest), 1), "{honest}");
        }
    }
}
