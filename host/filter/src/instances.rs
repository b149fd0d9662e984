//! The instances of one filter in one worker: how far stanzas are kept apart from each other inside the guest.

use crate::error::Fault;
use crate::instance::Instance;

/// Which stanzas may meet the same instance, and so whatever a guest keeps in its memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// All that one worker judges: nothing is made anew, the fastest.
    #[default]
    Worker,
    /// Those of one remote domain: what one peer sent cannot reach another through a bug of the guest. Costs memory for each peer.
    Peer,
    /// None: every stanza has an instance of its own. Costs starting and configuring it.
    Stanza,
}

impl Isolation {
    /// The level as the operator writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::Worker => "worker",
            Isolation::Peer => "peer",
            Isolation::Stanza => "stanza",
        }
    }
}

/// Peers whose instances are kept, per worker and filter; the one that was silent longest gives way.
const PEERS_MAX: usize = 16;

/// The instances themselves.
pub(crate) struct Instances {
    isolation: Isolation,
    /// At most one, or one for each peer: the one used last stands last.
    kept: Vec<(Box<str>, Instance)>,
}

impl Instances {
    pub(crate) fn new(isolation: Isolation) -> Self {
        Self { isolation, kept: Vec::new() }
    }

    /// Returns the instance for a stanza of this peer, making it if there is none.
    #[inline]
    pub(crate) fn open(
        &mut self,
        peer: &str,
        make: impl FnOnce() -> Result<Instance, Fault>,
    ) -> Result<&mut Instance, Fault> {
        let is_there = match self.isolation {
            Isolation::Worker => !self.kept.is_empty(),
            Isolation::Peer => self.recall(peer),
            Isolation::Stanza => false,
        };
        if !is_there {
            self.add(peer, make()?);
        }
        let newest = self.kept.len() - 1;
        Ok(&mut self.kept[newest].1)
    }

    /// Ends the use of the instance that [`open`](Self::open) returned last.
    #[inline]
    pub(crate) fn close(&mut self, faulted: bool) {
        // Wasmtime does not let a trapped instance be entered again; after any fault we do not wish to either.
        if faulted || self.isolation == Isolation::Stanza {
            self.kept.pop();
        }
    }

    /// Returns the one that was used last.
    pub(crate) fn newest(&self) -> Option<&Instance> {
        self.kept.last().map(|(_, instance)| instance)
    }

    /// Takes the reason that the instance opened last gave in its call.
    pub(crate) fn take_reason(&mut self) -> Option<String> {
        self.kept.last_mut()?.1.take_reason()
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns the bytes of memory they have grown to.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.kept.iter().map(|(_, instance)| instance.memory_bytes()).sum()
    }

    /// Moves the instance of a peer to the end, if there is one.
    fn recall(&mut self, peer: &str) -> bool {
        let found = self.kept.iter().rposition(|(known, _)| **known == *peer);
        if let Some(index) = found {
            self.kept[index..].rotate_left(1);
        }
        found.is_some()
    }

    #[cold]
    fn add(&mut self, peer: &str, instance: Instance) {
        if self.kept.len() == PEERS_MAX {
            self.kept.remove(0);
        }
        self.kept.push((peer.into(), instance));
    }
}
