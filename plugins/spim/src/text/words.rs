//! Words: what stands between spaces and signs. Where a script writes none between them, every letter stands for itself.

use unicode_normalization::char::is_combining_mark;

use super::normalise::is_space;

/// What a character does to the word it stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing is there.
    Space,
    /// It belongs to a word, with its like.
    Letter,
    /// It is a word by itself: a sign, or a letter of a script without spaces between words.
    Alone,
}

/// The class of a character.
pub(crate) fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Letter,
        '!'..='~' => Class::Alone,
        _ if is_letter_at_once(c) => Class::Letter,
        _ if is_space(c) => Class::Space,
        _ if has_no_spaces(c) || is_picture(c) => Class::Alone,
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Letter,
        _ => Class::Alone,
    }
}

/// As [`char::is_alphanumeric`], and faster for most alphabets.
pub(crate) fn is_alphanumeric(c: char) -> bool {
    let is_told = c.is_ascii_alphanumeric() || is_letter_at_once(c) || is_syllable(c);
    is_told || (c > '\u{7f}' && !is_picture(c) && c.is_alphanumeric())
}

/// The letters of most languages, which ranges tell far faster than tables.
fn is_letter_at_once(c: char) -> bool {
    matches!(c, 'а'..='ё' | 'А'..='Я' | 'Ѐ'..='ҁ' | 'Ҋ'..='ԯ' | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ɏ' | 'Ά' | 'Έ'..='Ί' | 'Ύ'..='Ρ' | 'Σ'..='ϵ')
        || matches!(c, 'א'..='ת' | 'ؠ'..='ي')
}

/// Ideographs, Hangul and Kana.
fn is_syllable(c: char) -> bool {
    matches!(c, '一'..='鿿' | '가'..='힣' | 'ぁ'..='ゖ' | 'ァ'..='ヺ')
}

/// Emoji, for the most part.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{1f300}'..='\u{1faff}')
}

/// Thai, Lao, Myanmar, Khmer, Kana, Bopomofo, ideographs; and Hangul, whose particles are written on to the word.
pub(crate) fn has_no_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}')
        || matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{20000}'..='\u{3ffff}')
}

/// Whether one word goes on over this place: the byte where a character of the text begins, or its end.
///
/// A low line joins what it stands between, as in `casino_count`, and not what it stands around, as in `_casino_`.
pub(crate) fn joins(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return false };
    let (before, after) = (before.strip_suffix('_').unwrap_or(before), after.strip_prefix('_').unwrap_or(after));
    let is_letter = |c: char| class(c) == Class::Letter;
    before.chars().next_back().is_some_and(is_letter) && after.chars().next().is_some_and(is_letter)
}

/// The words of a text, with the bytes where each begins and ends.
#[derive(Debug, Clone)]
pub(crate) struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Words { text, at: 0 }
    }

    /// Where the run of letters from `at` on ends.
    fn end_of_letters(&self, at: usize) -> usize {
        let mut at = at;
        for c in self.text.get(at..).unwrap_or_default().chars() {
            if class(c) != Class::Letter {
                break;
            }
            at += c.len_utf8();
        }
        at
    }
}

impl<'t> Iterator for Words<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let begin = self.at;
            let first = self.text.get(begin..)?.chars().next()?;
            let end = match class(first) {
                Class::Space => {
                    self.at += first.len_utf8();
                    continue;
                }
                Class::Alone => begin + first.len_utf8(),
                Class::Letter => self.end_of_letters(begin),
            };
            self.at = end;
            return Some((begin, self.text.get(begin..end)?));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Words::of(text).map(|(_, word)| word).collect()
    }

    #[test]
    fn words_end_where_their_script_ends_them() {
        assert_eq!(words(" best casino, 100%!"), ["best", "casino", ",", "100", "%", "!"]);
        assert_eq!(words("вы выиграли"), ["вы", "выиграли"]);
        assert_eq!(words("澳门 赌场"), ["澳", "门", "赌", "场"]);
        assert_eq!(words("कैसीनो 🎰🎰"), ["कैसीनो", "🎰", "🎰"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn what_is_told_at_once_is_told_right() {
        for c in '\0'..=char::MAX {
            assert_eq!(is_alphanumeric(c), c.is_alphanumeric(), "{c:?}");
            let told = is_letter_at_once(c);
            assert!(!told || !is_space(c) && !has_no_spaces(c) && c.is_alphanumeric(), "{c:?}");
            assert!(!is_picture(c) || !is_space(c) && !c.is_alphanumeric() && !is_combining_mark(c), "{c:?}");
        }
    }

    #[test]
    fn a_word_goes_on_between_its_letters_only() {
        assert!(joins("casino", 3));
        assert!(!joins("casino", 0) && !joins("casino", 6) && !joins("a b", 1) && !joins("赌场", 3) && !joins("é", 1));
        assert!(joins("sex_ratio", 3) && joins("sex_ratio", 4) && !joins("_sex_", 1) && !joins("_sex_", 4));
    }
}
