//! What the operator lets a filter do beyond judging, and what a filter asks for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

#[cfg(feature = "runtime")]
use crate::verdict::Verdict;

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// Deliver a stanza without asking the filters after it.
    Accept,
    /// Edit stanzas.
    Edit,
    /// Edit the local part and the resource of their addresses.
    EditAddresses,
    /// Deliver a stanza to another address of the same domain.
    Redirect,
    /// End the stream a stanza came by.
    CloseStream,
    /// Answer a message in its addressee's name.
    Reply,
    /// Read the operator's list of this name; `*` is every list.
    List(String),
    /// Keep values in the bucket of this name; `*` is every bucket.
    Bucket(String),
}

impl Grant {
    /// Those that are a word of their own.
    const PLAIN: [(&str, Grant); 6] = [
        ("accept", Grant::Accept),
        ("edit", Grant::Edit),
        ("edit-addresses", Grant::EditAddresses),
        ("redirect", Grant::Redirect),
        ("close-stream", Grant::CloseStream),
        ("reply", Grant::Reply),
    ];

    /// How each kind is written, for advice.
    pub const SPELLINGS: &[&str] =
        &["accept", "edit", "edit-addresses", "redirect", "close-stream", "reply", "list:NAME", "bucket:NAME"];

    /// The grant that covers every other of its kind, if there is one.
    fn any(&self) -> Option<Grant> {
        match self {
            Grant::List(_) => Some(Grant::List("*".to_owned())),
            Grant::Bucket(_) => Some(Grant::Bucket("*".to_owned())),
            _ => None,
        }
    }
}

/// A text that is no grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no grant \"{0}\"")]
pub struct UnknownGrant(pub String);

impl FromStr for Grant {
    type Err = UnknownGrant;

    fn from_str(text: &str) -> Result<Self, UnknownGrant> {
        if let Some((_, grant)) = Grant::PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(grant.clone());
        }
        match text.split_once(':') {
            Some(("list", name)) if !name.is_empty() => Ok(Grant::List(name.to_owned())),
            Some(("bucket", name)) if !name.is_empty() => Ok(Grant::Bucket(name.to_owned())),
            _ => Err(UnknownGrant(text.to_owned())),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Accept => f.write_str("accept"),
            Grant::Edit => f.write_str("edit"),
            Grant::EditAddresses => f.write_str("edit-addresses"),
            Grant::Redirect => f.write_str("redirect"),
            Grant::CloseStream => f.write_str("close-stream"),
            Grant::Reply => f.write_str("reply"),
            Grant::List(name) => write!(f, "list:{name}"),
            Grant::Bucket(name) => write!(f, "bucket:{name}"),
        }
    }
}

/// What a filter may do. By default nothing beyond passing, dropping and bouncing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    all: BTreeSet<Grant>,
    /// Those that are looked at while stanzas are judged.
    accept: bool,
    redirect: bool,
    close_stream: bool,
    reply: bool,
}

impl Grants {
    /// Whether this is granted.
    pub fn has(&self, grant: &Grant) -> bool {
        self.all.contains(grant) || grant.any().is_some_and(|any| self.all.contains(&any))
    }

    /// Returns these and one more.
    pub fn with(self, grant: Grant) -> Self {
        self.all.into_iter().chain([grant]).collect()
    }

    /// Goes through them in order.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.all.iter()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Names what a verdict lacks.
    #[cfg(feature = "runtime")]
    #[inline]
    pub(crate) fn lacks(&self, verdict: &Verdict) -> Option<&'static str> {
        match verdict {
            Verdict::Pass | Verdict::Drop | Verdict::Bounce(_) | Verdict::Delay(_) => None,
            Verdict::Accept => (!self.accept).then_some("accept"),
            Verdict::Redirect(_) => (!self.redirect).then_some("redirect"),
            Verdict::CloseStream { .. } => (!self.close_stream).then_some("close-stream"),
            Verdict::Reply(_) => (!self.reply).then_some("reply"),
        }
    }
}

impl FromIterator<Grant> for Grants {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let all: BTreeSet<Grant> = grants.into_iter().collect();
        let has = |grant| all.contains(&grant);
        let (accept, redirect) = (has(Grant::Accept), has(Grant::Redirect));
        let (close_stream, reply) = (has(Grant::CloseStream), has(Grant::Reply));
        Grants { all, accept, redirect, close_stream, reply }
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&listed(self.iter()))
    }
}

/// What a filter asks for: seen in what it imports, and named in its manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    grants: BTreeSet<Grant>,
    any_list: bool,
    any_bucket: bool,
    /// Of a manifest that is newer than this host.
    unknown: Vec<String>,
}

impl Requests {
    /// Takes in a function that the filter imports. Those of an interface that is free to use ask for nothing.
    pub fn import(&mut self, interface: &str, function: &str) {
        match (interface, function) {
            ("edit", _) => drop(self.grants.insert(Grant::Edit)),
            ("actions", "redirect") => drop(self.grants.insert(Grant::Redirect)),
            ("actions", "close-stream") => drop(self.grants.insert(Grant::CloseStream)),
            ("actions", "reply") => drop(self.grants.insert(Grant::Reply)),
            ("lists", _) => self.any_list = true,
            ("keyvalue", _) => self.any_bucket = true,
            _ => {}
        }
    }

    /// Takes in a request of the manifest.
    pub fn name(&mut self, request: &str) {
        match request.parse() {
            Ok(grant) => drop(self.grants.insert(grant)),
            Err(UnknownGrant(text)) => self.unknown.push(text),
        }
    }

    /// Returns the grants that satisfy all requests; where it names no list or bucket, every one.
    pub fn to_grants(&self) -> Grants {
        let lists = (self.any_list && !names_a_list(&self.grants)).then(|| Grant::List("*".to_owned()));
        let buckets = (self.any_bucket && !names_a_bucket(&self.grants)).then(|| Grant::Bucket("*".to_owned()));
        self.grants.iter().cloned().chain(lists).chain(buckets).collect()
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.spelled().is_empty()
    }

    /// Returns what is asked for and not granted, as the operator would write it.
    pub fn missing(&self, granted: &Grants) -> Vec<String> {
        let mut missing: Vec<String> =
            self.grants.iter().filter(|grant| !granted.has(grant)).map(Grant::to_string).collect();
        if self.any_list && !names_a_list(&self.grants) && !names_a_list(&granted.all) {
            missing.push("list:NAME".to_owned());
        }
        if self.any_bucket && !names_a_bucket(&self.grants) && !names_a_bucket(&granted.all) {
            missing.push("bucket:NAME".to_owned());
        }
        missing.extend(self.unknown.iter().cloned());
        missing
    }

    /// Says both lists and what to write, if something is missing.
    pub fn refusal(&self, granted: &Grants) -> Option<String> {
        let missing = self.missing(granted);
        if missing.is_empty() {
            return None;
        }
        let lists = format!("asks for {self}; granted: {granted}; missing: {}", missing.join(", "));
        if let Some(unknown) = self.unknown.first() {
            return Some(format!("{lists}; this version of Refrain knows no \"{unknown}\": update it"));
        }
        // Which list or bucket it will open is known when it is configured, not before: a name made up here would grant nothing.
        let named = missing.into_iter().map(|grant| match grant.as_str() {
            "list:NAME" | "bucket:NAME" => grant.replace("NAME", "*"),
            _ => grant,
        });
        let write: Vec<String> =
            granted.iter().map(Grant::to_string).chain(named).map(|grant| format!("\"{grant}\"")).collect();
        Some(format!("{lists}; to let it, write grants = [{}]", write.join(", ")))
    }

    fn spelled(&self) -> Vec<String> {
        self.missing(&Grants::default())
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&listed(self.spelled().iter()))
    }
}

fn names_a_list(grants: &BTreeSet<Grant>) -> bool {
    grants.iter().any(|grant| matches!(grant, Grant::List(_)))
}

fn names_a_bucket(grants: &BTreeSet<Grant>) -> bool {
    grants.iter().any(|grant| matches!(grant, Grant::Bucket(_)))
}

fn listed(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_reads_back_as_it_is_written() {
        for text in
            ["accept", "edit", "edit-addresses", "redirect", "close-stream", "reply", "list:spammers", "bucket:seen"]
        {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
        for text in ["", "Accept", "list:", "bucket:", "list", "network:any"] {
            assert_eq!(text.parse::<Grant>(), Err(UnknownGrant(text.to_owned())));
        }
    }

    #[test]
    fn a_star_covers_every_name_of_its_kind_only() {
        let grants = Grants::from_iter([Grant::List("*".to_owned())]);
        assert!(grants.has(&Grant::List("x".to_owned())));
        assert!(!grants.has(&Grant::Bucket("x".to_owned())));
    }

    #[test]
    fn a_refusal_shows_both_lists_and_what_to_write() {
        let mut requests = Requests::default();
        requests.import("edit", "remove-all");
        requests.import("tree", "[method]stanza.test");
        requests.import("lists", "lookup");
        requests.name("accept");
        let granted = Grants::from_iter([Grant::Accept]);
        assert_eq!(
            requests.refusal(&granted).unwrap(),
            "asks for accept, edit, list:NAME; granted: accept; missing: edit, list:NAME; \
             to let it, write grants = [\"accept\", \"edit\", \"list:*\"]"
        );
        assert_eq!(requests.refusal(&requests.to_grants()), None);
    }

    #[test]
    fn a_request_that_this_host_does_not_know_cannot_be_granted() {
        let mut requests = Requests::default();
        requests.name("teleport");
        assert!(requests.refusal(&requests.to_grants()).unwrap().contains("no \"teleport\": update it"));
    }

    #[test]
    fn a_list_that_the_manifest_names_is_the_one_that_is_missing() {
        let mut requests = Requests::default();
        requests.import("lists", "contains");
        requests.name("list:spammers");
        let other = Grants::from_iter([Grant::List("others".to_owned())]);
        assert_eq!(requests.missing(&other), ["list:spammers"]);
    }
}
