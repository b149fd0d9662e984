//! One protected server as the configuration describes it.

use std::net::SocketAddr;
use std::path::PathBuf;

use refrain_proto::Domain;

use crate::config::{Config, HostedDomain, InsideDns, ResolverSource};

/// One protected server, and what it has to know of us.
#[derive(Debug)]
pub(super) struct Site<'c> {
    /// Where it must listen for us.
    pub(super) server: SocketAddr,
    /// What it hosts.
    pub(super) domains: Vec<&'c HostedDomain>,
    /// Where it reaches us as any remote domain.
    pub(super) gateway: SocketAddr,
    /// Who tells it so.
    pub(super) dns: Option<&'c InsideDns>,
    /// Our authority, by its full path.
    pub(super) authority: PathBuf,
    /// Whether we ask the operating system's resolvers.
    pub(super) asks_system: bool,
    config: &'c Config,
}

/// The protected servers, or the one of `domain`.
pub(super) fn sites<'c>(config: &'c Config, domain: Option<&Domain>) -> Result<Vec<Site<'c>>, String> {
    let mut sites: Vec<Site<'c>> = Vec::new();
    for hosted in &config.domains {
        match sites.iter_mut().find(|site| site.server == hosted.server) {
            Some(site) => site.domains.push(hosted),
            None => sites.push(Site::new(config, hosted)?),
        }
    }
    if let Some(domain) = domain {
        sites.retain(|site| site.domains.iter().any(|hosted| hosted.name == *domain));
        if sites.is_empty() {
            return Err(format!("{domain} is in no [[domain]] of {}", config.places.file().display()));
        }
    }
    Ok(sites)
}

impl<'c> Site<'c> {
    fn new(config: &'c Config, hosted: &'c HostedDomain) -> Result<Site<'c>, String> {
        let authority = &config.inside.authority.certificate;
        Ok(Site {
            server: hosted.server,
            domains: vec![hosted],
            gateway: gateway(config)?,
            dns: config.inside.dns.as_ref(),
            authority: std::path::absolute(authority).unwrap_or_else(|_| authority.clone()),
            asks_system: config.outside.resolver == ResolverSource::System,
            config,
        })
    }

    /// Its page's title.
    pub(super) fn title(&self, kind: &str) -> String {
        format!("{kind} at {}, for {}", self.server, self.names(", "))
    }

    /// What it hosts, in one line.
    pub(super) fn names(&self, between: &str) -> String {
        self.domains.iter().map(|hosted| hosted.name.to_ascii().into_owned()).collect::<Vec<_>>().join(between)
    }

    /// The name server, or what to write to have one.
    pub(super) fn names_server(&self) -> Result<&'c InsideDns, String> {
        let place = || {
            let file = self.config.places.file().display();
            format!(
                "{file}: [inside.dns] is missing, and this server finds other servers by DNS alone; write\n    \
                 [inside.dns]\n    listen = \"127.0.0.1:15353\"\nand ask again"
            )
        };
        self.dns.ok_or_else(place)
    }

    /// Whether we ask it by dialback who it is, for some of its domains.
    pub(super) fn is_asked_by_dialback(&self) -> bool {
        self.domains.iter().any(|hosted| hosted.server_certificate.is_none())
    }
}

/// Where the protected servers find us: as the name server says, or at the first listener.
fn gateway(config: &Config) -> Result<SocketAddr, String> {
    let Some(listen) = config.inside.listen.first() else { return Err("inside.listen names no address".to_owned()) };
    let ip = config.inside.dns.as_ref().and_then(|dns| dns.address.first().copied()).unwrap_or(listen.ip());
    Ok(SocketAddr::new(ip, listen.port()))
}
