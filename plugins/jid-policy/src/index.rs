//! The rules of one list and one direction, indexed by the addresses they name, so that thousands of them cost a few look-ups a stanza.

use std::rc::Rc;

use refrain_sdk::Address;
use rustc_hash::FxHashMap;

use crate::lists::parents;
use crate::who::{Who, Word};

/// What a stanza must have for a rule: nothing is any address.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    pub(crate) rule: usize,
    pub(crate) from: Option<Rc<Who>>,
    pub(crate) to: Option<Rc<Who>>,
}

/// The rules, each in the index of one side; what it says of the other is looked at afterwards.
#[derive(Debug, Default)]
pub(crate) struct Index {
    senders: Words,
    recipients: Words,
    anybody: Vec<Entry>,
}

/// A rule, as it is found by one word about one side.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) rule: usize,
    /// Who the rule names on this side, and which of the words it is; none of a rule about everybody.
    named: Option<(Rc<Who>, usize)>,
    /// Who the rule names on the other side.
    pub(crate) other: Option<Rc<Who>>,
}

/// The keys are the operator's, so no stranger can choose them to collide: a fast hash will do.
type ByKey = FxHashMap<String, Vec<Entry>>;

/// The rules about one side, by the words that name it.
#[derive(Debug, Default)]
struct Words {
    exact: ByKey,
    domains: ByKey,
    parents: ByKey,
    globs_at: ByKey,
    globs: Vec<Entry>,
    lists: Vec<(usize, Vec<Entry>)>,
}

/// Which side of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Sender,
    Recipient,
}

/// Takes the rules that may be about a stanza.
pub(crate) trait Search<'r> {
    /// Whether it wants to know more of this rule: what is false here need not be compared.
    fn wants(&self, entry: &Entry) -> bool;
    /// Whether a list covers the address.
    fn covers(&self, list: usize, end: End) -> bool;
    /// A rule whose word names the address.
    fn found(&mut self, entry: &'r Entry, end: End);
}

impl End {
    pub(crate) fn other(self) -> Self {
        match self {
            End::Sender => End::Recipient,
            End::Recipient => End::Sender,
        }
    }
}

impl Index {
    /// Indexes rules, in their order.
    pub(crate) fn new(rules: Vec<Ends>) -> Self {
        let (mut by_sender, mut by_recipient) = (Counts::default(), Counts::default());
        for ends in &rules {
            by_sender.add(ends.from.as_deref());
            by_recipient.add(ends.to.as_deref());
        }
        let mut index = Index::default();
        for Ends { rule, from, to } in rules {
            let (of_sender, of_recipient) = (by_sender.most(from.as_deref()), by_recipient.most(to.as_deref()));
            match (from, to) {
                (None, None) => index.anybody.push(Entry { rule, named: None, other: None }),
                (Some(from), to) if of_sender <= of_recipient => index.senders.add(rule, &from, to.as_ref()),
                (from, Some(to)) => index.recipients.add(rule, &to, from.as_ref()),
                (Some(from), None) => index.senders.add(rule, &from, None),
            }
        }
        index
    }

    /// Goes through the rules that name these addresses.
    pub(crate) fn search<'r>(&'r self, from: Address<'_>, to: Address<'_>, search: &mut impl Search<'r>) {
        self.senders.search(from, End::Sender, search);
        self.recipients.search(to, End::Recipient, search);
        self.anybody.iter().for_each(|entry| search.found(entry, End::Recipient));
    }
}

impl Words {
    fn add(&mut self, rule: usize, named: &Rc<Who>, other: Option<&Rc<Who>>) {
        for (place, word) in named.words.iter().enumerate() {
            let entry = Entry { rule, named: Some((named.clone(), place)), other: other.cloned() };
            match word {
                Word::Exact(address) => self.exact.entry(address.clone()).or_default().push(entry),
                Word::Domain(domain) => self.domains.entry(domain.clone()).or_default().push(entry),
                Word::Parent(parent) => self.parents.entry(parent.clone()).or_default().push(entry),
                Word::Glob(glob) => match glob.exact_domain() {
                    Some(domain) => self.globs_at.entry(domain.to_owned()).or_default().push(entry),
                    None => self.globs.push(entry),
                },
                Word::List(list) => match self.lists.iter_mut().find(|(known, _)| known == list) {
                    Some((_, entries)) => entries.push(entry),
                    None => self.lists.push((*list, vec![entry])),
                },
            }
        }
    }

    fn search<'r>(&'r self, address: Address<'_>, end: End, search: &mut impl Search<'r>) {
        let get = |index: &'r ByKey, key: &str| if index.is_empty() { None } else { index.get(key) };
        let bare = (address.bare().len() < address.as_str().len()).then(|| address.bare());
        let exact = [Some(address.as_str()), bare].into_iter().flatten().filter_map(|key| get(&self.exact, key));
        let above = parents(address.domain()).filter_map(|parent| get(&self.parents, parent));
        let named = exact.chain(get(&self.domains, address.domain())).chain(above);
        named.flatten().for_each(|entry| search.found(entry, end));
        let globs = get(&self.globs_at, address.domain()).into_iter().flatten().chain(&self.globs);
        for entry in globs {
            if search.wants(entry) && entry.word().is_some_and(|word| word.is_glob_of(address)) {
                search.found(entry, end);
            }
        }
        for (list, entries) in &self.lists {
            if entries.iter().any(|entry| search.wants(entry)) && search.covers(*list, end) {
                entries.iter().for_each(|entry| search.found(entry, end));
            }
        }
    }
}

impl Entry {
    /// The word that names the address; none in a rule about everybody.
    pub(crate) fn word(&self) -> Option<&Word> {
        self.named.as_ref().and_then(|(who, place)| who.words.get(*place))
    }
}

/// How many rules a word leads to: of the two sides of a rule the one with the rarer words is indexed.
#[derive(Default)]
struct Counts(FxHashMap<Word, usize>);

/// What is looked at for every stanza leads to as many rules as there are.
const OF_ANYBODY: usize = usize::MAX;

impl Counts {
    fn add(&mut self, who: Option<&Who>) {
        for word in who.into_iter().flat_map(|who| &who.words) {
            *self.0.entry(word.clone()).or_default() += 1;
        }
    }

    fn most(&self, who: Option<&Who>) -> usize {
        let count = |word: &Word| match word {
            Word::Exact(_) | Word::Domain(_) | Word::Parent(_) => self.0.get(word).copied().unwrap_or_default(),
            Word::Glob(_) | Word::List(_) => OF_ANYBODY - 1,
        };
        who.map_or(OF_ANYBODY, |who| who.words.iter().map(count).max().unwrap_or_default())
    }
}
