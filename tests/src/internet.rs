//! A small Internet on loopback: two real servers with clients, names, certificates, and the proxy between them.
//!
//! `alice@home.example` lives on the hosted server, `bob@away.example` on a remote one; each domain has its rooms.

use crate::{
    authority::Authority,
    client::Client,
    dns::{Responder, Zone},
    prosody::{Prosody, RunningProsody, Trust, missing_packages},
};

/// The hosted domain and its rooms.
pub const HOME: [&str; 2] = ["home.example", "rooms.home.example"];

/// The remote domain and its rooms.
pub const AWAY: [&str; 2] = ["away.example", "rooms.away.example"];

/// Two servers that reach each other.
#[derive(Debug)]
pub struct Internet {
    /// The hosted server.
    pub home: RunningProsody,
    /// The server of the outside world.
    pub away: RunningProsody,
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
        let zone = Zone::default()
            .with(HOME[0], home.server_address())
            .with(HOME[1], home.server_address())
            .with(AWAY[0], away.server_address())
            .with(AWAY[1], away.server_address());
        let responder = Responder::start(zone);
        let resolver = responder.address();
        Self { home: home.start(resolver), away: away.start(resolver), _responders: vec![responder] }
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
