//! Everything that a configuration became: the one place where the control plane and the data plane meet.

use std::sync::Arc;

use refrain_filter::{Chain, Direction};
use refrain_proto::stream::{Boundary, Side};

use crate::config::Config;
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
    /// Judges what comes from the protected server.
    pub outbound: Arc<Chain>,
}

impl Snapshot {
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
