//! Expressions are found wherever they are, and their limits hold.

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
