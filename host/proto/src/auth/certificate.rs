//! Whether a certificate names a domain (RFC 6120 §13.7, RFC 9525, RFC 4985).

use crate::jid::Domain;

/// The service of RFC 4985 names: RFC 6120 §13.7.1.2.1.
const SERVICE: &str = "_xmpp-server.";

/// What the TLS side found in the certificate of the peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whether chain, time and usage hold, by the operator's trust anchors or pins. Decided where TLS is.
    pub trusted: bool,
    /// The names among its subject alternative names that XMPP knows. The common name is not one of them.
    pub names: Vec<CertificateName>,
}

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// dNSName: A-labels, perhaps `*` for the left-most.
    Dns(String),
    /// SRVName (RFC 4985): `_service.domain` in A-labels.
    Srv(String),
    /// id-on-xmppAddr (RFC 6120 §13.7.1.4): a domain in U-labels.
    XmppAddr(String),
}

impl CertificateFacts {
    /// Tells whether this certificate is trusted and names `domain`.
    pub fn speaks_for(&self, domain: &Domain) -> bool {
        if !self.trusted || domain.is_ip_literal() {
            return false;
        }
        let ascii = domain.to_ascii();
        self.names.iter().any(|name| name.matches(domain, &ascii))
    }
}

impl CertificateName {
    fn matches(&self, domain: &Domain, ascii: &str) -> bool {
        match self {
            Self::Dns(presented) => matches_dns(presented, ascii),
            Self::Srv(presented) => matches_srv(presented, ascii),
            // An address with a local part names a user, not a server.
            Self::XmppAddr(presented) => Domain::parse(presented).is_ok_and(|presented| presented == *domain),
        }
    }
}

/// RFC 9525 §6.3: equal without regard to case, or a `*` that stands for exactly the whole left-most label.
fn matches_dns(presented: &str, ascii: &str) -> bool {
    match presented.strip_prefix("*.") {
        Some(above) => {
            // A wildcard over a top-level domain names nobody in particular.
            let registered = above.contains('.');
            registered && ascii.split_once('.').is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(above))
        }
        None => presented.eq_ignore_ascii_case(ascii),
    }
}

fn matches_srv(presented: &str, ascii: &str) -> bool {
    let service = presented.get(..SERVICE.len());
    service.is_some_and(|service| service.eq_ignore_ascii_case(SERVICE))
        && presented[SERVICE.len()..].eq_ignore_ascii_case(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use CertificateName::{Dns, Srv, XmppAddr};

    fn speaks(name: CertificateName, domain: &str) -> bool {
        let facts = CertificateFacts { trusted: true, names: vec![name] };
        facts.speaks_for(&Domain::parse(domain).unwrap())
    }

    fn dns(name: &str, domain: &str) -> bool {
        speaks(Dns(name.into()), domain)
    }

    #[test]
    fn a_dns_name_matches_without_regard_to_case() {
        assert!(dns("remote.example", "remote.example"));
        assert!(dns("Remote.EXAMPLE", "remote.example"));
        assert!(!dns("remote.example", "remote.example.evil"));
        assert!(!dns("remote.example.evil", "remote.example"));
        assert!(!dns("remote.example\0.evil", "remote.example"));
    }

    #[test]
    fn a_wildcard_is_exactly_one_whole_label() {
        assert!(dns("*.remote.example", "chat.remote.example"));
        assert!(!dns("*.remote.example", "a.b.remote.example"));
        assert!(!dns("*.remote.example", "remote.example"));
        assert!(!dns("ch*.remote.example", "chat.remote.example"));
        assert!(!dns("chat.*.example", "chat.remote.example"));
        assert!(!dns("*.example", "remote.example"));
        assert!(!dns("*", "example"));
    }

    #[test]
    fn an_srv_name_must_be_of_the_server_service() {
        assert!(speaks(Srv("_xmpp-server.remote.example".into()), "remote.example"));
        assert!(speaks(Srv("_XMPP-Server.Remote.Example".into()), "remote.example"));
        assert!(!speaks(Srv("_xmpp-client.remote.example".into()), "remote.example"));
        assert!(!speaks(Srv("remote.example".into()), "remote.example"));
        assert!(!speaks(Srv("_xmpp-server.\u{e9}".into()), "remote.example"));
    }

    #[test]
    fn an_xmpp_address_matches_as_a_prepared_domain() {
        assert!(speaks(XmppAddr("Remote.example".into()), "remote.example"));
        assert!(speaks(XmppAddr("b\u{fc}cher.example".into()), "b\u{fc}cher.example"));
        assert!(!speaks(XmppAddr("user@remote.example".into()), "remote.example"));
    }

    #[test]
    fn an_internationalised_domain_matches_its_a_label() {
        assert!(dns("xn--bcher-kva.example", "b\u{fc}cher.example"));
        assert!(dns("XN--bcher-KVA.example", "B\u{dc}CHER.example"));
        assert!(!dns("bucher.example", "b\u{fc}cher.example"));
    }

    #[test]
    fn neither_an_address_nor_an_untrusted_or_nameless_certificate_speaks_for_anyone() {
        assert!(!dns("192.0.2.1", "192.0.2.1"));
        let nameless = CertificateFacts { trusted: true, names: vec![] };
        let untrusted = CertificateFacts { trusted: false, names: vec![Dns("remote.example".into())] };
        let domain = Domain::parse("remote.example").unwrap();
        assert!(!nameless.speaks_for(&domain));
        assert!(!untrusted.speaks_for(&domain));
    }
}
