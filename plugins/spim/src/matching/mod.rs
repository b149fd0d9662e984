//! All signatures, compiled: which of them a text, a file name or a hash is of.

mod defang;
mod expression;
mod expressions;
mod files;
mod literals;
mod parts;
mod pointers;
mod words;

use std::collections::HashMap;
use std::ops::Range;

use refrain_sdk::{Problem, Problems};

use crate::settings::{Signature, Within};
use crate::text::{Mention, Views, folded, mentions, normal, spaced};

use expression::Expression;
use expressions::Expressions;
use files::Names;
pub(crate) use files::{file_names, received as received_hash};
use parts::Parts;
use pointers::{Pointer, Pointers};
use words::{Edges, Entry, WordIndex};

/// The compiled signatures, each known by its place in the list.
#[derive(Debug)]
pub(crate) struct Matcher {
    folded: Literals,
    exact: Literals,
    raw_folded: Substrings,
    raw_exact: Substrings,
    expressions: Expressions,
    pointers: Pointers,
    exact_pointers: Pointers,
    names: Names,
    hashes: HashMap<Box<str>, Vec<u32>>,
}

/// Words and parts of words.
#[derive(Debug, Default)]
struct Literals {
    words: WordIndex,
    parts: Substrings,
}

/// Parts of words.
#[derive(Debug, Default)]
struct Substrings {
    parts: Option<Parts>,
    owners: Vec<(u32, Edges)>,
}

impl Literals {
    fn compile(entries: Vec<Entry>) -> Result<Self, Problem> {
        let (words, rest) = WordIndex::build(entries);
        Ok(Literals { words, parts: Substrings::compile(rest)? })
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.parts.owners.is_empty()
    }

    fn find(&self, text: &str, mut found: impl FnMut(u32, Range<usize>)) {
        if !self.words.is_empty() {
            self.words.find(text, &mut found);
        }
        self.parts.find(text, found);
    }
}

impl Substrings {
    fn compile(entries: Vec<Entry>) -> Result<Self, Problem> {
        let parts = Parts::compile(entries.iter().map(|entry| entry.text.as_str()))?;
        Ok(Substrings { parts, owners: entries.iter().map(|entry| (entry.place, entry.edges)).collect() })
    }

    fn find(&self, text: &str, mut found: impl FnMut(u32, Range<usize>)) {
        let Some(parts) = &self.parts else { return };
        parts.find(text, |literal, part| {
            if let Some((place, edges)) = self.owners.get(literal)
                && edges.fit(text, &part)
            {
                found(*place, part);
            }
        });
    }
}

impl Matcher {
    pub(crate) fn compile(signatures: &[Signature]) -> Result<Self, Problems> {
        let mut sorted = Sorted::default();
        let mut problems = Problems::new();
        for (place, signature) in signatures.iter().enumerate() {
            let at = |key: &str, message: String| Problem::new(format!("signatures[{place}]{key}"), message);
            if let Err((key, message)) = sorted.add(place as u32, signature) {
                problems.add(at(key, message));
            }
        }
        problems.or(())?;
        Ok(sorted.compile()?)
    }

    /// Begins a call, which looks at the texts of one stanza.
    pub(crate) fn begin(&self) {
        self.expressions.begin();
    }

    /// Tells the signatures that a text is of.
    pub(crate) fn in_text(&self, views: &Views, mut found: impl FnMut(u32)) {
        self.words_in(views, &mut found);
        self.expressions.find(views, &mut found);
        self.mentions_in(views, &mut found);
    }

    fn words_in(&self, views: &Views, found: &mut impl FnMut(u32)) {
        if !self.folded.is_empty() {
            self.folded.find(views.folded(), |place, _| found(place));
            for reading in views.revealed() {
                let mut in_disguise = |place, part| {
                    if reading.was_disguised(&part) {
                        found(place)
                    }
                };
                self.folded.find(&reading.text, &mut in_disguise);
            }
        }
        if !self.exact.is_empty() {
            self.exact.find(views.exact(), |place, _| found(place));
        }
        self.raw_exact.find(views.raw(), |place, _| found(place));
        if self.raw_folded.parts.is_some() {
            self.raw_folded.find(views.raw_folded(), |place, _| found(place));
        }
    }

    fn mentions_in(&self, views: &Views, found: &mut impl FnMut(u32)) {
        if !self.exact_pointers.is_empty() {
            mentions(views.exact()).for_each(|mention| self.exact_pointers.find(&mention, &mut *found));
        }
        if self.pointers.is_empty() && self.names.is_empty() {
            return;
        }
        let mut look_up = |mention: Mention<'_>| {
            self.pointers.find(&mention, &mut *found);
            if let Some(name) = mention.file_name() {
                self.names.find(name, &mut *found);
            }
        };
        views.mentions().for_each(&mut look_up);
        if let Some(text) = defang::undone(views.folded()) {
            mentions(&text).for_each(&mut look_up);
        }
        // With digits read as letters it would be another host, and an address a host.
        for reading in views.revealed().iter().filter(|reading| !reading.is_leet) {
            let part = |mention: &Mention<'_>| mention.at..mention.at + mention.host.len();
            mentions(&reading.text).filter(|mention| reading.was_disguised(&part(mention))).for_each(&mut look_up);
        }
    }

    /// Tells the signatures that the name of a file is of.
    pub(crate) fn in_name(&self, views: &Views, mut found: impl FnMut(u32)) {
        if !self.names.is_empty() {
            file_names(views).for_each(|name| self.names.find(&name, &mut found));
        }
    }

    /// Tells the signatures that a hash, as the filter writes it, is of.
    pub(crate) fn in_hash(&self, hash: &str, found: impl FnMut(u32)) {
        self.hashes.get(hash).into_iter().flatten().copied().for_each(found);
    }

    /// Whether hashes are looked for.
    pub(crate) fn has_hashes(&self) -> bool {
        !self.hashes.is_empty()
    }
}

/// Signatures by how they are matched.
#[derive(Debug, Default)]
struct Sorted {
    folded: Vec<Entry>,
    exact: Vec<Entry>,
    raw_folded: Vec<Entry>,
    raw_exact: Vec<Entry>,
    expressions: Vec<Expression>,
    pointers: Pointers,
    exact_pointers: Pointers,
    names: Names,
    hashes: HashMap<Box<str>, Vec<u32>>,
}

/// The key that is wrong, and how.
type Mistake = (&'static str, String);

impl Sorted {
    fn add(&mut self, place: u32, signature: &Signature) -> Result<(), Mistake> {
        if signature.fields.is_empty() {
            return Err((".fields", "is empty, so the signature looks nowhere".into()));
        }
        if signature.score.is_some_and(|score| !score.is_finite() || score.abs() > 1_000.0) {
            return Err((".score", "is no score; write a number from -1000 to 1000".into()));
        }
        let Signature { text, regex, jid, url, file, hash, .. } = signature;
        match (text, regex, jid, url, file, hash) {
            (Some(text), None, None, None, None, None) => {
                self.text(place, text, signature).map_err(|message| (".text", message))
            }
            (None, Some(regex), None, None, None, None) => {
                let expression = Expression::new(place, regex, signature.case_sensitive, signature.raw);
                expression.map(|expression| self.expressions.push(expression)).map_err(|message| (".regex", message))
            }
            (None, None, Some(jid), None, None, None) => Pointer::address(jid)
                .map(|pointer| self.point(place, pointer, signature))
                .map_err(|message| (".jid", message)),
            (None, None, None, Some(url), None, None) => Pointer::link(url)
                .map(|pointer| self.point(place, pointer, signature))
                .map_err(|message| (".url", message)),
            (None, None, None, None, Some(file), None) => {
                self.names.add(place, &normal(file)).map_err(|message| (".file", message))
            }
            (None, None, None, None, None, Some(hash)) => {
                let hash = files::hash(hash).map_err(|message| (".hash", message))?;
                self.hashes.entry(hash.into()).or_default().push(place);
                Ok(())
            }
            (None, None, None, None, None, None) => {
                Err(("", "looks for nothing; write `text`, `regex`, `jid`, `url`, `file` or `hash`".into()))
            }
            _ => Err(("", "looks for more than one thing; write one signature for each".into())),
        }
    }

    fn text(&mut self, place: u32, text: &str, signature: &Signature) -> Result<(), String> {
        let edges = match signature.words {
            Within::Whole => Edges::default(),
            Within::Start => Edges { open_begin: false, open_end: true },
            Within::Anywhere => Edges { open_begin: true, open_end: true },
        };
        let entry = |text: String, edges| Entry { place, text, edges };
        if signature.raw && !text.is_empty() {
            let anywhere = Edges { open_begin: true, open_end: true };
            match signature.case_sensitive {
                true => self.raw_exact.push(entry(text.to_owned(), anywhere)),
                false => self.raw_folded.push(entry(folded(text), anywhere)),
            }
        }
        let text = spaced(&normal(text));
        let text = text.trim();
        match (text.is_empty(), signature.case_sensitive) {
            (true, _) if signature.raw => {}
            (true, _) => return Err("is empty, which every text contains".into()),
            (false, true) => self.exact.push(entry(text.to_owned(), edges)),
            (false, false) => self.folded.push(entry(folded(text), edges)),
        }
        Ok(())
    }

    fn point(&mut self, place: u32, pointer: Pointer, signature: &Signature) {
        match signature.case_sensitive {
            true => self.exact_pointers.add(place, pointer),
            false => self.pointers.add(place, pointer.map(|text| folded(&normal(text)))),
        }
    }

    fn compile(self) -> Result<Matcher, Problem> {
        Ok(Matcher {
            folded: Literals::compile(self.folded)?,
            exact: Literals::compile(self.exact)?,
            raw_folded: Substrings::compile(self.raw_folded)?,
            raw_exact: Substrings::compile(self.raw_exact)?,
            expressions: Expressions::compile(self.expressions)?,
            pointers: self.pointers,
            exact_pointers: self.exact_pointers,
            names: self.names,
            hashes: self.hashes,
        })
    }
}
