#![doc = include_str!("../README.md")]

mod jingle;
mod oob;
mod settings;

use refrain_sdk::{
    About, Condition, ErrorType, Filter, Head, Interest, Kind, Problems, Rule, Selector, Setup, Stanza, StanzaType,
    Verdict, export,
};

use jingle::Jingle;
use oob::OutOfBand;
pub use settings::{Mechanism, Settings};

const IBB: &str = "http://jabber.org/protocol/ibb";
const BYTESTREAMS: &str = "http://jabber.org/protocol/bytestreams";
const SI: &str = "http://jabber.org/protocol/si";

/// The filter.
#[derive(Debug)]
pub struct FileTransfer {
    /// What the matched rules of interest stand for.
    denied: Vec<(Rule, Mechanism)>,
    oob: OutOfBand,
    jingle: Jingle,
    ibb_open: Selector,
    socks5_activate: Selector,
}

impl Filter for FileTransfer {
    type Settings = Settings;

    fn about() -> About {
        About::new().self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let mut denied = Vec::new();
        for mechanism in Mechanism::ALL.into_iter().filter(|mechanism| !settings.allow.contains(mechanism)) {
            for interest in interests(mechanism) {
                denied.push((setup.interest(interest)?, mechanism));
            }
        }
        if denied.is_empty() {
            setup.no_interest()?;
        }
        Ok(FileTransfer {
            denied,
            oob: OutOfBand::new(setup)?,
            jingle: Jingle::new(setup)?,
            ibb_open: setup.selector(&format!("{{{IBB}}}open"))?,
            socks5_activate: setup.selector(&format!("{{{BYTESTREAMS}}}query/{{{BYTESTREAMS}}}activate"))?,
        })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let matched = self.denied.iter().filter(|(rule, _)| head.matched(*rule));
        // Edits are kept over several mechanisms: a message may pass only when it is stripped of all.
        let verdicts = matched.map(|&(_, mechanism)| self.deny(mechanism, head, stanza));
        verdicts.fold(Verdict::Pass, |verdict, next| if verdict == Verdict::Pass { next } else { verdict })
    }
}

/// The stanzas that are part of a mechanism. An iq of type error carries nothing to anybody.
fn interests(mechanism: Mechanism) -> Vec<Interest> {
    let request = || Interest::any().kind(Kind::Iq).stanza_type(StanzaType::IqGet).stanza_type(StanzaType::IqSet);
    let iq = || request().stanza_type(StanzaType::IqResult);
    match mechanism {
        Mechanism::Oob => vec![
            iq().payload("jabber:iq:oob"),
            Interest::any().kind(Kind::Message).kind(Kind::Presence).payload("jabber:x:oob"),
        ],
        Mechanism::Ibb => vec![iq().payload(IBB), Interest::any().kind(Kind::Message).payload(IBB)],
        Mechanism::Socks5 => vec![iq().payload(BYTESTREAMS)],
        Mechanism::Si => vec![iq().payload(SI)],
        Mechanism::Jingle => vec![request().payload(jingle::NAMESPACE)],
        Mechanism::HttpUpload => {
            vec![iq().payload("urn:xmpp:http:upload*").payload("eu:siacs:conversations:http:upload*")]
        }
    }
}

impl FileTransfer {
    /// What becomes of a stanza that is part of a denied mechanism.
    fn deny(&self, mechanism: Mechanism, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let verdict = match head.kind {
            Kind::Message | Kind::Presence if mechanism == Mechanism::Oob => self.oob.strip(head, stanza),
            // XEP-0047 §2.2: a packet of a session that is not known.
            Kind::Message | Kind::Presence => refuse(Condition::ItemNotFound, ErrorType::Cancel).if_answerable(head),
            // On a result, the error goes on to the requester in its place.
            Kind::Iq if head.stanza_type == StanzaType::IqResult => refuse(Condition::Forbidden, ErrorType::Auth),
            Kind::Iq => self.deny_request(mechanism, head, stanza),
        };
        if verdict != Verdict::Pass {
            stanza.reason(mechanism.reason());
        }
        verdict
    }

    fn deny_request(&self, mechanism: Mechanism, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        match mechanism {
            // XEP-0066 §2: "rejects the request outright".
            Mechanism::Oob => refuse(Condition::NotAcceptable, ErrorType::Modify),
            Mechanism::Ibb if stanza.test(self.ibb_open) => refuse(Condition::NotAcceptable, ErrorType::Cancel),
            Mechanism::Ibb => refuse(Condition::ItemNotFound, ErrorType::Cancel),
            // XEP-0065: a proxy says so to whom it does not serve, a target that does not want the stream says the other.
            Mechanism::Socks5 if head.stanza_type == StanzaType::IqGet || stanza.test(self.socks5_activate) => {
                refuse(Condition::Forbidden, ErrorType::Auth)
            }
            Mechanism::Socks5 => refuse(Condition::NotAcceptable, ErrorType::Modify),
            // XEP-0095 §3.2, to the letter.
            Mechanism::Si => refuse(Condition::Forbidden, ErrorType::Cancel).text("Offer Declined"),
            Mechanism::Jingle => self.jingle.deny(stanza),
            Mechanism::HttpUpload => refuse(Condition::Forbidden, ErrorType::Auth),
        }
    }
}

fn refuse(condition: Condition, error_type: ErrorType) -> Verdict {
    Verdict::bounce(condition).error_type(error_type).text("File transfer is not allowed here")
}

export!(FileTransfer);
