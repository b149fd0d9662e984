//! The half of a stream that does not depend on its state: bytes, deadlines, and how it ends.

use super::clock::{Clock, Due};
use super::header;
use super::ids::StreamIds;
use super::outcome::Outcome;
use super::sm;
use super::{Event, Output};
use crate::error::{Awaited, PeerMisbehaved, StreamCondition};
use crate::jid::Domain;
use crate::limits::StreamLimits;
use crate::ns;
use crate::stanza::Stanza;
use crate::xml::{Element, Reader, Token, XmlError};
use std::collections::VecDeque;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Wire {
    /// None while TLS is being negotiated: whatever was read before it is gone with the reader.
    reader: Option<Reader>,
    outputs: VecDeque<Output>,
    /// Written since the last output.
    unsent: Vec<u8>,
    header_sent: bool,
    ending: Ending,
    limits: StreamLimits,
    /// Bytes the peer may still send before it has proven something; none once it has.
    unproven_bytes_left: Option<u32>,
    /// Whether the peer has sent anything.
    heard: bool,
    /// Whether what the peer sends has stopped to be XML, so that nothing more is read.
    deaf: bool,
    clock: Clock,
    spare: Option<Stanza>,
    /// Draws the ids of our headers; an initiating stream's headers have none.
    ids: Option<StreamIds>,
    pub(super) local: Option<Domain>,
    pub(super) remote: Option<Domain>,
}

/// How far the end of the stream has come.
#[derive(Debug)]
enum Ending {
    Open,
    /// Our half is ended; the peer's is awaited.
    Closing {
        outcome: Outcome,
        takes_stanzas: bool,
    },
    Finished(Outcome),
}

impl Wire {
    pub(super) fn new(limits: StreamLimits, ids: Option<StreamIds>, now: Instant) -> Self {
        Self {
            reader: Some(Reader::new(limits.xml.clone())),
            outputs: VecDeque::new(),
            unsent: Vec::new(),
            header_sent: false,
            ending: Ending::Open,
            unproven_bytes_left: Some(limits.handshake_bytes_max),
            heard: false,
            deaf: false,
            clock: Clock::new(limits.clone(), now),
            spare: None,
            limits,
            ids,
            local: None,
            remote: None,
        }
    }

    pub(super) fn limits(&self) -> &StreamLimits {
        &self.limits
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.ending, Ending::Open)
    }

    /// Tells whether what the peer still sends counts: until the end, or until we ended the stream for its fault.
    pub(super) fn takes_stanzas(&self) -> bool {
        matches!(self.ending, Ending::Open | Ending::Closing { takes_stanzas: true, .. })
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self.ending, Ending::Finished(_))
    }

    /// Tells whether nothing has gone either way, so that TLS may come first (XEP-0368).
    pub(super) fn is_untouched(&self) -> bool {
        !self.heard && !self.header_sent
    }
}

/// What comes in.
impl Wire {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.deaf {
            return;
        }
        self.heard = true;
        self.clock.note_traffic();
        let Some(reader) = &mut self.reader else { return self.fail_silently(PeerMisbehaved::BytesBeforeTls) };
        if let Some(left) = &mut self.unproven_bytes_left {
            match left.checked_sub(bytes.len() as u32) {
                Some(rest) => *left = rest,
                None => return self.give_up_reading(PeerMisbehaved::HandshakeTooLarge),
            }
        }
        reader.feed(bytes);
    }

    pub(super) fn next(&mut self, element: &mut Element) -> Result<Option<Token>, XmlError> {
        self.reader.as_mut().map_or(Ok(None), |reader| reader.next(element))
    }

    pub(super) fn take_larger(&mut self, stanza_bytes_max: u32, nodes_max: u32) {
        let xml = &mut self.limits.xml;
        xml.stanza_bytes_max = xml.stanza_bytes_max.max(stanza_bytes_max);
        xml.nodes_max = xml.nodes_max.max(nodes_max);
        if let Some(reader) = &mut self.reader {
            reader.set_limits(xml.clone());
        }
    }

    pub(super) fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// Tells whether bytes have come after the element returned last.
    pub(super) fn has_unread_bytes(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| !reader.is_empty())
    }

    /// A peer that got an answer may ask again.
    pub(super) fn renew_unproven_bytes(&mut self) {
        if let Some(left) = &mut self.unproven_bytes_left {
            *left = self.limits.handshake_bytes_max;
        }
    }

    /// Begins the stream anew inside TLS: of what came before, nothing is left (RFC 6120 §5.4.3.3).
    pub(super) fn restart_secured(&mut self) {
        self.begin_anew(Reader::new(self.limits.xml.clone()));
    }

    /// Begins the stream anew after SASL (RFC 6120 §6.4.6). Bytes that came in the same read are already of the new one.
    pub(super) fn restart_authenticated(&mut self) {
        let mut reader = Reader::new(self.limits.xml.clone());
        reader.feed(self.reader.as_ref().map_or(&[], Reader::unread));
        self.begin_anew(reader);
    }

    fn begin_anew(&mut self, reader: Reader) {
        self.reader = Some(reader);
        self.header_sent = false;
        self.renew_unproven_bytes();
    }

    pub(super) fn take_spare(&mut self) -> Stanza {
        self.spare.take().unwrap_or_default()
    }

    pub(super) fn keep_spare(&mut self, stanza: Stanza) {
        self.spare = Some(stanza);
    }
}

/// What goes out.
impl Wire {
    /// Sends our header and returns the id in it.
    pub(super) fn open(&mut self) -> String {
        let id = self.ids.as_ref().map(StreamIds::draw);
        header::write(self.local.as_ref(), self.remote.as_ref(), id.as_deref(), &mut self.unsent);
        self.header_sent = true;
        id.unwrap_or_default()
    }

    pub(super) fn send(&mut self, element: &Element) {
        if self.is_open() {
            element.write(&mut self.unsent);
        }
    }

    pub(super) fn request_acknowledgement(&mut self) {
        if self.is_open() {
            self.unsent.extend_from_slice(sm::REQUEST);
        }
    }

    pub(super) fn raise(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    /// Hands the connection over to TLS, once everything sent so far is out.
    pub(super) fn start_tls(&mut self) {
        self.reader = None;
        self.push(Output::StartTls);
        self.expect(Awaited::Tls);
    }

    fn push(&mut self, output: Output) {
        self.flush();
        self.outputs.push_back(output);
    }

    fn flush(&mut self) {
        if !self.unsent.is_empty() {
            self.outputs.push_back(Output::Transmit(std::mem::take(&mut self.unsent)));
        }
    }

    pub(super) fn take_output(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.flush();
        }
        self.outputs.pop_front()
    }

    /// What there is to say when there is nothing to do.
    pub(super) fn rest(&self) -> Output {
        match &self.ending {
            Ending::Finished(outcome) => Output::Finished(outcome.clone()),
            Ending::Open | Ending::Closing { .. } => Output::Wait(self.clock.next_due()),
        }
    }
}

/// Time.
impl Wire {
    pub(super) fn advance_to(&mut self, now: Instant) {
        self.clock.advance_to(now);
    }

    /// Sets the deadline of one step of the handshake.
    pub(super) fn expect(&mut self, awaited: Awaited) {
        if self.is_open() {
            self.clock.expect(awaited);
        }
    }

    /// A key was put to its authority, which takes a handshake of its own.
    pub(super) fn extend_handshake(&mut self) {
        self.clock.extend_handshake();
        if self.unproven_bytes_left.is_some() {
            self.expect(Awaited::Proof);
        }
    }

    /// The handshake is over: from now on only silence ends the stream, and an initiating stream breaks it.
    pub(super) fn settle(&mut self, pings: bool) {
        self.unproven_bytes_left = None;
        self.expect(Awaited::Traffic);
        if pings && self.is_open() {
            self.clock.schedule_ping();
        }
    }

    /// We wrote something: no space is due for a while.
    pub(super) fn note_written(&mut self) {
        self.clock.note_traffic();
        self.clock.postpone_ping();
    }

    /// Stanzas wait to be acknowledged, or some of them just were.
    pub(super) fn await_acknowledgement(&mut self) {
        if self.is_open() {
            self.clock.await_acknowledgement();
        }
    }

    /// A request has just been made; if it brings nothing, there will be another.
    pub(super) fn schedule_request(&mut self) {
        if self.is_open() {
            self.clock.schedule_request();
        }
    }

    pub(super) fn all_is_acknowledged(&mut self) {
        self.clock.forget_acknowledgement();
    }

    /// We did not look whether the peer wrote something.
    pub(super) fn note_held_back(&mut self) {
        self.clock.note_traffic();
    }

    pub(super) fn check_deadlines(&mut self) {
        if self.is_finished() {
            return;
        }
        match self.clock.due() {
            Some(Due::Deadline(awaited)) => self.time_out(awaited),
            Some(Due::Ping) => {
                self.unsent.push(b' ');
                self.clock.schedule_ping();
            }
            Some(Due::Request) => {
                self.request_acknowledgement();
                self.clock.schedule_request();
            }
            None => {}
        }
    }

    fn time_out(&mut self, awaited: Awaited) {
        match &self.ending {
            Ending::Open => {
                self.close_with(StreamCondition::ConnectionTimeout, None, Outcome::TimedOut(awaited), false);
            }
            Ending::Closing { outcome, .. } => self.finish(outcome.clone()),
            Ending::Finished(_) => {}
        }
    }
}

/// The end.
impl Wire {
    /// Ends the stream for what the peer did.
    pub(super) fn misbehaved(&mut self, misbehaved: PeerMisbehaved) {
        if matches!(self.ending, Ending::Closing { .. }) {
            // Our half has ended already: there is nobody to tell, and nothing more to take.
            return self.finish(Outcome::PeerMisbehaved(misbehaved));
        }
        let error = misbehaviour_error(&misbehaved);
        self.close_with_error(&error, Outcome::PeerMisbehaved(misbehaved), false);
    }

    /// Ends the stream for what the peer sent, of which nothing more can be read.
    pub(super) fn give_up_reading(&mut self, misbehaved: PeerMisbehaved) {
        self.deaf = true;
        self.misbehaved(misbehaved);
    }

    /// Ends the connection for what the peer did, where nothing can be said to it any more.
    pub(super) fn fail_silently(&mut self, misbehaved: PeerMisbehaved) {
        self.finish(Outcome::PeerMisbehaved(misbehaved));
    }

    /// Ends our half with an error (RFC 6120 §4.9.1.2: never without a header before it).
    pub(super) fn close_with(
        &mut self,
        condition: StreamCondition,
        text: Option<&str>,
        outcome: Outcome,
        takes_stanzas: bool,
    ) {
        self.close_with_error(&stream_error(condition, text), outcome, takes_stanzas);
    }

    fn close_with_error(&mut self, error: &Element, outcome: Outcome, takes_stanzas: bool) {
        if !self.is_open() {
            return;
        }
        if self.reader.is_none() {
            return self.finish(outcome);
        }
        if !self.header_sent {
            self.open();
        }
        self.send(error);
        self.close(outcome, takes_stanzas);
    }

    /// Ends our half and gives the peer a little time to end its own (RFC 6120 §4.4).
    pub(super) fn close(&mut self, outcome: Outcome, takes_stanzas: bool) {
        if !self.is_open() {
            return;
        }
        if !self.header_sent || self.reader.is_none() {
            return self.finish(outcome);
        }
        self.unsent.extend_from_slice(b"</stream:stream>");
        self.clock.expect(Awaited::Close);
        self.clock.stop_pings();
        self.clock.forget_acknowledgement();
        self.ending = Ending::Closing { outcome, takes_stanzas };
    }

    /// The peer ended its half; what we have sent is flushed, then the connection ends.
    pub(super) fn peer_closed(&mut self, outcome: Outcome) {
        self.close(outcome.clone(), false);
        match &self.ending {
            Ending::Closing { outcome, .. } => self.finish(outcome.clone()),
            Ending::Open | Ending::Finished(_) => {}
        }
    }

    pub(super) fn eof(&mut self) {
        match &self.ending {
            Ending::Open => self.finish(Outcome::Eof),
            Ending::Closing { outcome, .. } => self.finish(outcome.clone()),
            Ending::Finished(_) => {}
        }
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        if !self.is_finished() {
            self.ending = Ending::Finished(outcome);
            self.reader = None;
        }
    }
}

/// The stream error for what the peer did; XEP-0198 §6 says the two counts.
fn misbehaviour_error(misbehaved: &PeerMisbehaved) -> Element {
    let mut error = stream_error(misbehaved.condition(), None);
    if let PeerMisbehaved::HandledCountTooHigh { handled, sent } = misbehaved {
        let node = error.append(0, ns::STREAM_MANAGEMENT, "handled-count-too-high");
        error.set_attribute(node, "h", Some(&handled.to_string()));
        error.set_attribute(node, "send-count", Some(&sent.to_string()));
    }
    error
}

fn stream_error(condition: StreamCondition, text: Option<&str>) -> Element {
    let mut element = Element::new(ns::STREAM, "error");
    element.append(0, ns::STREAMS_ERR, condition.as_str());
    if let Some(text) = text {
        let node = element.append(0, ns::STREAMS_ERR, "text");
        element.set_attribute_in(node, ns::XML, "lang", Some("en"));
        element.append_text(node, text);
    }
    element
}
