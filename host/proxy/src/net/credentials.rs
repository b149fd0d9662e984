//! Certificates and keys from PEM files, and whether they are fit for what the operator wants of them.

use std::path::Path;
use std::sync::Arc;

use refrain_proto::Domain;
use refrain_proto::auth::{CertificateFacts, CertificateName};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;

use super::names;
use crate::config::KeyPairFiles;

/// What is wrong with a file, in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}

impl Unfit {
    pub(super) fn new(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Unfit { problem: problem.into(), advice: advice.into() }
    }
}

/// Which of the two files of a pair is unfit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnfitPair {
    /// The certificate.
    Certificate(Unfit),
    /// The key.
    Key(Unfit),
}

/// All certificates of a PEM file, in its order; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Unfit> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unreadable(path, &error))?;
    if certificates.is_empty() {
        let problem = format!("there is no certificate in {}", path.display());
        return Err(Unfit::new(problem, "it must be PEM, with -----BEGIN CERTIFICATE-----"));
    }
    Ok(certificates)
}

/// The first private key of a PEM file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Unfit> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            let problem = format!("there is no private key in {}", path.display());
            Unfit::new(problem, "it must be PEM, with -----BEGIN PRIVATE KEY-----, and not encrypted")
        }
        error => unreadable(path, &error),
    })
}

fn unreadable(path: &Path, error: &pem::Error) -> Unfit {
    match error {
        pem::Error::Io(error) => Unfit::new(format!("{} cannot be read: {error}", path.display()), ""),
        error => Unfit::new(format!("{} is not PEM: {error}", path.display()), ""),
    }
}

/// The chain and the key of a pair, proven to belong together and to be within their time.
pub fn pair(files: &KeyPairFiles) -> Result<Arc<CertifiedKey>, UnfitPair> {
    let chain = certificates(&files.certificate).map_err(UnfitPair::Certificate)?;
    with_leaf(&chain, within_its_time).map_err(UnfitPair::Certificate)?;
    let key = private_key(&files.key).map_err(UnfitPair::Key)?;
    let pair = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| {
        let problem = match error {
            rustls::Error::InconsistentKeys(_) => "does not belong to the certificate".to_owned(),
            error => format!("cannot be used: {error}"),
        };
        UnfitPair::Key(Unfit::new(problem, "name the private key that the certificate was requested with"))
    })?;
    Ok(Arc::new(pair))
}

/// Checks that a certificate speaks for the domain that it is to be shown for.
pub fn covers(chain: &[CertificateDer<'_>], domain: &Domain) -> Result<(), Unfit> {
    let facts = with_leaf(chain, |leaf| Ok(CertificateFacts { trusted: true, names: names::of(leaf) }))?;
    if facts.speaks_for(domain) {
        return Ok(());
    }
    let named: Vec<&str> = facts.names.iter().map(text_of).collect();
    let problem = format!("the certificate does not cover {domain}; it names: {}", named.join(", "));
    Err(Unfit::new(problem, format!("request one with the DNS name {}", domain.to_ascii())))
}

fn text_of(name: &CertificateName) -> &str {
    match name {
        CertificateName::Dns(name) | CertificateName::Srv(name) | CertificateName::XmppAddr(name) => name,
    }
}

/// Checks that a certificate may sign others.
pub fn is_authority(chain: &[CertificateDer<'_>]) -> Result<(), Unfit> {
    with_leaf(chain, |leaf| match leaf.is_ca() {
        true => Ok(()),
        false => Err(Unfit::new(
            "is not the certificate of an authority (CA:TRUE)",
            "make one with `refrain ca init --dir DIR`",
        )),
    })
}

/// Hands the parsed first certificate to `inspect`.
pub fn with_leaf<T>(
    chain: &[CertificateDer<'_>],
    inspect: impl FnOnce(&X509Certificate<'_>) -> Result<T, Unfit>,
) -> Result<T, Unfit> {
    let leaf = chain.first().and_then(|leaf| x509_parser::parse_x509_certificate(leaf).ok());
    match leaf {
        Some((_, leaf)) => inspect(&leaf),
        None => Err(Unfit::new("is not an X.509 certificate", "")),
    }
}

fn within_its_time(leaf: &X509Certificate<'_>) -> Result<(), Unfit> {
    let validity = leaf.validity();
    if validity.is_valid() {
        return Ok(());
    }
    let problem = format!("the certificate is valid from {} to {}, not now", validity.not_before, validity.not_after);
    Err(Unfit::new(problem, "renew it, or set the clock"))
}
