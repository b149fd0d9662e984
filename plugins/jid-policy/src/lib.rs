//! The bundled filter `jid-policy`.
use refrain_sdk::{Filter, Head, Problems, Setup, Stanza, Verdict, export};

struct JidPolicy;

impl Filter for JidPolicy {
    type Settings = serde::de::IgnoredAny;
    fn configure(_: Self::Settings, _: &mut Setup) -> Result<Self, Problems> {
        Ok(JidPolicy)
    }
    fn on_stanza(&self, _: &Head, _: &Stanza<'_>) -> Verdict {
        Verdict::Pass
    }
}

export!(JidPolicy);
