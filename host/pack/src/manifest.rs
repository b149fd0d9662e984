//! Asks a module what it says about itself.

use serde_json::Value;
use wasmi::{
    Config, Engine, ExternType, Func, Instance, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder,
};

use crate::PackError;

/// The export that writes the manifest: no parameter, the result is `address << 32 | length` of its text.
pub(crate) const EXPORT: &str = "refrain-manifest";

/// Instructions, about: a schema of some hundred keys takes a hundredth, and an endless loop ends within seconds.
const FUEL: u64 = 500_000_000;

/// What a guest's stack and a schema need, many times over.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// What whoever loads the component reads of a manifest.
const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// Runs the module's export, if it has one, with imports that none may call.
pub(crate) fn ask(module: &[u8]) -> Result<Option<Value>, PackError> {
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, module).map_err(|error| PackError::NoModule(error.to_string()))?;
    if module.get_export(EXPORT).is_none() {
        return Ok(None);
    }
    let text = run(&engine, &module).map_err(|error| PackError::manifest(told(&error)))?;
    parse(&text).map(Some)
}

fn run(engine: &Engine, module: &Module) -> Result<Vec<u8>, wasmi::Error> {
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY_BYTES_MAX).build();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits: &mut StoreLimits| limits);
    store.set_fuel(FUEL)?;
    let instance = instantiate(&mut store, module)?;
    let memory =
        instance.get_memory(&store, "memory").ok_or_else(|| wasmi::Error::new("the module exports no memory"))?;
    let place = instance.get_typed_func::<(), u64>(&store, EXPORT)?.call(&mut store, ())?;
    read(&store, memory, place)
}

fn instantiate(store: &mut Store<StoreLimits>, module: &Module) -> Result<Instance, wasmi::Error> {
    let mut linker = Linker::new(store.engine());
    for import in module.imports() {
        let name = format!("{}.{}", import.module(), import.name());
        let ExternType::Func(signature) = import.ty() else {
            return Err(wasmi::Error::new(format!("the module imports {name}, which is no function")));
        };
        let refuse = Func::new(&mut *store, signature.clone(), move |_, _, _| {
            Err(wasmi::Error::new(format!("it calls {name}: a manifest depends on nothing")))
        });
        // An import may be listed twice; both have the same definition.
        let _ = linker.define(import.module(), import.name(), refuse);
    }
    linker.instantiate_and_start(store, module)
}

fn read(store: &Store<StoreLimits>, memory: Memory, place: u64) -> Result<Vec<u8>, wasmi::Error> {
    let (start, length) = ((place >> 32) as usize, place as u32 as usize);
    if length > MANIFEST_BYTES_MAX {
        return Err(wasmi::Error::new(format!("{length} bytes; at most {MANIFEST_BYTES_MAX} are read")));
    }
    let text = memory.data(store).get(start..start.saturating_add(length));
    text.map(<[u8]>::to_vec).ok_or_else(|| wasmi::Error::new("it is outside the module's memory"))
}

fn parse(text: &[u8]) -> Result<Value, PackError> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| PackError::manifest(format!("no JSON: {error}")))?;
    for key in ["name", "version"] {
        if !value.get(key).is_some_and(Value::is_string) {
            return Err(PackError::manifest(format!("it has no {key:?}")));
        }
    }
    Ok(value)
}

fn told(error: &wasmi::Error) -> String {
    match error.as_trap_code() {
        Some(wasmi::TrapCode::OutOfFuel) => "writing it takes too long".to_owned(),
        Some(wasmi::TrapCode::UnreachableCodeReached) => "writing it panics".to_owned(),
        Some(_) | None => error.to_string(),
    }
}
