//! Certificate authorities of the small Internet, and the certificates they issue.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::process::must;

/// An authority that both sides of a connection can be told to trust.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn new(name: &str) -> Self {
        let mut params = params(Vec::new());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = must("authority's key", KeyPair::generate());
        Self { issuer: must("authority", CertifiedIssuer::self_signed(params, key)) }
    }

    /// Returns the authority's certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Returns the authority's own certificate and key.
    pub fn identity(&self) -> Identity {
        Identity { certificate: self.pem(), key: self.issuer.key().serialize_pem() }
    }

    /// Issues a certificate for the domains, usable in both TLS roles as servers of the real federation used to have them.
    ///
    /// # Panics
    /// When a domain is not a name.
    pub fn issue(&self, domains: &[&str]) -> Identity {
        self.issue_for(domains, Usage::Both)
    }

    /// Issues a certificate for the domains that is fit for one TLS role only, or for both.
    ///
    /// # Panics
    /// When a domain is not a name.
    pub fn issue_for(&self, domains: &[&str], usage: Usage) -> Identity {
        let key = must("key", KeyPair::generate());
        let certificate = must("certificate", server_params(domains, usage).signed_by(&key, &self.issuer));
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// What a certificate says that it is for (extended key usage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Servers and clients.
    Both,
    /// Servers alone: public authorities sell no others any more.
    Server,
}

/// A certificate and its private key, both in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Identity {
    /// Makes a certificate that nobody vouches for.
    ///
    /// # Panics
    /// When a domain is not a name.
    pub fn self_signed(domains: &[&str]) -> Self {
        let key = must("key", KeyPair::generate());
        let certificate = must("certificate", server_params(domains, Usage::Both).self_signed(&key));
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes `NAME.crt` and `NAME.key` and returns both paths.
    ///
    /// # Panics
    /// When the files cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let certificate = folder.join(format!("{name}.crt"));
        let key = folder.join(format!("{name}.key"));
        must("certificate file", fs::write(&certificate, &self.certificate));
        must("key file", fs::write(&key, &self.key));
        (certificate, key)
    }
}

fn server_params(domains: &[&str], usage: Usage) -> CertificateParams {
    let mut params = params(domains.iter().map(|domain| (*domain).to_owned()).collect());
    params.distinguished_name.push(DnType::CommonName, domains.first().copied().unwrap_or("server"));
    params.extended_key_usages = match usage {
        Usage::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
        Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
    };
    params
}

/// ejabberd sets a timer to the end of a certificate, and cannot wait as long as they live by default.
fn params(names: Vec<String>) -> CertificateParams {
    let mut params = must("certificate", CertificateParams::new(names));
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1));
    params
}
