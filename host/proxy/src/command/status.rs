//! `refrain status` and `refrain chain`: what a running Refrain is doing.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use hyper::Method;

use super::ask::Target;
use super::table::{Table, duration, paint};
use crate::control::guard::GuardStatus;
use crate::control::lists::ListStatus;
use crate::control::status::{ChainStatus, CircuitState, FilterStatus, LastReload, Names, Status};
use crate::lists::freshness::Freshness;
use crate::observe::audit::direction_name;
use crate::relations::RelationCounts;

/// Reasons shown of each filter; `--json` has all.
const REASONS_SHOWN: usize = 5;

/// What both take.
#[derive(Debug, Args)]
pub struct Look {
    #[command(flatten)]
    target: Target,
}

impl Look {
    /// Exit codes: 0 shown, 1 Refrain could not be asked.
    pub fn status(&self) -> ExitCode {
        self.target.show(Method::GET, "/status", |status| status_text(&status))
    }

    /// Exit codes: as of [`status`](Self::status).
    pub fn chain(&self) -> ExitCode {
        self.target.show(Method::GET, "/chain", |chains: Vec<ChainStatus>| {
            chains.iter().map(chain_text).collect::<Vec<_>>().join("\n")
        })
    }
}

fn status_text(status: &Status) -> String {
    let Status { version, pid, generation, stanzas, streams, listeners, .. } = status;
    let totals = stanzas.totals;
    let state = if status.draining { paint::bad("draining") } else { paint::good("running") };
    let mut text = format!("refrain {version}, process {pid}, {state} for {}\n", duration(status.uptime_seconds));
    let _ = writeln!(
        text,
        "generation  {} ({} {}), live for {}{}",
        generation.number,
        generation.config.display(),
        generation.digest,
        duration(generation.live_seconds),
        status.previous_generation.map_or(String::new(), |number| format!("; rollback to {number} is possible")),
    );
    if let Some(last) = &status.reloads.last {
        text += &last_reload_text(last);
    }
    text += &guard_text(&status.guard);
    let direct = match listeners.outside_tls.as_slice() {
        [] => String::new(),
        direct => format!(", with direct TLS {}", list(direct)),
    };
    let (outside, inside) = (list(&listeners.outside), list(&listeners.inside));
    let _ = writeln!(text, "listens     outside {outside}{direct}, inside {inside}");
    let _ = writeln!(
        text,
        "stanzas     {} accepted = {} forwarded + {} bounced + {} dropped + {} in flight, {} of them waiting",
        totals.accepted, totals.forwarded, totals.bounced, totals.dropped, stanzas.in_flight, stanzas.waiting
    );
    let _ = writeln!(
        text,
        "streams     outside {} in, {} out; inside {} in, {} out",
        streams.from_outside, streams.to_outside, streams.from_inside, streams.to_inside
    );
    for (side, counts) in [("outside", &status.dials.outside), ("inside", &status.dials.inside)] {
        let failed: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).cloned().collect();
        if !failed.is_empty() {
            let _ = writeln!(text, "unreached   {side}: {}", self::counts(&failed));
        }
    }
    if let Some(names) = listeners.inside_dns {
        let Names { questions, refused } = &status.names;
        let _ =
            writeln!(text, "names       asked at {names}: {questions} questions, not answered: {}", counts(refused));
    }
    let continuity = &status.continuity;
    let _ = writeln!(text, "peers       {} known, {} changes of a key", continuity.known, continuity.key_changes);
    text += &relations_text(status.relations.as_ref());
    text += &lists_text(&status.lists);
    let _ = writeln!(text, "refused     {}", counts(&status.refusals));
    for chain in &status.chains {
        let _ = write!(text, "\n{}\n{}", direction_name(chain.direction), filters_text(&chain.filters));
    }
    text.trim_end().to_owned()
}

/// A line for each list; `refrain list` tells more.
fn lists_text(lists: &[ListStatus]) -> String {
    let line = |list: &ListStatus| {
        let silent: Vec<String> = list
            .sources
            .iter()
            .filter(|source| source.freshness != Freshness::Fresh)
            .map(|source| format!("; {}", paint::bad(&format!("{} is {}", source.source, source.freshness.as_str()))))
            .collect();
        let preview = if list.preview { " (preview)" } else { "" };
        let ListStatus { name, entries, hits, .. } = list;
        format!("list        {name}{preview}: {entries} entries, {hits} hits{}\n", silent.concat())
    };
    lists.iter().map(line).collect()
}

fn guard_text(guard: &GuardStatus) -> String {
    let mut text = String::new();
    if let Some(generation) = guard.watching {
        let left = duration(guard.seconds_left);
        let _ = writeln!(text, "guard       watches generation {generation} for {left} more");
    }
    if let Some(taken) = &guard.last_rollback {
        let (generation, now) = (taken.generation, taken.now);
        let back = paint::bad(&format!("took back generation {generation}"));
        let _ = writeln!(text, "guard       {back} ({}), live as {now} is the one before it", taken.why);
    }
    text
}

fn relations_text(relations: Option<&RelationCounts>) -> String {
    match relations {
        Some(RelationCounts { known, learned, forgotten, evicted, .. }) => {
            format!("relations   {known} pairs known; learned {learned}, forgotten {forgotten}, evicted {evicted}\n")
        }
        None => "relations   off: filters are not told who is a stranger\n".to_owned(),
    }
}

fn last_reload_text(last: &LastReload) -> String {
    let LastReload { seconds_ago, cause, milliseconds, generation, mistakes } = last;
    let ago = duration(*seconds_ago);
    match generation {
        Some(number) => format!("last reload {ago} ago ({cause}, {milliseconds} ms): generation {number}\n"),
        None => {
            let refused = paint::bad("refused");
            let mut text =
                format!("last reload {ago} ago ({cause}, {milliseconds} ms): {refused}, nothing has changed\n");
            mistakes.iter().for_each(|mistake| text += &format!("    {mistake}\n"));
            text
        }
    }
}

fn filters_text(filters: &[FilterStatus]) -> String {
    if filters.is_empty() {
        return "  no filter: every stanza passes\n".to_owned();
    }
    let mut table = Table::new(&[
        "filter",
        "calls",
        "skips",
        "verdicts",
        "edits",
        "faults",
        "circuit",
        "p50",
        "p99",
        "memory",
        "instances",
    ]);
    for filter in filters {
        table.row([
            filter.name.clone(),
            filter.calls.to_string(),
            filter.skips.to_string(),
            counts(&filter.verdicts),
            filter.edited.to_string(),
            counts(&filter.faults),
            circuit(filter.circuit),
            micros(filter.p50_microseconds),
            micros(filter.p99_microseconds),
            format!("{:.1} MiB", filter.memory_bytes as f64 / f64::from(1 << 20)),
            filter.instances.to_string(),
        ]);
    }
    let mut text = table.to_string();
    for filter in filters.iter().filter(|filter| !filter.reasons.is_empty()) {
        let reasons = filter.reasons.iter().take(REASONS_SHOWN);
        let reasons: Vec<String> = reasons.map(|(reason, count)| format!("{reason} ({count})")).collect();
        let _ = writeln!(text, "  {}: {}", filter.name, reasons.join(", "));
    }
    text
}

fn chain_text(chain: &ChainStatus) -> String {
    let mut text = format!("{}\n", direction_name(chain.direction));
    if chain.filters.is_empty() {
        text += "  no filter: every stanza passes\n";
    }
    for (index, filter) in chain.filters.iter().enumerate() {
        let version = filter.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
        let _ = writeln!(text, "  {}. {}", index + 1, filter.name);
        let _ = writeln!(text, "     component  {}{version} ({})", filter.component, filter.digest);
        let settings = filter.settings.as_deref().unwrap_or("none: its defaults");
        let _ = writeln!(text, "     settings   {settings}");
        let _ = writeln!(text, "     grants     {}", or_none(&filter.grants));
        let _ = writeln!(text, "     isolation  {}, circuit {}", filter.isolation, circuit(filter.circuit));
        match filter.interests.as_slice() {
            [] => text += "     sees       every stanza\n",
            interests => interests.iter().enumerate().for_each(|(index, interest)| {
                let label = if index == 0 { "sees " } else { "   or" };
                let _ = writeln!(text, "     {label}      {interest}");
            }),
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn list<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn or_none(values: &[String]) -> String {
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

/// Those that are not zero.
fn counts(counts: &[(String, u64)]) -> String {
    let some = counts.iter().filter(|(_, count)| *count > 0);
    let some: Vec<String> = some.map(|(name, count)| format!("{name} {count}")).collect();
    if some.is_empty() { "-".to_owned() } else { some.join(", ") }
}

fn circuit(state: CircuitState) -> String {
    match state {
        CircuitState::Closed => "closed".to_owned(),
        CircuitState::Open { seconds_left } => format!("open, {seconds_left:.0} s left"),
        CircuitState::HalfOpen => "half-open".to_owned(),
    }
}

fn micros(micros: f64) -> String {
    if micros == 0.0 { "-".to_owned() } else { format!("{micros:.1} µs") }
}
