//! What was written to a server that acknowledges and has not acknowledged it yet: still ours to deliver.
//!
//! Nothing is copied for it: what was written is kept as it was written, and taken apart only if the stream breaks.

use std::collections::VecDeque;

use crate::pipeline::route::{Chunk, Load, Origin, Room};

/// One write: the stanzas of one or more chunks in one piece.
#[derive(Debug)]
pub struct Batch {
    /// Their bytes, one after the other.
    pub bytes: Vec<u8>,
    parts: VecDeque<Part>,
    /// Where the first of the remaining parts begins.
    start: usize,
}

/// A chunk in a batch.
#[derive(Debug, Clone, Copy)]
struct Part {
    bytes: usize,
    stanzas: u32,
    origin: Origin,
}

impl Part {
    fn load(self) -> Load {
        Load { bytes: self.bytes, stanzas: self.stanzas, origin: self.origin }
    }
}

impl Batch {
    /// Begins one.
    pub fn of(chunk: Chunk) -> Self {
        let part = Part { bytes: chunk.bytes.len(), stanzas: chunk.stanzas, origin: chunk.origin };
        Batch { bytes: chunk.bytes, parts: VecDeque::from([part]), start: 0 }
    }

    /// Adds what waited behind.
    pub fn append(&mut self, chunk: &Chunk) {
        self.bytes.extend_from_slice(&chunk.bytes);
        self.parts.push_back(Part { bytes: chunk.bytes.len(), stanzas: chunk.stanzas, origin: chunk.origin });
    }

    /// How many stanzas are in it.
    pub fn stanzas(&self) -> u32 {
        self.parts.iter().map(|part| part.stanzas).sum()
    }

    /// How many of them are counted: those that are not our own.
    pub fn relayed(&self) -> u64 {
        self.parts.iter().map(|part| part.load().relayed()).sum()
    }

    /// Gives back the room of everything in it.
    pub fn leave(&self, room: &Room) {
        self.parts.iter().for_each(|part| room.leave(part.load()));
    }

    /// Takes the next chunk out.
    pub fn next_chunk(&mut self) -> Option<Chunk> {
        let Part { bytes, stanzas, origin } = self.parts.pop_front()?;
        let start = self.start;
        self.start += bytes;
        Some(Chunk { bytes: self.bytes[start..self.start].to_vec(), stanzas, origin })
    }
}

/// Batches in the order in which they were written.
#[derive(Debug, Default)]
pub struct Unacknowledged {
    batches: VecDeque<Batch>,
    /// Stanzas of the first part that are acknowledged already.
    taken: u32,
}

impl Unacknowledged {
    /// Whether the peer has taken everything.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Keeps what has just been written.
    pub fn keep(&mut self, batch: Batch) {
        self.batches.push_back(batch);
    }

    /// Lets go of the first `stanzas`, with their room; returns how many count as forwarded by that. A chunk goes as a whole.
    pub fn acknowledge(&mut self, stanzas: u32, room: &Room) -> u64 {
        let mut forwarded = 0;
        self.taken += stanzas;
        while let Some(batch) = self.batches.front_mut() {
            let Some(part) = batch.parts.front().copied() else {
                self.batches.pop_front();
                continue;
            };
            let Some(rest) = self.taken.checked_sub(part.stanzas) else { break };
            self.taken = rest;
            batch.start += part.bytes;
            batch.parts.pop_front();
            room.leave(part.load());
            forwarded += part.load().relayed();
        }
        forwarded
    }

    /// Takes apart what is left, in order. A chunk of which a part was acknowledged is split there; what of it counts as forwarded
    /// is returned with it.
    pub fn take_back(&mut self, room: &Room) -> (VecDeque<Chunk>, u64) {
        let mut chunks: VecDeque<Chunk> = VecDeque::new();
        for mut batch in self.batches.drain(..) {
            chunks.extend(std::iter::from_fn(|| batch.next_chunk()));
        }
        let taken = std::mem::take(&mut self.taken);
        let Some(first) = chunks.front_mut().filter(|_| taken > 0) else { return (chunks, 0) };
        let rest = first.without_first(taken);
        room.shrink(first.load(), rest.load());
        let forwarded = first.load().relayed() - rest.load().relayed();
        *first = rest;
        (chunks, forwarded)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use refrain_proto::Stanza;

    use super::*;
    use crate::config::Limits;
    use crate::pipeline::route::Everywhere;

    /// A chunk of stanzas with these numbers.
    fn chunk(numbers: std::ops::Range<usize>, origin: Origin) -> Chunk {
        let mut chunk = Chunk::new(origin);
        for number in numbers {
            let xml =
                format!("<message from='a@home.example' to='b@away.example' id='{number}'><body>…</body></message>");
            chunk.push(&Stanza::parse(&xml).unwrap());
        }
        chunk
    }

    fn ids(chunk: &Chunk) -> Vec<usize> {
        let text = String::from_utf8(chunk.bytes.clone()).unwrap();
        let digits = |rest: &str| rest.chars().skip(1).take_while(char::is_ascii_digit).collect::<String>();
        text.split(" id=").skip(1).map(|rest| digits(rest).parse().unwrap()).collect()
    }

    proptest! {
        /// Whatever was written together and however the acknowledgements fell: what is acknowledged is forwarded, what is not is
        /// taken back in order, and the room is what it was.
        #[test]
        fn what_is_acknowledged_and_what_is_taken_back_are_all_there_is(
            batches in prop::collection::vec(prop::collection::vec((1_usize..6, any::<bool>()), 1..5), 1..6),
            fractions in prop::collection::vec(0.0..1.0_f64, 0..8),
        ) {
            let everywhere = Arc::new(Everywhere::default());
            let room = Room::new(&Limits::default(), everywhere.clone());
            let (mut unacknowledged, mut origins) = (Unacknowledged::default(), Vec::new());
            for batch in batches {
                let chunks: Vec<Chunk> = batch.into_iter().map(|(stanzas, relayed)| {
                    let origin = if relayed { Origin::Relayed } else { Origin::Reply };
                    let chunk = chunk(origins.len()..origins.len() + stanzas, origin);
                    origins.extend(std::iter::repeat_n(origin, stanzas));
                    assert!(room.try_enter(chunk.load()));
                    chunk
                }).collect();
                let mut chunks = chunks.into_iter();
                let mut batch = Batch::of(chunks.next().unwrap());
                chunks.for_each(|chunk| batch.append(&chunk));
                unacknowledged.keep(batch);
            }
            let (mut acknowledged, mut forwarded) = (0, 0);
            for fraction in fractions {
                let more = (fraction * (origins.len() - acknowledged) as f64) as usize;
                acknowledged += more;
                forwarded += unacknowledged.acknowledge(more as u32, &room);
            }
            let (left, at_the_split) = unacknowledged.take_back(&room);
            let taken_back: Vec<usize> = left.iter().flat_map(ids).collect();
            prop_assert_eq!(taken_back, (acknowledged..origins.len()).collect::<Vec<_>>());
            let relayed = |origins: &[Origin]| origins.iter().filter(|origin| **origin == Origin::Relayed).count() as u64;
            prop_assert_eq!(forwarded + at_the_split, relayed(&origins[..acknowledged]));
            prop_assert_eq!(everywhere.relayed(), relayed(&origins[acknowledged..]));
            left.iter().for_each(|chunk| room.leave(chunk.load()));
            prop_assert_eq!(everywhere.relayed(), 0);
            prop_assert!(room.is_empty());
        }
    }
}
