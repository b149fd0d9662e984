//! What a candidate is made of: the text of a configuration as it was when the shadow began, and components put in the place of
//! those it names.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use refrain_filter::{Engine, Shared};
use serde::{Deserialize, Serialize};

use crate::config::{ComponentSource, Config, FilterConfig, Mistakes};
use crate::lists::board::Purpose;
use crate::snapshot::{Attached, Snapshot};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Request {
    /// Another file than the one that Refrain runs from.
    #[serde(default)]
    pub config: Option<PathBuf>,
    /// Components to put in the place of those of these filters.
    #[serde(default)]
    pub filters: BTreeMap<String, PathBuf>,
}

/// Read once, so that what is promoted is what was tried.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    text: String,
    filters: BTreeMap<String, PathBuf>,
}

impl Source {
    /// Reads the file that is asked for; without one, `running`.
    pub fn read(request: Request, running: &Path) -> Result<Source, Mistakes> {
        let path = request.config.unwrap_or_else(|| running.to_owned());
        let text = fs::read_to_string(&path).map_err(|error| crate::config::unreadable(&path, &error))?;
        Ok(Source { path, text, filters: request.filters })
    }

    /// Builds the candidate; what cannot change before a restart is a mistake.
    pub fn build(
        &self,
        running: &Snapshot,
        engine: &Arc<Engine>,
        shared: &Arc<Shared>,
        purpose: Purpose,
    ) -> Result<Snapshot, Mistakes> {
        let (mut config, mut mistakes) = Config::parse(&self.text, &self.path)?;
        for (filter, component) in &self.filters {
            self.exchange(&mut config, &mut mistakes, filter, component);
        }
        mistakes.extend(config.needs_restart_after(&running.config));
        let lists = Attached::new(&running.board, &config, purpose);
        Snapshot::build_in(config, mistakes, engine, shared, lists)
    }

    fn exchange(&self, config: &mut Config, mistakes: &mut Mistakes, name: &str, component: &Path) {
        let named = |filter: &&mut FilterConfig| filter.name == name;
        let chains = &mut config.chains;
        let mut found = false;
        for filter in chains.inbound.iter_mut().chain(&mut chains.outbound).filter(named) {
            filter.component = ComponentSource::Path(component.to_owned());
            found = true;
        }
        if !found {
            let problem = format!("no chain has a filter \"{name}\"");
            mistakes.add(config.places.mistake(
                "chain",
                problem,
                "name one that stands in chain.inbound or chain.outbound",
            ));
        }
    }

    /// What a reload of the file on disk would undo once this is live.
    pub fn undone_by_reload(&self, running: &Path) -> Option<String> {
        let file = running.display();
        if !self.filters.is_empty() {
            let names: Vec<&str> = self.filters.keys().map(String::as_str).collect();
            let names = names.join(", ");
            return Some(format!(
                "{file} still names the former component of {names}: the next reload would undo the promotion"
            ));
        }
        let on_disk = fs::read_to_string(running).ok();
        (on_disk.as_deref() != Some(&*self.text)).then(|| {
            format!("{file} says something else than what was promoted: the next reload would undo the promotion")
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        for (filter, component) in &self.filters {
            write!(f, ", {filter} = {}", component.display())?;
        }
        Ok(())
    }
}
