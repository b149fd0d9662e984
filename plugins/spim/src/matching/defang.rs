//! Links that are written so that programs do not see them: `casino[.]example`, `casino dot example`, `hxxps://`.

/// What stands for what.
const WRITTEN: [(&str, &str); 14] = [
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    (" [dot] ", "."),
    (" (dot) ", "."),
    (" dot ", "."),
    ("[at]", "@"),
    ("(at)", "@"),
    (" [at] ", "@"),
    (" (at) ", "@"),
    ("hxxp", "http"),
    (" . ", "."),
];

/// The folded text with its links as programs see them, if there may be some.
pub(crate) fn undone(text: &str) -> Option<String> {
    let has_bracket = text.contains(['[', '(', '{']);
    let applies = |written: &str| (has_bracket || !written.contains(['[', '(', '{'])) && text.contains(written);
    let mut undone: Option<String> = None;
    // Those with spaces around them first: they contain the others.
    let mut by_length = WRITTEN;
    by_length.sort_unstable_by_key(|(written, _)| usize::MAX - written.len());
    for (written, meant) in by_length.iter().filter(|(written, _)| applies(written)) {
        undone = Some(undone.as_deref().unwrap_or(text).replace(written, meant));
    }
    undone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_what_they_are_read_as() {
        assert_eq!(undone("see hxxps://casino[.]example").as_deref(), Some("see https://casino.example"));
        assert_eq!(undone("casino dot example").as_deref(), Some("casino.example"));
        assert_eq!(undone("sales (at) casino (dot) example").as_deref(), Some("sales@casino.example"));
        assert_eq!(undone("see you at eight (perhaps)"), None);
    }
}
