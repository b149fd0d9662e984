//! The words of a text that may be disguised.

use std::ops::Range;

use super::look::Look;
use super::traits::{FIGURE, MARK, SIGN, SINGLE, WORD, is_sign, traits_of};

/// So many single letters in a row are a word spaced out; fewer are initials. An ideograph says as much as some letters.
pub(super) const SPACED_LETTERS_MIN: usize = 4;
const SPACED_IDEOGRAPHS_MIN: usize = 3;
/// So many are, if there is now this and now that between them.
const UNEVEN_LETTERS_MIN: usize = 5;

/// What stands between two letters of a word that is spaced out.
const GAP_CHARS_MAX: usize = 3;

/// A word longer than this is none: what a word is made of is looked at twice.
const WORD_CHARS_MAX: u32 = 128;

/// Signs in a row that are read as letters.
const SIGNS_MAX: usize = 3;

/// A word that is meant to be read otherwise than it is written.
#[derive(Debug)]
pub(super) struct Hidden {
    /// Where it stands.
    pub(super) part: Range<usize>,
    pub(super) letters: String,
    /// Whether its letters were written apart.
    pub(super) is_joined: bool,
    pub(super) look: Look,
}

/// The words of a text that are disguised, or may be.
pub(super) fn hidden_words(text: &str) -> Vec<Hidden> {
    let (mut hidden, mut row, mut at) = (Vec::new(), Row { text, letters: Vec::new() }, 0);
    while let Some(begin) = next_word(text, at) {
        let word = Word::at(text, begin);
        at = word.part.end;
        if word.chars == 1 && word.any & MARK == 0 {
            row.add(begin, &mut hidden);
            continue;
        }
        row.end(&mut hidden);
        if Look::is_worthwhile(word.any) {
            hidden.extend(Hidden::word(text, word));
        }
    }
    row.end(&mut hidden);
    hidden
}

fn next_word(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for c in text.get(from..)?.chars() {
        if traits_of(c) & (WORD | SINGLE) != 0 {
            return Some(at);
        }
        at += c.len_utf8();
    }
    None
}

/// Letters that stand together.
struct Word {
    part: Range<usize>,
    chars: u32,
    /// All that its characters are.
    any: u16,
}

impl Word {
    /// The word that begins there; signs between its letters belong to it.
    fn at(text: &str, begin: usize) -> Self {
        let rest = text.get(begin..).unwrap_or_default();
        let mut word = Word { part: begin..begin, chars: 0, any: 0 };
        let is_single = rest.chars().next().is_some_and(|c| traits_of(c) & WORD == 0);
        let like = if is_single { SINGLE | MARK } else { WORD };
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            let one = traits_of(c);
            let joins = || one & SIGN != 0 && !is_single && goes_on_behind_signs(chars.as_str());
            if (one & like == 0 && !joins()) || word.chars == WORD_CHARS_MAX {
                break;
            }
            word.part.end += c.len_utf8();
            word.chars += 1;
            word.any |= one;
        }
        word
    }
}

fn goes_on_behind_signs(rest: &str) -> bool {
    rest.chars().take(SIGNS_MAX).find(|c| !is_sign(*c)).is_some_and(|c| traits_of(c) & WORD != 0)
}

impl Hidden {
    fn word(text: &str, word: Word) -> Option<Self> {
        let written = text.get(word.part.clone())?;
        let apart = if word.any & SIGN != 0 { alternating(written) } else { None };
        let is_joined = apart.is_some();
        let letters = apart.unwrap_or_else(|| written.to_owned());
        let look = Look::at(&letters);
        (is_joined || look.is_of_note()).then_some(Hidden { part: word.part, letters, is_joined, look })
    }

    fn row(letters: &[(usize, char)]) -> Option<Self> {
        let ([(begin, _), ..], [.., (last, c)]) = (letters, letters) else { return None };
        let part = *begin..last + c.len_utf8();
        let letters: String = letters.iter().map(|(_, c)| *c).collect();
        Some(Hidden { part, look: Look::at(&letters), letters, is_joined: true })
    }
}

/// A sign with the same on both sides, which is read as a letter, too: the bytes before it, and which it is.
fn lone_sign(gap: &str) -> Option<(usize, char)> {
    let mut chars = gap.char_indices();
    let ((_, first), (before, sign), (_, last)) = (chars.next()?, chars.next()?, chars.next()?);
    (is_sign(sign) && first == last && chars.next().is_none()).then_some((before, sign))
}

/// The letters of `c!a!s!i!n!o`, where the sign may itself be read as a letter.
fn alternating(word: &str) -> Option<String> {
    let between = word.chars().nth(1).filter(|c| is_sign(*c))?;
    let letters: String = word.chars().step_by(2).collect();
    let is_even = word.chars().skip(1).step_by(2).all(|c| c == between);
    let are_letters = letters.chars().all(char::is_alphanumeric);
    (is_even && are_letters && letters.chars().count() >= SPACED_LETTERS_MIN).then_some(letters)
}

/// Single letters with little between them, each with the byte where it stands.
struct Row<'t> {
    text: &'t str,
    letters: Vec<(usize, char)>,
}

impl Row<'_> {
    fn add(&mut self, at: usize, hidden: &mut Vec<Hidden>) {
        let Some(letter) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return };
        let gap = self.gap(self.letters.last().copied(), at);
        if let Some((before, sign)) = lone_sign(gap) {
            self.letters.push((at - gap.len() + before, sign));
        } else if gap.is_empty() || gap.chars().nth(GAP_CHARS_MAX).is_some() {
            self.end(hidden);
        }
        self.letters.push((at, letter));
    }

    fn gap(&self, before: Option<(usize, char)>, at: usize) -> &str {
        before.and_then(|(before, c)| self.text.get(before + c.len_utf8()..at)).unwrap_or_default()
    }

    /// Ends the row. Where as much stands between all letters they are a word, as in `I am a c.a.s.i.n.o`; the others are one together.
    fn end(&mut self, hidden: &mut Vec<Hidden>) {
        let (mut loose, mut at) = (0, 0);
        while at < self.letters.len() {
            let even = at + self.even_from(at);
            if self.is_word(at..even) {
                hidden.extend(self.uneven(loose..at));
                hidden.extend(self.word(at..even));
                (loose, at) = (even, even);
            } else {
                at += 1;
            }
        }
        hidden.extend(self.uneven(loose..at));
        self.letters.clear();
    }

    /// How many letters from there on have the same between them.
    fn even_from(&self, first: usize) -> usize {
        let pairs = self.letters.get(first..).unwrap_or_default().windows(2);
        let mut gaps = pairs.map(|pair| match pair {
            [before, (at, _)] => self.gap(Some(*before), *at),
            _ => "",
        });
        let Some(gap) = gaps.next() else { return 1 };
        2 + gaps.take_while(|next| *next == gap).count()
    }

    fn is_word(&self, part: Range<usize>) -> bool {
        let letters = self.letters.get(part).unwrap_or_default();
        let count = |kind: u16| letters.iter().filter(|(_, c)| traits_of(*c) & kind != 0).count();
        letters.len() >= SPACED_LETTERS_MIN && count(FIGURE) * 2 <= letters.len()
            || letters.len() >= SPACED_IDEOGRAPHS_MIN && count(SINGLE) == letters.len()
    }

    fn word(&self, part: Range<usize>) -> Option<Hidden> {
        if self.is_word(part.clone()) { Hidden::row(self.letters.get(part)?) } else { None }
    }

    /// What is left between words of its own.
    fn uneven(&self, part: Range<usize>) -> Option<Hidden> {
        let is_long = part.len() >= UNEVEN_LETTERS_MIN;
        self.word(part).filter(|word| is_long || word.look.is_foreign())
    }
}
