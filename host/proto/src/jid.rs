//! Addresses (RFC 7622): parsed once, prepared, comparable byte by byte.
//!
//! A prepared domain is in lower-case U-labels without a trailing dot, so that two spellings of one domain are one string.
//! Plain ASCII, which is nearly every address on the wire, is prepared in one pass and without an allocation.

use crate::domain;
use precis_profiles::precis_core::profile::{PrecisFastInvocation, Rules};
use precis_profiles::precis_core::{self, DerivedPropertyValue, FreeformClass, StringClass};
use precis_profiles::{OpaqueString, UsernameCaseMapped};
use std::fmt;
use std::str::FromStr;

pub use crate::domain::{Domain, DomainPair};

/// RFC 7622 §3.2 to §3.4: no part is longer than 1023 octets.
const PART_BYTES_MAX: usize = 1023;

/// No preparation makes a text shorter than a third, which is what full-width letters shrink to: what is longer than this is
/// not looked at.
const RAW_BYTES_MAX: usize = 3 * PART_BYTES_MAX;

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JidError {
    /// The part before the `@` is empty, too long, or holds what RFC 7622 §3.3 forbids.
    #[error("the local part is not valid")]
    Local,
    /// The domain is empty, too long, or not valid by IDNA (RFC 7622 §3.2).
    #[error("the domain is not valid")]
    Domain,
    /// The part after the `/` is empty, too long, or holds what RFC 7622 §3.4 forbids.
    #[error("the resource is not valid")]
    Resource,
}

/// A prepared address: `[local@]domain[/resource]`.
///
/// [`Jid::default`] is empty: a place to [`assign`](Self::assign) to, not an address.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Jid {
    text: String,
    domain_start: u16,
    domain_end: u16,
}

impl Jid {
    /// Parses and prepares an address.
    pub fn parse(text: &str) -> Result<Self, JidError> {
        let mut jid = Self::default();
        jid.assign(text)?;
        Ok(jid)
    }

    /// Parses and prepares an address into this one, whose allocation is kept. After an error this address is empty.
    pub fn assign(&mut self, text: &str) -> Result<(), JidError> {
        let outcome = self.try_assign(text);
        if outcome.is_err() {
            self.clear();
        }
        outcome
    }

    /// Becomes the bare domain.
    pub fn assign_domain(&mut self, domain: &Domain) {
        self.clear();
        self.push_domain(domain.as_str());
    }

    /// Becomes the domain of a text whose other parts are not valid.
    pub(crate) fn assign_domain_of(&mut self, text: &str) -> Result<(), JidError> {
        self.clear();
        let bare = text.split_once('/').map_or(text, |(bare, _)| bare);
        let domain = bare.split_once('@').map_or(bare, |(_, domain)| domain);
        domain::push_prepared(domain, &mut self.text)?;
        self.domain_end = self.text.len() as u16;
        Ok(())
    }

    fn try_assign(&mut self, text: &str) -> Result<(), JidError> {
        self.clear();
        // RFC 7622 §3.1: the first slash ends the bare address, whatever stands behind it; only then the `@` is looked for.
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let domain = match bare.split_once('@') {
            Some((local, domain)) => {
                push_local(local, &mut self.text)?;
                self.text.push('@');
                domain
            }
            None => bare,
        };
        self.domain_start = self.text.len() as u16;
        domain::push_prepared(domain, &mut self.text)?;
        self.domain_end = self.text.len() as u16;
        if let Some(resource) = resource {
            self.text.push('/');
            push_resource(resource, &mut self.text)?;
        }
        Ok(())
    }

    fn push_domain(&mut self, prepared: &str) {
        self.domain_start = self.text.len() as u16;
        self.text.push_str(prepared);
        self.domain_end = self.text.len() as u16;
    }

    fn clear(&mut self) {
        self.text.clear();
        (self.domain_start, self.domain_end) = (0, 0);
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    pub fn local(&self) -> Option<&str> {
        (self.domain_start > 0).then(|| &self.text[..self.domain_start as usize - 1])
    }

    /// The prepared domain.
    pub fn domain(&self) -> &str {
        &self.text[self.domain_start as usize..self.domain_end as usize]
    }

    /// The prepared domain, as a value of its own.
    pub fn to_domain(&self) -> Domain {
        Domain::from_prepared(self.domain())
    }

    /// What stands after the first `/`.
    pub fn resource(&self) -> Option<&str> {
        self.text.get(self.domain_end as usize + 1..).filter(|resource| !resource.is_empty())
    }

    /// The address without its resource.
    pub fn bare(&self) -> &str {
        &self.text[..self.domain_end as usize]
    }
}

impl From<&Domain> for Jid {
    fn from(domain: &Domain) -> Self {
        let mut jid = Self::default();
        jid.assign_domain(domain);
        jid
    }
}

impl FromStr for Jid {
    type Err = JidError;

    fn from_str(text: &str) -> Result<Self, JidError> {
        Self::parse(text)
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jid({})", self.text)
    }
}

/// RFC 7622 §3.3: UsernameCaseMapped, without the characters that delimit addresses or markup.
fn push_local(local: &str, out: &mut String) -> Result<(), JidError> {
    let start = out.len();
    if local.bytes().all(is_plain_local) {
        out.push_str(local);
        out[start..].make_ascii_lowercase();
    } else {
        if local.len() > RAW_BYTES_MAX {
            return Err(JidError::Local);
        }
        out.push_str(&until_stable(local, username).ok_or(JidError::Local)?);
    }
    let prepared = &out[start..];
    // Preparation may bring an excluded character forth, as from its full-width form: the result is what counts.
    let valid = !prepared.is_empty() && prepared.len() <= PART_BYTES_MAX && !prepared.contains(is_excluded_from_local);
    if valid { Ok(()) } else { Err(JidError::Local) }
}

/// RFC 7622 §3.4: OpaqueString.
fn push_resource(resource: &str, out: &mut String) -> Result<(), JidError> {
    let start = out.len();
    if resource.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        out.push_str(resource);
    } else {
        if resource.len() > RAW_BYTES_MAX {
            return Err(JidError::Resource);
        }
        out.push_str(&until_stable(resource, opaque_string).ok_or(JidError::Resource)?);
    }
    let length = out.len() - start;
    if (1..=PART_BYTES_MAX).contains(&length) { Ok(()) } else { Err(JidError::Resource) }
}

/// RFC 8264 §7: a rule is applied until it changes nothing more, at most four times; what is prepared stays prepared.
fn until_stable(text: &str, rule: impl Fn(&str) -> Result<String, precis_core::Error>) -> Option<String> {
    let mut current = rule(text).ok()?;
    for _ in 0..3 {
        let next = rule(&current).ok()?;
        if next == current {
            return Some(current);
        }
        current = next;
    }
    None
}

/// RFC 8265 §3.3.
fn username(text: &str) -> Result<String, precis_core::Error> {
    UsernameCaseMapped::enforce(text).map(Into::into)
}

/// RFC 8265 §4.2.
///
/// COMPAT(Prosody, ejabberd): stringprep servers let characters pass that their tables do not know, and so do we: the tables
/// of PRECIS end with Unicode 6.3, which a nickname with a newer emoji must not have to wait for. No resource ever decides who
/// may send.
fn opaque_string(text: &str) -> Result<String, precis_core::Error> {
    let is_known =
        |character: &char| FreeformClass::default().get_value_from_char(*character) != DerivedPropertyValue::Unassigned;
    let known: String = text.chars().filter(is_known).collect();
    if !known.is_empty() {
        OpaqueString::prepare(known.as_str())?;
    }
    let profile = OpaqueString::new();
    let mapped = profile.additional_mapping_rule(text)?;
    profile.normalization_rule(mapped).map(Into::into)
}

fn is_plain_local(byte: u8) -> bool {
    byte.is_ascii_graphic() && !is_excluded_from_local(byte as char)
}

/// RFC 7622 §3.3.1.
fn is_excluded_from_local(character: char) -> bool {
    matches!(character, '"' | '&' | '\'' | '/' | ':' | '<' | '>' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, String, Option<String>) {
        let jid = Jid::parse(text).unwrap();
        (jid.local().map(Into::into), jid.domain().into(), jid.resource().map(Into::into))
    }

    #[test]
    fn splits_at_the_first_slash_then_at_the_at_sign() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("juliet@example.com/balcony"), (some("juliet"), "example.com".into(), some("balcony")));
        assert_eq!(parts("example.com/a@b/c"), (None, "example.com".into(), some("a@b/c")));
        assert_eq!(parts("local.example/../x"), (None, "local.example".into(), some("../x")));
        assert_eq!(Jid::parse("a@b.example/c").unwrap().bare(), "a@b.example");
        assert_eq!(Jid::parse("b.example").unwrap().bare(), "b.example");
    }

    #[test]
    fn prepares_each_part_by_its_own_rule() {
        assert_eq!(Jid::parse("Juliet@EXAMPLE.com./Balcony").unwrap().as_str(), "juliet@example.com/Balcony");
        assert_eq!(Jid::parse("STRASSE@example").unwrap().as_str(), "strasse@example");
        assert_eq!(Jid::parse("\u{3a3}@example.com").unwrap().as_str(), "\u{3c3}@example.com");
        assert_eq!(Jid::parse("\u{ff21}lice@example.com").unwrap().as_str(), "alice@example.com");
        assert_eq!(Jid::parse("king@example.com/e\u{301}\u{a0}x").unwrap().as_str(), "king@example.com/\u{e9} x");
    }

    #[test]
    fn takes_the_nicknames_that_rooms_have() {
        for nick in
            ["\u{1f4f1} phone", "\u{1fae0}", "\u{2163}", "\u{3042}\u{3044}", "\u{5d0}\u{5d1}", "a@b/c", "  ", "x (1)"]
        {
            let text = format!("room@muc.example/{nick}");
            assert_eq!(Jid::parse(&text).map(|jid| jid.to_string()), Ok(text));
        }
    }

    #[test]
    fn refuses_what_rfc_7622_section_3_5_lists() {
        for (text, error) in [
            ("\"juliet\"@example.com", JidError::Local),
            ("foo bar@example.com", JidError::Local),
            ("@example.com", JidError::Local),
            ("henry\u{2163}@example.com", JidError::Local),
            ("\u{265a}@example.com", JidError::Local),
            ("a\0b@example.com", JidError::Local),
            ("\u{ff20}@example.com", JidError::Local),
            ("juliet@", JidError::Domain),
            ("juliet@a@b", JidError::Domain),
            ("/foobar", JidError::Domain),
            ("", JidError::Domain),
            ("juliet@example.com/", JidError::Resource),
            ("juliet@example.com/a\u{7}b", JidError::Resource),
        ] {
            assert_eq!(Jid::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_preparation_would_make_invalid() {
        // U+0387 becomes U+00B7, which is allowed between two l only (RFC 5892 appendix A.3).
        assert_eq!(Jid::parse("example.com/\u{387}0"), Err(JidError::Resource));
        assert_eq!(Jid::parse(&format!("{}@example.com", "\u{e9}".repeat(5_000))), Err(JidError::Local));
    }

    #[test]
    fn bounds_each_part_at_1023_bytes() {
        let long = |count| "a".repeat(count);
        assert!(Jid::parse(&format!("{}@example.com/{}", long(1023), long(1023))).is_ok());
        assert_eq!(Jid::parse(&format!("{}@example.com", long(1024))), Err(JidError::Local));
        assert_eq!(Jid::parse(&format!("example.com/{}", long(1024))), Err(JidError::Resource));
        assert_eq!(Jid::parse(&format!("example.com/{}", "\u{e9}".repeat(512))), Err(JidError::Resource));
    }

    #[test]
    fn assigning_keeps_the_allocation_and_an_error_leaves_it_empty() {
        let mut jid = Jid::parse("juliet@capulet.example/balcony").unwrap();
        let place = jid.as_str().as_ptr();
        jid.assign("romeo@montague.example").unwrap();
        assert_eq!((jid.as_str(), jid.as_str().as_ptr()), ("romeo@montague.example", place));
        assert!(jid.assign("romeo@montague.example/").is_err());
        assert_eq!(jid, Jid::default());
    }
}
