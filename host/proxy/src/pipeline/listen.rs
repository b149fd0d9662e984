//! Takes connections in, as many as there are permits for.
//!
//! **listen** → receive

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use refrain_proto::Side;
use tokio::net::TcpListener;

use super::{Gateway, receive};
use crate::net::target::Transport;
use crate::net::wire::Wire;

/// After a failed accept (most often: no file descriptors left) the cause needs time to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds an address, or says which one could not be bound.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// Serves one listener until the drain begins.
pub async fn serve(gateway: Arc<Gateway>, side: Side, transport: Transport, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            () = gateway.ending.receiving.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => match gateway.permits.admit(peer.ip(), &gateway.snapshot().config.limits) {
                Some(permit) => {
                    let receiving = receive::run(gateway.clone(), side, transport, Wire::new(socket), peer, permit);
                    gateway.ending.receivers.spawn(receiving);
                }
                None => {
                    tracing::warn!(%peer, "connection refused: too many are open (limits.connections-max, limits.connections-per-address-max)")
                }
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
