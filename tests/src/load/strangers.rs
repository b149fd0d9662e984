//! Strangers that hold connections and never prove who they are: silent, slow, deaf, or half-way through TLS (threat T38).

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
    time::{sleep, timeout},
};

use crate::process::must;

/// What a stranger does with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Nothing.
    Silent,
    /// One byte of a header, and one more every ten seconds.
    Drip,
    /// A header, and nothing after the features.
    HeaderOnly,
    /// The first bytes of a TLS handshake.
    HalfTls,
    /// Asks for TLS and reads none of the answers.
    Deaf,
}

const MANNERS: [Manner; 5] = [Manner::Silent, Manner::Drip, Manner::HeaderOnly, Manner::HalfTls, Manner::Deaf];

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' from='stranger.example' to='home.example' version='1.0'>";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

/// A crowd of them; gone when dropped.
#[derive(Debug)]
pub struct Strangers {
    _runtime: Runtime,
    open: Arc<AtomicUsize>,
}

impl Strangers {
    /// Opens `count` connections, `per_address` of them from each of as many loopback addresses as that takes.
    ///
    /// # Panics
    /// When one cannot be opened.
    pub fn crowd(to: SocketAddr, count: usize, per_address: usize) -> Self {
        allow_open_files();
        let runtime = must("runtime", Builder::new_multi_thread().worker_threads(1).enable_all().build());
        let open = Arc::new(AtomicUsize::new(0));
        for number in 0..count {
            let socket = must("stranger", runtime.block_on(connect(number / per_address, to)));
            let (open, manner) = (open.clone(), MANNERS[number % MANNERS.len()]);
            open.fetch_add(1, Relaxed);
            runtime.spawn(async move {
                // However it ends, it has ended.
                let _ = behave(socket, manner).await;
                open.fetch_sub(1, Relaxed);
            });
        }
        Self { _runtime: runtime, open }
    }

    /// Returns how many connections the other side has not ended yet.
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }
}

/// Lets this process, and those that it starts, have as many files open as the system permits.
pub fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Without it a large crowd fails with words of its own.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Connects from the n-th address of 127.1.0.0/16.
async fn connect(address: usize, to: SocketAddr) -> io::Result<TcpStream> {
    let [.., high, low] = (address + 1).to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 1, high, low)), 0))?;
    socket.connect(to).await
}

async fn behave(mut socket: TcpStream, manner: Manner) -> io::Result<()> {
    match manner {
        Manner::Silent => {}
        Manner::Drip => {
            for byte in HEADER.bytes() {
                socket.write_all(&[byte]).await?;
                if timeout(Duration::from_secs(10), ended(&mut socket)).await.is_ok() {
                    return Ok(());
                }
            }
        }
        Manner::HeaderOnly => socket.write_all(HEADER.as_bytes()).await?,
        Manner::HalfTls => {
            socket.write_all((HEADER.to_owned() + STARTTLS).as_bytes()).await?;
            sleep(Duration::from_millis(500)).await;
            // A record of 512 bytes that begins a ClientHello.
            socket.write_all(&[0x16, 3, 1, 2, 0, 1]).await?;
        }
        Manner::Deaf => {
            socket.write_all((HEADER.to_owned() + STARTTLS).as_bytes()).await?;
            sleep(Duration::from_secs(12)).await;
        }
    }
    ended(&mut socket).await
}

/// Reads to the end.
async fn ended(socket: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while socket.read(&mut buffer).await? > 0 {}
    Ok(())
}
