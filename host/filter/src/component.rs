//! From bytes to code that can be instantiated, with refusals a human understands.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wasmparser::{Parser, Payload};
use wasmtime::component::types::ComponentItem;
use wit_component::ComponentEncoder;

use crate::bindings::FilterPre;
use crate::digest::Digest;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::grants::Requests;
use crate::instance;
use crate::manifest::Manifest;
use crate::state::State;

/// The version of `wit/filter.wit`.
pub(crate) const INTERFACE_VERSION: &str = "0.1.1";

/// The part of a 0.x version that must agree.
const COMPATIBLE: &str = "0.1.";
const INTERFACE: &str = "refrain:filter/";
const GUEST: &str = "refrain:filter/guest@";

/// A compiled filter, not configured yet. Clones share the code.
#[derive(Clone)]
pub struct Component {
    name: Arc<str>,
    loaded: Arc<Loaded>,
}

/// What is the same under whatever name a file is loaded.
pub(crate) struct Loaded {
    digest: Digest,
    bytes: usize,
    manifest: Option<Manifest>,
    imports: Vec<String>,
    requests: Requests,
    code: FilterPre<State>,
}

impl Component {
    pub(crate) fn load(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        let max = engine.options.component_bytes_max;
        if bytes.len() > max {
            return Err(LoadError::TooLarge { bytes: bytes.len(), max });
        }
        let digest = Digest::of(bytes);
        let loaded = match engine.compiled.find(&digest) {
            Some(known) => known,
            None => engine.compiled.keep(compile(engine, bytes, digest)?),
        };
        Ok(Component { name: name.into(), loaded })
    }

    /// Returns the name it was loaded under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of its content.
    pub fn digest(&self) -> Digest {
        self.loaded.digest
    }

    /// Returns its size as a file.
    pub fn bytes(&self) -> usize {
        self.loaded.bytes
    }

    /// Returns what it says of itself.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.loaded.manifest.as_ref()
    }

    /// Returns the interfaces it imports: all it can ever ask of the host.
    pub fn imports(&self) -> &[String] {
        &self.loaded.imports
    }

    /// Returns what it asks the operator for.
    pub fn requests(&self) -> &Requests {
        &self.loaded.requests
    }

    pub(crate) fn code(&self) -> &FilterPre<State> {
        &self.loaded.code
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component").field("name", &self.name).field("imports", &self.loaded.imports).finish()
    }
}

/// Compiled components by their content: a filter that stands in two chains, or in two generations of one, is compiled once and
/// its code is in memory once, for as long as something uses it.
#[derive(Default)]
pub(crate) struct Compiled {
    by_digest: Mutex<HashMap<Digest, Weak<Loaded>>>,
}

impl Compiled {
    fn find(&self, digest: &Digest) -> Option<Arc<Loaded>> {
        self.lock().get(digest)?.upgrade()
    }

    /// Keeps what was compiled; if another thread was faster, its work is the one that is used.
    fn keep(&self, loaded: Loaded) -> Arc<Loaded> {
        let mut by_digest = self.lock();
        by_digest.retain(|_, known| known.strong_count() > 0);
        if let Some(known) = by_digest.get(&loaded.digest).and_then(Weak::upgrade) {
            return known;
        }
        let loaded = Arc::new(loaded);
        by_digest.insert(loaded.digest, Arc::downgrade(&loaded));
        loaded
    }

    /// A panic while it was locked left the map whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Weak<Loaded>>> {
        self.by_digest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parsers and the compiler are not ours; a bug in them must cost a file its chance, not the proxy its life.
fn compile(engine: &Engine, bytes: &[u8], digest: Digest) -> Result<Loaded, LoadError> {
    catch_unwind(AssertUnwindSafe(|| compile_or_panic(engine, bytes, digest)))
        .unwrap_or_else(|_| Err(LoadError::Invalid("the compiler failed on this file".to_owned())))
}

fn compile_or_panic(engine: &Engine, bytes: &[u8], digest: Digest) -> Result<Loaded, LoadError> {
    let encoded;
    let component = if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm);
    } else if Parser::is_core_wasm(bytes) {
        encoded = componentise(bytes)?;
        &encoded
    } else {
        bytes
    };
    let compiled = wasmtime::component::Component::from_binary(&engine.wasmtime, component).map_err(invalid)?;
    let imports = check_names(engine, &compiled)?;
    let linked = engine.linker.instantiate_pre(&compiled).map_err(invalid)?;
    let code = FilterPre::new(linked).map_err(invalid)?;
    instance::try_out(engine, &code).map_err(invalid)?;
    let manifest = Manifest::read(bytes)?;
    let mut requests = requests(engine, &compiled);
    manifest.iter().flat_map(|manifest| &manifest.requests).for_each(|request| requests.name(request));
    Ok(Loaded { digest, bytes: bytes.len(), manifest, imports, requests, code })
}

fn invalid(error: wasmtime::Error) -> LoadError {
    LoadError::Invalid(format!("{error:#}"))
}

/// Wraps a core module by the interface that its toolchain embedded in it.
fn componentise(module: &[u8]) -> Result<Vec<u8>, LoadError> {
    check_module(module)?;
    let component = ComponentEncoder::default().validate(true).module(module).and_then(|mut encoder| encoder.encode());
    component.map_err(|error| LoadError::Invalid(format!("{error:#}")))
}

/// Looks at the names a module imports and exports before anything heavier reads it.
fn check_module(module: &[u8]) -> Result<(), LoadError> {
    let mut names = Names::default();
    let mut has_interface = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| LoadError::Invalid(error.to_string()))? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|error| LoadError::Invalid(error.to_string()))?;
                    names.import(import.module, &format!("{}.{}", import.module, import.name))?;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.map_err(|error| LoadError::Invalid(error.to_string()))?;
                    names.export(export.name.split('#').next().unwrap_or_default())?;
                }
            }
            Payload::CustomSection(section) => has_interface |= section.name().starts_with("component-type"),
            _ => {}
        }
    }
    if !has_interface {
        return Err(if names.foreign.is_empty() {
            LoadError::NoInterface
        } else {
            LoadError::ForeignImports(names.foreign)
        });
    }
    names.finish()
}

/// Checks what a component imports and exports, and returns the imports.
fn check_names(engine: &Engine, component: &wasmtime::component::Component) -> Result<Vec<String>, LoadError> {
    let component = component.component_type();
    let mut names = Names::default();
    let mut imports = Vec::new();
    for (import, _) in component.imports(&engine.wasmtime) {
        names.import(import, import)?;
        imports.push(import.to_owned());
    }
    for (export, _) in component.exports(&engine.wasmtime) {
        names.export(export)?;
    }
    names.finish().map(|()| imports)
}

/// Reads off the functions that a component imports what it must be granted.
fn requests(engine: &Engine, component: &wasmtime::component::Component) -> Requests {
    let mut requests = Requests::default();
    for (import, item) in component.component_type().imports(&engine.wasmtime) {
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let interface = import.strip_prefix(INTERFACE).and_then(|name| name.split('@').next());
        for (name, item) in instance.exports(&engine.wasmtime) {
            if let (Some(interface), ComponentItem::ComponentFunc(_)) = (interface, item.ty) {
                requests.import(interface, name);
            }
        }
    }
    requests
}

#[derive(Default)]
struct Names {
    foreign: Vec<String>,
    has_guest: bool,
}

impl Names {
    fn import(&mut self, interface: &str, shown: &str) -> Result<(), LoadError> {
        if interface.starts_with(INTERFACE) {
            return check_version(interface);
        }
        if self.foreign.len() < 8 && !self.foreign.iter().any(|known| known == shown) {
            self.foreign.push(shown.to_owned());
        }
        Ok(())
    }

    fn export(&mut self, name: &str) -> Result<(), LoadError> {
        if name.starts_with(GUEST) {
            check_version(name)?;
            self.has_guest = true;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), LoadError> {
        if !self.foreign.is_empty() {
            return Err(LoadError::ForeignImports(self.foreign));
        }
        if self.has_guest { Ok(()) } else { Err(LoadError::NoGuest) }
    }
}

fn check_version(name: &str) -> Result<(), LoadError> {
    match name.split_once('@') {
        Some((_, version)) if version.starts_with(COMPATIBLE) => Ok(()),
        _ => Err(LoadError::WrongVersion { name: name.to_owned(), host: INTERFACE_VERSION }),
    }
}
