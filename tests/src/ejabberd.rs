//! An unmodified Debian ejabberd in the foreground, with a configuration, a database and accounts of its own.
//!
//! It runs without Erlang's distribution, so that no port mapper is started or needed.

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
    server::{PASSWORD, RunningServer, START_DEADLINE, Server, Trust, library_with},
};

/// What it writes when the accounts are there; the listeners are up before.
const READY: &str = "the accounts are there";

/// Of the modules that Debian's configuration enables, those that take part in what the tests do.
const MODULES: [&str; 12] = [
    "mod_blocking",
    "mod_caps",
    "mod_carboncopy",
    "mod_disco",
    "mod_last",
    "mod_offline",
    "mod_ping",
    "mod_privacy",
    "mod_roster",
    "mod_stream_mgmt",
    "mod_vcard",
    "mod_version",
];

/// A server before it starts: its domain, its addresses, its accounts.
#[derive(Debug)]
pub struct Ejabberd {
    domain: String,
    users: Vec<String>,
    trust: Trust,
    server_address: SocketAddr,
    direct_tls_address: SocketAddr,
    client_address: SocketAddr,
    pubsub: bool,
    folder: TempDir,
}

impl Ejabberd {
    /// Plans a server for a domain and the given accounts.
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
            pubsub: false,
            folder: must("temporary folder", tempfile::tempdir()),
        }
    }

    /// Adds a publish-subscribe service at `lists.DOMAIN`, where any user may create nodes.
    pub fn with_pubsub(mut self) -> Self {
        self.pubsub = true;
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
        self.write_files(resolver);
        let folder = self.folder.path();
        let mut command = erlang(folder);
        command.args(["-s", "ejabberd", "-eval", &self.accounts()]);
        let mut process = Process::start(format!("ejabberd {}", self.domain), &mut command);
        process.wait_until_says(READY, START_DEADLINE);
        process.wait_until_listening(self.server_address, START_DEADLINE);
        process.wait_until_listening(self.client_address, START_DEADLINE);
        process
    }

    fn write_files(&self, resolver: SocketAddr) {
        let folder = self.folder.path();
        let identity = &self.trust.identity;
        let certificate = format!("{}{}", identity.certificate, identity.key);
        must("certificate", fs::write(folder.join("server.pem"), certificate));
        must("authorities", fs::write(folder.join("authorities.pem"), &self.trust.authorities));
        must("configuration", fs::write(folder.join("ejabberd.yml"), self.config()));
        // Without `resolv_conf` the system's file would win.
        let inetrc = format!(
            "{{lookup,[\"dns\",\"file\",\"native\"]}}.\n{{resolv_conf,\"\"}}.\n{{nameserver,{{127,0,0,1}},{}}}.\n",
            resolver.port()
        );
        must("resolver file", fs::write(folder.join("inetrc"), inetrc));
    }

    fn config(&self) -> String {
        let folder = self.folder.path().display();
        let level = if std::env::var_os("REFRAIN_TESTS_DEBUG").is_some() { "debug" } else { "info" };
        let mut config = format!(
            r#"loglevel: {level}
log_rotate_count: 0
hosts: ["{domain}"]
certfiles: ["{folder}/server.pem"]
ca_file: "{folder}/authorities.pem"
s2s_use_starttls: required
auth_method: internal
auth_password_format: scram
disable_sasl_mechanisms: [digest-md5, X-OAUTH2]
listen:
  # Clients of the tests are on loopback and speak plaintext; servers never do.
  - {{ ip: "127.0.0.1", port: {client_port}, module: ejabberd_c2s, max_stanza_size: 524288 }}
  - {{ ip: "127.0.0.1", port: {server_port}, module: ejabberd_s2s_in, max_stanza_size: 524288 }}
  - {{ ip: "127.0.0.1", port: {direct_tls_port}, module: ejabberd_s2s_in, max_stanza_size: 524288, tls: true }}
modules:
"#,
            domain = self.domain,
            client_port = self.client_address.port(),
            server_port = self.server_address.port(),
            direct_tls_port = self.direct_tls_address.port(),
        );
        // With the module ejabberd no longer insists on certificates.
        let dialback = (!self.trust.certificates_required).then_some("mod_s2s_dialback");
        for module in MODULES.into_iter().chain(dialback) {
            let _ = writeln!(config, "  {module}: {{}}");
        }
        if self.pubsub {
            let _ = writeln!(
                config,
                "  mod_pubsub: {{ hosts: [\"lists.@HOST@\"], access_createnode: all, max_items_node: 10000 }}"
            );
        }
        config
    }

    /// An Erlang expression that creates the accounts and says so.
    fn accounts(&self) -> String {
        let binary = |text: &str| format!("<<\"{text}\">>");
        let users: Vec<String> = self.users.iter().map(|user| binary(user)).collect();
        let (domain, password) = (binary(&self.domain), binary(PASSWORD));
        format!(
            "[case ejabberd_auth:try_register(User, {domain}, {password}) of ok -> ok; {{error, exists}} -> ok end \
             || User <- [{}]], io:format(\"{READY}~n\").",
            users.join(", ")
        )
    }
}

impl Server for Ejabberd {
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

/// Erlang with everything it writes in the folder. `erl` is replaced by the virtual machine, so that its process id is ours.
fn erlang(folder: &Path) -> Command {
    let quoted = |path: PathBuf| format!("{:?}", path.display().to_string());
    let mut command = Command::new("erl");
    command
        .current_dir(folder)
        .env("HOME", folder)
        .env("ERL_LIBS", library_with("ejabberd-"))
        .env("ERL_CRASH_DUMP", folder.join("crash.dump"))
        .env("EJABBERD_CONFIG_PATH", folder.join("ejabberd.yml"))
        .env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"))
        // Its schedulers would otherwise spin for a while whenever they have nothing to do.
        .args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "-noinput"])
        .args(["-kernel", "inetrc", &quoted(folder.join("inetrc"))])
        .args(["-mnesia", "dir", &quoted(folder.join("mnesia"))]);
    command
}
