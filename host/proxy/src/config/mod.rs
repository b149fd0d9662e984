//! The configuration as meant: every value typed and within its bounds, every mistake reported at once.
//!
//! [`mod@file`] reads the TOML as written; one module per part of the file says what it means. Key by key:
//! `docs/configuration.md`.

mod access;
pub mod admin;
mod domains;
mod faults;
pub mod file;
mod files;
mod filters;
mod inside_dns;
mod limits;
mod lists;
mod mistake;
mod peers;
mod places;
mod relations;
pub mod schema;
mod settings_files;
mod sides;
mod staging;
mod state;
mod text_file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use access::Access;
pub use admin::Admin;
pub use domains::HostedDomain;
pub use filters::{Chains, ComponentSource, FilterConfig, WrittenLimits};
pub use inside_dns::InsideDns;
pub use limits::{AfterBreak, BURST_SECONDS, Limits, Rates};
pub use lists::{ENTRIES_MAX, Form, HttpsSource, ListConfig, ListConfigs, ListSource, Origin, PubsubSource};
pub use mistake::{Mistake, Mistakes};
pub use peers::{PeerPolicies, PeerPolicy};
pub use places::Places;
pub use relations::Relations;
pub use sides::{Dnssec, Inside, KeyPairFiles, Outside, ResolverSource, Roots};
pub use staging::Staging;
pub use state::State;

use file::{Findings, Section};
use refrain_proto::Domain;

/// What the operator wants.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the federated world meets us.
    pub outside: Outside,
    /// How the protected servers meet us.
    pub inside: Inside,
    /// The protected domains; the first one's certificate is shown to whoever asks for none of them.
    pub domains: Vec<HostedDomain>,
    /// What differs for some remote domains.
    pub peers: PeerPolicies,
    /// The filters of each direction.
    pub chains: Chains,
    /// What filters may look up, if they are granted it.
    pub lists: ListConfigs,
    /// The files of these lists.
    pub list_files: Vec<PathBuf>,
    /// Who may connect from outside.
    pub access: Access,
    /// Bounds.
    pub limits: Limits,
    /// How a running Refrain is asked and steered.
    pub admin: Admin,
    /// How changes of the chains are tried.
    pub staging: Staging,
    /// What outlives the process.
    pub state: State,
    /// What is remembered of who knows whom.
    pub relations: Relations,
    /// Where each key stands in the file, for the mistakes that only later stages can find.
    pub places: Places,
    /// What works, but was perhaps not meant.
    pub warnings: Mistakes,
    /// The first 12 hexadecimal digits of the SHA-256 of the file, and of all `settings-files` behind it: which text of it this is.
    pub digest: String,
}

impl Config {
    /// How fast a remote domain may send to us.
    pub fn rates_of(&self, domain: &Domain) -> Rates {
        self.peers.for_domain(domain).rates.over(self.limits.rates)
    }

    /// Reads the file; fails with every mistake in it.
    pub fn load(path: &Path) -> Result<Config, Mistakes> {
        let (config, mistakes) = Config::read(path)?;
        mistakes.or(config)
    }

    /// Reads the file. What could not be understood has a stand-in and a mistake, so that later stages can check the rest and
    /// report their mistakes together with these. Fails only when the file cannot be read or is not TOML.
    pub fn read(path: &Path) -> Result<(Config, Mistakes), Mistakes> {
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Config::parse(&text, path)
    }

    /// Like [`read`](Self::read), from the text of the file at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<(Config, Mistakes), Mistakes> {
        let (draft, findings) = file::parse(text, path, Draft::read)?;
        Ok(draft.finish(findings))
    }
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Mistakes {
    let mut mistakes = Mistakes::default();
    let advice = "write one; examples/refrain.toml is a start";
    mistakes.add(Places::new(path).mistake("", format!("cannot be read: {error}"), advice));
    mistakes
}

/// A [`Config`] that has no places yet: these are still in use by the readers.
struct Draft {
    outside: Outside,
    inside: Inside,
    domains: Vec<HostedDomain>,
    peers: PeerPolicies,
    chains: Chains,
    lists: (ListConfigs, Vec<PathBuf>),
    access: Access,
    limits: Limits,
    admin: Admin,
    staging: Staging,
    state: State,
    relations: Relations,
}

impl Draft {
    fn read(root: &Section<'_>) -> Self {
        root.knows(&[
            "outside",
            "inside",
            "domain",
            "peer",
            "chain",
            "filter",
            "list",
            "access",
            "limits",
            "admin",
            "staging",
            "state",
            "relations",
        ]);
        root.requires("outside", "write [outside] with listen and resolver");
        root.requires("inside", "write [inside] with listen and authority");
        root.requires("domain", "write one [[domain]] for each domain that is protected");
        let lists = lists::read(root);
        let draft = Draft {
            outside: root.section("outside").map_or_else(Outside::absent, |section| Outside::read(&section)),
            inside: root.section("inside").map_or_else(Inside::absent, |section| Inside::read(&section)),
            domains: domains::read(&root.sections("domain")),
            peers: PeerPolicies::read(&root.sections("peer")),
            chains: Chains::read(root, &lists.0),
            admin: root.section("admin").map_or_else(Admin::default, |section| Admin::read(&section)),
            access: root.section("access").map_or_else(Access::default, |section| Access::read(&section, &lists.0)),
            lists,
            limits: root.section("limits").map_or_else(Limits::default, |section| Limits::read(&section)),
            staging: root.section("staging").map_or_else(Staging::default, |section| Staging::read(&section)),
            state: root.section("state").map_or_else(State::default, |section| State::read(&section)),
            relations: root.section("relations").map_or_else(Relations::default, |section| Relations::read(&section)),
        };
        draft.check_across(root);
        draft
    }

    /// Checks what no part can check alone.
    fn check_across(&self, root: &Section<'_>) {
        if self.outside.resolver == ResolverSource::None && !self.peers.all_have_addresses() && root.has("outside") {
            let advice =
                "write resolver = [\"127.0.0.1:53\"] or \"system\", or describe every [[peer]] with its address";
            root.mistake("outside.resolver", "is missing, and some remote domain would have to be looked up", advice);
        }
        let shared = |one: &[SocketAddr], other: &[SocketAddr]| {
            one.iter().find(|address| address.port() != 0 && other.contains(address)).copied()
        };
        let (outside, inside) = (&self.outside, &self.inside);
        for (listen, key) in [(&outside.listen, "outside.listen"), (&outside.listen_tls, "outside.listen-tls")] {
            if let Some(shared) = shared(listen, &inside.listen) {
                let advice = "the two sides must not meet on one address";
                root.mistake("inside.listen", format!("{shared} is in {key} too"), advice);
            }
        }
        inside_dns::check(self, root);
        if let Some(shared) = shared(&outside.listen, &outside.listen_tls) {
            let advice = "STARTTLS and TLS at once need a port each: 5269 and 5270 are usual";
            root.mistake("outside.listen-tls", format!("{shared} is in outside.listen too"), advice);
        }
        if let Some(address) = self.peers.addresses().find(|address| self.is_own_listener(*address)) {
            let advice = "write where the remote server listens, not where Refrain does";
            root.mistake("peer", format!("the address {address} is Refrain itself"), advice);
        }
        for domain in self.domains.iter().filter(|domain| self.is_own_listener(domain.server)) {
            let advice = "write where the protected server listens, not where Refrain does";
            root.mistake(&format!("{}.server", domain.key), format!("{} is Refrain itself", domain.server), advice);
        }
    }

    fn is_own_listener(&self, address: SocketAddr) -> bool {
        [&self.outside.listen, &self.outside.listen_tls, &self.inside.listen].iter().any(|own| own.contains(&address))
    }

    fn finish(self, findings: Findings) -> (Config, Mistakes) {
        let mut digest = findings.digest();
        digest.truncate(12);
        let (places, mistakes, warnings) = findings.into_parts();
        let Draft {
            outside,
            inside,
            domains,
            peers,
            chains,
            lists: (lists, list_files),
            access,
            limits,
            admin,
            staging,
            state,
            relations,
        } = self;
        let config = Config {
            outside,
            inside,
            domains,
            peers,
            chains,
            lists,
            list_files,
            access,
            limits,
            admin,
            staging,
            state,
            relations,
            places,
            warnings,
            digest,
        };
        (config, mistakes)
    }
}

#[cfg(test)]
mod tests;
