//! The rules, indexed by what they match, so that thousands of them cost a few look-ups a stanza.

use refrain_sdk::{Direction, Head};
use rustc_hash::FxHashMap;

use crate::settings::{Pattern, Side, Way};

/// Rules of one list (`deny` or `allow`), each known by its place in it.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    of_senders: Patterns,
    of_recipients: Patterns,
}

/// The rules about one side of a stanza.
#[derive(Debug, Default)]
struct Patterns {
    by_jid: Index,
    by_domain: Index,
    /// By what stands after `*.`.
    by_parent: Index,
}

/// The keys are the operator's, so no stranger can choose them to collide: a fast hash will do.
type Index = FxHashMap<String, Vec<Rule>>;

#[derive(Debug, Clone, Copy)]
struct Rule {
    place: usize,
    way: Way,
}

/// A rule that matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Match {
    /// The rule's place in its list.
    pub(crate) place: usize,
    /// Whether it is the sender that it names.
    pub(crate) of_sender: bool,
}

impl Rules {
    /// Adds the rule at `place` of the list.
    pub(crate) fn add(&mut self, place: usize, pattern: &Pattern, side: Side, way: Way) {
        let rule = Rule { place, way };
        if side != Side::Recipient {
            self.of_senders.add(pattern, rule);
        }
        if side != Side::Sender {
            self.of_recipients.add(pattern, rule);
        }
    }

    /// The first rule of the list that names the sender or the addressee.
    pub(crate) fn first_match(&self, head: &Head) -> Option<Match> {
        let sender = self.of_senders.first_of(&head.from, head.direction);
        let recipient = self.of_recipients.first_of(&head.to, head.direction);
        let sender = sender.map(|place| Match { place, of_sender: true });
        let recipient = recipient.map(|place| Match { place, of_sender: false });
        sender.into_iter().chain(recipient).min_by_key(|found| found.place)
    }
}

impl Patterns {
    fn add(&mut self, pattern: &Pattern, rule: Rule) {
        let text = pattern.as_str();
        let (index, key) = match (pattern, text.strip_prefix("*.")) {
            (Pattern::Jid(_), _) => (&mut self.by_jid, text),
            (Pattern::Domain(_), Some(parent)) => (&mut self.by_parent, parent),
            (Pattern::Domain(_), None) => (&mut self.by_domain, text),
        };
        index.entry(key.to_owned()).or_default().push(rule);
    }

    fn first_of(&self, jid: &str, direction: Direction) -> Option<usize> {
        self.naming(jid).filter(|rule| rule.way.covers(direction)).map(|rule| rule.place).min()
    }

    /// All rules whose pattern matches this prepared JID.
    fn naming(&self, jid: &str) -> impl Iterator<Item = &Rule> {
        let bare = jid.split_once('/').map_or(jid, |(bare, _)| bare);
        let domain = bare.split_once('@').map_or(bare, |(_, domain)| domain);
        let of_jid = [jid, bare].into_iter().take(if jid == bare { 1 } else { 2 });
        let jids = of_jid.filter_map(|key| self.by_jid.get(key));
        let domains = self.by_domain.get(domain).into_iter();
        let parents = parents(domain).filter(|_| !self.by_parent.is_empty());
        let parents = parents.filter_map(|parent| self.by_parent.get(parent));
        jids.chain(domains).chain(parents).flatten()
    }
}

/// `a.b.c` → `b.c`, `c`.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(domain), |domain| parent(domain))
}

fn parent(domain: &str) -> Option<&str> {
    domain.split_once('.').map(|(_, parent)| parent)
}
