//! Everything that a configuration became: the one place where the control plane and the data plane meet.

pub mod chains;

use std::path::Path;
use std::sync::Arc;

use refrain_filter::{Chain, Direction, Engine, EngineOptions};
use refrain_proto::{Boundary, Side};

use crate::config::{Config, Mistakes};
use crate::net::dns::Resolver;
use crate::net::tls::Tls;
use chains::Built;

/// Built once from a [`Config`], then only read.
pub struct Snapshot {
    /// The configuration as meant.
    pub config: Config,
    /// Certificates and trust of both sides.
    pub tls: Arc<Tls>,
    /// Names to addresses, by the resolvers that the operator named.
    pub resolver: Resolver,
    /// Which domains are hosted, and so who may speak on which side.
    pub boundary: Arc<Boundary>,
    /// Judges what comes from the federated world.
    pub inbound: Arc<Chain>,
    /// Judges what comes from the protected servers.
    pub outbound: Arc<Chain>,
}

impl Snapshot {
    /// Reads a configuration file and builds all that it names: certificates, components, chains. Reports every mistake of every
    /// stage at once.
    pub fn load(path: &Path) -> Result<Snapshot, Mistakes> {
        let (config, mut mistakes) = Config::read(path)?;
        let tls = Tls::load(&config).map_err(|found| mistakes.extend(found)).ok();
        let resolver = Resolver::new(&config.outside)
            .map_err(|error| {
                let advice = "write resolver = [\"127.0.0.1:53\"]";
                mistakes.add(config.places.mistake("outside.resolver", error.to_string(), advice));
            })
            .ok();
        let chains = load_chains(&config).map_err(|found| mistakes.extend(found)).ok();
        match (tls, resolver, chains, mistakes.is_empty()) {
            (Some(tls), Some(resolver), Some(chains), true) => Ok(Snapshot {
                tls: Arc::new(tls),
                resolver,
                boundary: Arc::new(Boundary::new(config.domains.iter().map(|hosted| hosted.name.clone()))),
                inbound: chains.inbound,
                outbound: chains.outbound,
                config,
            }),
            _ => Err(mistakes),
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

/// The direction of a stanza that enters on `side`.
pub fn direction(side: Side) -> Direction {
    match side {
        Side::Outside => Direction::Inbound,
        Side::Inside => Direction::Outbound,
    }
}

fn load_chains(config: &Config) -> Result<Built, Mistakes> {
    let engine = Engine::new(EngineOptions::default()).map_err(|error| {
        let mut mistakes = Mistakes::default();
        mistakes.add(config.places.mistake("", format!("the sandbox cannot be set up: {error}"), ""));
        mistakes
    })?;
    chains::build(config, &engine)
}
