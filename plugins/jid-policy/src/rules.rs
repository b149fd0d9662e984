//! The rules as they are asked: the first of a list that is about a stanza.

use refrain_sdk::{Address, Direction, Head};

use crate::index::{End, Entry, Index, Search};
use crate::lists::{Answers, Lists};
use crate::refusal::Answer;
use crate::settings::Relation;
use crate::stanzas::Stanzas;
use crate::who::Who;

/// One list of rules.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) all: Vec<Rule>,
    pub(crate) inbound: Index,
    pub(crate) outbound: Index,
}

/// A rule, but for the addresses by which it is found.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Option<String>,
    /// Where it stands, for want of a name and an address: `deny[3]`.
    pub(crate) path: String,
    pub(crate) stanzas: Stanzas,
    pub(crate) relation: Option<Relation>,
    pub(crate) except: Who,
    pub(crate) outcome: Outcome,
}

/// What a rule does with a stanza that it is about.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Pass,
    Accept,
    Refuse(Answer),
}

/// A rule that is about a stanza.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match<'r> {
    pub(crate) rule: &'r Rule,
    entry: &'r Entry,
    /// At which end stands what the rule names. Of a pair it is the sender.
    pub(crate) end: End,
    /// At which end it was found.
    found_at: End,
}

impl Rules {
    /// The first rule that is about the stanza.
    pub(crate) fn first_match<'r, 'a>(&'r self, head: &'a Head, lists: &'r Answers<'a>) -> Option<Match<'r>> {
        let mut first = First { rules: self, head, lists, found: None };
        let index = match head.direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        };
        index.search(head.sender(), head.recipient(), &mut first);
        first.found
    }
}

impl Match<'_> {
    /// What the operator is told.
    pub(crate) fn tell(&self, head: &Head, lists: &Lists) -> String {
        let address = end_of(head, self.found_at);
        let word = self.entry.word().map(|word| word.tell(address, lists));
        match (&self.rule.name, word) {
            (Some(name), Some(word)) if *name != word => format!("{name}: {word}"),
            (Some(name), _) => name.clone(),
            (None, Some(word)) => word,
            (None, None) => self.rule.path.clone(),
        }
    }
}

/// Looks for the first rule that is about a stanza.
struct First<'r, 'a> {
    rules: &'r Rules,
    head: &'a Head,
    lists: &'r Answers<'a>,
    found: Option<Match<'r>>,
}

impl<'r> Search<'r> for First<'r, '_> {
    fn wants(&self, entry: &Entry) -> bool {
        let is_earlier = self.found.is_none_or(|found| entry.rule < found.entry.rule);
        is_earlier && self.rules.all.get(entry.rule).is_some_and(|rule| rule.is_of_kind(self.head))
    }

    fn covers(&self, list: usize, end: End) -> bool {
        self.lists.cover(list, end_of(self.head, end))
    }

    fn found(&mut self, entry: &'r Entry, end: End) {
        let Some(rule) = self.rules.all.get(entry.rule) else { return };
        let names_other = || match &entry.other {
            None => true,
            Some(other) => other.names(end_of(self.head, end.other()), self.lists),
        };
        if self.wants(entry) && names_other() && !rule.excepts(self.head, self.lists) {
            let at = if entry.other.is_some() { End::Sender } else { end };
            self.found = Some(Match { rule, entry, end: at, found_at: end });
        }
    }
}

impl Rule {
    fn is_of_kind(&self, head: &Head) -> bool {
        let is_related = match self.relation {
            None => true,
            Some(Relation::Stranger) => head.is_stranger(),
            Some(Relation::Known) => head.is_known(),
        };
        is_related && self.stanzas.select(head)
    }

    fn excepts<'a>(&self, head: &'a Head, lists: &Answers<'a>) -> bool {
        !self.except.is_empty()
            && (self.except.names(head.sender(), lists) || self.except.names(head.recipient(), lists))
    }
}

fn end_of(head: &Head, end: End) -> Address<'_> {
    match end {
        End::Sender => head.sender(),
        End::Recipient => head.recipient(),
    }
}
