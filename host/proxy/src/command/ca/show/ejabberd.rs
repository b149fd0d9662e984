//! ejabberd: its configuration, and the resolver of the Erlang runtime under it.

use super::erlang::{self, Hosts};
use super::guide::Guide;
use super::site::Site;
use crate::config::InsideDns;

/// Tried with Debian 12's ejabberd 23.01 and its default configuration.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let dns = site.names_server()?;
    let guide = find_us(trust_us(Guide::new(site.title("ejabberd")), site), dns);
    Ok(guide
        .step(
            "Start Refrain, then restart ejabberd; the resolver is read at its start alone:",
            "systemctl restart ejabberd",
        )
        .trusts(format!(
            "For other servers, {} and nothing else: s2s_cafile takes the place of ca_file. A host_config with an s2s_cafile of \
             its own decides for itself.",
            site.authority.display()
        ))
        .trusts(
            "Where mod_s2s_dialback stays, dialback too, and the certificate of a server that it connects to is not checked. Do \
             that only behind a firewall, for the next reason.",
        )
        .note(
            "While Refrain's name server does not answer, ejabberd tries port 5269 of the very host that a domain is, as the \
             operating system knows it. It trusts no certificate there; a firewall should keep it from trying.",
        )
        .note(format!(
            "Debian's AppArmor profile for ejabberd only complains; where it is enforced, let it read {}.",
            site.authority.display()
        ))
        .note("Only XMPP services are looked up at Refrain's name server; databases and the like are found as before."))
}

fn trust_us(guide: Guide, site: &Site<'_>) -> Guide {
    let (ip, port) = (site.server.ip(), site.server.port());
    let guide = guide
        .step(
            "In /etc/ejabberd/ejabberd.yml, put this in the place of the listener on port 5269, under `listen:`",
            format!(
                "  -\n    port: {port}\n    ip: \"{ip}\"\n    module: ejabberd_s2s_in\n    max_stanza_size: 524288\n"
            ),
        )
        .step(
            "and these two lines in the place of s2s_use_starttls and s2s_cafile, if they are there:",
            format!("s2s_cafile: \"{}\"\ns2s_use_starttls: required\n", site.authority.display()),
        )
        .step(
            "Take this out, under `modules:`, so that nothing but certificates proves another server:",
            "  mod_s2s_dialback: {}\n",
        );
    if !site.is_asked_by_dialback() {
        return guide;
    }
    guide
        .step(
            "Let Refrain know ejabberd by its certificate, because it cannot be asked by dialback any more:",
            "openssl x509 -in /etc/ejabberd/ejabberd.pem -out /etc/refrain/ejabberd.crt",
        )
        .step(
            "and write in each of its [[domain]] tables in refrain.toml:",
            "server-certificate = \"/etc/refrain/ejabberd.crt\"\n",
        )
}

fn find_us(guide: Guide, dns: &InsideDns) -> Guide {
    let guide = guide
        .step(
            "Write /etc/ejabberd/inetrc, which ejabberdctl hands to Erlang as ERL_INETRC:",
            erlang::inetrc(dns, Hosts::System),
        )
        .step(
            "Where ejabberdctl does not, name that file in ejabberdctl.cfg, beside what is there:",
            "ERL_OPTIONS=\"-kernel inetrc \\\"/etc/ejabberd/inetrc\\\"\"",
        );
    match erlang::hosts(dns) {
        Some(hosts) => guide
            .step("Add to /etc/hosts, because ejabberd looks services up at its name server, but hosts there:", hosts),
        None => guide,
    }
}
