#![doc = include_str!("../README.md")]

mod body;
mod disco;
mod iq;
mod jingle;
mod mechanism;
mod message;
mod names;
mod places;
mod policy;
mod reject;
mod settings;
mod text;
mod walk;

use refrain_sdk::{
    About, Filter, Head, Interest, Kind, Problem, Problems, Rule, Setup, Stanza, StanzaType, Verdict, export,
};

use body::Texts;
use iq::Iqs;
use mechanism::Set;
use message::Messages;
use policy::Policy;
pub use settings::{Exception, Mechanism, Settings, Way};

/// The filter.
#[derive(Debug)]
pub struct FileTransfer {
    policy: Policy,
    /// The rule of interest for payloads; other stanzas came for their texts.
    payloads: Option<Rule>,
    texts: Texts,
    iqs: Iqs,
    messages: Messages,
}

impl Filter for FileTransfer {
    type Settings = Settings;

    fn about() -> About {
        // The longest walk takes some milliseconds; an honest one none.
        About::new().deadline_ms(25).self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let hide_features = settings.hide_features;
        let policy = Policy::new(settings)?;
        let payloads = declare_interest(policy.ever(), hide_features, setup)?;
        let (texts, iqs, messages) = (Texts::new(setup)?, Iqs::new(setup)?, Messages::new(setup)?);
        Ok(FileTransfer { policy, payloads, texts, iqs, messages })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let denied = self.policy.denied(head);
        let has_payload = self.payloads.is_some_and(|rule| head.matched(rule));
        match head.kind {
            Kind::Iq => self.iqs.judge(head, stanza, denied, &self.texts),
            Kind::Presence => self.messages.judge_presence(stanza, denied.along, &self.texts),
            Kind::Message if has_payload || self.is_suspect(head, stanza, denied.along) => {
                self.messages.judge(head, stanza, denied.along, &self.texts)
            }
            Kind::Message => Verdict::Pass,
        }
    }
}

impl FileTransfer {
    /// Whether a message that came without any payload of interest is to be looked at all the same.
    fn is_suspect(&self, head: &Head, stanza: &Stanza<'_>, denied: Set) -> bool {
        (head.is_encrypted() && denied.has(Mechanism::E2ee))
            || denied.has(Mechanism::Urls)
            || self.texts.are_suspect(head, stanza, denied)
    }
}

/// Declares the stanzas that may be part of what is ever denied; returns the rule for the payloads of messages and presence.
fn declare_interest(ever: Set, hide_features: bool, setup: &mut Setup) -> Result<Option<Rule>, Problem> {
    if ever.is_empty() {
        return setup.no_interest().map(|()| None);
    }
    let with = |interest: Interest, namespaces: &[&'static str]| {
        namespaces.iter().fold(interest, |interest, namespace| interest.payload(*namespace))
    };
    let result = || Interest::any().kind(Kind::Iq).stanza_type(StanzaType::IqResult);
    let request = || Interest::any().kind(Kind::Iq).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet);
    let of_sessions = [Mechanism::Jingle, Mechanism::Calls, Mechanism::Thumbnails];
    let has_sessions = of_sessions.into_iter().any(|mechanism| ever.has(mechanism));
    let mut payloads = names::payloads(|mechanism| ever.has(mechanism));
    setup.interest(with(request().stanza_type(StanzaType::IqResult), &payloads))?;
    if has_sessions {
        setup.interest(with(request(), &jingle::NAMESPACES))?;
        payloads.push("urn:xmpp:jingle-message:*");
    }
    if hide_features {
        setup.interest(result().payload(disco::INFO).payload(disco::ITEMS))?;
    }
    let rule = setup.interest(with(Interest::any().kind(Kind::Message).kind(Kind::Presence), &payloads))?;
    if ever.has(Mechanism::E2ee) {
        setup.interest(Interest::any().kind(Kind::Message).encrypted())?;
    }
    if ever.has(Mechanism::FileUris) || ever.has(Mechanism::E2ee) {
        setup.interest(Interest::any().kind(Kind::Message).body().subject())?;
    }
    if ever.has(Mechanism::Urls) {
        setup.interest(Interest::any().kind(Kind::Message).kind(Kind::Presence))?;
    }
    Ok(Some(rule))
}

export!(FileTransfer);
