//! What words are made of: letters, what is drawn like letters, and what is written over them.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::lookalikes::drawn_like;
use super::words::{Class, class, has_no_spaces, is_alphanumeric};

/// A script that words are revealed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Latin,
    Cyrillic,
    Other,
}

/// So many letters of another script that are all drawn like Latin ones are Latin; shorter words are words of that script, too.
const WHOLE_WORD_MIN: u32 = 4;

/// So many letters that no alphabet of today has are a disguise.
const ODD_LETTERS_MIN: u32 = 3;

/// Of a word in digits and signs so many stand for letters beside each that is one: dates and hashes have more.
const FIGURES_A_LETTER: u32 = 2;

/// A word of so many letters may be read without accents if so many of them have some. Shorter ones are too many words: `côte`, `cúm`.
const ACCENTED_WORD_MIN: u32 = 4;
const ACCENTS_MIN: u32 = 2;

/// What a character is in a word; most are more than one thing.
pub(super) mod traits {
    /// It begins or continues a word, or is drawn like one that does.
    pub(in super::super) const WORD: u16 = 1;
    /// A letter of a script without spaces between words.
    pub(in super::super) const SINGLE: u16 = 1 << 1;
    /// A digit, or a sign that is read as a letter.
    pub(in super::super) const FIGURE: u16 = 1 << 2;
    pub(in super::super) const SIGN: u16 = 1 << 3;
    pub(in super::super) const LATIN: u16 = 1 << 4;
    /// A Latin letter with an accent.
    pub(in super::super) const ACCENTED: u16 = 1 << 5;
    /// A letter of another script that is drawn like a Latin one; or like a digit.
    pub(in super::super) const DRAWN: u16 = 1 << 6;
    pub(in super::super) const DRAWN_FIGURE: u16 = 1 << 7;
    /// Of those the ones that are hard to tell from Latin ones, and the others.
    pub(in super::super) const ALIKE: u16 = 1 << 8;
    pub(in super::super) const UNLIKE: u16 = 1 << 9;
    /// Letters that no alphabet of today has: small capitals, letters in boxes, historic scripts.
    pub(in super::super) const ODD: u16 = 1 << 10;
    /// A letter that is drawn like no Latin one.
    pub(in super::super) const FOREIGN: u16 = 1 << 11;
    pub(in super::super) const CYRILLIC: u16 = 1 << 12;
    pub(in super::super) const MARK: u16 = 1 << 13;
    /// A mark that strikes letters through.
    pub(in super::super) const OVERLAY: u16 = 1 << 14;
}
use traits::*;

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

/// The one of the kinds that a [`Look`] counts.
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
            DRAWN | figure | alike | if is_of_today(c) { 0 } else { ODD }
        }
        ('À'..='ɏ' | 'Ḁ'..='ỹ', _) => LATIN | if without_accent(c) == c { 0 } else { ACCENTED },
        _ if is_alphanumeric(c) => FOREIGN,
        _ => 0,
    }
}

/// What a word is made of.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Look {
    latin: u32,
    accented: u32,
    /// Digits, signs, and what is drawn like a digit; and of them the plain ones.
    figures: u32,
    plain_figures: u32,
    drawn: u32,
    alike: u32,
    odd: u32,
    /// Cyrillic letters that are drawn like Latin ones, and those that are so only to who looks twice.
    drawn_cyrillic: u32,
    unlike: u32,
    foreign: u32,
    cyrillic: u32,
    marks: u32,
    overlays: u32,
}

impl Look {
    pub(super) fn at(word: &str) -> Self {
        let mut look = Look::default();
        word.chars().for_each(|c| look.add(traits_of(c)));
        look
    }

    fn add(&mut self, one: u16) {
        let is = |all: u16| u32::from(one & all == all);
        self.latin += is(LATIN);
        self.accented += is(ACCENTED);
        self.figures += is(FIGURE) + is(DRAWN_FIGURE);
        self.plain_figures += is(FIGURE);
        self.drawn += is(DRAWN);
        self.alike += is(ALIKE);
        self.odd += is(ODD);
        self.drawn_cyrillic += is(DRAWN | CYRILLIC);
        self.unlike += is(UNLIKE | CYRILLIC);
        self.foreign += is(FOREIGN);
        self.cyrillic += is(FOREIGN | CYRILLIC);
        self.marks += is(MARK);
        self.overlays += is(OVERLAY);
    }

    /// Whether a word of characters that are all this together may be disguised at all.
    pub(super) fn is_worthwhile(any: u16) -> bool {
        let has = |some: u16| any & some != 0;
        has(FIGURE | MARK | ODD | ACCENTED)
            || (has(LATIN) && has(DRAWN | CYRILLIC))
            || (has(ALIKE) && !has(FOREIGN | UNLIKE))
    }

    /// Whether a word is read otherwise in some way.
    pub(super) fn is_of_note(&self) -> bool {
        self.is_drawn_otherwise() || self.is_mixed() || self.is_leet() || self.may_be_cyrillic() || self.is_accented()
    }

    /// Whether it is drawn like another word.
    pub(super) fn is_drawn_otherwise(&self) -> bool {
        self.is_disguised_in(self.script()) || self.is_marked()
    }

    /// The script the word is meant in.
    pub(super) fn script(&self) -> Script {
        match (self.foreign, self.cyrillic) {
            (0, _) => Script::Latin,
            (foreign, cyrillic) if foreign == cyrillic => Script::Cyrillic,
            _ => Script::Other,
        }
    }

    /// Whether no letter of it is drawn like a Latin one.
    pub(super) fn is_foreign(&self) -> bool {
        self.latin + self.drawn + self.figures == 0
    }

    /// Whether a word may be Cyrillic as well: of both scripts, or with digits for letters.
    pub(super) fn may_be_cyrillic(&self) -> bool {
        let letters = self.drawn_cyrillic;
        let has_figures = self.latin == 0 && letters > 1 && (1..=letters).contains(&self.plain_figures);
        self.foreign == 0 && ((self.latin > 0 && self.unlike > 0) || has_figures)
    }

    pub(super) fn is_mixed(&self) -> bool {
        let others = if self.script() == Script::Latin { self.drawn } else { self.cyrillic };
        self.latin > 0 && others > 0
    }

    pub(super) fn is_disguised_in(&self, script: Script) -> bool {
        match script {
            Script::Latin => {
                let is_whole = self.alike >= WHOLE_WORD_MIN && self.alike == self.drawn;
                self.drawn > 0 && (self.latin > 0 || is_whole || self.odd >= ODD_LETTERS_MIN)
            }
            Script::Cyrillic => self.latin > 0 || self.plain_figures > 0,
            Script::Other => false,
        }
    }

    /// Whether figures are read as Latin letters.
    pub(super) fn is_leet(&self) -> bool {
        let letters = self.latin + self.drawn;
        let has_figures = self.plain_figures > 0 || (self.latin > 0 && self.figures > 0);
        self.script() == Script::Latin && letters > 1 && has_figures && self.figures <= letters * FIGURES_A_LETTER
    }

    /// Whether marks are written over letters that have none. Other scripts have marks that are letters; what strikes through is none
    /// anywhere.
    fn is_marked(&self) -> bool {
        self.overlays > 0 || self.has_odd_marks()
    }

    pub(super) fn has_odd_marks(&self) -> bool {
        self.marks > 0 && self.script() != Script::Other
    }

    /// Whether a word is read without accents as well.
    pub(super) fn is_accented(&self) -> bool {
        self.foreign == 0 && self.accented >= ACCENTS_MIN && self.latin >= ACCENTED_WORD_MIN
    }
}

/// A letter without what stands over and under it. A Cyrillic letter with its own mark is another letter: й is no и.
pub(super) fn without_accent(c: char) -> char {
    if is_cyrillic(c) { c } else { c.nfd().next().unwrap_or(c) }
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
