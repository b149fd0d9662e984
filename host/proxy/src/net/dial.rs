//! Opens a stream: name → addresses → TCP → TLS → authenticated, within one deadline.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use refrain_proto::auth::{KeyClaim, Validity};
use refrain_proto::stanza::StanzaCondition;
use refrain_proto::stream::{Event, InitiatingPolicy, Input, Outcome, Purpose, Refusal, Stream};
use refrain_proto::{DomainPair, Proof, Side};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use super::connection::{Connection, TlsRole, Turn};
use super::dane::Mismatch;
use super::dns::ResolveError;
use super::race::Race;
use super::reach::{self, Forbidden, NamedBy};
use super::target::{Target, Transport};
use super::wire::Wire;
use crate::observe::dials::Useless;
use crate::pipeline::Gateway;
use crate::snapshot::Snapshot;

/// Why no stream could be opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name leads nowhere.
    #[error("{0}")]
    Resolve(#[from] ResolveError),
    /// No address took the connection.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// The address tried last.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// DNS leads to an address that it must not lead to.
    #[error("not connected to {address}: {reason}")]
    Forbidden {
        /// The address tried last.
        address: SocketAddr,
        /// Why not.
        reason: Forbidden,
    },
    /// The connection or its TLS handshake broke.
    #[error("the connection broke during the handshake: {0}")]
    Broken(#[from] std::io::Error),
    /// The streams did not come to terms.
    #[error("{0}")]
    Refused(Outcome),
    /// All of it took too long.
    #[error("no stream within {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl DialError {
    /// The condition of the bounce (RFC 6120 §10.4.3): "not found" for a name that leads nowhere, "timeout" for the rest.
    pub fn condition(&self) -> StanzaCondition {
        match self {
            _ if self.leads_nowhere() => StanzaCondition::RemoteServerNotFound,
            // XEP-0220 §2.1.1.
            DialError::Refused(Outcome::NotAuthenticated(Refusal::KeyInvalid)) => StanzaCondition::InternalServerError,
            DialError::Resolve(_)
            | DialError::Forbidden { .. }
            | DialError::Connect { .. }
            | DialError::Broken(_)
            | DialError::Refused(_)
            | DialError::TimedOut(_) => StanzaCondition::RemoteServerTimeout,
        }
    }

    /// Under what it is counted.
    pub fn reason(&self) -> Useless {
        match self {
            DialError::Resolve(ResolveError::NotFound | ResolveError::ServiceAbsent) => Useless::NotFound,
            DialError::Resolve(ResolveError::Failed(_)) => Useless::Unresolved,
            DialError::Resolve(ResolveError::Bogus(_)) => Useless::Bogus,
            DialError::Forbidden { .. } => Useless::Forbidden,
            DialError::Connect { .. } => Useless::Unconnected,
            DialError::Broken(error) if error.get_ref().is_some_and(|inner| inner.is::<Mismatch>()) => Useless::Dane,
            DialError::Broken(_) => Useless::Broken,
            DialError::Refused(_) => Useless::Refused,
            DialError::TimedOut(_) => Useless::TimedOut,
        }
    }

    /// Whether there is no server at all, as far as DNS tells.
    fn leads_nowhere(&self) -> bool {
        matches!(
            self,
            DialError::Resolve(ResolveError::NotFound | ResolveError::ServiceAbsent) | DialError::Forbidden { .. }
        )
    }
}

/// Opens a stream over which stanzas of the pair may be written at once.
pub async fn dial(gateway: &Gateway, side: Side, pair: &DomainPair) -> Result<(Connection, Proof), DialError> {
    let established = |event| {
        if let Event::KeyShown(claim) = &event {
            gateway.shown_keys.note(claim);
        }
        if let Event::Established(proof) = event { Some(proof) } else { None }
    };
    open(gateway, side, pair, &Purpose::Stanzas, established).await
}

/// Asks the authoritative server of `claim.pair.from` about a dialback key (XEP-0220 §2.1.2).
pub async fn ask(gateway: &Gateway, side: Side, claim: &KeyClaim) -> Result<Validity, DialError> {
    let pair = claim.pair.reversed();
    let verified = |event| if let Event::Verified(_, validity) = event { Some(validity) } else { None };
    let (mut connection, validity) = open(gateway, side, &pair, &Purpose::Verify(claim.clone()), verified).await?;
    // The question was all this stream was for; its polite end need not be waited for.
    tokio::spawn(async move { finish(&mut connection).await });
    Ok(validity)
}

/// Closes a stream and waits, as long as the stream's own close timer allows, for the peer to do the same.
pub async fn finish(connection: &mut Connection) {
    connection.stream().handle(Input::Close(None), Instant::now());
    loop {
        match connection.turn().await {
            Ok(Turn::Event(_)) => {}
            Ok(Turn::Wait(until)) if step(connection, until).await.is_ok() => {}
            Ok(Turn::Wait(_) | Turn::Finished(_)) | Err(_) => return,
        }
    }
}

async fn open<T>(
    gateway: &Gateway,
    side: Side,
    pair: &DomainPair,
    purpose: &Purpose,
    wanted: impl Fn(Event) -> Option<T>,
) -> Result<(Connection, T), DialError> {
    // One generation for the whole attempt: its addresses, its certificates, its policy.
    let snapshot = gateway.snapshot();
    let deadline = snapshot.config.limits.handshake_timeout;
    let attempt = Attempt { gateway, snapshot: &snapshot, side, pair, purpose };
    let opened = timeout(deadline, attempt.open(&wanted)).await;
    opened.unwrap_or_else(|_| Err(attempt.counted(DialError::TimedOut(deadline))))
}

/// The search for a server that takes a stream of the pair.
struct Attempt<'a> {
    gateway: &'a Gateway,
    snapshot: &'a Snapshot,
    side: Side,
    pair: &'a DomainPair,
    purpose: &'a Purpose,
}

impl Attempt<'_> {
    /// Tries one target after the other; the next one also when a server was reached and came to nothing.
    async fn open<T>(&self, wanted: &impl Fn(Event) -> Option<T>) -> Result<(Connection, T), DialError> {
        if let Some(address) = self.fixed() {
            return self.try_target(&Target::fixed(address), NamedBy::Operator, true, wanted).await;
        }
        let named_by = NamedBy::Zone { private_addresses: self.private_addresses() };
        let mut failure = None;
        let resolver = &self.snapshot.resolver;
        let services = resolver.services(&self.pair.to).await.map_err(|error| self.counted(error.into()))?;
        let mut services = services.into_iter().peekable();
        while let Some(service) = services.next() {
            let is_last = services.peek().is_none();
            let tried = match resolver.target(service).await {
                Ok(target) => self.try_target(&target, named_by, is_last, wanted).await,
                Err(error) => {
                    if let Some(count) = self.gateway.lines.of_no_use.add(1, Instant::now()) {
                        tracing::info!(domain = %self.pair.to, %error, count, "a server of the domain cannot be resolved");
                    }
                    Err(self.counted(error.into()))
                }
            };
            match tried {
                Ok(opened) => return Ok(opened),
                Err(error) => failure = Some(worse(failure, error)),
            }
        }
        Err(failure.unwrap_or(DialError::Resolve(ResolveError::NotFound)))
    }

    /// Where the operator says that the server is.
    fn fixed(&self) -> Option<SocketAddr> {
        let config = &self.snapshot.config;
        match self.side {
            Side::Inside => {
                config.domains.iter().find(|hosted| hosted.name == self.pair.to).map(|hosted| hosted.server)
            }
            Side::Outside => config.peers.for_domain(&self.pair.to).address,
        }
    }

    fn private_addresses(&self) -> bool {
        let config = &self.snapshot.config;
        config.peers.for_domain(&self.pair.to).private_addresses.unwrap_or(config.outside.private_addresses)
    }

    async fn try_target<T>(
        &self,
        target: &Target,
        named_by: NamedBy,
        is_last: bool,
        wanted: &impl Fn(Event) -> Option<T>,
    ) -> Result<(Connection, T), DialError> {
        let (mut allowed, mut failure) = (Vec::new(), None);
        for address in target.addresses.iter().copied() {
            match self.forbidden(address, named_by) {
                None => allowed.push(address),
                Some(reason) => {
                    if let Some(count) = self.gateway.lines.forbidden.add(1, Instant::now()) {
                        tracing::warn!(domain = %self.pair.to, host = %target.host, %address, %reason, count, "not connected to");
                    }
                    failure = Some(self.counted(DialError::Forbidden { address, reason }));
                }
            }
        }
        let mut race = Race::new(allowed);
        while let Some((address, reached)) = race.next().await {
            let tried = match reached {
                Ok(socket) => {
                    let patience = self.patience(is_last && race.is_over());
                    self.negotiate(socket, target, named_by, patience, wanted).await
                }
                Err(error) => Err(DialError::Connect { address, error }),
            };
            match tried {
                Ok(opened) => return Ok(opened),
                Err(error) => {
                    if let Some(count) = self.gateway.lines.of_no_use.add(1, Instant::now()) {
                        tracing::info!(domain = %self.pair.to, host = %target.host, %address, transport = %target.transport, %error, count, "a server of the domain is of no use");
                    }
                    failure = Some(worse(failure, self.counted(error)));
                }
            }
        }
        Err(failure.unwrap_or(DialError::Resolve(ResolveError::NotFound)))
    }

    /// How long a server that took the connection may take for the rest. One that says nothing must not use up the time of the
    /// others; without others it may have all of it.
    fn patience(&self, is_last: bool) -> Duration {
        let whole = self.snapshot.config.limits.handshake_timeout;
        if is_last { whole } else { whole / 2 }
    }

    fn counted(&self, error: DialError) -> DialError {
        self.gateway.dials.count(self.side, error.reason());
        error
    }

    fn forbidden(&self, address: SocketAddr, named_by: NamedBy) -> Option<Forbidden> {
        let servers = self.snapshot.config.domains.iter().map(|hosted| hosted.server);
        reach::forbidden(address, named_by, &self.gateway.own_doors, servers)
    }

    /// Opens the stream over a fresh connection.
    async fn negotiate<T>(
        &self,
        socket: TcpStream,
        target: &Target,
        named_by: NamedBy,
        patience: Duration,
        wanted: &impl Fn(Event) -> Option<T>,
    ) -> Result<(Connection, T), DialError> {
        // What counts is where the socket leads.
        let address = socket.peer_addr()?;
        if let Some(reason) = self.forbidden(address, named_by) {
            return Err(DialError::Forbidden { address, reason });
        }
        let policy = policy(self.gateway, self.snapshot, self.side, self.pair);
        let stream = Stream::initiating(self.pair.clone(), self.purpose.clone(), policy, Instant::now());
        let role = TlsRole::Client(self.pair.clone(), target.delegation.clone());
        let mut connection = Connection::new(Wire::new(socket), stream, self.snapshot.tls.clone(), self.side, role);
        let opening = async {
            if target.transport == Transport::DirectTls {
                connection.secure().await?;
            }
            negotiate(&mut connection, wanted).await
        };
        let reached = timeout(patience, opening).await.map_err(|_| DialError::TimedOut(patience))??;
        Ok((connection, reached))
    }
}

/// Of two failures the one to tell: that a server was reached says more than that another one has no address.
fn worse(known: Option<DialError>, new: DialError) -> DialError {
    match known {
        Some(known) if new.leads_nowhere() && !known.leads_nowhere() => known,
        _ => new,
    }
}

fn policy(gateway: &Gateway, snapshot: &Snapshot, side: Side, pair: &DomainPair) -> InitiatingPolicy {
    let config = &snapshot.config;
    InitiatingPolicy {
        certificate_required: match side {
            // RFC 7590 §3.4: encrypted but unauthenticated only where the operator said so for this domain.
            Side::Outside => !config.peers.for_domain(&pair.to).dialback,
            // Inside, the configured address vouches for the server unless the operator pinned its certificate.
            Side::Inside => snapshot.tls.pins(&pair.to),
        },
        external: true,
        dialback: Some(gateway.secret(side).clone()),
        limits: config.limits.stream(),
    }
}

/// Drives a fresh connection until the stream reports what is wanted.
pub async fn negotiate<T>(connection: &mut Connection, wanted: &impl Fn(Event) -> Option<T>) -> Result<T, DialError> {
    loop {
        match connection.turn().await? {
            Turn::Event(event) => {
                if let Some(reached) = wanted(event) {
                    return Ok(reached);
                }
            }
            Turn::Wait(until) => step(connection, until).await?,
            Turn::Finished(outcome) => return Err(DialError::Refused(outcome)),
        }
    }
}

/// Waits for bytes or for the stream's timer.
pub async fn step(connection: &mut Connection, until: Instant) -> std::io::Result<()> {
    tokio::select! {
        received = connection.receive() => received,
        () = sleep_until(until.into()) => {
            connection.stream().handle(Input::Tick, Instant::now());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
