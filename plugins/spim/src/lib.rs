//! The bundled filter `spim`.
use refrain_sdk::{Filter, Head, Problems, Setup, Stanza, Verdict, export};

struct Spim;

impl Filter for Spim {
    type Settings = serde::de::IgnoredAny;
    fn configure(_: Self::Settings, _: &mut Setup) -> Result<Self, Problems> {
        Ok(Spim)
    }
    fn on_stanza(&self, _: &Head, _: &Stanza<'_>) -> Verdict {
        Verdict::Pass
    }
}

export!(Spim);
