//! The authorities that may vouch for remote servers.

use rustls::RootCertStore;

use super::credentials;
use crate::config::{Config, Mistakes, Roots};

/// Loads them as `outside.roots` says. Having none is a mistake: every remote server would be refused.
pub fn load(config: &Config, mistakes: &mut Mistakes) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let report = |problem: String, advice: &str| config.places.mistake("outside.roots", problem, advice);
    match &config.outside.roots {
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                let advice = "install them (on Debian: ca-certificates), or name a PEM file in outside.roots";
                mistakes.add(report("the operating system has no certification authorities".to_owned(), advice));
            }
        }
        Roots::File(path) => match credentials::certificates(path) {
            Ok(certificates) => {
                let (_, unfit) = store.add_parsable_certificates(certificates);
                if unfit > 0 {
                    mistakes.add(report(format!("{unfit} of the certificates cannot be an authority"), ""));
                }
            }
            Err(unfit) => mistakes.add(report(unfit.problem, &unfit.advice)),
        },
    }
    store
}
