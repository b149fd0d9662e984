//! SASL EXTERNAL between servers (XEP-0178 §3, RFC 4422 appendix A): the payload of `<auth/>` and `<response/>`.

use crate::jid::Domain;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The name of the mechanism.
pub const MECHANISM: &str = "EXTERNAL";

/// RFC 6120 §6.4.2: an empty payload, as opposed to none.
pub const EMPTY: &str = "=";

/// Why an authorization identity was not accepted (RFC 6120 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslFailure {
    /// The peer gave up.
    Aborted,
    /// The payload is not base64, or not UTF-8 in it.
    IncorrectEncoding,
    /// The identity is not the `from` of the stream.
    InvalidAuthzid,
    /// The mechanism was not offered.
    InvalidMechanism,
    /// No response was asked for.
    MalformedRequest,
}

impl SaslFailure {
    /// The name of the condition on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::IncorrectEncoding => "incorrect-encoding",
            Self::InvalidAuthzid => "invalid-authzid",
            Self::InvalidMechanism => "invalid-mechanism",
            Self::MalformedRequest => "malformed-request",
        }
    }
}

/// Encodes the identity that a server asks to be taken for.
///
/// It is always sent: MongooseIM takes the domain from here (XEP-0178 §3 lets it be empty).
pub fn encode(identity: &Domain) -> String {
    STANDARD.encode(identity.as_str())
}

/// Checks a payload: the empty identity, or the `from` of the stream header.
pub fn check(payload: &str, stream_from: &Domain) -> Result<(), SaslFailure> {
    let payload = payload.trim_ascii();
    if payload.is_empty() || payload == EMPTY {
        return Ok(());
    }
    let bytes = STANDARD.decode(payload).map_err(|_| SaslFailure::IncorrectEncoding)?;
    let identity = std::str::from_utf8(&bytes).map_err(|_| SaslFailure::IncorrectEncoding)?;
    match Domain::parse(identity) {
        Ok(identity) if identity == *stream_from => Ok(()),
        _ => Err(SaslFailure::InvalidAuthzid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from() -> Domain {
        Domain::parse("local.example").unwrap()
    }

    #[test]
    fn encodes_as_prosody_does() {
        assert_eq!(encode(&from()), "bG9jYWwuZXhhbXBsZQ==");
    }

    #[test]
    fn accepts_no_identity_or_that_of_the_stream() {
        for payload in ["", "=", "bG9jYWwuZXhhbXBsZQ==", "TE9DQUwuZXhhbXBsZQ==", "\n bG9jYWwuZXhhbXBsZQ== "] {
            assert_eq!(check(payload, &from()), Ok(()), "{payload}");
        }
    }

    #[test]
    fn refuses_another_identity() {
        let other = encode(&Domain::parse("victim.example").unwrap());
        assert_eq!(check(&other, &from()), Err(SaslFailure::InvalidAuthzid));
        assert_eq!(check(&STANDARD.encode("user@local.example"), &from()), Err(SaslFailure::InvalidAuthzid));
    }

    #[test]
    fn refuses_what_is_not_base64_of_utf8() {
        for payload in ["b%", "bG9jYWwuZXhhbXBsZQ", "b G9", "/w=="] {
            assert_eq!(check(payload, &from()), Err(SaslFailure::IncorrectEncoding), "{payload}");
        }
    }
}
