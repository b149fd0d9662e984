//! Tables, durations and colours for people at a terminal.

use std::fmt;

/// Columns as wide as what is in them.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(head: &[&str]) -> Self {
        Table { head: head.iter().map(|column| (*column).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |column: usize| self.lines().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..self.head.len()).map(|column| width(column).unwrap_or(0)).collect();
        for line in self.lines() {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width));
            writeln!(f, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Seconds as a person says them.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Colours, where somebody sees them.
pub mod paint {
    use std::io::IsTerminal as _;

    /// What is as it should be.
    pub fn good(text: &str) -> String {
        colour("32", text)
    }

    /// What needs a look.
    pub fn bad(text: &str) -> String {
        colour("31", text)
    }

    fn colour(code: &str, text: &str) -> String {
        let seen = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        if seen { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["filter", "n"]);
        table.row(["a long name".to_owned(), "1".to_owned()]);
        table.row(["µs".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "  filter       n\n  a long name  1\n  µs\n");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let said: Vec<String> = [59, 60, 3_725, 90_061].into_iter().map(duration).collect();
        assert_eq!(said, ["59 s", "1 min 0 s", "1 h 2 min", "1 d 1 h"]);
    }
}
