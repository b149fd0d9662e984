//! What signed DNS says of a server's certificate (RFC 6698, RFC 7671, RFC 7673): TLSA records, and the name of a signed SRV target.

use std::fmt;

use refrain_proto::Domain;
use refrain_proto::auth::{CertificateFacts, CertificateName};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sha2::{Digest as _, Sha256, Sha512};
use webpki::VerifiedPath;

use super::names;
use super::verifier::{chain_is_trusted, verified_path};

/// Statements of signed DNS about one target. Empty where DNS is not signed or not validated: then nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delegation {
    /// The host that secure SRV records name: the certificate may name it instead of the domain (RFC 7673 §4.1).
    pub host: Option<Domain>,
    /// The usable TLSA records. If there are any, the certificate must match one (RFC 7673 §4.2).
    pub associations: Vec<Association>,
}

/// One usable TLSA record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    usage: Usage,
    selector: Selector,
    matching: Matching,
    data: Vec<u8>,
}

/// RFC 6698 §2.1.1, with the names of RFC 7218.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    /// This authority must be on the path to one of ours.
    PkixTa,
    /// This very certificate, which must also be trusted without DANE.
    PkixEe,
    /// This authority alone vouches.
    DaneTa,
    /// This very certificate, whatever else it says.
    DaneEe,
}

/// What is compared: RFC 6698 §2.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Selector {
    Certificate,
    PublicKey,
}

/// How it is compared: RFC 6698 §2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matching {
    Exactly,
    Sha256,
    Sha512,
}

/// What vouches for the certificate of a server that we connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voucher {
    /// A TLSA record.
    Dane,
    /// An authority that the operator trusts.
    Pkix,
    /// The operator, who pinned it.
    Pin,
    /// Nobody.
    Nobody,
}

/// There are usable TLSA records, and the certificate matches none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate matches no TLSA record of the server (DANE)")]
pub struct Mismatch;

impl Delegation {
    /// Judges the certificates that the server of `domain` showed, leaf first, where `anchors` are trusted without DANE.
    pub fn judge(
        &self,
        domain: &Domain,
        shown: &[CertificateDer<'_>],
        anchors: &[TrustAnchor<'_>],
        now: UnixTime,
    ) -> Result<(CertificateFacts, Voucher), Mismatch> {
        let Some(leaf) = shown.first() else { return Ok((CertificateFacts::default(), Voucher::Nobody)) };
        let names = self.names(domain, leaf);
        if self.associations.is_empty() {
            let trusted = chain_is_trusted(shown, anchors, now);
            if let Err(error) = &trusted {
                tracing::debug!(%domain, %error, "the certificate of a remote server is not trusted");
            }
            let voucher = if trusted.is_ok() { Voucher::Pkix } else { Voucher::Nobody };
            return Ok((CertificateFacts { trusted: trusted.is_ok(), names }, voucher));
        }
        let presented = Presented { shown, leaf, named: speaks_for(&names, domain), anchors, now };
        if !self.associations.iter().any(|association| association.vouches(&presented)) {
            return Err(Mismatch);
        }
        // RFC 7671 §5.1: the record stands for the name. For the other usages the names have been looked at.
        Ok((CertificateFacts { trusted: true, names: vec![name_of(domain)] }, Voucher::Dane))
    }

    /// What the leaf says it is; if it is the host that secure DNS names, then it is the domain.
    fn names(&self, domain: &Domain, leaf: &CertificateDer<'_>) -> Vec<CertificateName> {
        let mut names = names::of_der(leaf);
        if self.host.as_ref().is_some_and(|host| speaks_for(&names, host)) {
            names.push(name_of(domain));
        }
        names
    }
}

fn speaks_for(names: &[CertificateName], domain: &Domain) -> bool {
    CertificateFacts { trusted: true, names: names.to_vec() }.speaks_for(domain)
}

fn name_of(domain: &Domain) -> CertificateName {
    CertificateName::Dns(domain.to_ascii().to_string())
}

/// What a server showed, and what it is held against.
struct Presented<'c> {
    shown: &'c [CertificateDer<'c>],
    leaf: &'c CertificateDer<'c>,
    /// Whether the leaf names the domain, or the host that secure DNS names for it.
    named: bool,
    anchors: &'c [TrustAnchor<'c>],
    now: UnixTime,
}

impl Association {
    /// A record as DNS has it; `None` when we cannot use it (RFC 7671 §4.2 and RFC 6698 §4.1: then it is as if it were not there).
    pub fn new(usage: u8, selector: u8, matching: u8, data: &[u8]) -> Option<Association> {
        let usage = match usage {
            0 => Usage::PkixTa,
            1 => Usage::PkixEe,
            2 => Usage::DaneTa,
            3 => Usage::DaneEe,
            _ => return None,
        };
        let selector = match selector {
            0 => Selector::Certificate,
            1 => Selector::PublicKey,
            _ => return None,
        };
        let (matching, length) = match matching {
            0 => (Matching::Exactly, data.len()),
            1 => (Matching::Sha256, 32),
            2 => (Matching::Sha512, 64),
            _ => return None,
        };
        let usable = !data.is_empty() && data.len() == length;
        usable.then(|| Association { usage, selector, matching, data: data.to_vec() })
    }

    fn vouches(&self, presented: &Presented<'_>) -> bool {
        let Presented { shown, leaf, named, anchors, now } = *presented;
        match self.usage {
            Usage::DaneEe => self.matches(leaf),
            Usage::DaneTa => named && self.is_authority_of(shown, now),
            Usage::PkixEe => named && self.matches(leaf) && chain_is_trusted(shown, anchors, now).is_ok(),
            // Only a certificate that the path really goes through counts: others may be sent along for show.
            Usage::PkixTa => named && verified_path(shown, anchors, now, |path| self.is_on(path)).unwrap_or(false),
        }
    }

    fn matches(&self, certificate: &CertificateDer<'_>) -> bool {
        match self.selector {
            Selector::Certificate => self.is_data_of(certificate),
            Selector::PublicKey => x509_parser::parse_x509_certificate(certificate)
                .is_ok_and(|(_, parsed)| self.is_data_of(parsed.tbs_certificate.subject_pki.raw)),
        }
    }

    fn is_data_of(&self, selected: &[u8]) -> bool {
        match self.matching {
            Matching::Exactly => self.data == selected,
            Matching::Sha256 => self.data[..] == Sha256::digest(selected)[..],
            Matching::Sha512 => self.data[..] == Sha512::digest(selected)[..],
        }
    }

    fn is_on(&self, path: &VerifiedPath<'_>) -> bool {
        let through = path.intermediate_certificates().any(|certificate| match self.selector {
            Selector::Certificate => self.is_data_of(&certificate.der()),
            Selector::PublicKey => self.is_data_of(&certificate.subject_public_key_info()),
        });
        // Of our own anchors only the key is at hand.
        through || self.selector == Selector::PublicKey && self.is_data_of(&webpki::spki_for_anchor(path.anchor()))
    }

    /// Whether the leaf comes from this authority: one that was sent along (RFC 7671 §5.2.2), or that the record itself holds.
    fn is_authority_of(&self, shown: &[CertificateDer<'_>], now: UnixTime) -> bool {
        let whole = self.selector == Selector::Certificate && self.matching == Matching::Exactly;
        let held = whole.then(|| CertificateDer::from(self.data.as_slice()));
        let sent = shown.iter().skip(1).filter(|certificate| self.matches(certificate));
        sent.chain(&held).any(|authority| {
            webpki::anchor_from_trusted_cert(authority)
                .is_ok_and(|anchor| chain_is_trusted(shown, &[anchor], now).is_ok())
        })
    }
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Voucher::Dane => "dane",
            Voucher::Pkix => "pkix",
            Voucher::Pin => "pin",
            Voucher::Nobody => "nobody",
        })
    }
}

#[cfg(test)]
mod tests;
