//! The chains of a configuration, and nothing else of it: no certificate is read and no address resolved, so a replay needs none.
//!
//! config → **chains** → [`Snapshot`](super::Snapshot)

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use refrain_filter::{
    Bits, BuildError, Chain, Component, Direction, Engine, FilterLimits, FilterSpec, FilterStatus, Grants, Lists,
    Shared,
};

use super::self_test;
use crate::config::schema::{self, Misfit};
use crate::config::{ComponentSource, Config, FilterConfig, Mistake, Mistakes};

/// The chains of both directions.
#[derive(Debug, Clone)]
pub struct Built {
    /// Judges what comes from the federated world.
    pub inbound: Arc<Chain>,
    /// Judges what comes from the protected servers.
    pub outbound: Arc<Chain>,
}

impl Built {
    /// The chain of a direction.
    pub fn of(&self, direction: Direction) -> &Arc<Chain> {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }
}

/// Loads the components that the chains name and lets every filter read its settings. Reports every mistake of every filter.
/// What the filters share beyond their instances is in `shared`.
pub fn build(config: &Config, lists: &Lists, engine: &Arc<Engine>, shared: &Arc<Shared>) -> Result<Built, Mistakes> {
    let mut mistakes = Mistakes::default();
    let mut components = Components { config, lists, engine, loaded: HashMap::new() };
    let mut build = |direction, filters: &[FilterConfig]| {
        let specs: Vec<FilterSpec> =
            filters.iter().filter_map(|filter| components.spec(filter, &mut mistakes)).collect();
        // Built even when a component is missing, so that the settings of the others are checked too.
        Chain::build_in(engine, shared, direction, specs)
            .map_err(|errors| {
                errors.into_iter().for_each(|error| mistakes.extend(components.explained(filters, error)))
            })
            .ok()
    };
    let chains =
        (build(Direction::Inbound, &config.chains.inbound), build(Direction::Outbound, &config.chains.outbound));
    match (chains, mistakes.is_empty()) {
        ((Some(inbound), Some(outbound)), true) => {
            Ok(Built { inbound: Arc::new(inbound), outbound: Arc::new(outbound) })
        }
        _ => Err(mistakes),
    }
}

/// Says which filters ask who is a stranger where nobody is told: what they do then was hardly meant.
pub(super) fn untold(config: &Config, built: &Built) -> Option<Mistake> {
    const ASKED: u32 = Bits::STRANGER | Bits::KNOWN;
    let asks = |filter: &FilterStatus| filter.interests.iter().any(|interest| interest.bits_any & ASKED != 0);
    let filters = [&built.inbound, &built.outbound].into_iter().flat_map(|chain| chain.status());
    let names: BTreeSet<String> = filters.filter(asks).map(|filter| filter.name.to_string()).collect();
    if config.relations.enabled || names.is_empty() {
        return None;
    }
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let problem = format!("asked by {names}, nobody is said to be a stranger");
    let advice = "write true, or leave out what these filters do with strangers";
    Some(config.places.mistake("relations.enabled", problem, advice))
}

/// Puts a filter's own complaint beside the key in the file that caused it.
fn located(config: &Config, error: BuildError) -> Mistake {
    let settings = format!("filter.{}.settings", error.filter);
    let key = if error.path.is_empty() { settings } else { format!("{settings}.{}", error.path) };
    config.places.mistake(&key, error.message, "")
}

/// Likewise, of what the schema of the settings says.
fn misfit(config: &Config, filter: &str, misfit: Misfit) -> Mistake {
    let key = format!("filter.{filter}.settings.{}", misfit.path);
    config.places.mistake(&key, misfit.problem, misfit.advice)
}

/// What a filter is granted: what the operator wrote. If that is nothing at all, a filter that came with us has our word.
fn grants(filter: &FilterConfig, component: &Component) -> Grants {
    let unwritten = || match filter.component {
        ComponentSource::Builtin(_) => component.requests().to_grants(),
        ComponentSource::Path(_) => Grants::default(),
    };
    filter.grants.clone().unwrap_or_else(unwritten)
}

/// Components by where they come from: a filter that stands in both chains is compiled once.
struct Components<'c> {
    config: &'c Config,
    lists: &'c Lists,
    engine: &'c Arc<Engine>,
    loaded: HashMap<ComponentSource, Option<Component>>,
}

impl Components<'_> {
    fn spec(&mut self, filter: &FilterConfig, mistakes: &mut Mistakes) -> Option<FilterSpec> {
        let component = self.component(filter, mistakes)?;
        let grants = grants(filter, &component);
        if let Some(refusal) = component.requests().refusal(&grants) {
            let key = format!("filter.{}.grants", filter.name);
            let advice = match filter.component {
                ComponentSource::Builtin(_) => "or remove `grants`: a bundled filter has what it asks for",
                ComponentSource::Path(_) => "",
            };
            mistakes.add(self.config.places.mistake(&key, refusal, advice));
            return None;
        }
        // Not before it is granted what it asks for: until then none of its code may run.
        let tried = component.try_out(self.engine).map_err(|error| error.to_string());
        if let Err(problem) = tried.and_then(|()| self_test::run(self.engine, &component)) {
            let key = format!("filter.{}.component", filter.name);
            mistakes.add(self.config.places.mistake(&key, problem, ""));
            return None;
        }
        let limits = filter.limits.over(FilterLimits::proposed(&component));
        Some(FilterSpec {
            name: filter.name.clone(),
            component,
            settings: filter.settings.clone(),
            grants,
            lists: self.lists.clone(),
            limits,
            on_fault: filter.on_fault,
            circuit: filter.circuit.clone(),
            isolation: filter.isolation,
        })
    }

    /// What made a filter refuse to start: all that its schema does not allow, else what it says itself, which is the first of it.
    fn explained(&self, filters: &[FilterConfig], error: BuildError) -> Vec<Mistake> {
        let misfits = filters.iter().find(|filter| filter.name == error.filter).and_then(|filter| {
            let component = self.loaded.get(&filter.component)?.as_ref()?;
            let schema = component.manifest()?.settings_schema.as_ref()?;
            Some(schema::misfits(schema, &filter.settings))
        });
        match misfits.unwrap_or_default() {
            misfits if misfits.is_empty() => vec![located(self.config, error)],
            misfits => misfits.into_iter().map(|found| misfit(self.config, &error.filter, found)).collect(),
        }
    }

    fn component(&mut self, filter: &FilterConfig, mistakes: &mut Mistakes) -> Option<Component> {
        if let Some(known) = self.loaded.get(&filter.component) {
            return known.clone();
        }
        let loaded = self.load(filter).map_err(|mistake| mistakes.add(mistake)).ok();
        self.loaded.insert(filter.component.clone(), loaded.clone());
        loaded
    }

    fn load(&self, filter: &FilterConfig) -> Result<Component, Mistake> {
        let key = format!("filter.{}.component", filter.name);
        let mistake = |problem: String, advice: String| self.config.places.mistake(&key, problem, advice);
        let component = match &filter.component {
            ComponentSource::Builtin(name) => {
                let bytes = refrain_plugins::builtin(name).ok_or_else(|| {
                    mistake(
                        format!("there is no bundled filter \"{name}\""),
                        format!("bundled are {}", refrain_plugins::NAMES.join(", ")),
                    )
                })?;
                self.engine.load(&filter.name, bytes)
            }
            ComponentSource::Path(path) => {
                let bytes = std::fs::read(path)
                    .map_err(|error| mistake(format!("{}: {error}", path.display()), String::new()))?;
                self.engine.load(&filter.name, &bytes)
            }
        };
        component.map_err(|error| mistake(error.to_string(), String::new()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::snapshot;

    fn warning(relations: &str) -> Option<String> {
        let text = format!(
            "[relations]\nenabled = {relations}\n[chain]\ninbound = ['jid-policy', 'hygiene']\n\
             [filter.jid-policy.settings]\nfirst-contact = 'closed'\n"
        );
        let (config, _) = Config::parse(&text, Path::new("refrain.toml")).unwrap();
        let engine = snapshot::engine().unwrap();
        let built = build(&config, &Lists::default(), &engine, engine.shared()).unwrap();
        untold(&config, &built).map(|warning| warning.to_string())
    }

    /// All that is wrong with the filters of a configuration that has nothing else.
    fn mistakes(text: &str) -> Vec<String> {
        let (config, mut mistakes) = Config::parse(text, Path::new("refrain.toml")).unwrap();
        let engine = snapshot::engine().unwrap();
        mistakes.extend(build(&config, &Lists::default(), &engine, engine.shared()).err().into_iter().flatten());
        let of_filters = mistakes.iter().filter(|mistake| mistake.key.starts_with("filter."));
        of_filters.map(Mistake::to_string).collect()
    }

    #[test]
    fn every_setting_that_a_filter_does_not_have_is_told_at_once() {
        let text = "[chain]\ninbound = ['jid-policy', 'spim']\n\
            [filter.jid-policy.settings]\nfirst-contakt = 'closed'\ndefault = 'denie'\ndeny = [\n  { outside = 3 },\n]\n\
            [filter.spim.settings]\nknown-factor = 'half'\nrules = [{ at-least = -1 }]\n";
        let expected = [
            "4: filter.jid-policy.settings.first-contakt: there is no such key; did you mean \"first-contact\"?",
            "5: filter.jid-policy.settings.default: there is no \"denie\" here; did you mean \"deny\"?",
            "7: filter.jid-policy.settings.deny[0].outside: is a number; it must be a text in quotes or a list",
            "10: filter.spim.settings.known-factor: is a text; it must be a number",
            "11: filter.spim.settings.rules[0].at-least: -1 is too small; write 0 or more",
            "11: filter.spim.settings.rules[0].name: is missing",
        ];
        let expected: Vec<String> = expected.iter().map(|line| format!("refrain.toml:{line}")).collect();
        assert_eq!(mistakes(text), expected);
    }

    #[test]
    fn a_setting_beside_the_settings_is_told_where_it_belongs() {
        let text =
            "[chain]\ninbound = ['jid-policy']\n[filter.jid-policy]\ndeny = [{ outside = 'a.example' }]\ngrant = []\n";
        let expected = [
            "refrain.toml:4: filter.jid-policy.deny: there is no such key; it is a setting of the filter: write it under \
                [filter.jid-policy.settings]",
            "refrain.toml:5: filter.jid-policy.grant: there is no such key; did you mean \"grants\"?",
        ];
        assert_eq!(mistakes(text), expected);
    }

    #[test]
    fn a_bundled_filter_that_lacks_a_grant_is_better_off_without_the_key() {
        let text = "[chain]\ninbound = ['jid-policy']\n[filter.jid-policy]\ngrants = ['accept']\n";
        let expected = "refrain.toml:4: filter.jid-policy.grants: asks for accept, list:NAME; granted: accept; missing: list:NAME; \
            to let it, write grants = [\"accept\", \"list:*\"]; or remove `grants`: a bundled filter has what it asks for";
        assert_eq!(mistakes(text), [expected]);
    }

    #[test]
    fn filters_that_ask_about_strangers_where_nobody_is_told_are_named() {
        let expected = "refrain.toml:2: relations.enabled: asked by jid-policy, nobody is said to be a stranger; write true, or leave out \
            what these filters do with strangers";
        assert_eq!(warning("false").as_deref(), Some(expected));
        assert_eq!(warning("true"), None);
    }
}
