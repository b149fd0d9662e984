//! Signatures that are regular expressions. One that needs a literal is tried only on texts that have it; the others are matched at once.
//!
//! In linear time whatever they are.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use refrain_sdk::Problem;
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::literals::{self, Analysis};
use super::parts::Parts;
use crate::text::{Revealed, Views, folded, spaced};

/// Bytes of compiled program for one expression: more than honest ones take, and far from what nested repetitions ask for.
const REGEX_BYTES_MAX: usize = 256 << 10;

/// Bytes of compiled program for all expressions without a literal. Its reverse and its caches take several times as much, of the memory
/// that a filter has.
const SET_BYTES_MAX: usize = 512 << 10;

/// Bytes of states kept between texts. An expression that needs more is slower, never wrong.
const CACHE_BYTES_MAX: usize = 256 << 10;

/// Compiled expressions that are kept. Each takes some ten kilobytes.
const COMPILED_MAX: usize = 64;

/// Expressions that are tried on one text: one that has the literals of more was made to keep the filter busy.
const TRIED_MAX: usize = 64;
/// On a long text fewer are, so that all of them have so many bytes to go through.
const TRIED_BYTES_MAX: usize = 4 << 20;
const TRIED_MIN: usize = 8;

/// Many expressions.
#[derive(Debug)]
pub(crate) struct Expressions {
    all: Vec<Expression>,
    parts: Option<Parts>,
    /// The expression that each literal belongs to.
    owners: Vec<u32>,
    set: Option<RegexSet>,
    /// The expressions in the set.
    in_set: Vec<u32>,
    compiled: RefCell<Vec<(u32, Rc<Regex>)>>,
}

/// One expression, with the place of its signature.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) place: u32,
    pub(crate) pattern: String,
    pub(crate) case_sensitive: bool,
    pub(crate) raw: bool,
    literals: Vec<String>,
}

impl Expression {
    /// Checks an expression by itself, so that its mistakes are told of it.
    pub(crate) fn new(place: u32, pattern: &str, case_sensitive: bool, raw: bool) -> Result<Self, String> {
        let Analysis { literals, is_large } = literals::of(pattern)?;
        let expression = Expression { place, pattern: with_plain_boundaries(pattern), case_sensitive, raw, literals };
        if is_large {
            expression.compile().map_err(|error| error.to_string())?;
        }
        Ok(expression)
    }

    fn compile(&self) -> Result<Regex, regex::Error> {
        let mut builder = RegexBuilder::new(&self.pattern);
        builder.case_insensitive(!self.case_sensitive).size_limit(REGEX_BYTES_MAX);
        builder.dfa_size_limit(CACHE_BYTES_MAX).build()
    }

    /// The pattern, for a set that does not look at case.
    fn in_set(&self) -> String {
        if self.case_sensitive { format!("(?-i:{})", self.pattern) } else { self.pattern.clone() }
    }
}

/// An expression that has ASCII alone finds the same with boundaries of ASCII words, but for words of two alphabets. Unicode's take the
/// fast automata away: ten milliseconds a megabyte become a second.
fn with_plain_boundaries(pattern: &str) -> String {
    if !pattern.is_ascii() {
        return pattern.to_owned();
    }
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let is_boundary = escape.starts_with("\\b") && !escape.starts_with("\\b{");
        let (escape, behind) = escape.split_at(escape.len().min(2));
        plain.push_str(before);
        plain.push_str(if is_boundary { r"(?-u:\b)" } else { escape });
        rest = behind;
    }
    plain + rest
}

impl Expressions {
    pub(crate) fn compile(mut all: Vec<Expression>) -> Result<Self, Problem> {
        let mut literals = Vec::new();
        let (mut owners, mut in_set) = (Vec::new(), Vec::new());
        for (index, expression) in all.iter_mut().enumerate() {
            let found = std::mem::take(&mut expression.literals);
            if found.is_empty() {
                in_set.push(index as u32);
            }
            owners.extend(found.iter().map(|_| index as u32));
            literals.extend(found.iter().map(|literal| folded(&spaced(literal))));
        }
        let patterns: Vec<_> =
            in_set.iter().filter_map(|index| all.get(*index as usize)).map(Expression::in_set).collect();
        let set = if patterns.is_empty() { None } else { Some(compile_set(patterns)?) };
        let parts = Parts::compile(literals)?;
        Ok(Expressions { all, parts, owners, set, in_set, compiled: RefCell::default() })
    }

    /// Tells the places of the signatures that match a text.
    pub(crate) fn find(&self, views: &Views, mut found: impl FnMut(u32)) {
        if self.all.is_empty() {
            return;
        }
        let mut hits = BTreeSet::new();
        self.in_text(views.normal(), views.folded(), &mut hits, |_| true);
        if views.raw() != views.normal() && self.all.iter().any(|expression| expression.raw) {
            self.in_text(views.raw(), &folded(&spaced(views.raw())), &mut hits, |expression| expression.raw);
        }
        for reading in views.revealed() {
            self.in_reading(reading, &mut hits);
        }
        hits.into_iter()
            .filter_map(|index| self.all.get(index as usize))
            .for_each(|expression| found(expression.place));
    }

    fn in_text(&self, text: &str, folded: &str, hits: &mut BTreeSet<u32>, asked: impl Fn(&Expression) -> bool) {
        let is_asked = |index: &u32| self.all.get(*index as usize).is_some_and(&asked);
        let tried = self.candidates(folded).into_iter().filter(is_asked);
        hits.extend(tried.filter(|index| self.regex(*index).is_some_and(|regex| regex.is_match(text))));
        hits.extend(self.of_set(text).into_iter().filter(is_asked));
    }

    /// A find in a text whose disguise was undone counts if it has something that was disguised.
    fn in_reading(&self, reading: &Revealed, hits: &mut BTreeSet<u32>) {
        let mut tried = self.candidates(&reading.text);
        tried.extend(self.of_set(&reading.text));
        for index in tried {
            let is_exact = self.all.get(index as usize).is_none_or(|expression| expression.case_sensitive);
            if is_exact || hits.contains(&index) {
                continue;
            }
            let Some(regex) = self.regex(index) else { continue };
            if regex.find_iter(&reading.text).any(|find| reading.was_disguised(&find.range())) {
                hits.insert(index);
            }
        }
    }

    /// The expressions whose literals a text has.
    fn candidates(&self, folded: &str) -> BTreeSet<u32> {
        let mut candidates = BTreeSet::new();
        let tries = (TRIED_BYTES_MAX / folded.len().max(1)).clamp(TRIED_MIN, TRIED_MAX);
        if let Some(parts) = &self.parts {
            parts.find(folded, |literal, _| {
                if candidates.len() < tries {
                    candidates.extend(self.owners.get(literal));
                }
            });
        }
        candidates
    }

    /// The expressions of the set that match.
    fn of_set(&self, text: &str) -> Vec<u32> {
        let Some(set) = &self.set else { return Vec::new() };
        // Most texts match none, and to learn just that is cheaper than to learn which.
        if !set.is_match(text) {
            return Vec::new();
        }
        set.matches(text).into_iter().filter_map(|index| self.in_set.get(index).copied()).collect()
    }

    /// The compiled expression; those used last are kept.
    fn regex(&self, index: u32) -> Option<Rc<Regex>> {
        let mut compiled = self.compiled.borrow_mut();
        if let Some(known) = compiled.iter().position(|(of, _)| *of == index) {
            let known = compiled.remove(known);
            compiled.push(known.clone());
            return Some(known.1);
        }
        let regex = Rc::new(self.all.get(index as usize)?.compile().ok()?);
        if compiled.len() == COMPILED_MAX {
            compiled.remove(0);
        }
        compiled.push((index, regex.clone()));
        Some(regex)
    }
}

fn compile_set(patterns: Vec<String>) -> Result<RegexSet, Problem> {
    let mut builder = RegexSetBuilder::new(patterns);
    builder.case_insensitive(true).size_limit(SET_BYTES_MAX).dfa_size_limit(2 << 20).build().map_err(|_| {
        let advice = "write at least three letters in a row into each, or `text` where it will do";
        Problem::new(
            "signatures",
            format!("the regular expressions without a literal are too large together; {advice}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(patterns: &[(&str, bool)], text: &str) -> Vec<u32> {
        let expression = |(place, (pattern, exact)): (usize, &(&str, bool))| {
            Expression::new(place as u32, pattern, *exact, false).expect("valid")
        };
        let expressions = Expressions::compile(patterns.iter().enumerate().map(expression).collect()).expect("a set");
        let mut found = Vec::new();
        expressions.find(&Views::of(text.to_owned()), |place| found.push(place));
        found
    }

    #[test]
    fn an_expression_that_is_too_large_or_too_wide_is_refused() {
        let refused = |pattern| Expression::new(0, pattern, false, false).is_err();
        assert!(
            refused(r"(?:(?:\w{100}){100}){100}") && refused("a*") && refused("(") && refused(r"casino(?:\w{1000}){9}")
        );
    }

    #[test]
    fn case_matters_where_it_is_said_to() {
        assert_eq!(finds(&[("buy", true), ("now", false)], "BUY NOW"), [1]);
        assert_eq!(finds(&[("buy", true), ("now", false)], "buy"), [0]);
        assert_eq!(finds(&[("[Bb]uy?", true), ("КАЗИНО", false)], "BUY казино"), [1]);
    }

    #[test]
    fn expressions_without_a_literal_are_matched_as_well() {
        assert_eq!(finds(&[(r"\d{16}", false), (r"(?i)[cк]a[sz]ino", false)], "4111111111111111 CAZINO"), [0, 1]);
    }

    #[test]
    fn boundaries_are_those_of_words_in_every_alphabet() {
        assert_eq!(with_plain_boundaries(r"\bcasino\\b\b{end}\w"), r"(?-u:\b)casino\\b\b{end}\w");
        assert_eq!(with_plain_boundaries(r"\bказино\b"), r"\bказино\b");
        assert_eq!(finds(&[(r"\bcasino\b", false), (r"\bказино\b", false)], "наше казино, our casino"), [0, 1]);
        assert_eq!(finds(&[(r"\bcasino\b", false), (r"\bказино\b", false)], "казиношка casinos"), [0; 0]);
    }

    #[test]
    fn a_disguise_does_not_help() {
        assert_eq!(finds(&[(r"\bcasino\b", false)], "best саsіnо"), [0]);
        assert_eq!(finds(&[(r"\bcasino\b", false)], "c a s i n o"), [0]);
        assert_eq!(finds(&[(r"выигр\w+", false)], "вы выигpали"), [0]);
    }

    #[test]
    fn expressions_without_a_literal_that_are_too_large_together_are_refused() {
        let one = |place| Expression::new(place, r"\w{3}\d{4}[a-f]{5}", false, false).expect("valid");
        assert_eq!(Expressions::compile((0..1_000).map(one).collect()).expect_err("too large").path, "signatures");
    }

    #[test]
    fn a_text_with_the_literals_of_all_costs_a_bounded_number_of_tries() {
        let all = (0..500).map(|n| Expression::new(n, &format!("word{n}[x]y"), false, false).expect("valid")).collect();
        let expressions = Expressions::compile(all).expect("a set");
        let text = (0..500).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" ");
        expressions.find(&Views::of(text), |_| {});
        assert!(expressions.compiled.borrow().len() <= COMPILED_MAX);
    }
}
