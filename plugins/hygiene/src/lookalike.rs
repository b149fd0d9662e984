//! Names that look like others: the letters of other scripts that are drawn as Latin ones.
//!
//! What Unicode's table of confusables (UTS #39) says of small letters, as far as a domain or a name may have them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Each row: a Latin letter, and what looks like it.
const LOOKS_LIKE: [(char, &str); 26] = [
    ('a', "аɑα"),
    ('b', "Ьƅ"),
    ('c', "сϲᴄ"),
    ('d', "ԁɗ"),
    ('e', "еєҽ"),
    ('f', "ƒ"),
    ('g', "ɡց"),
    ('h', "һհ"),
    ('i', "іıɩι"),
    ('j', "јϳ"),
    ('k', "кκ"),
    ('l', "ӏ1ⅼǀ"),
    ('m', "мⅿ"),
    ('n', "ոпη"),
    ('o', "оοօ0σᴏ"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гɾ"),
    ('s', "ѕʂꜱ"),
    ('t', "тτ"),
    ('u', "սυц"),
    ('v', "ѵνᴠ"),
    ('w', "ԝωᴡ"),
    ('x', "хχ"),
    ('y', "уγ"),
    ('z', "ʐᴢ"),
];

/// A name as it looks.
fn skeleton(name: &str) -> String {
    name.chars().map(latin).collect()
}

fn latin(c: char) -> char {
    if c.is_ascii_lowercase() {
        return c;
    }
    LOOKS_LIKE.iter().find(|(_, others)| others.contains(c)).map_or(c, |(letter, _)| *letter)
}

/// Whether a domain looks like `hosted`, or like a subdomain of it, and is none.
pub(crate) fn is_of(domain: &str, hosted: &str) -> bool {
    !is_within(domain, hosted) && is_within(&skeleton(domain), &skeleton(hosted))
}

pub(crate) fn is_within(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|child| child.is_empty() || child.ends_with('.'))
}

/// Whether a name shows an address of `hosted`, or of a domain that looks like it.
pub(crate) fn shows(name: &str, hosted: &str) -> bool {
    let is_hosted = |domain| is_within(&skeleton(&prepared(domain)), &skeleton(hosted));
    name.split('@').skip(1).any(is_hosted)
}

/// Whether a word has Latin letters beside those of another script that looks like it: no language writes so.
pub(crate) fn is_mixed(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).any(|word| {
        let mut scripts = word.chars().filter_map(Script::of);
        let first = scripts.next();
        scripts.any(|script| Some(script) != first)
    })
}

/// The scripts whose letters are taken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
}

impl Script {
    fn of(c: char) -> Option<Self> {
        match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' if c.is_alphabetic() => Some(Script::Latin),
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' if c.is_alphabetic() => Some(Script::Greek),
            '\u{400}'..='\u{52f}' if c.is_alphabetic() => Some(Script::Cyrillic),
            '\u{531}'..='\u{587}' if c.is_alphabetic() => Some(Script::Armenian),
            _ => None,
        }
    }
}

/// An address as its reader would prepare it, near enough: in lower case, in the usual form of its letters (NFKC), without what nobody
/// sees and without a dot at the end of the domain.
pub(crate) fn prepared(address: &str) -> String {
    let bare = address.split_once('/').map_or(address, |(bare, _)| bare);
    let dotted = |c| if c == '\u{3002}' { '.' } else { c };
    let seen = bare.trim().chars().filter(|c| !is_ignorable(*c)).nfkc().map(dotted);
    let prepared: String = seen.flat_map(char::to_lowercase).nfkc().collect();
    prepared.trim_end_matches('.').to_owned()
}

/// What Unicode calls ignorable (`Default_Ignorable_Code_Point`), as far as a text may have it.
fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// XEP-0106 §4: what is written so in a local part, and shown as one character.
const ESCAPES: [(&str, &str); 10] = [
    (r"\20", " "),
    (r"\22", "\""),
    (r"\26", "&"),
    (r"\27", "'"),
    (r"\2f", "/"),
    (r"\3a", ":"),
    (r"\3c", "<"),
    (r"\3e", ">"),
    (r"\40", "@"),
    (r"\5c", r"\"),
];

/// A local part as clients show it.
pub(crate) fn unescaped(local: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(local.len()), local);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let (written, meant) =
            ESCAPES.into_iter().find(|(written, _)| escape.starts_with(written)).unwrap_or((r"\", r"\"));
        shown.extend([before, meant]);
        rest = &escape[written.len()..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_and_is_another_domain_is_found() {
        assert!(is_of("hоme.example", "home.example") && is_of("muc.hоme.example", "home.example"));
        assert!(is_of("hᴏme.example", "home.example"));
        assert!(is_of("h0me.example", "home.example") && is_of("home.example", "h0me.example"));
        for other in ["home.example", "muc.home.example", "hole.example", "nothome.example", "example", ""] {
            assert!(!is_of(other, "home.example"), "{other}");
        }
    }

    #[test]
    fn one_script_with_digits_and_signs_is_not_mixed() {
        for name in ["", "alice-7", "müller", "алиса_7", "αλίκη", "愛麗絲x", "o'neil", "linux-чат", "иван@mail.ru"]
        {
            assert!(!is_mixed(name), "{name}");
        }
        assert!(is_mixed("аlice") && is_mixed("aliceα") && is_mixed("hօme") && is_mixed("q\u{301}а"));
    }

    #[test]
    fn an_address_is_prepared_whatever_it_is() {
        assert_eq!(prepared("Alice@HOME.example./Desk"), "alice@home.example");
        assert_eq!(prepared("ｈｏｍｅ。example"), "home.example");
        assert_eq!(prepared("ho\u{ad}me\u{200b}.exampleⓈ"), "home.examples");
        assert_eq!(prepared("/@"), "");
    }

    #[test]
    fn a_local_part_is_shown_without_its_escapes() {
        assert_eq!(unescaped(r"admin\40home.example"), "admin@home.example");
        assert_eq!(unescaped(r"\20a\5c20b\zз\"), r" a\20b\zз\");
        assert!(shows("admin@hоme.example", "home.example") && shows("a@b@home.example/x", "home.example"));
        assert!(!shows("admin@mail.example", "home.example"));
    }
}
