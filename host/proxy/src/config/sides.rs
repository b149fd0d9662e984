//! The two faces of the proxy: `[outside]` towards the federated world, `[inside]` towards the protected servers.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::file::Section;
use super::inside_dns::InsideDns;

/// Advice for a value that must be an address with a port. Names are not looked up: where to listen and whom to trust must
/// not depend on DNS.
pub(super) const ADDRESS_ADVICE: &str = "write an IP address and a port, as in \"127.0.0.1:5269\" or \"[::1]:5269\"";

/// How the federated world meets us (`[outside]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Where remote servers connect and begin TLS by STARTTLS.
    pub listen: Vec<SocketAddr>,
    /// Where they connect and begin TLS at once (XEP-0368).
    pub listen_tls: Vec<SocketAddr>,
    /// Who answers DNS questions.
    pub resolver: ResolverSource,
    /// Whether what they answer is validated.
    pub dnssec: Dnssec,
    /// Who may vouch for remote servers.
    pub roots: Roots,
    /// Whether DNS may send us to loopback, private and other special addresses.
    pub private_addresses: bool,
}

/// Who answers DNS questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolverSource {
    /// The resolvers of the operating system (`/etc/resolv.conf`).
    System,
    /// These resolvers.
    Servers(Vec<SocketAddr>),
    /// Nobody: every peer has a static address.
    None,
}

/// Whether signed answers are validated by us, whatever the resolver says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dnssec {
    /// They are not: all names are taken as unsigned, and DANE does not apply.
    Off,
    /// They are, from the keys in this file, or from the built-in ones of the root.
    Validate(Option<PathBuf>),
}

/// Who may vouch for remote servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The certification authorities of the operating system.
    System,
    /// The certification authorities in this PEM file.
    File(PathBuf),
}

/// How the protected servers meet us (`[inside]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Where the protected servers connect when they mean any remote domain.
    pub listen: Vec<SocketAddr>,
    /// The authority that mints certificates for remote domains.
    pub authority: KeyPairFiles,
    /// The name server that tells the protected servers to.
    pub dns: Option<InsideDns>,
}

/// A certificate chain and its private key, both PEM, perhaps in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPairFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Outside {
    /// Reads `[outside]`. The resolver may be absent here; whether it may is known when the peers are.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&["listen", "listen-tls", "resolver", "dnssec", "trust-anchors", "roots", "private-addresses"]);
        section.requires("listen", "write where remote servers connect, as in listen = [\"[::]:5269\"]");
        Outside {
            listen: listen(section, "listen"),
            listen_tls: listen(section, "listen-tls"),
            resolver: resolver(section),
            dnssec: dnssec(section),
            roots: match section.text("roots") {
                None | Some("system") => Roots::System,
                Some(_) => Roots::File(section.path("roots").unwrap_or_default()),
            },
            private_addresses: section.flag("private-addresses").unwrap_or(false),
        }
    }

    /// What stands in for an absent `[outside]`, so that the rest can be checked.
    pub(super) fn absent() -> Self {
        Outside {
            listen: vec![],
            listen_tls: vec![],
            resolver: ResolverSource::None,
            dnssec: Dnssec::Off,
            roots: Roots::System,
            private_addresses: false,
        }
    }
}

impl Inside {
    /// Reads `[inside]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&["listen", "authority", "authority-key", "dns"]);
        section.requires("listen", "write where the protected server connects, as in listen = [\"127.0.0.1:5299\"]");
        section.requires("authority", "make one with `refrain ca init --dir DIR` and write its path here");
        let listen = listen(section, "listen");
        let dns = section.section("dns").and_then(|section| InsideDns::read(&section, &listen));
        Inside { listen, authority: KeyPairFiles::read(section, "authority", "authority-key"), dns }
    }

    /// What stands in for an absent `[inside]`, so that the rest can be checked.
    pub(super) fn absent() -> Self {
        let authority = KeyPairFiles { certificate: PathBuf::new(), key: PathBuf::new() };
        Inside { listen: vec![], authority, dns: None }
    }
}

impl KeyPairFiles {
    /// Reads the two paths; without a key path the key is in the certificate's file.
    pub(super) fn read(section: &Section<'_>, certificate: &str, key: &str) -> Self {
        let certificate = section.path(certificate).unwrap_or_default();
        KeyPairFiles { key: section.path(key).unwrap_or_else(|| certificate.clone()), certificate }
    }
}

/// An address that one can connect to.
pub(super) fn parse_target(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|error: std::net::AddrParseError| error.to_string())?;
    if address.port() == 0 || address.ip().is_unspecified() {
        return Err("one cannot connect to this address".to_owned());
    }
    Ok(address)
}

fn listen(section: &Section<'_>, key: &str) -> Vec<SocketAddr> {
    let addresses = section.parsed_list(key, str::parse::<SocketAddr>, ADDRESS_ADVICE);
    if section.texts(key).is_empty() && section.has(key) {
        section.mistake(key, "names no address", ADDRESS_ADVICE);
    }
    addresses
}

fn dnssec(section: &Section<'_>) -> Dnssec {
    let advice = "write \"off\", or \"validate\" behind a resolver that hands signatures on";
    let known = |text: &str| match text {
        "off" => Ok(false),
        "validate" => Ok(true),
        _ => Err("is neither"),
    };
    let validates = section.parsed("dnssec", known, advice).unwrap_or(false);
    let anchors = section.path("trust-anchors");
    if !validates && anchors.is_some() {
        let key = section.key("trust-anchors");
        section.findings().warning(&key, "is of no use without dnssec = \"validate\"", advice);
    }
    if validates { Dnssec::Validate(anchors) } else { Dnssec::Off }
}

fn resolver(section: &Section<'_>) -> ResolverSource {
    let texts = section.texts("resolver");
    match texts.as_slice() {
        [] => ResolverSource::None,
        [(_, "system")] => ResolverSource::System,
        _ => ResolverSource::Servers(section.parsed_list(
            "resolver",
            resolver_address,
            "write \"system\", or an IP address with or without a port, as in \"127.0.0.1:53\"",
        )),
    }
}

fn resolver_address(text: &str) -> Result<SocketAddr, std::net::AddrParseError> {
    text.parse().or_else(|error| match text.parse() {
        Ok(address) => Ok(SocketAddr::new(address, 53)),
        Err(_) => Err(error),
    })
}
