//! What is published at a node: items by their ids, as complete pages and as changes that happen meanwhile.
//!
//! answer, event → **items** → subscription

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use refrain_proto::{Jid, Node};

use super::Source;
use crate::config::Form;

/// `xmppbl.org` and its like publish thousands; a million would be held in memory for each of them.
pub const ITEMS_MAX: usize = 250_000;
/// What is shown of a payload beside an entry.
const NOTE_BYTES_MAX: usize = 200;
/// The longest address (RFC 7622 §3.1): what is longer is no entry.
const ID_BYTES_MAX: usize = 3_071;

/// The payload of an item: why its subject was reported (XEP-0377).
const REPORTING: &str = "urn:xmpp:reporting:1";

/// The entries of a node: the id of an item says whom it is about, and its note why.
pub type Items = BTreeMap<Box<str>, Box<str>>;

/// An item as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whom it is about.
    pub id: Box<str>,
    /// Why.
    pub note: Box<str>,
}

impl Item {
    /// Reads `<item id='…'>`, in an answer or an event. An item without an id is about nobody.
    pub fn read(item: Node<'_>) -> Option<Self> {
        let id = item.attribute("id")?;
        Some(Item { id: id.into(), note: note(item).into() })
    }
}

/// The last word of the reason, and what the reporter wrote.
fn note(item: Node<'_>) -> String {
    let Some(report) = item.child(REPORTING, "report") else { return String::new() };
    let reason = report.attribute("reason").unwrap_or_default();
    let reason = reason.rsplit(':').next().unwrap_or_default();
    let text = report.child(REPORTING, "text").map(|text| text.text().into_owned()).unwrap_or_default();
    let words = [reason, text.trim()].into_iter().filter(|word| !word.is_empty());
    let mut note = words.collect::<Vec<_>>().join(": ");
    note = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    note.truncate(note.floor_char_boundary(NOTE_BYTES_MAX));
    note
}

/// Whether an item of this id is an entry.
pub fn is_entry(form: Form, id: &str) -> bool {
    match form {
        Form::Sha256 => id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Form::Plain => id.len() <= ID_BYTES_MAX && is_plain(id),
    }
}

/// A domain, an address, or the numbers of a machine or network.
fn is_plain(id: &str) -> bool {
    if id.parse::<IpAddr>().is_ok() || id.parse::<IpNet>().is_ok() {
        return true;
    }
    // An entry ends at white space, and `*.` begins one of another kind: what has either would be read as another than it is.
    !id.contains(|c: char| c.is_whitespace() || c == '*') && Jid::parse(id).is_ok()
}

/// Something that happened to the items of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Published, or published anew.
    Published(Item),
    /// Taken back.
    Retracted(Box<str>),
    /// All items were removed (XEP-0060 §8.5).
    Purged,
}

/// Changes one after the other, as what they come to.
#[derive(Debug, Default)]
pub struct Changes {
    purged: bool,
    /// The last that was heard of each id: its note, or that it is gone.
    last: HashMap<Box<str>, Option<Box<str>>>,
}

impl Changes {
    /// Adds the newest.
    pub fn add(&mut self, change: &Change) {
        match change {
            // Bounded like the items themselves. What is left out here is found by the next full fetch.
            Change::Published(_) | Change::Retracted(_) if self.last.len() >= ITEMS_MAX => {}
            Change::Published(item) => _ = self.last.insert(item.id.clone(), Some(item.note.clone())),
            Change::Retracted(id) => _ = self.last.insert(id.clone(), None),
            Change::Purged => {
                self.purged = true;
                self.last.clear();
            }
        }
    }

    /// Makes of items, of which some are older than these changes and none is younger, what they are now.
    fn apply(self, items: &mut Items) {
        if self.purged {
            items.clear();
        }
        for (id, now) in self.last {
            match now {
                Some(note) => _ = items.insert(id, note),
                None => _ = items.remove(&id),
            }
        }
    }
}

/// A fetch of all items under way: the pages that have come, and what happened since it began.
///
/// Whatever is published, retracted or purged after the subscription is told by an event, and events keep their order with the
/// answers. So it does no harm to apply to the pages also those changes that are in them already.
#[derive(Debug, Default)]
pub struct Fetch {
    items: Items,
    changes: Changes,
    pages: u32,
    after: Option<String>,
    skipped: u64,
    covers_service: bool,
}

/// All that a node has.
#[derive(Debug)]
pub struct Fetched {
    /// Its entries.
    pub items: Items,
    /// How many ids were none.
    pub skipped: u64,
    /// One would have kept the service itself out, and is not among them.
    pub covers_service: bool,
}

/// A page of items, as read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    /// The items on it.
    pub items: Vec<Item>,
    /// Where it stands in the whole (XEP-0059), if it is a part.
    pub part: Option<Part>,
}

/// What a service says of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Part {
    /// The last item, by which the next page is asked for.
    pub last: Option<String>,
    /// How many items there are altogether, as far as it is known.
    pub count: Option<u64>,
    /// The position of the first item.
    pub index: Option<u64>,
}

/// What follows from a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Turned {
    /// Ask for the page after this.
    Next(String),
    /// That was all.
    Done,
}

/// The service does not come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Endless {
    /// Too much.
    #[error("the node has more than {ITEMS_MAX} items")]
    Items,
    /// Too many, for so few items.
    #[error("the service pages on without end ({PAGES_MAX} pages)")]
    Pages,
    /// The same again.
    #[error("the service gives the same page again")]
    Same,
}

/// As many as it takes to have [`ITEMS_MAX`] items in pages of which each is half full, and no more.
const PAGES_MAX: u32 = 2_500;

impl Fetch {
    /// Notes what happens meanwhile.
    pub fn note(&mut self, change: &Change) {
        self.changes.add(change);
    }

    /// Adds a page of the source's node.
    pub fn add(&mut self, page: Page, source: &Source) -> Result<Turned, Endless> {
        self.pages += 1;
        let is_empty = page.items.is_empty();
        let on_page = page.items.len() as u64;
        for item in page.items {
            if !is_entry(source.form, &item.id) {
                self.skipped += 1;
            } else if source.covers_service(&item.id) {
                self.covers_service = true;
            } else {
                self.items.insert(item.id, item.note);
            }
        }
        if self.items.len() > ITEMS_MAX {
            return Err(Endless::Items);
        }
        let Some(Part { last: Some(last), count, index }) = page.part else { return Ok(Turned::Done) };
        let is_last = matches!((index, count), (Some(index), Some(count)) if index.saturating_add(on_page) >= count);
        if is_empty || is_last {
            return Ok(Turned::Done);
        }
        if self.after.as_deref() == Some(&last) {
            return Err(Endless::Same);
        }
        if self.pages >= PAGES_MAX {
            return Err(Endless::Pages);
        }
        self.after = Some(last.clone());
        Ok(Turned::Next(last))
    }

    /// All items as they are now.
    pub fn finish(self) -> Fetched {
        let Fetch { mut items, changes, skipped, covers_service, .. } = self;
        changes.apply(&mut items);
        Fetched { items, skipped, covers_service }
    }
}
