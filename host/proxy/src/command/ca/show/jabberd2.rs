//! jabberd2: its s2s process alone is told; the others know nothing of other servers.

use super::guide::Guide;
use super::site::Site;

/// Tried with Debian 12's jabberd2 2.7.0 and its default configuration.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let dns = site.names_server()?;
    let (ip, port) = (site.server.ip(), site.server.port());
    let (names_ip, names_port) = (dns.listen.ip(), dns.listen.port());
    let local =
        format!("    <ip>{ip}</ip>\n    <port>{port}</port>\n    <pemfile>/etc/jabberd2/server.pem</pemfile>\n");
    let guide = Guide::new(site.title("jabberd2"))
        .step("In /etc/jabberd2/s2s.xml, in <local>, put these in the place of <ip>, <port> and the commented <pemfile>:", local)
        .step("in <security>, so that nothing is sent in the clear:", "    <require_tls/>\n")
        .step(
            "Make its certificate, if there is none yet: a key and a certificate in one file that only its user may read. Refrain \
             does not look at the names in it unless you write server-certificate in [[domain]]:",
            format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=jabberd2 -addext subjectAltName=DNS:{domains} \\\n    \
                 -keyout /etc/jabberd2/server.key -out /etc/jabberd2/server.crt\n\
                 cat /etc/jabberd2/server.crt /etc/jabberd2/server.key > /etc/jabberd2/server.pem\n\
                 chown jabber: /etc/jabberd2/server.pem && chmod 600 /etc/jabberd2/server.pem",
                domains = site.names(",DNS:")
            ),
        )
        .step(
            "Write /etc/systemd/system/jabberd-s2s.service.d/refrain.conf; its resolver (udns) takes the name server from its environment:",
            format!("[Service]\nEnvironment=NAMESERVERS={names_ip} RES_OPTIONS=port:{names_port}"),
        )
        .step("Start Refrain, then restart jabberd2's s2s:", "systemctl daemon-reload\nsystemctl restart jabberd-s2s")
        .trusts(
            "Dialback alone: it does not check certificates between servers. Who is a remote domain, is who DNS says it is, so \
             the name server is what keeps everybody but Refrain out; nothing but Refrain should be able to answer there.",
        )
        .note("It takes stanzas up to <stanzasize>, 65535 bytes by default; raise it towards Refrain's limits.stanza-bytes-max.")
        .note("It sends to all remote domains over one connection (<out-conn-reuse/>); Refrain understands that.");
    Ok(system_resolver_note(guide, site))
}

/// The alternative to the environment is /etc/resolv.conf, which would lead us to ourselves.
fn system_resolver_note(guide: Guide, site: &Site<'_>) -> Guide {
    if !site.asks_system {
        return guide;
    }
    guide.note(
        "Do not write the name server into /etc/resolv.conf instead: outside.resolver is \"system\", and Refrain would ask itself.",
    )
}
