//! `[relations]`: whether it is learned who knows whom, how much of it, and for how long.

use refrain_filter::PairsLimits;

use super::file::Section;

/// What is remembered of who knows whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relations {
    /// Whether anything is.
    pub enabled: bool,
    /// Days since the two last met.
    pub ttl_days: u32,
    /// Pairs; each takes some 70 bytes.
    pub pairs_max: usize,
}

impl Default for Relations {
    fn default() -> Self {
        Relations { enabled: true, ttl_days: 180, pairs_max: 400_000 }
    }
}

impl Relations {
    /// Reads `[relations]`; what is not written keeps its default.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&["enabled", "ttl-days", "pairs-max"]);
        let default = Relations::default();
        Relations {
            enabled: section.flag("enabled").unwrap_or(default.enabled),
            ttl_days: section.number("ttl-days", 1..=3_650).map_or(default.ttl_days, |days| days as u32),
            pairs_max: section
                .number("pairs-max", 1_000..=50_000_000)
                .map_or(default.pairs_max, |pairs| pairs as usize),
        }
    }

    /// The bounds of the table.
    pub fn limits(&self) -> PairsLimits {
        PairsLimits { ttl_s: self.ttl_days * 24 * 60 * 60, pairs_max: self.pairs_max }
    }
}
