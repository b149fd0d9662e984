//! TLS on both sides and in both roles: what we show, what we accept, and what the peer's certificate proves.
//!
//! TLS 1.2 and 1.3 with AEAD and ECDHE only (RFC 9325). No resumption, no tickets, no early data: a resumed session does not show
//! its certificate again, and early data could be replayed. The only door to rustls, with [`wire`](super::wire).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use refrain_proto::auth::CertificateFacts;
use refrain_proto::{Domain, DomainPair, Side};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme};

use super::credentials::{self, UnfitPair};
use super::dane::{Delegation, Mismatch, Voucher};
use super::mint::{MintError, Minter};
use super::pins::Pins;
use super::verifier::{SignatureOnly, chain_is_trusted};
use super::{names, roots};
use crate::config::{Config, KeyPairFiles, Mistakes};

/// XEP-0368 §4. A client that offers only other protocols is not speaking XMPP to us (ALPACA), and gets a fatal alert.
const ALPN: &[u8] = b"xmpp-server";

/// Why there is no TLS for a connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// We are to speak for a domain that is not ours.
    #[error("there is no certificate for {0}: it is not hosted here")]
    NotHosted(Domain),
    /// We are to speak for a remote domain, and cannot.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// A domain that cannot be a server name.
    #[error("{0} cannot be named in a TLS handshake")]
    ServerName(Domain),
}

/// Certificates and trust of both sides.
pub struct Tls {
    server: ServerConfig,
    client: ClientConfig,
    hosted: Arc<Hosted>,
    minter: Arc<Minter>,
    roots: RootCertStore,
    pins: Pins,
}

impl Tls {
    /// Loads every certificate and key that the configuration names; reports all that are unfit.
    pub fn load(config: &Config) -> Result<Tls, Mistakes> {
        let mut mistakes = Mistakes::default();
        let hosted = load_hosted(config, &mut mistakes);
        let minter = load_minter(config, &mut mistakes);
        let roots = roots::load(config, &mut mistakes);
        let pins = Pins::load(config, &mut mistakes);
        let provider = Arc::new(ring::default_provider());
        match (minter, mistakes.is_empty(), configs(&provider)) {
            (Some(minter), true, Ok((server, client))) => {
                Ok(Tls { server, client, hosted: Arc::new(hosted), minter: Arc::new(minter), roots, pins })
            }
            (_, _, Err(error)) => {
                mistakes.add(config.places.mistake("", format!("TLS cannot be set up: {error}"), ""));
                Err(mistakes)
            }
            (_, _, Ok(_)) => Err(mistakes),
        }
    }

    /// The authorities that may vouch for remote servers.
    pub fn roots(&self) -> &RootCertStore {
        &self.roots
    }

    /// The configuration for a connection that we accepted. What is shown follows the server name in the handshake, else `to`,
    /// else (outside) it is the first hosted domain's certificate.
    pub fn server(&self, side: Side, to: Option<&Domain>) -> Result<Arc<ServerConfig>, TlsError> {
        // A clone copies a dozen pointers; only the identity differs from connection to connection.
        let mut config = self.server.clone();
        config.cert_resolver = match side {
            Side::Outside => Arc::new(HostedIdentity { hosted: self.hosted.clone(), to: to.cloned() }),
            Side::Inside => Arc::new(MintedIdentity { minter: self.minter.clone(), to: to.cloned() }),
        };
        Ok(Arc::new(config))
    }

    /// The configuration and the server name for a connection that we open as `pair.from` to `pair.to`.
    pub fn client(&self, side: Side, pair: &DomainPair) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let identity = match side {
            Side::Outside => self.hosted.get(&pair.from).ok_or_else(|| TlsError::NotHosted(pair.from.clone()))?,
            Side::Inside => self.minter.certificate(&pair.from, SystemTime::now())?,
        };
        let mut config = self.client.clone();
        config.client_auth_cert_resolver = Arc::new(ClientIdentity(identity));
        let name = ServerName::try_from(pair.to.to_ascii().to_string());
        let name = name.map_err(|_| TlsError::ServerName(pair.to.clone()))?;
        Ok((Arc::new(config), name))
    }

    /// What the certificates that a peer showed prove; `None` when it showed none.
    pub fn facts(&self, side: Side, shown: Option<&[CertificateDer<'_>]>) -> Option<CertificateFacts> {
        let shown = shown.filter(|shown| !shown.is_empty())?;
        Some(match side {
            Side::Outside => self.outside_facts(shown, UnixTime::now()),
            Side::Inside => self.pins.facts(shown, UnixTime::now()),
        })
    }

    /// What the certificates prove that the server of `domain` showed, where signed DNS may have its say; and what vouches for
    /// them.
    pub fn judge(
        &self,
        side: Side,
        domain: &Domain,
        delegation: &Delegation,
        shown: Option<&[CertificateDer<'_>]>,
    ) -> Result<Option<(CertificateFacts, Voucher)>, Mismatch> {
        let Some(shown) = shown.filter(|shown| !shown.is_empty()) else { return Ok(None) };
        match side {
            Side::Outside => delegation.judge(domain, shown, &self.roots.roots, UnixTime::now()).map(Some),
            Side::Inside => {
                let facts = self.pins.facts(shown, UnixTime::now());
                let voucher = if facts.trusted { Voucher::Pin } else { Voucher::Nobody };
                Ok(Some((facts, voucher)))
            }
        }
    }

    /// Whether the operator pinned a certificate for the server of this hosted domain.
    pub fn pins(&self, domain: &Domain) -> bool {
        self.pins.has(domain)
    }

    fn outside_facts(&self, shown: &[CertificateDer<'_>], now: UnixTime) -> CertificateFacts {
        let judged = chain_is_trusted(shown, &self.roots.roots, now);
        if let Err(error) = &judged {
            tracing::debug!(%error, "the certificate of a remote server is not trusted");
        }
        CertificateFacts { trusted: judged.is_ok(), names: names::of_der(&shown[0]) }
    }
}

/// 256 bits from the system, through the same door as every other cryptography; `None` when the system gives none.
pub fn random_bytes<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes)
}

/// The base of every connection, in both roles; the identities are put in later.
fn configs(provider: &Arc<CryptoProvider>) -> Result<(ServerConfig, ClientConfig), rustls::Error> {
    let verifier = SignatureOnly::new(provider.clone());
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier.clone())
        .with_cert_resolver(Arc::new(NoIdentity));
    server.alpn_protocols = vec![ALPN.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.max_early_data_size = 0;
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    client.alpn_protocols = vec![ALPN.to_vec()];
    client.resumption = Resumption::disabled();
    client.enable_early_data = false;
    Ok((server, client))
}

fn load_hosted(config: &Config, mistakes: &mut Mistakes) -> Hosted {
    let mut hosted = Hosted { first: None, by_domain: HashMap::new() };
    for domain in &config.domains {
        let keys = (format!("{}.certificate", domain.key), format!("{}.key", domain.key));
        let Some(pair) = load_pair(config, &domain.certificate, &keys, mistakes, credentials::pair) else { continue };
        if let Err(unfit) = credentials::covers(&pair.cert, &domain.name) {
            mistakes.add(config.places.mistake(&keys.0, unfit.problem, unfit.advice));
        }
        hosted.first.get_or_insert_with(|| pair.clone());
        hosted.by_domain.insert(domain.name.clone(), pair);
    }
    hosted
}

fn load_minter(config: &Config, mistakes: &mut Mistakes) -> Option<Minter> {
    let keys = ("inside.authority".to_owned(), "inside.authority-key".to_owned());
    let hosted: Vec<Domain> = config.domains.iter().map(|domain| domain.name.clone()).collect();
    load_pair(config, &config.inside.authority, &keys, mistakes, |files| Minter::load(files, hosted))
}

/// Loads a pair of files; what is unfit is reported at the key that names the file.
fn load_pair<T>(
    config: &Config,
    files: &KeyPairFiles,
    (certificate_key, key_key): &(String, String),
    mistakes: &mut Mistakes,
    load: impl FnOnce(&KeyPairFiles) -> Result<T, UnfitPair>,
) -> Option<T> {
    let (key, unfit) = match load(files) {
        Ok(loaded) => return Some(loaded),
        Err(UnfitPair::Certificate(unfit)) => (certificate_key, unfit),
        Err(UnfitPair::Key(unfit)) => (key_key, unfit),
    };
    mistakes.add(config.places.mistake(key, unfit.problem, unfit.advice));
    None
}

/// The certificates of the hosted domains.
#[derive(Debug)]
struct Hosted {
    first: Option<Arc<CertifiedKey>>,
    by_domain: HashMap<Domain, Arc<CertifiedKey>>,
}

impl Hosted {
    fn get(&self, domain: &Domain) -> Option<Arc<CertifiedKey>> {
        self.by_domain.get(domain).cloned()
    }
}

/// Stands in until a connection has its identity.
#[derive(Debug)]
struct NoIdentity;

impl ResolvesServerCert for NoIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// What we show to the federated world.
#[derive(Debug)]
struct HostedIdentity {
    hosted: Arc<Hosted>,
    to: Option<Domain>,
}

impl ResolvesServerCert for HostedIdentity {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = server_name(&hello).and_then(|domain| self.hosted.get(&domain));
        let meant = || self.to.as_ref().and_then(|domain| self.hosted.get(domain));
        // Neither is hosted: any certificate will do to say host-unknown under.
        asked.or_else(meant).or_else(|| self.hosted.first.clone())
    }
}

/// What we show to the protected servers.
struct MintedIdentity {
    minter: Arc<Minter>,
    to: Option<Domain>,
}

impl std::fmt::Debug for MintedIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MintedIdentity").field("to", &self.to).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for MintedIdentity {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let domain = server_name(&hello).or_else(|| self.to.clone())?;
        let minted = self.minter.certificate(&domain, SystemTime::now());
        minted
            .inspect_err(|error| tracing::warn!(%error, "a protected server asked for a domain that we cannot be"))
            .ok()
    }
}

fn server_name(hello: &ClientHello<'_>) -> Option<Domain> {
    Domain::parse(hello.server_name()?).ok()
}

/// What we show where we connect.
#[derive(Debug)]
struct ClientIdentity(Arc<CertifiedKey>);

impl ResolvesClientCert for ClientIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
