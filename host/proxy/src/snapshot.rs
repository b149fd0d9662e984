//! Everything that a configuration became: the one place where the control plane and the data plane meet.

pub mod chains;
pub mod roster;
mod self_test;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use refrain_filter::{Chain, Direction, Engine, EngineOptions, Lists, Shared};
use refrain_proto::{Boundary, Side};

use crate::config::{Config, Mistakes};
use crate::lists::Board;
use crate::lists::board::Purpose;
use crate::net::dns::Resolver;
use crate::net::tls::Tls;
use roster::Roster;

/// Built once from a [`Config`], then only read.
pub struct Snapshot {
    /// Its number among those that went live in this process, from 1; 0 before it does.
    pub generation: u64,
    /// The configuration as meant.
    pub config: Config,
    /// Certificates and trust of both sides.
    pub tls: Arc<Tls>,
    /// Names to addresses, by the resolvers that the operator named.
    pub resolver: Arc<Resolver>,
    /// Which domains are hosted, and so who may speak on which side.
    pub boundary: Arc<Boundary>,
    /// Judges what comes from the federated world.
    pub inbound: Arc<Chain>,
    /// Judges what comes from the protected servers.
    pub outbound: Arc<Chain>,
    /// What the sources of lists offered; all generations have the same.
    pub board: Arc<Board>,
    /// The lists of this generation.
    pub lists: Lists,
    /// Since when it is live.
    pub live_since: SystemTime,
    rosters: [Arc<Roster>; 2],
}

impl Snapshot {
    /// Reads a configuration file and builds all that it names: certificates, components, chains. Reports every mistake of every
    /// stage at once. Compiles on the calling thread, which may take seconds.
    pub fn load(path: &Path, engine: &Arc<Engine>) -> Result<Snapshot, Mistakes> {
        let (config, mistakes) = Config::read(path)?;
        let lists = Attached::new(&Board::new(config.state.directory.as_deref()), &config, Purpose::Live);
        Snapshot::build_in(config, mistakes, engine, engine.shared(), lists)
    }

    /// Like [`load`](Self::load), to take the place of what runs now: what cannot change before a restart is a mistake, too.
    pub fn load_beside(running: &Snapshot, path: &Path, engine: &Arc<Engine>) -> Result<Snapshot, Mistakes> {
        let (config, mut mistakes) = Config::read(path)?;
        mistakes.extend(config.needs_restart_after(&running.config));
        let lists = Attached::new(&running.board, &config, Purpose::Live);
        Snapshot::build_in(config, mistakes, engine, engine.shared(), lists)
    }

    /// Builds all that a configuration names, with the mistakes that were found before. A candidate that must leave no trace in
    /// what its filters share with the live ones gets a `shared` of its own.
    pub fn build_in(
        mut config: Config,
        mut mistakes: Mistakes,
        engine: &Arc<Engine>,
        shared: &Arc<Shared>,
        Attached { board, lists }: Attached,
    ) -> Result<Snapshot, Mistakes> {
        let tls = Tls::load(&config).map_err(|found| mistakes.extend(found)).ok();
        let resolver = Resolver::new(&config.outside)
            .map_err(|error| {
                let (key, advice) = error.advice();
                mistakes.add(config.places.mistake(key, error.to_string(), advice));
            })
            .ok();
        let chains = chains::build(&config, &lists, engine, shared).map_err(|found| mistakes.extend(found)).ok();
        config.warnings.extend(chains.as_ref().and_then(|chains| chains::untold(&config, chains)));
        match (tls, resolver, chains, mistakes.is_empty()) {
            (Some(tls), Some(resolver), Some(chains), true) => Ok(Snapshot {
                generation: 0,
                tls: Arc::new(tls),
                resolver: Arc::new(resolver),
                boundary: Arc::new(Boundary::new(config.domains.iter().map(|hosted| hosted.name.clone()))),
                rosters: [Roster::of(&chains.inbound), Roster::of(&chains.outbound)],
                live_since: SystemTime::now(),
                inbound: chains.inbound,
                outbound: chains.outbound,
                board,
                lists,
                config,
            }),
            _ => Err(mistakes),
        }
    }

    /// The same once more, to go live again: what is in it is shared, not built again.
    pub fn again(&self) -> Snapshot {
        Snapshot {
            generation: self.generation,
            config: self.config.clone(),
            tls: self.tls.clone(),
            resolver: self.resolver.clone(),
            boundary: self.boundary.clone(),
            inbound: self.inbound.clone(),
            outbound: self.outbound.clone(),
            board: self.board.clone(),
            lists: self.lists.clone(),
            live_since: self.live_since,
            rosters: self.rosters.clone(),
        }
    }

    /// Who is in the chain of a direction.
    pub fn roster(&self, direction: Direction) -> &Arc<Roster> {
        let [inbound, outbound] = &self.rosters;
        match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
    }

    /// The chain for stanzas that enter on `side`.
    pub fn chain(&self, side: Side) -> &Arc<Chain> {
        match direction(side) {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }
}

/// The lists of a configuration, and the board that keeps them alive.
pub struct Attached {
    board: Arc<Board>,
    lists: Lists,
}

impl Attached {
    /// Makes the lists of what the board knows.
    pub fn new(board: &Arc<Board>, config: &Config, purpose: Purpose) -> Self {
        Attached { board: board.clone(), lists: board.attach(&config.lists, purpose) }
    }
}

/// The direction of a stanza that enters on `side`.
pub fn direction(side: Side) -> Direction {
    match side {
        Side::Outside => Direction::Inbound,
        Side::Inside => Direction::Outbound,
    }
}

/// Two chains of eight filters in two generations.
const INSTANCES_PER_THREAD: u32 = 32;
/// Each reserves 4 GiB of addresses, of which there are 128 TiB.
const INSTANCES_MAX: u32 = 4_096;

/// The one engine of the process, which all its snapshots share: compiled filters and their state outlive a reload in it.
pub fn engine() -> Result<Arc<Engine>, EngineError> {
    // Instances are per worker thread; a machine with many needs more than the default, which serves eight.
    let threads = std::thread::available_parallelism().map_or(8, NonZeroUsize::get);
    let instances = u32::try_from(threads).unwrap_or(u32::MAX).saturating_mul(INSTANCES_PER_THREAD);
    let default = EngineOptions::default();
    let instances_max = instances.clamp(default.instances_max, INSTANCES_MAX);
    Engine::new(EngineOptions { instances_max, ..default }).map_err(|error| EngineError(format!("{error:#}")))
}

/// The system does not let us have a sandbox.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up: {0}")]
pub struct EngineError(String);
