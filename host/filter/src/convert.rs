//! Between the enums of the interface and those of the protocol, case by case.

use refrain_proto as proto;

use crate::bindings::refrain::filter::types as wit;
use crate::head::Direction;
use crate::interest::Interest;
use crate::journal::EditError;

/// Writes a conversion between two enums that spell their cases alike; the compiler checks that none is missing.
macro_rules! same_cases {
    ($from:path => $to:path { $($case:ident),* $(,)? }) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                use $from as From;
                match value {
                    $(From::$case => Self::$case,)*
                }
            }
        }
    };
}

same_cases!(Direction => wit::Direction { Inbound, Outbound });

same_cases!(proto::Kind => wit::Kind { Message, Presence, Iq });

same_cases!(proto::StanzaType => wit::StanzaType {
    Normal, Chat, Groupchat, Headline, Available, Unavailable, Subscribe, Subscribed, Unsubscribe, Unsubscribed, Probe,
    IqGet, IqSet, IqResult, Error, Unknown,
});

same_cases!(wit::ErrorType => proto::ErrorType { Auth, Cancel, Continue, Modify, Wait });

same_cases!(wit::Condition => proto::StanzaCondition {
    BadRequest, Conflict, FeatureNotImplemented, Forbidden, Gone, InternalServerError, ItemNotFound, JidMalformed,
    NotAcceptable, NotAllowed, NotAuthorized, PolicyViolation, RecipientUnavailable, Redirect, RegistrationRequired,
    RemoteServerNotFound, RemoteServerTimeout, ResourceConstraint, ServiceUnavailable, SubscriptionRequired,
    UndefinedCondition, UnexpectedRequest,
});

same_cases!(EditError => crate::bindings::refrain::filter::edit::EditError {
    NoSuchNode, NotWellFormed, ForbiddenTarget, BudgetExceeded,
});

same_cases!(crate::shared::KvError => crate::bindings::refrain::filter::keyvalue::KvError { TooBig, Quota });

impl From<crate::bindings::refrain::filter::setup::Interest> for Interest {
    fn from(rule: crate::bindings::refrain::filter::setup::Interest) -> Self {
        Interest {
            directions: rule.directions,
            kinds: rule.kinds,
            types: rule.types,
            bits_any: rule.bits_any,
            payload_ns: rule.payload_ns,
            from_domains: rule.from_domains,
            to_domains: rule.to_domains,
            min_size: rule.min_size,
        }
    }
}
