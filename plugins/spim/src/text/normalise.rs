//! Normalisation: compatibility forms become plain ones (NFKC), what is invisible goes, and white space and case are evened out.

use unicode_normalization::UnicodeNormalization;

/// The text in compatibility composition, without invisible characters. Doing it twice changes nothing.
pub(crate) fn normal(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    if text.chars().all(is_stable) {
        return text.to_owned();
    }
    let mut normal = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !invisible(*c)).nfkc() {
        if normal.len() >= NORMAL_BYTES_MAX {
            break;
        }
        normal.push(c);
    }
    normal
}

/// A text of ligatures is eleven times as long in its compatibility form (U+FDFA), and takes as much longer.
const NORMAL_BYTES_MAX: usize = 96 << 10;

/// The text with each run of white space as one space.
pub(crate) fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut in_space = false;
    for c in text.chars() {
        let is_space = is_space(c);
        if !is_space {
            spaced.push(c);
        } else if !in_space {
            spaced.push(' ');
        }
        in_space = is_space;
    }
    spaced
}

/// The text in one case. Texts and needles are folded alike, which is all that matters.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // By character: `str::to_lowercase` writes a sigma by where it stands.
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// U+2800 is a Braille cell without dots: drawn as a space, and no white space by its properties.
pub(crate) fn is_space(c: char) -> bool {
    c == ' ' || c.is_ascii_control() || (c > '\u{7f}' && (c.is_whitespace() || c == '\u{2800}'))
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
        // Nor does any compose with one before it.
        let marks: Vec<_> = ('\0'..=char::MAX)
            .filter(|c| is_stable(*c) && unicode_normalization::char::canonical_combining_class(*c) != 0)
            .collect();
        assert!(marks.is_empty(), "{marks:?}");
        assert!(['ガ', 'が', 'é', 'й', 'ё', 'ή'].into_iter().all(is_stable));
    }
}
