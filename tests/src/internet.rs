//! A small Internet on loopback: two real servers with clients, names, certificates, and the proxy between them.
//!
//! `alice@home.example` lives on the hosted server, `bob@away.example` on a remote one; each domain has its rooms, where
//! the server has such a service.

use std::net::SocketAddr;

use crate::{
    authority::{Authority, Identity, Usage},
    client::Client,
    dns::{Responder, Zone},
    process::free_address,
    refrain::{HostedDomain, InsideDns, Refrain, RunningRefrain},
    server::{RunningServer, Software, Trust},
};

/// The hosted domain and its rooms.
pub const HOME: [&str; 2] = ["home.example", "rooms.home.example"];

/// The remote domain and its rooms.
pub const AWAY: [&str; 2] = ["away.example", "rooms.away.example"];

/// A hosted domain whose server does not run.
pub const HOME_DOWN: &str = "down.home.example";

/// A remote domain whose server does not run.
pub const AWAY_DOWN: &str = "down.away.example";

/// How a server and the proxy prove themselves to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Certificates that both trust: SASL EXTERNAL, as Debian's Prosody requires by default.
    Certificates,
    /// The same certificates, and dialback where one does not satisfy the server.
    CertificatesOrDialback,
    /// Certificates nobody vouches for, and dialback in both directions.
    Dialback,
    /// The same remote server, and an operator who does not allow it.
    Nothing,
}

/// The server on one side of the proxy.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Which server it is.
    pub software: Software,
    /// How it and the proxy prove themselves.
    pub proof: Proof,
}

/// What an Internet with the proxy is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The hosted server.
    pub inside: Side,
    /// The server of the world.
    pub outside: Side,
    /// What the proxy's certificates for the hosted domains are fit for.
    pub usage: Usage,
    /// How the world and the proxy connect to each other.
    pub transport: Transport,
    /// Chain and filters.
    pub filters: &'a str,
}

/// How two servers come to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over what `_xmpp-server` announces.
    StartTls,
    /// Over what `_xmpps-server` announces (XEP-0368), and there is nothing else.
    DirectTls,
}

/// Two servers that reach each other, perhaps only through the proxy.
#[derive(Debug)]
pub struct Internet {
    /// The hosted server.
    pub home: RunningServer,
    /// The server of the outside world.
    pub away: RunningServer,
    refrain: Option<RunningRefrain>,
    _responders: Vec<Responder>,
}

impl Internet {
    /// Starts two Prosody servers without the proxy, to know that the harness itself is sound.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn direct() -> Self {
        let public = Authority::new("Public test authority");
        let trust =
            |domains| Trust { identity: public.issue(domains), authorities: public.pem(), certificates_required: true };
        let home = Software::Prosody.plan(HOME[0], &["alice"], trust(&HOME));
        let away = Software::Prosody.plan(AWAY[0], &["bob", "eve"], trust(&AWAY));
        let zone = announce(announce(Zone::default(), &HOME, home.server_address()), &AWAY, away.server_address());
        let responder = Responder::start(zone);
        let resolver = responder.address();
        let (home, away) = (home.start(resolver), away.start(resolver));
        Self { home, away, refrain: None, _responders: vec![responder] }
    }

    /// Starts two Prosody servers and the proxy between them.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn through_refrain(proof: Proof, filters: &str) -> Self {
        let side = |proof| Side { software: Software::Prosody, proof };
        Self::between(side(Proof::Certificates), side(proof), filters)
    }

    /// Like [`through_refrain`](Self::through_refrain); the proxy reaches the hosted server, and then the remote one, at what
    /// `onward` makes of their addresses.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn through_refrain_over(onward: impl FnMut(SocketAddr) -> SocketAddr, proof: Proof, filters: &str) -> Self {
        let side = |proof| Side { software: Software::Prosody, proof };
        Plan::new(side(Proof::Certificates), side(proof), filters).start_over(onward)
    }

    /// Starts both servers and the proxy between them.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn between(inside: Side, outside: Side, filters: &str) -> Self {
        Plan::new(inside, outside, filters).start()
    }

    /// Returns the proxy.
    ///
    /// # Panics
    /// When there is none.
    pub fn refrain(&mut self) -> &mut RunningRefrain {
        self.refrain.as_mut().unwrap_or_else(|| panic!("there is no proxy in this Internet"))
    }

    /// Logs `alice@home.example` in.
    pub async fn alice(&self) -> Client {
        Client::login("alice@home.example", self.home.client_address()).await
    }

    /// Logs `bob@away.example` in.
    pub async fn bob(&self) -> Client {
        Client::login("bob@away.example", self.away.client_address()).await
    }

    /// Logs `eve@away.example` in.
    pub async fn eve(&self) -> Client {
        Client::login("eve@away.example", self.away.client_address()).await
    }
}

impl<'a> Plan<'a> {
    /// Plans what is usual: certificates for both TLS roles, and STARTTLS.
    pub fn new(inside: Side, outside: Side, filters: &'a str) -> Self {
        Self { inside, outside, usage: Usage::Both, transport: Transport::StartTls, filters }
    }

    /// Starts both servers and the proxy between them: the hosted server trusts nothing but the proxy's inside authority (or
    /// dialback alone) and is told by the proxy's own name server that every remote domain is there; the world is told that
    /// the hosted domains are at the proxy.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn start(self) -> Internet {
        self.start_over(|server| server)
    }

    /// The same; the proxy reaches the hosted server, and then the remote one, at what `onward` makes of their addresses.
    fn start_over(self, mut onward: impl FnMut(SocketAddr) -> SocketAddr) -> Internet {
        let Self { inside, outside, usage, transport, filters } = self;
        let public = Authority::new("Public test authority");
        let inside_authority = Authority::new("Inside test authority");
        let home_trust = inside.proof.trust(Identity::self_signed(&HOME), &inside_authority);
        let home_certificate = home_trust.identity.certificate.clone();
        let home = inside.software.plan(HOME[0], &["alice"], home_trust);
        let away = outside.software.plan(AWAY[0], &["bob", "eve"], outside.proof.trust_in_public(&AWAY, &public));

        let (outside_address, inside_address) = Refrain::listeners();
        let outside_tls = free_address();
        let to_home = onward(home.server_address());
        let world = match transport {
            Transport::StartTls => world(onward(away.server_address()), outside_address),
            Transport::DirectTls => world(onward(away.direct_tls_address()), outside_tls).over_direct_tls(),
        };
        let for_refrain = Responder::start(world.clone());
        let for_away = Responder::start(found_by(outside.software, world));
        let inside_dns = InsideDns {
            listen: free_address(),
            name: if inside.software.has_one_resolver() { "refrain.internal" } else { "localhost" },
        };

        let hosted = |name: &str, server| HostedDomain {
            name: name.to_owned(),
            server,
            identity: public.issue_for(&[name], usage),
            server_certificate: (inside.proof == Proof::Certificates).then(|| home_certificate.clone()),
        };
        let mut domains = HOME.map(|name| hosted(name, to_home)).to_vec();
        domains.push(hosted(HOME_DOWN, free_address()));
        let refrain = Refrain {
            outside: outside_address,
            outside_tls: Some(outside_tls),
            inside: inside_address,
            resolver: for_refrain.address(),
            inside_dns: Some(inside_dns),
            roots: public.pem(),
            authority: inside_authority,
            domains,
            rest: format!("{}{filters}", outside.proof.peers()),
        };
        let refrain = Some(refrain.start());
        let (home, away) = (home.start(inside_dns.listen), away.start(for_away.address()));
        Internet { home, away, refrain, _responders: vec![for_refrain, for_away] }
    }
}

impl Proof {
    /// What a server needs that is known to others by its certificate alone, and believes one authority.
    fn trust(self, identity: Identity, authority: &Authority) -> Trust {
        match self {
            Proof::Certificates => Trust { identity, authorities: authority.pem(), certificates_required: true },
            Proof::CertificatesOrDialback => {
                Trust { identity, authorities: authority.pem(), certificates_required: false }
            }
            Proof::Dialback | Proof::Nothing => {
                Trust { authorities: identity.certificate.clone(), identity, certificates_required: false }
            }
        }
    }

    fn trust_in_public(self, domains: &[&str], public: &Authority) -> Trust {
        let identity = match self {
            Proof::Certificates | Proof::CertificatesOrDialback => public.issue(domains),
            Proof::Dialback | Proof::Nothing => Identity::self_signed(domains),
        };
        self.trust(identity, public)
    }

    fn peers(self) -> String {
        match self {
            Proof::Certificates | Proof::CertificatesOrDialback | Proof::Nothing => String::new(),
            Proof::Dialback => {
                AWAY.map(|domain| format!("[[peer]]\nname = \"{domain}\"\ndialback = true\n\n")).concat()
            }
        }
    }
}

/// What everybody but the hosted server is told.
fn world(away: SocketAddr, proxy: SocketAddr) -> Zone {
    let zone = announce(Zone::default(), &AWAY, away);
    announce(zone, &HOME, proxy).with(HOME_DOWN, proxy).with(AWAY_DOWN, free_address())
}

/// The same with a host that this server can find.
fn found_by(software: Software, zone: Zone) -> Zone {
    if software.has_one_resolver() { zone } else { zone.on_host("localhost.") }
}

fn announce(zone: Zone, domains: &[&str], server: SocketAddr) -> Zone {
    domains.iter().fold(zone, |zone, domain| zone.with(domain, server))
}
