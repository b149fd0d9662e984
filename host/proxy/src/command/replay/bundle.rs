//! Plays the stanza on which a filter failed: with the settings it had then, and the component that the configuration names now.

use std::fs;
use std::path::Path;

use refrain_filter::Direction;
use refrain_proto::Stanza;
use serde_json::{Value, json};

use super::contest::{Contestant, LoadError};
use super::name_of;
use crate::config::{Chains, Config, FilterConfig};
use crate::observe::faults::{FaultBundle, VERSION};
use crate::pipeline::judge::Circumstances;

/// A bundle has one stanza, of `stanza-bytes-max` at most, and the settings of one filter; a larger file is a corpus.
const BUNDLE_BYTES_MAX: u64 = 64 << 20;

/// A bundle that was played.
pub struct Played {
    bundle: FaultBundle,
    /// The component that was asked now.
    digest: String,
    /// How it fails now.
    fault: Option<String>,
    /// What the chain of this one filter said.
    verdict: String,
}

/// Why a bundle cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The configuration is wrong.
    #[error(transparent)]
    Configuration(#[from] LoadError),
    /// Nobody to ask.
    #[error("the bundle is of the filter \"{0}\", which stands in no chain of the configuration")]
    NoFilter(String),
    /// Another Refrain wrote it.
    #[error("version {0} of the format; this Refrain reads version {VERSION}")]
    OtherVersion(u32),
    /// It was changed by hand.
    #[error("\"stanza\": {0}")]
    NotAStanza(String),
}

/// Reads the file if it is a bundle.
pub fn read(path: &Path) -> Option<FaultBundle> {
    let small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= BUNDLE_BYTES_MAX);
    small.then(|| fs::read(path).ok()).flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// Asks the one filter again.
pub fn play(bundle: FaultBundle, path: &Path) -> Result<Played, BundleError> {
    if bundle.version != VERSION {
        return Err(BundleError::OtherVersion(bundle.version));
    }
    let stanza = Stanza::parse(&bundle.stanza).map_err(|defect| BundleError::NotAStanza(defect.to_string()))?;
    let (mut config, mistakes) = Config::read(path).map_err(LoadError::Mistakes)?;
    let filter = find(&config.chains, &bundle).ok_or_else(|| BundleError::NoFilter(bundle.filter.clone()))?;
    config.chains = alone(bundle.direction, filter);
    let mut contestant = Contestant::build(&config, mistakes, name_of(path))?;
    let circumstances = Circumstances { relation: bundle.relation, now_ms: bundle.now_ms };
    let verdict = contestant.judge(bundle.direction, &stanza, circumstances).judgement.to_string();
    let fault = contestant.fault(bundle.direction).map(|fault| fault.to_string());
    let digest = contestant.digests(bundle.direction).pop().unwrap_or_default();
    Ok(Played { bundle, digest, fault, verdict })
}

fn find(chains: &Chains, bundle: &FaultBundle) -> Option<FilterConfig> {
    let (first, second) = match bundle.direction {
        Direction::Inbound => (&chains.inbound, &chains.outbound),
        Direction::Outbound => (&chains.outbound, &chains.inbound),
    };
    let found = first.iter().chain(second).find(|filter| filter.name == bundle.filter)?;
    Some(FilterConfig { settings: bundle.settings.clone(), ..found.clone() })
}

fn alone(direction: Direction, filter: FilterConfig) -> Chains {
    match direction {
        Direction::Inbound => Chains { inbound: vec![filter], outbound: Vec::new() },
        Direction::Outbound => Chains { inbound: Vec::new(), outbound: vec![filter] },
    }
}

impl Played {
    /// Whether the filter fails still.
    pub fn fails(&self) -> bool {
        self.fault.is_some()
    }

    /// The report as text.
    pub fn text(&self) -> String {
        let FaultBundle { filter, digest, fault, id, .. } = &self.bundle;
        let now = match &self.fault {
            Some(fault) => format!("fails: it {fault}"),
            None => format!("does not fail: {}", self.verdict),
        };
        let same = if *digest == self.digest { "the same component" } else { "another component" };
        format!(
            "then  {filter} ({}), stanza {id}: it {fault}\nnow   {filter} ({}, {same}) {now}",
            short(digest),
            short(&self.digest)
        )
    }

    /// The report as one JSON object.
    pub fn json(&self) -> Value {
        json!({
            "filter": self.bundle.filter,
            "then": { "digest": self.bundle.digest, "fault": self.bundle.fault },
            "now": { "digest": self.digest, "fault": self.fault, "verdict": self.verdict },
        })
    }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
