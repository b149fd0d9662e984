//! The limits that the filter has of its own.
//!
//! They are chosen so that no ordinary server meets one: a burst holds what a client or a server does when it comes back
//! (`docs/filters/rate-limit.md` tells of each what that is), a rate is well above what people do in the long run.

use crate::settings::{Limit, Per};

/// Name, selection, key, rate and burst.
const DEFAULTS: &[(&str, &str, Per, &str, u32)] = &[
    ("subscriptions", "subscription", Per::SenderDomain, "60/min", 2_000),
    ("subscriptions-by-sender", "subscription", Per::Sender, "20/min", 100),
    ("probes", "probe", Per::SenderDomain, "300/s", 50_000),
    ("probes-by-sender", "probe", Per::Sender, "10/s", 2_000),
    ("messages", "chat", Per::Sender, "120/min", 600),
    ("invitations", "invitation", Per::Sender, "20/min", 200),
    ("joins", "muc-join", Per::Sender, "60/min", 600),
    ("pubsub", "pubsub", Per::Sender, "5/s", 1_000),
    ("disco", "disco", Per::Sender, "5/s", 1_000),
    ("archives", "iq:urn:xmpp:mam:*", Per::Sender, "2/s", 1_000),
    ("requests", "iq", Per::Sender, "50/s", 5_000),
    ("addresses", "addresses", Per::Sender, "300/min", 200),
];

/// The limits, as an operator would write them.
pub(crate) fn limits() -> Vec<Limit> {
    let limit = |&(name, stanzas, per, rate, burst): &(&str, &str, Per, &str, u32)| Limit {
        name: name.to_owned(),
        stanzas: Some(stanzas.to_owned()),
        per: Some(per),
        rate: Some(rate.to_owned()),
        burst: Some(burst),
        ..Limit::default()
    };
    DEFAULTS.iter().map(limit).collect()
}
