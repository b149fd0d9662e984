//! Domains (RFC 7622 §3.2) and ordered pairs of them, the unit of authorisation between servers.

use crate::jid::JidError;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// RFC 1035 §2.3.4, as text without the root's dot.
const NAME_BYTES_MAX: usize = 253;

/// RFC 7622 §3.2: no domain is longer than 1023 octets; a name that DNS could hold is shorter in any spelling.
const RAW_BYTES_MAX: usize = 1023;

/// What a domain of XMPP holds in ASCII: letters, digits, hyphen and dot; the underscore, which hosts in the wild have.
const DENIED: AsciiDenyList = AsciiDenyList::new(true, " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

/// A prepared domain: lower-case U-labels, no trailing dot; or an IP literal. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Prepares a domain; an IP literal is valid, though no peer is one (see [`is_ip_literal`](Self::is_ip_literal)).
    pub fn parse(text: &str) -> Result<Self, JidError> {
        let mut prepared = String::with_capacity(text.len());
        push_prepared(text, &mut prepared)?;
        Ok(Self(prepared.into()))
    }

    /// Takes a text that preparation has produced.
    pub(crate) fn from_prepared(prepared: &str) -> Self {
        Self(prepared.into())
    }

    /// The domain in lower-case U-labels, as in addresses.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain in A-labels, as in DNS, SNI and certificates.
    pub fn to_ascii(&self) -> Cow<'_, str> {
        if self.0.is_ascii() {
            return Cow::Borrowed(&self.0);
        }
        let ascii = Uts46::new().to_ascii(self.0.as_bytes(), DENIED, Hyphens::CheckFirstLast, DnsLength::Verify);
        // A prepared domain came out of this very conversion; should it fail, the U-labels name nothing in DNS.
        ascii.unwrap_or(Cow::Borrowed(&self.0))
    }

    /// Tells whether this domain lies below `other`; no domain lies below itself.
    pub fn is_subdomain_of(&self, other: &Domain) -> bool {
        self.0.strip_suffix(other.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    }

    /// The domains above this one, from the next to the top.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(parent_of(self.as_str()), |name| parent_of(name))
    }

    /// Tells whether this is an IP address rather than a name.
    pub fn is_ip_literal(&self) -> bool {
        self.0.starts_with('[') || self.0.parse::<Ipv4Addr>().is_ok()
    }

    /// Tells whether this name has no dot, as `localhost` has none.
    pub fn is_single_label(&self) -> bool {
        !self.0.contains('.')
    }
}

impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::parse(text)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Domain({})", self.0)
    }
}

/// An ordered pair of domains: what one stream may carry, from whom to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainPair {
    /// The domain that sends.
    pub from: Domain,
    /// The domain that is sent to.
    pub to: Domain,
}

impl DomainPair {
    /// The pair of both domains.
    pub fn new(from: Domain, to: Domain) -> Self {
        Self { from, to }
    }

    /// The pair of the answers.
    pub fn reversed(&self) -> Self {
        Self { from: self.to.clone(), to: self.from.clone() }
    }
}

impl fmt::Display for DomainPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.from, self.to)
    }
}

fn parent_of(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, above)| above)
}

/// Appends the prepared form of a domain.
pub(crate) fn push_prepared(text: &str, out: &mut String) -> Result<(), JidError> {
    // RFC 7622 §3.2.1: a trailing dot is stripped before anything else.
    let undotted = text.strip_suffix('.').unwrap_or(text);
    let start = out.len();
    if is_plain(undotted) {
        out.push_str(undotted);
        out[start..].make_ascii_lowercase();
        return Ok(());
    }
    if let Some(inside) = undotted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = inside.parse().map_err(|_| JidError::Domain)?;
        out.push_str(&format!("[{address}]"));
        return Ok(());
    }
    push_internationalised(text, out)
}

/// Tells whether a domain is of lower- and upper-case ASCII alone and without A-labels: nothing that IDNA would change.
fn is_plain(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX && text.split('.').all(is_plain_label)
}

fn is_plain_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let edges = bytes.first() != Some(&b'-') && bytes.last() != Some(&b'-');
    (1..=LABEL_BYTES_MAX).contains(&bytes.len())
        && edges
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !bytes.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"xn--"))
}

/// UTS #46 through A-labels and back, which also bounds the lengths that DNS bounds.
fn push_internationalised(text: &str, out: &mut String) -> Result<(), JidError> {
    if text.len() > RAW_BYTES_MAX {
        return Err(JidError::Domain);
    }
    let uts46 = Uts46::new();
    let ascii = uts46
        .to_ascii(text.as_bytes(), DENIED, Hyphens::CheckFirstLast, DnsLength::VerifyAllowRootDot)
        .map_err(|_| JidError::Domain)?;
    let (unicode, validity) = uts46.to_unicode(ascii.as_bytes(), DENIED, Hyphens::CheckFirstLast);
    validity.map_err(|_| JidError::Domain)?;
    // UTS #46 §4.1: an A-label within an A-label. What it was prepared to would be no domain when it is read again.
    if unicode.split('.').any(|label| label.starts_with("xn--")) {
        return Err(JidError::Domain);
    }
    // Ideographic full stops became dots only now: U+3002, U+FF0E, U+FF61.
    out.push_str(unicode.strip_suffix('.').unwrap_or(&unicode));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[test]
    fn two_spellings_of_one_domain_are_equal() {
        for spelling in [
            "local.example",
            "LOCAL.Example",
            "local.example.",
            "local\u{3002}example",
            "local.example\u{3002}",
            "local\u{ff0e}example\u{ff61}",
            "\u{ff4c}ocal.example",
            "lo\u{ad}cal.example",
        ] {
            assert_eq!(domain(spelling).as_str(), "local.example", "{spelling}");
        }
        assert_eq!(domain("XN--BCHER-KVA.example"), domain("Bu\u{308}cher.example"));
        assert_eq!(domain("b\u{fc}cher.example").to_ascii(), "xn--bcher-kva.example");
    }

    #[test]
    fn a_confusable_domain_stays_another_domain() {
        assert_ne!(domain("loc\u{430}l.example"), domain("local.example"));
    }

    #[test]
    fn refuses_what_is_no_domain() {
        let long = format!("{}.example", "a".repeat(64));
        let deep = vec!["abcdefg"; 33].join(".");
        for text in [
            "",
            ".",
            "a..b",
            "..",
            "a b",
            "a/b",
            "a@b",
            "-a.example",
            "a-.example",
            "a\u{200d}b.example",
            "\u{202e}a.example",
            "xn--a.example",
            "xn--xn--b-bchucbcher-kva.example",
            "a\0.example",
            "[::1",
            "[1.2.3.4]",
            "a.example..",
            &long,
            &deep,
        ] {
            assert_eq!(Domain::parse(text), Err(JidError::Domain), "{text:?}");
        }
    }

    #[test]
    fn an_ip_literal_is_valid_and_known_as_such() {
        for text in ["[::1]", "[2001:DB8::0]", "192.0.2.1"] {
            assert!(domain(text).is_ip_literal(), "{text}");
        }
        assert_eq!(domain("[2001:DB8::0]").as_str(), "[2001:db8::]");
        assert!(!domain("local.example").is_ip_literal());
        assert!(domain("localhost").is_single_label());
    }

    #[test]
    fn a_subdomain_lies_strictly_below() {
        assert!(domain("conference.local.example").is_subdomain_of(&domain("local.example")));
        assert!(!domain("local.example").is_subdomain_of(&domain("local.example")));
        assert!(!domain("notlocal.example").is_subdomain_of(&domain("local.example")));
        let above: Vec<_> = domain("a.b.example").ancestors().map(str::to_owned).collect();
        assert_eq!(above, ["b.example", "example"]);
    }
}
