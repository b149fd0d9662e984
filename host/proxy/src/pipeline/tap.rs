//! Copies of stanzas for whoever looks on: a shadow that judges them too, a recording. The data plane never waits for either.
//!
//! receive → **tap** → `control::{shadow, record}`

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwap;
use refrain_filter::{Decision, Direction, Outcome};
use refrain_proto::Stanza;
use tokio::sync::mpsc;

use crate::observe::judgement::Judgement;
use crate::observe::trace::TraceId;
use crate::pipeline::judge::Circumstances;

/// Copies that wait for one onlooker.
const QUEUE_STANZAS_MAX: usize = 4_096;
/// Their bytes as received; in memory they take some two times as much.
const QUEUE_BYTES_MAX: usize = 16 << 20;

/// A stanza as it was before the live chain saw it, and what the live chain decided.
#[derive(Debug, Clone)]
pub struct Copied {
    /// Untouched by any filter.
    pub stanza: Stanza,
    /// What else the live chain was told.
    pub told: Told,
    /// What the live chain decided.
    pub judgement: Judgement,
    /// Tells apart what would leave.
    pub result: Fingerprint,
    /// Time spent in the live chain.
    pub took: Duration,
}

/// What is known of a stanza besides itself and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Which way it crossed.
    pub direction: Direction,
    /// When, and between whom.
    pub circumstances: Circumstances,
    /// The id under which the log may know it.
    pub id: TraceId,
}

/// A number that is the same for what leaves alike: an edited stanza, or the error or message that answers one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Of what a decision makes of a stanza; what goes on as it came, or goes nowhere, is told by the verdict alone.
    pub fn of(decision: &Decision, stanza: &Stanza) -> Self {
        let mut hasher = DefaultHasher::new();
        match &decision.outcome {
            Outcome::Forward if decision.edited => stanza.to_xml().hash(&mut hasher),
            Outcome::Bounce(error) => {
                (error.condition.as_str(), error.error_type.as_str(), &error.text).hash(&mut hasher);
            }
            Outcome::Reply(payload) => payload.to_xml().hash(&mut hasher),
            Outcome::Forward | Outcome::Drop | Outcome::CloseStream { .. } => return Fingerprint::default(),
        }
        Fingerprint(hasher.finish())
    }
}

impl Copied {
    /// Of a stanza as it was, and what the live chain made of it.
    pub fn of(stanza: Stanza, told: Told, decision: &Decision, left: &Stanza, took: Duration) -> Self {
        let (judgement, result) = (Judgement::of(decision), Fingerprint::of(decision, left));
        Copied { stanza, told, judgement, result, took }
    }
}

/// The taps of one gateway.
#[derive(Default)]
pub struct Taps {
    /// Asked per stanza; the list is not, while there is nobody in it.
    any: AtomicBool,
    open: ArcSwap<Vec<Arc<Outlet>>>,
}

/// A copy that was made before the stanza was judged, and who wants it.
pub struct Copy {
    /// Untouched by any filter.
    pub stanza: Stanza,
    outlets: Vec<Arc<Outlet>>,
}

/// Where copies go in.
pub struct Outlet {
    percent: u64,
    seen: AtomicU64,
    skipped: AtomicU64,
    queue: mpsc::Sender<Copied>,
    bytes: Arc<AtomicUsize>,
}

/// Where they come out.
pub struct Inlet {
    queue: mpsc::Receiver<Copied>,
    bytes: Arc<AtomicUsize>,
}

impl Taps {
    /// Opens a tap for `percent` of the stanzas; it runs until [`close`](Self::close).
    pub fn open(&self, percent: u64) -> (Arc<Outlet>, Inlet) {
        let (queue, receiver) = mpsc::channel(QUEUE_STANZAS_MAX);
        let bytes = Arc::new(AtomicUsize::new(0));
        let (seen, skipped) = (AtomicU64::new(0), AtomicU64::new(0));
        let outlet = Arc::new(Outlet { percent, seen, skipped, queue, bytes: bytes.clone() });
        self.open.rcu(|open| open.iter().cloned().chain([outlet.clone()]).collect::<Vec<_>>());
        self.any.store(true, Relaxed);
        (outlet, Inlet { queue: receiver, bytes })
    }

    /// Closes it. Copies that are under way still arrive.
    pub fn close(&self, outlet: &Arc<Outlet>) {
        let keep = |open: &Arc<Vec<Arc<Outlet>>>| {
            open.iter().filter(|other| !Arc::ptr_eq(other, outlet)).cloned().collect::<Vec<_>>()
        };
        self.open.rcu(keep);
        self.any.store(!self.open.load().is_empty(), Relaxed);
    }

    /// Copies a stanza if somebody wants it and has room for it.
    #[inline]
    pub fn copy(&self, stanza: &Stanza) -> Option<Copy> {
        if self.any.load(Relaxed) { self.copy_for(stanza) } else { None }
    }

    #[cold]
    fn copy_for(&self, stanza: &Stanza) -> Option<Copy> {
        let open = self.open.load();
        let outlets: Vec<_> = open.iter().filter(|outlet| outlet.wants(stanza.size() as usize)).cloned().collect();
        if outlets.is_empty() { None } else { Some(Copy { stanza: stanza.clone(), outlets }) }
    }
}

impl Copy {
    /// Gives it to those who wanted it, with what became of the stanza.
    pub fn give(self, judged: impl FnOnce(Stanza) -> Copied) {
        let copied = judged(self.stanza);
        let (last, others) = match self.outlets.split_last() {
            Some(split) => split,
            None => return,
        };
        for outlet in others {
            outlet.put(copied.clone());
        }
        last.put(copied);
    }
}

impl Outlet {
    /// How many stanzas were looked at.
    pub fn seen(&self) -> u64 {
        self.seen.load(Relaxed)
    }

    /// How many were to be copied and found no room.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Relaxed)
    }

    fn wants(&self, bytes: usize) -> bool {
        let number = self.seen.fetch_add(1, Relaxed);
        if !is_sampled(number, self.percent) {
            return false;
        }
        let room = self.queue.capacity() > 0 && self.bytes.load(Relaxed) + bytes <= QUEUE_BYTES_MAX;
        if !room {
            self.skipped.fetch_add(1, Relaxed);
        }
        room
    }

    fn put(&self, copied: Copied) {
        let bytes = copied.stanza.size() as usize;
        self.bytes.fetch_add(bytes, Relaxed);
        if self.queue.try_send(copied).is_err() {
            self.bytes.fetch_sub(bytes, Relaxed);
            self.skipped.fetch_add(1, Relaxed);
        }
    }
}

/// Spreads the samples evenly: of a hundred stanzas in a row it takes `percent`.
fn is_sampled(number: u64, percent: u64) -> bool {
    let place = number % 100;
    (place + 1) * percent / 100 > place * percent / 100
}

impl Inlet {
    /// Waits for the next copy, on a thread of one's own; `None` when the tap was closed.
    pub fn wait(&mut self) -> Option<Copied> {
        let copied = self.queue.blocking_recv();
        self.leave(copied)
    }

    /// Takes a copy that is there already.
    pub fn take(&mut self) -> Option<Copied> {
        let copied = self.queue.try_recv().ok();
        self.leave(copied)
    }

    fn leave(&self, copied: Option<Copied>) -> Option<Copied> {
        let copied = copied?;
        self.bytes.fetch_sub(copied.stanza.size() as usize, Relaxed);
        Some(copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::audit::Ruling;

    fn stanza() -> Stanza {
        Stanza::parse("<message from='a@x.example' to='b@y.example'><body>hi</body></message>").unwrap()
    }

    fn copied(stanza: Stanza) -> Copied {
        Copied {
            stanza,
            told: Told {
                direction: Direction::Inbound,
                circumstances: Circumstances { relation: None, now_ms: 0 },
                id: TraceId::next(),
            },
            judgement: Judgement { verdict: Ruling::Forward, filter: None, reason: None },
            result: Fingerprint::default(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn nothing_is_copied_while_nobody_looks_on() {
        let taps = Taps::default();
        assert!(taps.copy(&stanza()).is_none());
        let (outlet, _inlet) = taps.open(100);
        assert!(taps.copy(&stanza()).is_some());
        taps.close(&outlet);
        assert!(taps.copy(&stanza()).is_none());
    }

    #[test]
    fn everyone_who_looks_on_gets_a_copy() {
        let taps = Taps::default();
        let (_, mut one) = taps.open(100);
        let (_, mut two) = taps.open(100);
        taps.copy(&stanza()).unwrap().give(copied);
        assert!(one.take().is_some() && two.take().is_some());
        assert!(one.take().is_none() && two.take().is_none());
    }

    #[test]
    fn a_sample_is_spread_evenly() {
        for percent in [1, 10, 50, 99, 100] {
            assert_eq!((0..1_000).filter(|number| is_sampled(*number, percent)).count() as u64, percent * 10);
        }
        assert_eq!((0..10).filter(|number| is_sampled(*number, 10)).count(), 1);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_not_waited_for() {
        let taps = Taps::default();
        let (outlet, mut inlet) = taps.open(100);
        for _ in 0..QUEUE_STANZAS_MAX + 3 {
            if let Some(copy) = taps.copy(&stanza()) {
                copy.give(copied);
            }
        }
        assert_eq!((outlet.seen(), outlet.skipped()), (QUEUE_STANZAS_MAX as u64 + 3, 3));
        assert!(inlet.take().is_some());
        assert!(taps.copy(&stanza()).is_some(), "there is room again");
    }

    #[test]
    fn bytes_are_bounded_too() {
        let taps = Taps::default();
        let (outlet, mut inlet) = taps.open(100);
        outlet.bytes.store(QUEUE_BYTES_MAX, Relaxed);
        assert!(taps.copy(&stanza()).is_none());
        outlet.bytes.store(0, Relaxed);
        taps.copy(&stanza()).unwrap().give(copied);
        assert_eq!(outlet.bytes.load(Relaxed), stanza().size() as usize);
        inlet.take();
        assert_eq!(outlet.bytes.load(Relaxed), 0);
    }
}
