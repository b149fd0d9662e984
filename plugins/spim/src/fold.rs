//! Texts as one sees them: without what is invisible, with which spam hides its words, and if need be without case.

/// The text without soft hyphens, zero-width spaces and joiners, and direction marks.
pub(crate) fn visible(mut text: String) -> String {
    if !text.is_ascii() {
        text.retain(|c| !is_invisible(c));
    }
    text
}

/// The text with each run of white space as one space.
pub(crate) fn spaced(text: String) -> String {
    if !needs_spacing(&text) {
        return text;
    }
    let mut spaced = String::with_capacity(text.len());
    let mut in_space = false;
    for c in text.chars() {
        if !c.is_whitespace() {
            spaced.push(c);
        } else if !in_space {
            spaced.push(' ');
        }
        in_space = c.is_whitespace();
    }
    spaced
}

/// Most texts are ASCII and spaced already, which bytes tell faster than characters.
fn needs_spacing(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Looks at all of them: without a way out in the middle, the compiler takes sixteen bytes at a time.
    let odd = bytes.iter().fold(false, |odd, byte| odd | !(b' '..0x7f).contains(byte));
    let after = bytes.get(1..).unwrap_or_default();
    odd | bytes.iter().zip(after).fold(false, |twice, (a, b)| twice | ((*a == b' ') & (*b == b' ')))
}

/// The text in lower case. Texts and needles are folded alike, which is all that matters.
pub(crate) fn folded(mut text: String) -> String {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return text;
    }
    // By character: `str::to_lowercase` writes a sigma by where it stands.
    text.chars().flat_map(char::to_lowercase).collect()
}

fn is_invisible(c: char) -> bool {
    let hyphens_and_marks = matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}');
    hyphens_and_marks || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        assert_eq!(visible("ca\u{200b}si\u{ad}no".to_owned()), "casino");
        assert_eq!(visible("казино".to_owned()), "казино");
        assert_eq!(spaced(" a\t\n b\u{a0}c".to_owned()), " a b c");
        assert_eq!(spaced("a  b".to_owned()), "a b");
        assert_eq!(spaced("\nb".to_owned()), " b");
        assert_eq!(spaced("a b.".to_owned()), "a b.");
        assert_eq!(folded("ÄRGER Casino".to_owned()), "ärger casino");
    }
}
