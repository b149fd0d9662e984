#![doc = include_str!("../README.md")]

mod rules;
mod settings;

use refrain_sdk::{
    About, Condition, Direction, Filter, Head, Interest, Problem, Problems, Setup, Stanza, Verdict, export,
};

use rules::{Match, Rules};
pub use settings::{Action, Allow, Deny, Otherwise, Pattern, Settings, Side, Way};

/// The filter.
#[derive(Debug)]
pub struct JidPolicy {
    deny: Rules,
    denials: Vec<Denial>,
    allow: Rules,
    otherwise: Otherwise,
}

/// What a `deny` rule does, by its place in the list.
#[derive(Debug)]
struct Denial {
    action: Action,
    name: String,
}

impl Filter for JidPolicy {
    type Settings = Settings;

    fn about() -> About {
        About::new().self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut policy = JidPolicy {
            deny: Rules::default(),
            denials: Vec::new(),
            allow: Rules::default(),
            otherwise: settings.default,
        };
        let mut interests = Interests::default();
        for (place, rule) in settings.deny.into_iter().enumerate() {
            let pattern = Pattern::read(rule.jid.as_deref(), rule.domain.as_deref(), &format!("deny[{place}]"));
            let Some(pattern) = problems.take(pattern) else { continue };
            policy.deny.add(place, &pattern, rule.side, rule.direction);
            interests.add(&pattern, rule.side, rule.direction);
            policy.denials.push(Denial { action: rule.action, name: rule.name.unwrap_or(pattern.as_str().to_owned()) });
        }
        for (place, rule) in settings.allow.into_iter().enumerate() {
            let pattern = Pattern::read(rule.jid.as_deref(), rule.domain.as_deref(), &format!("allow[{place}]"));
            let Some(pattern) = problems.take(pattern) else { continue };
            policy.allow.add(place, &pattern, rule.side, rule.direction);
        }
        if policy.otherwise == Otherwise::Allow {
            problems.take(interests.declare(setup));
        }
        problems.or(policy)
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let denied = self.deny.first_match(head);
        if denied.is_none() && self.otherwise == Otherwise::Allow || self.allow.first_match(head).is_some() {
            return Verdict::Pass;
        }
        match denied.and_then(|found| Some((found, self.denials.get(found.place)?))) {
            Some((found, denial)) => denial.verdict(found, head, stanza),
            None => refuse_by_default(head, stanza),
        }
    }
}

impl Denial {
    fn verdict(&self, found: Match, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        stanza.reason(&self.name);
        match self.action {
            Action::Drop => Verdict::Drop,
            Action::Bounce if found.of_sender => forbidden().if_answerable(head),
            Action::Bounce => not_allowed().if_answerable(head),
        }
    }
}

fn refuse_by_default(head: &Head, stanza: &Stanza<'_>) -> Verdict {
    stanza.reason("no allow rule matches");
    forbidden().if_answerable(head)
}

/// RFC 6120 §8.3.3.4: only certain entities may do this, and the sender is not among them.
fn forbidden() -> Verdict {
    Verdict::bounce(Condition::Forbidden).text("You are not allowed to communicate with this address")
}

/// RFC 6120 §8.3.3.8: nobody may do this, "e.g., sending to entities at a blacklisted domain".
fn not_allowed() -> Verdict {
    Verdict::bounce(Condition::NotAllowed).text("Communication with this address is not allowed")
}

/// The domains the rules are about, by the way they apply: stanzas between others never enter the sandbox.
#[derive(Default)]
struct Interests(Vec<(Way, Vec<String>, Vec<String>)>);

impl Interests {
    fn add(&mut self, pattern: &Pattern, side: Side, way: Way) {
        let at = self.0.iter().position(|(known, ..)| *known == way).unwrap_or_else(|| {
            self.0.push((way, Vec::new(), Vec::new()));
            self.0.len() - 1
        });
        let (_, senders, recipients) = &mut self.0[at];
        if side != Side::Recipient {
            senders.push(pattern.domain().to_owned());
        }
        if side != Side::Sender {
            recipients.push(pattern.domain().to_owned());
        }
    }

    fn declare(self, setup: &mut Setup) -> Result<(), Problem> {
        if self.0.is_empty() {
            setup.no_interest()?;
        }
        for (way, senders, recipients) in self.0 {
            let interest = || match way {
                Way::Inbound => Interest::any().direction(Direction::Inbound),
                Way::Outbound => Interest::any().direction(Direction::Outbound),
                Way::Both => Interest::any(),
            };
            if !senders.is_empty() {
                setup.interest(senders.into_iter().fold(interest(), Interest::from_domain))?;
            }
            if !recipients.is_empty() {
                setup.interest(recipients.into_iter().fold(interest(), Interest::to_domain))?;
            }
        }
        Ok(())
    }
}

export!(JidPolicy);
