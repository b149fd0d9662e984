//! The attribute `settings` of `refrain-sdk`, where its documentation is read.

use proc_macro::TokenStream;

/// What the attribute stands for. serde and schemars are those of the SDK, so that an author depends on neither.
const DERIVED: &str = "\
    #[derive(::refrain_sdk::serde::Deserialize, ::refrain_sdk::serde::Serialize, ::refrain_sdk::schemars::JsonSchema)]\
    #[serde(crate = \"::refrain_sdk::serde\", rename_all = \"kebab-case\", deny_unknown_fields)]\
    #[schemars(crate = \"::refrain_sdk::schemars\")]";

/// Makes a struct or an enum readable from the operator's configuration, and part of the filter's settings schema.
///
/// Keys and words are in kebab case, what the type does not name is a mistake, and the comments become the descriptions in the
/// schema. serde's attributes refine it: `#[serde(default)]` below this one gives every key its default.
#[proc_macro_attribute]
pub fn settings(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        return error("#[settings] takes nothing in brackets; use #[serde(…)] below it");
    }
    match DERIVED.parse::<TokenStream>() {
        Ok(mut tokens) => {
            tokens.extend(item);
            tokens
        }
        Err(_) => error("#[settings] is broken"),
    }
}

fn error(message: &str) -> TokenStream {
    format!("::core::compile_error!({message:?});").parse().unwrap_or_default()
}
