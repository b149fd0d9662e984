//! From the rules of the settings to rules that can be asked.

use std::rc::Rc;

use refrain_sdk::{Direction, Problem, Problems, Setup};

use crate::index::{Ends, Index};
use crate::pattern::Pattern;
use crate::refusal::Answer;
use crate::rules::{Outcome, Rule, Rules};
use crate::settings::{self, Action, Refusal, Several, Side};
use crate::stanzas::Stanzas;
use crate::who::{Reader, Who};

/// Which of the two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Allow,
    Deny,
}

/// Reads rules; mistakes are blamed on the keys below that of their list.
pub(crate) struct Builder<'b> {
    pub(crate) reader: &'b mut Reader,
    pub(crate) setup: &'b mut Setup,
    pub(crate) problems: &'b mut Problems,
    /// What becomes of what is refused where a rule does not say.
    pub(crate) answer: &'b Answer,
}

/// The rules of a list before they are indexed.
#[derive(Debug, Default)]
pub(crate) struct Read {
    all: Vec<Rule>,
    inbound: Vec<Ends>,
    outbound: Vec<Ends>,
}

impl Read {
    /// Goes through what the rules are about.
    pub(crate) fn about(&self) -> impl Iterator<Item = (Direction, &Rule, &Ends)> {
        let inbound = self.inbound.iter().map(|ends| (Direction::Inbound, ends));
        let all = inbound.chain(self.outbound.iter().map(|ends| (Direction::Outbound, ends)));
        all.filter_map(|(direction, ends)| self.all.get(ends.rule).map(|rule| (direction, rule, ends)))
    }

    /// Indexes them.
    pub(crate) fn index(self) -> Rules {
        Rules { all: self.all, inbound: Index::new(self.inbound), outbound: Index::new(self.outbound) }
    }

    fn of(&mut self, direction: Direction) -> &mut Vec<Ends> {
        match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        }
    }
}

/// Whom a rule is about.
enum Named {
    Sides { inside: Option<Rc<Who>>, outside: Option<Rc<Who>> },
    OneOf { who: Rc<Who>, side: Side },
}

impl Builder<'_> {
    /// Reads a list.
    pub(crate) fn read(&mut self, list: List, rules: Vec<settings::Rule>) -> Read {
        let mut read = Read::default();
        for (place, rule) in rules.into_iter().enumerate() {
            let key = if list == List::Allow { "allow" } else { "deny" };
            self.add(&mut read, list, format!("{key}[{place}]"), rule);
        }
        read
    }

    fn add(&mut self, read: &mut Read, list: List, path: String, written: settings::Rule) {
        if is_about_all(&written) {
            let message = "is about everything; write `inside`, `outside`, `direction`, `stanzas` or `relation`";
            self.problems.add(Problem::new(&path, message));
        }
        let named = self.named(&path, &written);
        for direction in [Direction::Inbound, Direction::Outbound] {
            if written.direction.covers(direction) {
                let rule = read.all.len();
                read.of(direction).extend(named.ends(rule, direction));
            }
        }
        let mut stanzas = Stanzas::default();
        for (path, word) in written.stanzas.with_paths(&format!("{path}.stanzas")) {
            self.problems.take(stanzas.add(word).map_err(|problem| problem.at(path)));
        }
        if written.stanzas.is_written() && stanzas == Stanzas::default() {
            self.problems.add(Problem::new(format!("{path}.stanzas"), "selects no stanzas; without the key it is all"));
        }
        let except = self.who(&written.except, &format!("{path}.except"));
        let outcome = self.problems.take(outcome(list, &path, &written, self.answer)).unwrap_or(Outcome::Pass);
        read.all.push(Rule { name: written.name, path, stanzas, relation: written.relation, except, outcome });
    }

    fn named(&mut self, path: &str, written: &settings::Rule) -> Named {
        let has_sides = written.inside.is_written() || written.outside.is_written();
        let (key, text) = match (&written.jid, &written.domain) {
            (None, None) => {
                let mut side = |words: &Several, key: &str| {
                    let at = format!("{path}.{key}");
                    let who = self.who(words, &at);
                    if words.is_empty() {
                        self.problems.add(Problem::new(at, "names nobody; without the key it is everybody"));
                    }
                    words.is_written().then(|| Rc::new(who))
                };
                return Named::Sides {
                    inside: side(&written.inside, "inside"),
                    outside: side(&written.outside, "outside"),
                };
            }
            (Some(jid), _) => ("jid", jid),
            (None, Some(domain)) => ("domain", domain),
        };
        let at = format!("{path}.{key}");
        if has_sides || written.jid.is_some() && written.domain.is_some() {
            let message =
                "is one way to say whom the rule is about; write it, or `inside` and `outside`, in a rule of its own";
            self.problems.add(Problem::new(&at, message));
        }
        let checked = self.problems.take(check_key(key, text).map_err(|problem| problem.at(&at)));
        let words = checked.map_or_else(Several::default, |()| Several::one(text));
        Named::OneOf { who: Rc::new(self.who(&words, &at)), side: written.side }
    }

    fn who(&mut self, words: &Several, path: &str) -> Who {
        self.reader.who(words, path, self.setup, self.problems)
    }
}

impl Named {
    /// What a stanza of this direction must have; one of several will do.
    fn ends(&self, rule: usize, direction: Direction) -> Vec<Ends> {
        match self {
            Named::Sides { inside, outside } => {
                let (from, to) = match direction {
                    Direction::Inbound => (outside, inside),
                    Direction::Outbound => (inside, outside),
                };
                vec![Ends { rule, from: from.clone(), to: to.clone() }]
            }
            Named::OneOf { who, side } => {
                let sender = Ends { rule, from: Some(who.clone()), to: None };
                let recipient = Ends { rule, from: None, to: Some(who.clone()) };
                match side {
                    Side::Sender => vec![sender],
                    Side::Recipient => vec![recipient],
                    Side::Either => vec![sender, recipient],
                }
            }
        }
    }
}

/// A rule about everything is most likely one whose address was forgotten; for everything there is `default`.
fn is_about_all(written: &settings::Rule) -> bool {
    let names_nobody = !written.inside.is_written()
        && !written.outside.is_written()
        && written.jid.is_none()
        && written.domain.is_none();
    names_nobody
        && written.direction == settings::Way::Both
        && !written.stanzas.is_written()
        && written.relation.is_none()
}

/// `jid` and `domain` differ in what may stand there, so that neither is written for the other by mistake.
fn check_key(key: &str, text: &str) -> Result<(), Problem> {
    let pattern = Pattern::read(text)?;
    match (key, pattern.is_of_domain()) {
        ("jid", true) => Err(Problem::new("", format!("{text:?} is a domain; write `domain = {text:?}`"))),
        ("domain", false) => Err(Problem::new("", format!("{text:?} is no domain; write `jid = {text:?}`"))),
        _ => Ok(()),
    }
}

fn outcome(list: List, path: &str, written: &settings::Rule, answer: &Answer) -> Result<Outcome, Problem> {
    let wrong = |advice: &str| Err(Problem::new(format!("{path}.action"), advice));
    let refuse = |action| Answer {
        action,
        error: written.error.or(answer.error),
        text: written.text.clone().or(answer.text.clone()),
    };
    match (list, written.action) {
        (List::Allow, None | Some(Action::Pass)) => says_no_error(path, written).map(|()| Outcome::Pass),
        (List::Allow, Some(Action::Accept)) => says_no_error(path, written).map(|()| Outcome::Accept),
        (List::Allow, Some(_)) => {
            wrong("is for `deny`; what is allowed can \"pass\", or \"accept\" to skip the filters behind")
        }
        (List::Deny, None) => Ok(Outcome::Refuse(refuse(answer.action))),
        (List::Deny, Some(Action::Bounce)) => Ok(Outcome::Refuse(refuse(Refusal::Bounce))),
        (List::Deny, Some(Action::Drop)) => {
            says_no_error(path, written).map(|()| Outcome::Refuse(refuse(Refusal::Drop)))
        }
        (List::Deny, Some(_)) => wrong("is for `allow`; what is denied is answered by \"bounce\" or \"drop\""),
    }
}

fn says_no_error(path: &str, written: &settings::Rule) -> Result<(), Problem> {
    let keys = [("error", written.error.is_some()), ("text", written.text.is_some())];
    match keys.into_iter().find(|(_, is_written)| *is_written) {
        Some((key, _)) => {
            Err(Problem::new(format!("{path}.{key}"), "is never sent by this rule; only `action = \"bounce\"` answers"))
        }
        None => Ok(()),
    }
}
