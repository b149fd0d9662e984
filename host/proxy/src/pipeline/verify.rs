//! Puts a dialback key to the authority that can vouch for it, and answers for the domains that we are the authority of.
//!
//! receive → **verify** → receive: the one side-street of the trip.

use std::sync::Arc;

use refrain_proto::Side;
use refrain_proto::auth::{KeyClaim, Validity};
use refrain_proto::stanza::StanzaCondition;

use super::Gateway;
use crate::net::dial;

/// Finds out whether a peer may speak for `claim.pair.from`. Its certificate does not say so, or the stream would not ask.
pub async fn verify(gateway: Arc<Gateway>, side: Side, claim: KeyClaim) -> (KeyClaim, Validity) {
    if side == Side::Outside && !gateway.snapshot().config.peers.for_domain(&claim.pair.from).dialback {
        tracing::info!(from = %claim.pair.from, "dialback refused: its certificate does not speak for the domain, and no [[peer]] allows dialback = true");
        return (claim, Validity::Error(StanzaCondition::PolicyViolation));
    }
    let validity = match dial::ask(&gateway, side, &claim).await {
        Ok(validity) => validity,
        Err(error) => {
            tracing::info!(from = %claim.pair.from, to = %claim.pair.to, %error, "dialback: the authoritative server could not be asked");
            Validity::Error(error.condition())
        }
    };
    (claim, validity)
}

/// Answers a peer that asks us about a key made in the name of `claim.pair.from`: by our own secret alone, never by asking on.
pub fn answer(gateway: &Gateway, side: Side, claim: &KeyClaim) -> Validity {
    let ours = gateway.secret(side).verify(claim) && gateway.routes.knows(&claim.pair);
    if ours { Validity::Valid } else { Validity::Invalid }
}
