//! How a connection ended, and what of it is told and counted.

use std::io;

use refrain_proto::stream::Outcome;
use refrain_proto::{Awaited, PeerMisbehaved, Side};

use super::{Receiver, side_name};
use crate::net::connection::Stalled;
use crate::observe::refusals::Refusal;

/// How serving a connection ended.
pub(super) enum Ended {
    /// As its stream says.
    Stream(Outcome),
    /// It had proven nothing yet, and made room for another.
    Evicted,
}

impl Receiver {
    /// Counts and tells how it ended. Strangers come by the thousand: of them only a count is told.
    pub(super) fn tell_end(&self, ended: io::Result<Ended>) {
        let (side, peer) = (side_name(self.side), self.peer);
        if let Some(refusal) = refusal(&ended) {
            self.gateway.refusals.note(refusal, &peer.ip());
        }
        // A stream that ended in order has told all there was to tell, and one that was idle had nothing.
        let in_order = |outcome: &Outcome| matches!(outcome, Outcome::Closed | Outcome::TimedOut(Awaited::Traffic));
        let why = match &ended {
            Ok(Ended::Stream(outcome)) if in_order(outcome) => None,
            Ok(Ended::Stream(outcome)) => Some(format!("the stream broke: {outcome}")),
            Ok(Ended::Evicted) => None,
            Err(error) => Some(format!("the stream broke: {error}")),
        };
        if let Some(why) = why {
            self.lists.broke(&self.gateway.block_lists, &why);
        }
        let known = self.side == Side::Inside || self.permit.is_proven();
        match ended {
            Ok(Ended::Stream(outcome)) if known => tracing::info!(side, %peer, %outcome, "stream ended"),
            Ok(Ended::Stream(outcome)) => tracing::debug!(side, %peer, %outcome, "stream ended"),
            Ok(Ended::Evicted) => tracing::debug!(side, %peer, "connection made room for another"),
            Err(error) if known => tracing::info!(side, %peer, %error, "connection broke"),
            Err(error) => tracing::debug!(side, %peer, %error, "connection broke"),
        }
    }
}

/// The limit of ours that ended a connection, if one did.
fn refusal(ended: &io::Result<Ended>) -> Option<Refusal> {
    match ended {
        Ok(Ended::Evicted) => Some(Refusal::HandshakeEvicted),
        Ok(Ended::Stream(Outcome::TimedOut(awaited))) => match awaited {
            Awaited::Header | Awaited::StartTls | Awaited::Tls | Awaited::Features | Awaited::Proof => {
                Some(Refusal::HandshakeTimeout)
            }
            Awaited::Management | Awaited::Acknowledgement | Awaited::Traffic | Awaited::Close => None,
        },
        Ok(Ended::Stream(Outcome::PeerMisbehaved(PeerMisbehaved::HandshakeTooLarge))) => Some(Refusal::HandshakeBytes),
        Ok(Ended::Stream(Outcome::PeerMisbehaved(PeerMisbehaved::TooManyAttempts))) => Some(Refusal::HandshakeAttempts),
        Ok(Ended::Stream(_)) => None,
        Err(error) => Stalled::of(error).map(|stalled| match stalled {
            Stalled::Tls => Refusal::HandshakeTimeout,
            Stalled::Write => Refusal::WriteStall,
        }),
    }
}
