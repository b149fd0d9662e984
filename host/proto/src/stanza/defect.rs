//! What can be wrong with a stanza: whether its sender is told, or its stream ends.

use super::StanzaCondition;
use crate::error::PeerMisbehaved;
use crate::xml::XmlError;

/// Why an element is not a stanza that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StanzaDefect {
    /// Not `message`, `presence` or `iq` of `jabber:server`.
    #[error("not a stanza")]
    NotAStanza,
    /// No `from` or no `to` (RFC 6120 §8.1.1.2, §8.1.2.2).
    #[error("an address is missing")]
    MissingAddress,
    /// An address without a valid domain, so that nobody can be told.
    #[error("an address has no valid domain")]
    MalformedDomain,
    /// The local part or resource of `from` is not valid.
    #[error("the sender's address is malformed")]
    MalformedFrom,
    /// The local part or resource of `to` is not valid.
    #[error("the addressee's address is malformed")]
    MalformedTo,
    /// An iq without one of its four types.
    #[error("an iq of no known type")]
    IqType,
    /// A request without an id.
    #[error("an iq request without an id")]
    IqWithoutId,
    /// A request with no payload, or with several.
    #[error("an iq request without exactly one payload")]
    IqPayload,
    /// An edit changed the kind, type, id or an address.
    #[error("the kind, type, id or an address was changed")]
    EnvelopeChanged,
    /// Not the XML we accept.
    #[error("{0}")]
    Xml(#[from] XmlError),
}

impl StanzaDefect {
    /// The stanza error that answers the defect while the stream lives; none for defects that end the stream.
    pub fn condition(&self) -> Option<StanzaCondition> {
        match self {
            Self::MalformedFrom | Self::MalformedTo => Some(StanzaCondition::JidMalformed),
            Self::IqType | Self::IqWithoutId | Self::IqPayload => Some(StanzaCondition::BadRequest),
            Self::NotAStanza | Self::MissingAddress | Self::MalformedDomain | Self::EnvelopeChanged | Self::Xml(_) => {
                None
            }
        }
    }

    /// What the peer did that sent such a stanza, where that ends the stream.
    pub fn misbehaviour(&self) -> PeerMisbehaved {
        match self {
            Self::MissingAddress | Self::MalformedDomain | Self::MalformedFrom | Self::MalformedTo => {
                PeerMisbehaved::ImproperAddressing
            }
            Self::NotAStanza | Self::IqType | Self::IqWithoutId | Self::IqPayload | Self::EnvelopeChanged => {
                PeerMisbehaved::UnexpectedElement
            }
            Self::Xml(error) => PeerMisbehaved::Xml(*error),
        }
    }
}
