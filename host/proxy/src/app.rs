//! Config → snapshot → listeners → running tasks → drain.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use refrain_proto::Side;
use refrain_proto::auth::DialbackSecret;
use refrain_proto::stream::StreamIds;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::lists::tender;
use crate::net::responder::zone::Zone;
use crate::net::responder::{Responder, Zones};
use crate::net::target::Transport;
use crate::net::tls;
use crate::observe::audit::Audit;
use crate::observe::continuity::Keeper;
use crate::observe::counters::Totals;
use crate::pipeline::{Gateway, Secrets, listen};
use crate::relations;
use crate::snapshot::Snapshot;

/// A disk that hangs does not hold the end up longer than this.
const KEEPING_TIMEOUT: Duration = Duration::from_secs(2);

/// A running gateway.
pub struct App {
    gateway: Arc<Gateway>,
    outside: Vec<SocketAddr>,
    outside_tls: Vec<SocketAddr>,
    inside: Vec<SocketAddr>,
    names: Option<SocketAddr>,
    keeper: Option<Keeper>,
    relations: relations::Keeper,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be bound.
    #[error("{0}; is another server running there, or is the port below 1024 without the right to bind it?")]
    Listen(#[from] std::io::Error),
    /// The system gave no random bytes.
    #[error("the system's random number generator failed")]
    NoRandomness,
}

impl App {
    /// Binds all listeners, then serves them. Returns once every one of them accepts connections.
    pub async fn start(snapshot: Snapshot, audit: Audit) -> Result<App, StartError> {
        let outside = bind_all(&snapshot.config.outside.listen).await?;
        let outside_tls = bind_all(&snapshot.config.outside.listen_tls).await?;
        let inside = bind_all(&snapshot.config.inside.listen).await?;
        let names = match &snapshot.config.inside.dns {
            Some(dns) => Some(Responder::bind(dns.listen).await?),
            None => None,
        };
        let directory = snapshot.config.state.directory.clone();
        let (relations_secret, keeps_relations) = relations_secret(directory.as_deref(), random()?);
        let secrets = Secrets { outside: secret()?, inside: secret()?, relations: relations_secret };
        let gateway = Gateway::new(snapshot, StreamIds::from_seed(random()?), secrets, audit);
        let keeper = directory.as_ref().map(|directory| Keeper::open(gateway.continuity.clone(), directory));
        if let Some(keeper) = keeper.clone() {
            tokio::spawn(keeper.keep());
        }
        let relations_directory = directory.as_deref().filter(|_| keeps_relations);
        let relations = relations::Keeper::open(gateway.clone(), relations_directory);
        tokio::spawn(relations.clone().keep());
        let app = App {
            outside: addresses(&outside)?,
            outside_tls: addresses(&outside_tls)?,
            inside: addresses(&inside)?,
            names: names.as_ref().map(Responder::address),
            gateway,
            keeper,
            relations,
        };
        // Among the receivers, so that a drain waits until what is known is written down.
        app.gateway.ending.receivers.spawn(tender::tend(app.gateway.clone()));
        app.gateway.own_doors.open(app.doors());
        app.serve(Side::Outside, Transport::StartTls, outside);
        app.serve(Side::Outside, Transport::DirectTls, outside_tls);
        app.serve(Side::Inside, Transport::StartTls, inside);
        if let Some(responder) = names {
            app.serve_names(responder);
        }
        Ok(app)
    }

    /// Where it listens for the federated world and for the protected servers.
    pub fn listeners(&self) -> (&[SocketAddr], &[SocketAddr]) {
        (&self.outside, &self.inside)
    }

    /// Where it answers the protected servers' questions about names.
    pub fn names(&self) -> Option<SocketAddr> {
        self.names
    }

    /// Where it listens for the federated world with TLS from the first byte.
    pub fn tls_listeners(&self) -> &[SocketAddr] {
        &self.outside_tls
    }

    /// Everything that listens here, whoever may connect to it.
    fn doors(&self) -> Vec<SocketAddr> {
        let admin = self.gateway.snapshot().config.admin.http.as_ref().map(|http| http.listen);
        [&self.outside, &self.outside_tls, &self.inside]
            .into_iter()
            .flatten()
            .copied()
            .chain(admin)
            .chain(self.names)
            .collect()
    }

    /// What its connections share, to steer it by.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// What became of the stanzas so far.
    pub fn totals(&self) -> Totals {
        self.gateway.counters.totals()
    }

    /// Ends the run without losing an accepted stanza: first nothing new is taken in, then every queue is emptied. What has not
    /// left when the time is up counts as lost.
    pub async fn drain(self) -> Totals {
        let ending = &self.gateway.ending;
        let drained = async {
            ending.receiving.cancel();
            ending.receivers.close();
            ending.receivers.wait().await;
            ending.sending.cancel();
            ending.senders.close();
            ending.senders.wait().await;
        };
        if timeout(self.gateway.snapshot().config.limits.drain_timeout, drained).await.is_err() {
            tracing::error!("the drain did not end in time (limits.drain-seconds): open streams are cut");
        }
        if let Some(keeper) = self.keeper.clone() {
            let _ = timeout(KEEPING_TIMEOUT, keeper.write()).await;
        }
        let _ = timeout(KEEPING_TIMEOUT, self.relations.clone().write()).await;
        self.totals()
    }

    fn serve(&self, side: Side, transport: Transport, listeners: Vec<TcpListener>) {
        for listener in listeners {
            self.gateway.ending.receivers.spawn(listen::serve(self.gateway.clone(), side, transport, listener));
        }
    }

    fn serve_names(&self, responder: Responder) {
        // The configuration does not load without an inside listener.
        let port = self.inside.first().map_or(0, SocketAddr::port);
        let zones = Arc::new(LiveZones { gateway: self.gateway.clone(), port });
        let ending = &self.gateway.ending;
        ending.receivers.spawn(responder.serve(zones, self.gateway.names.clone(), ending.receiving.clone()));
    }
}

/// What the live generation says about names.
struct LiveZones {
    gateway: Arc<Gateway>,
    /// Of the listener as it was bound.
    port: u16,
}

impl Zones for LiveZones {
    fn zone(&self) -> Option<Zone> {
        let snapshot = self.gateway.snapshot();
        let dns = snapshot.config.inside.dns.as_ref()?;
        Some(Zone::new(snapshot.boundary.clone(), dns, self.port))
    }
}

async fn bind_all(addresses: &[SocketAddr]) -> std::io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        listeners.push(listen::bind(*address).await?);
    }
    Ok(listeners)
}

fn addresses(listeners: &[TcpListener]) -> std::io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}

fn secret() -> Result<Arc<DialbackSecret>, StartError> {
    Ok(Arc::new(DialbackSecret::from_bytes(random()?)))
}

/// The secret that is kept with the state; without one that can be read, a fresh one, and nothing is kept.
fn relations_secret(directory: Option<&Path>, fresh: [u8; 16]) -> ([u8; 16], bool) {
    let Some(directory) = directory else { return (fresh, false) };
    match relations::secret(directory, fresh) {
        Ok(secret) => (secret, true),
        Err(error) => {
            let directory = directory.display();
            tracing::warn!(%directory, %error, "relations.key cannot be used: who knows whom is not kept");
            (fresh, false)
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    tls::random_bytes().ok_or(StartError::NoRandomness)
}
