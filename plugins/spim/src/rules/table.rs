//! The rules by name: what each adds, what it takes, and how much its kind adds together.

use refrain_sdk::{Problem, Problems};

use super::bulk::COUNTED_MAX;
use crate::score::Hit;
use crate::settings::{Rule, RuleName as Name};

/// What rules are about. Those of one kind say much the same, so they add up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// How somebody turns to a stranger.
    Contact,
    /// What a single text looks like.
    Shape,
    /// What comes together from several stanzas.
    Campaign,
}

impl Class {
    /// The name and bound of the kind. The first two together stay below the threshold of a bounce.
    const fn cap(self) -> Option<(&'static str, f64)> {
        match self {
            Class::Contact => Some(("rules of contact", 2.5)),
            Class::Shape => Some(("rules of shape", 2.5)),
            Class::Campaign => None,
        }
    }
}

/// One row of the table.
struct Row {
    name: Name,
    symbol: &'static str,
    class: Class,
    score: f64,
    at_least: Option<u32>,
    minutes: Option<u32>,
}

const fn row(name: Name, symbol: &'static str, class: Class, score: f64, counts: (Option<u32>, Option<u32>)) -> Row {
    Row { name, symbol, class, score, at_least: counts.0, minutes: counts.1 }
}

const ONE: (Option<u32>, Option<u32>) = (None, None);

const fn counts(at_least: u32) -> (Option<u32>, Option<u32>) {
    (Some(at_least), None)
}

const fn within(at_least: u32, minutes: u32) -> (Option<u32>, Option<u32>) {
    (Some(at_least), Some(minutes))
}

const TABLE: &[Row] = &[
    row(Name::NonChat, "non-chat", Class::Contact, 1.5, ONE),
    row(Name::Invite, "invite", Class::Contact, 1.5, ONE),
    row(Name::SubscriptionText, "subscription-text", Class::Contact, 1.0, ONE),
    row(Name::Markup, "markup", Class::Contact, 1.0, ONE),
    row(Name::Otr, "otr", Class::Contact, 1.0, ONE),
    row(Name::RandomSender, "random-sender", Class::Contact, 1.0, ONE),
    row(Name::Links, "links", Class::Shape, 1.0, counts(3)),
    row(Name::Mentions, "mentions", Class::Shape, 1.0, counts(5)),
    row(Name::Symbols, "symbols", Class::Shape, 1.0, counts(40)),
    row(Name::MixedScripts, "mixed-scripts", Class::Shape, 1.5, counts(2)),
    row(Name::HiddenCharacters, "hidden-characters", Class::Shape, 1.5, counts(2)),
    row(Name::LongBody, "long-body", Class::Shape, 0.5, counts(1_500)),
    row(Name::Program, "program", Class::Shape, 2.0, ONE),
    row(Name::ManySenders, "many-senders", Class::Campaign, 4.0, within(5, 60)),
    row(Name::ManyRecipients, "many-recipients", Class::Campaign, 3.0, within(5, 60)),
    row(Name::SubscriptionBurst, "subscription-burst", Class::Campaign, 3.0, within(20, 60)),
];

/// A rule that is on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    name: Name,
    symbol: &'static str,
    class: Class,
    score: f64,
    pub(crate) at_least: u32,
    pub(crate) minutes: u32,
}

/// The rules that are on.
#[derive(Debug)]
pub(crate) struct Book(Vec<Entry>);

impl Book {
    pub(crate) fn new(defaults: bool, changes: &[Rule], problems: &mut Problems) -> Self {
        for (place, change) in changes.iter().enumerate() {
            check(place, changes, change).into_iter().for_each(|problem| problems.add(problem));
        }
        let change = |row: &Row| changes.iter().find(|change| change.name == row.name);
        let entries =
            TABLE.iter().map(|row| (row, change(row))).filter(|(_, change)| change.is_none_or(|change| !change.off));
        let entries: Vec<_> = entries.map(|(row, change)| row.entry(change)).collect();
        Book(if defaults { entries } else { Vec::new() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rule, if it is on.
    pub(crate) fn get(&self, name: Name) -> Option<Entry> {
        self.0.iter().find(|entry| entry.name == name).copied()
    }

    /// What a rule adds that found something.
    pub(crate) fn hit(&self, name: Name) -> Option<Hit<'static>> {
        let entry = self.get(name)?;
        Some(Hit { name: entry.symbol, score: Some(entry.score), action: None, cap: entry.class.cap() })
    }
}

impl Row {
    fn entry(&self, change: Option<&Rule>) -> Entry {
        Entry {
            name: self.name,
            symbol: self.symbol,
            class: self.class,
            score: change.and_then(|change| change.score).unwrap_or(self.score),
            at_least: change.and_then(|change| change.at_least).or(self.at_least).unwrap_or(1),
            minutes: change.and_then(|change| change.minutes).or(self.minutes).unwrap_or(1),
        }
    }
}

/// What is wrong with a change.
fn check(place: usize, changes: &[Rule], change: &Rule) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |key: &str, message: &str| problems.push(Problem::new(format!("rules[{place}].{key}"), message));
    let is_again = changes.iter().take(place).any(|earlier| earlier.name == change.name);
    if is_again {
        wrong("name", "is the name of an earlier change already");
    }
    if change.score.is_some_and(|score| !score.is_finite() || score.abs() > 1_000.0) {
        wrong("score", "is no score; write a number from -1000 to 1000");
    }
    let is_counted_one_by_one = matches!(change.name, Name::ManySenders | Name::ManyRecipients);
    if is_counted_one_by_one && change.at_least.is_some_and(|number| number > COUNTED_MAX) {
        wrong("at-least", &format!("must be at most {COUNTED_MAX}, as many as are counted"));
    }
    let row = TABLE.iter().find(|row| row.name == change.name);
    let numbers = [
        ("at-least", change.at_least, row.and_then(|row| row.at_least)),
        ("minutes", change.minutes, row.and_then(|row| row.minutes)),
    ];
    for (key, number, usual) in numbers {
        match (number, usual) {
            (Some(_), None) => wrong(key, "is nothing that this rule looks at"),
            (Some(0), Some(_)) => wrong(key, "must be at least 1; `off = true` switches the rule off"),
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Thresholds;

    #[test]
    fn no_single_stanza_is_returned_for_how_it_looks() {
        let caps = [Class::Contact, Class::Shape].map(|class| class.cap().map_or(f64::MAX, |(_, cap)| cap));
        assert!(caps.iter().sum::<f64>() < Thresholds::default().bounce);
        let uncapped = TABLE.iter().filter(|row| row.class.cap().is_none());
        assert!(uncapped.clone().all(|row| row.minutes.is_some() && row.score < Thresholds::default().bounce));
    }

    fn change(name: Name) -> Rule {
        Rule { name, score: None, at_least: None, minutes: None, off: false }
    }

    #[test]
    fn rules_are_switched_off_one_by_one_and_together() {
        let mut problems = Problems::new();
        let changes = [Rule { off: true, ..change(Name::Links) }];
        let book = Book::new(true, &changes, &mut problems);
        assert!(book.get(Name::Links).is_none() && book.get(Name::Invite).is_some());
        assert!(Book::new(false, &changes, &mut problems).is_empty());
        assert_eq!(problems.iter().count(), 0);
    }

    #[test]
    fn what_a_rule_does_not_look_at_is_a_mistake() {
        let mut problems = Problems::new();
        let changes = [
            Rule { at_least: Some(3), ..change(Name::Invite) },
            Rule { at_least: Some(0), ..change(Name::Links) },
            Rule { score: Some(f64::NAN), ..change(Name::Links) },
        ];
        Book::new(true, &changes, &mut problems);
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["rules[0].at-least", "rules[1].at-least", "rules[2].name", "rules[2].score"]);
    }
}
