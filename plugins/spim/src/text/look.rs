//! What words are made of: letters, what is drawn like letters, and what is written over them.

use super::traits::*;

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

/// What a word is made of.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Look {
    latin: u32,
    accented: u32,
    /// Digits, signs, and what is drawn like a digit; and of them the plain ones.
    figures: u32,
    plain_figures: u32,
    drawn: u32,
    drawn_latin: u32,
    alike: u32,
    odd: u32,
    /// Cyrillic letters that are drawn like Latin ones, and those that are so only to who looks twice.
    drawn_cyrillic: u32,
    unlike: u32,
    foreign: u32,
    cyrillic: u32,
    /// Of those, the small capitals, which phonetic transcriptions have as well.
    small_cyrillic: u32,
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
        self.drawn_latin += is(DRAWN | LATIN);
        self.alike += is(ALIKE);
        self.odd += is(ODD);
        self.drawn_cyrillic += is(DRAWN | CYRILLIC);
        self.unlike += is(UNLIKE | CYRILLIC);
        self.foreign += is(FOREIGN);
        self.cyrillic += is(FOREIGN | CYRILLIC);
        self.small_cyrillic += is(FOREIGN | CYRILLIC | ODD);
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
            (foreign, cyrillic) if foreign == cyrillic && self.has_cyrillic() => Script::Cyrillic,
            _ => Script::Other,
        }
    }

    fn has_cyrillic(&self) -> bool {
        self.drawn_cyrillic + self.cyrillic > self.small_cyrillic
    }

    /// Whether no letter of it is drawn like a Latin one.
    pub(super) fn is_foreign(&self) -> bool {
        self.latin + self.drawn + self.figures == 0
    }

    /// Whether a word may be Cyrillic as well: of both scripts, with small capitals, or with digits for letters.
    pub(super) fn may_be_cyrillic(&self) -> bool {
        let letters = self.drawn_cyrillic;
        let has_figures = self.latin == 0 && letters > 1 && (1..=letters).contains(&self.plain_figures);
        self.foreign == 0 && ((self.latin + self.odd > 0 && self.unlike > 0) || has_figures)
    }

    /// Whether its letters are of two alphabets; `đ`, `ı` and `þ` are of the Latin one.
    pub(super) fn is_mixed(&self) -> bool {
        let foreign = self.cyrillic - self.small_cyrillic;
        let others = if self.script() == Script::Latin { self.drawn - self.drawn_latin } else { foreign };
        self.latin > 0 && others > 0
    }

    pub(super) fn is_disguised_in(&self, script: Script) -> bool {
        match script {
            Script::Latin => {
                let is_whole = self.alike >= WHOLE_WORD_MIN && self.alike == self.drawn;
                self.drawn > 0 && (self.latin > 0 || is_whole || self.odd >= ODD_LETTERS_MIN)
            }
            Script::Cyrillic => self.latin + self.odd > 0 || self.plain_figures > 0,
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
