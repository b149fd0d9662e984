//! What a peer can do wrong, and the stream error it is told (RFC 6120 §4.9.3), in one table.

use crate::jid::Domain;
use crate::names::wire_names;
use crate::xml::XmlError;

/// A name that is not in the specification's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name the specification defines")]
pub struct UnknownName;

wire_names! {
    /// A stream error (RFC 6120 §4.9.3), complete.
    pub enum StreamCondition {
        /// §4.9.3.1
        BadFormat = "bad-format",
        /// §4.9.3.2
        BadNamespacePrefix = "bad-namespace-prefix",
        /// §4.9.3.3
        Conflict = "conflict",
        /// §4.9.3.4
        ConnectionTimeout = "connection-timeout",
        /// §4.9.3.5
        HostGone = "host-gone",
        /// §4.9.3.6
        HostUnknown = "host-unknown",
        /// §4.9.3.7
        ImproperAddressing = "improper-addressing",
        /// §4.9.3.8
        InternalServerError = "internal-server-error",
        /// §4.9.3.9
        InvalidFrom = "invalid-from",
        /// §4.9.3.10
        InvalidNamespace = "invalid-namespace",
        /// §4.9.3.11
        InvalidXml = "invalid-xml",
        /// §4.9.3.12
        NotAuthorized = "not-authorized",
        /// §4.9.3.13
        NotWellFormed = "not-well-formed",
        /// §4.9.3.14
        PolicyViolation = "policy-violation",
        /// §4.9.3.15
        RemoteConnectionFailed = "remote-connection-failed",
        /// §4.9.3.16
        Reset = "reset",
        /// §4.9.3.17
        ResourceConstraint = "resource-constraint",
        /// §4.9.3.18
        RestrictedXml = "restricted-xml",
        /// §4.9.3.19. Never followed.
        SeeOtherHost = "see-other-host",
        /// §4.9.3.20
        SystemShutdown = "system-shutdown",
        /// §4.9.3.21
        UndefinedCondition = "undefined-condition",
        /// §4.9.3.22
        UnsupportedEncoding = "unsupported-encoding",
        /// §4.9.3.23
        UnsupportedFeature = "unsupported-feature",
        /// §4.9.3.24
        UnsupportedStanzaType = "unsupported-stanza-type",
        /// §4.9.3.25
        UnsupportedVersion = "unsupported-version",
    }
}

/// What the peer did that ends the stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerMisbehaved {
    /// It sent what is not the XML of RFC 6120 §11.
    #[error("the peer's XML is refused: {0}")]
    Xml(#[from] XmlError),
    /// Its first element is not `stream`.
    #[error("the peer opened with something else than a stream header")]
    NotAStream,
    /// Its header is in a foreign namespace (RFC 6120 §4.8).
    #[error("the peer's stream header is in a foreign namespace")]
    ForeignNamespace,
    /// Its header names a version above 1 (RFC 6120 §4.7.5).
    #[error("the peer speaks a version of XMPP that we do not")]
    UnsupportedVersion,
    /// Its header has no version, so it could not negotiate TLS.
    #[error("the peer speaks XMPP from before TLS was negotiated")]
    Legacy,
    /// Its header, key or stanza lacks an address, or has one that is not valid.
    #[error("the peer sent a missing or malformed address")]
    ImproperAddressing,
    /// It asks for a domain that we do not serve on this side.
    #[error("the peer asked for {0}, which is not served here")]
    HostUnknown(Domain),
    /// It calls itself what nobody on its side can be.
    #[error("the peer called itself {0}, which no peer on this side can be")]
    ForbiddenFrom(Domain),
    /// It changed its name, or ours, after authentication (RFC 6120 §6.4.6).
    #[error("the peer changed the addresses of the stream after authentication")]
    HeaderChanged,
    /// It answered under another name than it was asked for.
    #[error("the peer answered under another name")]
    WrongHost,
    /// Its stream has no id that a dialback key could be made for.
    #[error("the peer gave the stream no usable id")]
    BadStreamId,
    /// It sent something else than `<starttls/>` in the clear (RFC 6120 §5.3.1, RFC 7590 §3.1).
    #[error("the peer sent something else than starttls before TLS")]
    BeforeTls,
    /// It sent bytes between `<starttls/>` or `<proceed/>` and TLS: an injection.
    #[error("the peer sent bytes in the clear after TLS was agreed on")]
    BytesBeforeTls,
    /// It does not offer STARTTLS, or refused it.
    #[error("the peer does not offer TLS")]
    TlsRefused,
    /// It offers no way to authenticate that we have.
    #[error("the peer offers no way to authenticate that we have")]
    NoCommonProof,
    /// It sent a stanza before it proved a domain.
    #[error("the peer sent a stanza before it was authenticated")]
    NotAuthenticated,
    /// Its dialback key is not one of the domain it claims (XEP-0220 §2.2.1).
    #[error("the peer showed a dialback key that its domain did not make")]
    InvalidKey,
    /// It failed to authenticate too often.
    #[error("the peer failed to authenticate too often")]
    TooManyAttempts,
    /// It sent a stanza from a domain that it has not proven here.
    #[error("the peer sent a stanza from {0:?}, which it has not proven on this stream")]
    SpoofedFrom(String),
    /// It sent what this stream has no use for at this point.
    #[error("the peer sent an element that has no place here")]
    UnexpectedElement,
    /// It acknowledged stanzas without saying how many (XEP-0198 §4).
    #[error("the peer's acknowledgement has no count")]
    BadAcknowledgement,
    /// It acknowledged stanzas that it was not sent (XEP-0198 §6).
    #[error("the peer acknowledged {handled} stanzas, but was sent {sent}")]
    HandledCountTooHigh {
        /// What it says that it has handled.
        handled: u32,
        /// What we have sent.
        sent: u32,
    },
    /// It sent more than a handshake takes.
    #[error("the peer sent too much before it was authenticated")]
    HandshakeTooLarge,
}

impl PeerMisbehaved {
    /// What the peer is told.
    pub fn condition(&self) -> StreamCondition {
        match self {
            Self::Xml(error) => xml_condition(*error),
            Self::NotAStream => StreamCondition::BadFormat,
            Self::ForeignNamespace => StreamCondition::InvalidNamespace,
            Self::UnsupportedVersion => StreamCondition::UnsupportedVersion,
            Self::Legacy | Self::BeforeTls | Self::BytesBeforeTls => StreamCondition::PolicyViolation,
            Self::ImproperAddressing => StreamCondition::ImproperAddressing,
            Self::HostUnknown(_) => StreamCondition::HostUnknown,
            Self::ForbiddenFrom(_) | Self::HeaderChanged | Self::SpoofedFrom(_) => StreamCondition::InvalidFrom,
            Self::WrongHost => StreamCondition::InvalidFrom,
            Self::BadStreamId | Self::HandledCountTooHigh { .. } => StreamCondition::UndefinedCondition,
            Self::BadAcknowledgement => StreamCondition::BadFormat,
            Self::TlsRefused | Self::NoCommonProof => StreamCondition::UnsupportedFeature,
            Self::NotAuthenticated | Self::InvalidKey => StreamCondition::NotAuthorized,
            // RFC 6120 §6.4.5.
            Self::TooManyAttempts | Self::HandshakeTooLarge => StreamCondition::PolicyViolation,
            Self::UnexpectedElement => StreamCondition::UnsupportedStanzaType,
        }
    }
}

/// RFC 6120 §11; what is legal but too much breaks a local policy (§4.9.3.14).
fn xml_condition(error: XmlError) -> StreamCondition {
    match error {
        XmlError::NotWellFormed(_) => StreamCondition::NotWellFormed,
        XmlError::Restricted(_) => StreamCondition::RestrictedXml,
        XmlError::ForeignNamespace => StreamCondition::UnsupportedStanzaType,
        XmlError::UnsupportedEncoding => StreamCondition::UnsupportedEncoding,
        XmlError::TooLarge(_)
        | XmlError::TooDeep(_)
        | XmlError::TooManyAttributes(_)
        | XmlError::TooManyNamespaces(_)
        | XmlError::TooManyNodes(_) => StreamCondition::PolicyViolation,
    }
}

wire_names! {
    /// What a stream waits for.
    pub enum Awaited {
        /// The stream header.
        Header = "the stream header",
        /// `<starttls/>`, or that it is agreed on.
        StartTls = "starttls",
        /// The TLS handshake.
        Tls = "the TLS handshake",
        /// The stream features.
        Features = "the stream features",
        /// A proof of a domain, or the answer to ours.
        Proof = "authentication",
        /// What becomes of our wish for stream management.
        Management = "the answer to stream management",
        /// That the peer takes stanzas on itself.
        Acknowledgement = "an acknowledgement of stanzas",
        /// Any sign of life.
        Traffic = "a sign of life",
        /// The end of the stream, once we ended our half.
        Close = "the end of the stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_25_conditions_have_a_name_for_both_ways() {
        assert_eq!(StreamCondition::ALL.len(), 25);
        for &condition in StreamCondition::ALL {
            assert_eq!(condition.as_str().parse(), Ok(condition));
        }
    }
}
