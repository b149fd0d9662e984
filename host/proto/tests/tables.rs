//! `docs/standards.md` and `docs/security.md` against the tree: what they name must be there, and no row may be missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows that may say that they are not done: those the map leaves for later, and the policies that belong to filters.
const NOT_DONE: &[&str] = &["C59", "C64", "C65", "C70", "C71", "C72", "C73", "T50"];

/// One row of a table: its cells without the first.
struct Row {
    id: String,
    cells: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

/// The rows whose first cell begins with `letter` and a number.
fn rows(page: &str, letter: char) -> Vec<Row> {
    let text = read(page).unwrap_or_else(|| panic!("{page} is not there"));
    text.lines().filter_map(|line| row(line, letter)).collect()
}

fn row(line: &str, letter: char) -> Option<Row> {
    let inside = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let mut cells = inside.split(" | ").map(str::to_owned);
    let first = cells.next()?;
    let digits: String = first.strip_prefix(letter)?.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| Row { id: format!("{letter}{digits}"), cells: cells.collect() })
}

/// What a cell names in backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Every row there must be, once each, with this many cells beside its number.
fn check_presence(page: &str, rows: &[Row], letter: char, last: u32, cells: usize, problems: &mut Vec<String>) {
    let mut count = BTreeMap::new();
    for row in rows {
        *count.entry(row.id.as_str()).or_insert(0) += 1;
        if row.cells.len() != cells {
            problems.push(format!("{page}: {} has {} cells after its number, not {cells}", row.id, row.cells.len()));
        }
    }
    for number in 1..=last {
        let id = format!("{letter}{number:02}");
        match count.remove(id.as_str()) {
            Some(1) => {}
            Some(times) => problems.push(format!("{page}: {id} stands there {times} times")),
            None => problems.push(format!("{page}: {id} is missing")),
        }
    }
    problems.extend(count.keys().map(|id| format!("{page}: {id} is not a row of the map")));
}

/// A row names tests that exist, or says that it is not done where it may.
fn check_tests(page: &str, row: &Row, problems: &mut Vec<String>) {
    let Some(cell) = row.cells.last() else { return };
    let not_done = cell.contains("**not done**");
    if not_done && !NOT_DONE.contains(&row.id.as_str()) {
        problems.push(format!("{page}: {} must be done", row.id));
    }
    if !not_done && names(cell).next().is_none() {
        problems.push(format!("{page}: {} names no test", row.id));
    }
    let mut file = "";
    for name in names(cell) {
        if let Err(problem) = check_test(name, &mut file) {
            problems.push(format!("{page}: {}: {problem}", row.id));
        }
    }
}

/// `name.txt` is a conversation, `file::function` a test, `::function` one in the file before.
fn check_test<'a>(name: &'a str, file: &mut &'a str) -> Result<(), String> {
    let Some((path, function)) = name.rsplit_once("::") else {
        let path = if name.contains('/') { name.to_owned() } else { format!("tests/conversations/{name}") };
        return read(&path).map(|_| ()).ok_or(format!("{name} is not there"));
    };
    if !path.is_empty() {
        *file = path;
    }
    let text = read(file).ok_or(format!("{file} is not there"))?;
    if is_test(&text, function) { Ok(()) } else { Err(format!("{file} has no test {function}")) }
}

/// A function with the attribute of a test right above it, or the name of a row that a macro makes a test of.
fn is_test(text: &str, function: &str) -> bool {
    let Some(at) = text.find(&format!("fn {function}(")) else { return is_made_by_macro(text, function) };
    let line_start = text[..at].rfind('\n').unwrap_or(0);
    let above = text[..line_start].lines().rev().map(str::trim);
    above.take_while(|line| line.starts_with("#[") || line.starts_with("//")).any(is_test_attribute)
}

fn is_made_by_macro(text: &str, function: &str) -> bool {
    let names_it = |line: &str| line.trim_start().strip_prefix(function).is_some_and(|rest| rest.starts_with(':'));
    text.contains("macro_rules!") && text.lines().any(names_it)
}

fn is_test_attribute(line: &str) -> bool {
    line == "#[test]" || line.starts_with("#[tokio::test")
}

/// What rows without a number name as tests must be there too.
fn check_further_rows(page: &str, problems: &mut Vec<String>) {
    let text = read(page).unwrap_or_default();
    let further = text.lines().filter(|line| line.starts_with("| ") && row(line, 'C').or(row(line, 'T')).is_none());
    for line in further {
        let mut file = "";
        for name in names(line).filter(|name| name.ends_with(".txt") || name.contains("::")) {
            if let Err(problem) = check_test(name, &mut file) {
                problems.push(format!("{page}: {problem}"));
            }
        }
    }
}

fn check_files(page: &str, row: &Row, column: usize, problems: &mut Vec<String>) {
    let cell = row.cells.get(column).map_or("", String::as_str);
    if names(cell).next().is_none() {
        problems.push(format!("{page}: {} names no file", row.id));
    }
    for path in names(cell).filter(|path| !root().join(path).exists()) {
        problems.push(format!("{page}: {}: {path} is not there", row.id));
    }
}

#[test]
fn the_table_of_standards_names_what_is_there_and_leaves_no_clause_out() {
    let page = "docs/standards.md";
    let (rows, mut problems) = (rows(page, 'C'), Vec::new());
    check_presence(page, &rows, 'C', 75, 3, &mut problems);
    for row in &rows {
        check_files(page, row, 1, &mut problems);
        check_tests(page, row, &mut problems);
    }
    check_further_rows(page, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_table_of_threats_names_what_is_there_and_leaves_no_threat_out() {
    let page = "docs/security.md";
    let (rows, mut problems) = (rows(page, 'T'), Vec::new());
    check_presence(page, &rows, 'T', 60, 3, &mut problems);
    for row in &rows {
        check_tests(page, row, &mut problems);
    }
    check_further_rows(page, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_row_that_names_what_is_not_there_is_found() {
    let line =
        "| C01 · RFC | does | `host/proto/src/lib.rs` | `host/proto/tests/tables.rs::no_such_test`, `no-such.txt` |";
    let row = row(line, 'C').expect("a row");
    let mut problems = Vec::new();
    check_tests("page", &row, &mut problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
    check_presence("page", &[row], 'C', 2, 3, &mut problems);
    assert_eq!(problems.last().map(String::as_str), Some("page: C02 is missing"));
}
