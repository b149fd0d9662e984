//! Addresses that are there to be found by spammers. Who writes there is marked for a time.

use std::time::Duration;

use refrain_sdk::{Address, Bucket, Direction, Head, Interest, Kind, Problem, Problems, Rule, Setup, StanzaType};

use super::BUCKET;
use crate::except::address;
use crate::score::Hit;
use crate::settings;

/// The proxy keeps nothing for longer than thirty days.
const HOURS_MAX: u32 = 30 * 24;

/// The honeypots.
#[derive(Debug)]
pub(crate) struct Honeypots {
    addresses: Vec<String>,
    score: f64,
    domain_score: f64,
    lasts: Duration,
    marks: Bucket,
    rules: Vec<Rule>,
}

impl Honeypots {
    /// The honeypots, if there are any.
    pub(crate) fn new(
        settings: &settings::Honeypots,
        setup: &mut Setup,
        problems: &mut Problems,
    ) -> Result<Option<Self>, Problem> {
        let mut addresses = Vec::new();
        for (place, text) in settings.addresses.iter().enumerate() {
            let checked = address(text, false).map_err(|problem| problem.at(format!("honeypots.addresses[{place}]")));
            addresses.extend(problems.take(checked));
        }
        for (key, score) in [("score", settings.score), ("domain-score", settings.domain_score)] {
            if !score.is_finite() || score.abs() > 1_000.0 {
                let message = "is no score; write a number from -1000 to 1000";
                problems.add(Problem::new(format!("honeypots.{key}"), message));
            }
        }
        if settings.hours == 0 || settings.hours > HOURS_MAX {
            let message = format!("is not between 1 and {HOURS_MAX}, thirty days");
            problems.add(Problem::new("honeypots.hours", message));
        }
        if addresses.is_empty() {
            return Ok(None);
        }
        let inbound = || Interest::any().direction(Direction::Inbound);
        let rules = [
            inbound().kind(Kind::Message),
            inbound().kind(Kind::Presence).stanza_type(StanzaType::Subscribe),
            inbound().kind(Kind::Iq).stanza_type(StanzaType::IqSet),
        ];
        let rules = rules.into_iter().map(|interest| setup.interest(interest)).collect::<Result<_, _>>()?;
        Ok(Some(Honeypots {
            addresses,
            score: settings.score,
            domain_score: settings.domain_score,
            lasts: Duration::from_secs(u64::from(settings.hours) * 3_600),
            marks: setup.bucket(BUCKET)?,
            rules,
        }))
    }

    /// What marks add, after marking who writes to a honeypot.
    pub(crate) fn find(&self, head: &Head) -> Vec<Hit<'static>> {
        let is_asked = self.rules.iter().any(|rule| head.matched(*rule));
        // Whom somebody turned to is not a spammer to them, and what a room says is for those who joined it.
        if !is_asked || head.is_known() || head.stanza_type == StanzaType::Groupchat {
            return Vec::new();
        }
        let sender = head.sender();
        if self.addresses.iter().any(|address| address == head.recipient().bare()) {
            self.mark(sender);
        }
        let hit = |name, score| Hit { name, score: Some(score), action: None, cap: None };
        let is_marked = |key: String| self.marks.get(&key).is_some();
        let mut hits = Vec::new();
        if self.score != 0.0 && is_marked(of_sender(sender)) {
            hits.push(hit("honeypot", self.score));
        }
        if self.domain_score != 0.0 && is_marked(of_domain(sender)) {
            hits.push(hit("honeypot-domain", self.domain_score));
        }
        hits
    }

    /// Without room for it there is no mark.
    fn mark(&self, sender: Address<'_>) {
        let _ = self.marks.set(&of_sender(sender), b"1", self.lasts);
        if self.domain_score != 0.0 {
            let _ = self.marks.set(&of_domain(sender), b"1", self.lasts);
        }
    }
}

fn of_sender(sender: Address<'_>) -> String {
    format!("mark {}", sender.bare())
}

fn of_domain(sender: Address<'_>) -> String {
    format!("mark-domain {}", sender.domain())
}
