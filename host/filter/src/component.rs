//! From bytes to code that can be instantiated, with refusals a human understands.

mod names;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use wasmparser::Parser;
use wasmtime::component::types::{self, ComponentItem};
use wit_component::ComponentEncoder;

use crate::bindings::FilterPre;
use crate::digest::Digest;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::grants::Requests;
use crate::instance;
use crate::interface;
use crate::manifest::Manifest;
use crate::state::State;
use names::{Names, check_module};

/// The version of `wit/filter.wit`.
pub(crate) const INTERFACE_VERSION: &str = "0.1.2";

const INTERFACE: &str = "refrain:filter/";

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
    functions: Vec<String>,
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

    /// Makes an instance and lets it go, to see that one can be made. A start function runs, so it comes after the grants.
    pub fn try_out(&self, engine: &Engine) -> Result<(), LoadError> {
        let code = self.code();
        instance::try_out(engine, code).map_err(|error| mismatched(engine, code.instance_pre().component(), &error))
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

    /// Returns the functions it imports, as `tree.stanza.text`, sorted.
    pub fn functions(&self) -> &[String] {
        &self.loaded.functions
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
    let mismatched = |error| mismatched(engine, &compiled, &error);
    let linked = engine.linker.instantiate_pre(&compiled).map_err(mismatched)?;
    let code = FilterPre::new(linked).map_err(mismatched)?;
    let manifest = Manifest::read(bytes)?;
    let mut requests = requests(engine, &compiled);
    manifest.iter().flat_map(|manifest| &manifest.requests).for_each(|request| requests.name(request));
    let functions = function_names(engine, &compiled);
    Ok(Loaded { digest, bytes: bytes.len(), manifest, imports, functions, requests, code })
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

/// Checks what a component imports and exports, and returns the imports.
fn check_names(engine: &Engine, component: &wasmtime::component::Component) -> Result<Vec<String>, LoadError> {
    let mut names = Names::default();
    functions(engine, component).iter().for_each(|(import, function, _)| names.function(import, function));
    let component = component.component_type();
    let imports: Vec<_> = component.imports(&engine.wasmtime).map(|(import, _)| import.to_owned()).collect();
    imports.iter().for_each(|import| names.import(import, import));
    component.exports(&engine.wasmtime).for_each(|(export, _)| names.export(export));
    names.finish().map(|()| imports)
}

/// Names the functions that a component imports, without the versions of their interfaces.
fn function_names(engine: &Engine, component: &wasmtime::component::Component) -> Vec<String> {
    let name = |(import, function, _): Function| {
        let interface = import.strip_prefix(INTERFACE).and_then(|name| name.split('@').next()).unwrap_or(&import);
        format!("{interface}.{}", interface::spoken(&function))
    };
    let mut names: Vec<String> = functions(engine, component).into_iter().map(name).collect();
    names.sort();
    names
}

/// Reads off the functions that a component imports what it must be granted.
fn requests(engine: &Engine, component: &wasmtime::component::Component) -> Requests {
    let mut requests = Requests::default();
    for (import, function, _) in functions(engine, component) {
        if let Some(interface) = import.strip_prefix(INTERFACE).and_then(|name| name.split('@').next()) {
            requests.import(interface, &function);
        }
    }
    requests
}

/// Names the function whose type differs, as far as wasmtime tells.
fn mismatched(engine: &Engine, component: &wasmtime::component::Component, error: &wasmtime::Error) -> LoadError {
    let text = format!("{error:#}");
    let (import, function) = (quoted(&text, "imports instance `"), quoted(&text, "instance export `"));
    let found = match (import, function) {
        (Some(import), Some(function)) => {
            functions(engine, component).into_iter().find(|(of, name, _)| *of == import && *name == function)
        }
        _ => exported(engine, component).into_iter().find(|(_, name, signature)| !is_as_configure(name, signature)),
    };
    let cause = ["has the wrong type: ", "to given type: "].iter().find_map(|mark| Some(text.split_once(mark)?.1));
    let (Some((interface, function, found)), Some(cause)) = (found, cause) else { return LoadError::Invalid(text) };
    let known = interface.strip_prefix(INTERFACE).and_then(|name| name.split('@').next());
    let known = known.and_then(|interface| interface::signature(interface, &function)).unwrap_or("another one");
    let function = format!("{interface} function `{}`", interface::spoken(&function));
    LoadError::WrongType { function, found, known, cause: cause.to_owned() }
}

/// Of the two exported functions the one whose type can be compared in full.
fn is_as_configure(name: &str, signature: &str) -> bool {
    name == "configure" && signature == "func(config: string) -> result<_, list<record of 2 fields>>"
}

fn quoted<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    text.split_once(mark)?.1.split('`').next()
}

/// An interface with its version, a function of it, and its type.
type Function = (String, String, String);

fn functions(engine: &Engine, component: &wasmtime::component::Component) -> Vec<Function> {
    let component = component.component_type();
    component.imports(&engine.wasmtime).flat_map(|(name, item)| functions_of(engine, name, item.ty)).collect()
}

fn exported(engine: &Engine, component: &wasmtime::component::Component) -> Vec<Function> {
    let component = component.component_type();
    component.exports(&engine.wasmtime).flat_map(|(name, item)| functions_of(engine, name, item.ty)).collect()
}

fn functions_of(engine: &Engine, interface: &str, item: ComponentItem) -> Vec<Function> {
    let ComponentItem::ComponentInstance(instance) = item else { return Vec::new() };
    let function = |(name, item): (&str, types::ComponentExtern)| match item.ty {
        ComponentItem::ComponentFunc(function) => {
            Some((interface.to_owned(), name.to_owned(), interface::signature_of(&function)))
        }
        _ => None,
    };
    instance.exports(&engine.wasmtime).filter_map(function).collect()
}
