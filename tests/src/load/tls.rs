//! TLS over a blocking socket, with reads and writes gathered: 64 KiB a system call where there is that much.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    ops::DerefMut,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig, ServerConnection, SideData,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::{authority::Identity, process::must};

/// What one system call moves at most.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// A handshake step on loopback that takes longer than this hangs.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Connects with the options every end uses: small writes leave at once, and no read hangs for ever.
///
/// # Errors
/// When there is nobody to connect to.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    configured(TcpStream::connect_timeout(&address, TIMEOUT)?)
}

/// Sets the options every end uses on an accepted socket.
///
/// # Errors
/// When the socket is gone.
pub fn configured(socket: TcpStream) -> io::Result<TcpStream> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// Lets reads wait for as long as the stream is idle, once the handshake is over.
///
/// # Errors
/// When the socket is gone.
pub fn wait_for_ever(socket: &TcpStream) -> io::Result<()> {
    socket.set_read_timeout(None)
}

/// The certificates one end shows and believes.
#[derive(Clone, Debug)]
pub struct Credentials {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Credentials {
    /// Makes the configurations of both roles.
    ///
    /// # Panics
    /// When a certificate is none.
    pub fn new(identity: &Identity, authorities_pem: &str) -> Self {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(authorities_pem));
        let chain = vec![must("certificate", CertificateDer::from_pem_slice(identity.certificate.as_bytes()))];
        let key = || must("key", PrivateKeyDer::from_pem_slice(identity.key.as_bytes()));
        let client = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let client = must("TLS versions", client).with_root_certificates(roots.clone());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).allow_unauthenticated();
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let server = must("TLS versions", server).with_client_cert_verifier(must("verifier", verifier.build()));
        Self {
            client: Arc::new(must("client", client.with_client_auth_cert(chain.clone(), key()))),
            server: Arc::new(must("server", server.with_single_cert(chain, key()))),
        }
    }

    /// Starts TLS as the client of a named server.
    ///
    /// # Errors
    /// When the handshake fails.
    pub fn connect(&self, socket: &mut TcpStream, server: &str) -> io::Result<ClientConnection> {
        let name = ServerName::try_from(server.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(self.client.clone(), name).map_err(io::Error::other)?;
        complete_handshake(&mut connection, socket)?;
        Ok(connection)
    }

    /// Starts TLS as the server.
    ///
    /// # Errors
    /// When the handshake fails.
    pub fn accept(&self, socket: &mut TcpStream) -> io::Result<ServerConnection> {
        let mut connection = ServerConnection::new(self.server.clone()).map_err(io::Error::other)?;
        complete_handshake(&mut connection, socket)?;
        Ok(connection)
    }
}

fn roots(pem: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        must("authority", store.add(must("authority", certificate)));
    }
    store
}

fn complete_handshake<S: SideData>(
    connection: &mut impl DerefMut<Target = ConnectionCommon<S>>,
    socket: &mut TcpStream,
) -> io::Result<()> {
    while connection.is_handshaking() {
        connection.complete_io(socket)?;
    }
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    Ok(())
}

/// Decrypts what one read of the socket brought, and appends it to `plaintext`.
///
/// # Errors
/// When the peer broke TLS.
pub fn decrypt<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    mut received: &[u8],
    plaintext: &mut Vec<u8>,
) -> io::Result<()> {
    while !received.is_empty() {
        connection.read_tls(&mut received)?;
        take_decrypted(connection, plaintext)?;
    }
    Ok(())
}

/// Appends what is decrypted already to `plaintext`, and returns how much it was.
///
/// # Errors
/// When the peer broke TLS.
pub fn take_decrypted<S: SideData>(connection: &mut ConnectionCommon<S>, plaintext: &mut Vec<u8>) -> io::Result<usize> {
    let state = connection.process_new_packets().map_err(io::Error::other)?;
    let ready = state.plaintext_bytes_to_read();
    if ready > 0 {
        let end = plaintext.len();
        plaintext.resize(end + ready, 0);
        connection.reader().read_exact(&mut plaintext[end..])?;
    }
    Ok(ready)
}

/// Encrypts `plaintext` into records and appends them to `records`: as few as possible for each call.
///
/// # Errors
/// When the connection is closed.
pub fn encrypt<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    mut plaintext: &[u8],
    records: &mut Vec<u8>,
) -> io::Result<()> {
    while !plaintext.is_empty() {
        let taken = connection.writer().write(plaintext)?;
        plaintext = &plaintext[taken..];
        flush(connection, records)?;
    }
    Ok(())
}

/// Appends what TLS itself has to say.
///
/// # Errors
/// Never in practice: writing to memory does not fail.
pub fn flush<S: SideData>(connection: &mut ConnectionCommon<S>, records: &mut Vec<u8>) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(records)?;
    }
    Ok(())
}
