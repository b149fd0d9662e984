//! `refrain check`: every mistake at once, or what would run.

use std::fmt::{self, Display};
use std::path::Path;
use std::process::ExitCode;

use super::BAD_USAGE;
use crate::config::{
    ComponentSource, Config, Dnssec, FilterConfig, InsideDns, Mistakes, Relations, ResolverSource, Roots,
};
use crate::snapshot::{self, Snapshot};

/// Checks the configuration file as `refrain run` would, and starts nothing.
pub fn run(path: &Path) -> ExitCode {
    let engine = match snapshot::engine() {
        Ok(engine) => engine,
        Err(error) => {
            eprintln!("refrain: {error}");
            return ExitCode::FAILURE;
        }
    };
    match Snapshot::load(path, &engine) {
        Ok(snapshot) => {
            print_warnings(&snapshot.config.warnings);
            println!("{} is fit to run:\n{}", path.display(), Summary(&snapshot.config));
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            let count = mistakes.len();
            eprintln!("{mistakes}\n{count} mistake{}", if count == 1 { "" } else { "s" });
            ExitCode::from(BAD_USAGE)
        }
    }
}

fn print_warnings(warnings: &Mistakes) {
    for warning in warnings.iter() {
        eprintln!("warning: {warning}");
    }
}

/// What a configuration would run, for people.
struct Summary<'c>(&'c Config);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { outside, inside, domains, peers, chains, state, relations, .. } = self.0;
        let direct = match outside.listen_tls.as_slice() {
            [] => String::new(),
            direct => format!("; with direct TLS {}", list(direct)),
        };
        writeln!(f, "  outside   {}{direct}", list(&outside.listen))?;
        writeln!(f, "  inside    {}", list(&inside.listen))?;
        if let (Some(dns), Some(port)) = (&inside.dns, InsideDns::port(&inside.listen)) {
            let (listen, name, address) = (dns.listen, &dns.name, list(&dns.address));
            writeln!(
                f,
                "  names     asked at {listen}: remote domains are at {name}, port {port}, which is {address}"
            )?;
        }
        for domain in domains {
            let proof = match &domain.server_certificate {
                Some(path) => format!("proven by {}", path.display()),
                None => "proven by dialback".to_owned(),
            };
            writeln!(f, "  domain    {} at {}, {proof}", domain.name, domain.server)?;
        }
        writeln!(f, "  inbound   {}", chain(&chains.inbound))?;
        writeln!(f, "  outbound  {}", chain(&chains.outbound))?;
        writeln!(f, "  trust     {}; {}", trust(&outside.roots), dialback(peers.len(), peers.dialback_count()))?;
        writeln!(f, "  resolver  {}{}", resolver(&outside.resolver), validation(&outside.dnssec))?;
        match &state.directory {
            Some(directory) => writeln!(f, "  state     {}", directory.display())?,
            None => writeln!(f, "  state     none: what is known of remote domains ends with the process")?,
        }
        let kept = if state.directory.is_some() { "kept across restarts" } else { "until the process ends" };
        match relations {
            Relations { enabled: true, ttl_days, pairs_max } => {
                write!(f, "  relations {pairs_max} pairs at most, {ttl_days} days since they last met, {kept}")
            }
            Relations { enabled: false, .. } => write!(f, "  relations none: filters are not told who is a stranger"),
        }
    }
}

fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn chain(filters: &[FilterConfig]) -> String {
    let described = |filter: &FilterConfig| match &filter.component {
        ComponentSource::Builtin(name) if *name == filter.name => format!("{name} (builtin)"),
        ComponentSource::Builtin(name) => format!("{} (builtin:{name})", filter.name),
        ComponentSource::Path(path) => format!("{} ({})", filter.name, path.display()),
    };
    match filters {
        [] => "no filter: every stanza passes".to_owned(),
        filters => filters.iter().map(described).collect::<Vec<_>>().join(" → "),
    }
}

fn trust(roots: &Roots) -> String {
    match roots {
        Roots::System => "the operating system's authorities".to_owned(),
        Roots::File(path) => format!("the authorities in {}", path.display()),
    }
}

fn dialback(peers: usize, allowed: usize) -> String {
    match (peers, allowed) {
        (_, 0) => "dialback for nobody".to_owned(),
        (peers, allowed) => format!("dialback for {allowed} of {peers} described peers"),
    }
}

fn resolver(source: &ResolverSource) -> String {
    match source {
        ResolverSource::System => "the operating system's".to_owned(),
        ResolverSource::Servers(servers) => list(servers),
        ResolverSource::None => "none: only peers with an address can be reached".to_owned(),
    }
}

fn validation(dnssec: &Dnssec) -> String {
    match dnssec {
        Dnssec::Off => String::new(),
        Dnssec::Validate(None) => "; answers are validated (DNSSEC), and DANE applies".to_owned(),
        Dnssec::Validate(Some(path)) => {
            format!("; answers are validated (DNSSEC) from {}, and DANE applies", path.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_the_example_fits_a_screen_and_names_what_matters() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/refrain.toml");
        let config = Config::load(&path).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let summary = Summary(&config).to_string();
        let expected = "  outside   [::]:5269
  inside    127.0.0.1:5299
  names     asked at 127.0.0.1:15353: remote domains are at refrain.internal, port 5299, which is 127.0.0.1
  domain    example.org at 127.0.0.1:15269, proven by dialback
  inbound   rate-limit (builtin) → hygiene (builtin) → jid-policy (builtin) → spim (builtin) → file-transfer (builtin)
  outbound  jid-policy (builtin) → spim (builtin) → file-transfer (builtin)
  trust     the operating system's authorities; dialback for 1 of 1 described peers
  resolver  127.0.0.1:53
  state     none: what is known of remote domains ends with the process
  relations 400000 pairs at most, 180 days since they last met, until the process ends";
        assert_eq!(summary, expected);
    }
}
