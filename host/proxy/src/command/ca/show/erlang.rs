//! How the resolver of the Erlang runtime is told whom to ask.

use std::net::IpAddr;

use crate::config::InsideDns;

/// Who knows hosts, besides the files of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hosts {
    /// The operating system, as before: XMPP services alone are led to us.
    System,
    /// Our name server: every host that no file names is us.
    NameServer,
}

/// The file that ERL_INETRC or `-kernel inetrc` names.
pub(super) fn inetrc(dns: &InsideDns, hosts: Hosts) -> String {
    let (server, port) = (tuple(dns.listen.ip()), dns.listen.port());
    let second = match hosts {
        Hosts::System => "native",
        Hosts::NameServer => "dns",
    };
    // Without the second line the runtime takes the name servers of /etc/resolv.conf as well.
    format!("{{lookup, [\"file\", \"{second}\"]}}.\n{{resolv_conf, \"\"}}.\n{{nameserver, {server}, {port}}}.\n")
}

/// The lines of /etc/hosts that say where the host of all services is; none when everybody knows.
pub(super) fn hosts(dns: &InsideDns) -> Option<String> {
    let lines = dns.address.iter().map(|address| format!("{address} {}\n", dns.name.to_ascii()));
    (dns.name.as_str() != "localhost").then(|| lines.collect())
}

/// An address as Erlang writes it.
fn tuple(address: IpAddr) -> String {
    let parts: Vec<String> = match address {
        IpAddr::V4(address) => address.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(address) => address.segments().iter().map(u16::to_string).collect(),
    };
    format!("{{{}}}", parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tuples_of_numbers() {
        assert_eq!(tuple("127.0.0.1".parse().unwrap()), "{127,0,0,1}");
        assert_eq!(tuple("fd00::1".parse().unwrap()), "{64768,0,0,0,0,0,0,1}");
    }
}
