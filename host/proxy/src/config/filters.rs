//! `[filter.NAME]` and `[chain]`: which filters there are, and in which order they judge.

use std::collections::BTreeMap;
use std::path::PathBuf;

use refrain_filter::{CircuitLimits, FaultPolicy, FilterLimits, Grant, Grants, Isolation};

use super::ListConfigs;
use super::faults;
use super::file::{Section, advise_key};
use super::{schema, settings_files};

/// One filter of a chain.
#[derive(Debug, Clone)]
pub struct FilterConfig {
    /// The operator's name for it, as in logs and errors.
    pub name: String,
    /// Where its code is.
    pub component: ComponentSource,
    /// What only the filter understands.
    pub settings: serde_json::Value,
    /// The files that some of these settings come from.
    pub settings_files: Vec<PathBuf>,
    /// What happens to a stanza that the filter failed on.
    pub on_fault: FaultPolicy,
    /// When a filter that fails is left alone.
    pub circuit: CircuitLimits,
    /// Which stanzas may meet the same instance.
    pub isolation: Isolation,
    /// What one call may use, as far as it is written.
    pub limits: WrittenLimits,
    /// What the filter may do beyond judging. Not written: a bundled filter may what it asks for, any other nothing.
    pub grants: Option<Grants>,
}

/// What the operator wrote of [`FilterLimits`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WrittenLimits {
    /// `deadline-ms`.
    pub deadline_ms: Option<u32>,
    /// `memory-mib`, in bytes.
    pub memory_bytes: Option<usize>,
}

impl WrittenLimits {
    /// The limits of a filter: what is written, and the component's own proposal for the rest.
    pub fn over(self, proposed: FilterLimits) -> FilterLimits {
        FilterLimits {
            deadline_ms: self.deadline_ms.unwrap_or(proposed.deadline_ms),
            memory_bytes: self.memory_bytes.unwrap_or(proposed.memory_bytes),
            ..proposed
        }
    }
}

/// Where a filter's code is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ComponentSource {
    /// One of the bundled filters.
    Builtin(String),
    /// A file.
    Path(PathBuf),
}

/// The filters of each direction, in order.
#[derive(Debug, Clone, Default)]
pub struct Chains {
    /// For stanzas from the federated world.
    pub inbound: Vec<FilterConfig>,
    /// For stanzas from the protected servers.
    pub outbound: Vec<FilterConfig>,
}

impl Chains {
    /// Reads `[chain]` and every `[filter.NAME]`.
    pub(super) fn read(root: &Section<'_>, lists: &ListConfigs) -> Self {
        let filters = root.section("filter").map(|section| read_filters(&section, lists)).unwrap_or_default();
        let Some(chain) = root.section("chain") else {
            warn_of_unused(root, &filters, &[]);
            return Chains::default();
        };
        chain.knows(&["inbound", "outbound"]);
        let (inbound, outbound) = (chain.texts("inbound"), chain.texts("outbound"));
        let used: Vec<&str> = inbound.iter().chain(&outbound).map(|(_, name)| *name).collect();
        warn_of_unused(root, &filters, &used);
        Chains { inbound: pick(&chain, &filters, &inbound), outbound: pick(&chain, &filters, &outbound) }
    }
}

/// A filter that was described, even if wrongly: `None` then, so that a chain may still name it.
type Filters = BTreeMap<String, Option<FilterConfig>>;

fn pick(chain: &Section<'_>, filters: &Filters, names: &[(String, &str)]) -> Vec<FilterConfig> {
    let mut picked: Vec<FilterConfig> = Vec::new();
    for (key, name) in names {
        if picked.iter().any(|other| other.name == *name) {
            chain.mistake(key, format!("\"{name}\" is in this chain already"), "name each filter once");
            continue;
        }
        match filters.get(*name) {
            Some(described) => picked.extend(described.clone()),
            None if refrain_plugins::NAMES.contains(name) => picked.push(undescribed((*name).to_owned())),
            None => report_unknown(chain, key, name, filters),
        }
    }
    picked
}

/// A bundled filter needs no `[filter.NAME]`: without one it has its own defaults.
fn undescribed(name: String) -> FilterConfig {
    FilterConfig {
        component: ComponentSource::Builtin(name.clone()),
        name,
        settings: no_settings(),
        settings_files: Vec::new(),
        on_fault: FaultPolicy::default(),
        circuit: CircuitLimits::default(),
        isolation: Isolation::default(),
        limits: WrittenLimits::default(),
        grants: None,
    }
}

fn report_unknown(chain: &Section<'_>, key: &str, name: &str, filters: &Filters) {
    let mut known: Vec<&str> =
        filters.keys().map(String::as_str).chain(refrain_plugins::NAMES.iter().copied()).collect();
    known.sort_unstable();
    known.dedup();
    let advice = format!("describe it in [filter.{name}]; {}", advise_key(name, &known));
    chain.mistake(key, format!("there is no filter \"{name}\""), advice);
}

fn warn_of_unused(root: &Section<'_>, filters: &Filters, used: &[&str]) {
    for name in filters.keys().filter(|name| !used.contains(&name.as_str())) {
        let key = format!("filter.{name}");
        root.findings().warning(&key, "this filter is in no chain", "name it in chain.inbound or chain.outbound");
    }
}

fn read_filters(section: &Section<'_>, lists: &ListConfigs) -> Filters {
    let filters = section.named_sections().into_iter();
    filters.map(|(name, section)| (name.clone(), read_filter(name, &section, lists))).collect()
}

/// The keys of `[filter.NAME]`.
const KEYS: &[&str] = &[
    "component",
    "on-fault",
    "circuit",
    "isolation",
    "deadline-ms",
    "memory-mib",
    "grants",
    "settings",
    "settings-files",
];

fn read_filter(name: String, section: &Section<'_>, lists: &ListConfigs) -> Option<FilterConfig> {
    let component = component(&name, section);
    if let Some(component) = &component {
        report_misplaced(section, component);
    }
    section.knows(KEYS);
    let mut settings = settings(section);
    let settings_files = settings_files::read(section, &mut settings);
    Some(FilterConfig {
        name,
        component: component?,
        settings,
        settings_files,
        on_fault: faults::policy(section),
        circuit: faults::circuit(section),
        isolation: faults::isolation(section),
        limits: limits(section),
        grants: section.has("grants").then(|| grants(section, lists)),
    })
}

/// A setting that stands beside `settings` instead of in it is an easy slip, and no spelling is near to it.
fn report_misplaced(section: &Section<'_>, component: &ComponentSource) {
    let unknown = section.keys().filter(|key| !KEYS.contains(key));
    for key in unknown.filter(|key| schema::is_setting(component, key)) {
        let advice = format!("it is a setting of the filter: write it under [{}]", section.key("settings"));
        section.mistake(key, "there is no such key", advice);
    }
}

fn component(filter: &str, section: &Section<'_>) -> Option<ComponentSource> {
    if !section.has("component") && refrain_plugins::NAMES.contains(&filter) {
        return Some(ComponentSource::Builtin(filter.to_owned()));
    }
    section.requires("component", "write \"builtin:NAME\" or the path of a component");
    let text = section.text("component")?;
    if let Some(name) = text.strip_prefix("builtin:") {
        if !refrain_plugins::NAMES.contains(&name) {
            let advice = advise_key(name, refrain_plugins::NAMES);
            section.mistake("component", format!("there is no bundled filter \"{name}\""), advice);
        }
        return Some(ComponentSource::Builtin(name.to_owned()));
    }
    let path = section.path("component")?;
    if !path.is_file() {
        let advice = "write \"builtin:NAME\" or a path relative to this file";
        section.mistake("component", format!("there is no file {}", path.display()), advice);
    }
    Some(ComponentSource::Path(path))
}

fn settings(section: &Section<'_>) -> serde_json::Value {
    // Asked for as a table, so that anything else is reported.
    match section.section("settings") {
        Some(_) => section.json("settings").unwrap_or_default(),
        None => no_settings(),
    }
}

fn no_settings() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

fn limits(section: &Section<'_>) -> WrittenLimits {
    let deadline = section.number("deadline-ms", 1..=1_000);
    let memory = section.number("memory-mib", 1..=64);
    WrittenLimits {
        deadline_ms: deadline.and_then(|milliseconds| u32::try_from(milliseconds).ok()),
        memory_bytes: memory.and_then(|mebibytes| usize::try_from(mebibytes << 20).ok()),
    }
}

fn grants(section: &Section<'_>, lists: &ListConfigs) -> Grants {
    let grant = |(key, text): (String, &str)| match text.parse() {
        Ok(Grant::List(name)) if name != "*" && !lists.contains_key(&name) => {
            let known: Vec<&str> = lists.keys().map(String::as_str).collect();
            let advice = format!("describe it in [list.{name}]; {}", advise_key(&name, &known));
            section.mistake(&key, format!("there is no list \"{name}\""), advice);
            None
        }
        Ok(grant) => Some(grant),
        Err(error) => {
            section.mistake(&key, error.to_string(), advise_grant(text));
            None
        }
    };
    section.texts("grants").into_iter().filter_map(grant).collect()
}

/// Of `lists:x` the kind is misspelt, not the name.
fn advise_grant(text: &str) -> String {
    match text.split_once(':') {
        Some((kind, _)) => advise_key(&format!("{kind}:NAME"), Grant::SPELLINGS),
        None => advise_key(text, Grant::SPELLINGS),
    }
}
