//! A small Internet on loopback: two real servers with clients, names, certificates, and the proxy between them.
//!
//! `alice@home.example` lives on the hosted server, `bob@away.example` on a remote one; each domain has its rooms.

use crate::{
    authority::{Authority, Identity},
    client::Client,
    dns::{Responder, Zone},
    prosody::{Prosody, RunningProsody, Trust, missing_packages},
    refrain::{HostedDomain, Refrain, RunningRefrain},
};

/// The hosted domain and its rooms.
pub const HOME: [&str; 2] = ["home.example", "rooms.home.example"];

/// The remote domain and its rooms.
pub const AWAY: [&str; 2] = ["away.example", "rooms.away.example"];

/// How the remote server and the proxy prove themselves to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Certificates of an authority that both trust: SASL EXTERNAL, as Debian's Prosody requires by default.
    Certificates,
    /// Certificates nobody vouches for, and dialback in both directions.
    Dialback,
    /// The same remote server, and an operator who does not allow it.
    Nothing,
}

/// Two servers that reach each other, perhaps only through the proxy.
#[derive(Debug)]
pub struct Internet {
    /// The hosted server.
    pub home: RunningProsody,
    /// The server of the outside world.
    pub away: RunningProsody,
    refrain: Option<RunningRefrain>,
    _responders: Vec<Responder>,
}

impl Internet {
    /// Starts both servers without the proxy, to know that the harness itself is sound.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn direct() -> Self {
        let public = Authority::new("Public test authority");
        let trust =
            |domains| Trust { identity: public.issue(domains), authorities: public.pem(), certificates_required: true };
        let home = Prosody::new(HOME[0], &["alice"], trust(&HOME));
        let away = Prosody::new(AWAY[0], &["bob", "eve"], trust(&AWAY));
        let zone = announce(announce(Zone::default(), &HOME, &home), &AWAY, &away);
        let responder = Responder::start(zone);
        let resolver = responder.address();
        let (home, away) = (home.start(resolver), away.start(resolver));
        Self { home, away, refrain: None, _responders: vec![responder] }
    }

    /// Starts both servers and the proxy between them: the hosted server trusts nothing but the proxy's inside authority and
    /// is told by DNS that every remote domain is there; the world is told that the hosted domains are at the proxy.
    ///
    /// # Panics
    /// When a part does not start.
    pub fn through_refrain(proof: Proof, filters: &str) -> Self {
        let public = Authority::new("Public test authority");
        let inside = Authority::new("Inside test authority");
        let home_identity = Identity::self_signed(&HOME);
        let home_trust =
            Trust { identity: home_identity.clone(), authorities: inside.pem(), certificates_required: true };
        let home = Prosody::new(HOME[0], &["alice"], home_trust);
        let away = Prosody::new(AWAY[0], &["bob", "eve"], proof.trust_of_away(&public));

        let (outside_address, inside_address) = Refrain::listeners();
        let mut world = announce(Zone::default(), &AWAY, &away);
        for domain in HOME {
            world = world.with(domain, outside_address);
        }
        let world = Responder::start(world);
        let hosted = Responder::start(Zone::default().with_all_but(&HOME, inside_address));

        let refrain = Refrain {
            outside: outside_address,
            inside: inside_address,
            resolver: world.address(),
            roots: public.pem(),
            authority: inside,
            domains: HOME
                .map(|name| HostedDomain {
                    name: name.to_owned(),
                    server: home.server_address(),
                    identity: public.issue(&[name]),
                    server_certificate: home_identity.certificate.clone(),
                })
                .to_vec(),
            rest: format!("{}{filters}", proof.peers()),
        };
        let refrain = Some(refrain.start());
        let (home, away) = (home.start(hosted.address()), away.start(world.address()));
        Self { home, away, refrain, _responders: vec![world, hosted] }
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

impl Proof {
    fn trust_of_away(self, public: &Authority) -> Trust {
        match self {
            Proof::Certificates => {
                Trust { identity: public.issue(&AWAY), authorities: public.pem(), certificates_required: true }
            }
            Proof::Dialback | Proof::Nothing => {
                let identity = Identity::self_signed(&AWAY);
                Trust { authorities: identity.certificate.clone(), identity, certificates_required: false }
            }
        }
    }

    fn peers(self) -> String {
        match self {
            Proof::Certificates | Proof::Nothing => String::new(),
            Proof::Dialback => {
                AWAY.map(|domain| format!("[[peer]]\nname = \"{domain}\"\ndialback = true\n\n")).concat()
            }
        }
    }
}

fn announce(zone: Zone, domains: &[&str], server: &Prosody) -> Zone {
    domains.iter().fold(zone, |zone, domain| zone.with(domain, server.server_address()))
}

/// Tells whether the real servers are installed; says loudly what is missing, and fails where nothing may be skipped
/// (`CI=true`).
///
/// # Panics
/// With `CI=true`, when a package is missing.
pub fn real_servers_are_installed() -> bool {
    let missing = missing_packages();
    if missing.is_empty() {
        return true;
    }
    let advice = format!("NOT TESTED: Debian packages are missing: {}. `make setup` installs them.", missing.join(" "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{advice}");
    eprintln!("\n*** {advice} ***\n");
    false
}
