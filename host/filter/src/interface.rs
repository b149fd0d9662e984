//! The functions of the interface by name, as `wit/filter.wit` declares them, for refusals that name the function at fault.

use std::fmt::Write as _;

use wasmtime::component::types::{ComponentFunc, Type};

/// The text is our own, with a declaration a line; a test compares what is found in it with the interface as it is linked.
const WIT: &str = include_str!("../../../wit/filter.wit");

/// Returns the signature of a function, or `None` if this host does not have it. Methods are named as in components:
/// `[method]stanza.test`.
pub(crate) fn signature(interface: &str, function: &str) -> Option<&'static str> {
    functions().find_map(|(of, name, signature)| (of == interface && name == function).then_some(signature))
}

/// Goes through interface, name and signature of every function.
fn functions() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let (mut interface, mut resource) = ("", None);
    WIT.lines().filter_map(move |line| {
        let declared = line.trim();
        if let Some(name) = declared.strip_prefix("interface ") {
            (interface, resource) = (name.trim_end_matches(" {"), None);
        } else if let Some(name) = declared.strip_prefix("resource ").and_then(|name| name.strip_suffix(" {")) {
            resource = Some(name);
        } else if declared == "}" {
            resource = None;
        }
        let (name, _) = declared.split_once(": func(").filter(|_| !declared.starts_with("//"))?;
        let signature = declared[name.len() + 2..].trim_end_matches(';');
        let name = match resource {
            Some(resource) => format!("[method]{resource}.{name}"),
            None => name.to_owned(),
        };
        Some((interface, name, signature))
    })
}

/// How a person says it.
pub(crate) fn spoken(function: &str) -> &str {
    function.split_once(']').map_or(function, |(_, name)| name)
}

/// Writes the type of a component's function as the interface would, as far as it is known: names of types are not.
pub(crate) fn signature_of(function: &ComponentFunc) -> String {
    let mut text = String::from("func(");
    for (index, (name, parameter)) in function.params().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{name}: {}", name_of(&parameter));
    }
    text.push(')');
    if let Some(result) = function.results().next() {
        let _ = write!(text, " -> {}", name_of(&result));
    }
    text
}

fn name_of(found: &Type) -> String {
    let or_none = |inner: Option<Type>| inner.map_or("_".to_owned(), |inner| name_of(&inner));
    match found {
        Type::Bool => "bool".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) => format!("list<{}>", name_of(&list.ty())),
        Type::Option(option) => format!("option<{}>", name_of(&option.ty())),
        Type::Result(result) => format!("result<{}, {}>", or_none(result.ok()), or_none(result.err())),
        Type::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types().map(|inner| name_of(&inner)).collect::<Vec<_>>().join(", "))
        }
        Type::Record(record) => format!("record of {} fields", record.fields().count()),
        Type::Variant(variant) => format!("variant of {} cases", variant.cases().count()),
        Type::Enum(names) => format!("enum of {} cases", names.names().count()),
        Type::Flags(flags) => format!("flags of {} names", flags.names().count()),
        Type::Own(_) => "a resource".to_owned(),
        Type::Borrow(_) => "borrow<a resource>".to_owned(),
        _ => "a type of another kind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declaration_is_found() {
        let declared = WIT.lines().filter(|line| line.contains(": func(") && !line.trim().starts_with("//")).count();
        assert_eq!(functions().count(), declared);
        assert_eq!(signature("tree", "[method]stanza.test"), Some("func(selector: u32) -> bool"));
        assert_eq!(signature("limits", "take"), Some("func(limiter: u32, key: string, n: u32) -> bool"));
        assert_eq!(signature("edit", "test"), None);
        assert_eq!(signature("guest", "configure"), Some("func(config: string) -> result<_, list<problem>>"));
    }

    #[test]
    fn methods_are_spoken_of_without_their_mark() {
        assert_eq!((spoken("[method]stanza.test"), spoken("take")), ("stanza.test", "take"));
    }
}
