//! The name server of the protected servers (`[inside.dns]`): it tells them that every remote domain is at our inside listener.
//!
//! [`zone`] says what is true; here are the sockets, UDP and TCP, and the bounds of what is taken from them.

pub mod zone;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::observe::counters::{NameQuestions, Unanswered};
use crate::observe::seldom::Seldom;
use zone::{Answer, Transport, Zone};

/// A question has one name of at most 255 bytes and perhaps some options (RFC 1035 §2.3.4, RFC 6891); nothing longer is read.
const QUESTION_BYTES_MAX: usize = 1_232;
/// TCP is for the rare answer that does not fit a datagram; each protected server needs one connection.
const CONNECTIONS_MAX: usize = 16;
/// Whoever connects has its question ready (RFC 7766 §6.2.3 leaves the time to us).
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(5);
/// One connection, whatever it asks: the places are few.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed receive or accept (most often: no file descriptors left) the cause needs time to go away.
const PAUSE: Duration = Duration::from_millis(100);
/// A free port for both protocols is found at the first attempt, or the second.
const BIND_ATTEMPTS: usize = 8;

/// What a responder answers from at this moment: a reload may change it.
pub trait Zones: Send + Sync + 'static {
    /// The zone of this moment; without one nothing is answered.
    fn zone(&self) -> Option<Zone>;
}

/// Bound, and not serving yet.
pub struct Responder {
    udp: UdpSocket,
    tcp: TcpListener,
    address: SocketAddr,
    troubles: Seldom,
}

impl Responder {
    /// Binds an address for both protocols, or says which one could not be bound.
    pub async fn bind(listen: SocketAddr) -> io::Result<Responder> {
        let mut bound = Responder::try_bind(listen).await;
        // With port 0 the system chooses for TCP, and the same port may be taken for UDP.
        for _ in 1..if listen.port() == 0 { BIND_ATTEMPTS } else { 1 } {
            if bound.is_ok() {
                break;
            }
            bound = Responder::try_bind(listen).await;
        }
        bound.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {listen} (inside.dns.listen): {error}"))
        })
    }

    async fn try_bind(listen: SocketAddr) -> io::Result<Responder> {
        let tcp = TcpListener::bind(listen).await?;
        let address = tcp.local_addr()?;
        let udp = UdpSocket::bind(address).await?;
        Ok(Responder { udp, tcp, address, troubles: Seldom::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `ending`. Nothing that is sent to it ends it earlier.
    pub async fn serve(self, zones: Arc<dyn Zones>, questions: Arc<NameQuestions>, ending: CancellationToken) {
        let desk = Desk { zones, questions };
        let mut packet = [0; QUESTION_BYTES_MAX + 1];
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = ending.cancelled() => return,
                received = self.udp.recv_from(&mut packet) => match received {
                    Ok((length, from)) => self.reply(&desk, &packet[..length], from),
                    Err(error) => self.pause("receive a question", &error).await,
                },
                accepted = self.tcp.accept() => match accepted {
                    Ok((socket, _)) if connections.len() < CONNECTIONS_MAX => {
                        connections.spawn(timeout(CONNECTION_TIMEOUT, attend(desk.clone(), socket)));
                    }
                    Ok(_) => desk.questions.refuse(Unanswered::TooMany),
                    Err(error) => self.pause("accept a connection for questions", &error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn pause(&self, doing: &str, error: &io::Error) {
        if let Some(count) = self.troubles.add(1, Instant::now()) {
            tracing::warn!(%error, count, "inside.dns: cannot {doing}");
        }
        tokio::time::sleep(PAUSE).await;
    }

    fn reply(&self, desk: &Desk, packet: &[u8], from: SocketAddr) {
        if let Some(answer) = desk.answer(packet, Transport::Udp) {
            // What does not leave at once is lost, as datagrams may be; who asked asks again.
            let _ = self.udp.try_send_to(&answer, from);
        }
    }
}

/// Where questions are answered and counted.
#[derive(Clone)]
struct Desk {
    zones: Arc<dyn Zones>,
    questions: Arc<NameQuestions>,
}

impl Desk {
    /// The answer to one message, if it deserves one.
    fn answer(&self, message: &[u8], transport: Transport) -> Option<Vec<u8>> {
        self.questions.ask();
        if message.len() > QUESTION_BYTES_MAX {
            self.questions.refuse(Unanswered::Malformed);
            return None;
        }
        let Answer { bytes, unanswered } = self.zones.zone()?.answer(message, transport);
        if let Some(why) = unanswered {
            self.questions.refuse(why);
        }
        bytes
    }
}

/// One connection: messages behind their length (RFC 1035 §4.2.2), one after the other.
async fn attend(desk: Desk, mut socket: TcpStream) -> io::Result<()> {
    let mut message = [0; QUESTION_BYTES_MAX];
    loop {
        let length = usize::from(timeout(MESSAGE_TIMEOUT, socket.read_u16()).await??);
        let Some(message) = message.get_mut(..length) else {
            desk.questions.ask();
            desk.questions.refuse(Unanswered::Malformed);
            return Ok(());
        };
        timeout(MESSAGE_TIMEOUT, socket.read_exact(message)).await??;
        let Some(answer) = desk.answer(message, Transport::Tcp) else { return Ok(()) };
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        let framed = [&length.to_be_bytes(), answer.as_slice()].concat();
        timeout(MESSAGE_TIMEOUT, socket.write_all(&framed)).await??;
    }
}

#[cfg(test)]
mod tests;
