//! Where the texts of a stanza are, and how they are read.
//!
//! Every question crosses the sandbox, so a stanza is asked only for what it can have: the proxy tells by its rules of interest.

use refrain_sdk::{Direction, Head, Interest, Kind, Problem, Rule, Selector, Setup, Stanza, StanzaType};

use crate::markup;
use crate::settings::Field;
use crate::text::Views;

/// A text of a stanza.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) field: Field,
    /// Whether it is the name of a file.
    pub(crate) names_file: bool,
    pub(crate) views: Views,
}

/// A part of stanzas, with the rule that tells which have it.
#[derive(Debug)]
struct Part {
    rule: Rule,
    /// What the head knows of it at no cost.
    has: fn(&Head) -> bool,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    field: Field,
    selector: Selector,
    names_file: bool,
    /// Whether the element is read with all that is within it.
    whole: bool,
}

/// The questions about texts, and about hashes of files.
#[derive(Debug)]
pub(crate) struct Fields {
    parts: Vec<Part>,
    /// Who enters a room, under what name.
    join: Option<Rule>,
    invite: Option<Selector>,
    hashes: Option<Hashes>,
}

#[derive(Debug)]
struct Hashes {
    rules: Vec<Rule>,
    text: Selector,
    /// XEP-0096 §3: an MD5, in hexadecimal.
    old: Selector,
}

/// More elements of one kind are those of somebody who tries how many are read.
const WHOLE_MAX: u32 = 16;
const HASHES_MAX: u32 = 64;

/// Texts of a stanza that are looked at. Each costs something however short it is, and sixteen thousand fit into a stanza.
const TEXTS_MAX: usize = 256;
/// Of one place fewer are, so that those of one do not hide all others.
const PLACE_TEXTS_MAX: usize = 128;
/// So many are asked for: elements of forms that have only others within have no text.
const ASKED_MAX: u32 = 1_024;

/// The markup of one element that is read.
const MARKUP_BYTES_MAX: u32 = 32 << 10;

/// A part as it is asked for: what has it, and the places in it. `//` reaches into what is forwarded, archived and published as well.
struct Plan {
    interest: fn() -> Interest,
    if_head: fn(&Head) -> bool,
    /// Of which stanzas the rules about strangers want it too.
    of_strangers: Option<fn() -> Interest>,
    places: &'static [(Field, &'static str)],
}

const fn plan(interest: fn() -> Interest, places: &'static [(Field, &'static str)]) -> Plan {
    Plan { interest, if_head: |_| true, of_strangers: None, places }
}

impl Plan {
    const fn where_head(self, if_head: fn(&Head) -> bool) -> Plan {
        Plan { if_head, ..self }
    }

    const fn with_rules(self, of_strangers: fn() -> Interest) -> Plan {
        Plan { of_strangers: Some(of_strangers), ..self }
    }
}

/// What the rules about strangers look at.
const OF_STRANGERS: u16 = 1 << Field::Body as u16
    | 1 << Field::Subject as u16
    | 1 << Field::Status as u16
    | 1 << Field::Invite as u16
    | 1 << Field::File as u16
    | 1 << Field::Link as u16;

const PLANS: &[Plan] = &[
    plan(body, &[(Field::Body, "body")]).where_head(Head::has_body).with_rules(message_of_stranger),
    plan(subject, &[(Field::Subject, "subject")]).where_head(Head::has_subject).with_rules(message_of_stranger),
    plan(presence, &[(Field::Status, "status")]).with_rules(request_of_stranger),
    plan(nick, &[(Field::Nick, "//{http://jabber.org/protocol/nick}nick")]),
    plan(
        room,
        &[
            (Field::Invite, "//{http://jabber.org/protocol/muc#user}reason"),
            (Field::Invite, "//{http://jabber.org/protocol/muc#user}invite/@from"),
            (Field::Invite, "//{http://jabber.org/protocol/muc#user}destroy/@jid"),
            (Field::Invite, "//{jabber:x:conference}x"),
            (Field::Invite, "//{jabber:x:conference}x/@reason"),
            (Field::Invite, "//{jabber:x:conference}x/@jid"),
        ],
    )
    .with_rules(room_of_stranger),
    plan(form, &[(Field::Form, "//{jabber:x:data}*"), (Field::Form, "//{jabber:x:data}*/@label")]),
    plan(
        formatted,
        &[
            (Field::Markup, "//{http://jabber.org/protocol/xhtml-im}html"),
            (Field::Link, "//{http://www.w3.org/1999/xhtml}*/@href"),
            (Field::Link, "//{http://www.w3.org/1999/xhtml}*/@src"),
        ],
    ),
    plan(
        linked,
        &[
            (Field::Link, "//{jabber:x:oob}url"),
            (Field::Link, "//{jabber:x:oob}desc"),
            (Field::Link, "//{http://jabber.org/protocol/url-data}url-data/@target"),
            (Field::Link, "//{urn:xmpp:reference:0}reference/@uri"),
            (Field::Link, "//{urn:xmpp:call-invites:*}external/@uri"),
            (Field::Link, "//{urn:xmpp:http:online-meetings*}url"),
            (Field::Link, "//{https://ogp.me/ns#}*"),
            (Field::File, "//{urn:xmpp:file:metadata:0}name"),
            (Field::File, "//{urn:xmpp:file:metadata:0}desc"),
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}name"),
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}desc"),
        ],
    )
    .with_rules(linked_of_stranger),
    plan(
        offered,
        &[
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}name"),
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}desc"),
            (Field::File, "//{http://jabber.org/protocol/si/profile/file-transfer}file/@name"),
            (Field::File, "//{http://jabber.org/protocol/si/profile/file-transfer}desc"),
            (Field::Link, "{jabber:iq:oob}query/{jabber:iq:oob}url"),
            (Field::Link, "{jabber:iq:oob}query/{jabber:iq:oob}desc"),
        ],
    )
    .with_rules(offered_of_stranger),
    plan(
        wrapped,
        &[
            (Field::Body, "//{*}message/{*}body"),
            (Field::Subject, "//{*}message/{*}subject"),
            (Field::Status, "//{*}presence/{*}status"),
            (Field::Feed, "//{http://www.w3.org/2005/Atom}entry"),
            (Field::Feed, "//{http://jabber.org/protocol/mood}text"),
            (Field::Feed, "//{http://jabber.org/protocol/activity}text"),
            (Field::Nick, "//{http://jabber.org/protocol/nick}nick"),
            (Field::Link, "//{http://www.w3.org/2005/Atom}link/@href"),
            // What the other parts have, within what is forwarded.
            (Field::Invite, "//{http://jabber.org/protocol/muc#user}reason"),
            (Field::Invite, "//{http://jabber.org/protocol/muc#user}invite/@from"),
            (Field::Invite, "//{jabber:x:conference}x/@reason"),
            (Field::Invite, "//{jabber:x:conference}x/@jid"),
            (Field::Form, "//{jabber:x:data}*"),
            (Field::Form, "//{jabber:x:data}*/@label"),
            (Field::Markup, "//{http://jabber.org/protocol/xhtml-im}html"),
            (Field::Link, "//{http://www.w3.org/1999/xhtml}*/@href"),
            (Field::Link, "//{jabber:x:oob}url"),
            (Field::Link, "//{jabber:x:oob}desc"),
            (Field::Link, "//{http://jabber.org/protocol/url-data}url-data/@target"),
            (Field::Link, "//{urn:xmpp:reference:0}reference/@uri"),
            (Field::Link, "//{https://ogp.me/ns#}*"),
            (Field::File, "//{urn:xmpp:file:metadata:0}name"),
            (Field::File, "//{urn:xmpp:file:metadata:0}desc"),
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}name"),
            (Field::File, "//{urn:xmpp:jingle:apps:file-transfer:*}desc"),
        ],
    ),
];

fn message() -> Interest {
    Interest::any().kind(Kind::Message)
}

fn body() -> Interest {
    message().body()
}

fn subject() -> Interest {
    message().subject()
}

fn presence() -> Interest {
    Interest::any().kind(Kind::Presence)
}

/// A nick stands in a message (XEP-0172 §4.3) or in a presence, a request among them (§4.1, §4.2).
fn nick() -> Interest {
    message().kind(Kind::Presence).payload("http://jabber.org/protocol/nick")
}

/// A kick comes as presence (XEP-0045 §8.2).
fn room() -> Interest {
    message().kind(Kind::Presence).payload("http://jabber.org/protocol/muc#user").payload("jabber:x:conference")
}

/// A form in a message, or one that asks for a CAPTCHA (XEP-0158).
fn form() -> Interest {
    message().payload("jabber:x:data").payload("urn:xmpp:captcha")
}

fn formatted() -> Interest {
    message().payload("http://jabber.org/protocol/xhtml-im")
}

fn linked() -> Interest {
    const PAYLOADS: [&str; 9] = [
        "jabber:x:oob",
        "urn:xmpp:reference:0",
        "urn:xmpp:sims:*",
        "urn:xmpp:sfs:0",
        "urn:xmpp:message-attaching:*",
        "urn:xmpp:call-invites:*",
        "urn:xmpp:http:online-meetings*",
        "urn:xmpp:jingle-message:*",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    ];
    PAYLOADS.into_iter().fold(message(), Interest::payload)
}

fn offered() -> Interest {
    let request = Interest::any().kind(Kind::Iq).stanza_type(StanzaType::IqSet);
    request.payload("urn:xmpp:jingle:1").payload("http://jabber.org/protocol/si").payload("jabber:iq:oob")
}

fn message_of_stranger() -> Interest {
    message().direction(Direction::Inbound).stranger()
}

fn request_of_stranger() -> Interest {
    presence().stanza_type(StanzaType::Subscribe).direction(Direction::Inbound).stranger()
}

fn room_of_stranger() -> Interest {
    let invitation = message().payload("http://jabber.org/protocol/muc#user").payload("jabber:x:conference");
    invitation.direction(Direction::Inbound).stranger()
}

fn linked_of_stranger() -> Interest {
    linked().direction(Direction::Inbound).stranger()
}

/// A file that is offered by request.
pub(crate) fn offered_of_stranger() -> Interest {
    offered().direction(Direction::Inbound).stranger()
}

/// XEP-0045 §7.2.
fn join() -> Interest {
    Interest::any().kind(Kind::Presence).payload("http://jabber.org/protocol/muc")
}

/// XEP-0297, XEP-0280, XEP-0313, XEP-0060.
fn wrapped() -> Interest {
    let forwarded = message().payload("urn:xmpp:forward:0").payload("urn:xmpp:carbons:2").payload("urn:xmpp:mam:*");
    forwarded.payload("http://jabber.org/protocol/pubsub#event")
}

impl Fields {
    /// Declares interest in the fields of a set, in what the rules about strangers look at, and in hashes.
    pub(crate) fn new(asked: u16, rules: bool, hashes: bool, setup: &mut Setup) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        for plan in PLANS {
            let (interest, fields) = match plan.of_strangers.filter(|_| rules) {
                _ if plan.has(asked) => (plan.interest, asked | if rules { OF_STRANGERS } else { 0 }),
                Some(of_strangers) => (of_strangers, OF_STRANGERS),
                None => continue,
            };
            let places = plan.places.iter().filter(|(field, _)| fields & field.bit() != 0);
            parts.push(Part { rule: setup.interest(interest())?, has: plan.if_head, places: read(places, setup)? });
        }
        let hashes = if hashes { Some(Hashes::new(setup)?) } else { None };
        let join = if asked & Field::Nick.bit() == 0 { None } else { Some(setup.interest(join())?) };
        let invites = asked & Field::Invite.bit() != 0;
        let invite =
            if invites { Some(setup.selector("{http://jabber.org/protocol/muc#user}x/{*}invite")?) } else { None };
        Ok(Fields { parts, join, invite, hashes })
    }

    /// Tells the texts of a stanza.
    pub(crate) fn read(&self, head: &Head, stanza: &Stanza<'_>, mut tell: impl FnMut(Text)) {
        let mut tell = |field, names_file, text| tell(Text { field, names_file, views: Views::of(text) });
        self.addresses(head, stanza, &mut tell);
        let parts = self.parts.iter().filter(|part| head.matched(part.rule) && (part.has)(head));
        let places = parts.flat_map(|part| &part.places);
        let mut left = TEXTS_MAX;
        for place in places {
            if left == 0 {
                return;
            }
            let texts = match place.whole {
                false => stanza.texts(place.selector, ASKED_MAX),
                true => {
                    let elements = stanza.find(place.selector, WHOLE_MAX).into_iter();
                    elements.map(|element| markup::text(&stanza.xml(element, MARKUP_BYTES_MAX))).collect()
                }
            };
            let said = texts.into_iter().filter(|text| !text.is_empty());
            for text in said.take(PLACE_TEXTS_MAX.min(left)) {
                left -= 1;
                tell(place.field, place.names_file, text);
            }
        }
    }

    /// What of a stanza's own addresses somebody reads: the name by which somebody enters a room, and the room that sends an invitation.
    fn addresses(&self, head: &Head, stanza: &Stanza<'_>, tell: &mut impl FnMut(Field, bool, String)) {
        let joins = self.join.is_some_and(|join| head.matched(join));
        if let Some(nick) = head.recipient().resource().filter(|_| joins) {
            tell(Field::Nick, false, nick.to_owned());
        }
        if head.is_muc() && self.invite.is_some_and(|invite| stanza.test(invite)) {
            tell(Field::Invite, false, head.sender().bare().to_owned());
        }
    }

    /// The hashes of the files of a stanza, as their function and value.
    pub(crate) fn hashes(&self, head: &Head, stanza: &Stanza<'_>) -> Vec<(String, String)> {
        match &self.hashes {
            Some(hashes) if hashes.rules.iter().any(|rule| head.matched(*rule)) => hashes.read(stanza),
            _ => Vec::new(),
        }
    }
}

impl Plan {
    fn has(&self, fields: u16) -> bool {
        self.places.iter().any(|(field, _)| fields & field.bit() != 0)
    }
}

fn read<'p>(places: impl Iterator<Item = &'p (Field, &'static str)>, setup: &mut Setup) -> Result<Vec<Place>, Problem> {
    let place = |(field, path): &(Field, &'static str)| {
        let whole = *field == Field::Markup || path.ends_with("entry");
        let names_file = *field == Field::File && !path.ends_with("desc");
        Ok(Place { field: *field, selector: setup.selector(path)?, names_file, whole })
    };
    places.map(place).collect()
}

impl Hashes {
    fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let rules = [linked, offered, wrapped].map(|interest| setup.interest(interest()));
        Ok(Hashes {
            rules: rules.into_iter().collect::<Result<_, _>>()?,
            text: setup.selector("//{urn:xmpp:hashes:*}hash[@algo]")?,
            old: setup.selector("//{http://jabber.org/protocol/si/profile/file-transfer}file/@hash")?,
        })
    }

    fn read(&self, stanza: &Stanza<'_>) -> Vec<(String, String)> {
        let functions = stanza.find(self.text, HASHES_MAX).into_iter().map(|node| stanza.attr(node, "algo"));
        let values = stanza.texts(self.text, HASHES_MAX);
        let named = functions.zip(values).filter_map(|(function, value)| Some((function?, value)));
        named.chain(stanza.texts(self.old, HASHES_MAX).into_iter().map(|value| ("md5".to_owned(), value))).collect()
    }
}
