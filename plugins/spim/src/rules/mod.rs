//! How something comes: rules about stanzas of strangers, whatever they say.
//!
//! Of the rules about a single stanza no number together reach the threshold of a bounce: what the first stanza of somebody looks like is
//! not enough. It takes a signature, a campaign or a honeypot besides.

mod bulk;
mod contact;
mod honeypot;
mod localpart;
mod shape;
mod table;

use refrain_sdk::{Direction, Head, Interest, Kind, Problems, Rule, Selector, Setup, Stanza, StanzaType};

use crate::fields::{Text, offered_of_stranger};
use crate::score::Hit;
use crate::settings::{Field, RuleName as Name, Settings};
use crate::text::Views;

use bulk::Bulk;
pub(crate) use honeypot::Honeypots;
use table::Book;

/// The name of the bucket in which the filter keeps what it saw.
pub(crate) const BUCKET: &str = "spim";

/// The rules that are on.
#[derive(Debug)]
pub(crate) struct Rules {
    book: Book,
    message: Rule,
    subscription: Rule,
    offer: Rule,
    invite: Selector,
    direct_invite: Selector,
    markup: Selector,
    said: Selector,
    bulk: Bulk,
}

/// What the rules look at.
pub(crate) struct Seen<'s> {
    pub(crate) head: &'s Head,
    pub(crate) stanza: &'s Stanza<'s>,
    pub(crate) texts: &'s [Text],
}

impl<'s> Seen<'s> {
    fn of(&self, field: Field) -> impl Iterator<Item = &'s Views> {
        self.texts.iter().filter(move |text| text.field == field).map(|text| &text.views)
    }

    fn bodies(&self) -> impl Iterator<Item = &'s Views> {
        self.of(Field::Body)
    }
}

impl Rules {
    /// The rules, if any is on.
    pub(crate) fn new(
        settings: &Settings,
        setup: &mut Setup,
        problems: &mut Problems,
    ) -> Result<Option<Self>, Problems> {
        let book = Book::new(settings.defaults, &settings.rules, problems);
        if book.is_empty() {
            return Ok(None);
        }
        let inbound = || Interest::any().direction(Direction::Inbound).stranger();
        let bulk = Bulk::new(&book, setup)?;
        Ok(Some(Rules {
            book,
            message: setup.interest(inbound().kind(Kind::Message))?,
            subscription: setup.interest(inbound().kind(Kind::Presence).stanza_type(StanzaType::Subscribe))?,
            offer: setup.interest(offered_of_stranger())?,
            invite: setup
                .selector("{http://jabber.org/protocol/muc#user}x/{http://jabber.org/protocol/muc#user}invite")?,
            direct_invite: setup.selector("{jabber:x:conference}x")?,
            markup: setup.selector("{http://jabber.org/protocol/xhtml-im}html")?,
            said: setup.selector("status")?,
            bulk,
        }))
    }

    /// Whether a stanza is one that the rules are about.
    pub(crate) fn concern(&self, head: &Head) -> bool {
        let is_picked = [self.message, self.subscription, self.offer].into_iter().any(|rule| head.matched(rule));
        is_picked && head.is_stranger() && head.stanza_type != StanzaType::Error
    }

    /// What the rules find.
    pub(crate) fn find(&self, seen: &Seen<'_>) -> Vec<Hit<'static>> {
        let mut found = Vec::new();
        let mut hit = |name: Name| found.extend(self.book.hit(name));
        match seen.head.kind {
            Kind::Presence => self.in_subscription(seen, &mut hit),
            Kind::Message => self.in_message(seen, &mut hit),
            Kind::Iq => self.files(seen, &mut hit),
        }
        found
    }
}
