//! A [`Wire`] with the [`Stream`] that runs over it: bytes in, events out, TLS when the stream asks for it.
//!
//! The owner alternates between [`turn`](Connection::turn), which drains what the stream has to say, and
//! [`receive`](Connection::receive), which waits for bytes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use refrain_proto::stream::{Event, Input, Outcome, Output, Stream};
use refrain_proto::{DomainPair, Side};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::dane::{Delegation, Voucher};
use super::names;
use super::tls::Tls;
use super::wire::Wire;
use crate::observe::continuity::KeyDigest;

/// What one wake-up reads at most before it judges: enough for full batches, small enough to be fair to other streams.
const BATCH_BYTES: usize = 64 * 1024;
/// A peer that takes nothing for this long is dead or hostile (threat T38).
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A TLS handshake takes two round trips; ten seconds is generous (threat T38).
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

thread_local! {
    /// Where bytes land between the socket and the stream's own buffer: one per worker, so that an idle connection costs none.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; BATCH_BYTES].into_boxed_slice());
}

/// Who plays which part in the TLS handshake.
pub enum TlsRole {
    /// The peer connected to us; the certificate shown depends on the side and on the domain it asked for.
    Server,
    /// We connected, for this pair, to a server of which signed DNS says this.
    Client(DomainPair, Delegation),
}

/// What the stream wants of its owner.
pub enum Turn {
    /// Something to act on.
    Event(Event),
    /// Nothing until bytes arrive or this moment comes.
    Wait(Instant),
    /// The stream is over and the socket closed.
    Finished(Outcome),
}

/// The peer let a time pass that the connection, not its stream, keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stalled {
    /// In the TLS handshake.
    #[error("the TLS handshake took too long")]
    Tls,
    /// Our output filled every buffer, and nothing was taken.
    #[error("the peer does not read")]
    Write,
}

impl Stalled {
    /// Whether that is what an error says.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<Stalled> for io::Error {
    fn from(stalled: Stalled) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, stalled)
    }
}

/// One s2s connection in either role.
pub struct Connection {
    wire: Wire,
    stream: Stream,
    outbox: Vec<u8>,
    /// Bytes that came since the owner asked last.
    received: u64,
    /// Of the generation that opened it, and only until the handshake is done: a stream that lives for months would else keep an
    /// old generation's certificates in memory.
    tls: Option<Arc<Tls>>,
    side: Side,
    role: TlsRole,
    voucher: Option<Voucher>,
    peer_key: Option<KeyDigest>,
}

impl Connection {
    /// Joins a socket and a stream on one side of the boundary.
    pub fn new(wire: Wire, stream: Stream, tls: Arc<Tls>, side: Side, role: TlsRole) -> Self {
        Connection {
            wire,
            stream,
            outbox: Vec::new(),
            received: 0,
            tls: Some(tls),
            side,
            role,
            voucher: None,
            peer_key: None,
        }
    }

    /// The key of the certificate that the peer showed, if it showed one.
    pub fn peer_key(&self) -> Option<KeyDigest> {
        self.peer_key
    }

    /// The stream, to hand inputs in.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// What vouches for the server that we connected to; `None` before the handshake, and where the peer connected.
    pub fn voucher(&self) -> Option<Voucher> {
        self.voucher
    }

    /// Where the socket leads.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.wire.peer_address()
    }

    /// Begins with TLS, before anything else is done with the stream (XEP-0368).
    pub async fn secure(&mut self) -> io::Result<()> {
        self.start_tls().await
    }

    /// Drains the stream up to the next thing that its owner must know. Not to be cancelled: it may be inside a TLS handshake.
    pub async fn turn(&mut self) -> io::Result<Turn> {
        loop {
            match self.stream.poll() {
                Output::Transmit(bytes) => self.outbox.extend_from_slice(&bytes),
                Output::StartTls => {
                    self.flush().await?;
                    self.start_tls().await?;
                }
                Output::Event(event) => return Ok(Turn::Event(event)),
                Output::Wait(until) => {
                    self.flush().await?;
                    return Ok(Turn::Wait(until));
                }
                Output::Finished(outcome) => {
                    // The peer may be gone already; that changes nothing about the outcome.
                    let _ = self.flush().await;
                    let _ = timeout(Duration::from_secs(1), self.wire.shutdown()).await;
                    return Ok(Turn::Finished(outcome));
                }
            }
        }
    }

    /// Waits for bytes and hands everything that is there (at most 64 KiB) to the stream. Cancel-safe.
    pub async fn receive(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            SCRATCH.with_borrow_mut(|scratch| {
                let (filled, end) = std::task::ready!(read_batch(&mut self.wire, cx, scratch))?;
                let now = Instant::now();
                self.received += filled as u64;
                if filled > 0 {
                    self.stream.handle(Input::Bytes(&scratch[..filled]), now);
                }
                if end {
                    self.stream.handle(Input::Eof, now);
                }
                Poll::Ready(Ok(()))
            })
        })
        .await
    }

    /// How many bytes have come since the last call.
    pub fn take_received(&mut self) -> u64 {
        std::mem::take(&mut self.received)
    }

    /// Writes canonical stanzas of an established stream, after anything the stream itself still had to say.
    pub async fn write(&mut self, stanzas: &[u8]) -> io::Result<()> {
        self.flush().await?;
        write_all(&mut self.wire, stanzas).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let written = write_all(&mut self.wire, &self.outbox).await;
        self.outbox.clear();
        written
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let Some(tls) = self.tls.take() else { return Err(io::Error::other("TLS was started twice")) };
        let patience = TLS_TIMEOUT.min(self.stream.handshake_timeout());
        match timeout(patience, self.handshake(&tls)).await {
            Ok(done) => done?,
            Err(_) => return Err(Stalled::Tls.into()),
        }
        let shown = self.wire.peer_certificates();
        self.peer_key = shown.and_then(|shown| names::key_of(shown.first()?));
        let facts = match &self.role {
            TlsRole::Server => tls.facts(self.side, shown),
            TlsRole::Client(pair, delegation) => {
                let judged = tls.judge(self.side, &pair.to, delegation, shown).map_err(io::Error::other)?;
                self.voucher = judged.as_ref().map(|(_, voucher)| *voucher);
                judged.map(|(facts, _)| facts)
            }
        };
        self.stream.handle(Input::TlsEstablished(facts), Instant::now());
        Ok(())
    }

    async fn handshake(&mut self, tls: &Tls) -> io::Result<()> {
        match &self.role {
            TlsRole::Server => {
                let config = tls.server(self.side, self.stream.local_domain()).map_err(io::Error::other)?;
                self.wire.accept_tls(config).await
            }
            TlsRole::Client(pair, _) => {
                let (config, name) = tls.client(self.side, pair).map_err(io::Error::other)?;
                self.wire.connect_tls(config, name).await
            }
        }
    }
}

/// Reads until the socket has no more or the scratch is full; `true` = the peer ended its side.
fn read_batch(wire: &mut Wire, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<io::Result<(usize, bool)>> {
    let mut filled = 0;
    while filled < scratch.len() {
        let mut buf = ReadBuf::new(&mut scratch[filled..]);
        match Pin::new(&mut *wire).poll_read(cx, &mut buf) {
            Poll::Ready(Ok(())) if buf.filled().is_empty() => return Poll::Ready(Ok((filled, true))),
            Poll::Ready(Ok(())) => filled += buf.filled().len(),
            // XMPP peers often close TCP without a TLS close_notify; the stream layer decides whether that was in order.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Poll::Ready(Ok((filled, true)));
            }
            Poll::Ready(Err(error)) if filled == 0 => return Poll::Ready(Err(error)),
            Poll::Ready(Err(_)) | Poll::Pending if filled > 0 => break,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    }
    Poll::Ready(Ok((filled, false)))
}

async fn write_all(wire: &mut Wire, mut bytes: &[u8]) -> io::Result<()> {
    let stalled = |_| io::Error::from(Stalled::Write);
    while !bytes.is_empty() {
        let written = timeout(WRITE_STALL_TIMEOUT, wire.write(bytes)).await.map_err(stalled)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
    }
    timeout(WRITE_STALL_TIMEOUT, wire.flush()).await.map_err(stalled)?
}
