//! Whatever stands in a configuration file: no panic, and mistakes that name lines of it.
//!
//! A fuzzer without coverage, so that wasmtime, which the parser's crate brings along, is not built once more for a
//! sanitizer: the seeds are so near to what the parser knows that changing them reaches it everywhere. It runs for
//! `FUZZ_SECONDS` (default: 2); `make fuzz` gives it more. An input that fails is printed.

use refrain::config::{Config, Mistake, Mistakes};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a value or a line may become.
const PIECES: &[&str] = &[
    "\"\"",
    "[]",
    "{}",
    "0",
    "-1",
    "1e400",
    "nan",
    "9223372036854775808",
    "true",
    "\"10/s\"",
    "\"10/x\"",
    "\"1 MiB\"",
    "\"5 s\"",
    "\"-5 s\"",
    "\"127.0.0.1:0\"",
    "\"[::]:5269\"",
    "\"[::1]:99999\"",
    "\"*.example.org\"",
    "\"xn--\"",
    "\"a..b\"",
    "\"\\u0000\"",
    "\"10.0.0.0/33\"",
    "\"::/0\"",
    "1979-05-27",
    "[[domain]]",
    "[outside]",
    "[filter.x]",
    "[filter.\"\"]",
    "[list.\"a b\"]",
    "a.b.c = 1",
    "\"\"\"",
    "'''",
    "# ",
    "\u{FEFF}",
    "\u{202E}",
    "\n",
    "=",
    "[",
    "]",
    "\"",
    "\\",
];

/// A generator that needs no seed but a number (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

fn seeds() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = std::fs::read_dir(root.join("tests/fuzz/corpus/configuration")).expect("the corpus");
    let mut paths: Vec<PathBuf> = corpus.map(|entry| entry.expect("an entry").path()).collect();
    paths.push(root.join("examples/refrain.toml"));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).expect("a seed")).collect()
}

/// Reads a configuration as `refrain check` does, and checks what it says of it.
fn configuration(text: &str) {
    let path = Path::new("/nonexistent/refrain.toml");
    let (mistakes, warnings) = match Config::parse(text, path) {
        Ok((config, mistakes)) => (mistakes, config.warnings),
        Err(mistakes) => (mistakes, Mistakes::default()),
    };
    mistakes.iter().chain(warnings.iter()).for_each(|mistake| check(mistake, text));
}

fn check(mistake: &Mistake, text: &str) {
    let lines = text.split('\n').count();
    assert!(mistake.line.is_none_or(|line| (1..=lines).contains(&line)), "{mistake} is not in the file");
    assert!(!mistake.problem.is_empty(), "nothing is wrong with {}", mistake.key);
    assert!(!mistake.to_string().is_empty());
}

/// Changes a configuration in one place.
fn change(text: &mut String, seeds: &[String], dice: &mut Dice) {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = dice.roll(lines.len() + 1);
    let piece = PIECES[dice.roll(PIECES.len())];
    let changed = match (lines.get(at), dice.roll(8)) {
        (Some(line), 0..=2) => {
            line.split_once('=').map_or_else(|| piece.to_owned(), |(key, _)| format!("{key}= {piece}"))
        }
        (Some(line), 3) => within(line, piece, dice),
        (Some(_), 4) => {
            lines.remove(at);
            return *text = lines.join("\n");
        }
        (Some(line), 5) => format!("{line}\n{line}"),
        _ => other_line(&seeds[dice.roll(seeds.len())], dice),
    };
    match lines.get_mut(at) {
        Some(line) => *line = &changed,
        None => lines.push(&changed),
    }
    *text = lines.join("\n");
}

/// Puts a piece into the middle of a line, over some of it.
fn within(line: &str, piece: &str, dice: &mut Dice) -> String {
    let characters: Vec<char> = line.chars().collect();
    let start = dice.roll(characters.len() + 1);
    let end = (start + dice.roll(4)).min(characters.len());
    let (before, after) = (&characters[..start], &characters[end..]);
    before.iter().collect::<String>() + piece + &after.iter().collect::<String>()
}

fn other_line(seed: &str, dice: &mut Dice) -> String {
    let lines: Vec<&str> = seed.lines().collect();
    lines.get(dice.roll(lines.len())).map_or_else(String::new, |line| (*line).to_owned())
}

#[test]
fn any_file_is_read_or_refused_with_its_mistakes() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let (seeds, began) = (seeds(), Instant::now());
    seeds.iter().for_each(|seed| configuration(seed));
    let mut dice = Dice(std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0x5269));
    let mut executions = 0_u64;
    while began.elapsed() < Duration::from_secs(seconds) {
        let mut text = seeds[dice.roll(seeds.len())].clone();
        for _ in 0..=dice.roll(6) {
            change(&mut text, &seeds, &mut dice);
        }
        let outcome = std::panic::catch_unwind(|| configuration(&text));
        assert!(outcome.is_ok(), "fails on:\n{text}");
        executions += 1;
    }
    println!("configuration: {executions} files in {seconds} s");
}
