//! The XMPP names in a certificate (RFC 6120 §13.7.1.2, RFC 9525): dNSName, SRVName and xmppAddr of its subjectAltName.
//!
//! Never the common name, never an address. webpki knows only dNSName, so the otherNames are read here.

use refrain_proto::auth::CertificateName;
use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::asn1_rs::{self, Any, FromDer, Oid, Tag, TaggedExplicit, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::observe::continuity::KeyDigest;

/// id-on-dnsSRV, RFC 4985 §2.
const ID_ON_DNS_SRV: Oid<'static> = oid!(1.3.6.1.5.5.7.8.7);
/// id-on-xmppAddr, RFC 6120 §13.7.1.4.
const ID_ON_XMPP_ADDR: Oid<'static> = oid!(1.3.6.1.5.5.7.8.5);

/// Names read from one certificate. Hosters with many domains stay below; a certificate of ten thousand names is an attack on
/// our memory (threat T13).
const NAMES_MAX: usize = 1_000;

/// The names in a certificate as shown; none when it cannot be parsed.
pub fn of_der(certificate: &CertificateDer<'_>) -> Vec<CertificateName> {
    match x509_parser::parse_x509_certificate(certificate) {
        Ok((_, certificate)) => of(&certificate),
        Err(_) => Vec::new(),
    }
}

/// The digest of a certificate's public key; none when it cannot be parsed.
pub fn key_of(certificate: &CertificateDer<'_>) -> Option<KeyDigest> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(KeyDigest(Sha256::digest(certificate.public_key().raw).into()))
}

/// The names in a parsed certificate.
pub fn of(certificate: &X509Certificate<'_>) -> Vec<CertificateName> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.iter().filter_map(name).take(NAMES_MAX).collect(),
        // RFC 5280 §4.2: an extension that comes twice makes the certificate invalid.
        Ok(None) | Err(_) => Vec::new(),
    }
}

fn name(name: &GeneralName<'_>) -> Option<CertificateName> {
    match name {
        GeneralName::DNSName(name) if is_host_name(name) => Some(CertificateName::Dns((*name).to_owned())),
        GeneralName::OtherName(id, value) if *id == ID_ON_DNS_SRV => {
            let name = other_name(value, Tag::Ia5String)?;
            is_host_name(&name).then_some(CertificateName::Srv(name))
        }
        GeneralName::OtherName(id, value) if *id == ID_ON_XMPP_ADDR => {
            other_name(value, Tag::Utf8String).map(CertificateName::XmppAddr)
        }
        _ => None,
    }
}

/// Plain ASCII letters, digits, hyphens, underscores and dots, perhaps after `*.`: no NUL, no trailing surprise. A wildcard
/// needs two labels below it, for nobody may speak for a whole top-level domain.
fn is_host_name(name: &str) -> bool {
    let base = name.strip_prefix("*.").unwrap_or(name);
    let is_wildcard = base.len() < name.len();
    let plain = base.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    plain && !base.is_empty() && (!is_wildcard || base.trim_end_matches('.').contains('.'))
}

/// The string in `value`, which is `[0] EXPLICIT`.
fn other_name(value: &[u8], expected: Tag) -> Option<String> {
    let (_, inner) = TaggedExplicit::<Any<'_>, asn1_rs::Error, 0>::from_der(value).ok()?;
    let inner = inner.into_inner();
    // COMPAT: some tools write an SRVName as UTF8String.
    let accepted = inner.tag() == expected || (expected == Tag::Ia5String && inner.tag() == Tag::Utf8String);
    let text = std::str::from_utf8(inner.data).ok()?;
    (accepted && !text.contains('\0')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_plain_host_names_and_wildcards_below_a_registered_domain() {
        for good in ["example.org", "EXAMPLE.org", "xn--bcher-kva.example", "*.example.org", "_xmpp-server.example.org"]
        {
            assert!(is_host_name(good), "{good}");
        }
        for bad in ["", "*", "*.", "*.org", "a\0.example.org", "f*.example.org", "*.*.example.org", "bücher.example"] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
