//! How much each remote domain sends, over all its streams, and for how long a stream is to hold back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use refrain_proto::Domain;

use super::pace::{Pace, Rate};
use crate::config::{BURST_SECONDS, Config, Rates};
use crate::observe::refusals::Refusal;

/// Domains that are remembered though they have no stream. Past it those that were silent for a burst go: a meter is 200 bytes.
const METERS_MAX: usize = 65_536;
/// Looking for those takes milliseconds.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// Domains whose meters one stream keeps at hand.
const LANES_MAX: usize = 64;

/// The meters of all remote domains.
#[derive(Default)]
pub struct Meters {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_domain: HashMap<Domain, Arc<Meter>>,
    swept: Option<Instant>,
}

/// What one domain has sent.
struct Meter(Mutex<Paces>);

struct Paces {
    stanzas: Pace,
    bytes: Pace,
}

impl Meters {
    fn of(&self, domain: &Domain, now: Instant) -> Arc<Meter> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = known.by_domain.get(domain) {
            return meter.clone();
        }
        let meter = Arc::new(Meter(Mutex::new(Paces { stanzas: Pace::new(now), bytes: Pace::new(now) })));
        known.make_room(now);
        // Where so many are on open streams, the stream has a meter for itself.
        if known.by_domain.len() < METERS_MAX {
            known.by_domain.insert(domain.clone(), meter.clone());
        }
        meter
    }
}

impl Known {
    fn make_room(&mut self, now: Instant) {
        let tired = self.swept.is_some_and(|at| now.saturating_duration_since(at) < SWEEP_PAUSE);
        if self.by_domain.len() >= METERS_MAX && !tired {
            self.by_domain.retain(|_, meter| Arc::strong_count(meter) > 1 || !meter.is_rested(now));
            self.swept = Some(now);
        }
    }
}

impl Meter {
    fn take(&self, stanzas: u64, bytes: u64, rates: Rates, now: Instant) -> (Duration, Refusal) {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let for_stanzas = paces.stanzas.take(stanzas, rate(rates.stanzas_per_second), now);
        let for_bytes = paces.bytes.take(bytes, rate(rates.bytes_per_second), now);
        (for_stanzas, Refusal::StanzaRate).max((for_bytes, Refusal::ByteRate))
    }

    fn is_rested(&self, now: Instant) -> bool {
        let paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paces.stanzas.is_rested(now) && paces.bytes.is_rested(now)
    }
}

fn rate(per_second: u32) -> Rate {
    let per_second = f64::from(per_second);
    Rate::new(per_second, per_second * f64::from(BURST_SECONDS))
}

/// What one stream took in since it last settled, by sending domain.
#[derive(Default)]
pub struct Dues {
    lanes: Vec<Lane>,
    last: usize,
}

struct Lane {
    domain: Domain,
    meter: Arc<Meter>,
    stanzas: u64,
    bytes: u64,
    /// It has something to settle; a domain that was just proven has, for others of its streams may have taken too much.
    open: bool,
}

impl Dues {
    /// Notes that the stream speaks for a domain.
    pub fn note_domain(&mut self, meters: &Meters, domain: &str) {
        if let Some(lane) = self.lane(meters, domain) {
            lane.open = true;
        }
    }

    /// Notes a stanza from a domain.
    pub fn note_stanza(&mut self, meters: &Meters, domain: &str) {
        if let Some(lane) = self.lane(meters, domain) {
            lane.stanzas += 1;
            lane.open = true;
        }
    }

    /// Whether there is something to settle.
    pub fn is_open(&self) -> bool {
        self.lanes.iter().any(|lane| lane.open)
    }

    /// Settles what was noted, and `bytes` besides, which are those of the domain that spoke last. Returns for how long, and by
    /// which rate, the stream shall take no more.
    pub fn settle(&mut self, bytes: u64, config: &Config, now: Instant) -> Option<(Duration, Refusal)> {
        if let Some(last) = self.lanes.get_mut(self.last).filter(|_| bytes > 0) {
            last.bytes += bytes;
            last.open = true;
        }
        let open = self.lanes.iter_mut().filter(|lane| lane.open);
        let longest = open.map(|lane| {
            lane.open = false;
            let (stanzas, bytes) = (std::mem::take(&mut lane.stanzas), std::mem::take(&mut lane.bytes));
            lane.meter.take(stanzas, bytes, config.rates_of(&lane.domain), now)
        });
        let longest = longest.max().filter(|(pause, _)| !pause.is_zero());
        if self.lanes.len() > LANES_MAX {
            self.lanes.swap(0, self.last);
            self.lanes.truncate(1);
            self.last = 0;
        }
        longest
    }

    fn lane(&mut self, meters: &Meters, domain: &str) -> Option<&mut Lane> {
        let fits = |lane: &Lane| lane.domain.as_str() == domain;
        if !self.lanes.get(self.last).is_some_and(fits) {
            self.last = match self.lanes.iter().position(fits) {
                Some(index) => index,
                None => {
                    let domain = Domain::parse(domain).ok()?;
                    let meter = meters.of(&domain, Instant::now());
                    self.lanes.push(Lane { domain, meter, stanzas: 0, bytes: 0, open: false });
                    self.lanes.len() - 1
                }
            };
        }
        self.lanes.get_mut(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates { stanzas_per_second: 10, bytes_per_second: 10_000 };

    #[test]
    fn all_streams_of_a_domain_share_its_rate_and_others_do_not_feel_it() {
        let (meters, now) = (Meters::default(), Instant::now());
        let of = |name: &str| meters.of(&Domain::parse(name).unwrap(), now);
        assert_eq!(of("a.example").take(100, 0, RATES, now).0, Duration::ZERO);
        let (pause, by) = of("a.example").take(50, 0, RATES, now);
        assert_eq!((pause, by), (Duration::from_secs(5), Refusal::StanzaRate));
        assert_eq!(of("b.example").take(100, 0, RATES, now).0, Duration::ZERO);
        let (pause, by) = of("b.example").take(0, 130_000, RATES, now);
        assert_eq!((pause, by), (Duration::from_secs(3), Refusal::ByteRate));
    }

    #[test]
    fn a_flood_of_domains_is_bounded_and_forgets_the_silent() {
        let (meters, now) = (Meters::default(), Instant::now());
        let spent = Domain::parse("spent.example").unwrap();
        meters.of(&spent, now).take(100, 0, RATES, now);
        for n in 0..METERS_MAX + 1_000 {
            meters.of(&Domain::parse(&format!("d{n}.example")).unwrap(), now);
        }
        assert!(meters.known.lock().unwrap().by_domain.len() <= METERS_MAX);
        assert!(!meters.of(&spent, now).take(10, 0, RATES, now).0.is_zero());
    }
}
