#![doc = include_str!("../README.md")]

mod except;
mod fields;
mod markup;
mod matching;
#[cfg(test)]
mod properties;
mod rules;
mod score;
mod settings;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use refrain_sdk::{
    About, Condition, Counter, Filter, Head, Problem, Problems, Selector, Setup, Stanza, StanzaType, Verdict, export,
};

use except::Except;
use fields::{Fields, Text};
use matching::Matcher;
use rules::{Honeypots, Rules, Seen};
use score::{Hit, decide};
pub use settings::{Action, Field, Rule, RuleName, Settings, Signature, Thresholds, Within};
/// Bytes of all texts of a stanza that are looked at, bodies first: more of them would take more time than a call has.
const TEXTS_BYTES_MAX: usize = 32 << 10;

/// The filter.
#[derive(Debug)]
pub struct Spim {
    marks: Vec<Mark>,
    /// The fields that some signature looks into.
    asked: u16,
    matcher: Matcher,
    fields: Fields,
    rules: Option<Rules>,
    honeypots: Option<Honeypots>,
    except: Except,
    except_to: BTreeSet<String>,
    archived: Selector,
    known_factor: f64,
    thresholds: Thresholds,
    counters: Counters,
}

/// What is left of a signature once it is compiled.
#[derive(Debug)]
struct Mark {
    name: Box<str>,
    score: Option<f64>,
    action: Option<Action>,
    cap: Option<(Box<str>, f64)>,
    fields: u16,
}

#[derive(Debug)]
struct Counters {
    tagged: Counter,
    bounced: Counter,
    dropped: Counter,
}

impl Filter for Spim {
    type Settings = Settings;

    fn about() -> About {
        // Ten thousand signatures take some 12 MiB while they are compiled, and a text of the size of a stanza some milliseconds.
        let limits = About::new().memory_mib(48).deadline_ms(25);
        limits.requests("bucket:spim").self_test(include_str!("../cases/self-test.toml"))
    }

    fn configure(settings: Settings, setup: &mut Setup) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let mut except = Except::new("except", &settings.except, &mut problems);
        let except_to = except::addresses("except-to", &settings.except_to, &mut problems).into_iter().collect();
        for (place, name) in settings.except_lists.iter().enumerate() {
            let list = setup.list(name).map_err(|problem| problem.at(format!("except-lists[{place}]")));
            except.lists.extend(problems.take(list));
        }
        check_numbers(&settings, &mut problems);
        let marks = marks(&settings, &mut problems);
        let rules = Rules::new(&settings, setup, &mut problems)?;
        let honeypots = Honeypots::new(&settings.honeypots, setup, &mut problems)?;
        let matcher = match Matcher::compile(&settings.signatures) {
            Ok(matcher) => problems.or(matcher)?,
            Err(wrong) => {
                wrong.iter().cloned().for_each(|problem| problems.add(problem));
                return Err(problems);
            }
        };
        let asked = marks.iter().fold(0, |fields, mark| fields | mark.fields);
        let fields = Fields::new(asked, rules.is_some(), matcher.has_hashes(), setup)?;
        if asked == 0 && rules.is_none() && honeypots.is_none() {
            setup.no_interest()?;
        }
        let counters = Counters::new(setup)?;
        // What is known of characters is told once an instance: now, and not in a call.
        text::reveal("é");
        let archived = setup.selector("{urn:xmpp:mam:*}result")?;
        let (known_factor, thresholds) = (settings.known_factor, settings.thresholds);
        Ok(Spim {
            marks,
            asked,
            matcher,
            fields,
            rules,
            honeypots,
            except,
            except_to,
            archived,
            known_factor,
            thresholds,
            counters,
        })
    }

    fn on_stanza(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        let is_read = !(head.is_known() && self.known_factor == 0.0);
        // RFC 6120 §8.3.1: an error may quote what it is about, and whoever sent that waits to be told.
        let is_answer = head.stanza_type == StanzaType::Error && !head.is_stranger();
        let is_excepted = || self.except.names(head.sender()) || self.except_to.contains(head.recipient().bare());
        if !is_read || is_answer || is_excepted() {
            return Verdict::Pass;
        }
        let (mut texts, mut bytes) = (Vec::new(), 0);
        self.fields.read(head, stanza, |text| {
            bytes += text.views.raw().len();
            if bytes <= TEXTS_BYTES_MAX {
                texts.push(text);
            }
        });
        let mut hits = self.signatures(&self.fields.hashes(head, stanza), &texts);
        if let Some(rules) = self.rules.as_ref().filter(|rules| rules.concern(head)) {
            hits.extend(rules.find(&Seen { head, stanza, texts: &texts }));
        }
        if let Some(honeypots) = &self.honeypots {
            hits.extend(honeypots.find(head));
        }
        if hits.is_empty() {
            return Verdict::Pass;
        }
        let factor = if head.is_known() { self.known_factor } else { 1.0 };
        let decision = decide(&hits, factor, &self.thresholds);
        let Some(action) = decision.action else { return Verdict::Pass };
        // An archive answers who asked it: a page with a gap is asked for again and again (XEP-0313 §4).
        let action = if stanza.test(self.archived) { Action::Tag } else { action };
        stanza.reason(&decision.reason);
        self.counters.of(action).add(1);
        match action {
            Action::Tag => Verdict::Pass,
            Action::Drop => Verdict::Drop,
            // RFC 6120 §8.3.3.12: "e.g., a message contains words that are prohibited by the service".
            Action::Bounce => Verdict::bounce(Condition::PolicyViolation).if_answerable(head),
        }
    }
}

impl Spim {
    /// The signatures that a stanza has, in the order of the list.
    fn signatures(&self, hashes: &[(String, String)], texts: &[Text]) -> Vec<Hit<'_>> {
        let mut places = BTreeSet::new();
        self.matcher.begin();
        for text in texts.iter().filter(|text| self.asked & text.field.bit() != 0) {
            let mut found = |place| _ = self.looks_into(place, text.field) && places.insert(place);
            self.matcher.in_text(&text.views, &mut found);
            if text.names_file {
                self.matcher.in_name(&text.views, &mut found);
            }
        }
        for (function, value) in hashes {
            if let Some(hash) = matching::received_hash(function, value) {
                self.matcher.in_hash(&hash, |place| _ = self.looks_into(place, Field::File) && places.insert(place));
            }
        }
        places.into_iter().filter_map(|place| self.marks.get(place as usize)).map(Mark::hit).collect()
    }

    fn looks_into(&self, place: u32, field: Field) -> bool {
        self.marks.get(place as usize).is_some_and(|mark| mark.fields & field.bit() != 0)
    }
}

impl Mark {
    fn new(signature: &Signature, groups: &BTreeMap<String, f64>) -> Result<Self, Problem> {
        let cap = match &signature.group {
            None => None,
            Some(group) => match groups.get(group) {
                Some(cap) => Some((group.as_str().into(), *cap)),
                None => {
                    let message = format!("{group:?} has no bound; write it into `groups`");
                    return Err(Problem::new("group", message));
                }
            },
        };
        if signature.name.trim().is_empty() {
            return Err(Problem::new("name", "is empty, and is what tells you why a stanza was refused"));
        }
        let says_nothing = signature.action.is_none() && signature.score.is_none();
        Ok(Mark {
            name: signature.name.as_str().into(),
            score: signature.score,
            action: if says_nothing { Some(Action::default()) } else { signature.action },
            cap,
            fields: signature.fields.iter().fold(0, |fields, field| fields | field.bit()),
        })
    }

    fn hit(&self) -> Hit<'_> {
        let cap = self.cap.as_ref().map(|(group, cap)| (&**group, *cap));
        Hit { name: &self.name, score: self.score, action: self.action, cap }
    }
}

impl Counters {
    fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(Counters {
            tagged: setup.counter("tagged", "Stanzas that passed though they were suspect.")?,
            bounced: setup
                .counter("bounced", "Stanzas that were returned, or dropped where nothing may be returned.")?,
            dropped: setup.counter("dropped", "Stanzas that were dropped.")?,
        })
    }

    fn of(&self, action: Action) -> Counter {
        match action {
            Action::Tag => self.tagged,
            Action::Bounce => self.bounced,
            Action::Drop => self.dropped,
        }
    }
}

fn marks(settings: &Settings, problems: &mut Problems) -> Vec<Mark> {
    let signatures = settings.signatures.iter().enumerate();
    let marks = signatures.filter_map(|(place, signature)| {
        let mark = Mark::new(signature, &settings.groups);
        problems
            .take(mark.map_err(|problem| Problem { path: format!("signatures[{place}].{}", problem.path), ..problem }))
    });
    marks.collect()
}

fn check_numbers(settings: &Settings, problems: &mut Problems) {
    let Thresholds { tag, bounce, drop } = settings.thresholds;
    for (key, threshold) in [("tag", tag), ("bounce", bounce), ("drop", drop)] {
        if !threshold.is_finite() || threshold <= 0.0 {
            let message = "must be more than 0, the sum of a stanza without any hit";
            problems.add(Problem::new(format!("thresholds.{key}"), message));
        }
    }
    if tag > bounce || bounce > drop {
        problems.add(Problem::new("thresholds", "are out of order; write tag <= bounce <= drop"));
    }
    for (name, cap) in &settings.groups {
        if !cap.is_finite() || *cap <= 0.0 {
            problems.add(Problem::new(format!("groups.{name}"), "must be more than 0"));
        }
    }
    if !(0.0..=1.0).contains(&settings.known_factor) {
        problems.add(Problem::new("known-factor", "is not between 0 and 1"));
    }
}

export!(Spim);
