//! One established stream of a sender: writes what waits, and keeps it until the server at the other end has taken it.
//!
//! What is written counts as forwarded when it is acknowledged (XEP-0198), or at once where the peer does not do that.

use std::time::{Duration, Instant};

use refrain_proto::Awaited;
use refrain_proto::stanza::StanzaCondition;
use refrain_proto::stream::{Event, Input, Outcome, Output};
use tokio::time::{sleep_until, timeout};

use super::Sender;
use super::unacknowledged::{Batch, Unacknowledged};
use crate::net::alarm::Alarm;
use crate::net::connection::{Connection, Stalled, Turn};
use crate::net::dial::finish;
use crate::observe::counters::Ending;
use crate::observe::refusals::Refusal;
use crate::pipeline::receive::side_name;
use crate::pipeline::route::Chunk;

/// Chunks that wait together leave in one write of about this size.
const WRITE_BYTES: usize = 64 * 1024;

/// What a stream's end means for its sender.
pub(super) enum End {
    /// Nothing was left to send.
    Idle,
    /// It broke; there may be more to send.
    Broken,
}

/// Writes the first chunk and all that follow, until the stream ends or the drain has emptied the queue.
pub(super) async fn serve(sender: &mut Sender, connection: Connection, first: Chunk) -> End {
    let mut stream = Writing { sender, connection, unacknowledged: Unacknowledged::default(), progress: false };
    let end = match stream.run(first).await {
        Ok(()) => End::Idle,
        Err(Broken) => End::Broken,
    };
    stream.hear_last_words().await;
    stream.settle();
    end
}

struct Writing<'s> {
    sender: &'s mut Sender,
    connection: Connection,
    unacknowledged: Unacknowledged,
    /// Whether the peer has taken anything on this stream.
    progress: bool,
}

/// The connection is of no more use. Why is in the log.
struct Broken;

impl Writing<'_> {
    async fn run(&mut self, first: Chunk) -> Result<(), Broken> {
        let draining = self.sender.gateway.ending.sending.clone();
        let mut alarm = Alarm::new(Instant::now());
        let mut patience = None;
        self.write(first).await?;
        loop {
            let until = match self.connection.turn().await {
                Ok(Turn::Wait(until)) => until,
                Ok(Turn::Event(event)) => {
                    self.note(&event);
                    continue;
                }
                Ok(Turn::Finished(outcome)) => {
                    let Sender { side, pair, .. } = &self.sender;
                    tracing::info!(side = side_name(*side), from = %pair.from, to = %pair.to, %outcome, "stream ended");
                    if !matches!(outcome, Outcome::Closed | Outcome::TimedOut(Awaited::Traffic)) {
                        self.sender.gateway.block_lists.broke(pair);
                    }
                    return Err(Broken);
                }
                Err(error) => return Err(self.broke(&error)),
            };
            // Once our half has ended nothing may follow it: what comes now is for the next stream.
            let open = self.connection.stream().is_established();
            if open && let Some(chunk) = self.sender.again.pop_front() {
                self.write(chunk).await?;
                continue;
            }
            if draining.is_cancelled() && open {
                let patient_until = *patience.get_or_insert_with(|| self.patience());
                if self.is_done() || Instant::now() >= patient_until {
                    self.bounce_the_rest();
                    finish(&mut self.connection).await;
                    return Ok(());
                }
            }
            tokio::select! {
                Some(chunk) = self.sender.queue.recv(), if open => self.write(chunk).await?,
                received = self.connection.receive() => received.map_err(|error| self.broke(&error))?,
                () = alarm.reached(until) => self.connection.stream().handle(Input::Tick, Instant::now()),
                () = draining.cancelled(), if patience.is_none() && open => {}
                () = sleep_until(patience.unwrap_or(until).into()), if patience.is_some() && open => {}
            }
        }
    }

    /// How long a drain waits for acknowledgements: half of its time, so that the other half is left for the bounces.
    fn patience(&self) -> Instant {
        Instant::now() + self.sender.gateway.snapshot().config.limits.drain_timeout / 2
    }

    /// In a drain the receiving streams are gone: what is not in the queue now does not come any more.
    fn is_done(&self) -> bool {
        self.sender.queue.is_empty() && self.unacknowledged.is_empty()
    }

    fn bounce_the_rest(&mut self) {
        for chunk in self.take_back() {
            self.sender.room.leave(chunk.load());
            self.sender.return_to_sender(chunk, StanzaCondition::RemoteServerTimeout);
        }
    }

    /// Writes a chunk together with all that already waits behind it.
    async fn write(&mut self, first: Chunk) -> Result<(), Broken> {
        let mut batch = Batch::of(self.fit(first));
        while batch.bytes.len() < WRITE_BYTES {
            let Some(chunk) = self.sender.next_waiting() else { break };
            batch.append(&self.fit(chunk));
        }
        if batch.bytes.is_empty() {
            batch.leave(&self.sender.room);
            return Ok(());
        }
        let (stanzas, bytes) = (batch.stanzas(), batch.bytes.len());
        let request = self.connection.stream().writes(stanzas, bytes, Instant::now());
        batch.bytes.extend_from_slice(request);
        let written = self.connection.write(&batch.bytes).await;
        batch.bytes.truncate(bytes);
        if self.connection.stream().is_acknowledged() {
            self.unacknowledged.keep(batch);
        } else {
            self.count(batch, written.is_ok());
        }
        written.map_err(|error| self.broke(&error))
    }

    /// XEP-0478 §3: what the next server says it does not take is not sent to it, but returned to its sender.
    fn fit(&mut self, mut chunk: Chunk) -> Chunk {
        let Some(bytes_max) = self.connection.stream().peer_stanza_bytes_max() else { return chunk };
        let whole = chunk.load();
        if let Some(larger) = chunk.take_larger(bytes_max) {
            self.sender.room.shrink(whole, chunk.load());
            self.sender.return_to_sender(larger, StanzaCondition::PolicyViolation);
        }
        chunk
    }

    /// Of a peer that does not acknowledge, nothing more will be known.
    fn count(&mut self, mut batch: Batch, written: bool) {
        batch.leave(&self.sender.room);
        if written {
            return self.sender.gateway.counters.end(Ending::Forwarded, batch.relayed());
        }
        while let Some(chunk) = batch.next_chunk() {
            self.sender.return_to_sender(chunk, StanzaCondition::RemoteServerTimeout);
        }
    }

    fn note(&mut self, event: &Event) {
        if let Event::Acknowledged(stanzas) = event {
            self.progress = true;
            let forwarded = self.unacknowledged.acknowledge(*stanzas, &self.sender.room);
            self.sender.gateway.counters.end(Ending::Forwarded, forwarded);
        }
    }

    fn broke(&self, error: &std::io::Error) -> Broken {
        let Sender { gateway, side, pair, .. } = &self.sender;
        if Stalled::of(error) == Some(Stalled::Write) {
            gateway.refusals.note(Refusal::WriteStall, &pair.to);
        }
        tracing::info!(side = side_name(*side), from = %pair.from, to = %pair.to, %error, "connection broke");
        gateway.block_lists.broke(pair);
        Broken
    }

    /// An acknowledgement may have come before the connection broke, and not have been read.
    async fn hear_last_words(&mut self) {
        if self.unacknowledged.is_empty() {
            return;
        }
        let _ = timeout(Duration::ZERO, self.connection.receive()).await;
        loop {
            match self.connection.stream().poll() {
                Output::Event(event) => self.note(&event),
                Output::Transmit(_) | Output::StartTls => {}
                Output::Wait(_) | Output::Finished(_) => return,
            }
        }
    }

    fn take_back(&mut self) -> impl Iterator<Item = Chunk> + use<> {
        let (chunks, forwarded) = self.unacknowledged.take_back(&self.sender.room);
        self.sender.gateway.counters.end(Ending::Forwarded, forwarded);
        chunks.into_iter()
    }

    /// Leaves to the sender what the peer has not taken.
    fn settle(&mut self) {
        let left = self.take_back().collect();
        self.sender.take_over(left, self.progress);
    }
}
