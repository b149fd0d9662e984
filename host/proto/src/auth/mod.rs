//! Who may speak for a domain. Pure: facts in, answer out.
//!
//! A peer proves a domain by its [`certificate`], through SASL [`external`] or on its own; or by [`dialback`], where the
//! server that DNS names for the domain is asked.

pub mod certificate;
pub mod dialback;
pub mod external;

pub use certificate::{CertificateFacts, CertificateName};
pub use dialback::{DialbackSecret, KeyClaim, Validity};

/// How a domain pair was proven on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By the peer's certificate: through SASL EXTERNAL (XEP-0178), or in place of dialling back (XEP-0344).
    External,
    /// By the authoritative server of the domain (XEP-0220).
    Dialback,
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::External => "external",
            Self::Dialback => "dialback",
        })
    }
}
