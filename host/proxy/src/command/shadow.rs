//! `refrain shadow` and `refrain promote`: a candidate beside the live chain, and in its place.

use std::fmt::Write as _;
use std::path::{self, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;
use serde::de::DeserializeOwned;

use super::ask::{Failed, Target};
use crate::control::shadow::ledger::{Account, Latency};
use crate::control::shadow::{Promotion, Report, Request};

pub(super) const SHADOW_HELP: &str = "\
A shadow judges copies of live stanzas and changes nothing: not the stanzas, not the counts of the live filters, not their limiters
and values. Edit refrain.toml without reloading it, or build a new component, and start one.

Examples:
  refrain shadow start                        try the file as it is now on disk
  refrain shadow start --filter spim=new.wasm try another component for one filter
  refrain shadow diff                         see which stanzas would end otherwise
  refrain promote                             make it live
  refrain shadow stop                         or do not

Exit codes:
  0  done
  1  Refrain could not be asked or said no
  2  the candidate's configuration has mistakes";

const START_HELP: &str = "\
Examples:
  refrain shadow start                             try refrain.toml as it is now on disk
  refrain shadow start --candidate other.toml      try another file
  refrain shadow start --filter spim=new.wasm      try another component for one filter

Exit codes: 0 the candidate judges, 1 Refrain could not be asked or said no, 2 the candidate's configuration has mistakes.";

const DIFF_HELP: &str = "\
Examples:
  refrain shadow diff                              counts, times, and the last stanzas that would end otherwise
  refrain explain ID                               why the live chain decided as it did, by the id of one of them

Exit codes: 0 shown, 1 Refrain could not be asked, or no shadow runs.";

const STOP_HELP: &str = "\
Examples:
  refrain shadow stop                              what is live stays; the file on disk stays as it is, too

Exit codes: 0 ended, 1 Refrain could not be asked, or no shadow runs.";

pub(super) const PROMOTE_HELP: &str = "\
Exit codes:
  0  the candidate is live
  1  Refrain could not be asked or said no
  2  the candidate's configuration has mistakes";

#[derive(Debug, Subcommand)]
pub(super) enum Shadow {
    /// Let a candidate judge copies of live stanzas; one that is running already ends
    #[command(after_help = START_HELP)]
    Start(Start),
    /// Show which stanzas the candidate would treat otherwise, and what it costs
    #[command(after_help = DIFF_HELP)]
    Diff(Only),
    /// End the shadow; nothing else changes
    #[command(after_help = STOP_HELP)]
    Stop(Only),
}

#[derive(Debug, Args)]
pub(super) struct Start {
    #[command(flatten)]
    target: Target,
    /// The candidate's configuration, if it is another file than the one Refrain runs from
    #[arg(long, value_name = "FILE")]
    candidate: Option<PathBuf>,
    /// Another component for a filter of the candidate; may be repeated
    #[arg(long, value_name = "NAME=FILE", value_parser = parse_filter)]
    filter: Vec<(String, PathBuf)>,
}

#[derive(Debug, Args)]
pub(super) struct Only {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub(super) struct Promote {
    #[command(flatten)]
    target: Target,
    /// Promote a candidate that has judged no stanza yet
    #[arg(long)]
    force: bool,
}

/// Made absolute here: the running Refrain stands in another folder.
fn parse_filter(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE, as in spim=new.wasm")?;
    let file = path::absolute(file).map_err(|error| error.to_string())?;
    if !file.is_file() {
        return Err(format!("there is no file {}", file.display()));
    }
    Ok((name.to_owned(), file))
}

impl Shadow {
    pub(super) fn run(self) -> ExitCode {
        match self {
            Shadow::Start(start) => start.run(),
            Shadow::Diff(only) => {
                show(&only.target, Method::GET, "/shadow", String::new(), |report: Report| diff(&report))
            }
            Shadow::Stop(only) => {
                show(&only.target, Method::DELETE, "/shadow", String::new(), |_: serde_json::Value| {
                    "the shadow ended; what is live stays".to_owned()
                })
            }
        }
    }
}

impl Start {
    fn run(self) -> ExitCode {
        let config = self.candidate.as_deref().map(path::absolute).transpose();
        let config = match config {
            Ok(config) => config,
            Err(error) => return self.target.complain(&Failed::Unasked(error.to_string())),
        };
        let request = Request { config, filters: self.filter.into_iter().collect() };
        let body = serde_json::to_string(&request).unwrap_or_default();
        show(&self.target, Method::POST, "/shadow", body, |report: Report| {
            format!(
                "{} judges {} % of the stanzas beside generation {}; `refrain shadow diff` shows what it would change",
                report.candidate, report.percent, report.live.1
            )
        })
    }
}

impl Promote {
    pub(super) fn run(self) -> ExitCode {
        let body = serde_json::json!({ "force": self.force }).to_string();
        show(&self.target, Method::POST, "/promote", body, |promoted: Promotion| {
            let Promotion { generation, before, warning } = promoted;
            let warning = warning.map(|warning| format!("\nwarning: {warning}")).unwrap_or_default();
            format!(
                "generation {generation} is live; `refrain rollback` brings generation {before} back, and `refrain status` says \
                 whether the guard did{warning}"
            )
        })
    }
}

/// Asks with a body and prints: the JSON as it came, or what `text` makes of it.
pub(super) fn show<T: DeserializeOwned>(
    target: &Target,
    method: Method,
    path: &str,
    body: String,
    text: impl FnOnce(T) -> String,
) -> ExitCode {
    let shown = target.ask(method, path, body).and_then(|body| {
        if target.json {
            return Ok(String::from_utf8_lossy(&body).trim_end().to_owned());
        }
        serde_json::from_slice(&body)
            .map(text)
            .map_err(|error| Failed::Unasked(format!("the answer is not understood: {error}")))
    });
    match shown {
        Ok(text) => {
            super::print(&text);
            ExitCode::SUCCESS
        }
        Err(failed) => target.complain(&failed),
    }
}

fn diff(report: &Report) -> String {
    let Report { candidate, seconds, percent, seen, skipped, account, .. } = report;
    let mut text = format!("{candidate}\n");
    // Writing into a text does not fail.
    let _ = writeln!(
        text,
        "{seconds} s, {percent} % of {seen} stanzas: {} judged, {skipped} found no room, {} would end otherwise\n",
        account.judged, account.differing
    );
    write_transitions(&mut text, account);
    write_costs(&mut text, report);
    write_differences(&mut text, account);
    text.trim_end().to_owned()
}

fn write_transitions(text: &mut String, account: &Account) {
    for (pair, count) in &account.transitions {
        let mark = if pair.live == pair.shadow { ' ' } else { '*' };
        let _ = writeln!(text, "{mark} {count:>8}  {} → {}", pair.live, pair.shadow);
    }
}

fn write_costs(text: &mut String, report: &Report) {
    let Account { live_latency, shadow_latency, .. } = &report.account;
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let _ = writeln!(text, "\n               live      shadow");
    for (name, of) in
        [("p50", (|l: &Latency| l.p50_micros) as fn(&Latency) -> f64), ("p99", |l: &Latency| l.p99_micros)]
    {
        let _ = writeln!(text, "{name:<8} {:>8.1} µs {:>8.1} µs", of(live_latency), of(shadow_latency));
    }
    let (live, shadow) = report.memory_bytes;
    let _ = writeln!(text, "memory  {:>8.1} MiB {:>7.1} MiB", mebibytes(live), mebibytes(shadow));
    for (filter, cause, count) in &report.faults {
        let _ = writeln!(text, "fault    {filter} of the shadow: {cause}, {count} times");
    }
    if report.live.0 != report.live.1 {
        let (began, now) = report.live;
        let _ = writeln!(text, "note     it began beside generation {began}; generation {now} is live now");
    }
}

fn write_differences(text: &mut String, account: &Account) {
    if !account.differences.is_empty() {
        let _ = writeln!(text, "\nthe last {} that would end otherwise, newest last:", account.differences.len());
    }
    for difference in &account.differences {
        let _ =
            writeln!(text, "  {}  {}  {} → {}", difference.id, difference.direction, difference.from, difference.to);
        let _ = writeln!(text, "      {} → {}", difference.live, difference.shadow);
    }
}
