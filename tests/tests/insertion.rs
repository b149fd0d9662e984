//! What `refrain ca show` prints, given to a server with the configuration that Debian installs.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use refrain_tests::{
    authority::{Authority, Identity},
    client::{Client, body_of},
    dns::{Responder, Zone},
    internet::{AWAY, HOME},
    process::{Process, free_address},
    refrain::binary,
    server::{PASSWORD, Software, Trust, are_installed},
    steps::chat_both_ways,
};

/// As the package installs it.
const DEBIAN: &str = "/etc/prosody/prosody.cfg.lua";

/// Prosody starts in half a second; machines of the continuous integration are slower.
const DEADLINE: Duration = Duration::from_secs(60);

/// A remote server that goes past the proxy.
const STRANGER: &str = "stranger.example";

#[tokio::test]
async fn prosody_as_debian_configures_it_follows_the_printed_page_and_believes_nobody_but_refrain() {
    if !are_installed(&[Software::Prosody]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let public = Authority::new("Public test authority");
    let plan = |domain: &str, user: &str, certificates_required| {
        let trust = Trust { identity: public.issue(&[domain]), authorities: public.pem(), certificates_required };
        Software::Prosody.plan(domain, &[user], trust)
    };
    // The stranger takes whatever certificate it is shown, and has one that the world believes.
    let (away, stranger) = (plan(AWAY[0], "bob", true), plan(STRANGER, "mallory", false));
    let [outside, server, clients] = [(); 3].map(|()| free_address());
    let world = Zone::default().with(AWAY[0], away.server_address()).with(HOME[0], outside);
    // For the stranger the way to the protected server itself is open.
    let detour = Zone::default().with(HOME[0], server);
    let [world, detour] = [world, detour].map(Responder::start);

    let config = write_gateway(folder.path(), outside, server, world.address(), &public);
    let mut command = Command::new(binary());
    let mut gateway = Process::start("refrain", command.args(["run", "--config"]).arg(&config));
    gateway.wait_until_listening(outside, DEADLINE);
    let mut prosody = start_debians_prosody(folder.path(), &page(&config), clients, &public);
    prosody.wait_until_listening(server, DEADLINE);
    prosody.wait_until_listening(clients, DEADLINE);
    let (away, stranger) = (away.start(world.address()), stranger.start(detour.address()));

    let mut alice = Client::login("alice@home.example", clients).await;
    let mut bob = Client::login("bob@away.example", away.client_address()).await;
    chat_both_ways(&mut alice, &mut bob).await;

    let mut mallory = Client::login("mallory@stranger.example", stranger.client_address()).await;
    mallory.send(&format!("<message to='{}' type='chat' id='past'><body>trust me</body></message>", alice.jid()));
    mallory.expect_error("past").await;
    alice.expect_nothing("a message that did not pass Refrain", |stanza| body_of(stanza).is_some()).await;
}

/// The configuration of the proxy as an operator writes it; returns its path.
fn write_gateway(
    folder: &Path,
    outside: SocketAddr,
    server: SocketAddr,
    resolver: SocketAddr,
    public: &Authority,
) -> PathBuf {
    fs::write(folder.join("roots.pem"), public.pem()).unwrap();
    let (authority, authority_key) = Authority::new("Inside test authority").identity().write(folder, "inside-ca");
    let (certificate, key) = public.issue(&[HOME[0]]).write(folder, "public");
    let (inside, names) = (free_address(), free_address());
    let text = format!(
        "[outside]\nlisten = '{outside}'\nresolver = '{resolver}'\nroots = 'roots.pem'\nprivate-addresses = true\n\
         [inside]\nlisten = '{inside}'\nauthority = {authority:?}\nauthority-key = {authority_key:?}\n\
         [inside.dns]\nlisten = '{names}'\n\
         [[domain]]\nname = 'home.example'\nserver = '{server}'\ncertificate = {certificate:?}\nkey = {key:?}\n"
    );
    let config = folder.join("refrain.toml");
    fs::write(&config, text).unwrap();
    config
}

/// The file that the page tells to write.
fn page(config: &Path) -> String {
    let shown =
        Command::new(binary()).args(["ca", "show", "--for", "prosody", "--config"]).arg(config).output().unwrap();
    let page = String::from_utf8(shown.stdout).unwrap();
    let file = page.split("\n\n").find(|part| part.starts_with("s2s_ports"));
    file.unwrap_or_else(|| panic!("{page}\n{}", String::from_utf8_lossy(&shown.stderr))).to_owned()
}

/// Debian's configuration with what the page says beside it; only its paths and the clients' side are changed. The operating system's
/// authorities, as Prosody knows them, vouch for everybody that `public` does.
fn start_debians_prosody(folder: &Path, page: &str, clients: SocketAddr, public: &Authority) -> Process {
    let place = folder.display();
    for sub in ["conf.d", "certs", "system-authorities", "data/home%2eexample/accounts"] {
        fs::create_dir_all(folder.join(sub)).unwrap();
    }
    fs::write(folder.join("system-authorities/public.pem"), public.pem()).unwrap();
    let hashed = Command::new("openssl").arg("rehash").arg(folder.join("system-authorities")).status().unwrap();
    assert!(hashed.success());
    Identity::self_signed(&[HOME[0]]).write(&folder.join("certs"), HOME[0]);
    let account = format!("return {{ [\"password\"] = \"{PASSWORD}\"; }};\n");
    fs::write(folder.join("data/home%2eexample/accounts/alice.dat"), account).unwrap();
    fs::write(folder.join("conf.d/home.cfg.lua"), "VirtualHost \"home.example\"\n").unwrap();
    fs::write(folder.join("conf.d/refrain.cfg.lua"), page).unwrap();
    let own = format!(
        "data_path = \"{place}/data\"\nrun_as_root = true\nc2s_ports = {{ {} }}\nc2s_interfaces = {{ \"127.0.0.1\" }}\n\
         c2s_require_encryption = false\nallow_unencrypted_plain_auth = true\n\
         ssl = {{ capath = \"{place}/system-authorities\" }}\n",
        clients.port()
    );
    let debian = fs::read_to_string(DEBIAN).unwrap();
    let here = format!("{place}/");
    let moved =
        debian.replace("/run/prosody/", &here).replace("/var/log/prosody/", &here).replace("\"syslog\"", "\"console\"");
    let config = folder.join("prosody.cfg.lua");
    fs::write(&config, own + &moved).unwrap();
    Process::start("prosody home.example", Command::new("prosody").arg("-F").arg("--config").arg(config))
}
