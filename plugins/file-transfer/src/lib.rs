//! The bundled filter `file-transfer`.
use refrain_sdk::{Filter, Head, Problems, Setup, Stanza, Verdict, export};

struct FileTransfer;

impl Filter for FileTransfer {
    type Settings = serde::de::IgnoredAny;
    fn configure(_: Self::Settings, _: &mut Setup) -> Result<Self, Problems> {
        Ok(FileTransfer)
    }
    fn on_stanza(&self, _: &Head, _: &Stanza<'_>) -> Verdict {
        Verdict::Pass
    }
}

export!(FileTransfer);
