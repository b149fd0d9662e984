//! One limit: which stanzas it counts, by which key, and what becomes of those that are too many.

use refrain_sdk::{
    Condition, Counter, Direction, ErrorType, Head, Kind, Limiter, Problem, Problems, Rule, Selector, Setup, Stanza,
    StanzaType, Verdict,
};

use crate::Rate;
use crate::except::Except;
use crate::select::{ADDRESSES, Selection};
use crate::settings::{Action, Limit, Per, Told, Way};

/// A name stands in reasons and metrics.
const NAME_BYTES_MAX: usize = 40;

/// The counter of this name is that of the setting.
const NAME_TAKEN: &str = "outstanding";

/// A domain has at most 253 bytes.
const LABELS_MAX: u32 = 127;

/// A limit that is on.
#[derive(Debug)]
pub(crate) struct Limited {
    rules: Vec<Counted>,
    per: Per,
    labels: Option<u32>,
    burst: u32,
    limiter: Limiter,
    refused: Counter,
    except: Except,
    action: Action,
    told: Told,
    reason: String,
}

/// What a limit says to a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Granted,
    /// After so many milliseconds it would have been.
    Late(u32),
    Refused,
    /// It costs more than the limit ever has.
    Never,
}

impl Admission {
    fn after(milliseconds: u32) -> Self {
        if milliseconds == 0 { Admission::Granted } else { Admission::Late(milliseconds) }
    }
}

impl Told {
    pub(crate) fn condition(self) -> Condition {
        match self {
            Told::ResourceConstraint => Condition::ResourceConstraint,
            Told::PolicyViolation => Condition::PolicyViolation,
        }
    }
}

/// The rule of a selection.
#[derive(Debug)]
struct Counted {
    rule: Rule,
    by_address: bool,
    with: Option<Selector>,
    without: Option<Selector>,
}

impl Counted {
    fn counts(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        head.matched(self.rule)
            && self.with.is_none_or(|with| stanza.test(with))
            && !self.without.is_some_and(|without| stanza.test(without))
    }
}

impl Limit {
    /// This limit, with what it leaves out as in `base`.
    pub(crate) fn over(self, base: &Limit) -> Limit {
        Limit {
            name: self.name,
            stanzas: self.stanzas.or(base.stanzas.clone()),
            per: self.per.or(base.per),
            labels: self.labels.or(base.labels),
            // A burst belongs to its rate: who changes the rate alone keeps it.
            rate: self.rate.or(base.rate.clone()),
            burst: self.burst.or(base.burst),
            direction: self.direction.or(base.direction),
            action: self.action.or(base.action),
            condition: self.condition.or(base.condition),
            except: self.except,
            off: self.off,
        }
    }
}

impl Limited {
    /// Declares the limit; its mistakes are blamed on keys below `path`.
    pub(crate) fn new(limit: Limit, path: &str, setup: &mut Setup, problems: &mut Problems) -> Option<Self> {
        let at = |key: &'static str| move |problem: Problem| problem.at(format!("{path}.{key}"));
        let name = problems.take(check_name(&limit.name).map_err(at("name")));
        let rate = limit.rate.as_deref().ok_or_else(|| missing("how many may pass; write \"20/min\""));
        let rate = problems.take(rate.and_then(Rate::parse).map_err(at("rate")));
        let words = limit.stanzas.as_deref().unwrap_or_default();
        let selections = problems.take(selections(words).map_err(at("stanzas")));
        let burst = match limit.burst {
            Some(0) => problems.take(Err(missing("at least 1")).map_err(at("burst"))),
            burst => burst.or(rate.map(|rate| rate.number)),
        };
        let action = limit.action.unwrap_or_default();
        let per = limit.per.unwrap_or_default();
        problems.take(check_action(action, per).map_err(at("action")));
        problems.take(check_labels(limit.labels, per).map_err(at("labels")));
        let mut except = Except::default();
        for (place, entry) in limit.except.iter().enumerate() {
            let added = except.add(entry);
            problems.take(added.map_err(|problem| problem.at(format!("{path}.except[{place}]"))));
        }
        let (name, rate, selections, burst) = (name?, rate?, selections?, burst?);
        // What the proxy keeps has names that metrics can have.
        let metric = name.replace('-', "_");
        let direction = limit.direction.unwrap_or_default();
        let rules = selections.into_iter().map(|selection| declare(selection, direction, setup));
        let rules = problems.take(rules.collect::<Result<_, _>>().map_err(at("stanzas")))?;
        let limiter = problems.take(setup.limiter(&metric, burst, rate.per_second).map_err(at("name")))?;
        let help = "Stanzas that were more than this limit allows.";
        let counter = setup.counter(&format!("{metric}_refused"), help);
        let refused = problems.take(counter.map_err(at("name")))?;
        let reason = format!("limit {name}: more than {} per {}", limit.rate.unwrap_or_default(), per.as_str());
        let told = limit.condition.unwrap_or_default();
        let labels = limit.labels;
        Some(Limited { rules, per, labels, burst, limiter, refused, except, action, told, reason })
    }

    /// Counts the stanza, if it is one of those that it counts.
    pub(crate) fn count(&self, head: &Head, stanza: &Stanza<'_>, looks: &Looks) -> Admission {
        let counted: Vec<_> = self.rules.iter().filter(|counted| counted.counts(head, stanza)).collect();
        if counted.is_empty() || self.except.names(head.sender()) {
            return Admission::Granted;
        }
        let at_least = u32::from(counted.iter().any(|counted| !counted.by_address));
        let cost = match counted.iter().any(|counted| counted.by_address) {
            true => looks.fanout(stanza).max(at_least),
            false => at_least,
        };
        let (sender, recipient) = (head.sender(), head.recipient());
        match self.per {
            Per::Sender => self.take(sender.bare(), cost),
            Per::SenderDomain => self.take(last_labels(sender.domain(), self.labels), cost),
            Per::Recipient => self.take(recipient.bare(), cost),
            // No bare address has a blank in it.
            Per::Pair => self.take(&format!("{} {}", sender.bare(), recipient.bare()), cost),
            Per::All => self.take("", cost),
        }
    }

    fn take(&self, key: &str, cost: u32) -> Admission {
        match self.action {
            _ if cost == 0 => Admission::Granted,
            Action::Delay => Admission::after(self.limiter.owe(key, cost)),
            Action::Bounce | Action::Drop if cost > self.burst => Admission::Never,
            Action::Bounce | Action::Drop if self.limiter.take_many(key, cost) => Admission::Granted,
            Action::Bounce | Action::Drop => Admission::Refused,
        }
    }

    /// Tells the operator of a stanza that is too many.
    pub(crate) fn tell(&self, stanza: &Stanza<'_>) {
        stanza.reason(&self.reason);
        self.refused.add(1);
    }

    /// What becomes of a stanza that is too many.
    pub(crate) fn refuse(&self, head: &Head, stanza: &Stanza<'_>, looks: &Looks) -> Verdict {
        let bounce = Verdict::bounce(self.told.condition()).error_type(ErrorType::Wait);
        self.refuse_by(bounce.text("Too many at once; try again later"), head, stanza, looks)
    }

    /// What becomes of a stanza that would not pass later either.
    pub(crate) fn refuse_for_good(&self, head: &Head, stanza: &Stanza<'_>, looks: &Looks) -> Verdict {
        // XEP-0033 §6
        let bounce = Verdict::bounce(Condition::NotAcceptable).error_type(ErrorType::Modify);
        self.refuse_by(bounce.text("Too many addresses in one stanza"), head, stanza, looks)
    }

    fn refuse_by(&self, bounce: Verdict, head: &Head, stanza: &Stanza<'_>, looks: &Looks) -> Verdict {
        self.tell(stanza);
        match self.action {
            // The bucket was not asked in a way that could refuse.
            Action::Delay => Verdict::Pass,
            Action::Drop => Verdict::Drop,
            // An error belongs where in general none does, too: of a result that must not pass the proxy makes one for whoever asked.
            Action::Bounce if looks.is_join(head, stanza) || head.stanza_type == StanzaType::IqResult => bounce,
            Action::Bounce => bounce.if_answerable(head),
        }
    }
}

/// A domain, or so many labels at its end.
fn last_labels(domain: &str, labels: Option<u32>) -> &str {
    let Some(labels) = labels else { return domain };
    let dot = domain.rmatch_indices('.').nth(labels.saturating_sub(1) as usize);
    dot.map_or(domain, |(dot, _)| &domain[dot + 1..])
}

fn declare(selection: Selection, direction: Way, setup: &mut Setup) -> Result<Counted, Problem> {
    let interest = match direction {
        Way::Inbound => selection.interest.direction(Direction::Inbound),
        Way::Outbound => selection.interest.direction(Direction::Outbound),
        Way::Both => selection.interest,
    };
    let mut look = |path: Option<&str>| path.map(|path| setup.selector(path)).transpose();
    let (with, without) = (look(selection.with)?, look(selection.without)?);
    Ok(Counted { rule: setup.interest(interest)?, by_address: selection.by_address, with, without })
}

fn selections(words: &str) -> Result<Vec<Selection>, Problem> {
    if words.trim().is_empty() {
        return Err(missing("which stanzas it counts; write \"subscription\" or another selection"));
    }
    let selections = words.split_whitespace().map(Selection::parse).collect::<Result<Vec<_>, _>>()?;
    Ok(selections.into_iter().flatten().collect())
}

fn check_name(name: &str) -> Result<&str, Problem> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
        let advice = format!("write at most {NAME_BYTES_MAX} lower-case letters, digits and hyphens");
        return Err(Problem::new("", format!("{name:?} is no name for a limit; {advice}")));
    }
    if name == NAME_TAKEN {
        return Err(Problem::new("", format!("{name:?} is the name of a setting, whose counter it would share")));
    }
    Ok(name)
}

/// A stream waits for what its own senders owe. A bucket that others fill, too, would have one stranger stall the streams of all.
fn check_action(action: Action, per: Per) -> Result<(), Problem> {
    match (action, per) {
        (Action::Delay, Per::Recipient | Per::All) => {
            let wrong =
                format!("\"delay\" with `per = \"{}\"` would let one sender stall the streams of others", per.as_str());
            let advice = "write \"bounce\" or \"drop\", or `per = \"sender-domain\"`";
            Err(Problem::new("", format!("{wrong}; {advice}")))
        }
        (Action::Delay, Per::Sender | Per::SenderDomain | Per::Pair) | (Action::Bounce | Action::Drop, _) => Ok(()),
    }
}

fn check_labels(labels: Option<u32>, per: Per) -> Result<(), Problem> {
    match (labels, per) {
        (None, _) | (Some(2..=LABELS_MAX), Per::SenderDomain) => Ok(()),
        (Some(2..=LABELS_MAX), _) => Err(Problem::new("", "is for `per = \"sender-domain\"`")),
        (Some(labels), _) => Err(Problem::new("", format!("{labels} is not between 2 and {LABELS_MAX}"))),
    }
}

fn missing(what: &str) -> Problem {
    Problem::new("", format!("must say {what}"))
}

/// What is asked about a stanza beyond what selects it.
#[derive(Debug)]
pub(crate) struct Looks {
    addresses: Selector,
    delivered: Selector,
    join: Selector,
}

impl Looks {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let address = format!("{{{ADDRESSES}}}addresses/{{{ADDRESSES}}}address");
        Ok(Looks {
            addresses: setup.selector(&address)?,
            // XEP-0033 §5.4: nobody delivers to them again.
            delivered: setup.selector(&format!("{address}[@delivered='true']"))?,
            join: setup.selector("{http://jabber.org/protocol/muc}x")?,
        })
    }

    /// How many deliveries a stanza asks for (XEP-0033).
    fn fanout(&self, stanza: &Stanza<'_>) -> u32 {
        stanza.count(self.addresses).saturating_sub(stanza.count(self.delivered))
    }

    /// Whether somebody enters a room, and waits to be told (XEP-0045 §7.2).
    fn is_join(&self, head: &Head, stanza: &Stanza<'_>) -> bool {
        (head.kind, head.stanza_type) == (Kind::Presence, StanzaType::Available)
            && head.recipient().resource().is_some()
            && stanza.test(self.join)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_from_the_end() {
        let last = |labels| last_labels("a.b.evil.example", labels);
        assert_eq!([last(None), last(Some(2)), last(Some(3))], ["a.b.evil.example", "evil.example", "b.evil.example"]);
        assert_eq!(last_labels("localhost", Some(2)), "localhost");
    }
}
