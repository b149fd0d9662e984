//! The attributes of a start tag, and the XML declaration: what quick-xml would take in almost any shape.

use super::XmlError::{self, NotWellFormed, Restricted, UnsupportedEncoding};
use super::chars::{self, ScannedName};

/// An attribute as it stands in the text; the value is without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawAttribute {
    pub(super) name_start: usize,
    pub(super) colon: Option<usize>,
    pub(super) name_end: usize,
    pub(super) value_start: usize,
    pub(super) value_end: usize,
}

/// Reads the attributes in `text[at..end]`, what stands between the name of the element and the end of the tag.
pub(super) struct RawAttributes<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> RawAttributes<'a> {
    pub(super) fn new(text: &'a str, at: usize, end: usize) -> Self {
        Self { text, at, end }
    }

    /// XML 1.0 §3.1 [40], [41]: white space before each attribute; `=` and quotes are not optional; no `<` in a value.
    pub(super) fn next(&mut self) -> Result<Option<RawAttribute>, XmlError> {
        let spaced = self.skip_whitespace();
        if self.at == self.end {
            return Ok(None);
        }
        if !spaced {
            return Err(NotWellFormed("no space before an attribute"));
        }
        let name_start = self.at;
        let ScannedName { end: name_end, colon } = chars::scan_name(self.text, name_start)?;
        self.at = name_end;
        self.skip_whitespace();
        self.expect_equals()?;
        self.skip_whitespace();
        let (value_start, value_end) = self.quoted()?;
        Ok(Some(RawAttribute { name_start, colon, name_end, value_start, value_end }))
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..self.end]
    }

    fn skip_whitespace(&mut self) -> bool {
        let blank = self.rest().iter().take_while(|&&byte| chars::is_whitespace(byte)).count();
        self.at += blank;
        blank > 0
    }

    fn expect_equals(&mut self) -> Result<(), XmlError> {
        if self.rest().first() != Some(&b'=') {
            return Err(NotWellFormed("an attribute without a value"));
        }
        self.at += 1;
        Ok(())
    }

    fn quoted(&mut self) -> Result<(usize, usize), XmlError> {
        let rest = self.rest();
        let Some(&quote @ (b'"' | b'\'')) = rest.first() else {
            return Err(NotWellFormed("an attribute value without quotes"));
        };
        match memchr::memchr2(quote, b'<', &rest[1..]) {
            Some(length) if rest[1 + length] == quote => {
                let start = self.at + 1;
                self.at = start + length + 1;
                Ok((start, start + length))
            }
            Some(_) => Err(NotWellFormed("a < in an attribute value")),
            None => Err(NotWellFormed("an attribute value that does not end")),
        }
    }
}

/// Checks `<?xml … ?>` (XML 1.0 §2.8): version 1.0, then an encoding, then `standalone`, the latter two optional.
pub(super) fn check_declaration(bytes: &[u8]) -> Result<(), XmlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotWellFormed("not UTF-8"))?;
    chars::survey(text)?;
    let inside = text.strip_prefix("<?xml").and_then(|rest| rest.strip_suffix("?>"));
    let inside = inside.filter(|inside| inside.starts_with([' ', '\t', '\r', '\n']));
    let inside = inside.ok_or(Restricted("a processing instruction"))?;
    let mut attributes = RawAttributes::new(inside, 0, inside.len());
    let mut expected = ["version", "encoding", "standalone"].iter();
    let mut versioned = false;
    while let Some(attribute) = attributes.next()? {
        let name = &inside[attribute.name_start..attribute.name_end];
        let value = &inside[attribute.value_start..attribute.value_end];
        if !expected.any(|&one| one == name) || (name != "version" && !versioned) {
            return Err(NotWellFormed("a malformed XML declaration"));
        }
        match name {
            "version" if value == "1.0" => versioned = true,
            "encoding" if value.eq_ignore_ascii_case("UTF-8") => {}
            "encoding" => return Err(UnsupportedEncoding),
            "standalone" if matches!(value, "yes" | "no") => {}
            _ => return Err(NotWellFormed("an XML declaration that is not of XML 1.0")),
        }
    }
    if versioned { Ok(()) } else { Err(NotWellFormed("an XML declaration without a version")) }
}
