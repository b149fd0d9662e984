//! Stream ids: unique and unguessable (RFC 6120 §4.7.3), from a seed.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 128 bits, in hexadecimal.
const ID_CHARACTERS: usize = 32;

/// A source of stream ids. Clones draw from the same sequence, so one seed serves a whole process.
#[derive(Clone)]
pub struct StreamIds {
    keyed: Hmac<Sha256>,
    drawn: Arc<AtomicU64>,
}

impl StreamIds {
    /// Takes 256 random bits.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let Ok(keyed) = Hmac::new_from_slice(&seed) else { unreachable!("HMAC takes a key of any length") };
        Self { keyed, drawn: Arc::default() }
    }

    /// Draws the next id.
    pub fn draw(&self) -> String {
        let count = self.drawn.fetch_add(1, Ordering::Relaxed);
        let mut hmac = self.keyed.clone();
        hmac.update(&count.to_be_bytes());
        let mut id = hex::encode(hmac.finalize().into_bytes());
        id.truncate(ID_CHARACTERS);
        id
    }
}

impl fmt::Debug for StreamIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamIds(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_hundred_thousand_ids_are_all_different_and_have_128_bits() {
        let ids = StreamIds::from_seed([1; 32]);
        let other = ids.clone();
        let drawn: HashSet<String> = (0..50_000).flat_map(|_| [ids.draw(), other.draw()]).collect();
        assert_eq!(drawn.len(), 100_000);
        assert!(drawn.iter().all(|id| id.len() == 32));
    }

    #[test]
    fn another_seed_draws_other_ids() {
        assert_ne!(StreamIds::from_seed([1; 32]).draw(), StreamIds::from_seed([2; 32]).draw());
    }
}
