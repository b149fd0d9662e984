//! Holds one accepted connection: proves who speaks, then takes in stanzas by the batch.
//!
//! listen → **receive** → judge

mod block_lists;
mod ending;
mod telling;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use block_lists::{ANSWER_BYTES_MAX, ANSWER_NODES_MAX, BlockListsHeard};
use ending::Ended;
use refrain_filter::Outcome as Ruled;
use refrain_proto::auth::{KeyClaim, Validity};
use refrain_proto::stream::{Event, Input, ReceivingPolicy, Stream};
use refrain_proto::{Kind, Side, Stanza, StanzaCondition, StreamCondition};
use telling::Judged;
use tokio::task::JoinSet;

use super::judge::{Circumstances, judge_and, now_ms};
use super::route::Outgoing;
use super::{Gateway, verify};
use crate::limits::Permit;
use crate::limits::meters::Dues;
use crate::net::alarm::Alarm;
use crate::net::connection::{Connection, TlsRole, Turn};
use crate::net::target::Transport;
use crate::net::wire::Wire;
use crate::observe::audit::Ruling;
use crate::observe::continuity::Recognised;
use crate::observe::counters::Ending;
use crate::observe::refusals::Refusal;
use crate::snapshot::{Snapshot, direction};

/// Serves a connection to its end.
pub async fn run(
    gateway: Arc<Gateway>,
    side: Side,
    transport: Transport,
    wire: Wire,
    peer: SocketAddr,
    permit: Permit,
) {
    let now = Instant::now();
    let _held = gateway.streams.from(side).hold();
    let snapshot = gateway.snapshot();
    let stream = Stream::receiving(policy(&gateway, &snapshot, side), now);
    let connection = Connection::new(wire, stream, snapshot.tls.clone(), side, TlsRole::Server);
    drop(snapshot);
    let evicted = permit.evicted();
    let mut receiver = Receiver {
        gateway: gateway.clone(),
        side,
        connection,
        permit,
        peer,
        questions: JoinSet::new(),
        outgoing: Outgoing::default(),
        pinned: None,
        batch: Batch::default(),
        dues: Dues::default(),
        held: None,
        delay: Duration::ZERO,
        alarm: Alarm::new(now),
        closing: false,
        first_pair: true,
        lists: BlockListsHeard::default(),
    };
    let ended = tokio::select! {
        ended = receiver.serve(transport) => ended,
        // Nothing was accepted of it: there is nothing to finish.
        () = evicted => Ok(Ended::Evicted),
    };
    receiver.tell_end(ended);
}

/// Senders and addressees that share one stream of a remote server; hosters open more streams, attackers must.
const OUTSIDE_PAIRS_MAX: usize = 100;

fn policy(gateway: &Gateway, snapshot: &Snapshot, side: Side) -> ReceivingPolicy {
    let mut limits = snapshot.config.limits.stream();
    if side == Side::Outside {
        limits.pairs_max = OUTSIDE_PAIRS_MAX;
    }
    ReceivingPolicy {
        boundary: snapshot.boundary.clone(),
        side,
        external: true,
        dialback: true,
        limits,
        ids: gateway.ids.clone(),
    }
}

struct Receiver {
    gateway: Arc<Gateway>,
    side: Side,
    connection: Connection,
    permit: Permit,
    peer: SocketAddr,
    /// Dialback questions under way; the stream bounds how many.
    questions: JoinSet<(KeyClaim, Validity)>,
    outgoing: Outgoing,
    /// The generation that judges this wake-up's stanzas, from the first of them until they are handed over. An idle stream
    /// holds none, or it would keep an old one in memory.
    pinned: Option<Arc<Snapshot>>,
    batch: Batch,
    /// What its domains have sent and their rates do not know of yet.
    dues: Dues,
    /// Until then nothing is read, so that TCP holds the peer back: a domain of the stream sent too much, or a filter said so.
    held: Option<Instant>,
    /// The longest that a filter asked for since the last wake-up.
    delay: Duration,
    alarm: Alarm,
    /// The drain has begun, or a filter closed the stream; it knows.
    closing: bool,
    /// No pair is proven yet.
    first_pair: bool,
    lists: BlockListsHeard,
}

/// What one wake-up added to the counters.
#[derive(Default)]
struct Batch {
    accepted: u64,
    bounced: u64,
    dropped: u64,
}

impl Receiver {
    async fn serve(&mut self, transport: Transport) -> io::Result<Ended> {
        if transport == Transport::DirectTls {
            self.connection.secure().await?;
        }
        loop {
            let turn = self.connection.turn().await;
            match turn {
                Ok(Turn::Event(Event::Authenticated { .. })) if !self.permit.prove() => return Ok(Ended::Evicted),
                Ok(Turn::Event(Event::Authenticated { .. })) if !self.may_prove_another() => self.close_for_rate(),
                Ok(Turn::Event(event)) => self.act(event),
                Ok(Turn::Wait(until)) => {
                    self.hand_over().await;
                    self.hold_back();
                    self.wait(until).await?;
                    self.expect_lists();
                }
                Ok(Turn::Finished(outcome)) => {
                    self.hand_over().await;
                    return Ok(Ended::Stream(outcome));
                }
                Err(error) => {
                    self.hand_over().await;
                    return Err(error);
                }
            }
        }
    }

    fn act(&mut self, event: Event) {
        match event {
            Event::Stanza(stanza) => self.pass(stanza),
            Event::Malformed(defect, reply) => {
                if let Some(count) = self.gateway.lines.malformed.add(1, Instant::now()) {
                    tracing::info!(side = side_name(self.side), peer = %self.peer, last = %defect, count, "malformed stanzas refused");
                }
                if let Some(reply) = reply {
                    self.outgoing.reply(&reply);
                }
            }
            Event::Verify(claim) if !self.may_ask() => {
                self.gateway.refusals.note(Refusal::DialbackRate, &self.peer.ip());
                let refused = Validity::Error(StanzaCondition::ResourceConstraint);
                self.connection.stream().handle(Input::Answered(claim, refused), Instant::now());
            }
            Event::Verify(claim) => {
                self.questions.spawn(verify::verify(self.gateway.clone(), self.side, claim));
            }
            Event::Asked(claim) => {
                let validity = verify::answer(&self.gateway, self.side, &claim);
                self.connection.stream().handle(Input::Answered(claim, validity), Instant::now());
            }
            Event::Authenticated { pair, by } => {
                tracing::info!(side = side_name(self.side), peer = %self.peer, from = %pair.from, to = %pair.to, %by, "peer authenticated");
                if self.side == Side::Outside {
                    let by = Recognised::AsClient(by);
                    self.gateway.continuity.note(&pair.from, self.connection.peer_key(), by);
                    self.dues.note_domain(&self.gateway.meters, pair.from.as_str());
                    self.lists.prove(pair);
                    self.expect_lists();
                }
            }
            Event::Unsolicited => {
                // T01. A peer can send these as fast as it likes, so they do not fill the operator's log.
                tracing::debug!(
                    side = side_name(self.side),
                    "an answer to a dialback question that was never asked: ignored"
                );
            }
            // Of initiating streams only.
            Event::KeyShown(_) | Event::Established(_) | Event::Acknowledged(_) | Event::Verified(..) => {}
        }
    }

    /// Judges one stanza and adds what follows from it to what this wake-up sends.
    fn pass(&mut self, mut stanza: Stanza) {
        if self.gateway.pings.take(&stanza) {
            return self.connection.stream().recycle(stanza);
        }
        if self.side == Side::Outside {
            self.dues.note_stanza(&self.gateway.meters, stanza.from().domain());
            let is_usual = !self.lists.come || self.is_of_usual_size(&stanza);
            if (is_usual || stanza.kind() == Kind::Iq) && self.gateway.block_lists.take(&stanza) {
                return self.connection.stream().recycle(stanza);
            }
            if !is_usual {
                return self.close(Some((StreamCondition::PolicyViolation, None)));
            }
        }
        self.batch.accepted += 1;
        let copy = self.gateway.taps.copy(&stanza);
        let (started, now_ms) = (Instant::now(), now_ms());
        let snapshot = self.pinned.get_or_insert_with(|| self.gateway.snapshot());
        let (direction, audit) = (direction(self.side), &self.gateway.audit);
        let standing = self.gateway.relations.standing(&stanza, direction, &snapshot.config.relations, now_ms);
        let circumstances = Circumstances { relation: standing.relation, now_ms };
        let (mut decision, steps) = judge_and(snapshot, self.side, &mut stanza, circumstances, |worker, decision| {
            let remarkable = Ruling::of(decision) != Ruling::Forward || worker.failed() || audit.wants_forwards();
            remarkable.then(|| worker.steps())
        });
        self.gateway.relations.note(standing, &decision, &stanza, direction, &snapshot.config.relations);
        if copy.is_some() || steps.is_some() {
            let judged = Judged { side: self.side, stanza: &stanza, circumstances, took: started.elapsed() };
            judged.tell(&self.gateway, snapshot, &mut decision, copy, steps);
        }
        self.delay = self.delay.max(decision.delay);
        match decision.outcome {
            Ruled::Forward => self.outgoing.relay(&stanza),
            Ruled::Bounce(error) => match stanza.error_reply(&error) {
                Some(reply) => {
                    self.outgoing.reply(&reply);
                    self.batch.bounced += 1;
                }
                None => self.batch.dropped += 1,
            },
            Ruled::Reply(payload) => match stanza.message_reply(payload.elements()) {
                Some(reply) => {
                    self.outgoing.reply(&reply);
                    self.batch.bounced += 1;
                }
                None => self.batch.dropped += 1,
            },
            Ruled::Drop => self.batch.dropped += 1,
            Ruled::CloseStream { condition, text } => {
                self.batch.dropped += 1;
                self.close(Some((condition, text)));
            }
        }
        self.connection.stream().recycle(stanza);
    }

    /// A service of block lists may answer in one piece what it does not give by the page.
    fn expect_lists(&mut self) {
        if self.lists.begin_to_come(&self.gateway.block_lists) {
            self.connection.stream().take_larger(ANSWER_BYTES_MAX, ANSWER_NODES_MAX);
        }
    }

    /// Whether a stanza would have been let in by a stream that is not of such a service.
    fn is_of_usual_size(&self, stanza: &Stanza) -> bool {
        let limits = self.gateway.snapshot().config.limits.stream().xml;
        stanza.size() <= limits.stanza_bytes_max && stanza.element().check(&limits).is_ok()
    }

    /// Whether the peer's address may have us ask an authority: a question costs as much as a connection (threat T39).
    fn may_ask(&self) -> bool {
        self.permit.charge(&self.gateway.snapshot().config.limits, Instant::now())
    }

    /// Whether the peer's address may prove one more pair. The first came with its connection; each further one costs us a sender,
    /// and so as much as a connection.
    fn may_prove_another(&mut self) -> bool {
        std::mem::replace(&mut self.first_pair, false) || self.may_ask()
    }

    fn close_for_rate(&mut self) {
        self.gateway.refusals.note(Refusal::PairRate, &self.peer.ip());
        self.close(Some((StreamCondition::PolicyViolation, None)));
    }

    /// Ends the stream, for the first reason there is.
    fn close(&mut self, reason: Option<(StreamCondition, Option<String>)>) {
        if !std::mem::replace(&mut self.closing, true) {
            self.held = None;
            self.connection.stream().handle(Input::Close(reason), Instant::now());
        }
    }

    /// Ends the batch: counts it and gives every stanza to its sender.
    async fn hand_over(&mut self) {
        self.pinned = None;
        let Batch { accepted, bounced, dropped } = std::mem::take(&mut self.batch);
        self.gateway.counters.accept(accepted);
        self.gateway.counters.end(Ending::Bounced, bounced);
        self.gateway.counters.end(Ending::Dropped, dropped);
        self.outgoing.flush(&self.gateway).await;
    }

    /// Settles what came since the last wake-up: a stream is not read for a while if a filter said so, or if a domain of it sent
    /// too much. All that was read is on its way already: nothing is lost, and the peer's own buffers fill.
    fn hold_back(&mut self) {
        if self.held.is_some() {
            return;
        }
        let now = Instant::now();
        let pause = std::mem::take(&mut self.delay).max(self.settle(now));
        if !pause.is_zero() && !self.closing && self.connection.stream().is_established() {
            self.held = Some(now + pause);
        }
    }

    /// Returns how long a domain that sent too much is to wait. What the protected servers send has no rate.
    fn settle(&mut self, now: Instant) -> Duration {
        if self.side == Side::Inside {
            return Duration::ZERO;
        }
        let bytes = self.connection.take_received();
        if !self.dues.is_open() && bytes == 0 {
            return Duration::ZERO;
        }
        let snapshot = self.gateway.snapshot();
        let Some((pause, refusal)) = self.dues.settle(bytes, &snapshot.config, now) else { return Duration::ZERO };
        if !self.closing && self.connection.stream().is_established() {
            self.gateway.refusals.note(refusal, &self.peer.ip());
        }
        pause
    }

    /// Waits for bytes, an answer, the stream's timer or the drain.
    async fn wait(&mut self, until: Instant) -> io::Result<()> {
        tokio::select! {
            received = self.connection.receive(), if self.held.is_none() => received?,
            Some(answered) = self.questions.join_next() => {
                // A question that panicked is answered by the stream's own timer.
                if let Ok((claim, validity)) = answered {
                    self.connection.stream().handle(Input::Answered(claim, validity), Instant::now());
                }
            }
            () = self.alarm.reached(self.held.unwrap_or(until)) => match self.held.take() {
                // The silence was ours.
                Some(_) => self.connection.stream().held_back(Instant::now()),
                None => self.connection.stream().handle(Input::Tick, Instant::now()),
            },
            () = self.gateway.ending.receiving.cancelled(), if !self.closing => self.close(None),
        }
        Ok(())
    }
}

/// The side as it is written in logs.
pub fn side_name(side: Side) -> &'static str {
    match direction(side) {
        refrain_filter::Direction::Inbound => "outside",
        refrain_filter::Direction::Outbound => "inside",
    }
}
