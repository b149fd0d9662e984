//! What one source offers: lines of one text, so that a million of them are one allocation and one file.

use std::fmt;
use std::sync::Arc;

use refrain_filter::Entry;

/// Of a note. It is a reason, shown in logs and given to filters; whoever publishes a list could write novels.
const NOTE_BYTES_MAX: usize = 200;

/// Entries, one a line, each with its note behind a space. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Entries {
    text: Arc<str>,
    count: usize,
}

impl Entries {
    /// Reads the text of a list with its comments.
    pub fn parse(text: &str) -> Self {
        text.lines().filter_map(Entry::parse_commented).collect()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.text.lines().filter_map(Entry::parse)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// As [`from_text`](Self::from_text) takes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes what [`text`](Self::text) gave.
    pub fn from_text(text: &str) -> Self {
        Entries { text: text.into(), count: text.lines().count() }
    }
}

/// From lines without comments, each an entry with an optional note behind white space.
impl<'l> FromIterator<&'l str> for Entries {
    fn from_iter<I: IntoIterator<Item = &'l str>>(lines: I) -> Self {
        lines.into_iter().filter_map(Entry::parse).collect()
    }
}

impl<'l> FromIterator<Entry<'l>> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry<'l>>>(entries: I) -> Self {
        let (mut text, mut count) = (String::new(), 0);
        for Entry { written, note, .. } in entries {
            text.push_str(written);
            if !note.is_empty() {
                text.push(' ');
                let note = &note[..note.floor_char_boundary(NOTE_BYTES_MAX)];
                text.extend(note.chars().map(|c| if c.is_control() { ' ' } else { c }));
            }
            text.push('\n');
            count += 1;
        }
        Entries { text: text.into(), count }
    }
}

impl Default for Entries {
    fn default() -> Self {
        Entries::from_text("")
    }
}

/// None of them belongs into a log.
impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").field("count", &self.count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let entries = Entries::parse("# May\nevil.example  spam\tand more # loud\n\n*.x.example\n");
        assert_eq!((entries.len(), entries.text()), (2, "evil.example spam and more\n*.x.example\n"));
        assert_eq!(Entries::from_text(entries.text()), entries);
        assert_eq!(entries.iter().map(|entry| entry.note).collect::<Vec<_>>(), ["spam and more", ""]);
    }

    #[test]
    fn a_note_is_a_reason_and_no_novel() {
        let entries: Entries = [&*format!("evil.example {}", "ä".repeat(500))].into_iter().collect();
        assert_eq!(entries.iter().next().unwrap().note.len(), 200);
    }
}
