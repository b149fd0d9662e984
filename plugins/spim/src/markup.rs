//! The words of an element, with those of all elements in it: `<b>ca</b>sino` says what `casino` says.

/// Elements that end a line. All others stand within words.
const BLOCKS: [&str; 15] =
    ["p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "blockquote", "pre", "title", "summary", "content", "name"];

/// The text of canonical XML, as the proxy writes it.
pub(crate) fn text(xml: &str) -> String {
    let mut text = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((before, tag)) = rest.split_once('<') {
        unescape(before, &mut text);
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        let name = tag.trim_matches('/').split([' ', '/']).next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        if BLOCKS.contains(&local) && !text.is_empty() {
            text.push('\n');
        }
        rest = behind;
    }
    unescape(rest, &mut text);
    text
}

/// Canonical XML has these references alone.
fn unescape(escaped: &str, text: &mut String) {
    const REFERENCES: [(&str, char); 8] = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&apos;", '\''),
        ("&#xD;", '\r'),
        ("&#xA;", '\n'),
        ("&#x9;", '\t'),
        ("&amp;", '&'),
    ];
    let mut rest = escaped;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let known = REFERENCES.iter().find(|(reference, _)| from.starts_with(reference));
        let (character, length) = known.map_or(('&', 1), |(reference, character)| (*character, reference.len()));
        text.push(character);
        rest = from.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_does_not_part_words_and_lines_do() {
        let xml = "<html xmlns=\"http://jabber.org/protocol/xhtml-im\"><body><p>best ca<b>si</b>no</p><p>a &lt; b &amp;c<br/>d</p></body></html>";
        assert_eq!(text(xml).trim(), "best casino\n\na < b &c\nd");
        assert_eq!(text("<a>cut &am"), "cut &am");
        assert_eq!(text("no tag"), "no tag");
    }
}
