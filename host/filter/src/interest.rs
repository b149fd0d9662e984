//! Interest rules: by which stanzas a filter wants to be asked, tested natively.
//!
//! `setup.add-interest` → [`Interest`] → [`InterestSet`] → one bit per rule that matched.

mod domains;
mod namespaces;
mod sight;

use refrain_proto::Stanza;

use crate::head::Direction;
use domains::DomainPatterns;
pub(crate) use namespaces::Namespaces;
pub(crate) use sight::Sight;

/// A rule of `setup.add-interest`. An empty list or a zero mask means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Bit n = case n of `direction`.
    pub directions: u8,
    /// Bit n = case n of `kind`.
    pub kinds: u8,
    /// Bit n = case n of `stanza-type`.
    pub types: u32,
    /// At least one of these [`Bits`](crate::Bits) is set.
    pub bits_any: u32,
    /// Namespaces of child elements; a trailing `*` matches by prefix.
    pub payload_ns: Vec<String>,
    /// Domains of the sender; a leading `*.` matches any subdomain.
    pub from_domains: Vec<String>,
    /// Domains of the addressee, likewise.
    pub to_domains: Vec<String>,
    /// Bytes as received.
    pub min_size: u32,
}

/// Why a rule was refused; shown to the filter, which makes it a problem of its settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterestError {
    /// A 65th rule: `head.matched` has 64 bits.
    #[error("a filter has at most 64 interest rules")]
    TooMany,
    /// A mask names a case that its enum does not have.
    #[error("{0}: the mask has a bit beyond the last case")]
    NoSuchCase(&'static str),
    /// A list is longer than any real one.
    #[error("{0}: at most {max} entries", max = InterestSet::ENTRIES_MAX)]
    TooLong(&'static str),
    /// Neither a domain nor `*.` and a domain.
    #[error("{list}[{index}]: {value:?} is not a domain, nor `*.` followed by one")]
    NotADomain {
        /// The list at fault.
        list: &'static str,
        /// The entry at fault.
        index: usize,
        /// What it says.
        value: String,
    },
}

/// The compiled rules of one filter, ORed.
#[derive(Debug, Default)]
pub struct InterestSet {
    rules: Vec<Rule>,
    sources: Vec<Interest>,
    namespaces: Namespaces,
}

impl InterestSet {
    /// One bit of `head.matched` each.
    pub const RULES_MAX: usize = 64;
    /// Domain lists come from operators; the largest published block lists have some ten thousand entries.
    pub const ENTRIES_MAX: usize = 65_536;

    /// Adds a rule and returns its index, which is its bit in what [`matched`](Self::matched) returns.
    pub fn add(&mut self, interest: Interest) -> Result<u32, InterestError> {
        if self.rules.len() == Self::RULES_MAX {
            return Err(InterestError::TooMany);
        }
        self.rules.push(Rule::compile(&interest, &mut self.namespaces)?);
        self.sources.push(interest);
        Ok(self.rules.len() as u32 - 1)
    }

    /// Returns the rule as it was added.
    pub fn get(&self, index: u32) -> Option<&Interest> {
        self.sources.get(index as usize)
    }

    /// Returns how many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether the filter sees every stanza, for want of a rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the bit set of the rules that match. It is only meaningful when the set is not [empty](Self::is_empty): a filter
    /// without rules sees every stanza, with no bit set.
    pub fn matched(&self, stanza: &Stanza, direction: Direction, bits: u32) -> u64 {
        let mut sight = Sight::default();
        sight.begin(stanza, direction);
        sight.add_bits(bits);
        self.rules.matched(stanza, &mut sight, &self.namespaces)
    }

    /// Compiles the rules once more, against the namespaces that all filters of a chain share.
    #[cfg(feature = "runtime")]
    pub(crate) fn shared(&self, namespaces: &mut Namespaces) -> Result<Vec<Rule>, InterestError> {
        self.sources.iter().map(|interest| Rule::compile(interest, namespaces)).collect()
    }
}

/// The test of a list of rules: a bit for each that matches.
pub(crate) trait Matched {
    fn matched(&self, stanza: &Stanza, sight: &mut Sight, namespaces: &Namespaces) -> u64;
}

impl Matched for [Rule] {
    fn matched(&self, stanza: &Stanza, sight: &mut Sight, namespaces: &Namespaces) -> u64 {
        let mut matched = 0;
        for (index, rule) in self.iter().enumerate() {
            matched |= u64::from(rule.matches(stanza, sight, namespaces)) << index;
        }
        matched
    }
}

/// A compiled rule. The masks have "any" spelled out, so that testing them needs no branch.
#[derive(Debug)]
pub(crate) struct Rule {
    directions: u8,
    kinds: u8,
    types: u32,
    min_size: u32,
    bits_any: u32,
    payloads: Box<[u64]>,
    from: DomainPatterns,
    to: DomainPatterns,
}

impl Rule {
    fn compile(interest: &Interest, namespaces: &mut Namespaces) -> Result<Rule, InterestError> {
        if interest.payload_ns.len() > InterestSet::ENTRIES_MAX {
            return Err(InterestError::TooLong("payload-ns"));
        }
        Ok(Rule {
            directions: mask("directions", u32::from(interest.directions), 2)? as u8,
            kinds: mask("kinds", u32::from(interest.kinds), 3)? as u8,
            types: mask("types", interest.types, 16)?,
            min_size: interest.min_size,
            bits_any: interest.bits_any,
            payloads: namespaces.mask(&interest.payload_ns),
            from: DomainPatterns::compile("from-domains", &interest.from_domains)?,
            to: DomainPatterns::compile("to-domains", &interest.to_domains)?,
        })
    }

    /// The cheap tests come first; the child elements are looked at only if a rule comes that far, and once per stanza.
    fn matches(&self, stanza: &Stanza, sight: &mut Sight, namespaces: &Namespaces) -> bool {
        if self.directions & sight.direction == 0
            || self.kinds & sight.kind == 0
            || self.types & sight.stanza_type == 0
            || self.min_size > stanza.size()
        {
            return false;
        }
        if (self.bits_any != 0 || !self.payloads.is_empty()) && !self.matches_children(stanza, sight, namespaces) {
            return false;
        }
        self.from.contain(stanza.from().domain()) && self.to.contain(stanza.to().domain())
    }

    fn matches_children(&self, stanza: &Stanza, sight: &mut Sight, namespaces: &Namespaces) -> bool {
        sight.look(stanza, namespaces);
        (self.bits_any == 0 || self.bits_any & sight.bits() != 0)
            && (self.payloads.is_empty() || sight.has_payload(&self.payloads))
    }
}

fn mask(field: &'static str, mask: u32, cases: u32) -> Result<u32, InterestError> {
    if mask >> cases != 0 {
        return Err(InterestError::NoSuchCase(field));
    }
    Ok(if mask == 0 { u32::MAX } else { mask })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Bits;

    const JINGLE: &str = "<iq type='set' id='1' from='eve@evil.example/x' to='alice@home.example/y'>\
        <jingle xmlns='urn:xmpp:jingle:1'/></iq>";
    const CHAT: &str =
        "<message type='chat' from='eve@a.evil.example/x' to='alice@home.example'><body>hi</body></message>";

    fn matched(interest: Interest, xml: &str) -> bool {
        let mut set = InterestSet::default();
        set.add(interest).unwrap();
        let stanza = Stanza::parse(xml).unwrap();
        set.matched(&stanza, Direction::Inbound, 0) == 1
    }

    #[test]
    fn an_empty_rule_matches_everything() {
        assert!(matched(Interest::default(), CHAT));
        assert!(matched(Interest::default(), JINGLE));
    }

    #[test]
    fn masks_choose_by_direction_kind_and_type() {
        assert!(matched(Interest { directions: 1, ..Interest::default() }, CHAT));
        assert!(!matched(Interest { directions: 2, ..Interest::default() }, CHAT));
        assert!(matched(Interest { kinds: 1 << 2, ..Interest::default() }, JINGLE));
        assert!(!matched(Interest { kinds: 1 << 2, ..Interest::default() }, CHAT));
        assert!(matched(Interest { types: 1 << 1, ..Interest::default() }, CHAT));
        assert!(!matched(Interest { types: 1 << 1, ..Interest::default() }, JINGLE));
    }

    #[test]
    fn payload_namespaces_match_whole_or_by_prefix() {
        let ns = |pattern: &str| Interest { payload_ns: vec![pattern.to_owned()], ..Interest::default() };
        assert!(matched(ns("urn:xmpp:jingle:1"), JINGLE));
        assert!(matched(ns("urn:xmpp:jingle:*"), JINGLE));
        assert!(!matched(ns("urn:xmpp:jingle"), JINGLE));
        assert!(!matched(ns("urn:xmpp:jingle:1"), CHAT));
    }

    #[test]
    fn domains_match_whole_or_as_any_subdomain() {
        let from = |pattern: &str| Interest { from_domains: vec![pattern.to_owned()], ..Interest::default() };
        assert!(matched(from("evil.example"), JINGLE));
        assert!(!matched(from("*.evil.example"), JINGLE));
        assert!(matched(from("*.evil.example"), CHAT));
        assert!(matched(from("*.EXAMPLE"), CHAT));
        assert!(!matched(from("*.vil.example"), CHAT));
    }

    #[test]
    fn bits_and_sizes_choose_too() {
        assert!(matched(Interest { bits_any: Bits::BODY | Bits::MUC, ..Interest::default() }, CHAT));
        assert!(!matched(Interest { bits_any: Bits::MUC, ..Interest::default() }, CHAT));
        assert!(!matched(Interest { min_size: 10_000, ..Interest::default() }, CHAT));
    }

    #[test]
    fn each_rule_has_its_bit() {
        let mut set = InterestSet::default();
        set.add(Interest { kinds: 1 << 2, ..Interest::default() }).unwrap();
        assert_eq!(set.add(Interest { kinds: 1, ..Interest::default() }), Ok(1));
        assert_eq!(set.matched(&Stanza::parse(CHAT).unwrap(), Direction::Inbound, 0), 0b10);
    }

    #[test]
    fn refuses_what_could_never_match() {
        let mut set = InterestSet::default();
        assert_eq!(set.add(Interest { kinds: 8, ..Interest::default() }), Err(InterestError::NoSuchCase("kinds")));
        let typo = Interest { to_domains: vec!["*.".to_owned()], ..Interest::default() };
        assert!(matches!(set.add(typo), Err(InterestError::NotADomain { list: "to-domains", index: 0, .. })));
    }
}
