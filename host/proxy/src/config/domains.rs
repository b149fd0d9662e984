//! `[[domain]]`: the domains whose servers are protected.

use std::net::SocketAddr;
use std::path::PathBuf;

use refrain_proto::Domain;

use super::file::Section;
use super::sides::{ADDRESS_ADVICE, KeyPairFiles, parse_target};

/// One hosted domain and its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedDomain {
    /// The domain.
    pub name: Domain,
    /// Where its server listens for other servers: a fixed address, never looked up.
    pub server: SocketAddr,
    /// What we show to the federated world as this domain.
    pub certificate: KeyPairFiles,
    /// Certificates that prove its server to us: its own, or its authority's. Without them it is asked at `server` by dialback.
    pub server_certificate: Option<PathBuf>,
    /// The key of this table in the file, as in `domain[0]`.
    pub key: String,
}

/// Reads all `[[domain]]` tables.
pub(super) fn read(sections: &[Section<'_>]) -> Vec<HostedDomain> {
    let mut domains: Vec<HostedDomain> = Vec::new();
    for section in sections {
        let Some(domain) = read_domain(section) else { continue };
        if domains.iter().any(|other| other.name == domain.name) {
            section.mistake("name", "this domain has been described already", "join the two [[domain]] tables");
            continue;
        }
        domains.push(domain);
    }
    domains
}

fn read_domain(section: &Section<'_>) -> Option<HostedDomain> {
    section.knows(&["name", "server", "certificate", "key", "server-certificate"]);
    section.requires("name", "write the domain that is protected, as in name = \"example.org\"");
    section.requires("server", "write where its server listens for other servers, as in server = \"127.0.0.1:15269\"");
    section.requires("certificate", "write the PEM file of the certificate that the world sees for this domain");
    let name = section.parsed("name", Domain::parse, "write a domain, as in \"example.org\"");
    let server = section.parsed("server", parse_target, ADDRESS_ADVICE);
    Some(HostedDomain {
        name: name?,
        // A server that is missing has been reported; the certificate can be checked all the same.
        server: server.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0))),
        certificate: KeyPairFiles::read(section, "certificate", "key"),
        server_certificate: section.path("server-certificate"),
        key: section.key("").trim_end_matches('.').to_owned(),
    })
}
