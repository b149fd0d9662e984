//! The built `refrain` binary, started as an operator would: `refrain run --config FILE`.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::OnceLock,
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::{
    authority::{Authority, Identity},
    process::{Process, free_address, must},
};

/// Compiling three filters for the first time takes a few seconds in a debug build.
const START_DEADLINE: Duration = Duration::from_secs(60);

/// The drain has a bound of its own (`limits.drain-seconds`, 20 by default); past that something hangs.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// A hosted domain as the configuration describes it.
#[derive(Clone, Debug)]
pub struct HostedDomain {
    /// The domain.
    pub name: String,
    /// Where its server listens for other servers.
    pub server: SocketAddr,
    /// What the outside sees as this domain.
    pub identity: Identity,
    /// What proves the server inside, in PEM; without it, dialback does.
    pub server_certificate: Option<String>,
}

/// The name server of the hosted servers.
#[derive(Clone, Copy, Debug)]
pub struct InsideDns {
    /// Where they ask.
    pub listen: SocketAddr,
    /// The host that every remote service is said to be at.
    pub name: &'static str,
}

/// A proxy before it starts.
#[derive(Debug)]
pub struct Refrain {
    /// Where the outside connects.
    pub outside: SocketAddr,
    /// Where the outside connects with TLS from the first byte.
    pub outside_tls: Option<SocketAddr>,
    /// Where the hosted servers connect.
    pub inside: SocketAddr,
    /// Who answers DNS questions.
    pub resolver: SocketAddr,
    /// Where it answers those of the hosted servers.
    pub inside_dns: Option<InsideDns>,
    /// Authorities trusted outside, in PEM.
    pub roots: String,
    /// Mints the certificates that the hosted servers see.
    pub authority: Authority,
    /// The hosted domains.
    pub domains: Vec<HostedDomain>,
    /// The rest of the configuration: peers, chain, filters, limits.
    pub rest: String,
}

impl Refrain {
    /// Picks where a proxy can listen: outside and inside.
    pub fn listeners() -> (SocketAddr, SocketAddr) {
        (free_address(), free_address())
    }

    /// Starts the proxy and waits for both its listeners.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn start(&self) -> RunningRefrain {
        self.start_by(&mut Command::new(binary()))
    }

    /// Starts the proxy through a prepared command (say, pinned to a core), to which the arguments are added.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn start_by(&self, command: &mut Command) -> RunningRefrain {
        let folder = must("temporary folder", tempfile::tempdir());
        let config = folder.path().join("refrain.toml");
        must("configuration", fs::write(&config, self.config(folder.path())));
        let command = command.arg("run").arg("--config").arg(config).env("NO_COLOR", "1");
        let mut process = Process::start("refrain", command);
        process.wait_until_listening(self.outside, START_DEADLINE);
        process.wait_until_listening(self.inside, START_DEADLINE);
        RunningRefrain { process, folder }
    }

    fn config(&self, folder: &Path) -> String {
        let roots = folder.join("roots.crt");
        must("roots", fs::write(&roots, &self.roots));
        let (authority, authority_key) = self.authority.identity().write(folder, "authority");
        let direct_tls: String =
            self.outside_tls.map(|listen| format!("listen-tls = [\"{listen}\"]\n")).into_iter().collect();
        let mut config = format!(
            "[outside]\nlisten = [\"{}\"]\n{direct_tls}resolver = [\"{}\"]\nroots = {roots:?}\nprivate-addresses = true\n\n\
             [inside]\nlisten = [\"{}\"]\nauthority = {authority:?}\nauthority-key = {authority_key:?}\n\n",
            self.outside, self.resolver, self.inside,
        );
        if let Some(InsideDns { listen, name }) = self.inside_dns {
            let _ = writeln!(config, "[inside.dns]\nlisten = \"{listen}\"\nname = {name:?}\n");
        }
        for domain in &self.domains {
            domain.describe(folder, &mut config);
        }
        config + &self.rest
    }
}

impl HostedDomain {
    fn describe(&self, folder: &Path, config: &mut String) {
        let (certificate, key) = self.identity.write(folder, &self.name);
        let (name, server) = (&self.name, self.server);
        let _ = writeln!(
            config,
            "[[domain]]\nname = {name:?}\nserver = \"{server}\"\ncertificate = {certificate:?}\nkey = {key:?}",
        );
        if let Some(certificate) = &self.server_certificate {
            let pin = folder.join(format!("{}.server.crt", self.name));
            must("server certificate", fs::write(&pin, certificate));
            let _ = writeln!(config, "server-certificate = {pin:?}");
        }
        config.push('\n');
    }
}

/// A proxy that runs; it ends on drop.
#[derive(Debug)]
pub struct RunningRefrain {
    process: Process,
    folder: TempDir,
}

/// What the proxy says became of the stanzas, in its last words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Stanzas that entered the pipeline.
    pub accepted: u64,
    /// Of these, written to the next server.
    pub forwarded: u64,
    /// Answered with an error.
    pub bounced: u64,
    /// Discarded by a filter.
    pub dropped: u64,
    /// None of the above.
    pub lost: u64,
}

impl RunningRefrain {
    /// Returns the operating system's number for the process.
    pub fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Returns the proxy's log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Writes another configuration and has it reloaded (SIGHUP).
    ///
    /// # Panics
    /// When the file cannot be written, or the proxy is gone.
    pub fn reconfigure(&self, plan: &Refrain) {
        let config = plan.config(self.folder.path());
        must("configuration", fs::write(self.folder.path().join("refrain.toml"), config));
        self.process.signal(Signal::HUP);
    }

    /// Sends SIGTERM, waits for the drain and returns the exit status and the closing account.
    ///
    /// # Panics
    /// When the proxy does not end in time or does not say how many stanzas it took in and let out.
    pub fn drain(&mut self) -> (ExitStatus, Account) {
        let status = self.process.terminate(DRAIN_DEADLINE);
        let log = self.process.log();
        let last = log.lines().rev().find(|line| line.contains("refrain stopped"));
        let last = last.unwrap_or_else(|| panic!("no closing account ({status})\n{log}"));
        let count = |name: &str| count(last, name).unwrap_or_else(|| panic!("no {name} in: {last}"));
        let account = Account {
            accepted: count("accepted"),
            forwarded: count("forwarded"),
            bounced: count("bounced"),
            dropped: count("dropped"),
            lost: count("lost"),
        };
        (status, account)
    }
}

/// The number behind a name, whether the log is for people (`lost=0`) or for machines (`"lost":0`).
fn count(line: &str, name: &str) -> Option<u64> {
    let digits = line.split(name).nth(1)?.trim_start_matches(['=', '"', ':']);
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Returns the `refrain` to test: `REFRAIN_BIN`, or the one built next to this executable; builds it when it is missing.
/// `cargo test --workspace` keeps it fresh, because the proxy's own tests run it; `cargo test -p refrain-tests` does not.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("REFRAIN_BIN") {
        Some(path) => PathBuf::from(path),
        None => built_binary(),
    })
}

fn built_binary() -> PathBuf {
    let own = must("own executable", env::current_exe());
    let mut folder = own.parent().unwrap_or(Path::new("."));
    if folder.ends_with("deps") {
        folder = folder.parent().unwrap_or(folder);
    }
    let binary = folder.join("refrain");
    if !binary.exists() {
        build(folder);
    }
    binary
}

fn build(profile_folder: &Path) {
    eprintln!(
        "*** {} is missing: building it with cargo build -p refrain ***",
        profile_folder.join("refrain").display()
    );
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "-p", "refrain", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")]);
    cargo.arg("--target-dir").arg(profile_folder.parent().unwrap_or(profile_folder));
    if profile_folder.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(must("cargo", cargo.status()).success(), "cargo build -p refrain failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_closing_account() {
        let line = r#"{"message":"refrain stopped","totals":"accepted=12 forwarded=9 bounced=2 dropped=1","lost":0}"#;
        assert_eq!((count(line, "accepted"), count(line, "lost")), (Some(12), Some(0)));
        assert_eq!(count(line, "quarantined"), None);
    }
}
