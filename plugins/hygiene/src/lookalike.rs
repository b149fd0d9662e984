//! Names that look like others: the letters of other scripts that are drawn as Latin ones.
//!
//! What Unicode's table of confusables (UTS #39) says of small letters, as far as a domain or a name may have them.

/// Each row: a Latin letter, and what looks like it.
const LOOKS_LIKE: [(char, &str); 26] = [
    ('a', "аɑα"),
    ('b', "Ьƅ"),
    ('c', "сϲ"),
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
    ('o', "оοօ0σ"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гɾ"),
    ('s', "ѕʂ"),
    ('t', "тτ"),
    ('u', "սυц"),
    ('v', "ѵν"),
    ('w', "ԝω"),
    ('x', "хχ"),
    ('y', "уγ"),
    ('z', "ʐ"),
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

fn is_within(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|child| child.is_empty() || child.ends_with('.'))
}

/// Whether a name has Latin letters beside Cyrillic or Greek ones: no language writes so.
pub(crate) fn is_mixed(name: &str) -> bool {
    let scripts = name.chars().filter_map(Script::of).collect::<Vec<_>>();
    scripts.iter().any(|script| Some(script) != scripts.first())
}

/// The scripts whose letters are taken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
}

impl Script {
    fn of(c: char) -> Option<Self> {
        match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' if c.is_alphabetic() => Some(Script::Latin),
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' if c.is_alphabetic() => Some(Script::Greek),
            '\u{400}'..='\u{52f}' if c.is_alphabetic() => Some(Script::Cyrillic),
            _ => None,
        }
    }
}

/// An address as its reader would prepare it, near enough: in lower case, of the usual width, without a dot at the end of the domain.
pub(crate) fn prepared(address: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3002}' | '\u{ff61}' => '.',
        c => c,
    };
    let bare = address.split_once('/').map_or(address, |(bare, _)| bare);
    let bare: String = bare.trim().chars().map(narrow).flat_map(char::to_lowercase).collect();
    bare.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_and_is_another_domain_is_found() {
        assert!(is_of("hоme.example", "home.example") && is_of("muc.hоme.example", "home.example"));
        assert!(is_of("h0me.example", "home.example") && is_of("home.example", "h0me.example"));
        for other in ["home.example", "muc.home.example", "hole.example", "nothome.example", "example", ""] {
            assert!(!is_of(other, "home.example"), "{other}");
        }
    }

    #[test]
    fn one_script_with_digits_and_signs_is_not_mixed() {
        for name in ["", "alice-7", "müller", "алиса_7", "αλίκη", "愛麗絲x", "o'neil"] {
            assert!(!is_mixed(name), "{name}");
        }
        assert!(is_mixed("аlice") && is_mixed("aliceα"));
    }

    #[test]
    fn an_address_is_prepared_whatever_it_is() {
        assert_eq!(prepared("Alice@HOME.example./Desk"), "alice@home.example");
        assert_eq!(prepared("ｈｏｍｅ。example"), "home.example");
        assert_eq!(prepared("/@"), "");
    }
}
