//! The receiving end: a server for the hosted domain that counts stanzas and, when asked, notes how long each was under way.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use memchr::memmem::Finder;

use super::{
    stanza::{departure, now},
    stream,
    tls::{self, CHUNK_BYTES, Credentials},
};
use crate::process::must;

const STANZA_END: &[u8] = b"</message>";
const STREAM_END: &[u8] = b"</stream:stream>";

/// A listening sink; its threads end with the process.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    tally: Arc<Tally>,
}

/// What the threads of the sink share.
#[derive(Debug, Default)]
struct Tally {
    received: AtomicU64,
    timing: AtomicBool,
    latencies: Mutex<Vec<u64>>,
}

impl Sink {
    /// Accepts streams on a free loopback port.
    ///
    /// # Panics
    /// When there is none.
    pub fn start(credentials: Credentials) -> Self {
        let listener = must("sink", TcpListener::bind(("127.0.0.1", 0)));
        let address = must("sink's address", listener.local_addr());
        let tally = Arc::new(Tally::default());
        let shared = tally.clone();
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (credentials, tally) = (credentials.clone(), shared.clone());
                thread::spawn(move || {
                    if let Err(error) = receive(socket, &credentials, &tally) {
                        eprintln!("sink: {error}");
                    }
                });
            }
        });
        Self { address, tally }
    }

    /// Returns where the sink listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many stanzas have come since the start.
    pub fn received(&self) -> u64 {
        self.tally.received.load(Relaxed)
    }

    /// Notes from now on how long each stanza was under way.
    pub fn start_timing(&self) {
        self.tally.latencies().clear();
        self.tally.timing.store(true, Relaxed);
    }

    /// Returns the times under way, in nanoseconds, in no order.
    pub fn stop_timing(&self) -> Vec<u64> {
        self.tally.timing.store(false, Relaxed);
        std::mem::take(&mut *self.tally.latencies())
    }
}

impl Tally {
    fn latencies(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the complete stanzas in `plaintext` and returns where the rest starts.
    fn count(&self, plaintext: &[u8], end: &Finder<'_>) -> usize {
        let arrival = now();
        let timing = self.timing.load(Relaxed);
        let (mut taken, mut stanzas) = (0, 0);
        for found in end.find_iter(plaintext) {
            let next = found + STANZA_END.len();
            if timing && let Some(departure) = departure(&plaintext[taken..next]) {
                self.latencies().push(arrival.saturating_sub(departure));
            }
            (taken, stanzas) = (next, stanzas + 1);
        }
        self.received.fetch_add(stanzas, Relaxed);
        taken
    }
}

fn receive(socket: TcpStream, credentials: &Credentials, tally: &Tally) -> io::Result<()> {
    let mut stream = stream::accept(tls::configured(socket)?, credentials)?;
    tls::wait_for_ever(&stream.socket)?;
    let end = Finder::new(STANZA_END);
    let mut received = vec![0; CHUNK_BYTES];
    let mut plaintext = Vec::with_capacity(2 * CHUNK_BYTES);
    while stream.read(&mut received, &mut plaintext)? {
        let taken = tally.count(&plaintext, &end);
        plaintext.drain(..taken);
        if plaintext.ends_with(STREAM_END) {
            return stream.close();
        }
    }
    Ok(())
}
