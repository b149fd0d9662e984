//! A real XMPP server, whichever it is: planned, started in the foreground with files of its own, reached by clients.

use std::{
    fmt::Debug,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    authority::Identity,
    ejabberd::Ejabberd,
    jabberd2::Jabberd2,
    process::{Process, must},
    prosody::Prosody,
};

/// Every account of the small Internet has this password.
pub const PASSWORD: &str = "of no importance on loopback";

/// Prosody starts in half a second, ejabberd in two; machines of the continuous integration are slower.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(60);

/// A server as Debian packages it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Software {
    /// Prosody 0.12.3.
    Prosody,
    /// ejabberd 23.01.
    Ejabberd,
    /// jabberd2 2.7.0.
    Jabberd2,
}

/// How a server proves and checks identities between servers.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The server's certificate.
    pub identity: Identity,
    /// The authorities it believes, in PEM.
    pub authorities: String,
    /// Debian's `s2s_secure_auth = true`: a peer without a valid certificate is refused, dialback or not.
    pub certificates_required: bool,
}

/// A server before it starts: it knows its addresses, and writes its files when it is told where to look names up.
pub trait Server: Debug {
    /// Returns where other servers connect.
    fn server_address(&self) -> SocketAddr;

    /// Returns where other servers connect with TLS from the first byte.
    ///
    /// # Panics
    /// When the server does not know that.
    fn direct_tls_address(&self) -> SocketAddr;

    /// Starts the server, which looks everything up at the resolver.
    ///
    /// # Panics
    /// When it does not listen in time.
    fn start(self: Box<Self>, resolver: SocketAddr) -> RunningServer;
}

/// A server that runs; it ends on drop.
#[derive(Debug)]
pub struct RunningServer {
    pub(crate) processes: Vec<Process>,
    pub(crate) client_address: SocketAddr,
    pub(crate) _folder: TempDir,
}

impl RunningServer {
    /// Returns where clients connect.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Ends the server without a word (SIGKILL).
    ///
    /// # Panics
    /// When it has ended already.
    pub fn kill(&self) {
        self.processes.iter().for_each(|process| process.signal(Signal::KILL));
    }

    /// Returns the server's log so far.
    pub fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect::<Vec<_>>().join("\n")
    }
}

impl Software {
    /// Plans a server for a domain with the given accounts.
    ///
    /// # Panics
    /// When there is no place for its files.
    pub fn plan(self, domain: &str, users: &[&str], trust: Trust) -> Box<dyn Server> {
        match self {
            Self::Prosody => Box::new(Prosody::new(domain, users, trust)),
            Self::Ejabberd => Box::new(Ejabberd::new(domain, users, trust)),
            Self::Jabberd2 => Box::new(Jabberd2::new(domain, trust)),
        }
    }

    /// Whether it asks its own resolver for everything. ejabberd does so for SRV records, but asks the system for addresses.
    pub fn has_one_resolver(self) -> bool {
        self != Self::Ejabberd
    }

    /// Whether it knows SASL EXTERNAL between servers.
    pub fn knows_external(self) -> bool {
        self != Self::Jabberd2
    }

    /// The largest stanza that it takes from another server, as Debian configures it.
    pub fn stanza_bytes_max(self) -> usize {
        match self {
            Self::Prosody | Self::Ejabberd => 524_288,
            Self::Jabberd2 => 65_535,
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Prosody => &["prosody", "lua-unbound"],
            Self::Ejabberd => &["ejabberd"],
            Self::Jabberd2 => &["jabberd2"],
        }
    }
}

/// Tells whether these servers are installed; says loudly what is missing, and fails where nothing may be skipped
/// (`CI=true`).
///
/// # Panics
/// With `CI=true`, when a package is missing.
pub fn are_installed(software: &[Software]) -> bool {
    let packages = software.iter().flat_map(|software| software.packages());
    let missing: Vec<&str> = packages.copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return true;
    }
    let advice = format!("NOT TESTED: Debian packages are missing: {}. `make setup` installs them.", missing.join(" "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{advice}");
    eprintln!("\n*** {advice} ***\n");
    false
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    query.is_ok_and(|answer| answer.stdout == b"installed")
}

/// Returns the folder of this machine's architecture under `/usr/lib` that holds an entry of which the name begins so.
pub(crate) fn library_with(prefix: &str) -> PathBuf {
    let begins = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(prefix);
    let holds =
        |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|e| e.is_ok_and(|e| begins(&e))));
    let folders = must("/usr/lib", fs::read_dir("/usr/lib")).filter_map(Result::ok).map(|entry| entry.path());
    let found = folders.filter(|folder| folder.is_dir()).find(|folder| holds(folder));
    found.unwrap_or_else(|| panic!("there is no {prefix}… in any folder of /usr/lib"))
}
