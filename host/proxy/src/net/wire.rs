//! One TCP connection, in the clear or under TLS: the only place where the two are told apart.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// rustls asks its socket for 4 KiB at a time; under a full queue one system call then brings eleven stanzas instead of ninety.
const SOCKET_READ_BYTES: usize = 32 * 1024;

/// A socket that can be upgraded to TLS once.
pub enum Wire {
    /// Before STARTTLS.
    Plain(TcpStream),
    /// After the handshake.
    Tls(Box<TlsStream<BufReader<TcpStream>>>),
    /// After a failed handshake: every use is an error.
    Broken,
}

impl Wire {
    /// Takes a fresh socket. Writes are gathered by their callers, so Nagle's algorithm would only add delay.
    pub fn new(socket: TcpStream) -> Self {
        let _ = socket.set_nodelay(true);
        Wire::Plain(socket)
    }

    /// Plays the server in the TLS handshake.
    pub async fn accept_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let socket = self.take_plain()?;
        let tls = TlsAcceptor::from(config).accept(socket).await?;
        *self = Wire::Tls(Box::new(TlsStream::Server(tls)));
        Ok(())
    }

    /// Plays the client in the TLS handshake.
    pub async fn connect_tls(&mut self, config: Arc<ClientConfig>, name: ServerName<'static>) -> io::Result<()> {
        let socket = self.take_plain()?;
        let tls = TlsConnector::from(config).connect(name, socket).await?;
        *self = Wire::Tls(Box::new(TlsStream::Client(tls)));
        Ok(())
    }

    /// The chain that the peer showed in the handshake, leaf first.
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Wire::Tls(tls) => tls.get_ref().1.peer_certificates(),
            Wire::Plain(_) | Wire::Broken => None,
        }
    }

    /// Where the socket leads, as long as there is one.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self {
            Wire::Plain(socket) => socket.peer_addr().ok(),
            Wire::Tls(tls) => tls.get_ref().0.get_ref().peer_addr().ok(),
            Wire::Broken => None,
        }
    }

    fn take_plain(&mut self) -> io::Result<BufReader<TcpStream>> {
        match std::mem::replace(self, Wire::Broken) {
            Wire::Plain(socket) => Ok(BufReader::with_capacity(SOCKET_READ_BYTES, socket)),
            Wire::Tls(_) | Wire::Broken => Err(broken()),
        }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the TLS handshake did not succeed")
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Wire::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
            Wire::Broken => Poll::Ready(Err(broken())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Wire::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, bytes),
            Wire::Broken => Poll::Ready(Err(broken())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Wire::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
            Wire::Broken => Poll::Ready(Err(broken())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Wire::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
            Wire::Broken => Poll::Ready(Ok(())),
        }
    }
}
