//! Signatures that are addresses and hosts: each host that a text mentions is looked up, with its parent domains.

use std::collections::HashMap;

use crate::text::{Mention, is_domain};

/// Where an address or URL points, as a signature has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pointer {
    /// One address.
    Address { local: String, domain: String },
    /// All addresses of a domain.
    AddressesAt(String),
    /// All addresses of the subdomains of a domain.
    AddressesBelow(String),
    /// A host with its subdomains, and how the path begins.
    Host { host: String, path: String },
}

impl Pointer {
    /// An address, or a domain that stands for all addresses there, or `*.domain` for those of its subdomains.
    pub(crate) fn address(jid: &str) -> Result<Self, String> {
        let jid = jid.strip_prefix("xmpp:").unwrap_or(jid);
        let (local, domain) = jid.split_once('@').map_or((None, jid), |(local, domain)| (Some(local), domain));
        let below = domain.strip_prefix("*.").filter(|_| local.is_none());
        if !is_domain(below.unwrap_or(domain))
            || local.is_some_and(|local| local.is_empty() || local.contains(char::is_whitespace))
        {
            let advice = "write \"user@example.org\", or \"example.org\" for all there";
            return Err(format!("{jid:?} is no address; {advice}"));
        }
        Ok(match (local, below) {
            (Some(local), _) => Pointer::Address { local: local.to_owned(), domain: domain.to_owned() },
            (None, Some(below)) => Pointer::AddressesBelow(below.to_owned()),
            (None, None) => Pointer::AddressesAt(domain.to_owned()),
        })
    }

    /// A host with its subdomains, and perhaps how the path begins.
    pub(crate) fn link(url: &str) -> Result<Self, String> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let host = host.strip_prefix("*.").unwrap_or(host);
        if !is_domain(host) {
            return Err(format!("{url:?} has no host; write \"example.org\" or \"example.org/path\""));
        }
        let path = if path.len() > 1 { path.to_owned() } else { String::new() };
        Ok(Pointer::Host { host: host.to_owned(), path })
    }

    /// The same, in whatever case it is written.
    pub(crate) fn map(self, fold: impl Fn(&str) -> String) -> Self {
        match self {
            Pointer::Address { local, domain } => Pointer::Address { local: fold(&local), domain: fold(&domain) },
            Pointer::AddressesAt(domain) => Pointer::AddressesAt(fold(&domain)),
            Pointer::AddressesBelow(domain) => Pointer::AddressesBelow(fold(&domain)),
            Pointer::Host { host, path } => Pointer::Host { host: fold(&host), path: fold(&path) },
        }
    }
}

/// Many pointers, by the domain they name.
#[derive(Debug, Default)]
pub(crate) struct Pointers {
    by_domain: HashMap<Box<str>, Vec<(u32, What)>>,
    /// Dots of the domain that has most of them: hosts are looked up by no more of their labels.
    dots_max: usize,
}

#[derive(Debug)]
enum What {
    Address(Box<str>),
    AddressesAt,
    AddressesBelow,
    Host(Box<str>),
}

impl Pointers {
    pub(crate) fn add(&mut self, place: u32, pointer: Pointer) {
        let (domain, what) = match pointer {
            Pointer::Address { local, domain } => (domain, What::Address(local.into())),
            Pointer::AddressesAt(domain) => (domain, What::AddressesAt),
            Pointer::AddressesBelow(domain) => (domain, What::AddressesBelow),
            Pointer::Host { host, path } => (host, What::Host(path.into())),
        };
        self.dots_max = self.dots_max.max(domain.matches('.').count());
        self.by_domain.entry(domain.into()).or_default().push((place, what));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_domain.is_empty()
    }

    /// Tells the places of the signatures that a mention is of.
    pub(crate) fn find(&self, mention: &Mention<'_>, mut found: impl FnMut(u32)) {
        let dotted;
        let host = if mention.host.contains('。') {
            // RFC 3490 §3.1 had these stand for dots, and browsers still have them so.
            dotted = mention.host.replace('。', ".");
            dotted.as_str()
        } else {
            mention.host
        };
        let parents = host.rmatch_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
        // As many dots stand in each as in the one before, and one more.
        let domains = parents.chain([host]).take(self.dots_max + 1);
        for domain in domains {
            let is_whole = domain.len() == host.len();
            let known = self.by_domain.get(domain).into_iter().flatten();
            known.filter(|(_, what)| what.is_in(mention, is_whole)).for_each(|(place, _)| found(*place));
        }
    }
}

impl What {
    fn is_in(&self, mention: &Mention<'_>, is_whole: bool) -> bool {
        match (self, mention.local) {
            (What::Address(local), Some(mentioned)) => {
                is_whole && (**local == *mentioned || **local == *without_markup(mentioned))
            }
            (What::AddressesAt, Some(_)) => is_whole,
            (What::AddressesBelow, Some(_)) => !is_whole,
            (What::Host(path), None) => path.is_empty() || mention.rest.starts_with(&**path),
            _ => false,
        }
    }
}

/// A local part without what markup and parameters write on to it: `_sales@…`, `jid=sales@…`.
fn without_markup(local: &str) -> &str {
    let last = local.rsplit(['=', '#', '~', '\\']).next().unwrap_or(local);
    last.trim_start_matches(['_', '-', '+', '.', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mentions;

    fn finds(pointer: Result<Pointer, String>, text: &str) -> bool {
        let mut pointers = Pointers::default();
        pointers.add(7, pointer.expect("a pointer"));
        let mut found = false;
        mentions(text).for_each(|mention| pointers.find(&mention, |place| found |= place == 7));
        found
    }

    #[test]
    fn an_address_is_found_whole() {
        let jid = || Pointer::address("sales@casino.example");
        for text in ["sales@casino.example", "write to xmpp:sales@casino.example.", "(sales@casino.example/web)"] {
            assert!(finds(jid(), text), "{text}");
        }
        for sign in ["_", "-", "~", "#", "jid=", "https://a.example/#/dm/jid=", "\\_"] {
            assert!(finds(jid(), &format!("{sign}sales@casino.example_")), "{sign}");
        }
        for text in
            ["presales@casino.example", "sales@casino.example.org", "sales@casino.examples", "a.sales@casino.example"]
        {
            assert!(!finds(jid(), text), "{text}");
        }
    }

    #[test]
    fn a_domain_stands_for_all_addresses_there() {
        assert!(finds(Pointer::address("casino.example"), "ask bob@casino.example, now"));
        assert!(!finds(Pointer::address("casino.example"), "see casino.example"));
        assert!(!finds(Pointer::address("casino.example"), "ask bob@casino.example.org"));
        assert!(finds(Pointer::address("*.casino.example"), "join lobby@muc.casino.example"));
        assert!(!finds(Pointer::address("*.casino.example"), "join lobby@casino.example"));
    }

    #[test]
    fn a_link_is_found_with_or_without_a_scheme() {
        for text in [
            "https://casino.example",
            "see casino.example!",
            "http://www.casino.example:8080/x?y",
            "https://good.example@casino.example/",
            "casino.example.",
            "notcasino.example casino.example",
            "casino。example",
        ] {
            assert!(finds(Pointer::link("casino.example"), text), "{text}");
        }
        for text in [
            "mycasino.example",
            "casino.example.org",
            "my-casino.example",
            "bob@casino.example",
            "https://good.example/@casino.example",
            "casinoxexample",
        ] {
            assert!(!finds(Pointer::link("https://casino.example/"), text), "{text}");
        }
    }

    #[test]
    fn a_path_narrows_a_link() {
        assert!(finds(Pointer::link("casino.example/win"), "https://casino.example/win/now"));
        assert!(finds(Pointer::link("casino.example/win"), "https://casino.example:443/win"));
        assert!(finds(Pointer::link("casino.example/win"), "https://casino.example.:443/win"));
        assert!(finds(Pointer::link("casino.example/win"), "casino.example./win"));
        assert!(!finds(Pointer::link("casino.example/win"), "https://casino.example/lose"));
    }

    #[test]
    fn what_is_no_address_or_link_is_refused() {
        assert!(Pointer::address("@").is_err() && Pointer::address("nobody").is_err());
        assert!(Pointer::address("@casino.example").is_err());
        assert!(Pointer::link("/win").is_err());
    }
}
