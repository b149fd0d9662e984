//! Makes the tree of one element of its parts: all that quick-xml does not check is checked here.
//!
//! reader → **builder** → element

use super::XmlError::{self, NotWellFormed, TooManyAttributes, TooManyNodes};
use super::chars::{self, ScannedName, Survey};
use super::element::{AttributeItem, Element, Item, NodeId, Span};
use super::scope::Scope;
use super::tag::RawAttributes;
use crate::limits::XmlLimits;

/// A part of an element.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Start,
    Empty,
    End,
    Text,
    CData,
    Reference,
}

/// An element whose end tag is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    node: NodeId,
    /// The default namespace inside it.
    default: Span,
    /// The declarations in force outside it.
    mark: usize,
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
pub(super) struct Builder<'a> {
    element: &'a mut Element,
    scope: &'a mut Scope,
    open: &'a mut Vec<Open>,
    limits: &'a XmlLimits,
    survey: Survey,
    run: Run,
}

impl<'a> Builder<'a> {
    /// Empties the arena and copies the frame into it.
    pub(super) fn begin(
        frame: &[u8],
        element: &'a mut Element,
        scope: &'a mut Scope,
        open: &'a mut Vec<Open>,
        limits: &'a XmlLimits,
    ) -> Result<Self, XmlError> {
        let text = std::str::from_utf8(frame).map_err(|_| NotWellFormed("not UTF-8"))?;
        let survey = chars::survey(text)?;
        element.reset();
        element.buffer.push_str(text);
        element.received_bytes = text.len() as u32;
        scope.begin();
        open.clear();
        Ok(Self { element, scope, open, limits, survey, run: Run::None })
    }

    /// Takes the part that stands in `start..end` of the frame.
    pub(super) fn take(&mut self, part: Part, start: usize, end: usize) -> Result<(), XmlError> {
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
