//! The resolver as the configuration wants it: who is asked, what is validated, how long an answer is kept.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::dnssec::TrustAnchors;
use hickory_resolver::{ResolverBuilder, TokioResolver};

use super::{Failures, Resolver};
use crate::config::{Dnssec, Outside, ResolverSource};

/// One question to one resolver; with one repetition it fits well into the time for a lookup.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// A server that moved is found again within the hour, whatever its zone said.
const POSITIVE_TTL_MAX: Duration = Duration::from_secs(3_600);
/// A zone may not keep a mistake of its own in our memory for longer than a retry takes (backoff ends at 300 s).
const NEGATIVE_TTL_MAX: Duration = Duration::from_secs(300);
/// An answer of "none" that says nothing of its time is not asked for with every stanza either.
const NEGATIVE_TTL_MIN: Duration = Duration::from_secs(5);

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The operating system's resolvers cannot be read, or none can be used.
    #[error("the resolver cannot be set up: {0}")]
    Resolver(String),
    /// The file of trust anchors cannot be used.
    #[error("{0}")]
    TrustAnchors(String),
}

impl Resolver {
    /// Prepares the resolver; it asks nothing yet. Fails when the operating system's resolvers or the trust anchors cannot be read.
    pub fn new(outside: &Outside) -> Result<Resolver, SetupError> {
        Resolver::with_timeout(outside, QUERY_TIMEOUT)
    }

    pub(super) fn with_timeout(outside: &Outside, query_timeout: Duration) -> Result<Resolver, SetupError> {
        let builder = match &outside.resolver {
            ResolverSource::None => return Ok(Resolver { hickory: None, failures: Failures::default() }),
            ResolverSource::System => TokioResolver::builder_tokio().map_err(|error| unusable(&error))?,
            ResolverSource::Servers(servers) => {
                let servers = servers.iter().map(|server| name_server(*server)).collect();
                let config = ResolverConfig::from_name_servers(servers);
                let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
                // The operator named who answers; /etc/hosts is not among them.
                builder.options_mut().use_hosts_file = ResolveHosts::Never;
                builder
            }
        };
        let hickory = validating(builder, &outside.dnssec, query_timeout)?.build().map_err(|error| unusable(&error))?;
        Ok(Resolver { hickory: Some(hickory), failures: Failures::default() })
    }
}

impl SetupError {
    /// The key that is to blame, and what to do about it.
    pub fn advice(&self) -> (&'static str, &'static str) {
        match self {
            SetupError::Resolver(_) => ("outside.resolver", "write resolver = [\"127.0.0.1:53\"]"),
            SetupError::TrustAnchors(_) => (
                "outside.trust-anchors",
                "it holds DNSKEY records, one a line, as in \". 172800 IN DNSKEY 257 3 8 AwEAA…\"; without the key, the root's are built in",
            ),
        }
    }
}

type Builder = ResolverBuilder<TokioRuntimeProvider>;

fn validating(mut builder: Builder, dnssec: &Dnssec, query_timeout: Duration) -> Result<Builder, SetupError> {
    set(builder.options_mut(), query_timeout);
    match dnssec {
        Dnssec::Off => Ok(builder),
        Dnssec::Validate(None) => Ok(builder.with_trust_anchor(Arc::new(TrustAnchors::default()))),
        Dnssec::Validate(Some(path)) => Ok(builder.with_trust_anchor(Arc::new(anchors(path)?))),
    }
}

fn set(options: &mut ResolverOpts, query_timeout: Duration) {
    options.timeout = query_timeout;
    options.attempts = 1;
    options.positive_max_ttl = Some(POSITIVE_TTL_MAX);
    options.negative_min_ttl = Some(NEGATIVE_TTL_MIN);
    options.negative_max_ttl = Some(NEGATIVE_TTL_MAX);
}

fn anchors(path: &Path) -> Result<TrustAnchors, SetupError> {
    let unfit = |problem: String| SetupError::TrustAnchors(format!("{} {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unfit(format!("cannot be read: {error}")))?;
    let anchors: TrustAnchors = text.parse().map_err(|error| unfit(format!("is no list of keys: {error}")))?;
    // An anchor below the root has no count of its own, so the text is what tells an empty file.
    if anchors.is_empty() && !text.contains("DNSKEY") {
        return Err(unfit("holds no key".to_owned()));
    }
    Ok(anchors)
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn unusable(error: &impl ToString) -> SetupError {
    SetupError::Resolver(error.to_string())
}
