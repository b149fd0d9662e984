//! Which namespace a prefix means (Namespaces in XML 1.0): declarations of the stream header, then those of a stanza.

use super::XmlError::{self, ForeignNamespace, NotWellFormed, TooManyNamespaces};
use super::element::Span;
use crate::limits::XmlLimits;
use crate::ns;

/// A declaration inside a stanza; its strings are in the stanza's arena. An empty prefix is the default namespace.
#[derive(Clone, Copy, Debug)]
struct Declaration {
    prefix: Span,
    uri: Span,
}

/// A declaration of the stream header, whose namespace is copied into each arena that uses it, once.
#[derive(Clone, Debug)]
struct StreamDeclaration {
    prefix: String,
    uri: String,
    copied: Option<Span>,
}

/// The declarations in force at a place in the stream.
#[derive(Debug, Default)]
pub(super) struct Scope {
    stream: Vec<StreamDeclaration>,
    inner: Vec<Declaration>,
    xml: Option<Span>,
}

impl Scope {
    /// Makes the scope of a stream whose header is not seen.
    pub(super) fn of_stream(declarations: &[(&str, &str)]) -> Self {
        let stream = declarations.iter().map(|&(prefix, uri)| StreamDeclaration::new(prefix, uri)).collect();
        Self { stream, ..Self::default() }
    }

    /// Forgets the stanza before.
    pub(super) fn begin(&mut self) {
        self.inner.clear();
        self.xml = None;
        self.stream.iter_mut().for_each(|declaration| declaration.copied = None);
    }

    /// Keeps what the stream header declared.
    pub(super) fn keep_header(&mut self, buffer: &str) {
        let kept =
            self.inner.drain(..).map(|inner| StreamDeclaration::new(inner.prefix.of(buffer), inner.uri.of(buffer)));
        self.stream = kept.collect();
    }

    /// Returns how many declarations inside the stanza are in force.
    pub(super) fn mark(&self) -> usize {
        self.inner.len()
    }

    /// Leaves the elements that declared since the mark.
    pub(super) fn leave(&mut self, mark: usize) {
        self.inner.truncate(mark);
    }

    /// Adds a declaration of the element whose declarations began at `mark`.
    pub(super) fn declare(
        &mut self,
        prefix: Span,
        uri: Span,
        mark: usize,
        buffer: &str,
        limits: &XmlLimits,
    ) -> Result<(), XmlError> {
        if self.inner.len() - mark >= limits.namespaces_max as usize {
            return Err(TooManyNamespaces(limits.namespaces_max));
        }
        if self.inner.len() + self.stream.len() >= limits.namespaces_in_scope_max as usize {
            return Err(TooManyNamespaces(limits.namespaces_in_scope_max));
        }
        check_declaration(prefix.of(buffer), uri.of(buffer))?;
        if self.inner[mark..].iter().any(|earlier| earlier.prefix.of(buffer) == prefix.of(buffer)) {
            return Err(NotWellFormed("a namespace declared twice"));
        }
        self.inner.push(Declaration { prefix, uri });
        Ok(())
    }

    /// Returns the default namespace that the element whose declarations began at `mark` declares.
    pub(super) fn own_default(&self, mark: usize) -> Option<Span> {
        self.inner[mark..].iter().find(|declaration| declaration.prefix.is_empty()).map(|declaration| declaration.uri)
    }

    /// Returns the default namespace at stream level, put into the arena's buffer.
    pub(super) fn stream_default(&mut self, buffer: &mut String) -> Span {
        self.stream_namespace("", buffer).unwrap_or_default()
    }

    /// Returns the namespace of a prefix, put into the arena's buffer if it is not there yet.
    pub(super) fn resolve(&mut self, prefix: Span, buffer: &mut String) -> Result<Span, XmlError> {
        let name = prefix.of(buffer);
        if let Some(found) = self.inner.iter().rev().find(|declaration| declaration.prefix.of(buffer) == name) {
            return Ok(found.uri);
        }
        if name == "xml" {
            return Ok(*self.xml.get_or_insert_with(|| push(ns::XML, buffer)));
        }
        let at = self.stream.iter().position(|declaration| declaration.prefix == name);
        let declaration = at.map(|at| &mut self.stream[at]).ok_or(NotWellFormed("a prefix that is not declared"))?;
        Ok(declaration.copy(buffer))
    }

    fn stream_namespace(&mut self, prefix: &str, buffer: &mut String) -> Option<Span> {
        self.stream.iter_mut().find(|declaration| declaration.prefix == prefix).map(|found| found.copy(buffer))
    }

    /// Returns the namespace the stream header bound to a prefix, the empty one for the default.
    pub(super) fn declared_by_stream(&self, prefix: &str) -> Option<&str> {
        self.stream.iter().find(|declaration| declaration.prefix == prefix).map(|found| found.uri.as_str())
    }

    /// Tells whether the stream header declared a namespace, whatever the prefix.
    pub(super) fn stream_declares(&self, uri: &str) -> bool {
        self.stream.iter().any(|declaration| declaration.uri == uri)
    }
}

impl StreamDeclaration {
    fn new(prefix: &str, uri: &str) -> Self {
        Self { prefix: prefix.to_owned(), uri: uri.to_owned(), copied: None }
    }

    fn copy(&mut self, buffer: &mut String) -> Span {
        *self.copied.get_or_insert_with(|| push(&self.uri, buffer))
    }
}

fn push(text: &str, buffer: &mut String) -> Span {
    let start = buffer.len();
    buffer.push_str(text);
    Span::new(start, buffer.len())
}

/// Namespaces in XML 1.0 §2.2, §3: `xml` and `xmlns` and their namespaces are fixed, and a prefix cannot be undeclared.
fn check_declaration(prefix: &str, uri: &str) -> Result<(), XmlError> {
    if prefix == "xmlns" || uri == ns::XMLNS {
        return Err(NotWellFormed("the prefix xmlns or its namespace declared"));
    }
    if (prefix == "xml") != (uri == ns::XML) {
        return Err(NotWellFormed("the prefix xml or its namespace bound anew"));
    }
    if uri.is_empty() && !prefix.is_empty() {
        return Err(NotWellFormed("a prefix undeclared"));
    }
    check_namespace(uri)
}

/// expat gives its users `namespace`, a separator and `name` in one string, and refuses a namespace that holds the separator
/// unless a URI can (CVE-2022-25236). COMPAT(ejabberd): the separator is a line feed. COMPAT(jabberd2): it is `|`.
pub(super) fn check_namespace(uri: &str) -> Result<(), XmlError> {
    if memchr::memchr2(b'\n', b'|', uri.as_bytes()).is_some() { Err(ForeignNamespace) } else { Ok(()) }
}
