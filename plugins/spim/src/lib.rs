#![doc = include_str!("../README.md")]

mod expression;
mod fold;
mod literal;
mod settings;
mod signatures;

use refrain_sdk::{
    About, Condition, Filter, Head, Interest, Kind, Problem, Problems, Rule, Selector, Setup, Stanza, Verdict, export,
};

pub use settings::{Action, Field, Settings, Signature};
use signatures::Signatures;

/// The filter.
#[derive(Debug)]
pub struct Spim {
    settings: Vec<Signature>,
    signatures: Signatures,
    looks: Vec<Look>,
}

/// A place of a stanza that some signature looks into.
#[derive(Debug)]
struct Look {
    field: Field,
    /// Tells which stanzas can have the field: the others are not asked for it, since every question crosses the sandbox.
    rule: Rule,
    selector: Selector,
}

impl Filter for Spim {
    type Settings = Settings;

    fn about() -> About {
        About::new().self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let settings = settings.signatures;
        let signatures = Signatures::compile(&settings)?;
        let looks = looks(&settings, setup)?;
        Ok(Spim { settings, signatures, looks })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let Some(signature) = self.first_match(head, stanza) else { return Verdict::Pass };
        stanza.reason(&signature.name);
        match signature.action {
            Action::Drop => Verdict::Drop,
            // RFC 6120 §8.3.3.12: "e.g., a message contains words that are prohibited by the service".
            Action::Bounce => Verdict::bounce(Condition::PolicyViolation).if_answerable(head),
        }
    }
}

impl Spim {
    /// The first signature of the list that matches any text of the stanza.
    fn first_match(&self, head: &Head, stanza: &Stanza<'_>) -> Option<&Signature> {
        let in_field = |look: &Look| {
            let looks_here =
                move |place: usize| self.settings.get(place).is_some_and(|one| one.fields.contains(&look.field));
            let texts = stanza.texts(look.selector, u32::MAX).into_iter();
            texts.filter_map(move |text| self.signatures.first_in(text, looks_here)).min()
        };
        let place = self.looks.iter().filter(|look| head.matched(look.rule)).filter_map(in_field).min()?;
        self.settings.get(place)
    }
}

/// Stanzas that have none of the fields do not enter the sandbox, as far as an interest can tell.
fn looks(signatures: &[Signature], setup: &mut Setup) -> Result<Vec<Look>, Problem> {
    let mut looks = Vec::new();
    for field in [Field::Body, Field::Subject, Field::Status, Field::Nick, Field::Invite] {
        if looks_into(signatures, field) {
            let rule = setup.interest(interest(field))?;
            for selector in field.selectors() {
                looks.push(Look { field, rule, selector: setup.selector(selector)? });
            }
        }
    }
    if looks.is_empty() {
        setup.no_interest()?;
    }
    Ok(looks)
}

fn interest(field: Field) -> Interest {
    let message = Interest::any().kind(Kind::Message);
    match field {
        Field::Body => message.body(),
        Field::Subject => message.subject(),
        Field::Status => Interest::any().kind(Kind::Presence),
        // A nick stands in a message (XEP-0172 §4.3) or in a presence, a request among them (§4.1, §4.2).
        Field::Nick => message.kind(Kind::Presence).payload("http://jabber.org/protocol/nick"),
        Field::Invite => message.payload("http://jabber.org/protocol/muc#user").payload("jabber:x:conference"),
    }
}

fn looks_into(signatures: &[Signature], field: Field) -> bool {
    signatures.iter().any(|signature| signature.fields.contains(&field))
}

export!(Spim);
