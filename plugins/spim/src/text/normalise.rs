//! Normalisation: compatibility forms become plain ones (NFKC), what is invisible goes, and white space and case are evened out.

use unicode_normalization::UnicodeNormalization;

/// The text in compatibility composition, without invisible characters. Doing it twice changes nothing.
pub(crate) fn normal(text: &str) -> String {
    if text.is_ascii() || text.chars().all(is_stable) {
        return text.to_owned();
    }
    let mut normal = String::with_capacity(text.len());
    if text.chars().all(|c| simply_onto(&mut normal, c)) {
        return normal;
    }
    normal.clear();
    for c in text.chars().filter(|c| !invisible(*c)).nfkc() {
        if normal.len() >= NORMAL_BYTES_MAX {
            break;
        }
        normal.push(c);
    }
    normal
}

/// Writes the normal form of a character that has a simple one; `false` if it has none, for all that is said here.
fn simply_onto(normal: &mut String, c: char) -> bool {
    match c {
        _ if is_stable(c) => normal.push(c),
        '\u{a0}' | '\u{3000}' => normal.push(' '),
        '…' => normal.push_str("..."),
        '！'..='～' => normal.push(char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)),
        _ => return invisible(c),
    }
    true
}

/// A text of ligatures is eleven times as long in its compatibility form (U+FDFA), and takes as much longer.
const NORMAL_BYTES_MAX: usize = 24 << 10;

/// The text with each run of white space as one space.
pub(crate) fn spaced(text: &str) -> String {
    if is_even(text) {
        return text.to_owned();
    }
    let mut spaced = String::with_capacity(text.len());
    spaced_onto(&mut spaced, text, |c| c);
    spaced
}

/// Whether there is no white space but single spaces.
fn is_even(text: &str) -> bool {
    let mut before = '.';
    for c in text.chars() {
        if is_space(c) && (c != ' ' || before == ' ') {
            return false;
        }
        before = c;
    }
    true
}

/// The text in one case. Texts and needles are folded alike, which is all that matters.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(lower).collect() }
}

/// Writes a text, spaced and folded, behind another.
pub(crate) fn folded_onto(written: &mut String, text: &str) {
    spaced_onto(written, text, lower);
}

fn spaced_onto(written: &mut String, text: &str, map: fn(char) -> char) {
    written.reserve(text.len());
    let mut in_space = written.ends_with(' ');
    for c in text.chars() {
        let was_in_space = std::mem::replace(&mut in_space, is_space(c));
        match (in_space, was_in_space) {
            (false, _) => written.push(map(c)),
            (true, false) => written.push(' '),
            (true, true) => {}
        }
    }
}

/// A character in one case: by itself, where `str::to_lowercase` writes a sigma by where it stands. `İ` alone would be two.
pub(crate) fn lower(c: char) -> char {
    let shifted = |by| char::from_u32(u32::from(c) + by).unwrap_or(c);
    match c {
        '\0'..='\u{7f}' => c.to_ascii_lowercase(),
        'а'..='џ' | 'ß'..='ÿ' => c,
        'А'..='Я' | 'À'..='Ö' | 'Ø'..='Þ' => shifted(32),
        'Ѐ'..='Џ' => shifted(80),
        'İ' => 'i',
        'ς' => 'σ',
        '\u{2e80}'..='\u{a63f}' | '가'..='힣' | '\u{1f300}'..='\u{1faff}' => c,
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}

/// U+2800 is a Braille cell without dots: drawn as a space, and no white space by its properties.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, '\0'..=' ' | '\u{7f}' | '\u{85}' | '\u{a0}')
        || matches!(
            c,
            '\u{1680}' | '\u{2000}'
                ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{2800}' | '\u{3000}'
        )
}

/// Whether a character is not seen: Unicode's `Default_Ignorable_Code_Point`, with the fillers whose compatibility forms are.
pub(crate) fn invisible(c: char) -> bool {
    c > '\u{ac}'
        && (is_format(c)
            || matches!(c,
                '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'))
}

/// Whether a character only says how others are written: joiners, breaks, directions.
pub(crate) fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether a text of such characters alone is normal already: the letters of most languages, far cheaper to tell than to normalise.
///
/// Left out is whatever has a compatibility form, is invisible, or composes with what stands before it.
fn is_stable(c: char) -> bool {
    matches!(c,
        '\0'..='\u{7f}' | 'À'..='ı' | 'Α'..='Ρ' | 'Σ'..='ώ' | 'Ѐ'..='҂' | 'Ҋ'..='ԯ' | 'Ա'..='Ֆ' | 'ա'..='ֆ' | 'א'..='ת'
        | 'ء'..='ي' | 'ٹ'..='ۓ' | '۰'..='۹' | '–'..='—' | '‘'..='‟' | '€' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '、'..='。'
        | '一'..='鿿' | '가'..='힣' | '\u{1f300}'..='\u{1faff}')
        || matches!(c, 'Ĵ'..='ľ' | 'Ł'..='ň' | 'Ŋ'..='ž' | 'Ơ' | 'ơ' | 'Ư' | 'ư' | 'Ạ'..='ỹ' | '«' | '»' | '°' | '·' | '§' | '©' | '¿' | '¡')
        || matches!(c, '†'..='•' | '‰' | '₩'..='₿' | '←'..='⇿' | '☀'..='➿' | '「'..='】')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        assert_eq!(normal("ca\u{200b}si\u{ad}no \u{202e}x\u{2069}"), "casino x");
        assert_eq!(normal("казино"), "казино");
        assert_eq!(spaced(" a\t\n b\u{a0}\u{2800}c"), " a b c");
        assert_eq!(folded("ÄRGER Casino ΟΔΟΣ ὁδός"), "ärger casino οδοσ ὁδόσ");
    }

    #[test]
    fn what_is_told_at_once_is_told_right() {
        for c in '\0'..=char::MAX {
            let is_white = c.is_whitespace() || c.is_ascii_control() || c == '\u{2800}';
            assert_eq!(is_space(c), is_white, "{c:?}");
            if !matches!(c, 'İ' | 'ς') {
                assert!(c.to_lowercase().eq([lower(c)]), "{c:?}");
            }
        }
    }

    #[test]
    fn compatibility_forms_are_the_plain_ones() {
        for disguised in ["ｃａｓｉｎｏ", "𝓬𝓪𝓼𝓲𝓷𝓸", "ⓒⓐⓢⓘⓝⓞ", "𝚌𝚊𝚜𝚒𝚗𝚘", "casino\u{fe0f}", "c\u{e0061}asino"]
        {
            assert_eq!(normal(disguised), "casino", "{disguised:?}");
        }
    }

    #[test]
    fn stable_characters_are_those_that_normalisation_leaves() {
        let left = |c: char| c.nfkc().eq([c]) && !invisible(c);
        let wrong: Vec<_> = ('\0'..=char::MAX).filter(|c| is_stable(*c) && !left(*c)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        let is_wrong = |c: &char| {
            let mut form = String::new();
            simply_onto(&mut form, *c) && !form.chars().eq([*c].into_iter().filter(|c| !invisible(*c)).nfkc())
        };
        let wrong: Vec<_> = ('\0'..=char::MAX).filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        // Nor does any compose with one before it.
        let marks: Vec<_> = ('\0'..=char::MAX)
            .filter(|c| is_stable(*c) && unicode_normalization::char::canonical_combining_class(*c) != 0)
            .collect();
        assert!(marks.is_empty(), "{marks:?}");
        assert!(['ガ', 'が', 'é', 'й', 'ё', 'ή'].into_iter().all(is_stable));
    }
}
