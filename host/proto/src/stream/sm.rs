//! Stream management on a stream that we opened (XEP-0198): how many of our stanzas the peer has taken on itself.
//!
//! proven → `<enable/>` → `<enabled/>` → **stanzas, requests, acknowledgements**
//!
//! Streams are not resumed: the host keeps what is not acknowledged and decides what becomes of it on the next stream.

use super::Event;
use super::wire::Wire;
use crate::error::PeerMisbehaved;
use crate::ns;
use crate::xml::{Element, Node};

/// `<r/>` (§4), as it follows stanzas that the host writes.
pub(super) const REQUEST: &[u8] = b"<r xmlns='urn:xmpp:sm:3'/>";

/// While a request is unanswered, the next one comes after so many bytes: a peer that takes a kilobyte a second then still shows
/// progress before its deadline, however much waits behind.
const REQUEST_BYTES: usize = 64 * 1024;

/// Begins to count (§3). Nobody is asked to resume.
pub(super) fn enable() -> Element {
    Element::new(ns::STREAM_MANAGEMENT, "enable")
}

/// How far the peer has come with what we wrote. Counts are modulo 2^32 (§4), as `h` is.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    /// Stanzas written since `<enable/>`.
    sent: u32,
    /// Of these, taken by the peer.
    acknowledged: u32,
    /// Of these, covered by a request.
    requested: u32,
    /// Bytes written since the last request.
    unrequested_bytes: usize,
}

impl Acknowledgements {
    /// Counts stanzas that the host is about to write; returns what is to follow them.
    pub(super) fn note_writing(&mut self, stanzas: u32, bytes: usize, wire: &mut Wire) -> &'static [u8] {
        if self.sent == self.acknowledged {
            wire.await_acknowledgement();
        }
        let answered = self.requested == self.acknowledged;
        self.sent = self.sent.wrapping_add(stanzas);
        self.unrequested_bytes += bytes;
        if !answered && self.unrequested_bytes < REQUEST_BYTES {
            return b"";
        }
        self.note_request(wire);
        REQUEST
    }

    fn note_request(&mut self, wire: &mut Wire) {
        (self.requested, self.unrequested_bytes) = (self.sent, 0);
        wire.schedule_request();
    }

    /// Takes an element of stream management; false if it is something else.
    pub(super) fn take(&mut self, node: Node<'_>, wire: &mut Wire) -> Result<bool, PeerMisbehaved> {
        if node.is(ns::STREAM_MANAGEMENT, "r") {
            wire.send(&answer());
            return Ok(true);
        }
        if !node.is(ns::STREAM_MANAGEMENT, "a") {
            return Ok(false);
        }
        let handled = node.attribute("h").and_then(|h| h.parse().ok()).ok_or(PeerMisbehaved::BadAcknowledgement)?;
        self.take_acknowledgement(handled, wire)?;
        Ok(true)
    }

    fn take_acknowledgement(&mut self, handled: u32, wire: &mut Wire) -> Result<(), PeerMisbehaved> {
        let newly = handled.wrapping_sub(self.acknowledged);
        // §6. A count that went backwards looks like one that is 2^32 too high, and is no better.
        if newly > self.sent.wrapping_sub(self.acknowledged) {
            return Err(PeerMisbehaved::HandledCountTooHigh { handled, sent: self.sent });
        }
        if newly > self.requested.wrapping_sub(self.acknowledged) {
            self.requested = handled;
        }
        self.acknowledged = handled;
        if newly > 0 {
            wire.raise(Event::Acknowledged(newly));
        }
        self.look_ahead(newly > 0, wire);
        Ok(())
    }

    /// Decides what is due after an answer: nothing, the next request, or patience with a peer that has taken a part.
    fn look_ahead(&mut self, progress: bool, wire: &mut Wire) {
        if self.acknowledged == self.sent {
            return wire.all_is_acknowledged();
        }
        if progress {
            wire.await_acknowledgement();
        }
        if self.requested == self.acknowledged {
            wire.request_acknowledgement();
            self.note_request(wire);
        }
    }
}

/// §4: a request is answered at once. No stanza ever comes on a stream that we opened, so none was handled.
fn answer() -> Element {
    let mut element = Element::new(ns::STREAM_MANAGEMENT, "a");
    element.set_attribute(0, "h", Some("0"));
    element
}
