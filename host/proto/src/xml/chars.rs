//! Characters, names and references (XML 1.0 §2.2, §2.3, §4.1): all that quick-xml leaves unchecked.

use super::XmlError;
use super::XmlError::{NotWellFormed, Restricted};
use super::alphabet;

/// What a frame holds besides plain text, found in one pass over its bytes.
#[derive(Clone, Copy)]
pub(super) struct Survey {
    /// A tab, line feed or carriage return: attribute values and line ends may need normalising.
    pub(super) has_control: bool,
    /// A `]`: text may hold `]]>`.
    pub(super) has_bracket: bool,
    /// An `&`: values may hold references.
    pub(super) has_ampersand: bool,
}

/// Surveys the bytes of a frame and refuses characters that XML does not have.
pub(super) fn survey(text: &str) -> Result<Survey, XmlError> {
    // One fold without a branch, which compiles to vector instructions.
    let (mut control, mut bracket, mut ampersand, mut high) = (false, false, false, 0u8);
    for &byte in text.as_bytes() {
        control |= byte < 0x20;
        bracket |= byte == b']';
        ampersand |= byte == b'&';
        high |= byte;
    }
    let illegal = (control && text.bytes().any(is_illegal_control)) || (high >= 0x80 && has_noncharacter(text));
    if illegal {
        return Err(NotWellFormed("a character that XML does not have"));
    }
    Ok(Survey { has_control: control, has_bracket: bracket, has_ampersand: ampersand })
}

/// Tells whether XML 1.0 can express every character of `text`.
pub fn is_text(text: &str) -> bool {
    survey(text).is_ok()
}

/// Tells whether `name` can be the local name of an element or attribute: a name without a colon.
pub fn is_name(name: &str) -> bool {
    scan_name(name, 0).is_ok_and(|found| found.end == name.len() && found.colon.is_none())
}

pub(super) fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Tells whether a name can begin with this byte, or with the character it begins.
pub(super) fn begins_name(byte: u8) -> bool {
    matches!(CLASSES[byte as usize], Class::Start | Class::Wide)
}

fn is_illegal_control(byte: u8) -> bool {
    byte < 0x20 && !is_whitespace(byte)
}

/// U+FFFE and U+FFFF, `EF BF BE` and `EF BF BF` in UTF-8; surrogates cannot be encoded.
fn has_noncharacter(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(0xEF, bytes).any(|at| bytes[at + 1] == 0xBF && bytes[at + 2] >= 0xBE)
}

fn is_character(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A qualified name found in a tag.
#[derive(Clone, Copy)]
pub(super) struct ScannedName {
    /// One past its last byte.
    pub(super) end: usize,
    /// Where the colon after its prefix is.
    pub(super) colon: Option<usize>,
}

/// Reads the qualified name that begins at `start` (Namespaces in XML 1.0 §4: at most one colon, both parts not empty).
pub(super) fn scan_name(text: &str, start: usize) -> Result<ScannedName, XmlError> {
    let bytes = text.as_bytes();
    let (mut at, mut part, mut colon) = (start, start, None);
    while let Some(&byte) = bytes.get(at) {
        match CLASSES[byte as usize] {
            Class::Start => at += 1,
            Class::Inner if at > part => at += 1,
            Class::Colon if at > part && colon.is_none() => {
                colon = Some(at);
                at += 1;
                part = at;
            }
            Class::Wide => at += wide_name_character(&text[at..], at == part)?,
            Class::Inner | Class::Colon => return Err(NotWellFormed("not a name")),
            Class::Other => break,
        }
    }
    if at == part {
        return Err(NotWellFormed("not a name"));
    }
    Ok(ScannedName { end: at, colon })
}

fn wide_name_character(text: &str, first: bool) -> Result<usize, XmlError> {
    let legal = |&character: &char| if first { alphabet::begins(character) } else { alphabet::goes_on(character) };
    text.chars().next().filter(legal).map(char::len_utf8).ok_or(NotWellFormed("not a name"))
}

#[derive(Clone, Copy)]
enum Class {
    Other,
    Start,
    Inner,
    Colon,
    Wide,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Class::Start,
            b'0'..=b'9' | b'-' | b'.' => Class::Inner,
            b':' => Class::Colon,
            0x80.. => Class::Wide,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}

/// Resolves what stands between `&` and `;`.
///
/// RFC 6120 §11.1 leaves the five predefined entities and references to characters.
pub(super) fn reference(name: &str) -> Result<char, XmlError> {
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => match name.strip_prefix('#') {
            Some(number) => character_reference(number),
            None if scan_name(name, 0).is_ok_and(|found| found.end == name.len()) => Err(Restricted("an entity")),
            None => Err(NotWellFormed("an ampersand that begins no reference")),
        },
    }
}

fn character_reference(number: &str) -> Result<char, XmlError> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let mut code = 0u32;
    for digit in digits.chars() {
        let digit = digit.to_digit(radix).ok_or(NotWellFormed("a malformed character reference"))?;
        code = code.saturating_mul(radix).saturating_add(digit);
    }
    let legal = char::from_u32(code).filter(|&character| is_character(character));
    legal.ok_or(NotWellFormed("a reference to a character that XML does not have"))
}

/// Appends the attribute value in `start..end` of the buffer to the buffer, as XML 1.0 §3.3.3 normalises it: references
/// resolved, literal white space as spaces.
pub(super) fn append_value(buffer: &mut String, start: usize, end: usize) -> Result<(), XmlError> {
    let mut at = start;
    while let Some(found) = buffer[at..end].find(['&', '\t', '\n', '\r']) {
        let special = at + found;
        buffer.extend_from_within(at..special);
        at = match &buffer.as_bytes()[special..end] {
            [b'&', ..] => append_reference(buffer, special + 1, end)?,
            [b'\r', b'\n', ..] => append_space(buffer, special + 2),
            _ => append_space(buffer, special + 1),
        };
    }
    buffer.extend_from_within(at..end);
    Ok(())
}

fn append_reference(buffer: &mut String, start: usize, end: usize) -> Result<usize, XmlError> {
    let length = buffer[start..end].find(';').ok_or(NotWellFormed("an ampersand that begins no reference"))?;
    let character = reference(&buffer[start..start + length])?;
    buffer.push(character);
    Ok(start + length + 1)
}

fn append_space(buffer: &mut String, after: usize) -> usize {
    buffer.push(' ');
    after
}

/// Appends the character data in `start..end` of the buffer to the buffer, its line ends as XML 1.0 §2.11 normalises them.
pub(super) fn append_text(buffer: &mut String, start: usize, end: usize) {
    let mut at = start;
    while let Some(length) = buffer[at..end].find('\r') {
        buffer.extend_from_within(at..at + length);
        buffer.push('\n');
        at += length + 1;
        at += usize::from(buffer[at..end].starts_with('\n'));
    }
    buffer.extend_from_within(at..end);
}
