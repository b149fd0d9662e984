#![doc = include_str!("../README.md")]

mod answers;
mod iq;
mod lookalike;
mod names;
mod payloads;
mod policy;
mod settings;

use refrain_sdk::{
    About, Condition, Direction, Filter, Head, Interest, Kind, Problem, Problems, Setup, Stanza, StanzaType, Verdict,
    export,
};

use answers::Answers;
use payloads::Payloads;
use policy::Policy;
pub use settings::{Lookalikes, Rule, Settings, Unasked};

/// The filter.
#[derive(Debug)]
pub struct Hygiene {
    policy: Policy,
    payloads: Payloads,
    answers: Option<Answers>,
    /// The interest rules for all but the answers.
    others: Vec<refrain_sdk::Rule>,
}

impl Filter for Hygiene {
    type Settings = Settings;

    fn about() -> About {
        // Half of it is wall time, of which a busy machine may take all before the filter gets to run.
        About::new().deadline_ms(25).requests(answers::GRANT).self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let answers = Answers::new(&settings, setup)?;
        let policy = Policy::new(settings)?;
        let others = declare_interest(&policy, setup)?;
        if answers.is_none() && others.is_empty() {
            setup.no_interest()?;
        }
        Ok(Hygiene { payloads: Payloads::new(setup)?, policy, answers, others })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        if let Some(verdict) = self.answers.as_ref().and_then(|answers| answers.judge(head, stanza)) {
            return verdict;
        }
        if !self.others.iter().any(|rule| head.matched(*rule)) {
            return Verdict::Pass;
        }
        let flagged = self.policy.lookalike(head);
        if let Some(flagged) = &flagged {
            stanza.reason(&flagged.reason);
            if flagged.is_refused && self.policy.bounces_lookalikes() {
                return Verdict::bounce(Condition::PolicyViolation).if_answerable(head);
            }
        }
        match head.kind {
            Kind::Iq => iq::judge(&self.policy, head, stanza),
            Kind::Message | Kind::Presence => self.payloads.judge(&self.policy, head, stanza),
        }
    }
}

/// Declares the stanzas that a rule may be about.
fn declare_interest(policy: &Policy, setup: &mut Setup) -> Result<Vec<refrain_sdk::Rule>, Problem> {
    let mut declared = Vec::new();
    let inbound = || Interest::any().direction(Direction::Inbound);
    let with = |interest: Interest, namespaces: Vec<&'static str>| {
        namespaces.into_iter().fold(interest, |interest, namespace| interest.payload(namespace))
    };
    let (of_iq, of_others) = names::payloads(|rule| policy.holds(rule));
    if !of_iq.is_empty() {
        declared.push(setup.interest(with(inbound().kind(Kind::Iq), of_iq))?);
    }
    if !of_others.is_empty() {
        declared.push(setup.interest(with(inbound().kind(Kind::Message).kind(Kind::Presence), of_others))?);
    }
    if policy.holds(Rule::OwnAccount) && !policy.user_domains().is_empty() {
        let card = inbound().kind(Kind::Iq).stanza_type(StanzaType::IqSet).payload(names::VCARD);
        declared.push(setup.interest(policy.user_domains().iter().fold(card, Interest::to_domain))?);
    }
    if policy.knows_rooms() {
        declared.push(setup.interest(inbound().kind(Kind::Message).stanza_type(StanzaType::Groupchat))?);
    }
    if policy.bounces_lookalikes() {
        declared.push(setup.interest(inbound())?);
    } else if policy.holds(Rule::Lookalikes) {
        declared.push(setup.interest(inbound().kind(Kind::Message).body().subject().encrypted())?);
        declared.push(setup.interest(inbound().kind(Kind::Presence).stanza_type(StanzaType::Subscribe))?);
    }
    Ok(declared)
}

export!(Hygiene);
