//! A model of the scanner with which Openfire cuts a stream into stanzas before a parser sees them.
//!
//! After `XMLLightweightParser.java` of Openfire 4.8, state by state: it counts tags, knows no quotes but `"`, and takes an
//! end tag for that of the stanza when it is at depth 0 and begins with the same name. A stanza that it cuts elsewhere than
//! we do is a stanza that nobody judged.

/// What the next character belongs to; the names are Openfire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Before the first `<` of a message.
    Init,
    /// The name of its first tag.
    Head,
    /// A tag.
    Inside,
    /// After `<`.
    Pretail,
    /// After `</`.
    Tail,
    /// After `/` in a tag.
    VerifyCloseTag,
    /// Between double quotes.
    InsideParamValue,
    InsideCdata,
    /// Text.
    Outside,
}

const CDATA_START: &[u8] = b"<![CDATA[";
const CDATA_END: &[u8] = b"]]>";

struct Scanner<'a> {
    stream: &'a str,
    found: Vec<&'a str>,
    /// Where the message begins.
    start: usize,
    status: Status,
    head: String,
    /// How many bytes of the head the end tag has matched.
    tail: usize,
    cdata: usize,
    depth: i64,
    inside_root_tag: bool,
}

/// Cuts a stream, given in one read, into what Openfire hands to its parser. The error says why it closes the connection.
pub fn frame(stream: &str) -> Result<Vec<&str>, String> {
    let mut scanner = Scanner {
        stream,
        found: Vec::new(),
        start: 0,
        status: Status::Init,
        head: String::new(),
        tail: 0,
        cdata: 0,
        depth: 0,
        inside_root_tag: false,
    };
    for (at, character) in stream.char_indices() {
        if character < ' ' && !matches!(character, '\t' | '\n' | '\r') {
            return Err(format!("an illegal character at {at}"));
        }
        scanner.take(character, at + character.len_utf8())?;
    }
    if scanner.head == "/stream:stream>" {
        scanner.found.push("</stream:stream>");
    }
    Ok(scanner.found)
}

impl Scanner<'_> {
    /// Takes a character that ends at `end`.
    fn take(&mut self, character: char, end: usize) -> Result<(), String> {
        match self.status {
            Status::Init => self.init(character, end),
            Status::Head => self.head(character),
            Status::Inside => return self.inside(character, end),
            Status::Pretail => self.pretail(character),
            Status::Tail => return self.tail(character, end),
            Status::VerifyCloseTag => return self.verify_close_tag(character, end),
            Status::InsideParamValue if character == '"' => self.status = Status::Inside,
            Status::InsideParamValue => {}
            Status::InsideCdata => self.inside_cdata(character),
            Status::Outside if character == '<' => {
                self.status = Status::Pretail;
                self.cdata = 1;
            }
            Status::Outside => {}
        }
        Ok(())
    }

    fn init(&mut self, character: char, end: usize) {
        if character == '<' {
            self.status = Status::Head;
            self.depth = 1;
        } else {
            self.start = end;
        }
    }

    fn head(&mut self, character: char) {
        if is_java_whitespace(character) || character == '>' {
            self.head.push('>');
            self.status = if character == '>' { Status::Outside } else { Status::Inside };
            self.inside_root_tag = true;
            return;
        }
        if character == '/' && !self.head.is_empty() {
            self.status = Status::VerifyCloseTag;
            self.depth -= 1;
        }
        self.head.push(character);
    }

    fn inside(&mut self, character: char, end: usize) -> Result<(), String> {
        if self.begins_cdata(character) {
            return Ok(());
        }
        match character {
            '"' => self.status = Status::InsideParamValue,
            '/' => self.status = Status::VerifyCloseTag,
            '>' => {
                self.status = Status::Outside;
                if self.inside_root_tag && matches!(self.head.as_str(), "stream:stream>" | "?xml>") {
                    self.found(end)?;
                }
                self.inside_root_tag = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn pretail(&mut self, character: char) {
        let matched = self.begins_cdata(character);
        if matched && self.status == Status::InsideCdata {
            return;
        }
        match character {
            '/' => {
                self.status = Status::Tail;
                self.depth -= 1;
            }
            '!' => self.status = Status::Inside,
            _ => self.depth += 1,
        }
    }

    /// Tells whether the character goes on with `<![CDATA[`; else it is one of a tag.
    fn begins_cdata(&mut self, character: char) -> bool {
        if character != char::from(CDATA_START[self.cdata]) {
            self.cdata = 0;
            self.status = Status::Inside;
            return false;
        }
        self.cdata += 1;
        if self.cdata == CDATA_START.len() {
            self.status = Status::InsideCdata;
            self.cdata = 0;
        }
        self.status == Status::InsideCdata
    }

    fn tail(&mut self, character: char, end: usize) -> Result<(), String> {
        if self.depth >= 1 || !self.head[self.tail..].starts_with(character) {
            self.tail = 0;
            self.status = Status::Inside;
            return Ok(());
        }
        self.tail += character.len_utf8();
        if self.tail == self.head.len() { self.found(end) } else { Ok(()) }
    }

    fn verify_close_tag(&mut self, character: char, end: usize) -> Result<(), String> {
        match character {
            '>' => {
                self.depth -= 1;
                self.status = Status::Outside;
                return if self.depth < 1 { self.found(end) } else { Ok(()) };
            }
            '<' => self.status = Status::Pretail,
            _ => self.status = Status::Inside,
        }
        Ok(())
    }

    fn inside_cdata(&mut self, character: char) {
        let last = CDATA_END.len() - 1;
        if character == char::from(CDATA_END[self.cdata]) {
            self.cdata += 1;
            if self.cdata == CDATA_END.len() {
                self.status = Status::Outside;
                self.cdata = 0;
            }
        } else if self.cdata != last || character != ']' {
            self.cdata = 0;
        }
    }

    fn found(&mut self, end: usize) -> Result<(), String> {
        let message = &self.stream[self.start..end];
        if has_illegal_reference(message) {
            return Err(format!("an illegal character reference in {message}"));
        }
        self.found.push(message);
        self.start = end;
        self.status = Status::Init;
        (self.tail, self.cdata, self.depth) = (0, 0, 0);
        self.head.clear();
        self.inside_root_tag = false;
        Ok(())
    }
}

/// `Character.isWhitespace`: the separators of Unicode that may break, and some controls.
fn is_java_whitespace(character: char) -> bool {
    let controls = matches!(character, '\t'..='\r' | '\u{1C}'..='\u{1F}');
    controls || (character.is_whitespace() && !matches!(character, '\u{85}' | '\u{A0}' | '\u{2007}' | '\u{202F}'))
}

/// Openfire looks for references anywhere, and passes over what is not a number.
fn has_illegal_reference(message: &str) -> bool {
    message.match_indices("&#").any(|(at, _)| {
        let Some((digits, _)) = message[at + 2..].split_once(';') else { return false };
        let number = match digits.strip_prefix(['x', 'X']) {
            Some(digits) => i32::from_str_radix(digits, 16),
            None => digits.parse(),
        };
        number.is_ok_and(|number| !is_legal(number))
    })
}

fn is_legal(number: i32) -> bool {
    matches!(number, 9 | 0xA | 0xD | 0x20..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns=\"jabber:server\" to='b'>";

    fn stanzas(xml: &str) -> Vec<String> {
        let stream = format!("{HEADER}{xml}</stream:stream>");
        let found = frame(&stream).unwrap();
        found.into_iter().skip(2).map(str::to_owned).collect()
    }

    #[test]
    fn cuts_a_stream_where_openfire_does() {
        let xml = "<a/>\n<m to=\"x>/>\"><b>&lt;</b><c d=\"</m>\"/>t</m> <n e=\"1\"/>";
        let stream = format!("{HEADER}{xml}");
        let expected = [
            "<?xml version='1.0'?>",
            &HEADER[21..],
            "<a/>",
            "<m to=\"x>/>\"><b>&lt;</b><c d=\"</m>\"/>t</m>",
            "<n e=\"1\"/>",
        ];
        assert_eq!(frame(&stream).unwrap(), expected);
        assert_eq!(stanzas("<m>]]></m>"), ["<m>]]></m>", "</stream:stream>"]);
    }

    #[test]
    fn is_led_astray_by_what_we_never_send() {
        assert_eq!(stanzas("<m id='\"'><b>x</b></m><m id='2'/>"), Vec::<String>::new());
        assert_eq!(stanzas("<m id='/>'><b/></m>")[0], "<m id='/>");
        assert_eq!(stanzas("<m><![CDATA[</m><m>]]></m>")[0], "<m><![CDATA[</m><m>]]></m>");
    }

    #[test]
    fn refuses_illegal_references_and_characters() {
        assert!(frame("<m>&#0;</m>").is_err() && frame("<m a=\"&#xFFFE;\"/>").is_err());
        assert!(frame("<m>\u{1}</m>").is_err());
        assert!(frame("<m>&#99999999999;</m>").is_ok());
    }
}
