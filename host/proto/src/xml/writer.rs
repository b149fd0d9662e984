//! Writes an element in the one form we ever send, which every parser out there takes the same way.
//!
//! element → **writer** → bytes. The content namespace is the default and is never declared; each element of another
//! namespace than its parent declares its own as the default; prefixes appear on attributes only, and as the literal `db:`
//! and `stream:` that Openfire and MongooseIM look for. Openfire's framer knows no quotes but `"` and would stumble over
//! `<` and `>` in values, so there are none.

use std::io::Write;

use super::element::{AttributeItem, Element, Item, NodeId};
use super::node::Node;
use crate::ns;

impl Element {
    /// Appends the canonical form to `out`, fit to stand at the level of stanzas in a stream with our header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let prefix = match self.root().namespace() {
            ns::DIALBACK => "db:",
            ns::STREAM => "stream:",
            _ => "",
        };
        TreeWriter::new(self.root(), prefix, out).write();
    }

    /// Returns the canonical form as text, for logs and tests.
    pub fn to_xml(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl Node<'_> {
    /// Appends the canonical form of this element alone to `out`, as if it stood in a stanza of the content namespace.
    pub fn write(&self, out: &mut Vec<u8>) {
        TreeWriter::new(*self, "", out).write();
    }
}

struct TreeWriter<'a, 'b> {
    arena: &'a Element,
    root: NodeId,
    /// The prefix of the root, declared by the stream header.
    root_prefix: &'static str,
    out: &'b mut Vec<u8>,
}

impl<'a, 'b> TreeWriter<'a, 'b> {
    fn new(root: Node<'a>, root_prefix: &'static str, out: &'b mut Vec<u8>) -> Self {
        Self { arena: root.arena(), root: root.id(), root_prefix, out }
    }

    /// Walks the nodes in document order; what is open is found again through `parent`, so there is no recursion and no
    /// stack.
    fn write(mut self) {
        let end = self.item(self.root).end;
        let mut open = None;
        for id in self.root..end {
            open = self.write_ends(open, id);
            let item = self.item(id);
            if item.is_text {
                escape::<false>(item.text.of(&self.arena.buffer), self.out);
            } else if self.write_start(id, item) {
                open = Some(id);
            }
        }
        self.write_ends(open, end);
    }

    fn item(&self, id: NodeId) -> &'a Item {
        &self.arena.items[id as usize]
    }

    /// The namespace of `xml:` is never a default one (Namespaces in XML 1.0 §3).
    fn prefix(&self, id: NodeId, item: &Item) -> &'static str {
        match item.namespace.of(&self.arena.buffer) {
            _ if id == self.root && !self.root_prefix.is_empty() => self.root_prefix,
            ns::XML => "xml:",
            _ => "",
        }
    }

    /// Writes the end tags of the elements that end before `id`; returns the innermost that does not.
    fn write_ends(&mut self, mut open: Option<NodeId>, id: NodeId) -> Option<NodeId> {
        while let Some(ended) = open.filter(|&open| self.item(open).end == id) {
            let item = self.item(ended);
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(self.prefix(ended, item).as_bytes());
            self.out.extend_from_slice(item.text.of(&self.arena.buffer).as_bytes());
            self.out.push(b'>');
            open = (ended != self.root).then_some(item.parent);
        }
        open
    }

    /// Writes a start tag; returns whether an end tag is to follow.
    fn write_start(&mut self, id: NodeId, item: &Item) -> bool {
        let buffer = self.arena.buffer.as_str();
        let prefix = self.prefix(id, item);
        self.out.push(b'<');
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.extend_from_slice(item.text.of(buffer).as_bytes());
        if prefix.is_empty() && !self.is_default(id, item) {
            self.write_value(" xmlns", item.namespace.of(buffer));
        }
        self.write_attributes(item);
        let filled = item.end > id + 1;
        self.out.extend_from_slice(if filled { b">" } else { b"/>" });
        filled
    }

    /// Tells whether the default namespace outside the element is the element's own.
    fn is_default(&self, mut id: NodeId, item: &Item) -> bool {
        let buffer = self.arena.buffer.as_str();
        while id != self.root {
            id = self.item(id).parent;
            let outside = self.item(id);
            if self.prefix(id, outside).is_empty() {
                return outside.namespace == item.namespace
                    || outside.namespace.of(buffer) == item.namespace.of(buffer);
            }
        }
        item.namespace.of(buffer) == ns::SERVER
    }

    fn write_attributes(&mut self, item: &Item) {
        let buffer = self.arena.buffer.as_str();
        let attributes = &self.arena.attributes[item.attributes.start as usize..item.attributes.end as usize];
        for (at, attribute) in attributes.iter().enumerate() {
            self.out.push(b' ');
            match attribute.namespace.of(buffer) {
                "" => {}
                ns::XML => self.out.extend_from_slice(b"xml:"),
                namespace => self.write_attribute_prefix(at, attributes, namespace),
            }
            self.write_value(attribute.name.of(buffer), attribute.value.of(buffer));
        }
    }

    /// Attributes of one namespace share the prefix that the first of them declares: `a` and its place.
    fn write_attribute_prefix(&mut self, at: usize, attributes: &[AttributeItem], namespace: &str) {
        let of_namespace = |one: &AttributeItem| one.namespace.of(&self.arena.buffer) == namespace;
        let first = attributes.iter().position(of_namespace).unwrap_or(at);
        if first == at {
            self.write_number(b"xmlns:a", first);
            self.write_value("", namespace);
            self.out.push(b' ');
        }
        self.write_number(b"a", first);
        self.out.push(b':');
    }

    fn write_number(&mut self, before: &[u8], number: usize) {
        self.out.extend_from_slice(before);
        // Writing into a vector does not fail.
        let _ = write!(self.out, "{number}");
    }

    fn write_value(&mut self, name: &str, value: &str) {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        escape::<true>(value, self.out);
        self.out.push(b'"');
    }
}

/// Bytes that text cannot hold as they are: markup, a carriage return, which would be read as a line feed, and what may be
/// illegal. `>` is never needed but for `]]>`, and is kept from framers that count brackets. Attribute values cannot hold
/// quotes either, nor the white space that would be read as spaces.
const fn is_special(byte: u8, in_value: bool) -> bool {
    let markup = matches!(byte, b'&' | b'<' | b'>');
    let control = byte < 0x20 && (in_value || !matches!(byte, b'\t' | b'\n'));
    // The first byte of U+FFFE and U+FFFF.
    let may_be_illegal = byte == 0xEF;
    markup | control | may_be_illegal | (in_value && matches!(byte, b'"' | b'\''))
}

const fn specials(in_value: bool) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_special(byte as u8, in_value);
        byte += 1;
    }
    table
}

static SPECIAL_IN_TEXT: [bool; 256] = specials(false);
static SPECIAL_IN_VALUE: [bool; 256] = specials(true);

fn escape<const IN_VALUE: bool>(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    // Most text is plain, which a fold without a branch finds out with vector instructions.
    if !bytes.iter().fold(false, |found, &byte| found | is_special(byte, IN_VALUE)) {
        return out.extend_from_slice(bytes);
    }
    let special = if IN_VALUE { &SPECIAL_IN_VALUE } else { &SPECIAL_IN_TEXT };
    let mut clean = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if !special[byte as usize] {
            continue;
        }
        let Some((replacement, length)) = replacement(&bytes[at..]) else { continue };
        out.extend_from_slice(&bytes[clean..at]);
        out.extend_from_slice(replacement);
        clean = at + length;
    }
    out.extend_from_slice(&bytes[clean..]);
}

/// Returns what stands for the special character at the beginning, and the length of that character. What XML cannot express
/// becomes U+FFFD: the reader lets none in, but a builder might.
fn replacement(bytes: &[u8]) -> Option<(&'static [u8], usize)> {
    match bytes {
        [b'&', ..] => Some((b"&amp;", 1)),
        [b'<', ..] => Some((b"&lt;", 1)),
        [b'>', ..] => Some((b"&gt;", 1)),
        [b'"', ..] => Some((b"&quot;", 1)),
        [b'\'', ..] => Some((b"&apos;", 1)),
        [b'\t', ..] => Some((b"&#9;", 1)),
        [b'\n', ..] => Some((b"&#10;", 1)),
        [b'\r', ..] => Some((b"&#13;", 1)),
        [0xEF, 0xBF, 0xBE | 0xBF, ..] => Some(("\u{FFFD}".as_bytes(), 3)),
        [0xEF, ..] => None,
        _ => Some(("\u{FFFD}".as_bytes(), 1)),
    }
}
