//! What a receiving stream has to do with the lists that services publish: their answers are larger than any other stanza.

use refrain_proto::DomainPair;

use crate::lists::pubsub::door::Door;

/// Prosody 0.12 gives all items of a node in one stanza, however many they are (XEP-0059 is optional): ten thousand with their
/// payloads take so much. Who sends it is whom the operator told us to ask.
pub(super) const ANSWER_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Each of them has some six elements and runs of text.
pub(super) const ANSWER_NODES_MAX: u32 = 131_072;

/// Whether block lists come by a stream.
#[derive(Default)]
pub(super) struct BlockListsHeard {
    /// The pairs that a remote server has proven, of which one may become a way of a block list at any time.
    proven: Vec<DomainPair>,
    /// One of them is: a service of block lists tells its news by it.
    pub(super) come: bool,
    /// The state of the door for which that is known.
    as_of: Option<u64>,
}

impl BlockListsHeard {
    /// Takes in a pair that the remote server has proven.
    pub(super) fn prove(&mut self, pair: DomainPair) {
        self.proven.push(pair);
        self.as_of = None;
    }

    /// Returns whether they come from now on, and did not before.
    pub(super) fn begin_to_come(&mut self, lists: &Door) -> bool {
        let as_of = Some(lists.came());
        if self.come || std::mem::replace(&mut self.as_of, as_of) == as_of {
            return false;
        }
        self.come = self.proven.iter().any(|pair| lists.listens_to(pair));
        self.come
    }

    /// Tells those who listen to a service why they hear no more of it.
    pub(super) fn broke(&self, lists: &Door, why: &str) {
        self.proven.iter().for_each(|pair| lists.broke_for(pair, &why));
    }
}
