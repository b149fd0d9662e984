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

/// Whether a domain is another one than `hosted` and looks the same.
pub(crate) fn is_of(domain: &str, hosted: &str) -> bool {
    domain != hosted && skeleton(domain) == skeleton(hosted)
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
