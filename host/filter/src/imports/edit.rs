//! `edit`: entries into the journal of the call.

use wasmtime::component::Resource;

use crate::bindings::refrain::filter::edit::{self, EditError};
use crate::state::{StanzaHandle, State};

type Handle = Resource<StanzaHandle>;
type Edited<T = ()> = wasmtime::Result<Result<T, EditError>>;

impl edit::Host for State {
    fn set_attr(&mut self, _: Handle, node: u32, name: String, value: Option<String>) -> Edited {
        self.charge(name.len() + value.as_ref().map_or(0, String::len))?;
        Ok(self.journal.set_attribute(self.stanza.element(), node, name, value).map_err(EditError::from))
    }

    fn set_text(&mut self, _: Handle, node: u32, value: String) -> Edited {
        self.charge(value.len())?;
        Ok(self.journal.set_text(self.stanza.element(), node, value).map_err(EditError::from))
    }

    fn insert_xml(&mut self, _: Handle, parent: u32, xml: String) -> Edited {
        self.charge(xml.len())?;
        Ok(self.journal.insert(self.stanza.element(), parent, &xml).map_err(EditError::from))
    }

    fn replace_xml(&mut self, _: Handle, node: u32, xml: String) -> Edited {
        self.charge(xml.len())?;
        Ok(self.journal.replace(self.stanza.element(), node, &xml).map_err(EditError::from))
    }

    fn remove(&mut self, _: Handle, node: u32) -> Edited {
        Ok(self.journal.remove(self.stanza.element(), node).map_err(EditError::from))
    }

    fn remove_all(&mut self, _: Handle, selector: u32) -> Edited<u32> {
        let State { registered, journal, stanza, .. } = self;
        let selector = registered.selector(selector)?;
        Ok(journal.remove_all(stanza.element(), selector).map_err(EditError::from))
    }
}
