//! `load`: measures the proxy beside a byte relay. See `make bench`.
//!
//! `load [direct] [relay] [three] [none]` measures the named variants, or all; `load run-relay LISTEN TARGET FOLDER` is the relay
//! itself, as the benchmark starts it. `load flood` measures what two thousand strangers cost, and prints the table of
//! `docs/security.md`.

use std::{env, error::Error, fs, path::Path, process::ExitCode};

use refrain_tests::{
    authority::Identity,
    load::{affinity::Cores, benchmark, flood, relay, report, subject::Variant, tls::Credentials},
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["run-relay", listen, target, folder] => run_relay(listen, target, Path::new(folder)),
        ["flood"] => flood::measure().map(|figures| println!("{figures}")).map_err(Into::into),
        names => run_benchmark(names),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_relay(listen: &str, target: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let identity = Identity { certificate: read("relay.crt")?, key: read("relay.key")? };
    let credentials = Credentials::new(&identity, &read("roots.crt")?);
    Ok(relay::run(listen.parse()?, target.parse()?, &credentials)?)
}

fn run_benchmark(names: &[&str]) -> Result<(), Box<dyn Error>> {
    if cfg!(debug_assertions) {
        eprintln!("This is a debug build: the figures say little. `make bench` makes a release build.");
    }
    let variants = if names.is_empty() { Variant::ALL.to_vec() } else { parse(names)? };
    let cores = Cores::share_out();
    if cores.is_none() {
        eprintln!(
            "There is no second core, or no right to choose: the load and the thing under test share what there is."
        );
    }
    let mut figures = Vec::new();
    for variant in variants {
        eprintln!("measuring: {}", variant.name());
        figures.push(benchmark::measure(variant, cores.as_ref())?);
    }
    println!("{}\n{}", report::table(&figures), report::json(&figures, cores.is_some()));
    Ok(())
}

fn parse(names: &[&str]) -> Result<Vec<Variant>, String> {
    names
        .iter()
        .map(|name| match *name {
            "direct" => Ok(Variant::Direct),
            "relay" => Ok(Variant::Relay),
            "three" => Ok(Variant::ThreeFilters),
            "none" => Ok(Variant::NoFilters),
            other => Err(format!("there is no variant {other}: write direct, relay, three or none")),
        })
        .collect()
}
