//! The sending end: remote servers with one stream each, as fast as they can or at a steady rate.

use std::{
    io::{self, Write},
    net::SocketAddr,
    num::NonZeroU64,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use rustix::thread::set_current_timer_slack;
use rustls::ClientConnection;

use super::{
    stanza::{HOME, STANZA_BYTES, Template, now, peer},
    stream::{self, Open, Start},
    tls::{self, CHUNK_BYTES, Credentials},
};

/// How stanzas are laid into TLS records at full speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// As many stanzas in a record, and as many records in a write, as fit: a server with a queue.
    Full,
    /// One stanza a record and a write: what most real servers do.
    OneEach,
}

/// One remote server's stream.
#[derive(Debug)]
pub struct Source {
    stream: Open<ClientConnection>,
    template: Template,
    records: Vec<u8>,
}

impl Source {
    /// Opens the stream of the n-th remote domain.
    ///
    /// # Errors
    /// When the other side does not take it.
    pub fn open(number: usize, to: SocketAddr, credentials: &Credentials, start: Start) -> io::Result<Self> {
        let from = peer(number);
        let stream = stream::initiate(tls::connect(to)?, credentials, (&from, HOME), start)?;
        Ok(Self { stream, template: Template::new(&from), records: Vec::new() })
    }

    /// Sends one stanza, its departure noted in it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send(&mut self) -> io::Result<()> {
        let stanza = self.template.departing(now());
        self.records.clear();
        tls::encrypt(&mut self.stream.tls, stanza, &mut self.records)?;
        self.stream.socket.write_all(&self.records)
    }

    fn send_all(&mut self, stanzas: &[u8]) -> io::Result<()> {
        self.records.clear();
        tls::encrypt(&mut self.stream.tls, stanzas, &mut self.records)?;
        self.stream.socket.write_all(&self.records)
    }

    fn flood(&mut self, records: Records, stop: &AtomicBool, sent: &AtomicU64) -> io::Result<()> {
        let count = match records {
            Records::Full => CHUNK_BYTES / STANZA_BYTES,
            Records::OneEach => 1,
        };
        let stanzas = self.template.repeated(count);
        while !stop.load(Relaxed) {
            self.send_all(&stanzas)?;
            sent.fetch_add(count as u64, Relaxed);
        }
        Ok(())
    }
}

/// Sends on all streams at full speed while `meanwhile` measures, and returns how many stanzas were sent, and its result.
///
/// # Errors
/// When a connection breaks.
pub fn flood<T>(sources: &mut [Source], records: Records, meanwhile: impl FnOnce() -> T) -> io::Result<(u64, T)> {
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let measured = thread::scope(|scope| {
        let threads: Vec<_> =
            sources.iter_mut().map(|source| scope.spawn(|| source.flood(records, &stop, &sent))).collect();
        let measured = meanwhile();
        stop.store(true, Relaxed);
        for thread in threads {
            thread.join().map_err(|_| io::Error::other("a source panicked"))??;
        }
        io::Result::Ok(measured)
    })?;
    Ok((sent.load(Relaxed), measured))
}

/// Sends on the streams in turn, `per_second` in all, and returns how many stanzas were sent.
///
/// # Errors
/// When a connection breaks.
pub fn pace(sources: &mut [Source], per_second: u32, duration: Duration) -> io::Result<u64> {
    // Without this the kernel wakes a sleeper up to 50 µs late to save power.
    let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
    let interval = Duration::from_secs(1) / per_second;
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < duration {
        let source = sent as usize % sources.len();
        sources[source].send()?;
        sent += 1;
        let next = start + interval * sent;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(u64::from(sent))
}
