//! Signatures that are regular expressions. One that needs a literal is tried only around those that a text has; the others are matched
//! at once, on the beginning of each text.
//!
//! What is looked at depends on the text alone, never on what an instance saw before: every instance decides alike.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use refrain_sdk::Problem;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternSet};

use super::expression::Expression;
use super::literals::Literal;
use super::parts::Parts;
use crate::text::{Revealed, Views, folded, spaced};

/// Bytes of the texts of one stanza that expressions go through, all together: at most some milliseconds.
const SEARCHED_BYTES_MAX: usize = 32 << 10;

/// Expressions that are tried on one text: one that has the literals of more was made to keep the filter busy.
const TRIED_MAX: usize = 64;

/// Of each text so much is searched for expressions without a literal.
const SET_TEXT_BYTES: usize = 8 << 10;

/// Bytes of compiled program for all expressions without a literal, and of states that are kept between texts. One that needs more is
/// slower, never wrong.
const SET_BYTES_MAX: usize = 512 << 10;
const SET_CACHE_BYTES: usize = 2 << 20;

/// Heavier ones are compiled when the filter is configured: what is left for calls takes a fraction of a millisecond each.
const LIGHT_MAX: u64 = 300;

/// The weight of all heavy ones together: some twenty megabytes of memory, and about a second.
const HEAVY_MAX: u64 = 4_000_000;

/// Light ones that are kept compiled. Each takes some kilobytes.
const KEPT_MAX: usize = 256;

/// Many expressions.
#[derive(Debug)]
pub(crate) struct Expressions {
    all: Vec<Expression>,
    parts: Option<Parts>,
    /// The expression that each literal belongs to, and how far before it a match may begin.
    owners: Vec<(u32, usize)>,
    set: Option<Set>,
    heavy: BTreeMap<u32, Rc<Regex>>,
    /// Those that were used last, at the end.
    light: RefCell<Vec<(u32, Rc<Regex>)>>,
    /// The bytes that may still be searched within this call.
    left: Cell<usize>,
}

/// Expressions without a literal.
#[derive(Debug)]
struct Set {
    regex: Regex,
    members: Vec<u32>,
}

/// Where each expression is to be looked for.
type Windows = BTreeMap<u32, Vec<Window>>;

/// A part of a text.
#[derive(Debug, Clone)]
struct Window {
    range: Range<usize>,
    /// Whether a match can only begin where it does.
    is_anchored: bool,
}

impl Expressions {
    pub(crate) fn compile(all: Vec<Expression>) -> Result<Self, Problem> {
        let mut heavy = BTreeMap::new();
        let (mut literals, mut owners, mut members) = (Vec::new(), Vec::new(), Vec::new());
        let mut weight = 0;
        for (index, expression) in (0..).zip(&all) {
            if expression.literals.is_empty() {
                members.push(index);
            }
            let before =
                |literal: &Literal| literal.before.map_or(expression.reach, |before| before.min(expression.reach));
            owners.extend(expression.literals.iter().map(|literal| (index, before(literal))));
            literals.extend(expression.literals.iter().map(|literal| folded(&spaced(&literal.text))));
            if expression.weight > LIGHT_MAX {
                weight += expression.weight;
                heavy.insert(index, compiled(expression, weight)?);
            }
        }
        let set = if members.is_empty() { None } else { Some(Set::compile(&all, members)?) };
        let parts = Parts::compile(literals)?;
        let left = Cell::new(SEARCHED_BYTES_MAX);
        Ok(Expressions { all, parts, owners, set, heavy, light: RefCell::default(), left })
    }

    /// Begins a call, which looks at the texts of one stanza.
    pub(crate) fn begin(&self) {
        self.left.set(SEARCHED_BYTES_MAX);
    }

    /// Tells the places of the signatures that match a text.
    pub(crate) fn find(&self, views: &Views, mut found: impl FnMut(u32)) {
        if self.all.is_empty() {
            return;
        }
        let mut hits = BTreeSet::new();
        self.in_text(views, &mut hits);
        if self.all.iter().any(|expression| expression.raw) && views.raw() != views.exact() {
            self.in_raw(views.raw(), &mut hits);
        }
        for reading in views.revealed() {
            self.in_reading(reading, &mut hits);
        }
        let places = hits.into_iter().filter_map(|index| self.all.get(index as usize));
        places.for_each(|expression| found(expression.place));
    }

    fn in_text(&self, views: &Views, hits: &mut BTreeSet<u32>) {
        let (exact, folded) = (views.exact(), views.folded());
        for (index, windows) in self.windows(folded) {
            let is_exact = self.all.get(index as usize).is_some_and(|expression| expression.case_sensitive);
            let is_hit = match is_exact {
                false => self.is_in(index, folded, &windows),
                true if exact.len() == folded.len() => self.is_in(index, exact, &windows),
                true => self.is_in(index, exact, &[Window::anywhere(whole(exact))]),
            };
            if is_hit {
                hits.insert(index);
            }
        }
        hits.extend(self.set.iter().flat_map(|set| set.matches(exact)));
    }

    fn in_raw(&self, raw: &str, hits: &mut BTreeSet<u32>) {
        let of_set = self.set.iter().flat_map(|set| set.matches(raw));
        for index in self.windows(&folded(&spaced(raw))).into_keys().chain(of_set) {
            if self.all.get(index as usize).is_some_and(|expression| expression.raw)
                && self.is_in(index, raw, &[Window::anywhere(whole(raw))])
            {
                hits.insert(index);
            }
        }
    }

    /// A find in a text whose disguise was undone counts if it has something that was disguised.
    fn in_reading(&self, reading: &Revealed, hits: &mut BTreeSet<u32>) {
        let mut tried = self.windows(&reading.text);
        let of_set = self.set.iter().flat_map(|set| set.matches(&reading.text));
        tried.extend(of_set.map(|index| (index, vec![Window::anywhere(beginning(&reading.text))])));
        for (index, windows) in tried {
            let is_exact = self.all.get(index as usize).is_none_or(|expression| expression.case_sensitive);
            if is_exact || hits.contains(&index) {
                continue;
            }
            let Some(regex) = self.regex(index) else { continue };
            let disguised = windows.into_iter().filter(|window| reading.was_disguised(&window.range));
            let mut searched = disguised.filter(|window| self.affords(window));
            let was_disguised = |window: Window| {
                regex.find_iter(window.input(&reading.text)).any(|find| reading.was_disguised(&find.range()))
            };
            if searched.any(was_disguised) {
                hits.insert(index);
            }
        }
    }

    fn is_in(&self, index: u32, text: &str, windows: &[Window]) -> bool {
        let Some(regex) = self.regex(index) else { return false };
        windows.iter().any(|window| self.affords(window) && regex.is_match(window.input(text)))
    }

    /// Whether that much may still be searched; then it is spent.
    fn affords(&self, window: &Window) -> bool {
        let left = self.left.get().checked_sub(window.range.len());
        self.left.set(left.unwrap_or_else(|| self.left.get()));
        left.is_some()
    }

    /// What stands around the literals that a folded text has, by expression.
    fn windows(&self, text: &str) -> Windows {
        let mut all = Windows::new();
        let Some(parts) = &self.parts else { return all };
        parts.find(text, |literal, part| {
            let Some((owner, before)) = self.owners.get(literal) else { return };
            if all.len() == TRIED_MAX && !all.contains_key(owner) {
                return;
            }
            let reach = self.all.get(*owner as usize).map_or(0, |expression| expression.reach);
            let begin = text.floor_char_boundary(part.start.saturating_sub(*before));
            let end = text.ceil_char_boundary(part.end.saturating_add(reach).min(text.len()));
            let windows = all.entry(*owner).or_default();
            match windows.last_mut() {
                // Those that overlap are gone through once.
                Some(Window { range: last, is_anchored }) if begin <= last.end => {
                    *is_anchored &= begin == last.start && *before == 0;
                    *last = last.start.min(begin)..last.end.max(end);
                }
                _ => windows.push(Window { range: begin..end, is_anchored: *before == 0 }),
            }
        });
        all
    }

    fn regex(&self, index: u32) -> Option<Rc<Regex>> {
        if let Some(regex) = self.heavy.get(&index) {
            return Some(Rc::clone(regex));
        }
        let mut kept = self.light.borrow_mut();
        let known = kept.iter().position(|(of, _)| *of == index).map(|place| kept.remove(place));
        let (_, regex) = match known {
            Some(known) => known,
            None => (index, Rc::new(self.all.get(index as usize)?.compile().ok()?)),
        };
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push((index, Rc::clone(&regex)));
        Some(regex)
    }
}

impl Set {
    fn compile(all: &[Expression], members: Vec<u32>) -> Result<Self, Problem> {
        let expressions = || members.iter().filter_map(|index| all.get(*index as usize));
        let patterns: Vec<_> = expressions().map(Expression::in_set).collect();
        let config = Regex::config().nfa_size_limit(Some(SET_BYTES_MAX)).hybrid_cache_capacity(SET_CACHE_BYTES);
        let syntax = syntax::Config::new().case_insensitive(true);
        let regex = Regex::builder().configure(config).syntax(syntax).build_many(&patterns);
        let regex = regex.map_err(|_| {
            let place = expressions().max_by_key(|one| one.weight).map_or(0, |one| one.place);
            let advice = "write three letters in a row into every alternative of each, or `text` where it will do";
            let message = format!("is the largest of those without a literal, which are too large together; {advice}");
            Problem::new(format!("signatures[{place}].regex"), message)
        })?;
        Ok(Set { regex, members })
    }

    /// The members that match the beginning of a text.
    fn matches(&self, text: &str) -> Vec<u32> {
        let input = Input::new(text).range(beginning(text));
        // Most texts match none, and to learn just that is cheaper than to learn which.
        if !self.regex.is_match(input.clone()) {
            return Vec::new();
        }
        let mut matches = PatternSet::new(self.regex.pattern_len());
        self.regex.which_overlapping_matches(&input, &mut matches);
        matches.iter().filter_map(|index| self.members.get(index.as_usize()).copied()).collect()
    }
}

/// Compiles a heavy one, unless all of them together are too heavy.
fn compiled(expression: &Expression, weight_together: u64) -> Result<Rc<Regex>, Problem> {
    let wrong = |message: String| Problem::new(format!("signatures[{}].regex", expression.place), message);
    if weight_together > HEAVY_MAX {
        let advice = r"write `text` where it will do, and fewer repetitions of classes such as `\w`";
        return Err(wrong(format!("is one more large expression than there is room for; {advice}")));
    }
    expression.compile().map(Rc::new).map_err(|error| wrong(error.to_string()))
}

impl Window {
    fn anywhere(range: Range<usize>) -> Self {
        Window { range, is_anchored: false }
    }

    /// A part of a text, of whose neighbours boundaries know.
    fn input<'t>(&self, text: &'t str) -> Input<'t> {
        let anchored = if self.is_anchored { Anchored::Yes } else { Anchored::No };
        Input::new(text).range(self.range.clone()).anchored(anchored)
    }
}

fn whole(text: &str) -> Range<usize> {
    0..text.len()
}

fn beginning(text: &str) -> Range<usize> {
    0..text.floor_char_boundary(SET_TEXT_BYTES)
}

#[cfg(test)]
mod tests;
