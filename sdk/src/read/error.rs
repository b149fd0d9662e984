//! What a stanza of type `error` says.

use crate::{Condition, ErrorType, Problem, Selector, Setup, Stanza};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// Reads stanza errors (RFC 6120 §8.3).
///
/// ```
/// # use refrain_sdk::*;
/// /// Returned mail is not shown to whoever is not there.
/// struct NoGhosts { error: ErrorReader }
///
/// impl Filter for NoGhosts {
///     type Settings = NoSettings;
///
///     fn configure(_: NoSettings, setup: &mut Setup) -> Result<Self, Problems> {
///         setup.interest(Interest::any().stanza_type(StanzaType::Error))?;
///         Ok(NoGhosts { error: ErrorReader::new(setup)? })
///     }
///
///     fn on_stanza(&self, _: &Head, stanza: &Stanza<'_>) -> Verdict {
///         match self.error.read(stanza) {
///             Some(error) if error.condition == Some(Condition::ItemNotFound) => Verdict::Drop,
///             Some(_) | None => Verdict::Pass,
///         }
///     }
/// }
/// # let ghost = "<message type='error' from='a@b.example' to='c@d.example'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
/// # assert_eq!(testing::verdict::<NoGhosts>("{}", ghost), Some(Verdict::Drop));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ErrorReader {
    error: Selector,
    text: Selector,
}

/// An error that came with a stanza. What the sender left out, or wrote as no specification does, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedError {
    /// The defined condition.
    pub condition: Option<Condition>,
    /// Who may do what about it.
    pub error_type: Option<ErrorType>,
    /// A text for a human.
    pub text: Option<String>,
}

impl ErrorReader {
    /// Compiles what is asked.
    pub fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(ErrorReader {
            error: setup.selector("error")?,
            text: setup.selector(&format!("error/{{{NAMESPACE}}}text"))?,
        })
    }

    /// The error, if the stanza has one.
    pub fn read(self, stanza: &Stanza<'_>) -> Option<ReceivedError> {
        let error = *stanza.find(self.error, 1).first()?;
        let children = stanza.children(error);
        let mut defined = children.iter().filter(|child| child.namespace == NAMESPACE);
        Some(ReceivedError {
            condition: defined.find_map(|child| condition(&child.name)),
            error_type: stanza.attr(error, "type").and_then(|name| error_type(&name)),
            text: stanza.text(self.text),
        })
    }
}

fn error_type(name: &str) -> Option<ErrorType> {
    match name {
        "auth" => Some(ErrorType::Auth),
        "cancel" => Some(ErrorType::Cancel),
        "continue" => Some(ErrorType::Continue),
        "modify" => Some(ErrorType::Modify),
        "wait" => Some(ErrorType::Wait),
        _ => None,
    }
}

fn condition(name: &str) -> Option<Condition> {
    let condition = match name {
        "bad-request" => Condition::BadRequest,
        "conflict" => Condition::Conflict,
        "feature-not-implemented" => Condition::FeatureNotImplemented,
        "forbidden" => Condition::Forbidden,
        "gone" => Condition::Gone,
        "internal-server-error" => Condition::InternalServerError,
        "item-not-found" => Condition::ItemNotFound,
        "jid-malformed" => Condition::JidMalformed,
        "not-acceptable" => Condition::NotAcceptable,
        "not-allowed" => Condition::NotAllowed,
        "not-authorized" => Condition::NotAuthorized,
        "policy-violation" => Condition::PolicyViolation,
        "recipient-unavailable" => Condition::RecipientUnavailable,
        "redirect" => Condition::Redirect,
        "registration-required" => Condition::RegistrationRequired,
        "remote-server-not-found" => Condition::RemoteServerNotFound,
        "remote-server-timeout" => Condition::RemoteServerTimeout,
        "resource-constraint" => Condition::ResourceConstraint,
        "service-unavailable" => Condition::ServiceUnavailable,
        "subscription-required" => Condition::SubscriptionRequired,
        "undefined-condition" => Condition::UndefinedCondition,
        "unexpected-request" => Condition::UnexpectedRequest,
        _ => return None,
    };
    Some(condition)
}
