//! The thing under test: nothing, the byte relay, or the proxy with or without filters, as a process of its own.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
    process::Command,
    time::Duration,
};

use rustix::{param::clock_ticks_per_second, process::Pid};
use tempfile::TempDir;

use super::{
    affinity::Cores,
    stanza::{HOME, PEERS},
    stream::Start,
    tls::Credentials,
};
use crate::{
    authority::{Authority, Identity},
    dns::{Responder, Zone},
    process::{Process, free_address, must},
    refrain::{self, Account, HostedDomain, Refrain, RunningRefrain},
};

/// What stands between the source and the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Nothing: the source's streams end at the sink.
    Direct,
    /// TLS in, TLS out.
    Relay,
    /// The proxy with three filters that look at every stanza.
    ThreeFilters,
    /// The proxy without filters.
    NoFilters,
}

impl Variant {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Variant; 4] = [Variant::Direct, Variant::Relay, Variant::ThreeFilters, Variant::NoFilters];

    /// Returns the name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Direct => "direct",
            Variant::Relay => "relay",
            Variant::ThreeFilters => "refrain, 3 filters",
            Variant::NoFilters => "refrain, 0 filters",
        }
    }
}

/// The certificates of a run: the same for all variants.
#[derive(Debug)]
pub struct Certificates {
    public: Authority,
    peers: Identity,
    home: Identity,
}

impl Certificates {
    /// Makes an authority, and certificates of the remote servers and of the hosted one.
    #[expect(clippy::new_without_default, reason = "every call makes new keys")]
    pub fn new() -> Self {
        let public = Authority::new("Public test authority");
        let peers = public.issue(&[&format!("*.{PEERS}")]);
        let home = public.issue(&[HOME]);
        Self { public, peers, home }
    }

    /// Returns what the remote servers show and believe.
    pub fn source(&self) -> Credentials {
        Credentials::new(&self.peers, &self.public.pem())
    }

    /// Returns what a server shows whose certificate is good and speaks for none of the domains that it claims.
    pub fn stranger(&self) -> Credentials {
        Credentials::new(&self.public.issue(&["stranger.example"]), &self.public.pem())
    }

    /// Returns what the hosted server shows, and that it believes `authority` besides the public one.
    pub fn sink(&self, authority: &Authority) -> Credentials {
        Credentials::new(&self.home, &(self.public.pem() + &authority.pem()))
    }
}

/// A thing under test that runs.
#[derive(Debug)]
pub struct Subject {
    /// Where the source connects.
    pub address: SocketAddr,
    /// Where the hosted server connects, if there is an inside.
    pub inside: Option<SocketAddr>,
    /// How TLS starts there.
    pub start: Start,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Direct,
    Relay { process: Process, _folder: TempDir },
    Refrain { process: RunningRefrain, _responder: Responder },
}

impl Subject {
    /// Starts what stands between the source and the sink.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(
        variant: Variant,
        sink: SocketAddr,
        certificates: &Certificates,
        inside: Authority,
        cores: Option<&Cores>,
    ) -> Self {
        let start = || match variant {
            Variant::Direct => Self { address: sink, inside: None, start: Start::Direct, kind: Kind::Direct },
            Variant::Relay => start_relay(sink, certificates),
            Variant::ThreeFilters => Self::refrain(sink, certificates, inside, &(THREE_FILTERS.to_owned() + UNLIMITED)),
            Variant::NoFilters => Self::refrain(sink, certificates, inside, UNLIMITED),
        };
        match cores {
            Some(cores) => cores.with_subject_core(start),
            None => start(),
        }
    }

    /// Starts the proxy; `rest` is configuration.
    ///
    /// # Panics
    /// When it does not start.
    pub fn refrain(sink: SocketAddr, certificates: &Certificates, inside: Authority, rest: &str) -> Self {
        start_refrain(sink, certificates, inside, rest)
    }

    /// Returns the proxy's log so far; nothing of any other subject.
    pub fn log(&self) -> String {
        match &self.kind {
            Kind::Refrain { process, .. } => process.log(),
            Kind::Direct | Kind::Relay { .. } => String::new(),
        }
    }

    /// Returns how much processor time the process has used, in steps of a clock tick (10 ms).
    pub fn cpu_time(&self) -> Option<Duration> {
        let stat = self.proc_file("stat")?;
        // proc_pid_stat(5): the name, in parentheses, may hold spaces; fields 14 and 15 are the user's and the system's time.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second()).ok()?)
    }

    /// Returns how much memory of the process is resident, in bytes.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    }

    /// Ends the process; the proxy drains and gives its account.
    pub fn stop(self) -> Option<Account> {
        match self.kind {
            Kind::Refrain { mut process, .. } => Some(process.drain().1),
            Kind::Relay { .. } | Kind::Direct => None,
        }
    }

    fn proc_file(&self, name: &str) -> Option<String> {
        fs::read_to_string(format!("/proc/{}/{name}", self.pid()?.as_raw_pid())).ok()
    }

    fn pid(&self) -> Option<Pid> {
        match &self.kind {
            Kind::Direct => None,
            Kind::Relay { process, .. } => Some(process.pid()),
            Kind::Refrain { process, .. } => Some(process.pid()),
        }
    }
}

fn start_relay(sink: SocketAddr, certificates: &Certificates) -> Subject {
    let address = free_address();
    let folder = must("temporary folder", tempfile::tempdir());
    certificates.home.write(folder.path(), "relay");
    must("authority", fs::write(folder.path().join("roots.crt"), certificates.public.pem()));
    let own = must("own executable", env::current_exe());
    let mut command = Command::new(own);
    command.arg("run-relay").arg(address.to_string()).arg(sink.to_string()).arg(folder.path());
    let mut process = Process::start("relay", &mut command);
    process.wait_until_listening(address, Duration::from_secs(10));
    Subject { address, inside: None, start: Start::Direct, kind: Kind::Relay { process, _folder: folder } }
}

fn start_refrain(sink: SocketAddr, certificates: &Certificates, inside: Authority, rest: &str) -> Subject {
    // Nobody is looked up: every remote server comes to us.
    let responder = Responder::start(Zone::default());
    let (outside, inside_address) = Refrain::listeners();
    let refrain = Refrain {
        outside,
        outside_tls: None,
        inside: inside_address,
        resolver: responder.address(),
        roots: certificates.public.pem(),
        authority: inside,
        inside_dns: None,
        domains: vec![HostedDomain {
            name: HOME.to_owned(),
            server: sink,
            identity: certificates.home.clone(),
            server_certificate: Some(certificates.home.certificate.clone()),
        }],
        rest: rest.to_owned(),
    };
    let process = refrain.start_by(Command::new(refrain::binary()).env("RUST_LOG", "warn,refrain=info"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, outside.port()));
    Subject {
        address,
        inside: Some(inside_address),
        start: Start::StartTls,
        kind: Kind::Refrain { process, _responder: responder },
    }
}

/// A peak is measured, so nobody is held back.
const UNLIMITED: &str = "\n[limits]\nstanzas-per-second = 1000000000\nbytes-per-second = 4000000000\n";

/// Three filters that look at every stanza of ours: a rule about somebody at the addressee's domain, and two lists of patterns
/// for the body. Denying file transfer, the third bundled filter, costs a chat message one native test, unless its words are to be
/// looked at: it is in the chain besides, as in any real one.
const THREE_FILTERS: &str = r#"
[chain]
inbound = ["jid-policy", "spim", "file-transfer", "advertisers"]

[filter.jid-policy]
component = "builtin:jid-policy"
[filter.jid-policy.settings]
deny = [
    { name = "farm", domain = "*.farm.example", match = "sender", direction = "inbound", action = "drop" },
    { name = "mailbox", jid = "noreply@home.example", match = "recipient", direction = "inbound" },
]

[filter.spim]
component = "builtin:spim"
[filter.spim.settings]
signatures = [
    { name = "casino", text = "best casino bonus", action = "drop" },
    { name = "pills", regex = '(?i)cheap\s+p[i1]lls', action = "bounce" },
]

[filter.file-transfer]
component = "builtin:file-transfer"
settings = { allow = ["file-uris"] }

[filter.advertisers]
component = "builtin:spim"
[filter.advertisers.settings]
signatures = [
    { name = "sales", jid = "sales@cards.example", action = "bounce" },
    { name = "shop", url = "shop.example", action = "bounce" },
]
"#;
