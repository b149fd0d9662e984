//! The trip of a stanza, in order: [`listen`] → [`receive`] → [`judge`] → [`route`] → [`send`]; [`verify`] is the side-street
//! of a dialback question, [`ping`] that of an operator's.

pub mod backoff;
pub mod evidence;
pub mod judge;
pub mod listen;
pub mod ping;
pub mod receive;
pub mod route;
pub mod send;
pub mod shown;
pub mod tap;
pub mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use refrain_proto::Side;
use refrain_proto::auth::DialbackSecret;
use refrain_proto::stream::StreamIds;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::Permits;
use crate::limits::meters::Meters;
use crate::lists::pubsub::door::Door;
use crate::net::reach::OwnDoors;
use crate::observe::audit::Audit;
use crate::observe::continuity::Continuity;
use crate::observe::counters::{Counters, NameQuestions, Streams};
use crate::observe::dials::Dials;
use crate::observe::faults::FaultStore;
use crate::observe::refusals::Refusals;
use crate::observe::seldom::Lines;
use crate::relations::Relations;
use crate::snapshot::Snapshot;
use ping::Pings;
use route::Routes;
use shown::ShownKeys;
use tap::Taps;
use verify::Questions;

/// What all connections of one run share.
pub struct Gateway {
    /// What the configuration became; a reload puts another in its place.
    live: ArcSwap<Snapshot>,
    /// The newest generation that went live.
    generations: AtomicU64,
    /// The sender for each domain pair.
    pub routes: Routes,
    /// Pings of ours that wait for an answer.
    pub pings: Pings,
    /// Lists that services publish.
    pub block_lists: Door,
    /// The streams on which our dialback keys were shown.
    pub shown_keys: ShownKeys,
    /// What became of every stanza.
    pub counters: Counters,
    /// What came of the search for servers.
    pub dials: Dials,
    /// The streams that are open now.
    pub streams: Streams,
    /// What the protected servers asked our name server.
    pub names: Arc<NameQuestions>,
    /// What remote domains proved themselves with.
    pub continuity: Arc<Continuity>,
    /// Who knows whom.
    pub relations: Relations,
    /// Who decided what, and why.
    pub audit: Audit,
    /// Copies of stanzas for whoever looks on.
    pub taps: Taps,
    /// Stanzas on which a filter failed.
    pub faults: FaultStore,
    /// How many connections may be open.
    pub permits: Permits,
    /// Where no connection of ours may lead.
    pub own_doors: OwnDoors,
    /// How much each remote domain sends.
    pub meters: Meters,
    /// What was refused.
    pub refusals: Refusals,
    /// Lines of the log that must not become a flood.
    pub lines: Lines,
    /// Dialback questions that may be under way at once.
    pub questions: Questions,
    /// Stream ids that nobody can guess (RFC 6120 §4.7.3).
    pub ids: StreamIds,
    /// The keys of XEP-0185, one secret per side: what is proven outside means nothing inside.
    secrets: Secrets,
    /// Receiving streams, then sending streams, are asked to end: in this order, so that nothing accepted is stranded.
    pub ending: Ending,
}

/// The two stages of a drain.
#[derive(Default)]
pub struct Ending {
    /// No new stanzas: listeners and receiving streams close.
    pub receiving: CancellationToken,
    /// No more will be routed: senders empty their queues and close.
    pub sending: CancellationToken,
    /// Tasks of the first stage.
    pub receivers: TaskTracker,
    /// Tasks of the second.
    pub senders: TaskTracker,
}

/// The dialback secrets of both sides, and another.
pub struct Secrets {
    /// Towards the federated world.
    pub outside: Arc<DialbackSecret>,
    /// Towards the protected servers.
    pub inside: Arc<DialbackSecret>,
    /// Of the hashes that stand for who knows whom.
    pub relations: [u8; 16],
}

impl Gateway {
    /// Joins what a run needs.
    pub fn new(mut snapshot: Snapshot, ids: StreamIds, secrets: Secrets, audit: Audit) -> Arc<Self> {
        (snapshot.generation, snapshot.live_since) = (1, SystemTime::now());
        Arc::new(Gateway {
            live: ArcSwap::from_pointee(snapshot),
            generations: AtomicU64::new(1),
            routes: Routes::default(),
            pings: Pings::default(),
            block_lists: Door::default(),
            shown_keys: ShownKeys::default(),
            counters: Counters::default(),
            dials: Dials::default(),
            streams: Streams::default(),
            names: Arc::default(),
            continuity: Arc::default(),
            relations: Relations::new(secrets.relations),
            audit,
            taps: Taps::default(),
            faults: FaultStore::default(),
            permits: Permits::default(),
            own_doors: OwnDoors::default(),
            meters: Meters::default(),
            refusals: Refusals::default(),
            lines: Lines::default(),
            questions: Questions::default(),
            ids,
            secrets,
            ending: Ending::default(),
        })
    }

    /// The generation that is live at this moment. Whoever looks twice may see two: one piece of work takes it once and keeps it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.live.load_full()
    }

    /// Makes this the generation that new batches and new connections see, in one step; returns the one before it. Open streams
    /// stay.
    pub fn go_live(&self, mut snapshot: Snapshot) -> Arc<Snapshot> {
        snapshot.generation = self.generations.fetch_add(1, Relaxed) + 1;
        snapshot.live_since = SystemTime::now();
        self.live.swap(Arc::new(snapshot))
    }

    /// The secret by which keys of one side are made and checked.
    pub fn secret(&self, side: Side) -> &Arc<DialbackSecret> {
        match side {
            Side::Outside => &self.secrets.outside,
            Side::Inside => &self.secrets.inside,
        }
    }
}
