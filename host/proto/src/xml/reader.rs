//! Reads a stream of strict XML into arenas: the one door to quick-xml.
//!
//! bytes → framer → **reader** → builder → element. The framer says where an element ends, quick-xml what its parts are, and
//! both must agree. quick-xml checks that tags match; names, attributes, characters, references, line ends, namespaces and
//! limits it leaves to the builder.

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;

use super::XmlError::{self, NotWellFormed, Restricted};
use super::builder::{Builder, Open, Part};
use super::chars;
use super::element::Element;
use super::framer::{Frame, Framer};
use super::scope::Scope;
use super::tag;
use crate::limits::XmlLimits;
use crate::ns;

/// What [`Reader::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The start tag of the stream; the arena holds its name and attributes.
    Header,
    /// A complete element at stream level; the arena holds it.
    Element,
    /// The end tag of the stream.
    Close,
}

/// Reads one stream, from its header to its end tag.
///
/// However the bytes are split, the same tokens and errors come in the same order. After an error there is nothing more to
/// read: every further call returns it again.
pub struct Reader {
    xml: quick_xml::Reader<Framer>,
    /// Where quick-xml copies each event; we look at the arena instead.
    scratch: Vec<u8>,
    scope: Scope,
    open: Vec<Open>,
    limits: XmlLimits,
    header_prefix: String,
    failed: Option<XmlError>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("buffered", &self.buffered())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Makes a reader for a stream of which nothing has been read.
    pub fn new(limits: XmlLimits) -> Self {
        Self::over(Framer::new(), Scope::default(), limits)
    }

    /// Makes a reader for what stands in a stream like ours: this default namespace, and the prefixes `stream` and `db`.
    fn inside_stream(default_namespace: &str, limits: XmlLimits) -> Self {
        let declarations = [("", default_namespace), ("stream", ns::STREAM), ("db", ns::DIALBACK)];
        Self::over(Framer::inside_stream(), Scope::of_stream(&declarations), limits)
    }

    fn over(framer: Framer, scope: Scope, limits: XmlLimits) -> Self {
        Self {
            xml: quick_xml::Reader::from_reader(framer),
            scratch: Vec::new(),
            scope,
            open: Vec::new(),
            limits,
            header_prefix: String::new(),
            failed: None,
        }
    }

    /// Replaces the limits, for what [`next`](Self::next) returns from now on.
    pub fn set_limits(&mut self, limits: XmlLimits) {
        self.limits = limits;
    }

    /// Takes bytes as they came. Drain [`next`](Self::next) between calls: that bounds the memory to one stanza and one read.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.xml.get_mut().push(bytes);
        }
    }

    /// Returns how many bytes are left over, of an incomplete element or not looked at yet.
    pub fn buffered(&self) -> usize {
        self.xml.get_ref().buffered()
    }

    /// Returns the bytes left over: on a stream that begins anew inside TLS, they are the next reader's.
    pub fn unread(&self) -> &[u8] {
        self.xml.get_ref().unread()
    }

    /// Tells whether no bytes are left over.
    pub fn is_empty(&self) -> bool {
        self.buffered() == 0
    }

    /// Gives back the memory a stream that has gone quiet does not need.
    pub fn shrink(&mut self) {
        self.xml.get_mut().shrink();
        self.scratch = Vec::new();
    }

    /// Returns the prefix of the stream header; empty if it has none.
    pub fn header_prefix(&self) -> &str {
        &self.header_prefix
    }

    /// Returns the default namespace that the stream header declares; empty if it declares none.
    pub fn header_default_namespace(&self) -> &str {
        self.header_namespace("").unwrap_or_default()
    }

    /// Returns the namespace that the stream header binds to a prefix.
    pub fn header_namespace(&self, prefix: &str) -> Option<&str> {
        self.scope.declared_by_stream(prefix)
    }

    /// Tells whether the stream header declares a namespace, whatever the prefix.
    pub fn declares(&self, namespace: &str) -> bool {
        self.scope.stream_declares(namespace)
    }

    /// Reads the next token into the arena; `None` asks for more bytes.
    pub fn next(&mut self, element: &mut Element) -> Result<Option<Token>, XmlError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.read(element);
        if let Err(error) = result {
            self.failed = Some(error);
            element.clear();
        }
        result
    }

    fn read(&mut self, element: &mut Element) -> Result<Option<Token>, XmlError> {
        loop {
            let Some(frame) = self.xml.get_mut().next_frame(&self.limits)? else { return Ok(None) };
            match frame {
                Frame::Declaration => tag::check_declaration(self.xml.get_ref().frame())?,
                Frame::Header => return self.read_header(element).map(|()| Some(Token::Header)),
                Frame::Element => return self.read_element(element).map(|()| Some(Token::Element)),
                Frame::Close => return self.read_close(element).map(|()| Some(Token::Close)),
            }
        }
    }

    fn read_header(&mut self, element: &mut Element) -> Result<(), XmlError> {
        self.read_frame(element)?;
        let name = chars::scan_name(&element.buffer, 1)?;
        self.header_prefix = name.colon.map(|colon| element.buffer[1..colon].to_owned()).unwrap_or_default();
        self.scope.keep_header(&element.buffer);
        self.open.clear();
        Ok(())
    }

    fn read_element(&mut self, element: &mut Element) -> Result<(), XmlError> {
        self.read_frame(element)?;
        if self.open.is_empty() { Ok(()) } else { Err(NotWellFormed("an element that does not end")) }
    }

    /// quick-xml still has the stream header open and compares the names.
    fn read_close(&mut self, element: &mut Element) -> Result<(), XmlError> {
        element.clear();
        self.scratch.clear();
        let event = self.xml.read_event_into(&mut self.scratch).map_err(|error| explain(&error))?;
        let ended = matches!(event, Event::End(_)) && self.frame_is_read();
        if ended { Ok(()) } else { Err(NotWellFormed("a malformed end tag")) }
    }

    fn frame_is_read(&self) -> bool {
        self.xml.get_ref().read() == self.xml.get_ref().frame().len()
    }

    fn read_frame(&mut self, element: &mut Element) -> Result<(), XmlError> {
        let frame = self.xml.get_ref().frame();
        let frame_bytes = frame.len();
        let mut builder = Builder::begin(frame, element, &mut self.scope, &mut self.open, &self.limits)?;
        let mut start = 0;
        while start < frame_bytes {
            self.scratch.clear();
            let event = self.xml.read_event_into(&mut self.scratch).map_err(|error| explain(&error))?;
            let end = self.xml.get_ref().read();
            builder.take(Part::of(&event)?, start, end)?;
            start = end;
        }
        Ok(())
    }
}

/// Says what quick-xml complains about.
fn explain(error: &Error) -> XmlError {
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
            NotWellFormed("an end tag that does not match")
        }
        Error::IllFormed(IllFormedError::UnclosedReference) => NotWellFormed("an ampersand that begins no reference"),
        _ => NotWellFormed("malformed markup"),
    }
}

impl Part {
    fn of(event: &Event<'_>) -> Result<Self, XmlError> {
        match event {
            Event::Start(_) => Ok(Self::Start),
            Event::Empty(_) => Ok(Self::Empty),
            Event::End(_) => Ok(Self::End),
            Event::Text(_) => Ok(Self::Text),
            Event::CData(_) => Ok(Self::CData),
            Event::GeneralRef(_) => Ok(Self::Reference),
            Event::Comment(_) | Event::DocType(_) => Err(Restricted("a comment or document type")),
            Event::PI(_) | Event::Decl(_) => Err(Restricted("a processing instruction")),
            Event::Eof => Err(NotWellFormed("an element that does not end")),
        }
    }
}

impl Element {
    /// Reads one complete element, as if it stood in a stream of this default namespace where `stream` and `db` are
    /// declared. White space may stand around it, nothing else.
    pub fn parse(xml: &str, default_namespace: &str, limits: &XmlLimits) -> Result<Element, XmlError> {
        let mut reader = Reader::inside_stream(default_namespace, limits.clone());
        let (mut element, mut after) = (Element::default(), Element::default());
        reader.feed(xml.as_bytes());
        match (reader.next(&mut element)?, reader.next(&mut after)?) {
            (Some(Token::Element), None) if reader.is_empty() => Ok(element),
            (None, _) => Err(NotWellFormed("an element that does not end")),
            _ => Err(NotWellFormed("more than one element")),
        }
    }
}
