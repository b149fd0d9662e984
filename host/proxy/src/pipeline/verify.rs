//! Puts a dialback key to the authority that can vouch for it, and answers for the domains that we are the authority of.
//!
//! receive → **verify** → receive: the one side-street of the trip.

use std::sync::Arc;
use std::time::Instant;

use refrain_proto::auth::{KeyClaim, Validity};
use refrain_proto::stanza::StanzaCondition;
use refrain_proto::{Outcome, Side, StreamCondition};
use tokio::sync::Semaphore;

use super::Gateway;
use crate::net::dial::{self, DialError};
use crate::observe::refusals::Refusal;

/// Each costs a connection to somewhere that a stranger names (threat T39); those past it wait for their turn.
const QUESTIONS_MAX: usize = 256;

/// The dialback questions under way, of each side for itself: no stranger keeps a protected server waiting.
pub struct Questions {
    outside: Semaphore,
    inside: Semaphore,
}

impl Default for Questions {
    fn default() -> Self {
        Questions { outside: Semaphore::new(QUESTIONS_MAX), inside: Semaphore::new(QUESTIONS_MAX) }
    }
}

impl Questions {
    /// Those about keys that peers of this side showed.
    fn of(&self, side: Side) -> &Semaphore {
        match side {
            Side::Outside => &self.outside,
            Side::Inside => &self.inside,
        }
    }
}

/// Finds out whether a peer may speak for `claim.pair.from`. Its certificate does not say so, or the stream would not ask.
pub async fn verify(gateway: Arc<Gateway>, side: Side, claim: KeyClaim) -> (KeyClaim, Validity) {
    if side == Side::Outside && !gateway.snapshot().config.peers.for_domain(&claim.pair.from).dialback {
        // Its certificate does not speak for the domain, and no [[peer]] allows dialback = true.
        gateway.refusals.note(Refusal::DialbackDenied, &claim.pair.from);
        return (claim, Validity::Error(StanzaCondition::NotAuthorized));
    }
    // The semaphore is never closed, and whoever waits is bounded by the stream's own timer.
    let _turn = gateway.questions.of(side).acquire().await;
    let validity = match dial::ask(&gateway, side, &claim).await {
        // XEP-0220 §2.5: an authority that knows nothing of the domain is none.
        Ok(Validity::Error(_) | Validity::Unreachable) => Validity::Error(StanzaCondition::RemoteServerNotFound),
        Ok(validity) => validity,
        Err(error) => {
            if let Some(count) = gateway.lines.not_asked.add(1, Instant::now()) {
                tracing::info!(from = %claim.pair.from, to = %claim.pair.to, %error, count, "dialback: the authoritative server could not be asked");
            }
            unanswered(&error)
        }
    };
    (claim, validity)
}

/// Says why there is no answer, in the terms of XEP-0220 §2.5.
fn unanswered(error: &DialError) -> Validity {
    match error {
        DialError::Connect { .. } => Validity::Unreachable,
        DialError::Refused(Outcome::PeerError(StreamCondition::HostUnknown)) => {
            Validity::Error(StanzaCondition::RemoteServerNotFound)
        }
        error => Validity::Error(error.condition()),
    }
}

/// Answers a peer that asks us about a key made in the name of `claim.pair.from`: by what we know ourselves, never by asking on.
/// The key must be ours, and must have been shown to the one who asks, on the stream it asks about (T05).
pub fn answer(gateway: &Gateway, side: Side, claim: &KeyClaim) -> Validity {
    let ours =
        gateway.secret(side).verify(claim) && gateway.routes.knows(&claim.pair) && gateway.shown_keys.contains(claim);
    if ours { Validity::Valid } else { Validity::Invalid }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// C53.
    #[test]
    fn says_in_the_terms_of_dialback_why_an_authority_gave_no_answer() {
        let connect =
            DialError::Connect { address: ([192, 0, 2, 1], 5269).into(), error: std::io::ErrorKind::TimedOut.into() };
        let refused = |condition| DialError::Refused(Outcome::PeerError(condition));
        for (error, expected) in [
            (connect, Validity::Unreachable),
            (refused(StreamCondition::HostUnknown), Validity::Error(StanzaCondition::RemoteServerNotFound)),
            (refused(StreamCondition::SystemShutdown), Validity::Error(StanzaCondition::RemoteServerTimeout)),
            (DialError::Refused(Outcome::Eof), Validity::Error(StanzaCondition::RemoteServerTimeout)),
            (DialError::TimedOut(Duration::ZERO), Validity::Error(StanzaCondition::RemoteServerTimeout)),
        ] {
            assert_eq!(unanswered(&error), expected, "{error}");
        }
    }
}
