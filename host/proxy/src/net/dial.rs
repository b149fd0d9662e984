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
use super::dns::ResolveError;
use super::wire::Wire;
use crate::pipeline::Gateway;
use crate::snapshot::Snapshot;

/// One address that does not answer must not use up the time of the others.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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
            DialError::Resolve(ResolveError::NotFound | ResolveError::ServiceAbsent) => {
                StanzaCondition::RemoteServerNotFound
            }
            // XEP-0220 §2.1.1.
            DialError::Refused(Outcome::NotAuthenticated(Refusal::KeyInvalid)) => StanzaCondition::InternalServerError,
            DialError::Resolve(ResolveError::Failed(_))
            | DialError::Connect { .. }
            | DialError::Broken(_)
            | DialError::Refused(_)
            | DialError::TimedOut(_) => StanzaCondition::RemoteServerTimeout,
        }
    }
}

/// Opens a stream over which stanzas of the pair may be written at once.
pub async fn dial(gateway: &Gateway, side: Side, pair: &DomainPair) -> Result<(Connection, Proof), DialError> {
    let established = |event| if let Event::Established(proof) = event { Some(proof) } else { None };
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
    let attempt = async {
        let mut failure = None;
        for address in addresses(&snapshot, side, pair).await? {
            let mut connection = match connect(gateway, &snapshot, side, pair, purpose.clone(), address).await {
                Ok(connection) => connection,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            match negotiate(&mut connection, &wanted).await {
                Ok(reached) => return Ok((connection, reached)),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or(DialError::Resolve(ResolveError::NotFound)))
    };
    timeout(deadline, attempt).await.map_err(|_| DialError::TimedOut(deadline))?
}

async fn addresses(snapshot: &Snapshot, side: Side, pair: &DomainPair) -> Result<Vec<SocketAddr>, DialError> {
    let config = &snapshot.config;
    let fixed = match side {
        Side::Inside => config.domains.iter().find(|hosted| hosted.name == pair.to).map(|hosted| hosted.server),
        Side::Outside => config.peers.for_domain(&pair.to).address,
    };
    match fixed {
        Some(address) => Ok(vec![address]),
        None => Ok(snapshot.resolver.targets(&pair.to).await?),
    }
}

async fn connect(
    gateway: &Gateway,
    snapshot: &Snapshot,
    side: Side,
    pair: &DomainPair,
    purpose: Purpose,
    address: SocketAddr,
) -> Result<Connection, DialError> {
    let refused = |error| DialError::Connect { address, error };
    let timed_out = |_| refused(std::io::ErrorKind::TimedOut.into());
    let socket = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.map_err(timed_out)?.map_err(refused)?;
    let stream = Stream::initiating(pair.clone(), purpose, policy(gateway, snapshot, side, pair), Instant::now());
    let tls = snapshot.tls.clone();
    Ok(Connection::new(Wire::new(socket), stream, tls, side, TlsRole::Client(pair.clone())))
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
