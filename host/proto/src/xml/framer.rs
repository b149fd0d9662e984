//! Finds where each element at stream level ends, whatever the reads it came in.
//!
//! bytes → **framer** → reader. Every byte is looked at once: the state says what the next one may be, so one byte per read
//! costs no more than all at once. Nothing is judged here but what shows where an element ends, and its size and depth.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::XmlError::{self, NotWellFormed, Restricted, TooDeep, TooLarge, UnsupportedEncoding};
use super::chars::{begins_name, is_whitespace};
use crate::limits::XmlLimits;

/// A complete piece of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// `<?xml … ?>`, at the very start.
    Declaration,
    /// The start tag of the stream.
    Header,
    /// An element at stream level.
    Element,
    /// The end tag of the stream.
    Close,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The very start, where a byte order mark may be.
    ByteOrder,
    /// The start after it, where a declaration may be.
    Start,
    /// After `<` at the start.
    StartMarkup,
    /// A declaration, after `<?` at the start.
    Declaration,
    /// Between elements at stream level, or before the header.
    Outside,
    /// After `<`.
    Markup,
    /// A start tag.
    Tag,
    /// An attribute value that ends with this quote.
    Quoted(u8),
    /// An end tag.
    EndTag,
    /// The content of an element at stream level.
    Text,
    /// After `<!` and so many bytes of `[CDATA[`.
    CDataOpening(u8),
    /// A CDATA section.
    CData,
    /// After the end tag of the stream.
    Closed,
}

enum Step {
    On,
    Starved,
    Frame(Frame),
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const CDATA: &[u8] = b"[CDATA[";

/// The bytes of a stream, cut into frames.
#[derive(Debug)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    /// Where the piece begins that is being framed; what is before it is done with.
    start: usize,
    /// The next byte to look at.
    next: usize,
    state: State,
    /// Whether the header has been seen.
    in_stream: bool,
    /// Where the names of the open elements of a stanza begin, counted from `start`.
    open: Vec<u32>,
    /// Where the tag begins that is being looked at, counted from `start`.
    tag: u32,
    /// The frame found last.
    frame: Range<usize>,
    /// How far quick-xml has read in it.
    read: usize,
}

impl Framer {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            next: 0,
            state: State::ByteOrder,
            in_stream: false,
            open: Vec::new(),
            tag: 0,
            frame: 0..0,
            read: 0,
        }
    }

    /// Begins inside a stream whose header is not seen.
    pub(super) fn inside_stream() -> Self {
        Self { state: State::Outside, in_stream: true, ..Self::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        // Each byte is moved once at most on average: when as much was done with as is left.
        if self.start > 0 && self.start >= self.buffered() {
            self.discard_done();
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives back the memory that the bytes left over do not need.
    pub(super) fn shrink(&mut self) {
        self.discard_done();
        self.buffer.shrink_to_fit();
    }

    fn discard_done(&mut self) {
        self.buffer.drain(..self.start);
        self.next -= self.start;
        (self.start, self.frame, self.read) = (0, 0..0, 0);
    }

    /// Returns the bytes that belong to no frame yet.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Returns how many bytes belong to no frame yet.
    pub(super) fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Returns the bytes of the frame found last.
    pub(super) fn frame(&self) -> &[u8] {
        &self.buffer[self.frame.clone()]
    }

    /// Returns how many bytes of the frame found last have been read.
    pub(super) fn read(&self) -> usize {
        self.read - self.frame.start
    }

    /// Finds the next frame among the bytes pushed so far.
    pub(super) fn next_frame(&mut self, limits: &XmlLimits) -> Result<Option<Frame>, XmlError> {
        let bytes_max = if self.in_stream { limits.stanza_bytes_max } else { limits.header_bytes_max };
        loop {
            // Limits may have been lowered below what was looked at already.
            let window_end = self.buffer.len().min(self.next.max(self.start + bytes_max as usize));
            match self.step(window_end, limits.depth_max)? {
                Step::On => {}
                Step::Frame(frame) => {
                    self.frame = self.start..self.next;
                    (self.read, self.start) = (self.start, self.next);
                    return Ok(Some(frame));
                }
                Step::Starved if self.next - self.start >= bytes_max as usize => return Err(TooLarge(bytes_max)),
                Step::Starved => return Ok(None),
            }
        }
    }

    fn step(&mut self, window_end: usize, depth_max: u32) -> Result<Step, XmlError> {
        let window = &self.buffer[self.next..window_end];
        let Some(&byte) = window.first() else { return Ok(Step::Starved) };
        match self.state {
            State::Text => Ok(self.skip_past(memchr::memchr(b'<', window), window.len(), State::Markup)),
            State::Quoted(quote) => match memchr::memchr2(quote, b'<', window) {
                Some(at) if window[at] == b'<' => Err(NotWellFormed("a < in an attribute value")),
                found => Ok(self.skip_past(found, window.len(), State::Tag)),
            },
            State::Tag => self.tag(window_end, depth_max),
            State::EndTag => {
                let found = memchr::memchr(b'>', window);
                let step = self.skip_past(found, window.len(), State::Text);
                if found.is_some() { self.end_tag_end() } else { Ok(step) }
            }
            State::CData => {
                let found = memchr::memchr(b'>', window);
                let step = self.skip_past(found, window.len(), State::CData);
                // The opening ends with `[`, so these two are of the section's own.
                if found.is_some() && self.buffer[..self.next].ends_with(b"]]>") {
                    self.state = State::Text;
                }
                Ok(step)
            }
            State::Markup => self.markup(byte),
            State::CDataOpening(matched) => self.cdata_opening(byte, matched),
            State::ByteOrder => self.byte_order(byte),
            State::Start if byte == b'<' => Ok(self.skip_past(Some(0), 0, State::StartMarkup)),
            State::Start => {
                self.state = State::Outside;
                Ok(Step::On)
            }
            State::StartMarkup if byte == b'?' => Ok(self.skip_past(Some(0), 0, State::Declaration)),
            State::StartMarkup => {
                self.state = State::Markup;
                Ok(Step::On)
            }
            State::Declaration => {
                let found = memchr::memchr(b'>', window);
                let step = self.skip_past(found, window.len(), State::Declaration);
                let complete = found.is_some() && self.buffer[..self.next].ends_with(b"?>");
                if complete {
                    self.state = State::Outside;
                }
                Ok(if complete { Step::Frame(Frame::Declaration) } else { step })
            }
            State::Outside | State::Closed => self.outside(),
        }
    }

    /// Goes on behind the byte found, or behind the window.
    fn skip_past(&mut self, found: Option<usize>, window_bytes: usize, state: State) -> Step {
        match found {
            Some(at) => {
                self.next += at + 1;
                self.state = state;
            }
            None => self.next += window_bytes,
        }
        Step::On
    }

    /// White space keeps a stream alive (RFC 6120 §4.6.1) and costs nothing here.
    fn outside(&mut self) -> Result<Step, XmlError> {
        let blank = self.buffer[self.next..].iter().take_while(|&&byte| is_whitespace(byte)).count();
        self.next += blank;
        self.start = self.next;
        match self.buffer.get(self.next) {
            None => Ok(Step::Starved),
            Some(b'<') if self.state == State::Outside => {
                self.next += 1;
                self.state = State::Markup;
                Ok(Step::On)
            }
            Some(_) if self.state == State::Closed => Err(NotWellFormed("data after the end of the stream")),
            Some(_) => Err(NotWellFormed("text between stanzas")),
        }
    }

    /// RFC 6120 §11.6: UTF-8, whose byte order mark is of no use but is seen.
    fn byte_order(&mut self, byte: u8) -> Result<Step, XmlError> {
        if matches!(byte, 0xFE | 0xFF) {
            return Err(UnsupportedEncoding);
        }
        let seen = &self.buffer[..self.buffer.len().min(BYTE_ORDER_MARK.len())];
        if seen == BYTE_ORDER_MARK {
            self.start = BYTE_ORDER_MARK.len();
            self.next = self.start;
        } else if BYTE_ORDER_MARK.starts_with(seen) {
            return Ok(Step::Starved);
        }
        self.state = State::Start;
        Ok(Step::On)
    }

    fn markup(&mut self, byte: u8) -> Result<Step, XmlError> {
        self.tag = (self.next - self.start) as u32;
        match byte {
            b'/' if !self.in_stream => return Err(NotWellFormed("an end tag without a start tag")),
            b'/' => {
                self.next += 1;
                self.tag += 1;
                self.state = State::EndTag;
            }
            b'!' => {
                self.next += 1;
                self.state = State::CDataOpening(0);
            }
            b'?' => return Err(Restricted("a processing instruction")),
            _ if !begins_name(byte) => return Err(NotWellFormed("not a name")),
            _ => self.state = State::Tag,
        }
        Ok(Step::On)
    }

    /// RFC 6120 §11.1: what begins with `<!` and is not CDATA is a comment or belongs to a document type.
    fn cdata_opening(&mut self, byte: u8, matched: u8) -> Result<Step, XmlError> {
        let matched = matched as usize;
        if byte != CDATA[matched] {
            return Err(if matched == 0 {
                Restricted("a comment or document type")
            } else {
                NotWellFormed("a malformed CDATA section")
            });
        }
        if self.open.is_empty() {
            return Err(NotWellFormed("text between stanzas"));
        }
        self.next += 1;
        self.state = if matched + 1 == CDATA.len() { State::CData } else { State::CDataOpening(matched as u8 + 1) };
        Ok(Step::On)
    }

    /// Between quotes there are few bytes, which are looked at one by one.
    fn tag(&mut self, window_end: usize, depth_max: u32) -> Result<Step, XmlError> {
        let window = &self.buffer[self.next..window_end];
        let Some(at) = window.iter().position(|byte| matches!(byte, b'<' | b'>' | b'"' | b'\'')) else {
            return Ok(self.skip_past(None, window.len(), State::Tag));
        };
        match window[at] {
            b'<' => Err(NotWellFormed("a < in a tag")),
            b'>' => {
                self.next += at + 1;
                self.tag_end(depth_max)
            }
            quote => Ok(self.skip_past(Some(at), 0, State::Quoted(quote))),
        }
    }

    fn tag_end(&mut self, depth_max: u32) -> Result<Step, XmlError> {
        let empty = self.buffer[..self.next].ends_with(b"/>");
        if !self.in_stream {
            if empty {
                return Err(NotWellFormed("a stream header that is also its end"));
            }
            self.in_stream = true;
            self.state = State::Outside;
            return Ok(Step::Frame(Frame::Header));
        }
        if self.open.len() >= depth_max as usize {
            return Err(TooDeep(depth_max));
        }
        if !empty {
            self.open.push(self.tag);
        }
        Ok(self.after_tag())
    }

    /// Compares the names at once: the peer is not left waiting for an error, nor are we for an end that cannot come.
    fn end_tag_end(&mut self) -> Result<Step, XmlError> {
        let Some(opened) = self.open.pop() else {
            self.state = State::Closed;
            return Ok(Step::Frame(Frame::Close));
        };
        let (from_start, from_end) = (&self.buffer[self.start + opened as usize..], self.start + self.tag as usize);
        let name = self.buffer[from_end..self.next - 1].trim_ascii_end();
        let after = from_start.strip_prefix(name).and_then(<[u8]>::first);
        if !after.is_some_and(|&byte| is_whitespace(byte) || byte == b'>') {
            return Err(NotWellFormed("an end tag that does not match"));
        }
        Ok(self.after_tag())
    }

    fn after_tag(&mut self) -> Step {
        if self.open.is_empty() {
            self.state = State::Outside;
            return Step::Frame(Frame::Element);
        }
        self.state = State::Text;
        Step::On
    }
}

/// quick-xml reads from here and sees one frame, never what follows it.
impl BufRead for Framer {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&self.buffer[self.read..self.frame.end])
    }

    fn consume(&mut self, bytes: usize) {
        self.read += bytes;
    }
}

impl Read for Framer {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b"<?xml version='1.0'?><s a='>'> <m x=\"/>\"><a b='&lt;'>t]]</a><![CDATA[</m>]]]]></m>\n<n/></s> ";

    fn frames(framer: &mut Framer, bytes: &[u8]) -> Vec<(Frame, String)> {
        framer.push(bytes);
        let mut found = Vec::new();
        while let Some(frame) = framer.next_frame(&XmlLimits::default()).unwrap() {
            found.push((frame, String::from_utf8_lossy(framer.frame()).into_owned()));
        }
        found
    }

    #[test]
    fn cuts_a_stream_into_frames() {
        let found = frames(&mut Framer::new(), STREAM);
        let expected = [
            (Frame::Declaration, "<?xml version='1.0'?>"),
            (Frame::Header, "<s a='>'>"),
            (Frame::Element, "<m x=\"/>\"><a b='&lt;'>t]]</a><![CDATA[</m>]]]]></m>"),
            (Frame::Element, "<n/>"),
            (Frame::Close, "</s>"),
        ];
        assert_eq!(found, expected.map(|(frame, text)| (frame, text.to_owned())));
    }

    #[test]
    fn looks_at_each_byte_once() {
        // T36: what was looked at is never looked at again, since every step begins at `next`. So time is linear if `next`
        // has always reached the end when more bytes are asked for, and never goes back.
        let mut framer = Framer::new();
        let mut looked_at = 0;
        for byte in STREAM {
            let before = framer.buffer.len() - framer.next;
            frames(&mut framer, &[*byte]);
            assert_eq!((before, framer.buffer.len() - framer.next), (0, 0));
            looked_at += 1;
        }
        assert_eq!(looked_at, STREAM.len());
    }

    #[test]
    fn moves_no_byte_more_often_than_it_discards_one() {
        let mut framer = Framer::inside_stream();
        let stanza = [b"<m>".as_slice(), &[b'x'; 93], b"</m>"].concat();
        let stream = stanza.repeat(100);
        let mut moved = 0;
        for piece in stream.chunks(70) {
            let (start, left) = (framer.start, framer.buffered());
            frames(&mut framer, piece);
            moved += if framer.start < start || start == 0 { left.min(start) } else { 0 };
            assert!(framer.buffer.len() <= 3 * 100 + 70);
        }
        assert!(moved <= stream.len());
    }

    #[test]
    fn shrinking_keeps_what_is_left_over() {
        let mut framer = Framer::new();
        let half = STREAM.len() / 2;
        let mut found = frames(&mut framer, &STREAM[..half]);
        framer.shrink();
        assert_eq!(framer.buffer.len(), framer.buffered());
        found.extend(frames(&mut framer, &STREAM[half..]));
        assert_eq!(found, frames(&mut Framer::new(), STREAM));
    }

    #[test]
    fn a_limit_lowered_meanwhile_is_met() {
        let mut framer = Framer::inside_stream();
        assert!(frames(&mut framer, b"<message>x").is_empty());
        let low = XmlLimits { stanza_bytes_max: 4, ..XmlLimits::default() };
        assert_eq!(framer.next_frame(&low), Err(TooLarge(4)));
    }

    #[test]
    fn says_at_once_that_an_end_tag_does_not_match() {
        let mut framer = Framer::inside_stream();
        framer.push(b"<message><body></message>");
        assert!(matches!(framer.next_frame(&XmlLimits::default()), Err(NotWellFormed(_))));
    }
}
