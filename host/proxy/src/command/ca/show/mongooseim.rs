//! MongooseIM: its configuration, and the resolver of the Erlang runtime under it.

use super::erlang::{self, Hosts};
use super::guide::Guide;
use super::site::Site;

/// Written after the documentation of MongooseIM 6.5; not tried.
pub(super) fn guide(site: &Site<'_>) -> Result<Guide, String> {
    let (ip, port, authority) = (site.server.ip(), site.server.port(), site.authority.display());
    let text = format!(
        r#"[[listen.s2s]]
  port = {port}
  ip_address = "{ip}"
  tls.mode = "starttls_required"
  tls.verify_mode = "peer"
  tls.cacertfile = "{authority}"
  tls.certfile = "priv/ssl/fake_server.pem"   # as it is in the listener you have

[s2s.outgoing]
  tls.mode = "starttls_required"
  tls.verify_mode = "peer"
  tls.cacertfile = "{authority}"
  tls.certfile = "priv/ssl/fake_server.pem"   # likewise
"#
    );
    let guide = Guide::new(site.title("MongooseIM"))
        .step("In mongooseim.toml, put these in the place of [[listen.s2s]] and of what [s2s] says about TLS:", text);
    Ok(find_us(guide, site)
        .step("Start Refrain, then restart MongooseIM:", "mongooseimctl restart")
        .trusts(format!("For other servers, {authority}, in both directions; dialback as well, which DNS leads to Refrain."))
        .note("This page was written after its documentation (6.5) and has not been tried. Before 6.4 the keys were others: use_starttls = \"required_trusted\" and certfile in [s2s].")
        .note("Federation does not work with its dynamic domains."))
}

/// By name server if there is one, else domain by domain: there is no address for all. It looks for a host of the domain's own name
/// before it believes in its service, so hosts have to be found there, too.
fn find_us(guide: Guide, site: &Site<'_>) -> Guide {
    match site.dns {
        Some(dns) => guide
            .step("Write /etc/mongooseim/inetrc:", erlang::inetrc(dns, Hosts::NameServer))
            .note(
                "All lookups of MongooseIM go to Refrain's name server, which knows nobody else: name databases and the like in \
                 /etc/hosts.",
            )
            .step("Name it in vm.args:", "-kernel inetrc '\"/etc/mongooseim/inetrc\"'"),
        None => guide.step(
            "In [s2s.outgoing], name each remote domain that it should reach (with [inside.dns] in refrain.toml, none would have to be named):",
            format!(
                "  address = [\n    {{host = \"away.example\", ip_address = \"{}\", port = {}}},\n  ]\n",
                site.gateway.ip(),
                site.gateway.port()
            ),
        ),
    }
}
