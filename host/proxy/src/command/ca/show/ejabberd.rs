//! ejabberd: its configuration, and the resolver of the Erlang runtime under it.

use super::erlang;
use super::guide::Guide;
use super::site::Site;

/// Tried with Debian 12's ejabberd 23.01 and its default configuration.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let dns = site.names_server()?;
    let (ip, port, authority) = (site.server.ip(), site.server.port(), site.authority.display());
    let listener =
        format!("  -\n    port: {port}\n    ip: \"{ip}\"\n    module: ejabberd_s2s_in\n    max_stanza_size: 524288\n");
    let trust = format!("s2s_cafile: \"{authority}\"\ns2s_use_starttls: required\n");
    let mut guide = Guide::new(site.title("ejabberd"))
        .step(
            "In /etc/ejabberd/ejabberd.yml, put this in the place of the listener on port 5269, under `listen:`",
            listener,
        )
        .step("and these two lines in the place of s2s_use_starttls and s2s_cafile, if they are there:", trust)
        .step(
            "Write /etc/ejabberd/inetrc, which Debian's ejabberdctl hands to Erlang as ERL_INETRC:",
            erlang::inetrc(dns),
        )
        .step(
            "Elsewhere, name that file in ejabberdctl.cfg:",
            "ERL_OPTIONS=\"-kernel inetrc \\\"/etc/ejabberd/inetrc\\\"\"",
        );
    if let Some(hosts) = erlang::hosts(dns) {
        guide = guide
            .step("Add to /etc/hosts, because ejabberd looks services up at its name server, but hosts there:", hosts);
    }
    let guide = guide
        .step("Start Refrain, then restart ejabberd; the resolver is read at its start alone:", "systemctl restart ejabberd")
        .trusts(format!("For other servers' certificates, {authority} and nothing else: s2s_cafile takes the place of ca_file."))
        .trusts(
            "With mod_s2s_dialback, which Debian enables, it also believes dialback, and does not check the certificate of a server \
             that it connects to. DNS leads both to Refrain, which vouches only for itself, so that is as safe as the path to the \
             name server. To insist on certificates, remove mod_s2s_dialback and give each [[domain]] its server-certificate.",
        )
        .note(dialback_note(site))
        .note(format!("Debian's AppArmor profile for ejabberd only complains; where it is enforced, let it read {authority}."))
        .note("Only XMPP services are looked up at Refrain's name server; databases and the like are found as before.");
    Ok(guide)
}

fn dialback_note(site: &Site<'_>) -> String {
    if site.is_asked_by_dialback() {
        format!(
            "Refrain asks ejabberd by dialback at {} who it is: that needs mod_s2s_dialback. Or name its certificate as \
             server-certificate in [[domain]]; `openssl x509 -in /etc/ejabberd/ejabberd.pem` prints it without its key.",
            site.server
        )
    } else {
        "Refrain knows ejabberd by its server-certificate.".to_owned()
    }
}
