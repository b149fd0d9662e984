//! `setup`: what stanzas are of interest and what will be asked about them, registered while `configure` runs.

use crate::bindings::refrain::filter::setup;
use crate::interest::Interest;
use crate::state::State;

type Index = wasmtime::Result<Result<u32, String>>;

impl setup::Host for State {
    fn add_interest(&mut self, rule: setup::Interest) -> Index {
        Ok(self.setup.interest(&self.registered, Interest::from(rule)))
    }

    fn selector(&mut self, path: String) -> Index {
        Ok(self.setup.selector(&self.registered, &path))
    }

    fn counter(&mut self, name: String, help: String) -> Index {
        Ok(self.setup.counter(&self.registered, &self.reach, name, &help))
    }

    fn limiter(&mut self, name: String, burst: u32, per_second: f64) -> Index {
        Ok(self.setup.limiter(&self.registered, &self.reach, name, (burst, per_second)))
    }

    fn open_list(&mut self, name: String) -> Index {
        Ok(self.setup.list(&self.registered, &self.reach, name))
    }

    fn open_bucket(&mut self, name: String) -> Index {
        Ok(self.setup.bucket(&self.registered, &self.reach, name))
    }
}
