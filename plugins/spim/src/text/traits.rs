//! What each character is in a word that may be disguised; most are more than one thing.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::look::Script;
use super::lookalikes::drawn_like;
use super::words::{Class, class, has_no_spaces, is_alphanumeric};

/// It begins or continues a word, or is drawn like one that does.
pub(super) const WORD: u16 = 1;
/// A letter of a script without spaces between words.
pub(super) const SINGLE: u16 = 1 << 1;
/// A digit, or a sign that is read as a letter.
pub(super) const FIGURE: u16 = 1 << 2;
pub(super) const SIGN: u16 = 1 << 3;
pub(super) const LATIN: u16 = 1 << 4;
/// A Latin letter with an accent.
pub(super) const ACCENTED: u16 = 1 << 5;
/// A letter that is drawn like one of ASCII, most of them of another script; or like a digit.
pub(super) const DRAWN: u16 = 1 << 6;
pub(super) const DRAWN_FIGURE: u16 = 1 << 7;
/// Of those the ones that are hard to tell from Latin ones, and the others.
pub(super) const ALIKE: u16 = 1 << 8;
pub(super) const UNLIKE: u16 = 1 << 9;
/// Letters that no alphabet of today has: small capitals, letters in boxes, historic scripts.
pub(super) const ODD: u16 = 1 << 10;
/// A letter that is drawn like no Latin one.
pub(super) const FOREIGN: u16 = 1 << 11;
pub(super) const CYRILLIC: u16 = 1 << 12;
pub(super) const MARK: u16 = 1 << 13;
/// A mark that strikes letters through.
pub(super) const OVERLAY: u16 = 1 << 14;

/// All that a character is. Of the alphabets that most texts have it is told once.
pub(super) fn traits_of(c: char) -> u16 {
    static KNOWN: LazyLock<Vec<u16>> = LazyLock::new(|| ('\0'..'\u{530}').map(looked_up).collect());
    match c {
        'a'..='z' | 'A'..='Z' => WORD | LATIN,
        '\0'..'\u{530}' => KNOWN.get(c as usize).copied().unwrap_or_default(),
        '丅' => looked_up(c),
        '、' | '。' => 0,
        'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='鿿' | '가'..='힣' => SINGLE | FOREIGN,
        '\u{1f300}'..='\u{1faff}' => 0,
        _ => looked_up(c),
    }
}

fn looked_up(c: char) -> u16 {
    let drawn = drawn_like(c, Script::Latin);
    let is_word = match class(c) {
        Class::Letter => true,
        Class::Space => false,
        Class::Alone => !c.is_ascii() && !is_sign(c) && drawn.is_some(),
    };
    let is_single = !is_word && has_no_spaces(c) && is_alphanumeric(c);
    let flags = [(is_word, WORD), (is_single, SINGLE), (is_cyrillic(c), CYRILLIC)];
    flags.into_iter().filter(|(is, _)| *is).fold(kind_of(c, drawn), |all, (_, one)| all | one)
}

/// The one of the kinds that a [`Look`](super::look::Look) counts.
fn kind_of(c: char, drawn: Option<char>) -> u16 {
    match (c, drawn) {
        ('a'..='z' | 'A'..='Z', _) => LATIN,
        ('0'..='9', _) => FIGURE,
        _ if is_sign(c) => FIGURE | SIGN,
        _ if is_overlay(c) => MARK | OVERLAY,
        _ if is_combining_mark(c) => MARK,
        (_, Some(like)) => {
            let figure = if like.is_ascii_digit() { DRAWN_FIGURE } else { 0 };
            let alike = if WHOLE.contains(c) { ALIKE } else { UNLIKE };
            let latin = if is_latin(c) { LATIN } else { 0 };
            DRAWN | figure | alike | latin | if is_of_today(c) { 0 } else { ODD }
        }
        _ if is_small_cyrillic(c) => FOREIGN | CYRILLIC | ODD,
        _ if is_latin(c) => LATIN | if without_accent(c) == c { 0 } else { ACCENTED },
        _ if is_alphanumeric(c) => FOREIGN,
        _ => 0,
    }
}

/// A letter without what stands over and under it. A Cyrillic letter with its own mark is another letter: й is no и.
pub(super) fn without_accent(c: char) -> char {
    if is_cyrillic(c) { c } else { c.nfd().next().unwrap_or(c) }
}

/// The letters beyond ASCII of languages that are written in Latin ones.
fn is_latin(c: char) -> bool {
    matches!(c, 'À'..='ɏ' | 'ə' | 'Ḁ'..='ỹ')
}

/// A small capital that is drawn like a Cyrillic letter and like no Latin one: `ᴧ`, `ᴨ`.
fn is_small_cyrillic(c: char) -> bool {
    !is_latin(c) && !is_of_today(c) && drawn_like(c, Script::Cyrillic).is_some()
}

pub(super) fn is_sign(c: char) -> bool {
    matches!(c, '@' | '$' | '!' | '|' | '+' | '€')
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, 'Ѐ'..='ԯ')
}

/// Tildes, strokes and solidi through letters.
pub(super) fn is_overlay(c: char) -> bool {
    matches!(c, '\u{334}'..='\u{338}')
}

/// Letters of living alphabets that are hard to tell from Latin ones. Whole words of them are words of those alphabets as well.
const WHOLE: &str = "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅοιανρυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧհոսօցզյլՕՍՏ";

/// Greek, Cyrillic, Armenian, Hebrew, Arabic, the scripts of India, Georgian; and numbers and signs.
fn is_of_today(c: char) -> bool {
    matches!(c, '\u{a1}'..='\u{24f}' | '\u{370}'..='\u{10ff}' | '\u{2000}'..='\u{2bff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_at_once_is_told_right() {
        let wrong: Vec<_> = ('\0'..=char::MAX).filter(|c| traits_of(*c) != looked_up(*c)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
