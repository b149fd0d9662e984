//! Finds the sender for a pair and hands it what one wake-up let through, in one chunk.
//!
//! judge → **route** → send

mod chunk;
mod room;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use refrain_proto::{Domain, DomainPair, Stanza, StanzaCondition, StanzaError};
use tokio::sync::mpsc;

pub use chunk::{Chunk, Load, Origin};
pub use room::{Everywhere, Room};

use super::{Gateway, send};
use crate::observe::counters::Ending;
use chunk::for_each_stanza;

/// On each side: a pair costs a task and a connection, and far fewer are open at any real server. Strangers who prove thousands of
/// domains fill the side that leads inside and never the one by which the protected servers write.
const ROUTES_MAX: usize = 10_000;
/// Looking through all of them for those that have ended is not for every stanza of a flood.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// A stream's lanes are kept for the next wake-up; past this many the idle ones go.
const LANES_MAX: usize = 64;

/// The way to one sender task.
#[derive(Clone)]
pub struct RouteHandle {
    queue: mpsc::UnboundedSender<Chunk>,
    room: Arc<Room>,
}

enum Refused {
    Full(Chunk),
    Ended(Chunk),
}

impl RouteHandle {
    async fn offer(&self, chunk: Chunk) -> Result<(), Refused> {
        if self.queue.is_closed() {
            return Err(Refused::Ended(chunk));
        }
        if !self.room.enter(chunk.load()).await {
            return Err(Refused::Full(chunk));
        }
        self.send(chunk)
    }

    /// Like `offer`, without waiting.
    fn offer_now(&self, chunk: Chunk) -> Result<(), Refused> {
        if !self.room.try_enter(chunk.load()) {
            return Err(Refused::Full(chunk));
        }
        self.send(chunk)
    }

    /// Sends what has room already; the room of what comes too late is given back.
    fn send(&self, chunk: Chunk) -> Result<(), Refused> {
        self.queue.send(chunk).map_err(|refused| {
            self.room.leave(refused.0.load());
            Refused::Ended(refused.0)
        })
    }
}

/// The senders of this run, by pair. Looked up once per stream and pair, not per stanza.
#[derive(Default)]
pub struct Routes {
    inwards: Mutex<Table>,
    outwards: Mutex<Table>,
    everywhere: Arc<Everywhere>,
}

/// The senders towards one side.
#[derive(Default)]
struct Table {
    handles: HashMap<DomainPair, RouteHandle>,
    swept: Option<Instant>,
}

impl Table {
    /// The sender for the pair, if it has not ended.
    fn find(&self, pair: &DomainPair) -> Option<&RouteHandle> {
        self.handles.get(pair).filter(|handle| !handle.queue.is_closed())
    }

    /// Whether there is room for one more; forgets those that have ended, if need be and if it is time to.
    fn has_room(&mut self, now: Instant) -> bool {
        let is_due = self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP_PAUSE);
        if self.handles.len() >= ROUTES_MAX && is_due {
            self.swept = Some(now);
            self.handles.retain(|_, handle| !handle.queue.is_closed());
        }
        self.handles.len() < ROUTES_MAX
    }
}

impl Routes {
    /// Whether a sender for the pair exists: only then can a dialback question about the pair be genuine (XEP-0220 §2.2.2).
    pub fn knows(&self, pair: &DomainPair) -> bool {
        [&self.inwards, &self.outwards].into_iter().any(|table| lock(table).find(pair).is_some())
    }

    /// Accepted stanzas that are in a queue, or were written and are not acknowledged.
    pub fn waiting(&self) -> u64 {
        self.everywhere.relayed()
    }

    /// The sender for the pair; starts one if there is none. `None` when there are too many.
    fn open(&self, gateway: &Arc<Gateway>, pair: &DomainPair) -> Option<RouteHandle> {
        let snapshot = gateway.snapshot();
        let mut table = lock(if snapshot.boundary.is_hosted(&pair.to) { &self.inwards } else { &self.outwards });
        if let Some(handle) = table.find(pair) {
            return Some(handle.clone());
        }
        if !table.has_room(Instant::now()) {
            return None;
        }
        let (queue, incoming) = mpsc::unbounded_channel();
        let room = Room::new(&snapshot.config.limits, self.everywhere.clone());
        let handle = RouteHandle { queue, room: Arc::new(room) };
        table.handles.insert(pair.clone(), handle.clone());
        gateway.ending.senders.spawn(send::run(gateway.clone(), pair.clone(), incoming, handle.room.clone()));
        Some(handle)
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one receiving stream is about to send, gathered per pair until the wake-up ends.
#[derive(Default)]
pub struct Outgoing {
    lanes: Vec<Lane>,
    last: usize,
}

struct Lane {
    pair: DomainPair,
    handle: Option<RouteHandle>,
    relayed: Chunk,
    replies: Chunk,
}

impl Outgoing {
    /// Adds a stanza that the chain let through.
    pub fn relay(&mut self, stanza: &Stanza) {
        if let Some(lane) = self.lane(stanza) {
            lane.relayed.push(stanza);
        }
    }

    /// Adds a stanza error of our own.
    pub fn reply(&mut self, stanza: &Stanza) {
        if let Some(lane) = self.lane(stanza) {
            lane.replies.push(stanza);
        }
    }

    /// Hands every chunk to its sender: first those for which there is room, then those that have to wait for it (threat T48).
    pub async fn flush(&mut self, gateway: &Arc<Gateway>) {
        for lane in &mut self.lanes {
            lane.hand_over_now();
        }
        for lane in &mut self.lanes {
            for chunk in [&mut lane.relayed, &mut lane.replies] {
                if chunk.stanzas > 0 {
                    let chunk = std::mem::replace(chunk, Chunk::new(chunk.origin));
                    deliver(gateway, &lane.pair, &mut lane.handle, chunk).await;
                }
            }
        }
        if self.lanes.len() > LANES_MAX {
            self.lanes.clear();
        }
    }

    fn lane(&mut self, stanza: &Stanza) -> Option<&mut Lane> {
        let (from, to) = (stanza.from().domain(), stanza.to().domain());
        let fits = |lane: &Lane| lane.pair.from.as_str() == from && lane.pair.to.as_str() == to;
        if !self.lanes.get(self.last).is_some_and(fits) {
            self.last = match self.lanes.iter().position(fits) {
                Some(index) => index,
                None => {
                    let pair = DomainPair { from: Domain::parse(from).ok()?, to: Domain::parse(to).ok()? };
                    let (relayed, replies) = (Chunk::new(Origin::Relayed), Chunk::new(Origin::Reply));
                    self.lanes.push(Lane { pair, handle: None, relayed, replies });
                    self.lanes.len() - 1
                }
            };
        }
        self.lanes.get_mut(self.last)
    }
}

impl Lane {
    /// Hands over what a sender that is known to run has room for at once.
    fn hand_over_now(&mut self) {
        let Some(handle) = self.handle.as_ref().filter(|handle| !handle.queue.is_closed()) else { return };
        for chunk in [&mut self.relayed, &mut self.replies] {
            if chunk.stanzas == 0 {
                continue;
            }
            let whole = std::mem::replace(chunk, Chunk::new(chunk.origin));
            if let Err(Refused::Full(back) | Refused::Ended(back)) = handle.offer_now(whole) {
                *chunk = back;
                return;
            }
        }
    }
}

/// Hands one chunk to the pair's sender, or bounces it: in either case it is accounted for.
pub async fn deliver(gateway: &Arc<Gateway>, pair: &DomainPair, cached: &mut Option<RouteHandle>, mut chunk: Chunk) {
    // A cached sender may just have ended for idleness; a fresh one cannot have, so two rounds suffice.
    for _ in 0..2 {
        let Some(handle) = cached.take().or_else(|| gateway.routes.open(gateway, pair)) else { break };
        match handle.offer(chunk).await {
            Ok(()) => {
                *cached = Some(handle);
                return;
            }
            Err(Refused::Ended(back)) => chunk = back,
            Err(Refused::Full(back)) => {
                *cached = Some(handle);
                chunk = back;
                break;
            }
        }
    }
    bounce(gateway, chunk, &StanzaError::new(StanzaCondition::ResourceConstraint));
}

/// Returns undeliverable stanzas to their senders with an error (RFC 6120 §10.4.3). Never waits: an error that finds no room
/// is not worth holding anything back for.
pub fn bounce(gateway: &Arc<Gateway>, chunk: Chunk, error: &StanzaError) {
    if chunk.origin == Origin::Reply {
        tracing::debug!(stanzas = chunk.stanzas, "undeliverable stanza errors discarded");
        return;
    }
    let mut replies = Chunk::new(Origin::Reply);
    let mut back: Option<DomainPair> = None;
    for_each_stanza(&chunk, |stanza| {
        if let Some(reply) = stanza.error_reply(error) {
            replies.push(&reply);
            if back.is_none() {
                back = pair_of(&reply);
            }
        }
    });
    let (bounced, all) = (u64::from(replies.stanzas), u64::from(chunk.stanzas));
    gateway.counters.end(Ending::Bounced, bounced);
    gateway.counters.end(Ending::Dropped, all - bounced);
    if let Some(stanzas) = gateway.lines.returned.add(all, Instant::now()) {
        tracing::info!(stanzas, last = error.condition.as_str(), "undeliverable stanzas returned");
    }
    let Some(handle) = back.and_then(|pair| gateway.routes.open(gateway, &pair)) else { return };
    if handle.offer_now(replies).is_err() {
        tracing::debug!(bounced, "stanza errors discarded: no room towards their receiver");
    }
}

fn pair_of(stanza: &Stanza) -> Option<DomainPair> {
    let from = Domain::parse(stanza.from().domain()).ok()?;
    let to = Domain::parse(stanza.to().domain()).ok()?;
    Some(DomainPair { from, to })
}
