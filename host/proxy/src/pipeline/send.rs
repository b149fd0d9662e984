//! The sender of one domain pair: dials when the first stanza comes, writes in batches, keeps what the next server has not taken,
//! bounces what cannot be delivered.
//!
//! route → **send** → the next server

mod stream;
mod unacknowledged;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use refrain_proto::stanza::{StanzaCondition, StanzaError};
use refrain_proto::{DomainPair, Proof, Side};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep_until, timeout};

use super::receive::side_name;
use super::route::{Chunk, Origin, Room, bounce, deliver};
use super::{Gateway, backoff};
use crate::config::AfterBreak;
use crate::net::connection::Connection;
use crate::net::dial::{DialError, dial};
use crate::observe::continuity::Recognised;
use stream::End;

/// A stanza may be what breaks the streams it is sent on. After so many in a row on which the peer took nothing it is bounced,
/// with all that it was written with.
const SENDINGS_MAX: u32 = 3;
/// A sender without a connection and without stanzas ends after this.
const LINGER: Duration = Duration::from_secs(60);

/// Serves a pair until it is idle or the drain has emptied it.
pub async fn run(gateway: Arc<Gateway>, pair: DomainPair, queue: UnboundedReceiver<Chunk>, room: Arc<Room>) {
    // A pair is outside-bound or inside-bound by its addressee alone, so one table serves both.
    let side = if gateway.snapshot().boundary.is_hosted(&pair.to) { Side::Inside } else { Side::Outside };
    let mut sender = Sender { gateway, pair, side, queue, room, again: VecDeque::new(), failures: 0, fruitless: 0 };
    sender.serve().await;
    sender.hand_back().await;
}

struct Sender {
    gateway: Arc<Gateway>,
    pair: DomainPair,
    side: Side,
    queue: UnboundedReceiver<Chunk>,
    room: Arc<Room>,
    /// What broken streams have left, before all that is in the queue.
    again: VecDeque<Chunk>,
    /// Attempts to dial that failed, one after the other.
    failures: u32,
    /// Streams that took nothing of what they were sent, one after the other.
    fruitless: u32,
}

impl Sender {
    async fn serve(&mut self) {
        while let Some(first) = self.next_chunk().await {
            let end = match self.dial().await {
                Ok((connection, proof)) => {
                    tracing::info!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, %proof, peer_proof = connection.voucher().map(tracing::field::display), "stream established");
                    if self.side == Side::Outside {
                        let by = Recognised::AsServer(connection.voucher());
                        self.gateway.continuity.note(&self.pair.to, connection.peer_key(), by);
                    }
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
        dialled.unwrap_or_else(|_| {
            let error = DialError::TimedOut(patience);
            self.gateway.dials.count(self.side, error.reason());
            Err(error)
        })
    }

    /// The next thing to send, or `None` when none comes for a while or ever.
    async fn next_chunk(&mut self) -> Option<Chunk> {
        if let Some(chunk) = self.again.pop_front() {
            return Some(chunk);
        }
        let draining = self.gateway.ending.sending.clone();
        tokio::select! {
            biased;
            chunk = self.queue.recv() => chunk,
            () = draining.cancelled() => None,
            () = tokio::time::sleep(LINGER) => None,
        }
    }

    async fn write_stanzas(&mut self, connection: Connection, first: Chunk) -> End {
        let gateway = self.gateway.clone();
        let _held = gateway.streams.to(self.side).hold();
        self.room.set_established(true);
        let end = stream::serve(self, connection, first).await;
        self.room.set_established(false);
        end
    }

    /// What waits already: first what a broken stream has left.
    fn next_waiting(&mut self) -> Option<Chunk> {
        self.again.pop_front().or_else(|| self.queue.try_recv().ok())
    }

    /// Takes what a stream wrote and its peer did not acknowledge: it goes first on the next stream, unless the operator prefers
    /// bounces or the peer takes nothing however often it is sent.
    fn take_over(&mut self, left: VecDeque<Chunk>, progress: bool) {
        if left.is_empty() {
            self.fruitless = 0;
            return;
        }
        self.fruitless = if progress { 1 } else { self.fruitless + 1 };
        let stanzas: u32 = left.iter().map(|chunk| chunk.stanzas).sum();
        let bounces = self.gateway.snapshot().config.limits.after_break == AfterBreak::Bounce;
        let again = !bounces && self.fruitless < SENDINGS_MAX;
        tracing::info!(side = side_name(self.side), from = %self.pair.from, to = %self.pair.to, stanzas, again, "not acknowledged when the stream ended");
        if again {
            let rest = std::mem::replace(&mut self.again, left);
            return self.again.extend(rest);
        }
        self.fruitless = 0;
        for chunk in left {
            self.room.leave(chunk.load());
            self.return_to_sender(chunk, StanzaCondition::RemoteServerTimeout);
        }
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
            self.room.leave(returned.load());
            self.return_to_sender(returned, error.condition());
            if let Some(next) = self.again.pop_front() {
                chunk = Some(next);
                continue;
            }
            chunk = tokio::select! {
                biased;
                // Before the queue, which under load is never empty.
                () = sleep_until(until) => None,
                chunk = self.queue.recv() => chunk,
                () = draining.cancelled() => None,
            };
        }
    }

    fn return_to_sender(&self, chunk: Chunk, condition: StanzaCondition) {
        if chunk.origin == Origin::Reply {
            self.gateway.block_lists.broke(&self.pair);
        }
        bounce(&self.gateway, chunk, &StanzaError::new(condition));
    }

    /// Ends the route. What slipped in meanwhile goes to a new one.
    async fn hand_back(&mut self) {
        self.queue.close();
        // `recv` and not `try_recv`: it knows of a chunk that was let in and is not in the list yet.
        while let Some(chunk) = self.queue.recv().await {
            self.room.leave(chunk.load());
            deliver(&self.gateway, &self.pair, &mut None, chunk).await;
        }
    }
}
