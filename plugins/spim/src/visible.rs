//! Takes out of a text what one does not see, with which spam hides its words.

/// The text without soft hyphens, zero-width spaces and joiners, and direction marks.
pub(crate) fn visible(text: String) -> String {
    if text.is_ascii() || !text.contains(is_invisible) {
        return text;
    }
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

fn is_invisible(c: char) -> bool {
    match c {
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        assert_eq!(visible("ca\u{200b}si\u{ad}no".to_owned()), "casino");
        assert_eq!(visible("казино".to_owned()), "казино");
        assert_eq!(visible("casino".to_owned()), "casino");
    }
}
