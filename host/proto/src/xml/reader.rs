//! Reads a stream of strict XML into arenas: the one door to quick-xml.
//!
//! bytes → framer → **reader** → element. The framer says where an element ends, quick-xml what stands between its tags, and
//! both must agree. quick-xml checks that tags match; names, attributes, characters, references, line ends, namespaces and
//! limits are checked here.

use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::Event;

use super::XmlError::{self, NotWellFormed, Restricted, TooManyAttributes, TooManyNodes};
use super::chars::{self, ScannedName, Survey};
use super::element::{AttributeItem, Element, Item, NodeId, Span};
use super::framer::{Frame, Framer};
use super::scope::Scope;
use super::tag::{self, RawAttributes};
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

/// An element whose end tag is still to come.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: NodeId,
    /// The default namespace inside it.
    default: Span,
    /// The declarations in force outside it.
    mark: usize,
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
        element.reset();
        let frame = self.xml.get_ref().frame();
        let text = std::str::from_utf8(frame).map_err(|_| NotWellFormed("not UTF-8"))?;
        let survey = chars::survey(text)?;
        element.buffer.push_str(text);
        element.received_bytes = text.len() as u32;
        self.scope.begin();
        self.open.clear();
        let mut builder = Builder {
            element,
            scope: &mut self.scope,
            open: &mut self.open,
            limits: &self.limits,
            survey,
            run: Run::None,
        };
        let mut start = 0;
        while start < builder.element.received_bytes as usize {
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

/// What an event of quick-xml stands for.
#[derive(Clone, Copy)]
enum Part {
    Start,
    Empty,
    End,
    Text,
    CData,
    Reference,
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

/// Character data since the last tag.
#[derive(Clone, Copy)]
enum Run {
    None,
    /// Exactly as received.
    Received(Span),
    /// At the end of the buffer, from there on.
    Appended(usize),
}

/// Builds the tree of one frame, whose text is the beginning of the arena's buffer.
struct Builder<'a> {
    element: &'a mut Element,
    scope: &'a mut Scope,
    open: &'a mut Vec<Open>,
    limits: &'a XmlLimits,
    survey: Survey,
    run: Run,
}

impl Builder<'_> {
    /// Takes the part that stands in `start..end` of the frame.
    fn take(&mut self, part: Part, start: usize, end: usize) -> Result<(), XmlError> {
        if self.open.is_empty() && !self.element.items.is_empty() {
            return Err(NotWellFormed("an element that ends twice"));
        }
        match part {
            Part::Start => self.start(start + 1, end - 1),
            Part::Empty => {
                self.start(start + 1, end - 2)?;
                self.end()
            }
            Part::End => self.end(),
            Part::Text => self.text(start, end),
            Part::CData => self.cdata(start + "<![CDATA[".len(), end - "]]>".len()),
            Part::Reference => self.reference(start + 1, end - 1),
        }
    }

    fn start(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        self.end_run()?;
        let ScannedName { end: name_end, colon } = chars::scan_name(&self.element.buffer, start)?;
        let mark = self.scope.mark();
        let attributes_start = self.element.attributes.len();
        self.attributes(name_end, end, mark)?;
        let default = match (self.scope.own_default(mark), self.open.last()) {
            (Some(own), _) => own,
            (None, Some(parent)) => parent.default,
            (None, None) => self.scope.stream_default(&mut self.element.buffer),
        };
        let namespace = match colon {
            Some(colon) => self.scope.resolve(Span::new(start, colon), &mut self.element.buffer)?,
            None => default,
        };
        self.resolve_attributes(attributes_start)?;
        let text = Span::new(colon.map_or(start, |colon| colon + 1), name_end);
        let attributes = Span::new(attributes_start, self.element.attributes.len());
        let parent = self.open.last().map_or(0, |parent| parent.node);
        let node = self.push(Item { text, namespace, attributes, parent, end: 0, is_text: false })?;
        self.open.push(Open { node, default, mark });
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        self.end_run()?;
        let closed = self.open.pop().ok_or(NotWellFormed("an end tag without a start tag"))?;
        self.element.items[closed.node as usize].end = self.element.items.len() as NodeId;
        self.scope.leave(closed.mark);
        Ok(())
    }

    fn push(&mut self, item: Item) -> Result<NodeId, XmlError> {
        let id = self.element.items.len() as NodeId;
        if id >= self.limits.nodes_max {
            return Err(TooManyNodes(self.limits.nodes_max));
        }
        self.element.items.push(Item { end: id + 1, ..item });
        Ok(id)
    }

    /// Collects the attributes and declarations of a tag; until all are seen, an attribute's prefix is in place of its
    /// namespace.
    fn attributes(&mut self, start: usize, end: usize, mark: usize) -> Result<(), XmlError> {
        let attributes_start = self.element.attributes.len();
        let mut at = start;
        loop {
            let mut raw = RawAttributes::new(&self.element.buffer, at, end);
            let Some(raw_attribute) = raw.next()? else { return Ok(()) };
            at = raw_attribute.value_end + 1;
            let value = self.value(raw_attribute.value_start, raw_attribute.value_end)?;
            let name_start = raw_attribute.name_start;
            let (prefix, local) = match raw_attribute.colon {
                Some(colon) => (Span::new(name_start, colon), Span::new(colon + 1, raw_attribute.name_end)),
                None => (Span::default(), Span::new(name_start, raw_attribute.name_end)),
            };
            let buffer = self.element.buffer.as_str();
            if prefix.is_empty() && local.of(buffer) == "xmlns" {
                self.scope.declare(Span::default(), value, mark, buffer, self.limits)?;
            } else if prefix.of(buffer) == "xmlns" {
                self.scope.declare(local, value, mark, buffer, self.limits)?;
            } else if self.element.attributes.len() - attributes_start >= self.limits.attributes_max as usize {
                return Err(TooManyAttributes(self.limits.attributes_max));
            } else {
                self.element.attributes.push(AttributeItem { namespace: prefix, name: local, value });
            }
        }
    }

    fn value(&mut self, start: usize, end: usize) -> Result<Span, XmlError> {
        let raw = &self.element.buffer.as_bytes()[start..end];
        let special = |&byte: &u8| matches!(byte, b'&' | b'\t' | b'\n' | b'\r');
        if !(self.survey.has_ampersand || self.survey.has_control) || !raw.iter().any(special) {
            return Ok(Span::new(start, end));
        }
        let from = self.element.buffer.len();
        chars::append_value(&mut self.element.buffer, start, end)?;
        Ok(Span::new(from, self.element.buffer.len()))
    }

    /// Namespaces in XML 1.0 §6.2, §6.3: no prefix is no namespace; no two attributes have the same expanded name.
    fn resolve_attributes(&mut self, start: usize) -> Result<(), XmlError> {
        for at in start..self.element.attributes.len() {
            let prefix = self.element.attributes[at].namespace;
            if !prefix.is_empty() {
                self.element.attributes[at].namespace = self.scope.resolve(prefix, &mut self.element.buffer)?;
            }
            let buffer = self.element.buffer.as_str();
            let (earlier, this) = self.element.attributes[start..=at].split_at(at - start);
            let same = |one: &AttributeItem| {
                one.name.of(buffer) == this[0].name.of(buffer)
                    && one.namespace.of(buffer) == this[0].namespace.of(buffer)
            };
            if earlier.iter().any(same) {
                return Err(NotWellFormed("an attribute twice"));
            }
        }
        Ok(())
    }

    fn text(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        let raw = &self.element.buffer[start..end];
        if self.survey.has_bracket && raw.contains("]]>") {
            return Err(NotWellFormed("]]> in text"));
        }
        self.cdata(start, end)
    }

    fn cdata(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        let rewrite = self.survey.has_control && self.element.buffer[start..end].contains('\r');
        if matches!(self.run, Run::None) && !rewrite {
            self.run = Run::Received(Span::new(start, end));
            return Ok(());
        }
        self.append_run();
        chars::append_text(&mut self.element.buffer, start, end);
        Ok(())
    }

    fn reference(&mut self, start: usize, end: usize) -> Result<(), XmlError> {
        let character = chars::reference(&self.element.buffer[start..end])?;
        self.append_run();
        self.element.buffer.push(character);
        Ok(())
    }

    /// Makes the run one that can be added to.
    fn append_run(&mut self) {
        let start = self.element.buffer.len();
        match self.run {
            Run::None => self.run = Run::Appended(start),
            Run::Received(span) => {
                self.element.buffer.extend_from_within(span.start as usize..span.end as usize);
                self.run = Run::Appended(start);
            }
            Run::Appended(_) => {}
        }
    }

    fn end_run(&mut self) -> Result<(), XmlError> {
        let text = match std::mem::replace(&mut self.run, Run::None) {
            Run::None => return Ok(()),
            Run::Received(span) => span,
            Run::Appended(start) => Span::new(start, self.element.buffer.len()),
        };
        if text.is_empty() {
            return Ok(());
        }
        let parent = self.open.last().map_or(0, |parent| parent.node);
        self.push(Item { text, parent, is_text: true, ..Item::default() }).map(|_| ())
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
