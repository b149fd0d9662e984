//! What a regular expression cannot do without: literals of which every text that it matches has one.

use std::cmp::Reverse;

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter ones stand in too many texts to spare anything.
const LITERAL_CHARS_MIN: usize = 3;

/// What is behind makes a literal hardly rarer, and of a phrase with alternatives many literals instead of one.
const LITERAL_CHARS_MAX: usize = 9;

/// As many alternatives as a signature may have for one place.
const LITERALS_MAX: usize = 64;

/// A longer one is not worth more than one that a match begins with, which spares trying all the places before it.
const LITERAL_CHARS_ENOUGH: usize = 6;

/// A part of every text that an expression matches, or of some while others of its literals are in the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Literal {
    /// In one case or another.
    pub(crate) text: String,
    /// So many bytes of a match may stand before it, if there is a bound.
    pub(crate) before: Option<usize>,
}

/// What is known of an expression without compiling it.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    /// Empty if there are none worth looking for.
    pub(crate) literals: Vec<Literal>,
    /// About how many states it takes.
    pub(crate) weight: u64,
    /// Bytes of the longest text that it matches, if there is a longest.
    pub(crate) longest: Option<usize>,
}

/// Looks an expression over.
pub(crate) fn of(pattern: &str) -> Result<Analysis, String> {
    // Without regard to case every letter would be a choice; literals and texts are folded instead.
    let hir = regex_syntax::Parser::new().parse(pattern).map_err(|error| error.to_string())?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("matches the empty text, and so every text".into());
    }
    Ok(Analysis { literals: required(&hir).unwrap_or_default(), weight: weight(&hir), longest: longest(&hir) })
}

/// The best literals of all places of an expression.
fn required(hir: &Hir) -> Option<Vec<Literal>> {
    let within = match hir.kind() {
        HirKind::Concat(parts) => best((0..parts.len()).filter_map(|from| {
            let (head, tail) = parts.split_at_checked(from)?;
            let before = head.iter().try_fold(0_usize, |sum, part| sum.checked_add(longest(part)?));
            let found = best(beginning(&Hir::concat(tail.to_vec())).into_iter().chain(required(tail.first()?)))?;
            Some(found.into_iter().map(|one| one.behind(before)).collect())
        })),
        HirKind::Alternation(branches) => {
            let literals: Option<Vec<_>> = branches.iter().map(required).collect();
            literals.map(|literals| literals.concat()).filter(|literals| literals.len() <= LITERALS_MAX)
        }
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(one) if one.min > 0 => required(&one.sub),
        _ => None,
    };
    best(beginning(hir).into_iter().chain(within))
}

/// The longest of which even the shortest is long; of equal ones those with least before them.
fn best(candidates: impl Iterator<Item = Vec<Literal>>) -> Option<Vec<Literal>> {
    candidates.min_by_key(|literals| {
        let before = literals.iter().map(|literal| literal.before.unwrap_or(usize::MAX)).max();
        (Reverse(shortest(literals).min(LITERAL_CHARS_ENOUGH)), before, Reverse(shortest(literals)))
    })
}

/// The literals that what an expression matches begins with.
fn beginning(hir: &Hir) -> Option<Vec<Literal>> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(LITERALS_MAX);
    let found = extractor.extract(hir);
    let literals = found.literals()?.iter().map(|literal| {
        let text = std::str::from_utf8(literal.as_bytes()).ok()?;
        Some(Literal { text: text.chars().take(LITERAL_CHARS_MAX).collect(), before: Some(0) })
    });
    let mut literals = literals.collect::<Option<Vec<_>>>()?;
    literals.sort();
    literals.dedup();
    (shortest(&literals) >= LITERAL_CHARS_MIN).then_some(literals)
}

/// The bytes that a match takes at most, if there is a bound. In the other case a letter may take three where it takes two.
fn longest(hir: &Hir) -> Option<usize> {
    hir.properties().maximum_len().and_then(|bytes| bytes.checked_add(bytes / 2))
}

fn shortest(literals: &[Literal]) -> usize {
    literals.iter().map(|literal| literal.text.chars().count()).min().unwrap_or_default()
}

impl Literal {
    fn behind(self, before: Option<usize>) -> Self {
        Literal { before: self.before.zip(before).and_then(|(own, more)| own.checked_add(more)), ..self }
    }
}

/// About how many states an expression takes: a class of Unicode has some for each of its ranges.
fn weight(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        // In either case, of which the other may have as many bytes.
        HirKind::Literal(literal) => 2 * literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => {
            let bytes = |c: char| c.len_utf8() as u64;
            // A range over characters of different lengths is one of each length, parted at the edges.
            let range = |begin, end| 1 + 2 * (bytes(end) - 1) + 20 * (bytes(end) - bytes(begin));
            class.iter().map(|one| range(one.start(), one.end())).sum()
        }
        HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Repetition(one) => {
            let times = u64::from(one.max.unwrap_or(one.min.saturating_add(1)).max(1));
            weight(&one.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => weight(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(0, |sum: u64, part| sum.saturating_add(weight(part)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(pattern: &str) -> Vec<String> {
        let literals = of(pattern).expect("valid").literals;
        let mut literals: Vec<_> = literals.into_iter().map(|literal| literal.text).collect();
        literals.sort();
        literals
    }

    #[test]
    fn the_longest_part_that_must_be_there_is_found() {
        assert_eq!(literals(r"\bcasino\b"), ["casino"]);
        assert_eq!(literals(r"\d+ euros? for free"), [" euro for", " euros fo"], "of phrases the beginning is enough");
        assert_eq!(literals(r"\bv[i1l]agra\b"), ["v1agra", "viagra", "vlagra"]);
        assert_eq!(literals(r"(?:casino|poker)\d"), ["casino", "poker"]);
        assert_eq!(literals(r"(казино)"), ["казино"]);
        assert_eq!(literals(r"(?:^|\s)casino\b|\d poker"), [" poker", "casino"]);
        assert_eq!(literals(r"\d(?:[\s,.]casino\d|\w{3}poker)+"), ["casino", "poker"]);
    }

    #[test]
    fn what_may_stand_before_a_literal_is_known() {
        let before = |pattern| of(pattern).expect("valid").literals.first().map(|literal| literal.before);
        assert_eq!(before(r"\bcasino \d+ bonuses"), Some(Some(0)));
        assert_eq!(before(r"(?:^|[.!])\s?(?:best )?casino"), Some(Some(5)), "a space takes up to three bytes");
        assert_eq!(before(r"\d+casino"), Some(None));
        assert_eq!(before(r"win\s[a-z]{0,4}casino"), Some(Some(14)), "the longer one, though not at the beginning");
    }

    #[test]
    fn what_needs_no_literal_has_none() {
        for pattern in [r"\d{16}", "ab|casino", "[a-z]+@[a-z]+"] {
            assert_eq!(literals(pattern), [""; 0], "{pattern}");
        }
    }
}
