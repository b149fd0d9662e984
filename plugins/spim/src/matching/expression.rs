//! One signature that is a regular expression: what it needs, what it weighs, and how it is compiled.

use regex_automata::meta::{BuildError, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;

use super::literals::{self, Analysis, Literal};

/// The weight of one expression: somewhat more than honest ones have, and far from what nested repetitions ask for. It is counted, and
/// not measured in bytes, so that a machine and the sandbox refuse the same.
const WEIGHT_MAX: u64 = 100_000;

/// As far before and behind its literal an expression is looked for. What spans more is several expressions.
const REACH_BYTES_MAX: usize = 512;

/// Bytes of compiled program, several times what those of that weight take: it is the weight that refuses.
const REGEX_BYTES_MAX: usize = 8 << 20;

/// One expression, with the place of its signature.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) place: u32,
    pub(crate) pattern: String,
    pub(crate) case_sensitive: bool,
    pub(crate) raw: bool,
    /// Every text that it matches has one of them; without any it has to be tried on all texts.
    pub(crate) literals: Vec<Literal>,
    /// As far before and behind a literal, in bytes, what it matches can go on; 512 at most.
    pub(crate) reach: usize,
    /// About how many states it takes.
    pub(crate) weight: u64,
}

impl Expression {
    /// Checks an expression by itself, so that its mistakes are told of it.
    pub(crate) fn new(place: u32, pattern: &str, case_sensitive: bool, raw: bool) -> Result<Self, String> {
        if let Some(control) = pattern.chars().find(|c| c.is_control() && !c.is_whitespace()) {
            let advice = r"write expressions in single quotes, in which TOML leaves `\b` alone";
            return Err(format!("has the control character {control:?}; {advice}"));
        }
        let plain = plain(pattern, !raw);
        // A mistake is told of what was written.
        let Analysis { literals, weight, longest } =
            literals::of(&plain).or_else(|wrong| literals::of(pattern).and(Err(wrong)))?;
        if weight > WEIGHT_MAX {
            let advice = r"write fewer repetitions of classes such as `\w`, or several signatures";
            return Err(format!("is too large; {advice}"));
        }
        let reach = longest.map_or(REACH_BYTES_MAX, |longest| longest.min(REACH_BYTES_MAX));
        Ok(Expression { place, pattern: plain, case_sensitive, raw, literals, reach, weight })
    }

    /// Compiles it for short texts: what makes automata for long ones would cost more than it spares.
    pub(crate) fn compile(&self) -> Result<Regex, Box<BuildError>> {
        let config = Regex::config().hybrid(false).dfa(false).onepass(false).which_captures(WhichCaptures::Implicit);
        let config = config.nfa_size_limit(Some(REGEX_BYTES_MAX));
        let syntax = syntax::Config::new().case_insensitive(!self.case_sensitive);
        Regex::builder().configure(config).syntax(syntax).build(&self.pattern).map_err(Box::new)
    }

    /// The pattern, for a set that does not look at case.
    pub(crate) fn in_set(&self) -> String {
        if self.case_sensitive { format!("(?-i:{})", self.pattern) } else { self.pattern.clone() }
    }
}

/// The same expression, as it is cheaper to look for.
///
/// One that has ASCII alone finds the same with boundaries of ASCII words, but for words of two alphabets; Unicode's take the fast
/// automata away from the set: ten milliseconds a megabyte become a second. And where white space is evened out, a run of it is a space,
/// with which the literals on both sides are one.
fn plain(pattern: &str, is_even: bool) -> String {
    let is_ascii = pattern.is_ascii();
    let mut plain = String::with_capacity(pattern.len());
    let (mut rest, mut classes) = (pattern, 0_u32);
    while let Some(next) = rest.chars().next() {
        let length =
            if next == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { next.len_utf8() };
        let (part, behind) = rest.split_at(length);
        rest = behind;
        match part {
            "[" => classes += 1,
            "]" => classes = classes.saturating_sub(1),
            r"\b" if is_ascii && !behind.starts_with('{') => {
                plain.push_str(r"(?-u:\b)");
                continue;
            }
            r"\s" if is_even && classes == 0 && behind.starts_with('+') => {
                plain.push_str(r"\x20");
                rest = behind.trim_start_matches('+');
                continue;
            }
            _ => {}
        }
        plain.push_str(part);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_too_large_or_too_wide_is_refused() {
        let refused = |pattern| Expression::new(0, pattern, false, false).is_err();
        assert!(
            refused(r"(?:(?:\w{100}){100}){100}") && refused("a*") && refused("(") && refused(r"casino(?:\w{1000}){9}")
        );
    }

    #[test]
    fn a_backspace_of_toml_is_no_boundary() {
        let wrong = Expression::new(0, "\u{8}casino\u{8}", false, false).expect_err("a mistake");
        assert!(wrong.contains("single quotes"), "{wrong}");
    }

    #[test]
    fn every_expression_of_the_examples_compiles() {
        let signatures = include_str!("../../../../examples/spim-signatures.toml");
        let phrases = include_str!("../../../../examples/spim-phrases.toml");
        let lists = [signatures, phrases].map(|list| toml::from_str::<toml::Value>(list).expect("TOML"));
        let all = lists.iter().filter_map(|list| list["signatures"].as_array()).flatten();
        let patterns: Vec<_> = all.filter_map(|one| one.get("regex")?.as_str()).collect();
        assert!(!patterns.is_empty());
        for pattern in patterns {
            let expression =
                Expression::new(0, pattern, false, false).unwrap_or_else(|wrong| panic!("{pattern} {wrong}"));
            assert!(expression.compile().is_ok(), "{pattern}");
        }
    }

    #[test]
    fn what_is_not_refused_can_be_compiled() {
        for class in [r"\w", r"\W", r"\S", r"\s", r"\d", ".", "[^a]", "a", "[a-я]", "(?:a|б)", "(?i:ſ)"] {
            let longest = (0..15)
                .rev()
                .map(|power| 1 << power)
                .find_map(|times: u32| Expression::new(0, &format!("casino{class}{{{times}}}"), false, false).ok());
            assert!(longest.is_some_and(|expression| expression.compile().is_ok()), "{class}");
        }
    }

    #[test]
    fn boundaries_of_ascii_words_are_plain() {
        assert_eq!(plain(r"\bcasino\\b\b{end}\w", true), r"(?-u:\b)casino\\b\b{end}\w");
        assert_eq!(plain(r"\bказино\b", true), r"\bказино\b");
    }

    #[test]
    fn a_run_of_white_space_is_a_space_where_it_is_evened_out() {
        let even = r"take\x20down\\s+[\s+][^[\s+]]\s*";
        assert_eq!(plain(r"take\s+down\\s+[\s+][^[\s+]]\s*", true), even);
        assert_eq!(plain(r"take\s+down", false), r"take\s+down");
        let literal = |raw| Expression::new(0, r"take\s+down", false, raw).expect("valid").literals.remove(0).text;
        assert_eq!((literal(false), literal(true)), ("take down".to_owned(), "take".to_owned()));
    }

    /// `cargo test -p refrain-spim --release -- --ignored --nocapture expressions_weigh`
    #[test]
    #[ignore = "measures"]
    fn expressions_weigh_what_they_cost() {
        let texts =
            ["the casino of the town is open, come and see ".repeat(22), "наше казино открыто, приходите ".repeat(17)];
        let of_class = |class: &str, times: u32| format!(r"casino\s{class}{{0,{times}}}bonus");
        let patterns = [r"\bcasino\s+bonus\b".to_owned(), r"(?:best|good)\s+casino\b.{0,20}\bbonus".to_owned()];
        let nested = [(r"\w", 5), (r"\w", 20), (".", 100), (r"\S", 400), ("[^a]", 1_000)].map(|(c, n)| of_class(c, n));
        for pattern in patterns.into_iter().chain(nested) {
            let Ok(expression) = Expression::new(0, &pattern, false, false) else {
                println!("{pattern}: refused");
                continue;
            };
            let begin = std::time::Instant::now();
            let regex = expression.compile().expect("a regex");
            let compiled = begin.elapsed();
            let took = texts.each_ref().map(|text| {
                regex.is_match(text.as_str());
                let begin = std::time::Instant::now();
                regex.is_match(text.as_str());
                begin.elapsed()
            });
            println!(
                "{pattern}: weight {}, compiled {compiled:?}, {} bytes, 1 KiB in {took:?}",
                expression.weight,
                regex.memory_usage()
            );
        }
    }
}
