//! What the rules look at, found once per stanza for the whole chain and reused from stanza to stanza.

use refrain_proto::Stanza;

use super::Namespaces;
use crate::head::{Bits, Direction};

/// The facts of one stanza: cheap ones at once, those of the child elements when first needed.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    pub(crate) direction: u8,
    pub(crate) kind: u8,
    pub(crate) stanza_type: u32,
    looked: bool,
    found: u32,
    given: u32,
    payloads: Vec<u64>,
}

impl Sight {
    /// Turns to another stanza.
    #[inline]
    pub(crate) fn begin(&mut self, stanza: &Stanza, direction: Direction) {
        self.direction = direction.mask();
        self.kind = 1 << stanza.kind() as u8;
        self.stanza_type = 1 << stanza.stanza_type() as u32;
        self.given = 0;
        self.looked = false;
    }

    /// Adds bits that cannot be seen on the stanza itself.
    pub(crate) fn add_bits(&mut self, bits: u32) {
        self.given |= bits;
    }

    /// Forgets what was seen, for an edit changed it.
    #[cfg(feature = "runtime")]
    pub(crate) fn look_again(&mut self) {
        self.looked = false;
    }

    /// Looks at the child elements, unless that is done already.
    #[inline]
    pub(crate) fn look(&mut self, stanza: &Stanza, namespaces: &Namespaces) {
        if !self.looked {
            self.look_at_children(stanza, namespaces);
        }
    }

    fn look_at_children(&mut self, stanza: &Stanza, namespaces: &Namespaces) {
        self.looked = true;
        self.found = Bits::of_stanza_itself(stanza);
        self.payloads.clear();
        self.payloads.resize(namespaces.words(), 0);
        for child in stanza.element().root().children() {
            self.found |= Bits::of_child(child);
            namespaces.mark(child.namespace(), &mut self.payloads);
        }
    }

    /// The bits of the head, once [looked](Self::look).
    pub(crate) fn bits(&self) -> u32 {
        self.found | self.given
    }

    pub(crate) fn has_payload(&self, mask: &[u64]) -> bool {
        mask.iter().zip(&self.payloads).any(|(wanted, seen)| wanted & seen != 0)
    }
}
