//! Writes an element in the one form we ever send, which every parser out there takes the same way.
//!
//! element → **writer** → bytes. The content namespace is the default and is never declared; each element of another
//! namespace than its parent declares its own as the default; prefixes appear on attributes only, and as the literal `db:`
//! and `stream:` that Openfire and MongooseIM look for. Openfire's framer knows no quotes but `"` and would stumble over
//! `<` and `>` in values, so there are none.

use super::element::{Content, Element, Item, Node, NodeId};
use crate::ns;

impl Element {
    /// Appends the canonical form to `out`, fit to stand at the level of stanzas in a stream with our header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let prefix = match self.root().namespace() {
            ns::DIALBACK => "db:",
            ns::STREAM => "stream:",
            _ => "",
        };
        write_tree(self.root(), prefix, out);
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
        write_tree(*self, "", out);
    }
}

/// Walks the nodes in document order; an element that is open is found again through its children's `parent`.
fn write_tree(root: Node<'_>, root_prefix: &str, out: &mut Vec<u8>) {
    let arena = root.arena();
    let end = root.item().end;
    let mut open: Option<NodeId> = None;
    let mut id = root.id();
    loop {
        while let Some(parent) = open && arena.items[parent as usize].end == id {
            write_end(arena, parent, if parent == root.id() { root_prefix } else { "" }, out);
            open = (parent != root.id()).then(|| arena.items[parent as usize].parent);
        }
        if id >= end {
            return;
        }
        let item = &arena.items[id as usize];
        if item.is_text {
            escape(item.text.of(&arena.buffer), &TEXT, out);
        } else {
            let prefix = if id == root.id() { root_prefix } else { "" };
            write_start(arena, item, prefix, default_outside(arena, item, id, root.id(), root_prefix), out);
            if item.end == id + 1 { out.extend_from_slice(b"/>") } else { out.push(b'>'); open = Some(id) }
        }
        id += 1;
    }
}
