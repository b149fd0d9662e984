//! What one wake-up sends to one pair: canonical stanzas in one piece.

use refrain_proto::xml::{Reader, Token};
use refrain_proto::{Element, Stanza, XmlLimits};

/// What a chunk costs beyond its bytes, so that many small chunks cannot outgrow the budget in bytes.
const CHUNK_OVERHEAD: usize = 128;

/// Who wrote the stanzas of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// An accepted stanza on its way.
    Relayed,
    /// Refrain's own stanzas, errors but for a ping: counted nowhere and never answered.
    Reply,
}

/// Canonical stanzas of one pair, in order.
#[derive(Debug)]
pub struct Chunk {
    /// Their bytes, one after the other.
    pub bytes: Vec<u8>,
    /// How many they are.
    pub stanzas: u32,
    /// Who wrote them.
    pub origin: Origin,
}

impl Chunk {
    /// An empty one.
    pub fn new(origin: Origin) -> Self {
        Chunk { bytes: Vec::new(), stanzas: 0, origin }
    }

    /// Adds a stanza, written as it will be sent.
    pub fn push(&mut self, stanza: &Stanza) {
        stanza.write(&mut self.bytes);
        self.stanzas += 1;
    }

    /// What it takes of its queue.
    pub fn load(&self) -> Load {
        Load { bytes: self.bytes.len(), stanzas: self.stanzas, origin: self.origin }
    }

    /// Takes out the stanzas that are larger than this; none where all are small enough.
    pub fn take_larger(&mut self, bytes_max: u32) -> Option<Chunk> {
        if self.bytes.len() <= bytes_max as usize {
            return None;
        }
        let (mut fit, mut larger) = (Chunk::new(self.origin), Chunk::new(self.origin));
        for_each_stanza(self, |stanza| if stanza.size() > bytes_max { larger.push(stanza) } else { fit.push(stanza) });
        (larger.stanzas > 0).then(|| {
            *self = fit;
            larger
        })
    }

    /// The stanzas behind the first `count`.
    pub fn without_first(&self, count: u32) -> Chunk {
        let mut rest = Chunk::new(self.origin);
        let mut passed = 0;
        for_each_stanza(self, |stanza| {
            if passed >= count {
                rest.push(stanza);
            }
            passed += 1;
        });
        rest
    }
}

/// What a chunk takes of its queue, for as long as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Bytes of its stanzas.
    pub bytes: usize,
    /// How many they are.
    pub stanzas: u32,
    /// Who wrote them.
    pub origin: Origin,
}

impl Load {
    /// How many of its stanzas are counted: those that are not our own.
    pub fn relayed(self) -> u64 {
        if self.origin == Origin::Relayed { u64::from(self.stanzas) } else { 0 }
    }

    /// What it counts against a queue of `budget` bytes; more than that is never asked for.
    pub(super) fn cost(self, budget: usize) -> u32 {
        u32::try_from((self.bytes + CHUNK_OVERHEAD).min(budget)).unwrap_or(u32::MAX)
    }
}

/// Reads a chunk back. What is in it came from our own writer, so every stanza parses.
pub(super) fn for_each_stanza(chunk: &Chunk, mut each: impl FnMut(&Stanza)) {
    let limits = XmlLimits { stanza_bytes_max: u32::MAX, ..XmlLimits::default() };
    let mut reader = Reader::new(limits);
    reader.feed(b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>");
    reader.feed(&chunk.bytes);
    let mut element = Element::default();
    let mut stanza = Stanza::default();
    while let Ok(Some(token)) = reader.next(&mut element) {
        if token == Token::Element && stanza.take(&mut element, None).is_ok() {
            each(&stanza);
        }
    }
}
