//! The TOML as written: parsed once into a spanned table, then read key by key by typed readers that collect every mistake.
//!
//! serde stops at the first error; an operator who made five wants to hear of five. The only door to the `toml` crate.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, Mistakes};
use super::places::{Place, Places};

/// What has been found while reading.
#[derive(Debug, Default)]
pub struct Findings {
    /// Where each key stands.
    pub places: Places,
    mistakes: RefCell<Mistakes>,
    warnings: RefCell<Mistakes>,
    /// Of the text, and of what was read because of it.
    texts: RefCell<Sha256>,
    appended: RefCell<Vec<(String, Place)>>,
}

impl Findings {
    /// Takes the places, the mistakes and the warnings out.
    pub fn into_parts(self) -> (Places, Mistakes, Mistakes) {
        let mut places = self.places;
        places.append(self.appended.into_inner());
        (places, self.mistakes.into_inner(), self.warnings.into_inner())
    }

    fn of(text: &str, file: &Path) -> Self {
        let findings = Findings { places: Places::new(file), ..Findings::default() };
        findings.depends_on(text);
        findings
    }

    /// Notes that the meaning depends on this text too.
    pub fn depends_on(&self, text: &str) {
        self.texts.borrow_mut().update(text);
    }

    /// The SHA-256 of all texts, one behind the other, in hexadecimal.
    pub fn digest(&self) -> String {
        format!("{:x}", self.texts.borrow().clone().finalize())
    }

    /// Notes where keys stand in another file.
    pub fn appended(&self, keys: Vec<(String, Place)>) {
        self.appended.borrow_mut().extend(keys);
    }

    /// Notes what is wrong with another file.
    pub fn found(&self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.mistakes.borrow_mut().extend(mistakes);
    }

    /// Notes a mistake at `key`.
    pub fn mistake(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) {
        self.mistakes.borrow_mut().add(self.places.mistake(key, problem, advice));
    }

    /// Notes something that works, but was perhaps not meant.
    pub fn warning(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) {
        self.warnings.borrow_mut().add(self.places.mistake(key, problem, advice));
    }
}

/// Parses `text` and hands its root table to `read`. All syntax errors are reported, and then nothing else: what follows a
/// broken line would only be guesses.
pub fn parse<T>(text: &str, file: &Path, read: impl FnOnce(&Section<'_>) -> T) -> Result<(T, Findings), Mistakes> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::new(text);
    if !errors.is_empty() {
        let mut mistakes = Mistakes::default();
        mistakes.extend(errors.iter().map(|error| syntax_mistake(error, file, &lines)));
        return Err(mistakes);
    }
    let mut findings = Findings::of(text, file);
    note_table(&mut findings.places, "", root.get_ref(), &lines);
    let value = read(&Section { table: root.get_ref(), key: String::new(), findings: &findings });
    Ok((value, findings))
}

/// Reads what can be read of `text`, whatever is wrong with it.
pub fn peek<T>(text: &str, file: &Path, read: impl FnOnce(&Section<'_>) -> T) -> T {
    let (root, _) = DeTable::parse_recoverable(text);
    let findings = Findings::of(text, file);
    read(&Section { table: root.get_ref(), key: String::new(), findings: &findings })
}

fn syntax_mistake(error: &toml::de::Error, file: &Path, lines: &Lines) -> Mistake {
    Mistake {
        file: file.to_owned(),
        line: error.span().map(|span| lines.at(span.start)),
        key: String::new(),
        problem: format!("not TOML: {}", error.message()),
        advice: String::new(),
    }
}

/// One table of the file. Its typed readers return `None` both for an absent key and for a wrong one; the wrong one is noted.
#[derive(Clone)]
pub struct Section<'d> {
    table: &'d DeTable<'d>,
    key: String,
    findings: &'d Findings,
}

impl<'d> Section<'d> {
    /// The full key of `key` in this table.
    pub fn key(&self, key: &str) -> String {
        join(&self.key, key)
    }

    /// Whether `key` is written at all.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// What has been found so far.
    pub fn findings(&self) -> &'d Findings {
        self.findings
    }

    /// Notes a mistake at `key`.
    pub fn mistake(&self, key: &str, problem: impl Into<String>, advice: impl Into<String>) {
        self.findings.mistake(&self.key(key), problem, advice);
    }

    /// The keys that are written in it.
    pub fn keys(&self) -> impl Iterator<Item = &'d str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    /// Notes every key that is not among `known`, with the one that was probably meant.
    pub fn knows(&self, known: &[&str]) {
        for key in self.keys() {
            if !known.contains(&key) {
                self.mistake(key, "there is no such key", advise_key(key, known));
            }
        }
    }

    /// Notes that `key` is missing, unless it is there.
    pub fn requires(&self, key: &str, advice: &str) {
        if !self.has(key) {
            self.mistake(key, "is missing", advice);
        }
    }

    /// Whether `key` is a table, where it may be something else as well.
    pub fn is_table(&self, key: &str) -> bool {
        matches!(self.value(key), Some(DeValue::Table(_)))
    }

    /// A table in this one, as in `[outside]`.
    pub fn section(&self, key: &str) -> Option<Section<'d>> {
        match self.value(key)? {
            DeValue::Table(table) => Some(self.below(self.key(key), table)),
            other => self.wrong(key, other, &format!("a table; write [{}]", self.key(key))),
        }
    }

    /// The tables of an array, as in `[[domain]]`.
    pub fn sections(&self, key: &str) -> Vec<Section<'d>> {
        let advice = format!("a list of tables; write [[{}]]", self.key(key));
        match self.value(key) {
            None => Vec::new(),
            Some(DeValue::Array(array)) => {
                let items = array.iter().enumerate().map(|(index, item)| (format!("{key}[{index}]"), item.get_ref()));
                items.filter_map(|(key, item)| self.item_section(&key, item, &advice)).collect()
            }
            Some(other) => self.wrong(key, other, &advice).unwrap_or_default(),
        }
    }

    fn item_section(&self, key: &str, item: &'d DeValue<'d>, advice: &str) -> Option<Section<'d>> {
        match item {
            DeValue::Table(table) => Some(self.below(self.key(key), table)),
            other => self.wrong(key, other, advice),
        }
    }

    /// The tables of a table, by name, as in `[filter.spim]`.
    pub fn named_sections(&self) -> Vec<(String, Section<'d>)> {
        let names = self.table.keys().map(|name| name.get_ref().to_string());
        names.filter_map(|name| self.section(&name).map(|section| (name, section))).collect()
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&'d str> {
        match self.value(key)? {
            DeValue::String(text) => Some(text.as_ref()),
            other => self.wrong(key, other, "a text in quotes"),
        }
    }

    /// A text that `parse` understands.
    pub fn parsed<T, E: Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>, advice: &str) -> Option<T> {
        let text = self.text(key)?;
        parse(text).map_err(|error| self.mistake(key, format!("\"{text}\": {error}"), advice)).ok()
    }

    /// A list of texts, each with its key in this table; one text alone counts as a list of one.
    pub fn texts(&self, key: &str) -> Vec<(String, &'d str)> {
        match self.value(key) {
            None => Vec::new(),
            Some(DeValue::String(text)) => vec![(key.to_owned(), text.as_ref())],
            Some(DeValue::Array(array)) => {
                let items = array.iter().enumerate().map(|(index, item)| (format!("{key}[{index}]"), item.get_ref()));
                items.filter_map(|(key, item)| self.item_text(key, item)).collect()
            }
            Some(other) => self.wrong(key, other, "a list of texts").unwrap_or_default(),
        }
    }

    fn item_text(&self, key: String, item: &'d DeValue<'d>) -> Option<(String, &'d str)> {
        match item {
            DeValue::String(text) => Some((key, text.as_ref())),
            other => self.wrong(&key, other, "a text in quotes"),
        }
    }

    /// A list of texts that `parse` understands.
    pub fn parsed_list<T, E: Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>, advice: &str) -> Vec<T> {
        let items = self.texts(key).into_iter();
        let parsed = |(key, text): (String, &str)| match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.mistake(&key, format!("\"{text}\": {error}"), advice);
                None
            }
        };
        items.filter_map(parsed).collect()
    }

    /// A path, made relative to the folder of the configuration file.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(|path| self.findings.places.folder().join(path))
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            DeValue::Boolean(flag) => Some(*flag),
            other => self.wrong(key, other, "true or false"),
        }
    }

    /// A whole number within `range`.
    pub fn number(&self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let value = self.value(key)?;
        let number = match value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => return self.wrong(key, value, &expected),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.mistake(key, "is out of range", format!("write {expected}"));
        }
        number
    }

    /// Whatever is there, as JSON: the settings of a filter, which only the filter understands.
    pub fn json(&self, key: &str) -> Option<serde_json::Value> {
        self.value(key).map(to_json)
    }

    fn value(&self, key: &str) -> Option<&'d DeValue<'d>> {
        self.table.get(key).map(Spanned::get_ref)
    }

    fn below(&self, key: String, table: &'d DeTable<'d>) -> Section<'d> {
        Section { table, key, findings: self.findings }
    }

    fn wrong<T>(&self, key: &str, found: &DeValue<'_>, expected: &str) -> Option<T> {
        self.mistake(key, format!("is {}", kind(found)), format!("it must be {expected}"));
        None
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn to_json(value: &DeValue<'_>) -> serde_json::Value {
    match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok().into(),
        DeValue::Float(digits) => digits.as_str().parse::<f64>().ok().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Array(array) => array.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => table_to_json(table),
    }
}

fn table_to_json(table: &DeTable<'_>) -> serde_json::Value {
    let entries = table.iter().map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref())));
    serde_json::Value::Object(entries.collect())
}

fn note_table(places: &mut Places, key: &str, table: &DeTable<'_>, lines: &Lines) {
    for (name, value) in table {
        let key = join(key, name.get_ref());
        places.note(&key, lines.at(name.span().start));
        note_value(places, &key, value.get_ref(), lines);
    }
}

fn note_value(places: &mut Places, key: &str, value: &DeValue<'_>, lines: &Lines) {
    match value {
        DeValue::Table(table) => note_table(places, key, table, lines),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                let key = format!("{key}[{index}]");
                places.note(&key, lines.at(item.span().start));
                note_value(places, &key, item.get_ref(), lines);
            }
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn join(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// Advice about a word that is not among `known`: the nearest one, or all of them.
pub fn advise_key(word: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(word, known);
    match known.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 1 + word.len() / 4 => format!("did you mean \"{nearest}\"?"),
        Some(_) => format!("there are: {}", known.join(", ")),
        None => String::new(),
    }
}

/// Where the lines of a text start.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Lines(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The line, counted from 1, of the byte at `offset`.
    fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|start| *start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str, read: impl FnOnce(&Section<'_>)) -> Vec<String> {
        let found = parse(text, Path::new("r.toml"), read);
        let mistakes = match found {
            Ok((_, findings)) => findings.into_parts().1,
            Err(mistakes) => mistakes,
        };
        mistakes.iter().map(Mistake::to_string).collect()
    }

    #[test]
    fn reports_every_syntax_error_with_its_line() {
        let found = mistakes("a = 1\nb = \nc = [1\n\n[d\n", |_| panic!("must not be read"));
        assert!(found.len() >= 2, "{found:?}");
        assert!(found[0].starts_with("r.toml:2: not TOML: "), "{found:?}");
    }

    #[test]
    fn says_which_key_was_probably_meant() {
        let found = mistakes("lissten = 1\nzebra = 2\n", |root| root.knows(&["listen", "roots"]));
        assert_eq!(
            found,
            [
                "r.toml:1: lissten: there is no such key; did you mean \"listen\"?",
                "r.toml:2: zebra: there is no such key; there are: listen, roots",
            ]
        );
    }

    #[test]
    fn says_what_a_value_must_be() {
        let found = mistakes("a = 1\nb = 'x'\nc = 300\nd = [1, 'x']\n[e]\n", |root| {
            root.text("a");
            root.flag("b");
            root.number("c", 0..=255);
            assert_eq!(root.texts("d").len(), 1);
            root.sections("e");
        });
        assert_eq!(
            found,
            [
                "r.toml:1: a: is a number; it must be a text in quotes",
                "r.toml:2: b: is a text; it must be true or false",
                "r.toml:3: c: is out of range; write a whole number from 0 to 255",
                "r.toml:4: d[0]: is a number; it must be a text in quotes",
                "r.toml:5: e: is a table; it must be a list of tables; write [[e]]",
            ]
        );
    }

    #[test]
    fn hands_settings_on_as_json() {
        let text = "[s]\nlist = [{ name = 'a', n = 0x10 }]\nshare = 0.5\nsince = 2026-01-02\non = true\n";
        let json = parse(text, Path::new("r.toml"), |root| root.json("s").unwrap()).unwrap().0;
        assert_eq!(json.to_string(), r#"{"list":[{"n":16,"name":"a"}],"on":true,"share":0.5,"since":"2026-01-02"}"#);
    }
}
