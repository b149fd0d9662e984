//! How the protected servers prove themselves: by a certificate that the operator pinned for their domain.

use std::path::PathBuf;

use refrain_proto::Domain;
use refrain_proto::auth::{CertificateFacts, CertificateName};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::verifier::chain_is_trusted;
use super::{credentials, names};
use crate::config::{Config, Mistakes};

/// The `server-certificate` files, each read once, with the domains that name it.
pub struct Pins(Vec<Pin>);

struct Pin {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
    authorities: RootCertStore,
    domains: Vec<Domain>,
}

impl Pins {
    /// Loads what the hosted domains name.
    pub fn load(config: &Config, mistakes: &mut Mistakes) -> Pins {
        let mut pins = Pins(Vec::new());
        for domain in &config.domains {
            let Some(path) = &domain.server_certificate else { continue };
            if let Some(known) = pins.0.iter_mut().find(|pin| pin.path == *path) {
                known.domains.push(domain.name.clone());
                continue;
            }
            match credentials::certificates(path) {
                Ok(certificates) => pins.0.push(Pin::new(path.clone(), certificates, domain.name.clone())),
                Err(unfit) => {
                    let key = format!("{}.server-certificate", domain.key);
                    mistakes.add(config.places.mistake(&key, unfit.problem, unfit.advice));
                }
            }
        }
        pins
    }

    /// Whether there is a pin for this domain.
    pub fn has(&self, domain: &Domain) -> bool {
        self.0.iter().any(|pin| pin.domains.contains(domain))
    }

    /// The hosted domains that a protected server proved to be. Only these are named: an authority of one domain's server
    /// says nothing about another domain.
    pub fn facts(&self, shown: &[CertificateDer<'_>], now: UnixTime) -> CertificateFacts {
        let proven = self.0.iter().flat_map(|pin| pin.proves(shown, now));
        let names: Vec<_> = proven.map(|domain| CertificateName::Dns(domain.to_ascii().to_string())).collect();
        CertificateFacts { trusted: !names.is_empty(), names }
    }
}

impl Pin {
    fn new(path: PathBuf, certificates: Vec<CertificateDer<'static>>, domain: Domain) -> Pin {
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(certificates.clone());
        Pin { path, certificates, authorities, domains: vec![domain] }
    }

    fn proves(&self, shown: &[CertificateDer<'_>], now: UnixTime) -> Vec<Domain> {
        // The very certificate was pinned: the operator vouches for it, whatever names and dates it has.
        if self.certificates.iter().any(|pinned| pinned.as_ref() == shown[0].as_ref()) {
            return self.domains.clone();
        }
        if chain_is_trusted(shown, &self.authorities.roots, now).is_err() {
            return Vec::new();
        }
        let facts = CertificateFacts { trusted: true, names: names::of_der(&shown[0]) };
        self.domains.iter().filter(|domain| facts.speaks_for(domain)).cloned().collect()
    }
}
