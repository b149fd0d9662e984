//! What a crowd of strangers costs the proxy, and what honest peers feel of it: the same measurement without the crowd and with
//! it, in one run.

use std::{
    fmt, io, thread,
    time::{Duration, Instant},
};

use super::{
    sink::Sink,
    source::{self, Source},
    strangers::{Strangers, allow_open_files},
    subject::{Certificates, Subject},
};
use crate::{authority::Authority, process::wait_until};

/// Threat T38.
pub const STRANGERS: usize = 2_000;

/// What one address may have without a proof by default: the crowd is as large as the limits permit.
const PER_ADDRESS: usize = 20;

/// Long enough for figures, short enough for the first deadline (10 s) not to have come for any stranger.
const WINDOW: Duration = Duration::from_secs(4);

/// Stanzas a second over the stream that is open all the time.
const PACE: u32 = 200;

/// Between the streams that are opened in a window.
const OPENING_PAUSE: Duration = Duration::from_millis(200);

/// 10 s for the step at which a stranger stops, 12 s for the deaf to listen, 5 s for the peer's half of a stream.
const CUT_OFF_DEADLINE: Duration = Duration::from_secs(40);

/// The proxy without filters, between remote servers of the harness and a sink.
#[derive(Debug)]
pub struct Scene {
    /// The hosted server.
    pub sink: Sink,
    /// The proxy.
    pub subject: Subject,
    /// Who shows what.
    pub certificates: Certificates,
}

impl Scene {
    /// Starts it; `rest` is configuration.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(rest: &str) -> Self {
        allow_open_files();
        let (certificates, inside) = (Certificates::new(), Authority::new("Inside test authority"));
        let sink = Sink::start(certificates.sink(&inside));
        let subject = Subject::refrain(sink.address(), &certificates, inside, rest);
        Self { sink, subject, certificates }
    }

    /// Opens the stream of the n-th remote domain.
    ///
    /// # Errors
    /// When the proxy does not take it.
    pub fn open(&self, number: usize) -> io::Result<Source> {
        Source::open(number, self.subject.address, &self.certificates.source(), self.subject.start)
    }

    /// Opens streams one after the other while another carries stanzas at a steady rate.
    fn watch(&self, steady: &mut Source, first: usize) -> io::Result<Times> {
        self.sink.start_timing();
        let openings = thread::scope(|scope| {
            let pacing = scope.spawn(|| source::pace(std::slice::from_mut(steady), PACE, WINDOW));
            let begun = Instant::now();
            let mut openings = Vec::new();
            while begun.elapsed() < WINDOW {
                let asked = Instant::now();
                drop(self.open(first + openings.len())?);
                openings.push(asked.elapsed());
                thread::sleep(OPENING_PAUSE);
            }
            pacing.join().map_err(|_| io::Error::other("the source panicked"))??;
            io::Result::Ok(openings)
        })?;
        let stanzas = self.sink.stop_timing().into_iter().map(Duration::from_nanos).collect();
        Ok(Times { openings: Sorted::of(openings), stanzas: Sorted::of(stanzas) })
    }
}

/// What honest peers felt in one window.
#[derive(Clone, Debug)]
pub struct Times {
    /// From connecting to a stream on which stanzas may be sent.
    pub openings: Sorted,
    /// From one end to the other.
    pub stanzas: Sorted,
}

/// Times in order.
#[derive(Clone, Debug)]
pub struct Sorted(Vec<Duration>);

impl Sorted {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that this share of them did not exceed; 1.0 is the longest.
    pub fn quantile(&self, share: f64) -> Duration {
        let index = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(index.max(1) - 1).copied().unwrap_or_default()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// One run.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Before the crowd came.
    pub without: Times,
    /// While it was there.
    pub with: Times,
    /// How many were there at the end of that window.
    pub crowd: usize,
    /// How long it took until the last of them was cut off, since the first had come.
    pub cut_off: Duration,
    /// Resident memory before, with, and after the crowd.
    pub resident: [u64; 3],
    /// Processor time that the crowd cost from its arrival to its end, honest peers included.
    pub cpu: Duration,
}

/// Measures it.
///
/// # Errors
/// When an honest peer is not served.
///
/// # Panics
/// When the proxy does not start, or does not cut a stranger off in time.
pub fn measure() -> io::Result<Figures> {
    let scene = Scene::start("");
    let mut steady = scene.open(0)?;
    let resident = || scene.subject.resident_bytes().unwrap_or_default();
    let cpu = || scene.subject.cpu_time().unwrap_or_default();
    let without = scene.watch(&mut steady, 1)?;
    let (before, cpu_before, arrival) = (resident(), cpu(), Instant::now());
    let strangers = Strangers::crowd(scene.subject.address, STRANGERS, PER_ADDRESS);
    let with = scene.watch(&mut steady, 1_000)?;
    let (during, crowd) = (resident(), strangers.open());
    assert!(wait_until(CUT_OFF_DEADLINE, || strangers.open() == 0), "{} strangers are still there", strangers.open());
    let cut_off = arrival.elapsed();
    steady.send()?;
    let figures =
        Figures { without, with, crowd, cut_off, resident: [before, during, resident()], cpu: cpu() - cpu_before };
    drop(steady);
    scene.subject.stop();
    Ok(figures)
}

/// The table of `docs/security.md`.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { without, with, crowd, cut_off, resident: [before, during, after], cpu } = self;
        let mib = |bytes: &u64| *bytes as f64 / f64::from(1 << 20);
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        writeln!(f, "| | without strangers | with {crowd} | after them |")?;
        writeln!(f, "|---|---|---|---|")?;
        writeln!(f, "| resident memory, MiB | {:.1} | {:.1} | {:.1} |", mib(before), mib(during), mib(after))?;
        let each = during.saturating_sub(*before) / (*crowd).max(1) as u64;
        writeln!(f, "| bytes for each stranger | – | {each} | – |")?;
        for (what, share) in [("half of them at most", 0.5), ("the slowest", 1.0)] {
            let (without, with) = (without.openings.quantile(share), with.openings.quantile(share));
            writeln!(f, "| opening a stream, {what}, ms | {:.1} | {:.1} | – |", ms(without), ms(with))?;
        }
        for (what, share) in [("half of them at most", 0.5), ("99 of 100 at most", 0.99), ("the slowest", 1.0)] {
            let (without, with) = (without.stanzas.quantile(share), with.stanzas.quantile(share));
            writeln!(f, "| a stanza under way, {what}, ms | {:.2} | {:.2} | – |", ms(without), ms(with))?;
        }
        writeln!(
            f,
            "\n{} and {} streams opened, {} and {} stanzas at {PACE} a second; the last stranger was cut off after {:.1} s; \
             {:.2} s of processor time from its coming to its end.",
            without.openings.count(),
            with.openings.count(),
            without.stanzas.count(),
            with.stanzas.count(),
            cut_off.as_secs_f64(),
            cpu.as_secs_f64(),
        )
    }
}
