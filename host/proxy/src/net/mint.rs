//! The inside authority: it makes the certificates by which we are any remote domain towards the protected servers.
//!
//! A protected server that trusts only this authority for other servers cannot be reached past us: fail closed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use refrain_proto::Domain;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use super::credentials::{self, Unfit, UnfitPair};
use crate::config::KeyPairFiles;

/// A minted certificate lives this long: short, so that no revocation is needed.
const LEAF_LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// Clocks of protected servers may be slow.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);
/// An authority is installed by hand in the protected servers, so it must last.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);
/// Remote domains with a certificate in memory, about 2 KiB each; minting again takes a fraction of a millisecond.
const MINTED_MAX: usize = 10_000;

/// Why there is no certificate for a domain.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// It is protected, so nobody else may be it.
    #[error("{0} is hosted here or below a hosted domain: no certificate is minted for it")]
    Hosted(Domain),
    /// Signing failed.
    #[error("no certificate could be made: {0}")]
    Signing(#[from] rcgen::Error),
    /// The key cannot be used, or there are no random numbers.
    #[error("no certificate could be made: {0}")]
    Tls(#[from] rustls::Error),
}

/// Mints certificates for remote domains, and keeps them while they are fresh.
pub struct Minter {
    issuer: Issuer<'static, KeyPair>,
    authority: CertificateDer<'static>,
    /// One key for all: whoever could take one could take every one.
    leaf_key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    hosted: Vec<Domain>,
    minted: Mutex<HashMap<Domain, Minted>>,
}

struct Minted {
    certificate: Arc<CertifiedKey>,
    renew_at: SystemTime,
}

impl Minter {
    /// Loads the authority. It signs for any domain but `hosted` ones and what is below these.
    pub fn load(files: &KeyPairFiles, hosted: Vec<Domain>) -> Result<Minter, UnfitPair> {
        let pair = credentials::pair(files)?;
        credentials::is_authority(&pair.cert).map_err(UnfitPair::Certificate)?;
        let key = credentials::private_key(&files.key).map_err(UnfitPair::Key)?;
        let authority = pair.cert[0].clone();
        let key = KeyPair::try_from(&key).map_err(|error| {
            let advice = "convert it with `openssl pkcs8 -topk8 -nocrypt`";
            UnfitPair::Key(Unfit::new(format!("cannot sign: {error}"), advice))
        })?;
        let unfit = |error: MintError| UnfitPair::Certificate(Unfit::new(error.to_string(), ""));
        let issuer = Issuer::from_ca_cert_der(&authority, key).map_err(|error| unfit(error.into()))?;
        Minter::new(issuer, authority, hosted).map_err(unfit)
    }

    fn new(
        issuer: Issuer<'static, KeyPair>,
        authority: CertificateDer<'static>,
        hosted: Vec<Domain>,
    ) -> Result<Minter, MintError> {
        let leaf_key = KeyPair::generate()?;
        let der = PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into());
        let signing_key = rustls::crypto::ring::sign::any_supported_type(&der)?;
        Ok(Minter { issuer, authority, leaf_key, signing_key, hosted, minted: Mutex::default() })
    }

    /// The certificate for a remote domain: from memory, or new when there is none or half its life is over.
    pub fn certificate(&self, domain: &Domain, now: SystemTime) -> Result<Arc<CertifiedKey>, MintError> {
        if self.hosted.iter().any(|hosted| domain == hosted || domain.is_subdomain_of(hosted)) {
            return Err(MintError::Hosted(domain.clone()));
        }
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fresh) = minted.get(domain).filter(|minted| now < minted.renew_at) {
            return Ok(fresh.certificate.clone());
        }
        let certificate = self.mint(domain, now)?;
        if minted.len() >= MINTED_MAX {
            minted.clear();
        }
        let renew_at = now + LEAF_LIFETIME / 2;
        minted.insert(domain.clone(), Minted { certificate: certificate.clone(), renew_at });
        Ok(certificate)
    }

    fn mint(&self, domain: &Domain, now: SystemTime) -> Result<Arc<CertifiedKey>, MintError> {
        // The domain is in the subjectAltName alone: nobody should rely on a common name, and an xmppAddr would only be a
        // second name for servers to disagree about.
        let mut params = CertificateParams::new([domain.to_ascii().to_string()])?;
        params.distinguished_name = organisation("Refrain");
        params.not_before = (now - CLOCK_SKEW).into();
        params.not_after = (now + LEAF_LIFETIME).into();
        params.serial_number = Some(random_serial()?);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // We play both roles with it, and servers differ in which usage they ask for.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_key, &self.issuer)?;
        let chain = vec![leaf.der().clone(), self.authority.clone()];
        Ok(Arc::new(CertifiedKey::new(chain, self.signing_key.clone())))
    }
}

/// A new authority.
pub struct NewAuthority {
    /// Its certificate, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: String,
}

impl NewAuthority {
    /// Makes an authority that can never speak for the `excluded` domains or what is below them (RFC 5280 §4.2.1.10).
    pub fn create(excluded: &[Domain], now: SystemTime) -> Result<NewAuthority, MintError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = organisation("Refrain");
        params.distinguished_name.push(DnType::CommonName, "Refrain inside authority");
        params.not_before = (now - CLOCK_SKEW).into();
        params.not_after = (now + AUTHORITY_LIFETIME).into();
        params.serial_number = Some(random_serial()?);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        if !excluded.is_empty() {
            let subtrees = excluded.iter().map(|domain| GeneralSubtree::DnsName(domain.to_ascii().to_string()));
            params.name_constraints =
                Some(NameConstraints { permitted_subtrees: vec![], excluded_subtrees: subtrees.collect() });
        }
        let certificate = params.self_signed(&key)?;
        Ok(NewAuthority { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn organisation(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::OrganizationName, name);
    names
}

/// RFC 5280 §4.1.2.2: positive, at most 20 octets, unique per issuer. rcgen would derive it from the key, which ours share.
fn random_serial() -> Result<SerialNumber, rustls::Error> {
    let mut serial = [0; 16];
    default_provider().secure_random.fill(&mut serial)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&serial))
}
