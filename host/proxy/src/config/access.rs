//! `[access]`: which addresses may connect from outside, and which of them speak for others.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use refrain_filter::Lists;

use super::ListConfigs;
use super::file::{Section, advise_key};

const ADVICE: &str = "write an address or a range, as in \"192.0.2.7\", \"192.0.2.0/24\" or \"2001:db8::/32\"";

/// Who may connect to the outside listeners (`[access]`). Nobody who is not named is kept out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Exceptions to `deny`.
    allow: Vec<IpNet>,
    /// Who is kept out.
    deny: Vec<IpNet>,
    /// Lists of networks that are kept out, too, unless `allow` names the address.
    deny_lists: Vec<String>,
    /// Load balancers: whoever connects from here says in a PROXY header for whom.
    proxy_protocol: Vec<IpNet>,
}

impl Access {
    /// Whether an address may connect: the smallest range that holds it speaks; where both lists name that range, `deny`. Who is
    /// in neither is looked up in the lists that are denied.
    pub fn permits(&self, address: IpAddr, lists: &Lists) -> bool {
        let address = address.to_canonical();
        match (smallest(&self.allow, address), smallest(&self.deny, address)) {
            (None, None) => !self.is_listed(address, lists),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(allowed), Some(denied)) => allowed > denied,
        }
    }

    fn is_listed(&self, address: IpAddr, lists: &Lists) -> bool {
        let mut denied = self.deny_lists.iter().filter_map(|name| lists.get(name));
        denied.any(|list| list.network_of(address).is_some())
    }

    /// Whether connections from this address must begin with a PROXY header, and those from any other must not.
    pub fn speaks_for_others(&self, address: IpAddr) -> bool {
        smallest(&self.proxy_protocol, address.to_canonical()).is_some()
    }

    /// Reads `[access]`.
    pub(super) fn read(section: &Section<'_>, lists: &ListConfigs) -> Self {
        section.knows(&["allow", "deny", "deny-lists", "proxy-protocol"]);
        let ranges = |key| section.parsed_list(key, parse_range, ADVICE);
        let access = Access {
            allow: ranges("allow"),
            deny: ranges("deny"),
            deny_lists: read_lists(section, lists),
            proxy_protocol: ranges("proxy-protocol"),
        };
        // What lists will name is not known yet, so that any exception may be one to them.
        if !access.deny_lists.is_empty() {
            return access;
        }
        for range in access.allow.iter().filter(|range| !access.is_exception(range)) {
            let advice =
                "allow makes exceptions to deny: to let nobody else in, write deny = [\"0.0.0.0/0\", \"::/0\"]";
            section.mistake("allow", format!("{range} is in no range of deny, so it would change nothing"), advice);
        }
        access
    }

    fn is_exception(&self, range: &IpNet) -> bool {
        self.deny.iter().any(|denied| denied.prefix_len() < range.prefix_len() && denied.contains(range))
    }
}

fn read_lists(section: &Section<'_>, lists: &ListConfigs) -> Vec<String> {
    let names = section.texts("deny-lists").into_iter();
    let known = |(key, name): (String, &str)| {
        if !lists.contains_key(name) {
            let all: Vec<&str> = lists.keys().map(String::as_str).collect();
            let advice = format!("describe it in [list.{name}]; {}", advise_key(name, &all));
            section.mistake(&key, format!("there is no list \"{name}\""), advice);
        }
        name.to_owned()
    };
    names.map(known).collect()
}

/// The length of the longest prefix that covers the address.
fn smallest(ranges: &[IpNet], address: IpAddr) -> Option<u8> {
    ranges.iter().filter(|range| range.contains(&address)).map(IpNet::prefix_len).max()
}

/// A range, or one address. IPv4 in IPv6 clothes is IPv4: that is how addresses are compared.
fn parse_range(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let range: IpNet = text.parse().map_err(|_| "is no range of addresses".to_owned())?;
    if range.trunc() != range {
        return Err(format!("has bits behind its prefix; the range is {}", range.trunc()));
    }
    Ok(match (range.addr().to_canonical(), range.prefix_len().checked_sub(96)) {
        (IpAddr::V4(address), Some(prefix)) if range.addr().is_ipv6() => {
            Ipv4Net::new(address, prefix).map_or(range, IpNet::V4)
        }
        _ => range,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| parse_range(text).unwrap()).collect()
    }

    fn permits(access: &Access, address: &str) -> bool {
        access.permits(address.parse().unwrap(), &Lists::new())
    }

    #[test]
    fn the_smallest_range_speaks_and_nobody_else_is_kept_out() {
        let deny = ranges(&["192.0.2.0/24", "192.0.2.9", "2001:db8::/32"]);
        let access = Access { allow: ranges(&["192.0.2.8/30", "2001:db8:1::/48"]), deny, ..Access::default() };
        for (address, permitted) in [
            ("192.0.2.1", false),
            ("192.0.2.8", true),
            ("192.0.2.9", false),
            ("::ffff:192.0.2.1", false),
            ("198.51.100.1", true),
            ("2001:db8::1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", true),
        ] {
            assert_eq!(permits(&access, address), permitted, "{address}");
        }
    }

    #[test]
    fn lists_deny_whom_no_range_names() {
        let list = |text| std::sync::Arc::new(refrain_filter::List::parse(text).into());
        let lists = Lists::from([
            ("ips".to_owned(), list("203.0.113.0/24\n2001:db8::1")),
            ("other".to_owned(), list("0.0.0.0/0")),
        ]);
        let access = Access {
            allow: ranges(&["203.0.113.128/25"]),
            deny: ranges(&["192.0.2.0/24"]),
            deny_lists: vec!["ips".to_owned()],
            ..Access::default()
        };
        for (address, permitted) in [
            ("203.0.113.1", false),
            ("::ffff:203.0.113.1", false),
            ("203.0.113.200", true),
            ("2001:db8::1", false),
            ("192.0.2.1", false),
            ("198.51.100.1", true),
        ] {
            assert_eq!(access.permits(address.parse().unwrap(), &lists), permitted, "{address}");
        }
    }

    #[test]
    fn a_range_in_both_lists_is_denied() {
        let both = ranges(&["192.0.2.0/24"]);
        let access = Access { allow: both.clone(), deny: both, ..Access::default() };
        assert!(!permits(&access, "192.0.2.1"));
    }

    #[test]
    fn mapped_ranges_are_those_they_map_and_stray_bits_are_a_mistake() {
        assert_eq!(parse_range("::ffff:192.0.2.0/120"), parse_range("192.0.2.0/24"));
        assert_eq!(parse_range("::ffff:192.0.2.1"), parse_range("192.0.2.1/32"));
        assert!(parse_range("192.0.2.1/24").unwrap_err().contains("192.0.2.0/24"));
        assert!(parse_range("example.org").is_err() && parse_range("192.0.2.0/33").is_err());
    }
}
