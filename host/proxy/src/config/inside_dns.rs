//! `[inside.dns]`: the name server that tells the protected servers to send everything to us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use refrain_proto::Domain;

use super::file::Section;
use super::sides::ADDRESS_ADVICE;
use super::{Draft, ResolverSource};

/// `.internal` is kept free of public names (resolution of the ICANN board of 2024-07-29), so nobody else is meant by it.
const NAME_DEFAULT: &str = "refrain.internal";
/// The one host that every machine knows without asking anybody.
const LOCALHOST: &str = "localhost";
/// An answer with all of them, and the name they belong to, fits into any datagram.
const ADDRESSES_MAX: usize = 8;

/// What the protected servers are told about names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideDns {
    /// Where they ask, over UDP and TCP.
    pub listen: SocketAddr,
    /// Where every remote host is, as far as they know: our inside listener.
    pub address: Vec<IpAddr>,
    /// The host of every remote XMPP service.
    pub name: Domain,
}

impl InsideDns {
    /// Reads `[inside.dns]` beside `inside.listen`.
    pub(super) fn read(section: &Section<'_>, inside: &[SocketAddr]) -> Option<Self> {
        section.knows(&["listen", "address", "name"]);
        section.requires("listen", "write where the protected servers ask, as in listen = \"127.0.0.1:15353\"");
        let listen = section.parsed("listen", specific, ADDRESS_ADVICE);
        if let Some(listen) = listen.filter(|listen| !is_near(listen.ip())) {
            let key = section.key("listen");
            let problem = format!("{} is a public address, and whoever reaches it is answered", listen.ip());
            section.findings().warning(&key, problem, "let a firewall keep everybody but the protected servers out");
        }
        let name = section.parsed("name", target, "write a name that nobody else has, as in \"refrain.internal\"");
        Some(InsideDns {
            listen: listen?,
            address: addresses(section, inside),
            name: match name {
                Some(name) => name,
                None => Domain::parse(NAME_DEFAULT).ok()?,
            },
        })
    }

    /// The port of the XMPP services that it announces.
    pub fn port(inside: &[SocketAddr]) -> Option<u16> {
        inside.first().map(SocketAddr::port)
    }
}

fn addresses(section: &Section<'_>, inside: &[SocketAddr]) -> Vec<IpAddr> {
    let advice = "write the IP addresses at which the protected servers reach inside.listen, as in [\"127.0.0.2\"]";
    if section.has("address") {
        let addresses = section.parsed_list("address", reachable, advice);
        if section.texts("address").len() > ADDRESSES_MAX {
            section.mistake("address", format!("names more than {ADDRESSES_MAX} addresses"), "one will do");
        }
        return addresses;
    }
    match inside.first() {
        Some(listen) if listen.ip().is_unspecified() => {
            section.mistake("address", format!("is missing, and {listen} is no address to send anybody to"), advice);
            Vec::new()
        }
        Some(listen) => vec![listen.ip()],
        // That nothing listens has been reported.
        None => Vec::new(),
    }
}

/// UDP answers from a wildcard may leave from another address than the question was sent to, and are not believed then.
fn specific(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|error: std::net::AddrParseError| error.to_string())?;
    if address.ip().is_unspecified() {
        return Err("answers must come from one address".to_owned());
    }
    Ok(address)
}

fn reachable(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|error: std::net::AddrParseError| error.to_string())?;
    if address.is_unspecified() { Err("one cannot connect to this address".to_owned()) } else { Ok(address) }
}

fn target(text: &str) -> Result<Domain, String> {
    let name = Domain::parse(text).map_err(|error| error.to_string())?;
    if name.is_ip_literal() || name.is_single_label() && name.as_str() != LOCALHOST {
        return Err("is no name of a host with a dot in it".to_owned());
    }
    Ok(name)
}

fn is_localhost(address: &IpAddr) -> bool {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(address)
}

/// Loopback, or a network of one's own.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// Checks it against the rest of the configuration.
pub(super) fn check(draft: &Draft, root: &Section<'_>) {
    let Some(dns) = &draft.inside.dns else { return };
    let others = [
        ("outside.listen", draft.outside.listen.clone()),
        ("outside.listen-tls", draft.outside.listen_tls.clone()),
        ("inside.listen", draft.inside.listen.clone()),
        ("admin.http", draft.admin.http.iter().map(|http| http.listen).collect()),
    ];
    for (key, addresses) in others {
        if let Some(shared) = addresses.iter().find(|address| collide(**address, dns.listen)) {
            let problem = format!("{} is taken: {key} has {shared}", dns.listen);
            root.mistake("inside.dns.listen", problem, "write another port");
        }
    }
    if matches!(&draft.outside.resolver, ResolverSource::Servers(servers) if servers.contains(&dns.listen)) {
        let problem = format!("{} is Refrain's own name server, which sends everybody to Refrain", dns.listen);
        root.mistake("outside.resolver", problem, "write a resolver that knows the world");
    }
    if draft.domains.iter().any(|hosted| dns.name == hosted.name || dns.name.is_subdomain_of(&hosted.name)) {
        let advice = "write a name that nobody else has, as in \"refrain.internal\"";
        root.mistake("inside.dns.name", format!("{} is hosted", dns.name), advice);
    }
    if dns.name.as_str() == LOCALHOST && !dns.address.iter().all(is_localhost) {
        let advice = "write another name, or 127.0.0.1 or ::1 as the address";
        root.mistake("inside.dns.name", "localhost is 127.0.0.1 and ::1 for everybody", advice);
    }
    check_addresses(draft, dns, root);
}

fn check_addresses(draft: &Draft, dns: &InsideDns, root: &Section<'_>) {
    let Some(port) = InsideDns::port(&draft.inside.listen) else { return };
    let listens = |address: &IpAddr| {
        let target = SocketAddr::new(*address, port);
        draft.inside.listen.iter().any(|listen| collide(*listen, target))
    };
    if let Some(address) = dns.address.iter().find(|address| port != 0 && !listens(address)) {
        let problem = format!("inside.listen does not have {}", SocketAddr::new(*address, port));
        let advice = "the protected servers will be sent there; that is right only if something forwards it to Refrain";
        root.findings().warning("inside.dns.address", problem, advice);
    }
}

/// Whether two sockets of one protocol cannot be bound to both, or a connection to one arrives at the other.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |wide: IpAddr, narrow: IpAddr| match wide {
        IpAddr::V6(wide) => wide.is_unspecified(),
        IpAddr::V4(wide) => wide.is_unspecified() && narrow.to_canonical().is_ipv4(),
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}
