//! One run: every variant under the same loads, one after the other.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::{
    affinity::Cores,
    report::{Figures, Latency, Peak},
    sink::Sink,
    source::{self, Records, Source},
    subject::{Certificates, Subject, Variant},
};
use crate::{authority::Authority, process::wait_until};

/// Streams that carry the load.
const STREAMS: usize = 4;

/// Streams of the larger memory measurement.
const IDLE_STREAMS: usize = 100;

/// Caches warm, buffers grown.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long a peak is measured.
const PEAK: Duration = Duration::from_secs(4);

/// How long a steady rate is measured: 6,000 stanzas at the lower one.
const PACED: Duration = Duration::from_secs(6);

/// What was sent must have arrived by then; a thing under test with a long queue needs some of it.
const ARRIVAL_DEADLINE: Duration = Duration::from_secs(20);

/// Measures one variant.
///
/// # Errors
/// When a stream breaks or a stanza does not arrive.
pub fn measure(variant: Variant, cores: Option<&Cores>) -> io::Result<Figures> {
    let certificates = Certificates::new();
    let (resident_one, resident_many) = memory(variant, &certificates, cores)?;
    let mut bench = Bench::start(variant, &certificates, cores);
    let mut sources = bench.open(0..STREAMS)?;
    let full = bench.peak(&mut sources, Records::Full)?;
    let one_each = bench.peak(&mut sources, Records::OneEach)?;
    let at_1000 = bench.latency(&mut sources, 1_000)?;
    let at_5000 = bench.latency(&mut sources, 5_000)?;
    let sent = bench.sent;
    drop(sources);
    let lost = bench.subject.stop().map(|account| sent.saturating_sub(account.forwarded));
    Ok(Figures { variant: variant.name(), full, one_each, at_1000, at_5000, resident_one, resident_many, sent, lost })
}

/// Resident bytes with one idle stream and with many, each of which has carried one stanza.
fn memory(
    variant: Variant,
    certificates: &Certificates,
    cores: Option<&Cores>,
) -> io::Result<(Option<u64>, Option<u64>)> {
    let mut bench = Bench::start(variant, certificates, cores);
    let _first = bench.open(0..1)?;
    let one = bench.subject.resident_bytes();
    let _others = bench.open(1..IDLE_STREAMS)?;
    Ok((one, bench.subject.resident_bytes()))
}

struct Bench {
    sink: Sink,
    subject: Subject,
    source: super::tls::Credentials,
    sent: u64,
}

impl Bench {
    fn start(variant: Variant, certificates: &Certificates, cores: Option<&Cores>) -> Self {
        let inside = Authority::new("Inside test authority");
        let sink = Sink::start(certificates.sink(&inside));
        let subject = Subject::start(variant, sink.address(), certificates, inside, cores);
        Self { sink, subject, source: certificates.source(), sent: 0 }
    }

    /// Opens streams and sends one stanza on each, so that the other half of its way is open, too.
    fn open(&mut self, numbers: std::ops::Range<usize>) -> io::Result<Vec<Source>> {
        let mut sources = Vec::with_capacity(numbers.len());
        for number in numbers {
            let mut source = Source::open(number, self.subject.address, &self.source, self.subject.start)?;
            source.send()?;
            self.sent += 1;
            self.await_arrival()?;
            sources.push(source);
        }
        Ok(sources)
    }

    fn await_arrival(&self) -> io::Result<()> {
        let arrived = wait_until(ARRIVAL_DEADLINE, || self.sink.received() >= self.sent);
        let received = self.sink.received();
        if arrived && received == self.sent {
            return Ok(());
        }
        Err(io::Error::other(format!("{} stanzas were sent, {received} arrived", self.sent)))
    }

    fn peak(&mut self, sources: &mut [Source], records: Records) -> io::Result<Peak> {
        let (sink, subject) = (&self.sink, &self.subject);
        let (sent, peak) = source::flood(sources, records, || {
            thread::sleep(WARM_UP);
            Reading::take(sink, subject).until(PEAK, || Reading::take(sink, subject))
        })?;
        self.sent += sent;
        self.await_arrival()?;
        Ok(peak)
    }

    fn latency(&mut self, sources: &mut [Source], per_second: u32) -> io::Result<Latency> {
        self.sent += source::pace(sources, per_second, WARM_UP)?;
        self.await_arrival()?;
        self.sink.start_timing();
        let before = Reading::take(&self.sink, &self.subject);
        self.sent += source::pace(sources, per_second, PACED)?;
        self.await_arrival()?;
        let cost = before.cost(&Reading::take(&self.sink, &self.subject));
        Ok(Latency::of(self.sink.stop_timing(), cost.cpu_micros))
    }
}

/// The counters at one moment.
struct Reading {
    at: Instant,
    received: u64,
    cpu: Option<Duration>,
}

impl Reading {
    fn take(sink: &Sink, subject: &Subject) -> Self {
        Self { at: Instant::now(), received: sink.received(), cpu: subject.cpu_time() }
    }

    fn until(self, duration: Duration, take: impl FnOnce() -> Self) -> Peak {
        thread::sleep(duration);
        self.cost(&take())
    }

    fn cost(&self, later: &Self) -> Peak {
        let stanzas = (later.received - self.received) as f64;
        let cpu = later.cpu.zip(self.cpu).map(|(later, earlier)| later.saturating_sub(earlier));
        Peak {
            per_second: stanzas / (later.at - self.at).as_secs_f64(),
            cpu_micros: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / stanzas),
        }
    }
}
