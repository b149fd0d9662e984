//! What a rule compares an address with.

use std::net::Ipv6Addr;

use refrain_sdk::Problem;
use unicode_normalization::UnicodeNormalization as _;

use crate::glob::{Glob, is_wild};

/// One word of a rule, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A full or a bare address, as prepared. A bare one stands for all its resources.
    Exact(String),
    /// A domain, with all addresses at it.
    Domain(String),
    /// What stands after `*.`: the subdomains, with all addresses at them.
    Parent(String),
    /// Anything else with a wildcard.
    Glob(Glob),
    /// A group of the settings.
    Group(String),
    /// A list of the operator's.
    List(String),
}

impl Pattern {
    /// Reads one word.
    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        if let Some(name) = text.strip_prefix("group:") {
            return Ok(Pattern::Group(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("list:") {
            return Ok(Pattern::List(name.to_owned()));
        }
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = match bare.split_once('@') {
            Some((local, domain)) => (Some(local), domain),
            None => (None, bare),
        };
        // RFC 7622 §3.2 and §3.3: the host shows domains without a trailing dot, and both in lower case and composed.
        // But `*.` is a domain that was forgotten, not everybody.
        let domain = lower_case(domain.strip_suffix('.').filter(|rest| !rest.ends_with('*')).unwrap_or(domain));
        let local = local.map(lower_case);
        check_forms(bare)?;
        check_domain(&domain, text)?;
        if local.as_deref().is_some_and(is_no_local) || resource == Some("") {
            return Err(not_an_address(text));
        }
        Ok(Self::of_parts(local, domain, resource.map(|resource| resource.nfc().collect())))
    }

    fn of_parts(local: Option<String>, domain: String, resource: Option<String>) -> Self {
        let parts = [local.as_deref(), Some(&domain), resource.as_deref()];
        let parent = domain.strip_prefix("*.").filter(|parent| !is_wild(parent));
        match (&local, &resource, parent) {
            (None, None, Some(parent)) => Pattern::Parent(parent.to_owned()),
            _ if parts.into_iter().flatten().any(is_wild) => Pattern::Glob(Glob { local, domain, resource }),
            (None, None, None) => Pattern::Domain(domain),
            _ => {
                let local = local.map(|local| local + "@").unwrap_or_default();
                let resource = resource.map(|resource| format!("/{resource}")).unwrap_or_default();
                Pattern::Exact(local + &domain + &resource)
            }
        }
    }

    /// Whether it is about domains alone.
    pub(crate) fn is_of_domain(&self) -> bool {
        match self {
            Pattern::Domain(_) | Pattern::Parent(_) => true,
            Pattern::Glob(glob) => glob.local.is_none() && glob.resource.is_none(),
            Pattern::Exact(_) | Pattern::Group(_) | Pattern::List(_) => false,
        }
    }
}

/// RFC 7622 §3.3 has each character mapped by itself: there is no final sigma.
fn lower_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).nfc().collect()
}

/// The host maps forms of compatibility, each part by its own rules, and dots of other scripts (RFC 7622 §3.2, §3.3.1): a word that
/// has any would never match.
fn check_forms(bare: &str) -> Result<(), Problem> {
    let mapped: String = bare.nfkc().map(|c| if c == '\u{3002}' { '.' } else { c }).collect();
    if bare.nfc().eq(mapped.chars()) {
        return Ok(());
    }
    Err(Problem::new("", format!("{bare:?} is in another form than the proxy compares; write {mapped:?}")))
}

/// RFC 7622 §3.3.1
fn is_no_local(local: &str) -> bool {
    local.is_empty() || local.contains(|c: char| c.is_whitespace() || "\"&':<>@".contains(c))
}

fn check_domain(domain: &str, whole: &str) -> Result<(), Problem> {
    // Letters, digits and hyphens; underscores are seen in the wild; here also wildcards.
    let is_wrong = |c: char| c.is_whitespace() || c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_*?".contains(c);
    let is_label = |label: &str| !label.is_empty() && !label.contains(is_wrong);
    let is_ip = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(is_ipv6);
    if !is_ip && !domain.split('.').all(is_label) {
        return Err(not_an_address(whole));
    }
    if domain.split('.').any(|label| label.starts_with("xn--")) {
        let advice = "is in the ASCII form; write the domain as it is read, such as \"bücher.example\"";
        return Err(Problem::new("", format!("{whole:?} {advice}")));
    }
    Ok(())
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == text)
}

fn not_an_address(text: &str) -> Problem {
    let advice = "is no address; write \"user@example.org\", \"example.org\", \"*.example.org\", \"list:NAME\" or \"group:NAME\"";
    Problem::new("", format!("{text:?} {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Pattern {
        Pattern::read(text).unwrap_or_else(|problem| panic!("{}", problem.message))
    }

    #[test]
    fn addresses_are_compared_as_the_host_prepares_them() {
        assert_eq!(read("Eve@Evil.Example./Phone"), Pattern::Exact("eve@evil.example/Phone".into()));
        assert_eq!(read("Evil.Example."), Pattern::Domain("evil.example".into()));
        assert_eq!(read("*.Bücher.Example"), Pattern::Parent("bücher.example".into()));
        assert_eq!(read("ΟΔΟΣ@x.example"), Pattern::Exact("οδοσ@x.example".into()));
        assert_eq!(read("*.Bu\u{308}cher.Example"), Pattern::Parent("bücher.example".into()));
        assert_eq!(read("ju\u{308}rgen@x.example"), Pattern::Exact("jürgen@x.example".into()));
        assert_eq!(read("[::1]"), Pattern::Domain("[::1]".into()));
        assert_eq!(read("x.example/a@b"), Pattern::Exact("x.example/a@b".into()));
    }

    #[test]
    fn a_wildcard_anywhere_else_is_a_glob() {
        for text in [
            "*",
            "spam*.example",
            "*@x.example",
            "a?@x.example",
            "room@x.example/*",
            "*.*.example",
            "a@*.example",
            "*.x.example/y",
        ] {
            assert!(matches!(read(text), Pattern::Glob(_)), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "@x.example",
            "a@",
            "a b@x.example",
            "a@b@c",
            "x..example",
            "x.example/",
            "a@x y",
            ".",
            "x.example:5269",
        ] {
            assert!(Pattern::read(text).is_err(), "{text}");
        }
    }
}
