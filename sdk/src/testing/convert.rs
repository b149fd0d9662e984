//! Between the types of the interface and those of the host, which have the same names.

use refrain_proto::{ErrorType, StanzaCondition};

use crate::{StanzaError, Verdict};

macro_rules! same {
    ($name:ident, $from:path => $to:path: $($case:ident)+) => {
        pub(super) fn $name(value: $from) -> $to {
            use $from as From;
            use $to as To;
            match value {
                $(From::$case => To::$case,)+
            }
        }
    };
}

same!(direction, refrain_filter::Direction => crate::Direction: Inbound Outbound);
same!(kind, refrain_proto::Kind => crate::Kind: Message Presence Iq);
same!(stanza_type, refrain_proto::StanzaType => crate::StanzaType:
    Normal Chat Groupchat Headline Available Unavailable Subscribe Subscribed Unsubscribe Unsubscribed Probe
    IqGet IqSet IqResult Error Unknown);
same!(condition, crate::Condition => StanzaCondition:
    BadRequest Conflict FeatureNotImplemented Forbidden Gone InternalServerError ItemNotFound JidMalformed NotAcceptable
    NotAllowed NotAuthorized PolicyViolation RecipientUnavailable Redirect RegistrationRequired RemoteServerNotFound
    RemoteServerTimeout ResourceConstraint ServiceUnavailable SubscriptionRequired UndefinedCondition UnexpectedRequest);
same!(error_type, crate::ErrorType => ErrorType: Auth Cancel Continue Modify Wait);

pub(super) fn verdict(verdict: Verdict) -> refrain_filter::Verdict {
    match verdict {
        Verdict::Pass => refrain_filter::Verdict::Pass,
        Verdict::Accept => refrain_filter::Verdict::Accept,
        Verdict::Drop => refrain_filter::Verdict::Drop,
        Verdict::Bounce(error) => refrain_filter::Verdict::Bounce(stanza_error(error)),
    }
}

fn stanza_error(error: StanzaError) -> refrain_proto::StanzaError {
    let condition = condition(error.condition);
    let error_type = error.error_type.map_or(condition.default_type(), error_type);
    refrain_proto::StanzaError { condition, error_type, text: error.text }
}
