//! An unmodified Debian jabberd2 in the foreground: router, session manager, client and server connectors, with
//! configurations and files of their own.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    process::{Process, free_address, must},
    server::{RunningServer, START_DEADLINE, Server, Trust, library_with},
};

/// What the parts say to each other; only they can reach the router.
const ROUTER_SECRET: &str = "between the parts";

/// Lets everybody in, with whatever password: who has an account is for the session manager to know, which creates it at
/// the first login. jabberd2 asks it line by line, beginning with what it can (its `pipe` module).
const DOORMAN: &str = "#!/bin/sh\necho OK USER-EXISTS CHECK-PASSWORD\nwhile read -r question; do echo OK; done\n";

/// Debian's chains of the session manager, less what the tests have no use for.
const CHAINS: [(&str, &str); 9] = [
    ("sess-start", "status"),
    ("sess-end", "status iq-last"),
    (
        "in-sess",
        "validate status privacy roster iq-vcard iq-ping iq-private disco amp offline announce presence deliver",
    ),
    ("in-router", "session validate presence privacy"),
    ("out-router", "privacy"),
    ("pkt-sm", "iq-last iq-ping iq-time iq-version amp disco announce help echo status presence"),
    ("pkt-user", "roster presence disco iq-vcard amp deliver offline iq-last"),
    ("pkt-router", "session disco"),
    ("user-load", "active roster roster-publish privacy"),
];

/// A server before it starts: its domain and its addresses. Accounts come about by logging in.
#[derive(Debug)]
pub struct Jabberd2 {
    domain: String,
    trust: Trust,
    server_address: SocketAddr,
    client_address: SocketAddr,
    router_address: SocketAddr,
    folder: TempDir,
}

impl Jabberd2 {
    /// Plans a server for a domain.
    ///
    /// # Panics
    /// When there is no place for its files.
    pub fn new(domain: &str, trust: Trust) -> Self {
        Self {
            domain: domain.to_owned(),
            trust,
            server_address: free_address(),
            client_address: free_address(),
            router_address: free_address(),
            folder: must("temporary folder", tempfile::tempdir()),
        }
    }

    fn write_files(&self) {
        let folder = self.folder.path();
        let identity = &self.trust.identity;
        let certificate = format!("{}{}", identity.certificate, identity.key);
        must("storage", fs::create_dir(folder.join("storage")));
        must("certificate", fs::write(folder.join("server.pem"), certificate));
        must("doorman", fs::write(folder.join("doorman"), DOORMAN));
        must("doorman", fs::set_permissions(folder.join("doorman"), fs::Permissions::from_mode(0o700)));
        for (name, config) in [
            ("router-users", self.router_users()),
            ("router", self.router()),
            ("sm", self.session_manager()),
            ("c2s", self.client_connector()),
            ("s2s", self.server_connector()),
        ] {
            must("configuration", fs::write(folder.join(format!("{name}.xml")), config));
        }
    }

    fn router_users(&self) -> String {
        format!("<users><user><name>jabberd</name><secret>{ROUTER_SECRET}</secret></user></users>")
    }

    fn router(&self) -> String {
        format!(
            "<router><id>router</id><log type='stdout'/>\
             <local><ip>127.0.0.1</ip><port>{}</port><users>{}/router-users.xml</users>\
             <secret>{ROUTER_SECRET}</secret></local>\
             <aci><acl type='all'><user>jabberd</user></acl></aci></router>",
            self.router_address.port(),
            self.folder.path().display(),
        )
    }

    /// A component's configuration, with what all of them need to reach the router.
    fn component(&self, name: &str, rest: &str) -> String {
        let debug = match std::env::var_os("REFRAIN_TESTS_DEBUG") {
            Some(_) => "<debug>/dev/stderr</debug>",
            None => "",
        };
        format!(
            "<{name}><id>{name}</id><router><ip>127.0.0.1</ip><port>{}</port><user>jabberd</user>\
             <pass>{ROUTER_SECRET}</pass></router><log type='stdout'>{debug}</log>{rest}</{name}>",
            self.router_address.port(),
        )
    }

    fn session_manager(&self) -> String {
        let modules = library_with("jabberd2").join("jabberd2");
        let modules = modules.display();
        let chain = |(name, list): (&str, &str)| {
            let list: String = list.split(' ').map(|module| format!("<module>{module}</module>")).collect();
            format!("<chain id='{name}'>{list}</chain>")
        };
        let chains: String = CHAINS.into_iter().map(chain).collect();
        let rest = format!(
            "<local><id>{}</id></local>\
             <storage><path>{modules}</path><driver>fs</driver><fs><path>{}/storage</path></fs></storage>\
             <modules><path>{modules}</path>{chains}\
             <chain id='user-create'><module>active</module></chain>\
             <chain id='disco-extend'><module>iq-version</module></chain></modules>\
             <discovery><identity><category>server</category><type>im</type><name>jabberd2</name></identity></discovery>\
             <user><auto-create/></user>",
            self.domain,
            self.folder.path().display(),
        );
        self.component("sm", &rest)
    }

    fn client_connector(&self) -> String {
        let rest = format!(
            "<local><id>{}</id><ip>127.0.0.1</ip><port>{}</port></local>\
             <io><limits><stanzasize>65535</stanzasize></limits></io>\
             <authreg><path>{}/jabberd2</path><module>pipe</module><pipe><exec>{}/doorman</exec></pipe>\
             <mechanisms><sasl><plain/></sasl></mechanisms></authreg>",
            self.domain,
            self.client_address.port(),
            library_with("jabberd2").display(),
            self.folder.path().display(),
        );
        self.component("c2s", &rest)
    }

    fn server_connector(&self) -> String {
        let rest = format!(
            "<local><ip>127.0.0.1</ip><port>{}</port><secret>{ROUTER_SECRET}</secret>\
             <pemfile>{}/server.pem</pemfile></local>\
             <io><limits><stanzasize>65535</stanzasize></limits></io>\
             <lookup><srv>xmpp-server</srv><srv>jabber</srv></lookup>\
             <out-conn-reuse/><security><require_tls/></security>",
            self.server_address.port(),
            self.folder.path().display(),
        );
        self.component("s2s", &rest)
    }

    fn start_part(&self, name: &str, resolver: SocketAddr) -> Process {
        let folder: &Path = self.folder.path();
        let mut command = Command::new(format!("/usr/sbin/jabberd2-{name}"));
        command.arg("-c").arg(folder.join(format!("{name}.xml"))).current_dir(folder);
        // Its resolver, libudns, prefers these to what /etc/resolv.conf says.
        command.env("NAMESERVERS", resolver.ip().to_string()).env("RES_OPTIONS", format!("port:{}", resolver.port()));
        Process::start(format!("jabberd2-{name} {}", self.domain), &mut command)
    }
}

impl Server for Jabberd2 {
    fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    fn direct_tls_address(&self) -> SocketAddr {
        panic!("jabberd2 knows STARTTLS alone")
    }

    /// A client may log in when the session manager has registered with the router, and the connectors listen.
    fn start(self: Box<Self>, resolver: SocketAddr) -> RunningServer {
        self.write_files();
        let mut router = self.start_part("router", resolver);
        router.wait_until_listening(self.router_address, START_DEADLINE);
        let [sm, mut c2s, mut s2s] = ["sm", "c2s", "s2s"].map(|name| self.start_part(name, resolver));
        router.wait_until_says(&format!("[{}] online", self.domain), START_DEADLINE);
        router.wait_until_says("set as default route", START_DEADLINE);
        c2s.wait_until_listening(self.client_address, START_DEADLINE);
        s2s.wait_until_listening(self.server_address, START_DEADLINE);
        RunningServer {
            processes: vec![router, sm, c2s, s2s],
            client_address: self.client_address,
            _folder: self.folder,
        }
    }
}
