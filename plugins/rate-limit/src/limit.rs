//! One limit: which stanzas it counts, by which key, and what becomes of those that are too many.

use refrain_sdk::{
    Condition, Counter, Direction, ErrorType, Head, Limiter, Problem, Problems, Rule, Selector, Setup, Stanza,
    StanzaType, Verdict,
};

use crate::Rate;
use crate::except::Except;
use crate::select::{ADDRESSES, Selection};
use crate::settings::{Action, Limit, Per, Told, Way};

/// A name stands in reasons and metrics.
const NAME_BYTES_MAX: usize = 40;

/// A limit that is on.
#[derive(Debug)]
pub(crate) struct Limited {
    rules: Vec<Counted>,
    per: Per,
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
    is_join: bool,
}

impl Limit {
    /// This limit, with what it leaves out as in `base`.
    pub(crate) fn over(self, base: &Limit) -> Limit {
        Limit {
            name: self.name,
            stanzas: self.stanzas.or(base.stanzas.clone()),
            per: self.per.or(base.per),
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
        Some(Limited { rules, per, limiter, refused, except, action, told, reason })
    }

    /// Counts the stanza, if it is one of those that it counts.
    pub(crate) fn count(&self, head: &Head, stanza: &Stanza<'_>, fanout: &Fanout) -> Admission {
        let counted = || self.rules.iter().filter(|counted| head.matched(counted.rule));
        if counted().next().is_none() || self.except.names(head.sender()) {
            return Admission::Granted;
        }
        let at_least = u32::from(counted().any(|counted| !counted.by_address));
        let cost = match counted().any(|counted| counted.by_address) {
            true => fanout.of(stanza).max(at_least),
            false => at_least,
        };
        let (sender, recipient) = (head.sender(), head.recipient());
        let take = |key: &str| match self.action {
            _ if cost == 0 => Admission::Granted,
            Action::Delay => Admission::after(self.limiter.owe(key, cost)),
            Action::Bounce | Action::Drop if self.limiter.take_many(key, cost) => Admission::Granted,
            Action::Bounce | Action::Drop => Admission::Refused,
        };
        match self.per {
            Per::Sender => take(sender.bare()),
            Per::SenderDomain => take(sender.domain()),
            Per::Recipient => take(recipient.bare()),
            // No bare address has a blank in it.
            Per::Pair => take(&format!("{} {}", sender.bare(), recipient.bare())),
            Per::All => take(""),
        }
    }

    /// Tells the operator of a stanza that is too many.
    pub(crate) fn tell(&self, stanza: &Stanza<'_>) {
        stanza.reason(&self.reason);
        self.refused.add(1);
    }

    /// What becomes of a stanza that is too many.
    pub(crate) fn refuse(&self, head: &Head, stanza: &Stanza<'_>) -> Verdict {
        self.tell(stanza);
        match self.action {
            // The bucket was not asked in a way that could refuse.
            Action::Delay => Verdict::Pass,
            Action::Drop => Verdict::Drop,
            // Another type than `wait` would have a client give up what it may try again later.
            Action::Bounce => {
                let bounce = Verdict::bounce(self.told.condition()).error_type(ErrorType::Wait);
                let bounce = bounce.text("Too many at once; try again later");
                if self.someone_waits(head) { bounce } else { bounce.if_answerable(head) }
            }
        }
    }

    /// Whether an error belongs where in general none does: XEP-0045 §7.2 answers who may not enter a room, and of a result that must
    /// not pass the proxy makes an error for whoever asked.
    fn someone_waits(&self, head: &Head) -> bool {
        let is_join = self.rules.iter().any(|counted| counted.is_join && head.matched(counted.rule));
        is_join || head.stanza_type == StanzaType::IqResult
    }
}

fn declare(selection: Selection, direction: Way, setup: &mut Setup) -> Result<Counted, Problem> {
    let interest = match direction {
        Way::Inbound => selection.interest.direction(Direction::Inbound),
        Way::Outbound => selection.interest.direction(Direction::Outbound),
        Way::Both => selection.interest,
    };
    Ok(Counted { rule: setup.interest(interest)?, by_address: selection.by_address, is_join: selection.is_join })
}

fn selections(words: &str) -> Result<Vec<Selection>, Problem> {
    if words.trim().is_empty() {
        return Err(missing("which stanzas it counts; write \"subscription\" or another selection"));
    }
    words.split_whitespace().map(Selection::parse).collect()
}

fn check_name(name: &str) -> Result<&str, Problem> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
        let advice = format!("write at most {NAME_BYTES_MAX} lower-case letters, digits and hyphens");
        return Err(Problem::new("", format!("{name:?} is no name for a limit; {advice}")));
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

fn missing(what: &str) -> Problem {
    Problem::new("", format!("must say {what}"))
}

/// How many deliveries a stanza asks for (XEP-0033).
#[derive(Debug)]
pub(crate) struct Fanout {
    addresses: Selector,
    delivered: Selector,
}

impl Fanout {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        let address = format!("{{{ADDRESSES}}}addresses/{{{ADDRESSES}}}address");
        Ok(Fanout {
            addresses: setup.selector(&address)?,
            // XEP-0033 §5.4: nobody delivers to them again.
            delivered: setup.selector(&format!("{address}[@delivered='true']"))?,
        })
    }

    fn of(&self, stanza: &Stanza<'_>) -> u32 {
        stanza.count(self.addresses).saturating_sub(stanza.count(self.delivered))
    }
}
