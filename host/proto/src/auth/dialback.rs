//! Dialback keys (XEP-0185): made from a secret, checked by making them again.

use crate::jid::DomainPair;
use crate::stanza::StanzaCondition;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// Prosody's ids have 36 characters; the longest seen has 44.
const STREAM_ID_BYTES_MAX: usize = 256;

/// The secret that dialback keys are made from. One for each side of the boundary.
#[derive(Clone)]
pub struct DialbackSecret {
    /// XEP-0185 §3: the key of the HMAC is the digest of the secret *in hexadecimal*.
    hmac_key: [u8; 64],
}

impl DialbackSecret {
    /// Takes 256 random bits.
    pub fn from_bytes(secret: [u8; 32]) -> Self {
        Self::from_text(secret)
    }

    /// Takes a secret shared by several instances, of whatever length.
    pub fn from_text(secret: impl AsRef<[u8]>) -> Self {
        let mut hmac_key = [0; 64];
        let digest = Sha256::digest(secret.as_ref());
        // The lengths agree by their types: 32 bytes are 64 digits.
        let _ = hex::encode_to_slice(digest, &mut hmac_key);
        Self { hmac_key }
    }

    /// Makes the key that `pair.from` shows to `pair.to` on the stream that `pair.to` gave this id.
    pub fn key(&self, pair: &DomainPair, stream_id: &str) -> String {
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&self.hmac_key) else {
            unreachable!("HMAC takes a key of any length");
        };
        // XEP-0185 §3: receiving, originating, stream id. No part can hold the separator: neither domains nor accepted ids
        // have spaces (CVE-2016-0756 was a key without separators).
        hmac.update(format!("{} {} {stream_id}", pair.to, pair.from).as_bytes());
        hex::encode(hmac.finalize().into_bytes())
    }

    /// Tells, in constant time, whether a claimed key is one of ours.
    pub fn verify(&self, claim: &KeyClaim) -> bool {
        let expected = self.key(&claim.pair, &claim.stream_id);
        is_stream_id(&claim.stream_id) && bool::from(expected.as_bytes().ct_eq(claim.key.as_bytes()))
    }
}

impl fmt::Debug for DialbackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DialbackSecret(…)")
    }
}

/// A key as shown: it claims that `pair.from` opened the stream that `pair.to` named `stream_id`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyClaim {
    /// From the originating domain, which made the key, to the receiving one, which had it verified.
    pub pair: DomainPair,
    /// The id that the receiving server gave the stream.
    pub stream_id: String,
    /// The key, in hexadecimal when it is one of ours.
    pub key: String,
}

impl fmt::Debug for KeyClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A key proves its stream for as long as the stream lives, so it stays out of logs.
        write!(f, "KeyClaim({}, stream {:?}, key …)", self.pair, self.stream_id)
    }
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// The originating domain made this key for this stream.
    Valid,
    /// It did not.
    Invalid,
    /// Nobody could tell (XEP-0220 §2.5).
    Error(StanzaCondition),
    /// The authority could not be connected to: `remote-connection-failed` of XEP-0220 §2.5, which is no stanza error.
    Unreachable,
}

/// Tells whether a peer's stream id can stand in a key without moving its separators, at a bounded length.
pub(crate) fn is_stream_id(id: &str) -> bool {
    let plain = !id.chars().any(|character| character.is_whitespace() || character.is_control());
    plain && (1..=STREAM_ID_BYTES_MAX).contains(&id.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jid::Domain;

    fn pair(from: &str, to: &str) -> DomainPair {
        DomainPair { from: Domain::parse(from).unwrap(), to: Domain::parse(to).unwrap() }
    }

    #[test]
    fn keys_are_those_of_xep_0185_and_xep_0220() {
        for (secret, receiving, originating, stream_id, key) in [
            (
                "s3cr3tf0rd14lb4ck",
                "xmpp.example.com",
                "example.org",
                "D60000229F",
                "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643",
            ),
            (
                "s3cr3tf0rd14lb4ck",
                "montague.example",
                "capulet.example",
                "D60000229F",
                "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3",
            ),
            (
                "d14lb4ck43v3r",
                "capulet.example",
                "montague.example",
                "417GAF25",
                "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d",
            ),
        ] {
            let secret = DialbackSecret::from_text(secret);
            assert_eq!(secret.key(&pair(originating, receiving), stream_id), key);
        }
    }

    #[test]
    fn every_input_changes_the_key() {
        let secret = DialbackSecret::from_bytes([7; 32]);
        let key = secret.key(&pair("a.example", "b.example"), "id");
        assert_ne!(key, secret.key(&pair("b.example", "a.example"), "id"));
        assert_ne!(key, secret.key(&pair("a.example", "c.example"), "id"));
        assert_ne!(key, secret.key(&pair("a.example", "b.example"), "id2"));
        assert_ne!(key, DialbackSecret::from_bytes([8; 32]).key(&pair("a.example", "b.example"), "id"));
        // T06: without the separators these two would be one text.
        assert_ne!(secret.key(&pair("a.example", "b.ex"), "x"), secret.key(&pair("xa.example", "b.e"), "x"));
    }

    #[test]
    fn only_its_own_key_verifies() {
        let secret = DialbackSecret::from_bytes([7; 32]);
        let pair = pair("a.example", "b.example");
        let claim = |key: String| KeyClaim { pair: pair.clone(), stream_id: "id".into(), key };
        let key = secret.key(&pair, "id");
        assert!(secret.verify(&claim(key.clone())));
        assert!(!secret.verify(&claim(key[1..].into())));
        assert!(!secret.verify(&claim(key.to_uppercase())));
        assert!(!secret.verify(&claim(String::new())));
    }

    #[test]
    fn an_id_that_could_move_a_separator_is_refused() {
        assert!(is_stream_id("gw2"));
        assert!(!is_stream_id(""));
        assert!(!is_stream_id("a b"));
        assert!(!is_stream_id("a\u{a0}b"));
        assert!(!is_stream_id("a\tb"));
        assert!(!is_stream_id(&"a".repeat(257)));
    }

    #[test]
    fn neither_secret_nor_key_is_shown() {
        let secret = DialbackSecret::from_text("geheim");
        let claim = KeyClaim { pair: pair("a.example", "b.example"), stream_id: "id".into(), key: "geheim".into() };
        assert!(!format!("{secret:?}{claim:?}").contains("geheim"));
    }
}
