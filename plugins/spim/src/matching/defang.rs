//! Links that are written so that programs do not see them: `casino[.]example`, `casino dot example`, `hxxps://`, `casino%2Eexample`.

/// What stands for what. Those with spaces around them come first: they contain the others.
const WRITTEN: [(&str, &str); 17] = [
    (" [dot] ", "."),
    (" (dot) ", "."),
    (" [at] ", "@"),
    (" (at) ", "@"),
    (" [.] ", "."),
    (" (.) ", "."),
    (" {.} ", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    (" dot ", "."),
    ("[at]", "@"),
    ("(at)", "@"),
    ("hxxp", "http"),
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    (" . ", "."),
];

/// Last labels of hosts that are put together over a space. Others may begin a sentence: `that. is`.
const LAST_LABELS: [&str; 24] = [
    "bet", "biz", "casino", "cc", "click", "cn", "com", "example", "info", "io", "link", "live", "net", "online",
    "org", "pro", "ru", "shop", "site", "su", "top", "vip", "win", "xyz",
];

/// The folded text with its links as programs see them, if there may be some.
pub(crate) fn undone(text: &str) -> Option<String> {
    let mut undone = decoded(text);
    let has_bracket = text.contains(['[', '(', '{']);
    for (written, meant) in WRITTEN.iter().filter(|(written, _)| has_bracket || !written.contains(['[', '(', '{'])) {
        let so_far = undone.as_deref().unwrap_or(text);
        if so_far.contains(written) {
            undone = Some(so_far.replace(written, meant));
        }
    }
    rejoined(undone.as_deref().unwrap_or(text)).or(undone)
}

/// A text with the characters of URLs that are percent-encoded (RFC 3986 §2.1): once, as a browser does.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii_graphic);
        match byte {
            Some(byte) => decoded.push(char::from(byte.to_ascii_lowercase())),
            None => decoded.push('%'),
        }
        decoded.push_str(part.get(if byte.is_some() { 2 } else { 0 }..).unwrap_or_default());
    }
    (decoded.len() < text.len()).then_some(decoded)
}

/// A text with hosts that have a space beside the last of their dots: `casino .example`, `casino. example`.
fn rejoined(text: &str) -> Option<String> {
    let (mut rejoined, mut done) = (String::new(), 0);
    for (dot, _) in text.match_indices('.') {
        let (Some(before), Some(behind)) = (text.get(done..dot), text.get(dot + 1..)) else { continue };
        let (host, label) = (before.strip_suffix(' ').unwrap_or(before), behind.strip_prefix(' ').unwrap_or(behind));
        if host.len() + label.len() < before.len() + behind.len()
            && host.ends_with(char::is_alphanumeric)
            && begins_last_label(label)
        {
            rejoined.push_str(host);
            rejoined.push('.');
            done = text.len() - label.len();
        }
    }
    rejoined.push_str(text.get(done..).unwrap_or_default());
    (done > 0).then_some(rejoined)
}

fn begins_last_label(text: &str) -> bool {
    let end = text.bytes().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(text.len());
    let (label, behind) = text.split_at(end);
    LAST_LABELS.contains(&label) && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_what_they_are_read_as() {
        assert_eq!(undone("see hxxps://casino[.]example").as_deref(), Some("see https://casino.example"));
        assert_eq!(undone("casino dot example").as_deref(), Some("casino.example"));
        assert_eq!(undone("casino [.] example").as_deref(), Some("casino.example"));
        assert_eq!(undone("sales (at) casino (dot) example").as_deref(), Some("sales@casino.example"));
        assert_eq!(undone("see you at eight (perhaps)"), None);
    }

    #[test]
    fn hosts_are_put_together_and_sentences_are_not() {
        assert_eq!(undone("casino .example/win").as_deref(), Some("casino.example/win"));
        assert_eq!(undone("see casino. com, now").as_deref(), Some("see casino.com, now"));
        for honest in ["that. is it", "we win. compare", "a .b", "... com", "eight. info-desk"] {
            assert_eq!(undone(honest), None, "{honest}");
        }
    }

    #[test]
    fn what_is_percent_encoded_is_decoded_once() {
        assert_eq!(undone("casino%2eexample").as_deref(), Some("casino.example"));
        assert_eq!(undone("?url=https%3a%2f%2fcasino.example").as_deref(), Some("?url=https://casino.example"));
        assert_eq!(undone("casino%252eexample").as_deref(), Some("casino%2eexample"));
        for honest in ["100% free", "50%", "%", "%é", "%d0%ba", "%+f"] {
            assert_eq!(undone(honest), None, "{honest}");
        }
    }
}
