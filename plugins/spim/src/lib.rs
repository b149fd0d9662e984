#![doc = include_str!("../README.md")]

mod expression;
mod fold;
mod literal;
mod settings;
mod signatures;

use refrain_sdk::{
    Condition, Filter, Head, Interest, Kind, Problem, Problems, Selector, Setup, Stanza, Verdict, export,
};

pub use settings::{Action, Field, Settings, Signature};
use signatures::Signatures;

/// The filter.
#[derive(Debug)]
pub struct Spim {
    settings: Vec<Signature>,
    signatures: Signatures,
    /// The texts that some signature looks into.
    texts: Vec<(Field, Selector)>,
}

impl Filter for Spim {
    type Settings = Settings;

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let settings = settings.signatures;
        let signatures = Signatures::compile(&settings)?;
        declare_interests(&settings, setup)?;
        let texts = texts(&settings, setup)?;
        Ok(Spim { settings, signatures, texts })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let Some(signature) = self.first_match(stanza) else { return Verdict::Pass };
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
    fn first_match(&self, stanza: &Stanza<'_>) -> Option<&Signature> {
        let in_field = |&(field, selector): &(Field, Selector)| {
            let looks_here =
                move |place: usize| self.settings.get(place).is_some_and(|one| one.fields.contains(&field));
            let texts = stanza.texts(selector, u32::MAX).into_iter();
            texts.filter_map(move |text| self.signatures.first_in(text, looks_here)).min()
        };
        let place = self.texts.iter().filter_map(in_field).min()?;
        self.settings.get(place)
    }
}

/// The selectors of the fields that are looked into.
fn texts(signatures: &[Signature], setup: &mut Setup) -> Result<Vec<(Field, Selector)>, Problem> {
    let mut texts = Vec::new();
    for field in [Field::Body, Field::Subject, Field::Status, Field::Nick, Field::Invite] {
        if looks_into(signatures, field) {
            for selector in field.selectors() {
                texts.push((field, setup.selector(selector)?));
            }
        }
    }
    Ok(texts)
}

/// Stanzas that have none of the fields do not enter the sandbox, as far as an interest can tell.
fn declare_interests(signatures: &[Signature], setup: &mut Setup) -> Result<(), Problem> {
    let message = || Interest::any().kind(Kind::Message);
    if looks_into(signatures, Field::Subject) {
        setup.interest(message())?;
    } else if looks_into(signatures, Field::Body) {
        setup.interest(message().body())?;
    }
    if looks_into(signatures, Field::Status) {
        setup.interest(Interest::any().kind(Kind::Presence))?;
    }
    // A nick stands in a message (XEP-0172 §4.3) or in a presence, a request among them (§4.1, §4.2).
    let nicked = || message().kind(Kind::Presence).payload("http://jabber.org/protocol/nick");
    if looks_into(signatures, Field::Nick) {
        setup.interest(nicked())?;
    }
    if looks_into(signatures, Field::Invite) {
        setup.interest(message().payload("http://jabber.org/protocol/muc#user").payload("jabber:x:conference"))?;
    }
    if signatures.is_empty() {
        setup.no_interest()?;
    }
    Ok(())
}

fn looks_into(signatures: &[Signature], field: Field) -> bool {
    signatures.iter().any(|signature| signature.fields.contains(&field))
}

export!(Spim);
