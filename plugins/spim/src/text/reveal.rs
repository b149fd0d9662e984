//! What a disguised text was meant to be read as.
//!
//! Words with letters of another script that are drawn alike, with digits or signs for letters, with marks struck through them, and
//! words s p a c e d out are undone. All else stays, and is marked as not suspect: a text in two languages is no disguise.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::lookalikes::{drawn_like, leet};
use super::words::{Class, class};

/// So many single letters in a row are a word spaced out; fewer are initials.
const SPACED_LETTERS_MIN: usize = 4;

/// So many letters of another script that are all drawn like Latin ones are Latin; shorter words are words of that script, too.
const WHOLE_WORD_MIN: u32 = 4;

/// A word longer than this is none: what a word is made of is looked at twice.
const WORD_CHARS_MAX: usize = 128;

/// Of a word in digits and signs so many stand for letters beside each that is one: dates and hashes have more.
const FIGURES_A_LETTER: u32 = 2;

/// Signs in a row that are read as letters.
const SIGNS_MAX: usize = 3;

/// A script that words are revealed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Other,
}

/// A text without its disguise, folded and spaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Revealed {
    pub(crate) text: String,
    /// The bytes of it that were disguised. A find that has none of them is a find in the plain text, or none.
    pub(crate) suspects: Vec<Range<usize>>,
    /// How many words have letters of two scripts.
    pub(crate) mixed: u32,
    /// Whether digits and signs are read as letters.
    pub(crate) is_leet: bool,
}

impl Revealed {
    /// Whether a part of the text was disguised.
    pub(crate) fn was_disguised(&self, part: &Range<usize>) -> bool {
        let next = self.suspects.partition_point(|suspect| suspect.end <= part.start);
        self.suspects.get(next).is_some_and(|suspect| suspect.start < part.end)
    }
}

/// The readings of a normal text, none if nothing in it is disguised.
///
/// There are up to four: without digits for letters, with `1` for `i` and for `l`, and with what is half Latin and half Cyrillic as
/// Cyrillic.
pub(crate) fn reveal(normal: &str) -> Vec<Revealed> {
    if is_plain(normal) { Vec::new() } else { readings(normal) }
}

/// Whether nothing in a text can be disguised: most texts are ASCII, with neither digits nor signs before letters, which bytes tell fast.
fn is_plain(normal: &str) -> bool {
    let (mut length, mut figures, mut singles) = (0, 0, 0);
    for byte in normal.bytes().chain([b' ']) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' if figures > 0 => return false,
            b'a'..=b'z' | b'A'..=b'Z' => length += 1,
            b'0'..=b'9' if length > figures => return false,
            b'0'..=b'9' | b'@' | b'$' | b'!' | b'|' | b'+' => (length, figures) = (length + 1, figures + 1),
            0x80.. => return false,
            _ if length == 0 => {}
            _ => {
                singles = if length == 1 { singles + 1 } else { 0 };
                (length, figures) = (0, 0);
            }
        }
        if singles == SPACED_LETTERS_MIN {
            return false;
        }
    }
    true
}

fn readings(normal: &str) -> Vec<Revealed> {
    let mut plain = Writer::new(None, Script::Latin);
    plain.write(normal);
    let mut readings = Vec::new();
    for one in ['i', 'l'] {
        if plain.has_leet && (one == 'i' || plain.has_one) {
            let mut leet = Writer::new(Some(one), Script::Latin);
            leet.write(normal);
            readings.push(leet.revealed);
        }
    }
    if plain.has_either {
        let mut cyrillic = Writer::new(None, Script::Cyrillic);
        cyrillic.write(normal);
        readings.push(cyrillic.revealed);
    }
    if !plain.revealed.suspects.is_empty() {
        readings.push(plain.revealed);
    }
    readings
}

/// Writes one reading.
struct Writer {
    /// What a `1` is read as, if digits are read as letters.
    one: Option<char>,
    /// What a word of both scripts is read as that may be of either.
    either: Script,
    revealed: Revealed,
    has_leet: bool,
    has_one: bool,
    has_either: bool,
    /// The single letters that were written last, with what stood between each two.
    letters: Vec<char>,
    between: Option<char>,
    letters_begin: usize,
}

impl Writer {
    fn new(one: Option<char>, either: Script) -> Self {
        Writer {
            one,
            either,
            revealed: Revealed { is_leet: one.is_some(), ..Revealed::default() },
            has_leet: false,
            has_one: false,
            has_either: false,
            letters: Vec::new(),
            between: None,
            letters_begin: 0,
        }
    }

    fn write(&mut self, normal: &str) {
        let mut rest = normal;
        while !rest.is_empty() {
            let (word, behind) = rest.split_at(word_end(rest));
            if !word.is_empty() {
                self.word(word);
            }
            let gap_end = behind.find(starts_word).unwrap_or(behind.len());
            let (gap, next) = behind.split_at(gap_end);
            self.gap(gap);
            rest = next;
        }
        self.end_letters();
    }

    fn word(&mut self, word: &str) {
        let mut chars = word.chars();
        if let (Some(single), None) = (chars.next(), chars.next()) {
            if self.letters.is_empty() {
                self.letters_begin = self.revealed.text.len();
            }
            self.letters.push(single);
            self.revealed.text.extend(single.to_lowercase());
            return;
        }
        self.end_letters();
        match alternating(word) {
            Some(letters) => self.spaced_out(&letters),
            None => self.plain_word(word, false),
        }
    }

    /// What stands between two words: one and the same character between all letters of a word that is spaced out.
    fn gap(&mut self, gap: &str) {
        let mut chars = gap.chars();
        let single = chars.next().filter(|_| chars.next().is_none());
        if self.letters.len() == 1 {
            self.between = single;
        }
        if single.is_none() || self.between != single {
            let last = self.letters.last().copied();
            let goes_on = self.letters.len() > 1 && self.letters.len() < SPACED_LETTERS_MIN && single.is_some();
            self.end_letters();
            // The last letter may be the first of another row, as after `I am a c.a.s.i.n.o`.
            if let (true, Some(last)) = (goes_on, last) {
                self.letters_begin = self.revealed.text.len() - last.to_lowercase().map(char::len_utf8).sum::<usize>();
                (self.letters, self.between) = (vec![last], single);
            }
        }
        self.push_gap(gap);
    }

    fn push_gap(&mut self, gap: &str) {
        let text = &mut self.revealed.text;
        for c in gap.chars() {
            match class(c) {
                Class::Space if text.ends_with(' ') => {}
                Class::Space => text.push(' '),
                Class::Letter | Class::Alone => text.extend(c.to_lowercase()),
            }
        }
    }

    fn end_letters(&mut self) {
        let letters = std::mem::take(&mut self.letters);
        self.between = None;
        if letters.len() < SPACED_LETTERS_MIN {
            return;
        }
        let written = self.revealed.text.split_off(self.letters_begin);
        let last = letters.last().map_or(0, |last| last.to_lowercase().map(char::len_utf8).sum());
        let behind = last_gap(&written, last);
        self.spaced_out(&letters.iter().collect::<String>());
        self.revealed.text.push_str(behind);
    }

    fn spaced_out(&mut self, letters: &str) {
        self.plain_word(letters, true);
    }

    fn plain_word(&mut self, word: &str, is_suspect: bool) {
        let look = Look::at(word);
        let script = if look.is_either() { self.either } else { look.script() };
        self.has_either |= look.is_either();
        let is_leet = script == Script::Latin && look.is_leet();
        self.has_leet |= is_leet;
        self.has_one |= is_leet && word.contains(['1', '|', '!']);
        self.revealed.mixed += u32::from(look.is_mixed());
        let begin = self.revealed.text.len();
        let one = self.one.filter(|_| is_leet);
        // Other scripts have marks that are letters; what strikes through is none anywhere.
        let strips_all = look.marks > 0 && look.script() != Script::Other;
        let strips = strips_all || look.overlays > 0;
        let is_stripped = |c: char| is_overlay(c) || (strips_all && is_combining_mark(c));
        for c in word.chars().filter(|c| !is_stripped(*c)) {
            // A Cyrillic letter with its own mark is another letter: й is no и.
            let c = if strips_all && !is_cyrillic(c) { c.nfd().next().unwrap_or(c) } else { c };
            self.letter(c, script, look.is_disguised(), one);
        }
        if is_suspect || look.is_disguised() || strips || one.is_some() {
            self.revealed.suspects.push(begin..self.revealed.text.len());
        }
    }

    fn letter(&mut self, c: char, script: Script, is_disguised: bool, one: Option<char>) {
        let drawn = if is_disguised { drawn_like(c, script).or_else(|| drawn_like(lower(c), script)) } else { None };
        let c = drawn.unwrap_or(c);
        match one.and_then(|one| leet(c, one)) {
            Some(letter) => self.revealed.text.push(letter),
            None => self.revealed.text.extend(c.to_lowercase()),
        }
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// What was written behind the last single letter, which has so many bytes.
fn last_gap(written: &str, letter_bytes: usize) -> &str {
    let letter = written.char_indices().rev().find(|(_, c)| class(*c) == Class::Letter);
    letter.and_then(|(at, _)| written.get(at + letter_bytes..)).unwrap_or_default()
}

/// The letters of `c!a!s!i!n!o`, where the sign may itself be read as a letter.
fn alternating(word: &str) -> Option<String> {
    let between = word.chars().nth(1).filter(|c| is_sign(*c))?;
    let letters: String = word.chars().step_by(2).collect();
    let is_even = word.chars().skip(1).step_by(2).all(|c| c == between);
    let are_letters = letters.chars().all(char::is_alphanumeric);
    (is_even && are_letters && letters.chars().count() >= SPACED_LETTERS_MIN).then_some(letters)
}

fn is_sign(c: char) -> bool {
    matches!(c, '@' | '$' | '!' | '|' | '+' | '€')
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, 'Ѐ'..='ԯ')
}

/// Tildes, strokes and solidi through letters.
fn is_overlay(c: char) -> bool {
    matches!(c, '\u{334}'..='\u{338}')
}

/// Whether a character begins or continues a word, or is drawn like one that does.
fn starts_word(c: char) -> bool {
    match class(c) {
        Class::Letter => true,
        Class::Space => false,
        Class::Alone => !c.is_ascii() && !is_sign(c) && drawn_like(c, Script::Latin).is_some(),
    }
}

/// Where the word at the beginning of a text ends; signs between its letters belong to it.
fn word_end(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices().take(WORD_CHARS_MAX) {
        let is_between = || {
            let behind = text.get(at..).unwrap_or_default().chars().take(SIGNS_MAX + 1).skip_while(|c| is_sign(*c));
            at > 0 && is_sign(c) && behind.take(1).any(starts_word)
        };
        if !starts_word(c) && !is_between() {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// What a word is made of.
#[derive(Debug, Default)]
struct Look {
    latin: u32,
    /// Digits, signs that are read as letters, and what is drawn like a digit.
    figures: u32,
    /// Letters of other scripts that are drawn like Latin ones, and of them those that are hard to tell from Latin ones.
    drawn: u32,
    alike: u32,
    /// Letters that no alphabet of today has: small capitals, letters in boxes, historic scripts.
    odd: u32,
    /// Letters that are drawn like no Latin one, and of them the Cyrillic ones.
    foreign: u32,
    cyrillic: u32,
    /// Cyrillic letters that are drawn like Latin ones to who looks twice.
    unlike: u32,
    marks: u32,
    /// Marks that strike letters through.
    overlays: u32,
}

impl Look {
    fn at(word: &str) -> Self {
        let mut look = Look::default();
        word.chars().for_each(|c| look.add(c));
        look
    }

    fn add(&mut self, c: char) {
        if c.is_ascii_alphabetic() {
            self.latin += 1;
        } else if c.is_ascii_digit() || is_sign(c) {
            self.figures += 1;
        } else if is_combining_mark(c) {
            self.marks += 1;
            self.overlays += u32::from(is_overlay(c));
        } else if let Some(letter) = drawn_like(c, Script::Latin) {
            self.drawn += 1;
            self.figures += u32::from(letter.is_ascii_digit());
            self.alike += u32::from(WHOLE.contains(c));
            self.unlike += u32::from(is_cyrillic(c) && !WHOLE.contains(c));
            self.odd += u32::from(!is_of_today(c));
        } else if matches!(c, 'À'..='ɏ') {
            self.latin += 1;
        } else {
            self.foreign += 1;
            self.cyrillic += u32::from(is_cyrillic(c));
        }
    }

    /// The script the word is meant in.
    fn script(&self) -> Script {
        match (self.foreign, self.cyrillic) {
            (0, _) => Script::Latin,
            (foreign, cyrillic) if foreign == cyrillic => Script::Cyrillic,
            _ => Script::Other,
        }
    }

    /// Whether a word of both scripts may be meant in either.
    fn is_either(&self) -> bool {
        self.foreign == 0 && self.latin > 0 && self.unlike > 0
    }

    fn is_mixed(&self) -> bool {
        let others = if self.script() == Script::Latin { self.drawn } else { self.cyrillic };
        self.latin > 0 && others > 0
    }

    fn is_disguised(&self) -> bool {
        match self.script() {
            Script::Latin => {
                let is_whole = self.alike >= WHOLE_WORD_MIN && self.alike == self.drawn;
                self.drawn > 0 && (self.latin > 0 || is_whole || self.odd >= SPACED_LETTERS_MIN as u32 - 1)
            }
            Script::Cyrillic => self.latin > 0 || self.figures > 0,
            Script::Other => false,
        }
    }

    fn is_leet(&self) -> bool {
        let letters = self.latin + self.drawn;
        letters > 1 && self.figures > 0 && self.figures <= letters * FIGURES_A_LETTER
    }
}

/// Letters of living alphabets that are hard to tell from Latin ones. Whole words of them are words of those alphabets as well.
const WHOLE: &str = "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅοιανρυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";

/// Greek, Cyrillic, Armenian, Hebrew, Arabic, the scripts of India, Georgian; and numbers and signs.
fn is_of_today(c: char) -> bool {
    matches!(c, '\u{a1}'..='\u{24f}' | '\u{370}'..='\u{10ff}' | '\u{2000}'..='\u{2bff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_looks_plain_at_once_is_plain(text in "[ab1 .!@$_-]{0,24}") {
            prop_assert!(!is_plain(&text) || readings(&text).is_empty(), "{:?} reads as {:?}", text, readings(&text));
        }
    }

    fn texts(text: &str) -> Vec<String> {
        reveal(text).into_iter().map(|reading| reading.text).collect()
    }

    fn reads(text: &str, as_what: &str) {
        assert!(texts(text).iter().any(|reading| reading == as_what), "{text:?} reads as {:?}", texts(text));
    }

    #[test]
    fn letters_of_other_scripts_are_read_as_those_they_look_like() {
        reads("bеst саsinо", "best casino");
        reads("вы выигpали kaзинo", "вы выиграли казино");
        reads("ᴄᴀsɪɴᴏ", "casino");
        reads("🇨🇦🇸🇮🇳🇴", "casino");
        reads("🅲🅰🆂🅸🅽🅾", "casino");
        reads("ΒΕΤ casίno", "βετ casino");
    }

    #[test]
    fn digits_and_signs_are_read_as_letters() {
        reads("v1agra c@$ino", "viagra casino");
        reads("c@$1n0 v14gr4", "casino viagra");
        reads("go1d fr33", "gold free");
    }

    #[test]
    fn words_that_are_spaced_out_are_read_as_words() {
        reads("best c a s i n o  b o n u s now", "best casino bonus now");
        reads("c.a.s.i.n.o", "casino");
        reads("I am a c-a-s-i-n-o!", "i am a casino!");
        reads("c🎰a🎰s🎰i🎰n🎰o", "casino");
        reads("c!a!s!i!n!o", "casino");
        reads("с a s і n о", "casino");
    }

    #[test]
    fn marks_over_letters_do_not_hide_them() {
        let struck = |text: &str| text.chars().flat_map(|c| [c, '\u{336}']).collect::<String>();
        for word in ["casino", "рассылка", "займ", "ставки", "ελλάδα"] {
            reads(&struck(word), word);
        }
        assert_eq!(reveal("हिन्दी עִבְרִית"), []);
    }

    #[test]
    fn honest_texts_are_not_suspect() {
        for text in [
            "See you at eight, J. R. R. Tolkien!",
            "Привет, как дела? Рост цен, сор, комета, автомат",
            "Γειά σου Κόσμε",
            "नमस्ते दुनिया",
            "مرحبا بالعالم",
            "šalom żółć ĳsvogel naïve año",
            "澳门 カジノ 카지노",
            "a, b and c",
        ] {
            assert_eq!(reveal(text), [], "{text}");
        }
    }

    #[test]
    fn only_what_was_disguised_is_suspect() {
        let reading = reveal("best саsіnо bonus").remove(0);
        assert_eq!(reading.text, "best casino bonus");
        assert!(reading.was_disguised(&(0..11)) && reading.was_disguised(&(5..6)));
        assert!(!reading.was_disguised(&(0..5)) && !reading.was_disguised(&(11..17)));
        assert_eq!(reading.mixed, 1);
    }
}
