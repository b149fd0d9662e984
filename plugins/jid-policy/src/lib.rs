#![doc = include_str!("../README.md")]

mod approach;
mod contact;
mod glob;
mod index;
mod interests;
mod lists;
mod manners;
mod pattern;
mod rate;
mod read;
mod refusal;
mod rules;
mod settings;
mod several;
mod signals;
mod stanzas;
mod who;

use refrain_sdk::{About, Direction, Filter, Head, Kind, Problems, Setup, Stanza, StanzaType, Verdict, export};

use contact::Contacts;
use index::End;
use interests::Interests;
use lists::Lists;
use manners::Manners;
use read::{Builder, List};
use refusal::Answer;
use rules::{Outcome, Rules};
pub use settings::{
    Action, Contact, FirstContact, Limits, Otherwise, Refusal, Relation, Rule, Settings, Several, Side, Told, Way,
};
use who::Reader;

/// The filter.
#[derive(Debug)]
pub struct JidPolicy {
    allow: Rules,
    deny: Rules,
    otherwise: Otherwise,
    answer: Answer,
    contacts: Option<Contacts>,
    lists: Lists,
    manners: Manners,
}

impl Filter for JidPolicy {
    type Settings = Settings;

    fn about() -> About {
        // Half of it is wall time, of which a busy machine may take all before the filter gets to run.
        About::new().deadline_ms(25).requests("accept").self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let (mut problems, manners) = (Problems::new(), Manners::new(setup)?);
        let mut reader = Reader::default();
        for (name, members) in &settings.groups {
            reader.define(name, members, setup, &mut problems);
        }
        let answer = Answer { action: settings.action, error: settings.error, text: settings.text };
        let mut builder = Builder { reader: &mut reader, setup, problems: &mut problems, answer: &answer };
        let allow = builder.read(List::Allow, settings.allow);
        let deny = builder.read(List::Deny, settings.deny);
        let contact = (settings.first_contact, settings.first_contact_to, settings.first_contact_limits, answer.action);
        let contacts = Contacts::new(contact, &mut reader, setup, &mut problems);
        if settings.default == Otherwise::Allow {
            let mut interests = Interests::default();
            let accepts = allow.about().filter(|(_, rule, _)| matches!(rule.outcome, Outcome::Accept));
            accepts.chain(deny.about()).for_each(|(direction, rule, ends)| interests.add(direction, rule, ends));
            contacts.iter().for_each(|_| interests.add_strangers(Contacts::stanzas()));
            problems.take(interests.declare(setup));
        }
        let (allow, deny, otherwise) = (allow.index(), deny.index(), settings.default);
        problems.or(JidPolicy { allow, deny, otherwise, answer, contacts, lists: reader.lists, manners })
    }

    /// One straight order: `allow`, `deny`, `default`, `first-contact`.
    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let lists = self.lists.ask();
        if let Some(allowed) = self.allow.first_match(head, &lists) {
            return match allowed.rule.outcome {
                Outcome::Accept => Verdict::Accept,
                Outcome::Pass | Outcome::Refuse(_) => Verdict::Pass,
            };
        }
        // Whoever asked waits for it, and it says little but that there is no answer.
        if (head.kind, head.stanza_type) == (Kind::Iq, StanzaType::Error) {
            return Verdict::Pass;
        }
        if let Some(denied) = self.deny.first_match(head, &lists)
            && let Outcome::Refuse(answer) = &denied.rule.outcome
        {
            stanza.reason(&denied.tell(head, &self.lists));
            return answer.verdict(denied.end, head, stanza, &self.manners);
        }
        match (self.otherwise, &self.contacts) {
            (Otherwise::Deny, _) => {
                stanza.reason("no allow rule matches");
                self.answer.verdict(End::Sender, head, stanza, &self.manners)
            }
            (Otherwise::Allow, Some(contacts)) if head.is_stranger() && head.direction == Direction::Inbound => {
                contacts.judge(head, stanza, &lists, &self.manners)
            }
            (Otherwise::Allow, _) => Verdict::Pass,
        }
    }
}

export!(JidPolicy);
