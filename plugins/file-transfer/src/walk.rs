//! Goes through what a stanza holds, messages within messages and items of PubSub included, and takes out what is denied.

use refrain_sdk::{Child, EditError, Node, Stanza};

use crate::body::Bodies;
use crate::mechanism::{Mechanism, Set};
use crate::names::{self, Extent};

/// Elements that are looked into, each at the cost of one question to the host. An honest message has some ten, a page of twenty long posts
/// some thousand: as many as go into a stanza, which has at most 16,384 elements and texts together.
const PARENTS_MAX: u32 = 8_192;

/// Namespaces of what clients put beside a message, and what says nothing without one.
const COMPANY: [&str; 27] = [
    "http://jabber.org/protocol/address",
    "http://jabber.org/protocol/amp",
    "http://jabber.org/protocol/chatstates",
    "http://jabber.org/protocol/nick",
    "http://jabber.org/protocol/rsm",
    "http://jabber.org/protocol/shim",
    "jabber:x:delay",
    "jabber:x:event",
    "urn:xmpp:captcha",
    "urn:xmpp:delay",
    "urn:xmpp:eme:0",
    "urn:xmpp:fallback:0",
    "urn:xmpp:hints",
    "urn:xmpp:mam:tmp",
    "urn:xmpp:markup:0",
    "urn:xmpp:message-attaching:1",
    "urn:xmpp:message-correct:0",
    "urn:xmpp:mix:core:1",
    "urn:xmpp:occupant-id:0",
    "urn:xmpp:reference:0",
    "urn:xmpp:reply:0",
    "urn:xmpp:sec-label:0",
    "urn:xmpp:sid:0",
    "urn:xmpp:spoiler:0",
    "urn:xmpp:styling:0",
    "urn:xmpp:ephemeral:0",
    "vcard-temp:x:update",
];

/// What became of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays,
    Goes,
    /// What it stands in goes.
    UnitGoes,
}

/// What is left of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remains {
    Something,
    Nothing,
}

/// One pass over one stanza. It notes removals as it goes.
pub(crate) struct Walk<'s> {
    pub(crate) stanza: &'s Stanza<'s>,
    /// A challenge may have a picture of any size.
    is_challenge: bool,
    /// What was taken out of messages, and of what else is around.
    found: Set,
    /// What was taken out of something that stays, and says the same without it.
    trimmed: Set,
    bodies: Bodies<'s>,
    parents: u32,
    place: Place,
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// What is denied here.
    denied: Set,
    /// In what goes or stays as a whole.
    in_unit: bool,
    /// In a result of an archive (XEP-0313), which stays, so that the archive has no gaps.
    in_archive: bool,
    /// In a message with a sticker that may pass.
    beside_sticker: bool,
}

impl<'s> Walk<'s> {
    pub(crate) fn new(stanza: &'s Stanza<'s>, denied: Set, is_challenge: bool, bodies: Bodies<'s>) -> Self {
        let place = Place { denied, in_unit: false, in_archive: false, beside_sticker: false };
        Walk { stanza, is_challenge, found: Set::NONE, trimmed: Set::NONE, bodies, parents: 0, place }
    }

    /// What was taken out.
    pub(crate) fn found(&self) -> Set {
        self.found.with(self.trimmed)
    }

    /// Strips what a message holds, then its texts.
    pub(crate) fn message(&mut self, children: &[Child]) -> Result<Remains, EditError> {
        let found_before = std::mem::take(&mut self.found);
        let is_sticker = |child: &Child| names::mechanism_of(&child.namespace) == Some(Mechanism::Stickers);
        let outer = self.place;
        let beside_sticker = !outer.denied.has(Mechanism::Stickers) && children.iter().any(is_sticker);
        self.place = Place { in_unit: false, beside_sticker, ..outer };
        let mut says_something = false;
        let mut left = Vec::with_capacity(children.len());
        for child in children {
            if self.visit(child)? == Fate::Stays {
                says_something |= is_meaningful(child);
                left.push(child);
            }
        }
        self.place = outer;
        let stripped = self.found;
        let has_text = self.bodies.strip(self.stanza, &left, stripped, outer.denied, &mut self.found)?;
        let is_whole = self.found.is_empty();
        self.found = self.found.with(found_before);
        Ok(if is_whole || says_something || has_text { Remains::Something } else { Remains::Nothing })
    }

    /// Takes an element out, or what is denied in it.
    pub(crate) fn visit(&mut self, child: &Child) -> Result<Fate, EditError> {
        use Mechanism::{FileSharing, Jingle, MediaSharing, Stickers, Urls, XhtmlImages};
        let mechanism = match self.element_of(child) {
            Some((mechanism, extent)) if self.is_denied(mechanism) || self.is_oversized(child) => {
                self.found = self.found.with(Set::of(mechanism));
                return self.take_out(child.node, extent);
            }
            allowed => allowed.map(|(mechanism, _)| mechanism),
        };
        match mechanism {
            _ if child.child_count == 0 => Ok(Fate::Stays),
            Some(FileSharing | MediaSharing | Stickers | Jingle) => self.trim(child),
            None | Some(Urls | XhtmlImages) => self.look_into(child),
            Some(_) => Ok(Fate::Stays),
        }
    }

    fn element_of(&mut self, child: &Child) -> Option<(Mechanism, Extent)> {
        let (stanza, bodies) = (self.stanza, &mut self.bodies);
        names::element_of(child, |name| match name {
            // Most stanzas have none: one question for all of their elements.
            "style" if !bodies.have_styled_pictures(stanza) => None,
            _ => stanza.attr(child.node, name),
        })
    }

    /// A sticker is a file that is shared (XEP-0449 §4.2): who may send the one may send the other beside it.
    fn is_denied(&self, mechanism: Mechanism) -> bool {
        self.place.denied.has(mechanism) && !(mechanism == Mechanism::FileSharing && self.place.beside_sticker)
    }

    fn is_oversized(&self, child: &Child) -> bool {
        !self.is_challenge && names::is_oversized(child)
    }

    fn take_out(&mut self, node: Node, extent: Extent) -> Result<Fate, EditError> {
        if extent == Extent::Unit && self.place.in_unit {
            return Ok(Fate::UnitGoes);
        }
        self.stanza.remove(node)?;
        Ok(Fate::Goes)
    }

    /// Looks into a file that may pass: its thumbnail, and a source of it, may be denied for themselves.
    fn trim(&mut self, file: &Child) -> Result<Fate, EditError> {
        let (outer, found) = (self.place, self.found);
        let may_go = Set::of(Mechanism::Thumbnails).with(Set::of(Mechanism::Jinglepub));
        self.place = Place { denied: outer.denied.in_both(may_go), in_unit: false, ..outer };
        if !self.place.denied.is_empty() {
            self.found = Set::NONE;
            self.look_into(file)?;
            self.trimmed = self.trimmed.with(self.found);
        }
        (self.place, self.found) = (outer, found);
        Ok(Fate::Stays)
    }

    fn look_into(&mut self, parent: &Child) -> Result<Fate, EditError> {
        self.parents += 1;
        if self.parents > PARENTS_MAX {
            return Err(EditError::BudgetExceeded);
        }
        if let Some(mechanism) = self.mechanism_of_node(parent).filter(|mechanism| self.is_denied(*mechanism)) {
            self.found = self.found.with(Set::of(mechanism));
            return self.take_out(parent.node, Extent::Unit);
        }
        let outer = self.place;
        self.place.in_unit |= names::is_unit(parent);
        self.place.in_archive |= names::is_archive(parent);
        let fate = self.look_within(parent);
        self.place = outer;
        match fate? {
            Fate::Stays => Ok(Fate::Stays),
            Fate::UnitGoes if !names::is_unit(parent) => Ok(Fate::UnitGoes),
            Fate::Goes | Fate::UnitGoes => {
                self.stanza.remove(parent.node)?;
                Ok(Fate::Goes)
            }
        }
    }

    fn look_within(&mut self, parent: &Child) -> Result<Fate, EditError> {
        let children = self.stanza.children(parent.node);
        if is_message(parent) {
            let remains = self.message(&children)?;
            return Ok(if remains == Remains::Nothing && !self.place.in_archive { Fate::Goes } else { Fate::Stays });
        }
        let (mut any_goes, mut any_stays) = (false, false);
        for child in &children {
            match self.visit(child)? {
                Fate::Stays => any_stays |= is_meaningful(child),
                Fate::Goes => any_goes = true,
                Fate::UnitGoes => return Ok(Fate::UnitGoes),
            }
        }
        let is_empty_now = any_goes && !any_stays && names::is_envelope(parent);
        Ok(if is_empty_now { Fate::Goes } else { Fate::Stays })
    }

    /// The mechanism whose node of PubSub this is about.
    fn mechanism_of_node(&self, child: &Child) -> Option<Mechanism> {
        let is_pubsub = matches!(child.namespace.as_str(), names::PUBSUB | names::PUBSUB_EVENT);
        let names_a_node = is_pubsub && child.name == "items";
        names_a_node.then(|| self.stanza.attr(child.node, "node")).flatten().and_then(|node| names::mechanism_of(&node))
    }
}

/// Says that there was more than could be looked through: what was not seen counts as a file.
pub(crate) fn too_much(stanza: &Stanza<'_>) -> Mechanism {
    stanza.reason("more than an honest stanza has");
    Mechanism::FileSharing
}

/// Whether a message with this in it says something, apart from its texts.
fn is_meaningful(child: &Child) -> bool {
    match child.namespace.as_str() {
        // XEP-0184, XEP-0333: what asks for an answer is company, the answer is not.
        "urn:xmpp:receipts" => child.name != "request",
        "urn:xmpp:chat-markers:0" => child.name != "markable",
        // A private message in a room has it, empty; an invitation has something in it.
        "http://jabber.org/protocol/muc#user" => child.child_count > 0,
        names::XHTML_IM => false,
        namespace if namespace.starts_with("urn:xmpp:carbons:") => child.name != "private",
        namespace if names::is_of_stanza(namespace) => !matches!(child.name.as_str(), "body" | "subject" | "thread"),
        namespace => !COMPANY.contains(&namespace),
    }
}

fn is_message(child: &Child) -> bool {
    child.name == "message" && names::is_of_stanza(&child.namespace)
}
