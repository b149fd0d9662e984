//! One TCP connection, in the clear or under TLS: the only place where the two are told apart.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// rustls asks its socket for 4 KiB at a time; under a full queue one system call then brings eleven stanzas instead of ninety.
const SOCKET_READ_BYTES: usize = 32 * 1024;

/// A silent connection is probed; a dead one is noticed within two minutes.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
const PROBES: u32 = 4;

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
        // A socket that takes no options is gone already: its first use says so.
        let _ = socket.set_nodelay(true);
        let _ = notice_death(&socket);
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

/// Has the system ask a silent peer whether it lives, and give up one that acknowledges nothing: of a receiving stream, on which
/// we seldom write, nothing else would tell before `idle-seconds` (RFC 6120 §4.6).
fn notice_death(socket: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(socket);
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_INTERVAL).with_retries(PROBES);
    socket.set_tcp_keepalive(&probes)?;
    socket.set_tcp_user_timeout(Some(PROBE_AFTER + PROBE_INTERVAL * PROBES))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_dead_peer_is_noticed_within_two_minutes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let Wire::Plain(socket) = Wire::new(socket) else { panic!("a fresh socket is plain") };
        let options = SockRef::from(&socket);
        assert!(options.keepalive().unwrap());
        let silent = options.tcp_keepalive_time().unwrap()
            + options.tcp_keepalive_interval().unwrap() * options.tcp_keepalive_retries().unwrap();
        assert_eq!((silent, options.tcp_user_timeout().unwrap()), (Duration::from_secs(120), Some(silent)));
    }
}
