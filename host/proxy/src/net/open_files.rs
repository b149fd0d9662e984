//! The limit on open files: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Limits;

/// Listeners, filters, the store, the log, and questions to name servers.
const OTHERS: u64 = 256;

/// Raises the limit as far as the system permits, which is the custom of servers; many shells and service managers give 1,024 of
/// half a million. Tells when that is not enough for the connections that the configuration allows.
pub fn raise(limits: &Limits) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let permitted = if raised { maximum } else { current };
    // What is accepted on one side is, mostly, sent on over a connection of the other.
    let wanted = 2 * limits.connections_max as u64 + OTHERS;
    if let Some(permitted) = permitted.filter(|permitted| *permitted < wanted) {
        tracing::warn!(
            permitted,
            wanted,
            "the limit on open files is too low for limits.connections-max: raise it (systemd: LimitNOFILE), or lower that"
        );
    }
}
