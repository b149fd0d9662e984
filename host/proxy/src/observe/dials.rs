//! What became of the attempts to reach servers, counted by the reason for which they came to nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use refrain_proto::Side;

/// Why a name, or a server, was of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Useless {
    /// The name leads nowhere.
    NotFound,
    /// The name could not be resolved now.
    Unresolved,
    /// The answer did not validate (DNSSEC).
    Bogus,
    /// DNS led to an address that it must not lead to.
    Forbidden,
    /// Nobody took the connection.
    Unconnected,
    /// The connection or its TLS handshake broke.
    Broken,
    /// The certificate matched no TLSA record (DANE).
    Dane,
    /// The streams did not come to terms.
    Refused,
    /// It took too long.
    TimedOut,
}

impl Useless {
    const ALL: [(Useless, &str); 9] = [
        (Useless::NotFound, "not-found"),
        (Useless::Unresolved, "unresolved"),
        (Useless::Bogus, "bogus"),
        (Useless::Forbidden, "forbidden"),
        (Useless::Unconnected, "unconnected"),
        (Useless::Broken, "broken"),
        (Useless::Dane, "dane"),
        (Useless::Refused, "refused"),
        (Useless::TimedOut, "timed-out"),
    ];
}

/// Monotonic counts since the start, for each side.
#[derive(Debug, Default)]
pub struct Dials {
    outside: [AtomicU64; Useless::ALL.len()],
    inside: [AtomicU64; Useless::ALL.len()],
}

impl Dials {
    /// Counts one.
    pub fn count(&self, side: Side, reason: Useless) {
        self.of(side)[reason as usize].fetch_add(1, Relaxed);
    }

    /// The counts of a side by the names of their reasons, those that are 0 too.
    pub fn read(&self, side: Side) -> Vec<(String, u64)> {
        let counts = Useless::ALL.iter().zip(self.of(side));
        counts.map(|((_, name), count)| ((*name).to_owned(), count.load(Relaxed))).collect()
    }

    fn of(&self, side: Side) -> &[AtomicU64] {
        match side {
            Side::Outside => &self.outside,
            Side::Inside => &self.inside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_under_its_name() {
        for (place, (reason, name)) in Useless::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, place);
            let dials = Dials::default();
            dials.count(Side::Outside, *reason);
            let counted: Vec<_> = dials.read(Side::Outside).into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [((*name).to_owned(), 1)]);
            assert!(dials.read(Side::Inside).iter().all(|(_, count)| *count == 0));
        }
    }
}
