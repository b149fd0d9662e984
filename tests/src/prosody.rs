//! An unmodified Debian Prosody in the foreground, with a configuration, data and accounts of its own.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    authority::Identity,
    process::{Process, free_address, must},
};

/// Every account of the small Internet has this password.
pub const PASSWORD: &str = "of no importance on loopback";

/// Prosody starts in about half a second; machines of the continuous integration are slower.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// The Debian packages the end-to-end tests need.
const PACKAGES: [&str; 2] = ["prosody", "lua-unbound"];

/// The modules that Debian's configuration enables.
const DEBIAN_MODULES: &str = r#""disco"; "roster"; "saslauth"; "tls"; "blocklist"; "bookmarks"; "carbons"; "dialback"; "limits"; "pep"; "private";
    "smacks"; "vcard4"; "vcard_legacy"; "csi_simple"; "ping"; "register"; "time"; "uptime"; "version"; "posix";"#;

/// How the server proves and checks identities between servers.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The server's certificate.
    pub identity: Identity,
    /// The authorities it believes, in PEM.
    pub authorities: String,
    /// Debian's `s2s_secure_auth = true`: a peer without a valid certificate is refused, dialback or not.
    pub certificates_required: bool,
}

/// A server before it starts: its domain, its addresses, its accounts.
#[derive(Debug)]
pub struct Prosody {
    domain: String,
    users: Vec<String>,
    trust: Trust,
    server_address: SocketAddr,
    client_address: SocketAddr,
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
            client_address: free_address(),
            folder: must("temporary folder", tempfile::tempdir()),
        }
    }

    /// Returns where other servers connect.
    pub fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    /// Starts the server, which looks everything up at the resolver.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn start(self, resolver: SocketAddr) -> RunningProsody {
        let config = self.write_files(resolver);
        let mut process = Process::start(
            format!("prosody {}", self.domain),
            Command::new("prosody").arg("-F").arg("--config").arg(config).current_dir(self.folder.path()),
        );
        process.wait_until_listening(self.server_address, START_DEADLINE);
        process.wait_until_listening(self.client_address, START_DEADLINE);
        RunningProsody { process, client_address: self.client_address, _folder: self.folder }
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
s2s_direct_tls_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
-- Clients of the tests are on loopback and speak plaintext; servers never do.
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
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
            secure = self.trust.certificates_required,
            certificate = certificate.display(),
            key = key.display(),
            resolver_port = resolver.port(),
            domain = self.domain,
        );
        config
    }
}

/// A server that runs; it ends on drop.
#[derive(Debug)]
pub struct RunningProsody {
    process: Process,
    client_address: SocketAddr,
    _folder: TempDir,
}

impl RunningProsody {
    /// Returns where clients connect.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Returns the server's log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// Names the Debian packages that are not there.
pub fn missing_packages() -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|package| !is_installed(package)).collect()
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    query.is_ok_and(|answer| answer.stdout == b"installed")
}
