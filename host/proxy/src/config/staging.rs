//! `[staging]`: how a change is tried, and when it is taken back.

use std::path::PathBuf;
use std::time::Duration;

use super::file::Section;

/// How changes of the chains are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staging {
    /// Of a hundred stanzas so many are judged by a shadow, too.
    pub shadow_percent: u64,
    /// How long a new generation is watched; zero: not at all.
    pub rollback_period: Duration,
    /// More faults per hundred stanzas take the generation back.
    pub fault_percent_max: u64,
    /// A slower 99th percentile takes the generation back; without it, time does not count.
    pub latency_max: Option<Duration>,
    /// Where stanzas are kept on which a filter failed; without it, in memory only.
    pub fault_directory: Option<PathBuf>,
}

impl Default for Staging {
    fn default() -> Self {
        Staging {
            shadow_percent: 100,
            rollback_period: Duration::from_secs(5 * 60),
            fault_percent_max: 1,
            latency_max: None,
            fault_directory: None,
        }
    }
}

impl Staging {
    /// Reads `[staging]`; what is not written keeps its default.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&[
            "shadow-percent",
            "rollback-minutes",
            "fault-percent-max",
            "latency-micros-max",
            "fault-directory",
        ]);
        let default = Staging::default();
        let minutes = |minutes| Duration::from_secs(minutes * 60);
        Staging {
            shadow_percent: section.number("shadow-percent", 1..=100).unwrap_or(default.shadow_percent),
            rollback_period: section.number("rollback-minutes", 0..=1_440).map_or(default.rollback_period, minutes),
            fault_percent_max: section.number("fault-percent-max", 0..=100).unwrap_or(default.fault_percent_max),
            latency_max: section.number("latency-micros-max", 1..=10_000_000).map(Duration::from_micros),
            fault_directory: fault_directory(section),
        }
    }
}

fn fault_directory(section: &Section<'_>) -> Option<PathBuf> {
    let path = section.path("fault-directory")?;
    if !path.is_dir() {
        let advice = "make it, readable by Refrain's user alone";
        section.mistake("fault-directory", format!("there is no directory {}", path.display()), advice);
    }
    Some(path)
}
