//! A set of addresses, as the words of a rule describe it.

use std::rc::Rc;

use refrain_sdk::{Address, Problem, Problems, Setup};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::glob::Glob;
use crate::lists::{Answers, Lists, parents};
use crate::pattern::Pattern;
use crate::settings::Several;

/// Addresses, by all the ways to describe them.
#[derive(Debug, Default)]
pub(crate) struct Who {
    /// In the order they were written, for the index of the rules.
    pub(crate) words: Vec<Word>,
    exact: FxHashSet<String>,
    domains: FxHashSet<String>,
    parents: FxHashSet<String>,
    globs: Vec<Glob>,
    lists: Vec<usize>,
}

/// A word of a rule that can be looked up: groups are taken apart, lists opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Word {
    Exact(String),
    Domain(String),
    Parent(String),
    Glob(Glob),
    List(usize),
}

impl Who {
    /// Adds a word.
    fn add(&mut self, word: Word) {
        match &word {
            Word::Exact(address) => drop(self.exact.insert(address.clone())),
            Word::Domain(domain) => drop(self.domains.insert(domain.clone())),
            Word::Parent(parent) => drop(self.parents.insert(parent.clone())),
            Word::Glob(glob) => self.globs.push(glob.clone()),
            Word::List(list) => self.lists.push(*list),
        }
        self.words.push(word);
    }

    /// Whether it names nobody.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether it names an address.
    pub(crate) fn names<'a>(&self, address: Address<'a>, lists: &Answers<'a>) -> bool {
        let has = |set: &FxHashSet<String>, key: &str| !set.is_empty() && set.contains(key);
        has(&self.exact, address.as_str())
            || has(&self.exact, address.bare())
            || has(&self.domains, address.domain())
            || !self.parents.is_empty() && parents(address.domain()).any(|parent| self.parents.contains(parent))
            || self.globs.iter().any(|glob| glob.matches(address))
            || self.lists.iter().any(|list| lists.cover(*list, address))
    }

    /// The domains of all addresses that it can name, in the form an interest rule takes; none if they can be any.
    pub(crate) fn domains(&self) -> Option<Vec<String>> {
        self.words.iter().map(Word::domain).collect()
    }
}

impl Word {
    /// The domains of the addresses it can name, in the form an interest rule takes.
    fn domain(&self) -> Option<String> {
        match self {
            Word::Exact(address) => Some(Address::of(address).domain().to_owned()),
            Word::Domain(domain) => Some(domain.clone()),
            Word::Parent(parent) => Some(format!("*.{parent}")),
            Word::Glob(glob) => covering(&glob.domain),
            Word::List(_) => None,
        }
    }

    /// Whether it is a glob that matches.
    pub(crate) fn is_glob_of(&self, address: Address<'_>) -> bool {
        matches!(self, Word::Glob(glob) if glob.matches(address))
    }

    /// The word as one reads it in a reason; of a list, what in it covers the address.
    pub(crate) fn tell(&self, address: Address<'_>, lists: &Lists) -> String {
        match self {
            Word::Exact(text) | Word::Domain(text) => text.clone(),
            Word::Parent(parent) => format!("*.{parent}"),
            Word::Glob(glob) => glob.to_string(),
            Word::List(list) => lists.tell(*list, address),
        }
    }
}

/// What covers all domains that a glob matches: the labels behind the last one with a wildcard, if there are any.
fn covering(glob: &str) -> Option<String> {
    let Some(last) = glob.rfind(['*', '?']) else { return Some(glob.to_owned()) };
    glob[last + 1..].split_once('.').map(|(_, parent)| format!("*.{parent}"))
}

/// Reads the words of rules: groups by their names, lists by the host.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    groups: FxHashMap<String, Rc<[Word]>>,
    pub(crate) lists: Lists,
}

impl Reader {
    /// Takes a group of the settings.
    pub(crate) fn define(&mut self, name: &str, members: &Several, setup: &mut Setup, problems: &mut Problems) {
        let path = format!("groups.{name}");
        let members = self.words(members, &path, setup, problems, true);
        self.groups.insert(name.to_owned(), members.into());
    }

    /// Reads the words of a rule; their mistakes are blamed on `path`.
    pub(crate) fn who(&mut self, words: &Several, path: &str, setup: &mut Setup, problems: &mut Problems) -> Who {
        let mut who = Who::default();
        self.words(words, path, setup, problems, false).into_iter().for_each(|word| who.add(word));
        who
    }

    fn words(
        &mut self,
        words: &Several,
        path: &str,
        setup: &mut Setup,
        problems: &mut Problems,
        in_group: bool,
    ) -> Vec<Word> {
        let mut read = Vec::new();
        for (path, text) in words.with_paths(path) {
            let found = Pattern::read(text).and_then(|pattern| self.word(pattern, setup, in_group));
            read.extend(problems.take(found.map_err(|problem| problem.at(path))).into_iter().flatten());
        }
        read
    }

    fn word(&mut self, pattern: Pattern, setup: &mut Setup, in_group: bool) -> Result<Vec<Word>, Problem> {
        Ok(vec![match pattern {
            Pattern::Exact(address) => Word::Exact(address),
            Pattern::Domain(domain) => Word::Domain(domain),
            Pattern::Parent(parent) => Word::Parent(parent),
            Pattern::Glob(glob) => Word::Glob(glob),
            Pattern::List(name) => Word::List(self.lists.open(&name, setup)?),
            Pattern::Group(_) if in_group => {
                return Err(Problem::new("", "a group has no groups in it; name their members"));
            }
            Pattern::Group(name) => {
                return self.groups.get(&name).map(|words| words.to_vec()).ok_or_else(|| self.no_group(&name));
            }
        }])
    }

    fn no_group(&self, name: &str) -> Problem {
        let mut known: Vec<_> = self.groups.keys().map(String::as_str).collect();
        known.sort_unstable();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::new("", format!("there is no group {name:?}; `groups` has {known}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_covered_by_the_labels_behind_its_last_wildcard() {
        let domains = ["spam*.example", "*.x.example", "*spam.x.example", "x.example", "*", "*.a?b.example"];
        let covered = domains.map(covering);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            covered,
            [some("*.example"), some("*.x.example"), some("*.x.example"), some("x.example"), None, some("*.example")]
        );
    }
}
