//! Prosody: one file beside its own, as Debian includes it.

use super::guide::Guide;
use super::site::Site;

/// Tried with Debian 12's Prosody 0.12.3 and its default configuration.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let dns = site.names_server()?;
    let (ip, port, authority) = (site.server.ip(), site.server.port(), site.authority.display());
    let (names_ip, names_port) = (dns.listen.ip(), dns.listen.port());
    // Prosody adds the system's authorities in `capath` to whatever `cafile` names, unless it is told not to.
    let text = format!(
        r#"s2s_ports = {{ {port} }}
s2s_interfaces = {{ "{ip}" }}
s2s_direct_tls_ports = {{ }}
s2s_secure_auth = true
s2s_ssl = {{ cafile = "{authority}"; capath = false }}
unbound = {{
    resolvconf = false;
    forward = {{ "{names_ip}@{names_port}" }};
    options = {{ ["do-not-query-localhost:"] = "no" }};
}}
"#
    );
    let guide = Guide::new(site.title("Prosody"))
        .step("Install the resolver that Prosody can be told where to ask:", "apt install lua-unbound")
        .step("Write /etc/prosody/conf.d/refrain.cfg.lua (it must be included from prosody.cfg.lua, as Debian does):", text)
        .step("Start Refrain, then restart Prosody; reloading it is not enough for its ports and its resolver:", "systemctl restart prosody")
        .trusts(format!(
            "For other servers, {authority} and nothing else: so nobody but Refrain is any remote domain. Without `capath = false` \
             it would trust every authority in /etc/ssl/certs as well."
        ))
        .trusts("A VirtualHost with an ssl or s2s_ssl of its own decides for itself: give it the same cafile and capath.")
        .trusts("Domains in s2s_insecure_domains are believed by dialback; DNS leads that to Refrain too, which vouches only for itself.")
        .note(dialback_note(site))
        .note("All of Prosody's own lookups go to Refrain's name server, which knows nobody else: name what it fetches by HTTP, if anything, in /etc/hosts.");
    Ok(guide)
}

fn dialback_note(site: &Site<'_>) -> String {
    if site.is_asked_by_dialback() {
        format!(
            "Refrain asks Prosody by dialback at {} who it is, so keep \"dialback\" in modules_enabled; or name its certificate as server-certificate in [[domain]].",
            site.server
        )
    } else {
        "Refrain knows Prosody by its server-certificate.".to_owned()
    }
}
