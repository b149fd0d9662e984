//! One line of a list: what it covers, and its note.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use refrain_proto::{Domain, Jid};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a prepared bare address or domain, in UTF-8: what lists publish that do not want to name whom they list.
pub type Hash = [u8; 32];

/// What an entry covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// An address or a domain, prepared (RFC 7622), or any other word as it is written.
    Word(Box<str>),
    /// All domains below this one, at any depth: `*.parent`.
    Parent(Box<str>),
    /// The bare address or the domain that has this hash.
    Hash(Hash),
    /// An address or a network of the Internet protocol.
    Network(IpNet),
}

impl Key {
    /// Reads an entry without its note.
    pub fn parse(text: &str) -> Key {
        if let Some(Ok(parent)) = text.strip_prefix("*.").map(Domain::parse) {
            return Key::Parent(parent.as_str().into());
        }
        if let Some(network) = parse_network(text) {
            return Key::Network(network);
        }
        if let Some(hash) = parse_hash(text) {
            return Key::Hash(hash);
        }
        match Jid::parse(text) {
            Ok(jid) => Key::Word(jid.as_str().into()),
            Err(_) => Key::Word(text.into()),
        }
    }
}

/// An entry as a line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'l> {
    /// What it covers.
    pub key: Key,
    /// As it is written.
    pub written: &'l str,
    /// What is behind white space; may be empty.
    pub note: &'l str,
}

impl<'l> Entry<'l> {
    /// Reads a line without comments; a blank one has no entry.
    pub fn parse(line: &'l str) -> Option<Self> {
        let line = line.trim();
        let (written, note) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (!written.is_empty()).then(|| Entry { key: Key::parse(written), written, note: note.trim() })
    }

    /// Reads a line of a file, where `#` begins a comment: at the start of the line or behind white space, since addresses may
    /// have one inside (those of IRC channels have).
    pub fn parse_commented(line: &'l str) -> Option<Self> {
        Entry::parse(without_comment(line))
    }
}

/// The line up to its comment.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// The hash of a prepared bare address or domain.
pub fn hash_of(prepared: &str) -> Hash {
    Sha256::digest(prepared).into()
}

/// A label of a domain has at most 63 characters (RFC 1035 §2.3.4), so that 64 digits cannot be one.
fn parse_hash(text: &str) -> Option<Hash> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [char::from(pair[0]).to_digit(16)?, char::from(pair[1]).to_digit(16)?];
        *byte = (high << 4 | low) as u8;
    }
    Some(hash)
}

/// A network as `192.0.2.0/24`, or one address as itself, for IPv6 also in the brackets of a domain (RFC 7622 §3.2). What stands
/// behind the prefix does not count, and IPv4 in IPv6 clothes is IPv4: so are they looked up.
fn parse_network(text: &str) -> Option<IpNet> {
    if let Some(address) = parse_address(text) {
        return Some(IpNet::from(address));
    }
    let range = text.parse::<IpNet>().ok()?.trunc();
    Some(match (range.addr().to_canonical(), range.prefix_len().checked_sub(96)) {
        (IpAddr::V4(address), Some(prefix)) if range.addr().is_ipv6() => {
            Ipv4Net::new(address, prefix).map_or(range, IpNet::V4)
        }
        _ => range,
    })
}

/// An address as such, or as a domain has it.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    // Most words end here: no address begins otherwise.
    if !text.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':' || first == '[') {
        return None;
    }
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: &str = "9a9c8ea8a6e9a1a1d7d8f5c0b0c0d9a9c8ea8a6e9a1a1d7d8f5c0b0c0d9a9c8e";

    #[test]
    fn what_an_entry_is_shows_in_its_shape() {
        assert_eq!(Key::parse("Eve@Evil.Example"), Key::Word("eve@evil.example".into()));
        assert_eq!(Key::parse("*.Evil.example"), Key::Parent("evil.example".into()));
        assert_eq!(Key::parse("two words"), Key::Word("two words".into()));
        assert!(matches!(Key::parse(BOB), Key::Hash([0x9a, 0x9c, ..])));
        assert_eq!(Key::parse(&BOB.to_uppercase()), Key::parse(BOB));
        assert_eq!(Key::parse(&BOB[1..]), Key::Word(BOB[1..].into()), "63 digits are a label");
    }

    #[test]
    fn networks_are_compared_without_what_stands_behind_the_prefix() {
        assert_eq!(Key::parse("192.0.2.77/24"), Key::parse("192.0.2.0/24"));
        assert_eq!(Key::parse("::ffff:192.0.2.0/120"), Key::parse("192.0.2.0/24"));
        assert_eq!(Key::parse("[2001:db8::1]"), Key::parse("2001:db8::1/128"));
        assert_eq!(Key::parse("abba.example"), Key::Word("abba.example".into()));
    }

    #[test]
    fn a_comment_begins_a_line_or_follows_white_space() {
        assert_eq!(without_comment("# all"), "");
        assert_eq!(without_comment("x.example # loud"), "x.example ");
        assert_eq!(without_comment("room#a%irc.example"), "room#a%irc.example");
    }
}
