//! Signatures that are words, addresses and links: all are searched at once, then each find is looked at in its place.

use aho_corasick::AhoCorasick;
use refrain_sdk::Problem;

use crate::fold::spaced;

/// What is looked for, and where it may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    needle: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Anywhere.
    Any,
    /// As a whole address.
    Address,
    /// As the domain of an address.
    AddressDomain,
    /// As a host or a parent domain of one, before this path.
    Host { path: String },
}

impl Literal {
    /// Words in this order.
    pub(crate) fn words(text: &str) -> Result<Self, String> {
        let needle = spaced(text.trim().to_owned());
        if needle.is_empty() {
            return Err("is empty, which every text contains".into());
        }
        Ok(Literal { needle, place: Place::Any })
    }

    /// An address, or a domain that stands for all addresses there.
    pub(crate) fn address(jid: &str) -> Result<Self, String> {
        let jid = jid.strip_prefix("xmpp:").unwrap_or(jid);
        let (local, domain) = jid.split_once('@').unwrap_or(("", jid));
        if !is_domain(domain) || local.contains(char::is_whitespace) {
            return Err(format!("{jid:?} is no address; write \"user@example.org\", or \"example.org\" for all there"));
        }
        let place = if local.is_empty() { Place::AddressDomain } else { Place::Address };
        Ok(Literal { needle: format!("{local}@{domain}"), place })
    }

    /// A host with its subdomains, and perhaps how the path begins.
    pub(crate) fn link(url: &str) -> Result<Self, String> {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if !is_domain(host) {
            return Err(format!("{url:?} has no host; write \"example.org\" or \"example.org/path\""));
        }
        let path = if path.len() > 1 { path.to_owned() } else { String::new() };
        Ok(Literal { needle: host.to_owned(), place: Place::Host { path } })
    }

    /// The same, in whatever case it is written.
    pub(crate) fn map(self, fold: impl Fn(String) -> String) -> Self {
        let place = match self.place {
            Place::Host { path } => Place::Host { path: fold(path) },
            place => place,
        };
        Literal { needle: fold(self.needle), place }
    }

    /// Whether the needle, found between `before` and `after`, stands where it may.
    fn fits(&self, before: &str, after: &str) -> bool {
        match &self.place {
            Place::Any => true,
            Place::Address => begins_address(before) && ends_domain(after),
            Place::AddressDomain => ends_domain(after),
            Place::Host { path } if path.is_empty() => begins_host(before) && ends_domain(without_port(after)),
            Place::Host { path } => begins_host(before) && without_port(after).starts_with(path.as_str()),
        }
    }
}

/// No character before that would make it part of a longer address.
fn begins_address(before: &str) -> bool {
    before.chars().next_back().is_none_or(|c| !is_word(c) && !".%+@-".contains(c))
}

/// Nothing before, a dot (then it is a subdomain), or the user that a URL may name.
fn begins_host(before: &str) -> bool {
    match before.chars().next_back() {
        Some('@') => ends_in_authority(before),
        Some(c) => !is_word(c) && c != '-',
        None => true,
    }
}

/// `https://user@`: what follows is the host, not the domain of an address.
fn ends_in_authority(before: &str) -> bool {
    // Bounded, so that a text of nothing but `@` costs no more than its length.
    let near = &before[before.floor_char_boundary(before.len().saturating_sub(AUTHORITY_BYTES_MAX))..];
    let word = near.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.rsplit_once("://").is_some_and(|(_, user)| !user.contains(['/', '?', '#']))
}

/// No further label, though a sentence may end.
fn ends_domain(after: &str) -> bool {
    let mut after = after.chars();
    match after.next() {
        Some('.' | '-') => after.next().is_none_or(|c| !is_word(c)),
        Some(c) => !is_word(c),
        None => true,
    }
}

fn without_port(after: &str) -> &str {
    after.strip_prefix(':').map_or(after, |port| port.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| is_word(c) || c == '-');
    text.contains('.') && text.split('.').all(is_label)
}

/// How far before a host its scheme is looked for.
const AUTHORITY_BYTES_MAX: usize = 256;

/// Literals that are searched at once.
#[derive(Debug)]
pub(crate) struct Literals {
    automaton: AhoCorasick,
    /// Each with the place of its signature.
    literals: Vec<(usize, Literal)>,
}

impl Literals {
    pub(crate) fn compile(literals: Vec<(usize, Literal)>) -> Result<Self, Problem> {
        let automaton = AhoCorasick::builder()
            .build(literals.iter().map(|(_, literal)| &literal.needle))
            .map_err(|error| Problem::new("signatures", format!("are too many: {error}")))?;
        Ok(Literals { automaton, literals })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }

    /// The places of the signatures that a text contains.
    pub(crate) fn found_in<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        // Most texts contain none, and to learn just that is cheaper: only this search may skip ahead.
        let finds = self.automaton.is_match(text).then(|| self.automaton.find_overlapping_iter(text));
        finds.into_iter().flatten().filter_map(|found| {
            let (place, literal) = self.literals.get(found.pattern().as_usize())?;
            let (before, after) = (text.get(..found.start())?, text.get(found.end()..)?);
            literal.fits(before, after).then_some(*place)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(literal: Result<Literal, String>, text: &str) -> bool {
        let literals = Literals::compile(vec![(7, literal.expect("a literal"))]).expect("an automaton");
        literals.found_in(text).next() == Some(7)
    }

    #[test]
    fn words_are_found_in_their_order() {
        assert!(finds(Literal::words("best  casino\nbonus"), "the best casino bonus!"));
        assert!(!finds(Literal::words("best casino bonus"), "the best bonus of the casino"));
        assert!(finds(Literal::words("100% (free)"), "it is 100% (free)"));
    }

    #[test]
    fn an_address_is_found_whole() {
        let jid = || Literal::address("sales@casino.example");
        for text in ["sales@casino.example", "write to xmpp:sales@casino.example.", "(sales@casino.example/web)"] {
            assert!(finds(jid(), text), "{text}");
        }
        for text in
            ["presales@casino.example", "sales@casino.example.org", "sales@casino.examples", "a.sales@casino.example"]
        {
            assert!(!finds(jid(), text), "{text}");
        }
    }

    #[test]
    fn a_domain_stands_for_all_addresses_there() {
        assert!(finds(Literal::address("casino.example"), "ask bob@casino.example, now"));
        assert!(!finds(Literal::address("casino.example"), "see casino.example"));
        assert!(!finds(Literal::address("casino.example"), "ask bob@casino.example.org"));
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
        ] {
            assert!(finds(Literal::link("casino.example"), text), "{text}");
        }
        for text in [
            "mycasino.example",
            "casino.example.org",
            "my-casino.example",
            "bob@casino.example",
            "https://good.example/@casino.example",
            "casinoxexample",
        ] {
            assert!(!finds(Literal::link("https://casino.example/"), text), "{text}");
        }
    }

    #[test]
    fn a_path_narrows_a_link() {
        assert!(finds(Literal::link("casino.example/win"), "https://casino.example/win/now"));
        assert!(finds(Literal::link("casino.example/win"), "https://casino.example:443/win"));
        assert!(!finds(Literal::link("casino.example/win"), "https://casino.example/lose"));
    }

    #[test]
    fn what_would_match_everything_is_refused() {
        assert!(Literal::words(" \n ").is_err());
        assert!(Literal::address("@").is_err());
        assert!(Literal::link("/win").is_err());
    }
}
