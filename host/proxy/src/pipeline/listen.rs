//! Takes connections in, as many as there are permits for.
//!
//! **listen** → receive

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::Side;
use tokio::net::{TcpListener, TcpStream};

use super::{Gateway, receive};
use crate::limits::Unnamed;
use crate::net::proxy_header;
use crate::net::target::Transport;
use crate::net::wire::Wire;
use crate::observe::refusals::Refusal;

/// After a failed accept (most often: no file descriptors left) the cause needs time to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds an address, or says which one could not be bound.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// What a listener is for.
#[derive(Clone, Copy)]
struct Door {
    side: Side,
    transport: Transport,
}

/// Serves one listener until the drain begins.
pub async fn serve(gateway: Arc<Gateway>, side: Side, transport: Transport, listener: TcpListener) {
    let door = Door { side, transport };
    loop {
        let accepted = tokio::select! {
            () = gateway.ending.receiving.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => meet(&gateway, door, socket, peer),
            Err(error) => {
                if let Some(count) = gateway.lines.not_accepted.add(1, Instant::now()) {
                    tracing::warn!(%error, count, "cannot accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Admits a connection, or first asks a load balancer whose it is.
fn meet(gateway: &Arc<Gateway>, door: Door, socket: TcpStream, peer: SocketAddr) {
    let snapshot = gateway.snapshot();
    if door.side == Side::Inside || !snapshot.config.access.speaks_for_others(peer.ip()) {
        return admit(gateway, door, socket, peer);
    }
    match gateway.permits.await_name(&snapshot.config.limits) {
        Ok(unnamed) => {
            gateway.ending.receivers.spawn(ask_balancer(gateway.clone(), door, socket, peer, unnamed));
        }
        Err(refusal) => gateway.refusals.note(refusal, &peer.ip()),
    }
}

/// From here on the address in the header is the peer's, for every limit and in the log.
async fn ask_balancer(
    gateway: Arc<Gateway>,
    door: Door,
    mut socket: TcpStream,
    balancer: SocketAddr,
    unnamed: Unnamed,
) {
    let named = tokio::select! {
        () = gateway.ending.receiving.cancelled() => return,
        named = proxy_header::read(&mut socket) => named,
    };
    drop(unnamed);
    match named {
        Ok(client) => admit(&gateway, door, socket, client.unwrap_or(balancer)),
        Err(error) => {
            gateway.refusals.note(Refusal::ProxyHeader, &balancer.ip());
            tracing::debug!(%balancer, %error, "connection refused");
        }
    }
}

/// Starts to serve a connection, if its address may connect and there is room. Nothing is told to whom is refused: words would
/// cost more than the connection.
fn admit(gateway: &Arc<Gateway>, door: Door, socket: TcpStream, peer: SocketAddr) {
    let Door { side, transport } = door;
    let snapshot = gateway.snapshot();
    let permit = if side == Side::Outside && !snapshot.config.access.permits(peer.ip(), &snapshot.lists) {
        Err(Refusal::AddressDenied)
    } else {
        gateway.permits.admit(side, peer.ip(), &snapshot.config.limits, Instant::now())
    };
    match permit {
        Ok(permit) => {
            let receiving = receive::run(gateway.clone(), side, transport, Wire::new(socket), peer, permit);
            gateway.ending.receivers.spawn(receiving);
        }
        Err(refusal) => gateway.refusals.note(refusal, &peer.ip()),
    }
}
