//! The bundled filters as an operator has them: by the configuration that the page of the pack recommends.

use std::fmt;
use std::fs;
use std::path::Path;

use refrain::config::Config;
use refrain::lists::Board;
use refrain::lists::board::Purpose;
use refrain::snapshot::{self, chains};
use refrain_filter::{ChainWorker, Direction, Outcome, Relation};

use crate::book::Entry;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters/README.md");

/// What the page leaves to the reader.
const REST: &str = "\
[outside]\nlisten = '[::]:5269'\nresolver = 'system'\n[inside]\nlisten = '127.0.0.1:5299'\nauthority = 'ca.pem'\n\
[[domain]]\nname = 'home.example'\nserver = '127.0.0.1:15269'\ncertificate = 'home.pem'\n";

/// The first of January 2026, at noon UTC.
const START_MS: u64 = 1_767_268_800_000;
/// Between two stanzas, so that a corpus is no flood.
const PACE_MS: u64 = 5_000;

/// Both chains, and the time.
pub struct Pack {
    inbound: ChainWorker,
    outbound: ChainWorker,
    now_ms: u64,
}

/// What became of a stanza.
pub struct Judged {
    /// The outcome, with its condition.
    pub said: String,
    /// The stanza that leaves, if one does.
    pub stanza: String,
    changed: bool,
    /// By whom and why.
    because: String,
}

impl Pack {
    /// The pack as the page recommends it.
    pub fn recommended() -> Self {
        Pack::recommended_with("")
    }

    /// Likewise, with other settings of some filters.
    pub fn recommended_with(settings: &str) -> Self {
        let text = REST.to_owned() + &exchange(&configuration(), settings);
        // Beside it are the files that it names.
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/pack.toml");
        let (config, mistakes) = Config::parse(&text, &path).unwrap();
        assert!(mistakes.is_empty(), "{mistakes}");
        let engine = snapshot::engine().unwrap();
        let lists = Board::new(None).attach(&config.lists, Purpose::Trial);
        let chains = chains::build(&config, &lists, &engine, engine.shared());
        let chains = chains.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        Pack { inbound: chains.inbound.worker(), outbound: chains.outbound.worker(), now_ms: START_MS }
    }

    /// Sends a stanza through the chain of its direction.
    pub fn judge(&mut self, entry: &Entry, relation: Option<Relation>) -> Judged {
        self.now_ms += PACE_MS;
        let worker = match entry.direction() {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        };
        let mut stanza = entry.stanza.clone();
        let decision = worker.judge_between(relation, &mut stanza, self.now_ms);
        let said = match &decision.outcome {
            Outcome::Forward => "forward".to_owned(),
            Outcome::Bounce(error) => format!("bounce {error}"),
            Outcome::Reply(payload) => {
                let reply = entry.stanza.message_reply(payload.elements());
                reply.map_or_else(|| "drop".to_owned(), |reply| format!("reply {}", reply.to_xml()))
            }
            other => format!("{other:?}").to_lowercase(),
        };
        let (filter, reason) = (decision.filter.as_deref().unwrap_or("-"), decision.reason.as_deref().unwrap_or("-"));
        let because =
            format!("{filter}: {reason}{}", decision.fault.map(|fault| format!(" ({fault})")).unwrap_or_default());
        let stanza = stanza.to_xml();
        Judged { said, changed: stanza != entry.stanza.to_xml(), stanza, because }
    }
}

impl Judged {
    /// As a corpus expects it: the stanza that leaves, where it is another.
    pub fn outcome(&self) -> String {
        // A corpus has a stanza on one line.
        if self.said == "forward" && self.changed { self.stanza.replace('\n', "&#10;") } else { self.said.clone() }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.outcome(), self.because)
    }
}

/// The configuration on the page.
fn configuration() -> String {
    let page = fs::read_to_string(PAGE).unwrap();
    let block = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    block.expect("a configuration on the page").to_owned()
}

/// Puts these settings of a filter in the place of those of the same name.
fn exchange(text: &str, settings: &str) -> String {
    let Some(heading) = settings.lines().next() else { return text.to_owned() };
    match text.split_once(heading) {
        None => format!("{text}\n{settings}"),
        Some((before, rest)) => {
            let after = rest.find("\n[").map_or("", |at| &rest[at..]);
            format!("{before}{settings}{after}")
        }
    }
}
