//! A stanza (RFC 6120 §8): an element with a kind, a type and two prepared addresses.
//!
//! reader → **stanza** → judge → writer. What is kept is what was checked: prepared addresses are written back into the
//! element, so nobody behind us reads another address than the one the filters saw.

mod defect;
mod error;
mod reply;

pub use defect::StanzaDefect;
pub use error::{ErrorType, StanzaCondition, StanzaError};

use crate::jid::{Jid, JidError};
use crate::limits::XmlLimits;
use crate::names::wire_names;
use crate::ns;
use crate::xml::{Edit, Element, Node};

wire_names! {
    /// The three stanzas (RFC 6120 §8.2).
    pub enum Kind {
        /// Push (RFC 6120 §8.2.1).
        Message = "message",
        /// Publish and subscribe (RFC 6120 §8.2.2).
        Presence = "presence",
        /// Request and response (RFC 6120 §8.2.3).
        Iq = "iq",
    }
}

/// The `type` attribute over all three kinds; the order is that of `filter.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StanzaType {
    /// Message, also when absent (RFC 6121 §5.2.2).
    Normal,
    /// Message.
    Chat,
    /// Message.
    Groupchat,
    /// Message.
    Headline,
    /// Presence: no type (RFC 6121 §4.7.1).
    Available,
    /// Presence.
    Unavailable,
    /// Presence.
    Subscribe,
    /// Presence.
    Subscribed,
    /// Presence.
    Unsubscribe,
    /// Presence.
    Unsubscribed,
    /// Presence.
    Probe,
    /// Iq.
    IqGet,
    /// Iq.
    IqSet,
    /// Iq.
    IqResult,
    /// Any kind: never answered (RFC 6120 §8.3.1).
    Error,
    /// A value that no specification defines for the kind.
    Unknown,
}

impl StanzaType {
    /// Reads the `type` attribute of a stanza of this kind.
    pub fn of(kind: Kind, attribute: Option<&str>) -> Self {
        match (kind, attribute) {
            (_, Some("error")) => Self::Error,
            (Kind::Message, None | Some("normal")) => Self::Normal,
            (Kind::Message, Some("chat")) => Self::Chat,
            (Kind::Message, Some("groupchat")) => Self::Groupchat,
            (Kind::Message, Some("headline")) => Self::Headline,
            (Kind::Presence, None) => Self::Available,
            (Kind::Presence, Some("unavailable")) => Self::Unavailable,
            (Kind::Presence, Some("subscribe")) => Self::Subscribe,
            (Kind::Presence, Some("subscribed")) => Self::Subscribed,
            (Kind::Presence, Some("unsubscribe")) => Self::Unsubscribe,
            (Kind::Presence, Some("unsubscribed")) => Self::Unsubscribed,
            (Kind::Presence, Some("probe")) => Self::Probe,
            (Kind::Iq, Some("get")) => Self::IqGet,
            (Kind::Iq, Some("set")) => Self::IqSet,
            (Kind::Iq, Some("result")) => Self::IqResult,
            _ => Self::Unknown,
        }
    }
}

/// A checked stanza. It is filled, judged, written and filled again without an allocation.
#[derive(Clone, Debug)]
pub struct Stanza {
    element: Element,
    from: Jid,
    to: Jid,
    kind: Kind,
    stanza_type: StanzaType,
    size: u32,
}

impl Default for Stanza {
    /// Makes a stanza to be filled by [`take`](Self::take).
    fn default() -> Self {
        Self {
            element: Element::default(),
            from: Jid::default(),
            to: Jid::default(),
            kind: Kind::Message,
            stanza_type: StanzaType::Normal,
            size: 0,
        }
    }
}

impl Stanza {
    /// Parses a stanza, for tests and replays.
    pub fn parse(xml: &str) -> Result<Self, StanzaDefect> {
        let mut element = Element::parse(xml, ns::SERVER, &XmlLimits::default())?;
        let mut stanza = Self::default();
        stanza.take(&mut element, None)?;
        Ok(stanza)
    }

    /// Swaps the element in and checks it: name, namespace, addresses, and what RFC 6120 §8.2.3 asks of an iq.
    ///
    /// Prepared addresses replace those received; the language of the stream is inherited (RFC 6120 §8.1.5). After a defect
    /// that [can be answered](StanzaDefect::condition) the stanza is whole enough for [`error_reply`](Self::error_reply).
    pub fn take(&mut self, element: &mut Element, stream_lang: Option<&str>) -> Result<(), StanzaDefect> {
        std::mem::swap(&mut self.element, element);
        self.size = self.element.received_bytes();
        let root = self.element.root();
        // T26: jabber:client, no namespace, or a stanza's name in the stream's namespace are no stanzas here.
        if root.namespace() != ns::SERVER {
            return Err(StanzaDefect::NotAStanza);
        }
        self.kind = root.name().parse().map_err(|_| StanzaDefect::NotAStanza)?;
        let envelope = Envelope::read(root);
        self.stanza_type = StanzaType::of(self.kind, envelope.stanza_type);
        let from = Prepared::address(envelope.from, &mut self.from)?;
        let to = Prepared::address(envelope.to, &mut self.to)?;
        let inherits_lang = !envelope.has_lang;
        if from.differs {
            self.element.set_attribute(0, "from", Some(self.from.as_str()));
        }
        if to.differs {
            self.element.set_attribute(0, "to", Some(self.to.as_str()));
        }
        if let Some(lang) = stream_lang.filter(|_| inherits_lang) {
            self.element.set_xml_lang(lang);
        }
        from.outcome.map_err(|_| StanzaDefect::MalformedFrom)?;
        to.outcome.map_err(|_| StanzaDefect::MalformedTo)?;
        self.check_iq()
    }

    /// RFC 6120 §8.2.3: a request has an id and exactly one payload, and every iq one of four types.
    fn check_iq(&self) -> Result<(), StanzaDefect> {
        if self.kind != Kind::Iq {
            return Ok(());
        }
        match self.stanza_type {
            StanzaType::Unknown => Err(StanzaDefect::IqType),
            StanzaType::IqGet | StanzaType::IqSet if self.id().is_none() => Err(StanzaDefect::IqWithoutId),
            StanzaType::IqGet | StanzaType::IqSet if self.element.root().children().count() != 1 => {
                Err(StanzaDefect::IqPayload)
            }
            _ => Ok(()),
        }
    }

    /// The stanza as a tree.
    pub fn element(&self) -> &Element {
        &self.element
    }

    /// The root of the tree.
    pub fn root(&self) -> Node<'_> {
        self.element.root()
    }

    /// The sender.
    pub fn from(&self) -> &Jid {
        &self.from
    }

    /// The addressee.
    pub fn to(&self) -> &Jid {
        &self.to
    }

    /// Message, presence or iq.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The `type` attribute.
    pub fn stanza_type(&self) -> StanzaType {
        self.stanza_type
    }

    /// The `id` attribute.
    pub fn id(&self) -> Option<&str> {
        self.element.root().attribute("id")
    }

    /// Bytes as received, before anything was prepared or edited.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Appends the canonical form to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.element.write(out);
    }

    /// Returns the canonical form as text, for logs and tests.
    pub fn to_xml(&self) -> String {
        self.element.to_xml()
    }

    /// Applies a filter's edits, if what comes out is a stanza of the same kind, type, id and addresses within the limits.
    /// After a defect the stanza is as it was.
    pub fn apply(&mut self, edits: &[Edit], limits: &XmlLimits) -> Result<(), StanzaDefect> {
        self.apply_if(Self::is_same_letter, edits, limits)
    }

    /// Like [`apply`](Self::apply), but of the addresses only the domains must stay.
    pub fn apply_with_addresses(&mut self, edits: &[Edit], limits: &XmlLimits) -> Result<(), StanzaDefect> {
        self.apply_if(Self::is_between_the_same_domains, edits, limits)
    }

    /// Becomes a stanza to another address.
    pub fn redirect(&mut self, to: Jid) {
        self.element.set_attribute(0, "to", Some(to.as_str()));
        self.to = to;
    }

    fn apply_if(
        &mut self,
        may_become: impl FnOnce(&Self, &Self) -> bool,
        edits: &[Edit],
        limits: &XmlLimits,
    ) -> Result<(), StanzaDefect> {
        let edited = self.element.edited(edits);
        edited.check(limits)?;
        // What leaves is written from the tree, so what counts is that the written form reads back as this stanza.
        let mut element = Element::parse(&edited.to_xml(), ns::SERVER, limits)?;
        let mut stanza = Self::default();
        stanza.take(&mut element, None)?;
        if !may_become(self, &stanza) {
            return Err(StanzaDefect::EnvelopeChanged);
        }
        (self.element, self.from, self.to) = (stanza.element, stanza.from, stanza.to);
        Ok(())
    }

    fn is_same_letter(&self, other: &Self) -> bool {
        self.is_of_same_kind(other) && (&self.from, &self.to) == (&other.from, &other.to)
    }

    fn is_between_the_same_domains(&self, other: &Self) -> bool {
        let domains = |stanza: &Self| (stanza.from.to_domain(), stanza.to.to_domain());
        self.is_of_same_kind(other) && domains(self) == domains(other)
    }

    fn is_of_same_kind(&self, other: &Self) -> bool {
        (self.kind, self.stanza_type, self.id()) == (other.kind, other.stanza_type, other.id())
    }
}

/// What the start tag of a stanza says, found in one pass over its attributes.
#[derive(Default)]
struct Envelope<'a> {
    from: Option<&'a str>,
    to: Option<&'a str>,
    stanza_type: Option<&'a str>,
    has_lang: bool,
}

impl<'a> Envelope<'a> {
    fn read(root: Node<'a>) -> Self {
        let mut envelope = Self::default();
        for attribute in root.attributes() {
            match (attribute.namespace, attribute.name) {
                ("", "from") => envelope.from = Some(attribute.value),
                ("", "to") => envelope.to = Some(attribute.value),
                ("", "type") => envelope.stanza_type = Some(attribute.value),
                (ns::XML, "lang") => envelope.has_lang = true,
                _ => {}
            }
        }
        envelope
    }
}

/// An address after its preparation.
struct Prepared {
    /// An error is about another part than the domain; the address then is its domain alone.
    outcome: Result<(), JidError>,
    /// Whether the element says it in another way.
    differs: bool,
}

impl Prepared {
    /// Prepares an address. Without a valid domain nothing can be done with it.
    fn address(text: Option<&str>, jid: &mut Jid) -> Result<Self, StanzaDefect> {
        let text = text.ok_or(StanzaDefect::MissingAddress)?;
        let outcome = jid.assign(text);
        if outcome.is_err() {
            jid.assign_domain_of(text).map_err(|_| StanzaDefect::MalformedDomain)?;
        }
        Ok(Self { outcome, differs: text != jid.as_str() })
    }
}

#[cfg(test)]
mod tests;
