//! What a regular expression cannot do without: literals of which every text that it matches has one.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter ones stand in too many texts to spare anything.
const LITERAL_CHARS_MIN: usize = 3;

/// As many alternatives as a signature may have for one place.
const LITERALS_MAX: usize = 64;

/// What is known of an expression without compiling it.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    /// In one case or another; empty if there are none worth looking for.
    pub(crate) literals: Vec<String>,
    /// About how many states it takes.
    pub(crate) weight: u64,
}

/// Looks an expression over.
pub(crate) fn of(pattern: &str) -> Result<Analysis, String> {
    // Without regard to case every letter would be a choice; literals and texts are folded instead.
    let hir = regex_syntax::Parser::new().parse(pattern).map_err(|error| error.to_string())?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("matches the empty text, and so every text".into());
    }
    Ok(Analysis { literals: required(&hir).unwrap_or_default(), weight: weight(&hir) })
}

/// The best literals of all places of an expression.
fn required(hir: &Hir) -> Option<Vec<String>> {
    let candidates = match hir.kind() {
        HirKind::Concat(parts) => {
            let tails = (0..parts.len()).filter_map(|from| parts.get(from..));
            tails.filter_map(|tail| beginning(&Hir::concat(tail.to_vec()))).collect::<Vec<_>>()
        }
        HirKind::Capture(capture) => return required(&capture.sub),
        _ => beginning(hir).into_iter().collect(),
    };
    candidates.into_iter().max_by_key(|literals| shortest(literals))
}

/// The literals that what an expression matches begins with.
fn beginning(hir: &Hir) -> Option<Vec<String>> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_total(LITERALS_MAX);
    let found = extractor.extract(hir);
    let literals = found.literals()?.iter().map(|literal| String::from_utf8(literal.as_bytes().to_vec()).ok());
    let literals = literals.collect::<Option<Vec<_>>>()?;
    (shortest(&literals) >= LITERAL_CHARS_MIN).then_some(literals)
}

fn shortest(literals: &[String]) -> usize {
    literals.iter().map(|literal| literal.chars().count()).min().unwrap_or_default()
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
        let mut literals = of(pattern).expect("valid").literals;
        literals.sort();
        literals
    }

    #[test]
    fn the_longest_part_that_must_be_there_is_found() {
        assert_eq!(literals(r"\bcasino\b"), ["casino"]);
        assert_eq!(literals(r"\d+ euros? for free"), [" euro for free", " euros for free"]);
        assert_eq!(literals(r"\bv[i1l]agra\b"), ["v1agra", "viagra", "vlagra"]);
        assert_eq!(literals(r"(?:casino|poker)\d"), ["casino", "poker"]);
        assert_eq!(literals(r"(казино)"), ["казино"]);
    }

    #[test]
    fn what_needs_no_literal_has_none() {
        for pattern in [r"\d{16}", "ab|casino", "[a-z]+@[a-z]+"] {
            assert_eq!(literals(pattern), [""; 0], "{pattern}");
        }
    }
}
