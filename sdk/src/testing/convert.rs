//! Between the types of the interface and those of the host, which have the same names.

use refrain_filter::{JournalLimits, Payload};
use refrain_proto::{ErrorType, Jid, Stanza, StanzaCondition};

use crate::{StanzaError, StreamCondition, Verdict};

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

/// Takes the verdict as the host takes it, on this stanza; an `Err` would be a fault.
pub(super) fn verdict(verdict: Verdict, stanza: &Stanza) -> Result<refrain_filter::Verdict, String> {
    Ok(match verdict {
        Verdict::Pass => refrain_filter::Verdict::Pass,
        Verdict::Accept => refrain_filter::Verdict::Accept,
        Verdict::Drop => refrain_filter::Verdict::Drop,
        Verdict::Bounce(error) => refrain_filter::Verdict::Bounce(stanza_error(error)),
        Verdict::Redirect(redirect) => refrain_filter::Verdict::Redirect(address(redirect.to(), stanza.to())?),
        Verdict::CloseStream(error) => refrain_filter::Verdict::CloseStream {
            condition: stream_condition(error.condition())?,
            text: error.text().map(str::to_owned),
        },
        Verdict::Reply(reply) => refrain_filter::Verdict::Reply(payload(reply.xml(), stanza)?),
        Verdict::Delay(delay) => refrain_filter::Verdict::delay(delay.milliseconds()),
    })
}

fn address(text: &str, old: &Jid) -> Result<Jid, String> {
    let new = Jid::parse(text).map_err(|error| format!("redirects to what is no address: {error}"))?;
    match new.domain() == old.domain() {
        true => Ok(new),
        false => Err(format!("redirects to another domain, {}", new.domain())),
    }
}

fn payload(xml: &str, stanza: &Stanza) -> Result<Payload, String> {
    let payload = Payload::parse(xml, stanza.size(), &JournalLimits::default());
    payload.map_err(|error| format!("replies with what is no payload: {error}"))
}

fn stream_condition(condition: StreamCondition) -> Result<refrain_proto::StreamCondition, String> {
    condition.as_str().parse().map_err(|_| format!("{condition:?} is no condition of a stream"))
}

fn stanza_error(error: StanzaError) -> refrain_proto::StanzaError {
    let condition = condition(error.condition);
    let error_type = error.error_type.map_or(condition.default_type(), error_type);
    refrain_proto::StanzaError { condition, error_type, text: error.text }
}
