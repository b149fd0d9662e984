//! Writes fault bundles into the operator's directory: one file for each kind of fault, for Refrain's user alone.
//!
//! `observe::faults` → **fault_files** → `refrain replay`

use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::observe::faults::FaultBundle;
use crate::pipeline::Gateway;

/// Whoever has not looked at a hundred will not look at more.
const FILES_MAX: usize = 100;
const PREFIX: &str = "fault-";

/// Writes what the gateway keeps, as long as it runs.
pub async fn run(gateway: Arc<Gateway>) {
    let mut seen = 0;
    loop {
        let (bundles, count) = gateway.faults.newer(seen).await;
        seen = count;
        let Some(directory) = gateway.snapshot().config.staging.fault_directory.clone() else { continue };
        let written = tokio::task::spawn_blocking(move || {
            for bundle in bundles {
                write_one(&directory, &bundle);
            }
        });
        // A panic in there is a file that was not written.
        let _ = written.await;
    }
}

fn write_one(directory: &Path, bundle: &FaultBundle) {
    match write(directory, bundle) {
        Ok(Some(name)) => {
            tracing::info!(filter = bundle.filter, file = name, "a stanza on which a filter failed is kept")
        }
        Ok(None) => {}
        Err(error) => {
            tracing::error!(directory = %directory.display(), %error, "a fault cannot be kept (staging.fault-directory)");
        }
    }
}

/// Writes a bundle and returns the name of its file; none if the fault is there already, or too many are.
pub fn write(directory: &Path, bundle: &FaultBundle) -> io::Result<Option<String>> {
    let name = name_of(bundle);
    if directory.join(&name).exists() || count(directory)? >= FILES_MAX {
        return Ok(None);
    }
    let text = serde_json::to_string_pretty(bundle)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(&name))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    Ok(Some(name))
}

fn count(directory: &Path) -> io::Result<usize> {
    let ours = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
    };
    Ok(fs::read_dir(directory)?.map(ours).filter(|ours| *ours).count())
}

/// The same for the same code, cause and text, also after a restart.
fn name_of(bundle: &FaultBundle) -> String {
    let mut hasher = DefaultHasher::new();
    bundle.fault.hash(&mut hasher);
    let digest = bundle.digest.get(..12).unwrap_or(&bundle.digest);
    format!("{PREFIX}{digest}-{}-{:08x}.json", bundle.cause, hasher.finish() as u32)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use refrain_filter::Direction;

    use super::*;

    fn bundle(fault: &str) -> FaultBundle {
        FaultBundle {
            version: crate::observe::faults::VERSION,
            id: "a-1".to_owned(),
            direction: Direction::Inbound,
            now_ms: 1,
            relation: None,
            filter: "spim".to_owned(),
            digest: "0123456789abcdef".to_owned(),
            settings: serde_json::json!({ "a": 1 }),
            cause: "trap".to_owned(),
            fault: fault.to_owned(),
            stanza: "<message/>".to_owned(),
        }
    }

    #[test]
    fn one_file_a_fault_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let name = write(folder.path(), &bundle("trapped: a")).unwrap().unwrap();
        assert!(name.starts_with("fault-0123456789ab-trap-"), "{name}");
        assert_eq!(write(folder.path(), &bundle("trapped: a")).unwrap(), None);
        let path = folder.path().join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read: FaultBundle = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, bundle("trapped: a"));
    }

    #[test]
    fn no_more_than_a_hundred_files() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..105 {
            write(folder.path(), &bundle(&n.to_string())).unwrap();
        }
        assert_eq!(count(folder.path()).unwrap(), 100);
    }
}
