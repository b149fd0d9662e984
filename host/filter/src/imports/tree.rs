//! `tree`: the stanza as it was when the call began.

use refrain_proto::Node;
use wasmtime::component::Resource;

use crate::bindings::refrain::filter::tree::{self, NodeInfo};
use crate::state::{StanzaHandle, State};

type Handle = Resource<StanzaHandle>;

impl tree::Host for State {}

impl tree::HostStanza for State {
    fn test(&mut self, _: Handle, selector: u32) -> wasmtime::Result<bool> {
        Ok(self.registered.selector(selector)?.test(self.stanza.element()))
    }

    fn count(&mut self, _: Handle, selector: u32) -> wasmtime::Result<u32> {
        Ok(self.registered.selector(selector)?.count(self.stanza.element()))
    }

    fn text(&mut self, _: Handle, selector: u32) -> wasmtime::Result<Option<String>> {
        Ok(self.registered.selector(selector)?.text(self.stanza.element()).map(String::from))
    }

    fn texts(&mut self, _: Handle, selector: u32, max: u32) -> wasmtime::Result<Vec<String>> {
        let texts = self.registered.selector(selector)?.texts(self.stanza.element(), max as usize);
        Ok(texts.into_iter().map(String::from).collect())
    }

    fn find(&mut self, _: Handle, selector: u32, max: u32) -> wasmtime::Result<Vec<u32>> {
        Ok(self.registered.selector(selector)?.find(self.stanza.element(), max as usize))
    }

    fn children(&mut self, _: Handle, node: u32) -> wasmtime::Result<Vec<NodeInfo>> {
        let node = self.stanza.element().node(node);
        Ok(node.map(|node| node.children().map(describe).collect()).unwrap_or_default())
    }

    fn attr(&mut self, _: Handle, node: u32, name: String) -> wasmtime::Result<Option<String>> {
        let node = self.stanza.element().node(node);
        Ok(node.and_then(|node| node.attribute(&name)).map(str::to_owned))
    }

    fn xml(&mut self, _: Handle, node: u32, max: u32) -> wasmtime::Result<String> {
        let Some(node) = self.stanza.element().node(node) else { return Ok(String::new()) };
        let mut out = Vec::new();
        node.write(&mut out);
        let mut xml = String::from_utf8(out)?;
        super::cut(&mut xml, max as usize);
        Ok(xml)
    }

    /// A borrowed handle has nothing to free.
    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        Ok(())
    }
}

fn describe(node: Node<'_>) -> NodeInfo {
    NodeInfo {
        node: node.id(),
        name: node.name().to_owned(),
        ns: node.namespace().to_owned(),
        text_len: node.text_len() as u32,
        child_count: node.children().count() as u32,
    }
}
