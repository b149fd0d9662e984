//! From a domain to the addresses of its server (RFC 6120 §3.2): SRV by priority and weight, else A and AAAA on port 5269.
//!
//! The only door to the resolver.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver as Hickory, TokioResolver};
use refrain_proto::Domain;
use tokio::time::timeout;

use super::address;
use super::srv;
use crate::config::{Outside, ResolverSource};

/// Where a server listens that says nothing else (RFC 6120 §3.2.2).
const DEFAULT_PORT: u16 = 5269;
/// Targets asked for their addresses, and addresses taken of each: a zone must not make us work through thousands.
const TARGETS_MAX: usize = 8;
const ADDRESSES_MAX: usize = 8;
/// All questions about one domain together.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
/// One question to one resolver; with one repetition it fits well into the above.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// A zone may not keep a mistake of its own in our memory for longer than a retry takes (backoff ends at 300 s).
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(300);

/// Why a domain has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// RFC 2782: the only target is the root; the domain says that it has no such server.
    #[error("the domain says that it has no XMPP server (SRV target \".\")")]
    ServiceAbsent,
    /// No SRV, no address, or none that we may connect to.
    #[error("the domain has no address")]
    NotFound,
    /// The question could not be answered now.
    #[error("the domain cannot be resolved: {0}")]
    Failed(String),
}

/// Asks the resolvers that the operator named.
pub struct Resolver {
    hickory: Option<TokioResolver>,
    private_addresses: bool,
}

impl Resolver {
    /// Prepares the resolver; it asks nothing yet. Fails when the operating system's resolvers cannot be read.
    pub fn new(outside: &Outside) -> Result<Resolver, ResolveError> {
        Resolver::with_timeout(outside, QUERY_TIMEOUT)
    }

    fn with_timeout(outside: &Outside, query_timeout: Duration) -> Result<Resolver, ResolveError> {
        let hickory = match &outside.resolver {
            ResolverSource::None => None,
            ResolverSource::System => {
                let mut builder = TokioResolver::builder_tokio().map_err(|error| failed(&error))?;
                set(builder.options_mut(), query_timeout);
                Some(builder.build().map_err(|error| failed(&error))?)
            }
            ResolverSource::Servers(servers) => {
                let servers = servers.iter().map(|server| name_server(*server)).collect();
                let config = ResolverConfig::from_name_servers(servers);
                let mut builder = Hickory::builder_with_config(config, TokioRuntimeProvider::default());
                set(builder.options_mut(), query_timeout);
                // The operator named who answers; /etc/hosts is not among them.
                builder.options_mut().use_hosts_file = ResolveHosts::Never;
                Some(builder.build().map_err(|error| failed(&error))?)
            }
        };
        Ok(Resolver { hickory, private_addresses: outside.private_addresses })
    }

    /// Where to connect for `domain`, in the order to try.
    pub async fn targets(&self, domain: &Domain) -> Result<Vec<SocketAddr>, ResolveError> {
        let Some(hickory) = &self.hickory else { return Err(ResolveError::NotFound) };
        if domain.is_ip_literal() {
            return Err(ResolveError::NotFound);
        }
        let lookup = async {
            match services(hickory, domain).await? {
                Some(targets) => self.addresses_of_targets(hickory, targets).await,
                None => self.addresses(hickory, &name(&domain.to_ascii())?, DEFAULT_PORT).await,
            }
        };
        let addresses = timeout(LOOKUP_TIMEOUT, lookup).await;
        let addresses = addresses.map_err(|_| ResolveError::Failed("no answer in time".to_owned()))??;
        if addresses.is_empty() { Err(ResolveError::NotFound) } else { Ok(addresses) }
    }

    /// All that can be resolved; an error only when nothing can and some question failed.
    async fn addresses_of_targets(
        &self,
        hickory: &TokioResolver,
        targets: Vec<SRV>,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut addresses = Vec::new();
        let mut failure = None;
        for target in srv::ordered(targets, srv::draw).into_iter().take(TARGETS_MAX) {
            match self.addresses(hickory, &target.target, target.port).await {
                Ok(found) => addresses.extend(found),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if addresses.is_empty() => Err(error),
            _ => Ok(addresses),
        }
    }

    async fn addresses(
        &self,
        hickory: &TokioResolver,
        host: &Name,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let (six, four) =
            tokio::join!(hickory.lookup(host.clone(), RecordType::AAAA), hickory.lookup(host.clone(), RecordType::A));
        let (six, four) = (records(six, ip_of), records(four, ip_of));
        let (six, four) = match (six, four) {
            (Err(error), Err(_)) => return Err(error),
            // One family that cannot be asked must not hide the other.
            (six, four) => (six.unwrap_or_default(), four.unwrap_or_default()),
        };
        let found = address::interleaved(six, four).into_iter().map(|ip| SocketAddr::new(ip, port));
        let (allowed, refused): (Vec<_>, Vec<_>) =
            found.partition(|address| self.private_addresses || address::is_public(*address));
        if allowed.is_empty() && !refused.is_empty() {
            tracing::warn!(%host, ?refused, "DNS leads to special addresses only (outside.private-addresses would allow them)");
        }
        Ok(allowed.into_iter().take(ADDRESSES_MAX).collect())
    }
}

/// The SRV records of the server-to-server service; `None` when there are none, so that the domain itself is the target.
async fn services(hickory: &TokioResolver, domain: &Domain) -> Result<Option<Vec<SRV>>, ResolveError> {
    let service = name(&format!("_xmpp-server._tcp.{}", domain.to_ascii()))?;
    let targets = records(hickory.lookup(service, RecordType::SRV).await, srv_of)?;
    match targets.as_slice() {
        [] => Ok(None),
        [only] if only.target.is_root() => Err(ResolveError::ServiceAbsent),
        _ => Ok(Some(targets.into_iter().filter(|target| !target.target.is_root()).collect())),
    }
}

/// The answers of one kind; none when the name or the kind does not exist. A SERVFAIL is an error: what a broken or forged zone
/// hides must not be replaced by a guess (RFC 6120 §3.2.1, s2s §1.7).
fn records<T>(
    answer: Result<hickory_resolver::lookup::Lookup, NetError>,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Vec<T>, ResolveError> {
    match answer {
        Ok(lookup) => Ok(lookup.answers().iter().filter_map(|record| pick(&record.data)).collect()),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
        Err(error) => Err(failed(&error)),
    }
}

fn srv_of(data: &RData) -> Option<SRV> {
    match data {
        RData::SRV(srv) => Some(srv.clone()),
        _ => None,
    }
}

fn ip_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    }
}

/// An absolute name: no search list may turn one domain into another.
fn name(ascii: &str) -> Result<Name, ResolveError> {
    let mut name = Name::from_ascii(ascii).map_err(|_| ResolveError::NotFound)?;
    name.set_fqdn(true);
    Ok(name)
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn set(options: &mut ResolverOpts, query_timeout: Duration) {
    options.timeout = query_timeout;
    options.attempts = 1;
    options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
}

fn failed(error: &NetError) -> ResolveError {
    ResolveError::Failed(error.to_string())
}

#[cfg(test)]
mod tests;
