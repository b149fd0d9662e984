//! What stands for a pair, and the hash of what is a hash already.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What stands for a pair of addresses: 128 bits that nobody can guess who does not have the secret they were made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairKey(pub(super) [u64; 2]);

impl From<u128> for PairKey {
    fn from(bits: u128) -> Self {
        PairKey([(bits >> 64) as u64, bits as u64])
    }
}

impl From<PairKey> for u128 {
    fn from(PairKey([high, low]): PairKey) -> Self {
        u128::from(high) << 64 | u128::from(low)
    }
}

impl Hash for PairKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[1]);
    }
}

/// The hash of a key.
#[derive(Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }
}

pub(super) type Direct = BuildHasherDefault<AsItIs>;
