//! Signatures that are regular expressions: one pass over a text tells all that match, in linear time whatever they are.

use refrain_sdk::Problem;
use regex::{RegexBuilder, RegexSet, RegexSetBuilder};

/// Bytes of compiled program for one expression: more than honest ones take, and far from what nested repetitions ask for.
const REGEX_BYTES_MAX: usize = 256 << 10;

/// Bytes of compiled program for all expressions. Its reverse and its caches take several times as much, of the 16 MiB that a filter
/// has by default.
const SET_BYTES_MAX: usize = 512 << 10;

/// Bytes of states kept between texts. A set that needs more is slower, never wrong.
const CACHE_BYTES_MAX: usize = 2 << 20;

/// Expressions that are matched at once.
#[derive(Debug)]
pub(crate) struct Expressions {
    set: RegexSet,
    /// The place of the signature of each.
    places: Vec<usize>,
}

impl Expressions {
    pub(crate) fn compile(expressions: Vec<(usize, String)>) -> Result<Self, Problem> {
        let (places, patterns): (Vec<_>, Vec<_>) = expressions.into_iter().unzip();
        let set = RegexSetBuilder::new(patterns)
            .case_insensitive(true)
            .size_limit(SET_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .build()
            .map_err(|_| {
                Problem::new(
                    "signatures",
                    "the regular expressions are too large together; write `text` where it will do",
                )
            })?;
        Ok(Expressions { set, places })
    }

    /// The places of the signatures that match a text.
    pub(crate) fn found_in(&self, text: &str) -> impl Iterator<Item = usize> {
        // Most texts match none, and to learn just that is cheaper than to learn which.
        let matches = (!self.places.is_empty() && self.set.is_match(text)).then(|| self.set.matches(text));
        matches.into_iter().flatten().filter_map(|index| self.places.get(index).copied())
    }
}

/// Checks an expression by itself, so that its mistakes are told of it.
pub(crate) fn checked(regex: &str, case_sensitive: bool) -> Result<String, String> {
    let built = RegexBuilder::new(regex).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
    match built {
        Ok(built) if built.is_match("") => Err("matches the empty text, and so every text".into()),
        Ok(_) if case_sensitive => Ok(format!("(?-i){regex}")),
        Ok(_) => Ok(regex.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_is_too_large_or_too_wide_is_refused() {
        assert!(checked(r"(?:(?:\w{100}){100}){100}", false).is_err());
        assert!(checked("a*", false).is_err());
    }

    #[test]
    fn case_matters_where_it_is_said_to() {
        let expressions = vec![(3, checked("buy", true).expect("valid")), (5, checked("now", false).expect("valid"))];
        let expressions = Expressions::compile(expressions).expect("a set");
        assert_eq!(expressions.found_in("BUY NOW").collect::<Vec<_>>(), [5]);
        assert_eq!(expressions.found_in("buy").collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn expressions_that_are_too_large_together_are_refused() {
        let many = (0..1_000).map(|place| (place, format!(r"\w{{3}}casino{place}"))).collect();
        assert_eq!(Expressions::compile(many).expect_err("too large").path, "signatures");
    }
}
