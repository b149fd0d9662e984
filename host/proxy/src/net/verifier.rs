//! Who a certificate proves its owner to be, asked in two steps: the handshake proves that the peer holds the key
//! ([`SignatureOnly`]), and afterwards the chain is judged ([`chain_is_trusted`]).
//!
//! In between the stream decides whether trust is needed at all: XMPP peers without a trusted certificate may still be proven
//! by dialback, where the operator allows it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

/// Certificates that a peer may send along with its own. Real chains have up to three; more is work for us, not proof (T13).
const INTERMEDIATES_MAX: usize = 10;

/// Checks that the peer holds the key of the certificate it shows, and nothing else about it.
#[derive(Debug)]
pub struct SignatureOnly {
    provider: Arc<CryptoProvider>,
}

impl SignatureOnly {
    /// A verifier that knows the signature algorithms of `provider`.
    pub fn new(provider: Arc<CryptoProvider>) -> Arc<Self> {
        Arc::new(SignatureOnly { provider })
    }

    fn tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for SignatureOnly {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: a peer that heeds hints would otherwise hold back a certificate of an authority that we do trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ServerCertVerifier for SignatureOnly {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// Judges a chain, leaf first: signatures up to one of `anchors`, time, constraints and usage. Says nothing about names.
pub fn chain_is_trusted(
    chain: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    now: UnixTime,
) -> Result<(), webpki::Error> {
    verified_path(chain, anchors, now, |_| ())
}

/// Like [`chain_is_trusted`], and hands the path from the leaf to the anchor to `inspect`.
pub fn verified_path<T>(
    chain: &[CertificateDer<'_>],
    anchors: &[TrustAnchor<'_>],
    now: UnixTime,
    inspect: impl Fn(&VerifiedPath<'_>) -> T,
) -> Result<T, webpki::Error> {
    let (leaf, intermediates) = chain.split_first().ok_or(webpki::Error::UnknownIssuer)?;
    if intermediates.len() > INTERMEDIATES_MAX {
        return Err(webpki::Error::MaximumPathDepthExceeded);
    }
    let leaf = EndEntityCert::try_from(leaf)?;
    let for_usage = |usage| {
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        let path = leaf.verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None)?;
        Ok(inspect(&path))
    };
    // A server is in both roles what it is: public authorities no longer sell clientAuth (Chrome root policy, 2026), so XMPP
    // asks for serverAuth in both, and a certificate for clients alone is no server's (T13).
    for_usage(KeyUsage::server_auth())
}
