//! Two stanzas as lines, those that differ marked.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

/// Returns the lines of both, `-` before those of the first only and `+` before those of the second only.
pub(super) fn of_xml(expected: &str, found: &str) -> String {
    let (expected, found) = (lines(expected), lines(found));
    let diff = TextDiff::from_lines(&expected, &found);
    let mut out = String::new();
    for change in diff.iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let _ = writeln!(out, "  {mark} {}", change.value().trim_end_matches('\n'));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Breaks canonical XML where tag meets tag, and indents; text stays as it is. There is no `<` but markup's, so `><` is enough.
fn lines(xml: &str) -> String {
    let mut out = String::new();
    let mut depth: usize = 0;
    // XML has no NUL.
    for line in xml.replace("><", ">\0<").split('\0') {
        let closes = line.starts_with("</");
        depth = depth.saturating_sub(usize::from(closes));
        let _ = writeln!(out, "{:indent$}{line}", "", indent = 2 * depth);
        let opens = !closes && !line.ends_with("/>") && !line.contains("</");
        depth += usize::from(opens);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_with_text_stays_on_its_line() {
        let xml = r#"<message to="a@b"><body>x &lt; y</body><x xmlns="u"><a/><b>t</b></x></message>"#;
        let expected = "<message to=\"a@b\">\n  <body>x &lt; y</body>\n  <x xmlns=\"u\">\n    <a/>\n    <b>t</b>\n  </x>\n</message>\n";
        assert_eq!(lines(xml), expected);
        assert_eq!(lines("<presence/>"), "<presence/>\n");
    }

    #[test]
    fn only_what_differs_is_marked() {
        let diff = of_xml("<a><b>1</b><c/></a>", "<a><b>2</b><c/></a>");
        assert_eq!(diff, "    <a>\n  -   <b>1</b>\n  +   <b>2</b>\n      <c/>\n    </a>");
    }
}
