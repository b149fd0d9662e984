//! What the operator decided about a stream, fixed when it begins.

use super::ids::StreamIds;
use crate::auth::{DialbackSecret, KeyClaim};
use crate::boundary::{Boundary, Side};
use crate::limits::StreamLimits;
use std::sync::Arc;

/// How peers that connect to us are taken.
#[derive(Clone, Debug)]
pub struct ReceivingPolicy {
    /// Which domains are inside.
    pub boundary: Arc<Boundary>,
    /// Where the peer stands.
    pub side: Side,
    /// Whether a certificate that speaks for the peer's domain proves it.
    pub external: bool,
    /// Whether a dialback key may prove it. Questions to us as an authority are answered in any case.
    pub dialback: bool,
    /// What the stream may cost.
    pub limits: StreamLimits,
    /// Where stream ids come from.
    pub ids: StreamIds,
}

/// How peers that we connect to are taken.
#[derive(Clone, Debug)]
pub struct InitiatingPolicy {
    /// Whether the peer's certificate must be trusted and speak for it before the first byte of authentication.
    pub certificate_required: bool,
    /// Whether we have a certificate to prove our domain with.
    pub external: bool,
    /// What our dialback keys are made from; without it none are shown.
    pub dialback: Option<Arc<DialbackSecret>>,
    /// What the stream may cost.
    pub limits: StreamLimits,
}

/// What an initiated stream is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// To send stanzas of its domain pair.
    Stanzas,
    /// To put one key to the authoritative server (XEP-0220 §2.1.2), then close.
    ///
    /// The stream's pair is the claim's [reversed](crate::DomainPair::reversed): from the receiving domain to the originating.
    Verify(KeyClaim),
}
