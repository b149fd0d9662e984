//! Scores: what was found adds up, and the sum decides; a signature may also decide at once.

use std::collections::BTreeMap;

use crate::settings::{Action, Thresholds};

/// The proxy keeps 256 bytes of a reason.
const REASON_BYTES_MAX: usize = 240;

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hit<'n> {
    pub(crate) name: &'n str,
    pub(crate) score: Option<f64>,
    /// What becomes of the stanza whatever the sum.
    pub(crate) action: Option<Action>,
    /// The group that it adds to, and how much that can add at most.
    pub(crate) cap: Option<(&'n str, f64)>,
}

/// What becomes of a stanza, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Decision {
    /// `None`: nothing, it passes without a word.
    pub(crate) action: Option<Action>,
    pub(crate) reason: String,
}

/// Decides by all hits; of those that decide at once by the first.
pub(crate) fn decide(hits: &[Hit<'_>], factor: f64, thresholds: &Thresholds) -> Decision {
    let sum = sum(hits) * factor;
    let by_sum = thresholds.reached(sum);
    let at_once = hits.iter().find_map(|hit| hit.action);
    let action = match (at_once, by_sum) {
        (Some(at_once), Some((by_sum, _))) => Some(at_once.max(by_sum)),
        (at_once, by_sum) => at_once.or(by_sum.map(|(action, _)| action)),
    };
    let tail = match (hits.iter().any(|hit| hit.score.is_some()), by_sum) {
        (false, _) => String::new(),
        (true, Some((_, threshold))) => format!("{} = {} >= {threshold}", times(factor), one_digit(sum)),
        (true, None) => format!("{} = {}", times(factor), one_digit(sum)),
    };
    Decision { action, reason: reason(hits, &tail) }
}

impl Thresholds {
    fn reached(&self, sum: f64) -> Option<(Action, f64)> {
        let all = [(Action::Drop, self.drop), (Action::Bounce, self.bounce), (Action::Tag, self.tag)];
        // What is written in tenths is added in tenths: 0.1 + 0.2 is 0.3.
        all.into_iter().find(|(_, threshold)| sum + 1e-6 >= *threshold)
    }
}

/// The sum of the scores, each group as much as it can add.
fn sum(hits: &[Hit<'_>]) -> f64 {
    let mut groups = BTreeMap::<&str, (f64, f64)>::new();
    let mut sum = 0.0;
    for hit in hits {
        let score = hit.score.unwrap_or_default();
        match hit.cap {
            None => sum += score,
            Some((group, cap)) => groups.entry(group).or_insert((0.0, cap)).0 += score,
        }
    }
    sum + groups.into_values().map(|(score, cap)| score.min(cap)).sum::<f64>()
}

/// `casino(4.0), links(1.0) = 5.0 >= 4`: every hit by its name, as many as there is room for.
fn reason(hits: &[Hit<'_>], tail: &str) -> String {
    let mut reason = String::new();
    for (told, hit) in hits.iter().enumerate() {
        let symbol = match hit.score {
            Some(score) => format!("{}({})", hit.name, one_digit(score)),
            None => hit.name.to_owned(),
        };
        let separator = if reason.is_empty() { "" } else { ", " };
        let more = format!(", {} more", hits.len() - told);
        if !reason.is_empty()
            && reason.len() + separator.len() + symbol.len() + more.len() + tail.len() > REASON_BYTES_MAX
        {
            reason.push_str(&more);
            break;
        }
        reason.push_str(separator);
        reason.push_str(&symbol);
    }
    reason + tail
}

fn times(factor: f64) -> String {
    if factor == 1.0 { String::new() } else { format!(" × {factor}") }
}

fn one_digit(score: f64) -> String {
    format!("{score:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(name: &str, score: f64) -> Hit<'_> {
        Hit { name, score: Some(score), action: None, cap: None }
    }

    fn decided(hits: &[Hit<'_>]) -> (Option<Action>, String) {
        let decision = decide(hits, 1.0, &Thresholds::default());
        (decision.action, decision.reason)
    }

    #[test]
    fn scores_add_up_to_actions() {
        let (casino, links) = (hit("casino", 4.0), hit("links", 2.0));
        assert_eq!(decided(&[hit("links", 2.0)]), (None, "links(2.0) = 2.0".into()));
        assert_eq!(decided(&[hit("casino", 4.0)]), (Some(Action::Tag), "casino(4.0) = 4.0 >= 4".into()));
        assert_eq!(decided(&[casino, links]), (Some(Action::Bounce), "casino(4.0), links(2.0) = 6.0 >= 6".into()));
        let tenths: Vec<_> = (0..60).map(|_| hit("a", 0.1)).collect();
        assert_eq!(decided(&tenths).0, Some(Action::Bounce));
        assert_eq!(decided(&[hit("a", 20.0)]).0, Some(Action::Drop));
    }

    #[test]
    fn who_decides_at_once_is_not_outvoted_but_may_be_exceeded() {
        let at_once = |action| Hit { action: Some(action), score: None, ..hit("now", 0.0) };
        assert_eq!(decided(&[at_once(Action::Bounce)]), (Some(Action::Bounce), "now".into()));
        assert_eq!(decided(&[at_once(Action::Bounce), at_once(Action::Drop)]).0, Some(Action::Bounce));
        assert_eq!(
            decided(&[at_once(Action::Bounce), hit("a", 15.0)]),
            (Some(Action::Drop), "now, a(15.0) = 15.0 >= 15".into())
        );
        assert_eq!(decided(&[hit("friend", -9.0), at_once(Action::Drop)]).0, Some(Action::Drop));
    }

    #[test]
    fn a_group_adds_no_more_than_its_cap() {
        let capped = |name, score| Hit { cap: Some(("casino", 5.0)), ..hit(name, score) };
        assert_eq!(decided(&[capped("a", 4.0), capped("b", 4.0)]).1, "a(4.0), b(4.0) = 5.0 >= 4");
    }

    #[test]
    fn a_friend_counts_for_less() {
        let decision = decide(&[hit("a", 8.0)], 0.5, &Thresholds::default());
        assert_eq!((decision.action, decision.reason), (Some(Action::Tag), "a(8.0) × 0.5 = 4.0 >= 4".into()));
    }

    #[test]
    fn a_long_reason_says_how_many_more_there_are() {
        let hits: Vec<_> = (0..100).map(|_| hit("a signature", 1.0)).collect();
        let reason = decided(&hits).1;
        assert!(reason.len() <= 256 && reason.ends_with(" more = 100.0 >= 15"), "{reason}");
    }
}
