//! The sender of one domain pair: dials when the first stanza comes, writes in batches, bounces what cannot be delivered.
//!
//! route → **send** → the next server

use std::sync::Arc;
use std::time::{Duration, Instant};

use refrain_proto::stanza::{StanzaCondition, StanzaError};
use refrain_proto::stream::Input;
use refrain_proto::{DomainPair, Proof, Side};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep_until, timeout};

use super::receive::side_name;
use super::route::{Chunk, Origin, Room, bounce, deliver};
use super::{Gateway, backoff};
use crate::net::alarm::Alarm;
use crate::net::connection::{Connection, Turn};
use crate::net::dial::{DialError, dial, finish};
use crate::observe::counters::Ending;

/// Chunks that wait together leave in one write of about this size.
const WRITE_BYTES: usize = 64 * 1024;
/// A sender without a connection and without stanzas ends after this.
const LINGER: Duration = Duration::from_secs(60);

/// Serves a pair until it is idle or the drain has emptied it.
pub async fn run(gateway: Arc<Gateway>, pair: DomainPair, queue: UnboundedReceiver<Chunk>, room: Arc<Room>) {
    // A pair is outside-bound or inside-bound by its addressee alone, so one table serves both.
    let side = if gateway.snapshot().boundary.is_hosted(&pair.to) { Side::Inside } else { Side::Outside };
    let mut sender = Sender { gateway, pair, side, queue, room, failures: 0 };
    sender.serve().await;
    sender.hand_back().await;
}

struct Sender {
    gateway: Arc<Gateway>,
    pair: DomainPair,
    side: Side,
    queue: UnboundedReceiver<Chunk>,
    room: Arc<Room>,
    failures: u32,
}

/// What a connection's end means for its sender.
enum End {
    /// Nothing was left to send.
    Idle,
    /// It broke; there may be more to send.
    Broken,
}

impl Sender {
    async fn serve(&mut self) {
        while let Some(first) = self.next_chunk().await {
            let end = match self.dial().await {
                Ok((connection, proof)) => {
                    tracing::info!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, %proof, peer_proof = connection.voucher().map(tracing::field::display), "stream established");
                    self.failures = 0;
                    self.write_stanzas(connection, first).await
                }
                Err(error) => {
                    self.hold_off(&error, first).await;
                    End::Broken
                }
            };
            if matches!(end, End::Idle) {
                return;
            }
        }
    }

    /// Opens a stream, but lets nothing wait for it longer than the operator said.
    async fn dial(&self) -> Result<(Connection, Proof), DialError> {
        let patience = self.gateway.snapshot().config.limits.queue_timeout;
        let dialled = timeout(patience, dial(&self.gateway, self.side, &self.pair)).await;
        dialled.unwrap_or(Err(DialError::TimedOut(patience)))
    }

    /// The next thing to send, or `None` when none comes for a while or ever.
    async fn next_chunk(&mut self) -> Option<Chunk> {
        let draining = self.gateway.ending.sending.clone();
        tokio::select! {
            biased;
            chunk = self.queue.recv() => chunk,
            () = draining.cancelled() => None,
            () = tokio::time::sleep(LINGER) => None,
        }
    }

    async fn write_stanzas(&mut self, mut connection: Connection, first: Chunk) -> End {
        let _held = self.gateway.streams.to(self.side).hold();
        self.room.set_established(true);
        let end = self.write_until_end(&mut connection, first).await;
        self.room.set_established(false);
        end
    }

    async fn write_until_end(&mut self, connection: &mut Connection, first: Chunk) -> End {
        let draining = self.gateway.ending.sending.clone();
        let mut alarm = Alarm::new(Instant::now());
        if let Err(end) = self.write(connection, first).await {
            return end;
        }
        loop {
            let until = match connection.turn().await {
                Ok(Turn::Wait(until)) => until,
                Ok(Turn::Event(_)) => continue,
                Ok(Turn::Finished(outcome)) => {
                    tracing::info!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, %outcome, "stream ended");
                    return End::Broken;
                }
                Err(error) => return self.broke(&error),
            };
            tokio::select! {
                chunk = self.queue.recv() => {
                    let Some(chunk) = chunk else { return End::Idle };
                    if let Err(end) = self.write(connection, chunk).await {
                        return end;
                    }
                }
                received = connection.receive() => {
                    if let Err(error) = received {
                        return self.broke(&error);
                    }
                }
                () = alarm.reached(until) => connection.stream().handle(Input::Tick, Instant::now()),
                () = draining.cancelled() => match self.queue.try_recv() {
                    Ok(chunk) => {
                        if let Err(end) = self.write(connection, chunk).await {
                            return end;
                        }
                    }
                    // The receiving streams, the only sources, are gone: nothing can come any more.
                    Err(_) => {
                        finish(connection).await;
                        return End::Idle;
                    }
                },
            }
        }
    }

    /// Writes a chunk together with all that already waits behind it.
    async fn write(&mut self, connection: &mut Connection, first: Chunk) -> Result<(), End> {
        let mut relayed = u64::from(if first.origin == Origin::Relayed { first.stanzas } else { 0 });
        self.room.leave(&first);
        let mut bytes = first.bytes;
        let mut chunks = vec![(bytes.len(), first.stanzas, first.origin)];
        while bytes.len() < WRITE_BYTES {
            let Ok(chunk) = self.queue.try_recv() else { break };
            self.room.leave(&chunk);
            bytes.extend_from_slice(&chunk.bytes);
            relayed += u64::from(if chunk.origin == Origin::Relayed { chunk.stanzas } else { 0 });
            chunks.push((bytes.len(), chunk.stanzas, chunk.origin));
        }
        match connection.write(&bytes).await {
            Ok(()) => {
                self.gateway.counters.end(Ending::Forwarded, relayed);
                connection.stream().wrote(Instant::now());
                Ok(())
            }
            Err(error) => {
                let mut start = 0;
                for (end, stanzas, origin) in chunks {
                    self.return_to_sender(
                        Chunk { bytes: bytes[start..end].to_vec(), stanzas, origin },
                        StanzaCondition::RemoteServerTimeout,
                    );
                    start = end;
                }
                Err(self.broke(&error))
            }
        }
    }

    fn broke(&self, error: &std::io::Error) -> End {
        tracing::info!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, %error, "connection broke");
        End::Broken
    }

    /// After a failed dial: returns what waits, and everything that comes until the next attempt is due.
    async fn hold_off(&mut self, error: &DialError, first: Chunk) {
        let pause = backoff::pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, %error, pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX), "cannot reach the server");
        let until = tokio::time::Instant::now() + pause;
        let draining = self.gateway.ending.sending.clone();
        let mut chunk = Some(first);
        while let Some(returned) = chunk {
            self.room.leave(&returned);
            self.return_to_sender(returned, error.condition());
            chunk = tokio::select! {
                biased;
                chunk = self.queue.recv() => chunk,
                () = sleep_until(until) => None,
                () = draining.cancelled() => None,
            };
        }
    }

    fn return_to_sender(&self, chunk: Chunk, condition: StanzaCondition) {
        bounce(&self.gateway, chunk, &StanzaError::new(condition));
    }

    /// Ends the route. What slipped in meanwhile goes to a new one.
    async fn hand_back(&mut self) {
        self.queue.close();
        while let Ok(chunk) = self.queue.try_recv() {
            self.room.leave(&chunk);
            if self.gateway.ending.sending.is_cancelled() {
                self.return_to_sender(chunk, StanzaCondition::RemoteServerTimeout);
            } else {
                deliver(&self.gateway, &self.pair, &mut None, chunk).await;
            }
        }
    }
}
