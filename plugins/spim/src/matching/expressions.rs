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
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn compile(patterns: &[(&str, bool)]) -> Expressions {
        let expression = |(place, (pattern, exact)): (u32, &(&str, bool))| {
            Expression::new(place, pattern, *exact, false).expect("valid")
        };
        Expressions::compile((0..).zip(patterns).map(expression).collect()).expect("a set")
    }

    fn finds(patterns: &[(&str, bool)], text: &str) -> Vec<u32> {
        let mut found = Vec::new();
        compile(patterns).find(&Views::of(text.to_owned()), |place| found.push(place));
        found
    }

    #[test]
    fn case_matters_where_it_is_said_to() {
        assert_eq!(finds(&[("buy", true), ("now", false)], "BUY NOW"), [1]);
        assert_eq!(finds(&[("buy", true), ("now", false)], "buy"), [0]);
        assert_eq!(finds(&[("[Bb]uy?", true), ("КАЗИНО", false)], "BUY казино"), [1]);
        assert_eq!(finds(&[("Best casino", true)], "İ Best casino"), [0]);
    }

    #[test]
    fn expressions_without_a_literal_are_matched_as_well() {
        assert_eq!(finds(&[(r"\d{16}", false), (r"(?i)[cк]a[sz]ino", false)], "4111111111111111 CAZINO"), [0, 1]);
    }

    #[test]
    fn boundaries_are_those_of_words_in_every_alphabet() {
        assert_eq!(finds(&[(r"\bcasino\b", false), (r"\bказино\b", false)], "наше казино, our casino"), [0, 1]);
        assert_eq!(finds(&[(r"\bcasino\b", false), (r"\bказино\b", false)], "казиношка casinos"), [0; 0]);
    }

    #[test]
    fn a_line_ends_no_phrase() {
        assert_eq!(finds(&[(r"\bviagra\b.{0,20}\bpills\b", false)], "Viagra\r\n\n  and\tPILLS"), [0]);
    }

    #[test]
    fn a_disguise_does_not_help() {
        assert_eq!(finds(&[(r"\bcasino\b", false)], "best саsіnо"), [0]);
        assert_eq!(finds(&[(r"\bcasino\b", false)], "c a s i n o"), [0]);
        assert_eq!(finds(&[(r"выигр\w+", false)], "вы выигpали"), [0]);
        assert_eq!(finds(&[(r"\bcasino\b", false)], "the casino of v1agra"), [0]);
    }

    #[test]
    fn what_is_far_from_its_literal_is_not_found() {
        let text = |gap: usize| format!("{} casino {} bonus", "-".repeat(2_000), "-".repeat(gap));
        assert_eq!(finds(&[(r"casino\b.*\bbonus", false)], &text(400)), [0]);
        assert_eq!(finds(&[(r"casino\b.*\bbonus", false)], &text(600)), [0; 0]);
    }

    #[test]
    fn a_literal_in_many_places_is_looked_at_in_all_of_them() {
        let text = format!("{}casino bonus", "casino ".repeat(500));
        assert_eq!(finds(&[(r"casino\s+bonus", false)], &text), [0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Where an expression is looked for spares time, and nothing else.
        #[test]
        fn what_is_found_around_literals_is_what_is_found_anywhere(words in vec(select(WORDS), 0..12)) {
            let views = Views::of(words.concat());
            for pattern in PATTERNS {
                let expression = Expression::new(0, pattern, false, false).expect("valid");
                let expected = expression.compile().expect("a regex").is_match(views.folded());
                let mut hits = BTreeSet::new();
                compile(&[(pattern, false)]).in_text(&views, &mut hits);
                prop_assert_eq!(!hits.is_empty(), expected, "{} in {:?}", pattern, views.folded());
            }
        }
    }

    const WORDS: &[&str] = &[
        "casino",
        "poker",
        "win",
        "best ",
        "bonus",
        " ",
        "7",
        "x1",
        "y",
        ". ",
        "!",
        "foo",
        "bb",
        "a",
        "xyz",
        ",",
        "казино",
        "Ⱥ",
    ];

    const PATTERNS: &[&str] = &[
        r"\bcasino\b",
        r"(?:^|[.!]\s?)(?:best )?casino\s?[0-9]{0,3}bonus",
        r"(?:x\d+|y)?(?:casino|poker).{0,5}win",
        r"\bwin\b.*casino",
        r"(?:a|bb)(?:casino)+(?:xyz)?$",
        r"(?:\d[\s,]?casino\d|\w{3}poker)+",
        r"(?:foo.{0,4}){2}(?:casino|казино)",
        r"ⱥ{1,3}casino|[ⱥ!]{2}poker\d",
        r"(?:win|foo)(?:\s|[a-z]{1,3}|,)*?(?:bonus|xyz)",
        r"(?:best )?(?:best )?bonus[.,!]|^xyz",
    ];

    #[test]
    fn every_call_finds_the_same() {
        let patterns: Vec<_> = (0..400).map(|n| format!(r"word{n}\s+[a-z]{{1,3}}x")).collect();
        let patterns: Vec<_> = patterns.iter().map(|pattern| (pattern.as_str(), false)).collect();
        let expressions = compile(&patterns);
        let text = |from: usize| (from..from + 40).map(|n| format!("word{n} aax ")).collect::<String>();
        for from in [0, 40, 80, 120, 160, 200, 240, 280, 0, 40] {
            let mut found = Vec::new();
            expressions.begin();
            expressions.find(&Views::of(text(from)), |place| found.push(place as usize));
            let expected: Vec<_> = (from..from + 40).collect();
            assert!(expected.iter().all(|place| found.contains(place)), "{from}: {found:?}");
        }
    }

    #[test]
    fn more_large_ones_than_there_is_room_for_are_refused() {
        let all = (0..400).map(|n| Expression::new(n, &format!(r"word{n}\w{{3}}"), false, false).expect("valid"));
        let wrong = Expressions::compile(all.collect()).expect_err("a mistake");
        assert!(wrong.path.starts_with("signatures[") && wrong.path.ends_with("].regex"), "{wrong:?}");
    }
}
