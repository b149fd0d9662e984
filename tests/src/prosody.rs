//! An unmodified Debian Prosody in the foreground, with a configuration, data and accounts of its own.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{
    process::{Process, free_address, must},
    server::{PASSWORD, RunningServer, START_DEADLINE, Server, Trust},
};

/// The modules that Debian's configuration enables.
const DEBIAN_MODULES: &str = r#""disco"; "roster"; "saslauth"; "tls"; "blocklist"; "bookmarks"; "carbons"; "dialback"; "limits"; "pep"; "private";
    "smacks"; "vcard4"; "vcard_legacy"; "csi_simple"; "ping"; "register"; "time"; "uptime"; "version"; "posix";"#;

/// A server before it starts: its domain, its addresses, its accounts.
#[derive(Debug)]
pub struct Prosody {
    domain: String,
    users: Vec<String>,
    trust: Trust,
    server_address: SocketAddr,
    direct_tls_address: SocketAddr,
    client_address: SocketAddr,
    /// The rest of the configuration: components.
    components: String,
    folder: TempDir,
}

impl Prosody {
    /// Plans a server for a domain, its rooms at `rooms.DOMAIN` and the given accounts.
    ///
    /// # Panics
    /// When there is no place for its files.
    pub fn new(domain: &str, users: &[&str], trust: Trust) -> Self {
        Self {
            domain: domain.to_owned(),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            trust,
            server_address: free_address(),
            direct_tls_address: free_address(),
            client_address: free_address(),
            components: String::new(),
            folder: must("temporary folder", tempfile::tempdir()),
        }
    }

    /// Adds a publish-subscribe service at `lists.DOMAIN`, which a user may administer.
    pub fn with_pubsub(mut self, publisher: &str) -> Self {
        let domain = &self.domain;
        self.components = format!(
            "Component \"lists.{domain}\" \"pubsub\"\n    admins = {{ \"{publisher}@{domain}\" }}\n    pubsub_max_items = 10000\n"
        );
        self
    }

    /// Where clients connect.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Runs it on its files, which are there from the last time perhaps.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn launch(&self, resolver: SocketAddr) -> Process {
        let config = self.write_files(resolver);
        let mut process = Process::start(
            format!("prosody {}", self.domain),
            Command::new("prosody").arg("-F").arg("--config").arg(config).current_dir(self.folder.path()),
        );
        process.wait_until_listening(self.server_address, START_DEADLINE);
        process.wait_until_listening(self.client_address, START_DEADLINE);
        process
    }

    fn write_files(&self, resolver: SocketAddr) -> PathBuf {
        let folder = self.folder.path();
        self.write_accounts(&folder.join("data"));
        must("authorities", fs::write(folder.join("authorities.crt"), &self.trust.authorities));
        let (certificate, key) = self.trust.identity.write(folder, "server");
        let config = folder.join("prosody.cfg.lua");
        must("configuration", fs::write(&config, self.config(resolver, &certificate, &key)));
        config
    }

    fn write_accounts(&self, data: &Path) {
        let accounts = data.join(self.domain.replace('.', "%2e")).join("accounts");
        must("accounts", fs::create_dir_all(&accounts));
        for user in &self.users {
            let account = format!("return {{ [\"password\"] = \"{PASSWORD}\"; }};\n");
            must("account", fs::write(accounts.join(format!("{user}.dat")), account));
        }
    }

    fn config(&self, resolver: SocketAddr, certificate: &Path, key: &Path) -> String {
        let folder = self.folder.path().display();
        let mut config = format!("modules_enabled = {{ {DEBIAN_MODULES} }}\nrun_as_root = true\n");
        let level = if std::env::var_os("REFRAIN_TESTS_DEBUG").is_some() { "debug" } else { "info" };
        let _ = write!(
            config,
            r#"pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
log = {{ {level} = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {client_port} }}
s2s_ports = {{ {server_port} }}
c2s_direct_tls_ports = {{ }}
s2s_direct_tls_ports = {{ {direct_tls_port} }}
http_ports = {{ }}
https_ports = {{ }}
-- Clients of the tests are on loopback and speak plaintext; servers never do.
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
-- A large stanza would otherwise take its time: a client may send 10 KiB a second.
limits = {{ c2s = {{ rate = "10mb/s" }}; s2sin = {{ rate = "10mb/s" }} }}
s2s_secure_auth = {secure}
ssl = {{ certificate = "{certificate}"; key = "{key}"; cafile = "{folder}/authorities.crt" }}
-- libunbound takes names under .test for its own and does not ask localhost unless told to.
unbound = {{
    resolvconf = false;
    forward = {{ "127.0.0.1@{resolver_port}" }};
    options = {{ ["do-not-query-localhost:"] = "no" }};
}}
VirtualHost "{domain}"
Component "rooms.{domain}" "muc"
    restrict_room_creation = false
    muc_room_default_public = true
"#,
            client_port = self.client_address.port(),
            server_port = self.server_address.port(),
            direct_tls_port = self.direct_tls_address.port(),
            secure = self.trust.certificates_required,
            certificate = certificate.display(),
            key = key.display(),
            resolver_port = resolver.port(),
            domain = self.domain,
        );
        config + &self.components
    }
}

impl Server for Prosody {
    fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    fn direct_tls_address(&self) -> SocketAddr {
        self.direct_tls_address
    }

    fn start(self: Box<Self>, resolver: SocketAddr) -> RunningServer {
        let process = self.launch(resolver);
        RunningServer { processes: vec![process], client_address: self.client_address, _folder: self.folder }
    }
}
