//! What becomes of a stanza by what the filters say and how they fail.

use std::sync::Arc;
use std::time::Duration;

use refrain_proto::{Stanza, StanzaCondition, StanzaError, StanzaType};

use crate::chain::Filter;
use crate::error::Fault;
use crate::policy::OnFault;
use crate::verdict::{Outcome, Verdict};

/// What happened to a stanza on its way along the chain.
#[derive(Default)]
pub(crate) struct Walk {
    pub(crate) edited_by: Option<Arc<str>>,
    pub(crate) fault: Option<Fault>,
    /// The longest delay that a filter asked for, and which did.
    pub(crate) delay: Duration,
    pub(crate) delayed_by: Option<Arc<str>>,
}

impl Walk {
    /// Takes in a filter's word; returns the outcome if it decides.
    #[inline]
    pub(crate) fn hear(
        &mut self,
        stanza: &mut Stanza,
        said: Verdict,
        edited: bool,
        filter: &Arc<str>,
    ) -> Option<Outcome> {
        if edited {
            self.edited_by = Some(filter.clone());
        }
        match said {
            Verdict::Pass => None,
            Verdict::Accept => Some(Outcome::Forward),
            Verdict::Delay(delay) => {
                if delay > self.delay {
                    (self.delay, self.delayed_by) = (delay, Some(filter.clone()));
                }
                None
            }
            Verdict::Reply(payload) if stanza.takes_message_reply() => Some(Outcome::Reply(payload)),
            Verdict::Drop | Verdict::Reply(_) if awaits_answer(stanza) => {
                Some(Outcome::Bounce(StanzaError::new(StanzaCondition::ServiceUnavailable)))
            }
            Verdict::Drop | Verdict::Reply(_) => Some(Outcome::Drop),
            Verdict::Bounce(error) => Some(self.refuse(stanza, error, filter)),
            Verdict::Redirect(to) => {
                stanza.redirect(to);
                self.edited_by = Some(filter.clone());
                Some(Outcome::Forward)
            }
            Verdict::CloseStream { condition, text } => Some(Outcome::CloseStream { condition, text }),
        }
    }

    /// Lets whoever waits know: the sender; of an iq result the addressee, in its place; of an error nobody.
    fn refuse(&mut self, stanza: &mut Stanza, error: StanzaError, filter: &Arc<str>) -> Outcome {
        match stanza.stanza_type() {
            StanzaType::Error => Outcome::Drop,
            StanzaType::IqResult => {
                stanza.fail_result(&error);
                self.edited_by = Some(filter.clone());
                Outcome::Forward
            }
            _ => Outcome::Bounce(error),
        }
    }

    /// Takes in a fault; returns the outcome if the filter is one that protects.
    pub(crate) fn suffer(&mut self, stanza: &mut Stanza, fault: Fault, filter: &Filter) -> Option<Outcome> {
        if filter.on_fault.of(&fault) == OnFault::Open {
            return None;
        }
        self.fault = Some(fault);
        let mut error = StanzaError::new(StanzaCondition::InternalServerError);
        error.text = Some("The stanza could not be checked.".to_owned());
        Some(self.refuse(stanza, error, &filter.blueprint.reach.filter))
    }
}

/// RFC 6120 §8.2.3: an iq get or set must be answered, or its sender waits in vain.
fn awaits_answer(stanza: &Stanza) -> bool {
    matches!(stanza.stanza_type(), StanzaType::IqGet | StanzaType::IqSet)
}
