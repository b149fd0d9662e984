//! What is cut out of a text: spans of characters, words with a URL, words that are URIs of a certain kind.

/// A text, and which of its characters go.
#[derive(Debug)]
pub(crate) struct Cut<'t> {
    text: &'t str,
    /// The characters, and the bytes they begin at.
    chars: Vec<(usize, char)>,
    gone: Vec<bool>,
}

impl<'t> Cut<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let chars: Vec<_> = text.char_indices().collect();
        Cut { text, gone: vec![false; chars.len()], chars }
    }

    /// Takes out a span, counted in Unicode code points (XEP-0426); what lies beyond the text is ignored.
    pub(crate) fn span(&mut self, start: usize, end: usize) {
        if let Some(span) = self.gone.get_mut(start..end.min(self.chars.len())) {
            span.fill(true);
        }
    }

    /// Takes out these URLs, and with each the word it stands in, such as a bracket or a fragment, and the white space behind.
    pub(crate) fn urls(&mut self, urls: &[String]) {
        for url in urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty()) {
            for (byte, _) in self.text.match_indices(url) {
                let (start, end) = (self.char_at(byte), self.char_at(byte + url.len()));
                // The whole word went with an earlier one.
                if self.gone.get(start) == Some(&false) {
                    self.word(start, end);
                }
            }
        }
    }

    fn char_at(&self, byte: usize) -> usize {
        self.chars.partition_point(|(begins, _)| *begins < byte)
    }

    /// Takes out the words that are meant, and says whether there are any.
    pub(crate) fn words(&mut self, is_meant: impl Fn(&str) -> bool) -> bool {
        let (mut start, mut any) = (0, false);
        while start < self.chars.len() {
            let end = self.end_of_word(start);
            let word: String = self.chars[start..end].iter().map(|(_, char)| *char).collect();
            if !word.is_empty() && is_meant(&word) {
                self.word(start, end);
                any = true;
            }
            start = end + 1;
        }
        any
    }

    /// Takes out everything, if the text as a whole is meant, and says whether it is.
    pub(crate) fn all_if(&mut self, is_meant: impl Fn(&str) -> bool) -> bool {
        let is_meant = is_meant(self.text);
        if is_meant {
            self.gone.fill(true);
        }
        is_meant
    }

    fn word(&mut self, start: usize, end: usize) {
        let before = self.chars[..start].iter().rposition(|(_, char)| char.is_whitespace());
        let start = before.map_or(0, |space| space + 1);
        let end = self.end_of_word(end);
        let spaces = self.chars[end..].iter().take_while(|(_, char)| char.is_whitespace()).count();
        self.span(start, end + spaces.min(1));
    }

    fn end_of_word(&self, start: usize) -> usize {
        let word = self.chars[start..].iter().position(|(_, char)| char.is_whitespace());
        word.map_or(self.chars.len(), |length| start + length)
    }

    /// The text that remains, without the white space around it if something was cut.
    pub(crate) fn finish(mut self) -> Remainder {
        if self.gone.contains(&true) {
            self.trim();
        }
        let kept = self.chars.iter().zip(&self.gone).filter(|(_, gone)| !**gone);
        Remainder { text: kept.map(|((_, char), _)| *char).collect(), gone: self.gone }
    }

    fn trim(&mut self) {
        let is_kept = |at: &usize| !self.gone[*at] && !self.chars[*at].1.is_whitespace();
        let first = (0..self.chars.len()).find(is_kept);
        let last = (0..self.chars.len()).rfind(is_kept);
        match first.zip(last) {
            Some((first, last)) => {
                self.gone[..first].fill(true);
                self.gone[last + 1..].fill(true);
            }
            None => self.gone.fill(true),
        }
    }
}

/// What remains of a text.
#[derive(Debug)]
pub(crate) struct Remainder {
    pub(crate) text: String,
    gone: Vec<bool>,
}

impl Remainder {
    /// Whether anything is gone.
    pub(crate) fn is_shorter(&self) -> bool {
        self.gone.contains(&true)
    }

    /// Where a character stands now.
    pub(crate) fn moved(&self, offset: usize) -> usize {
        self.gone.iter().take(offset).filter(|gone| !**gone).count()
    }
}

/// Whether a word is a URI that stands for a file: the key and place of an encrypted one (XEP-0454), the file itself (RFC 2397), or an
/// offer (XEP-0147, XEP-0358).
pub(crate) fn is_file_uri(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let offers = ["recvfile", "sendfile", "jingle;"];
    word.contains("aesgcm://")
        || has_data(&word)
        || word.split_once("cid:").is_some_and(|(_, id)| id.contains("@bob.xmpp.org"))
        || (word.contains("xmpp:")
            && word.split('?').skip(1).any(|query| offers.iter().any(|offer| query.starts_with(offer))))
}

/// Whether a link leads to a [file](is_file_uri). Browsers read an address without the white space in it.
pub(crate) fn is_file_address(href: &str) -> bool {
    is_file_uri(&href.split_whitespace().collect::<String>())
}

/// Whether a word in lower case has a file in it as it is (RFC 2397). In a link to the web it is a part of the link.
fn has_data(word: &str) -> bool {
    const TYPES: [&str; 8] = ["image", "video", "audio", "text", "application", "font", "model", "multipart"];
    let is_kind = |kind: &str| {
        kind.is_empty() || kind.starts_with(';') || kind.split_once('/').is_some_and(|(kind, _)| TYPES.contains(&kind))
    };
    let itself = word.trim_start_matches(|char: char| !char.is_alphanumeric());
    let is_of_web = itself.starts_with("http://") || itself.starts_with("https://");
    let parts: Vec<_> = word.split("data:").collect();
    let is_data = |pair: &[&str]| {
        let is_whole = !pair[0].ends_with(char::is_alphanumeric);
        is_whole && pair[1].split_once(',').is_some_and(|(kind, _)| is_kind(kind))
    };
    !is_of_web && parts.windows(2).any(is_data)
}

/// Whether a text is a message of OTR. XEP-0364 §3 knows it by its beginning; clients skip blanks before it.
pub(crate) fn is_otr(text: &str) -> bool {
    text.trim_start().starts_with("?OTR")
}

/// Whether a word has a URI in it that a client makes a link of.
pub(crate) fn is_url(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let schemes = ["geo:", "magnet:", "mailto:", "tel:", "sip:", "sips:", "xmpp:", "cid:", "web+"];
    let word_itself = word.trim_start_matches(|char: char| !char.is_alphanumeric());
    let has_scheme = |(before, after): (&str, &str)| {
        before.ends_with(|char: char| char.is_ascii_alphanumeric()) && !after.is_empty()
    };
    word.split_once("://").is_some_and(has_scheme)
        || word_itself.starts_with("www.")
        || schemes.iter().any(|scheme| word_itself.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
        || is_file_uri(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, urls: &[&str]) -> String {
        let mut cut = Cut::new(text);
        cut.urls(&urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>());
        cut.finish().text
    }

    #[test]
    fn takes_the_url_and_leaves_the_rest() {
        let urls = ["https://up.example/a.jpg", " "];
        assert_eq!(without("https://up.example/a.jpg", &urls), "");
        assert_eq!(without("look: https://up.example/a.jpg ", &urls), "look:");
        assert_eq!(without("the cat (https://up.example/a.jpg#top) sits", &urls), "the cat sits");
        assert_eq!(without("an  a b  c", &["a b"]), "an   c");
        assert_eq!(without(" two  spaces ", &urls), " two  spaces ");
        assert_eq!(without("\n", &urls), "\n");
    }

    #[test]
    fn a_span_is_of_characters_and_moves_what_is_behind() {
        let mut cut = Cut::new("> größer?\nja https://x");
        cut.span(0, 10);
        cut.span(30, 99);
        let remainder = cut.finish();
        assert_eq!(remainder.text, "ja https://x");
        assert_eq!((remainder.moved(10), remainder.moved(12), remainder.moved(99)), (0, 2, 12));
    }

    #[test]
    fn knows_uris_of_files() {
        for uri in
            ["aesgcm://up.example/a#00", "(AESGCM://x/y#z)", "data:image/png;base64,AA", "data:,hi", "data:;base64,AA"]
        {
            assert!(is_file_uri(uri), "{uri}");
        }
        assert!(is_file_uri("xmpp:a@b.example/c?recvfile;sid=1") && is_file_uri("xmpp:a@b.example/c?jingle;id=1"));
        assert!(is_file_uri("url(data:image/png;base64,AA)") && is_file_uri("<cid:sha1+aa@bob.xmpp.org>"));
        for word in ["data:", "metadata:x", "data:foo", "xmpp:room@muc.example?join", "https://a.example/?sendfiles"] {
            assert!(!is_file_uri(word), "{word}");
        }
    }

    #[test]
    fn ordinary_words_are_no_files() {
        for word in [
            "metadata:foo/bar,baz",
            "metadata:text/a,b",
            "data:10/12,13",
            "https://jsfiddle.example/#data:a/b,c",
            "(https://x.example/?q=data:text/html,hi)",
            "cat@bob.xmpp.org",
        ] {
            assert!(!is_file_uri(word), "{word}");
        }
    }

    #[test]
    fn blanks_in_an_address_hide_no_file() {
        assert!(is_file_address(" da\n\tta:text/plain,hi") && !is_file_address("https://a.example/ x"));
    }

    #[test]
    fn knows_urls() {
        for url in
            ["https://a.example", "<ftp://a.example>", "www.a.example", "geo:1,2", "xmpp:a@b.example", "see:http://x"]
        {
            assert!(is_url(url), "{url}");
        }
        for word in ["://", "http", "a:b", "12:30", "geo:", "e.g.", "a/b"] {
            assert!(!is_url(word), "{word}");
        }
    }
}
