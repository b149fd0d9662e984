//! Everything that a configuration became: the one place where the control plane and the data plane meet.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use refrain_filter::{BuildError, Chain, Component, Direction, Engine, EngineOptions, FilterSpec};
use refrain_proto::{Boundary, Side};

use crate::config::{ComponentSource, Config, FilterConfig, Mistake, Mistakes};
use crate::net::dns::Resolver;
use crate::net::tls::Tls;

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
        let chains = build_chains(&config).map_err(|found| mistakes.extend(found)).ok();
        match (tls, resolver, chains, mistakes.is_empty()) {
            (Some(tls), Some(resolver), Some((inbound, outbound)), true) => Ok(Snapshot {
                tls: Arc::new(tls),
                resolver,
                boundary: Arc::new(Boundary::new(config.domains.iter().map(|hosted| hosted.name.clone()))),
                inbound: Arc::new(inbound),
                outbound: Arc::new(outbound),
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

fn build_chains(config: &Config) -> Result<(Chain, Chain), Mistakes> {
    let mut mistakes = Mistakes::default();
    let engine = match Engine::new(EngineOptions::default()) {
        Ok(engine) => engine,
        Err(error) => {
            mistakes.add(config.places.mistake("", format!("the sandbox cannot be set up: {error}"), ""));
            return Err(mistakes);
        }
    };
    let mut components = Components { config, engine: &engine, loaded: HashMap::new() };
    let mut build = |direction, filters: &[FilterConfig]| {
        let specs: Vec<FilterSpec> =
            filters.iter().filter_map(|filter| components.spec(filter, &mut mistakes)).collect();
        // Built even when a component is missing, so that the settings of the others are checked too.
        Chain::build(&engine, direction, specs)
            .map_err(|errors| mistakes.extend(errors.into_iter().map(|error| located(config, error))))
            .ok()
    };
    let chains =
        (build(Direction::Inbound, &config.chains.inbound), build(Direction::Outbound, &config.chains.outbound));
    match (chains, mistakes.is_empty()) {
        ((Some(inbound), Some(outbound)), true) => Ok((inbound, outbound)),
        _ => Err(mistakes),
    }
}

/// Puts a filter's own complaint beside the key in the file that caused it.
fn located(config: &Config, error: BuildError) -> Mistake {
    let settings = format!("filter.{}.settings", error.filter);
    let key = if error.path.is_empty() { settings } else { format!("{settings}.{}", error.path) };
    config.places.mistake(&key, error.message, "")
}

/// Components by where they come from: a filter that stands in both chains is compiled once.
struct Components<'c> {
    config: &'c Config,
    engine: &'c Arc<Engine>,
    loaded: HashMap<ComponentSource, Option<Component>>,
}

impl Components<'_> {
    fn spec(&mut self, filter: &FilterConfig, mistakes: &mut Mistakes) -> Option<FilterSpec> {
        Some(FilterSpec {
            name: filter.name.clone(),
            component: self.component(filter, mistakes)?,
            settings: filter.settings.clone(),
            grants: filter.grants,
            limits: filter.limits.clone(),
            on_fault: filter.on_fault,
        })
    }

    fn component(&mut self, filter: &FilterConfig, mistakes: &mut Mistakes) -> Option<Component> {
        if let Some(known) = self.loaded.get(&filter.component) {
            return known.clone();
        }
        let loaded = self.load(filter).map_err(|mistake| mistakes.add(mistake)).ok();
        self.loaded.insert(filter.component.clone(), loaded.clone());
        loaded
    }

    fn load(&self, filter: &FilterConfig) -> Result<Component, Mistake> {
        let key = format!("filter.{}.component", filter.name);
        let mistake = |problem: String, advice: String| self.config.places.mistake(&key, problem, advice);
        let component = match &filter.component {
            ComponentSource::Builtin(name) => {
                let bytes = refrain_plugins::builtin(name).ok_or_else(|| {
                    mistake(
                        format!("there is no bundled filter \"{name}\""),
                        format!("bundled are {}", refrain_plugins::NAMES.join(", ")),
                    )
                })?;
                self.engine.load(&filter.name, bytes)
            }
            ComponentSource::Path(path) => {
                let bytes = std::fs::read(path)
                    .map_err(|error| mistake(format!("{}: {error}", path.display()), String::new()))?;
                self.engine.load(&filter.name, &bytes)
            }
        };
        component.map_err(|error| mistake(error.to_string(), String::new()))
    }
}
