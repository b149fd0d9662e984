//! Openfire: system properties, and a truststore. It needs no name server of ours.

use std::net::IpAddr;

use super::guide::Guide;
use super::site::Site;

/// Written after Openfire's guides and source; not tried.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let (port, authority, gateway) = (site.server.port(), site.authority.display(), site.gateway);
    if let IpAddr::V6(ip) = gateway.ip() {
        return Err(format!(
            "{ip}: Openfire's DNS overrides cannot hold an IPv6 address; let Refrain listen on an IPv4 one inside"
        ));
    }
    let properties = format!(
        "dnsutil.dnsOverride               {{*,{gateway}}}\n\
         xmpp.server.socket.port           {port}\n\
         xmpp.server.tls.policy            required\n\
         xmpp.server.certificate.verify    true\n\
         xmpp.server.certificate.accept-selfsigned  false\n"
    );
    let import = format!(
        "keytool -importcert -noprompt -alias refrain-inside -file {authority} \\\n    \
         -keystore /usr/share/openfire/resources/security/truststore -storepass changeit\n"
    );
    Ok(Guide::new(site.title("Openfire"))
        .step("Trust Refrain's authority for other servers (or paste it in the Admin Console, TLS/SSL Certificates, Server Trust Store):", import)
        .step("Set these in the Admin Console, Server Manager, System Properties (the first is also at Server Settings, DNS Overrides):", properties)
        .step("Start Refrain, then restart Openfire:", "systemctl restart openfire")
        .trusts(
            "Every authority in that truststore: Openfire ships it with the public ones. Delete them, or a server that reaches \
             Openfire directly can prove itself with a public certificate: `keytool -list` shows them, `keytool -delete -alias NAME` takes one out.",
        )
        .trusts("Dialback, while xmpp.server.dialback.enabled is true (its default): the DNS override leads that to Refrain, which vouches only for itself.")
        .note(format!(
            "Keep everybody but Refrain from port {port}: Openfire listens on all addresses unless network.interface in openfire.xml names one."
        ))
        .note("Refrain asks it by dialback who it is, unless [[domain]] names its server-certificate; leave dialback enabled for that.")
        .note("This page was written after its guides and source (5.x) and has not been tried. In versions before 4.7 the override \"*\" may be unknown; then name each remote domain."))
}
