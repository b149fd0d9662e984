//! The stanza of the measurements: a 350-byte chat message with a chat state and a receipt request, its departure in its id.

use std::{sync::OnceLock, time::Instant};

/// The length of every stanza, as in the measurements of other servers (`speed.md` of the design).
pub const STANZA_BYTES: usize = 350;

/// The hosted domain.
pub const HOME: &str = "home.example";

/// Remote domains of the source are `p0.peers.example`, `p1.peers.example`…
pub const PEERS: &str = "peers.example";

const ID_DIGITS: usize = 16;

/// Returns the name of the n-th remote domain.
pub fn peer(number: usize) -> String {
    format!("p{number}.{PEERS}")
}

/// A stanza whose id can be rewritten in place.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    id: usize,
}

impl Template {
    /// Writes the stanza of a remote domain.
    pub fn new(from: &str) -> Self {
        let start = format!("<message from=\"romeo@{from}/orchard\" to=\"juliet@{HOME}/balcony\" type=\"chat\" id=\"");
        let end = "</body><active xmlns=\"http://jabber.org/protocol/chatstates\"/>\
                   <request xmlns=\"urn:xmpp:receipts\"/></message>";
        let id = start.len();
        let mut stanza = format!("{start}{:0ID_DIGITS$x}\"><body>", 0);
        let body = STANZA_BYTES - stanza.len() - end.len();
        stanza.extend("But soft, what light through yonder window breaks? ".chars().cycle().take(body));
        stanza.push_str(end);
        Self { bytes: stanza.into_bytes(), id }
    }

    /// Returns the stanza with a departure time in its id.
    pub fn departing(&mut self, nanoseconds: u64) -> &[u8] {
        let id = format!("{nanoseconds:0ID_DIGITS$x}");
        self.bytes[self.id..self.id + ID_DIGITS].copy_from_slice(id.as_bytes());
        &self.bytes
    }

    /// Returns `count` stanzas in one piece.
    pub fn repeated(&self, count: usize) -> Vec<u8> {
        self.bytes.repeat(count)
    }
}

/// Reads the departure time out of a complete stanza.
pub fn departure(stanza: &[u8]) -> Option<u64> {
    let id = memchr::memmem::find(stanza, b" id=\"")? + 5;
    let digits = std::str::from_utf8(stanza.get(id..id + ID_DIGITS)?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

/// Nanoseconds on a clock that the source and the sink share.
pub fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_agreed_length_and_carries_its_departure() {
        let mut template = Template::new(&peer(3));
        let stanza = template.departing(0x1234_5678_9abc);
        assert_eq!(stanza.len(), STANZA_BYTES);
        assert_eq!(departure(stanza), Some(0x1234_5678_9abc));
    }
}
