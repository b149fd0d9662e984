//! The last good state of each source, on disk: `lists/` in the directory of `[state]`, a file for each.
//!
//! Its first line says of whom and when it is, and what follows, as JSON; the entries follow. A file that cannot be read, or is
//! not whole, costs what is in it, and the source is asked again.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Entries;
use crate::net::https::Validators;

/// Of the format.
const VERSION: u32 = 2;
/// No file of ours is larger: the most that is fetched, and notes.
const BYTES_MAX: u64 = 512 << 20;
/// How the name of a file begins that is not written to its end.
const UNFINISHED: &str = ".tmp";
/// A file that is written takes less; a process that is about to end may still write beside us.
const UNFINISHED_AFTER: Duration = Duration::from_secs(600);

/// What is kept of one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeptSource {
    /// What it offered last.
    pub entries: Option<Entries>,
    /// When it was heard last.
    pub success: Option<SystemTime>,
    /// What tells this state of it from another.
    pub validators: Validators,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Head {
    version: u32,
    source: String,
    success_ms: u64,
    /// Of the entries: with a part of them, and the validators of the whole, the source would never be asked for the rest.
    bytes: usize,
    sha256: String,
    #[serde(flatten)]
    validators: Validators,
}

/// The folder.
#[derive(Debug)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    /// Names the folder in the directory of `[state]`; nothing is made yet.
    pub fn new(state: &Path) -> Self {
        Kept { folder: state.join("lists") }
    }

    /// Removes what a process left that was killed while it wrote.
    pub fn tidy(&self, now: SystemTime) {
        let Ok(files) = fs::read_dir(&self.folder) else { return };
        let is_left = |file: &fs::DirEntry| {
            let modified = file.metadata().and_then(|file| file.modified()).unwrap_or(now);
            let age = now.duration_since(modified).unwrap_or_default();
            file.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) && age > UNFINISHED_AFTER
        };
        for file in files.flatten().filter(is_left) {
            // What cannot be removed costs its room and nothing else.
            let _ = fs::remove_file(file.path());
        }
    }

    /// What was kept of a source; nothing when there is no file, or one that is not ours.
    pub fn read(&self, id: &str, label: &str) -> Option<KeptSource> {
        let file = self.file(id, label);
        match read(&file, id) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(source = label, file = %file.display(), %error, "a kept list cannot be read: its source is asked again");
                None
            }
        }
    }

    /// Writes a source down, in the place of what is there.
    pub fn write(&self, id: &str, label: &str, source: &KeptSource) {
        let file = self.file(id, label);
        if let Err(error) = self.replace(&file, id, source) {
            tracing::warn!(source = label, file = %file.display(), %error, "a list cannot be kept: after a restart it is asked for again");
        }
    }

    /// A half-written file is never in its place: it is written beside it (with mode 0600) and then renamed.
    fn replace(&self, file: &Path, id: &str, source: &KeptSource) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let entries = source.entries.as_ref().map_or("", Entries::text);
        let head = Head {
            version: VERSION,
            source: id.to_owned(),
            success_ms: source.success.map_or(0, millis),
            bytes: entries.len(),
            sha256: digest(entries),
            validators: source.validators.clone(),
        };
        let mut beside = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        let mut out = io::BufWriter::new(beside.as_file_mut());
        serde_json::to_writer(&mut out, &head)?;
        out.write_all(b"\n")?;
        out.write_all(entries.as_bytes())?;
        out.flush()?;
        drop(out);
        beside.as_file().sync_all()?;
        beside.persist(file)?;
        // The new name is safe only with the folder.
        File::open(&self.folder)?.sync_all()
    }

    /// A name that a person recognises, and that no two sources share.
    fn file(&self, id: &str, label: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' };
        let name: String = label.chars().map(plain).take(80).collect();
        self.folder.join(format!("{}-{}.list", name.trim_start_matches('.'), &digest(id)[..16]))
    }
}

fn read(file: &Path, id: &str) -> io::Result<KeptSource> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if fs::metadata(file)?.len() > BYTES_MAX {
        return Err(wrong("it is too large"));
    }
    let text = fs::read_to_string(file)?;
    let (head, entries) = text.split_once('\n').ok_or_else(|| wrong("it has no head"))?;
    let head: Head = serde_json::from_str(head)?;
    if head.version != VERSION || head.source != id {
        return Err(wrong("it is of another version or source"));
    }
    if (head.bytes, head.sha256) != (entries.len(), digest(entries)) {
        return Err(wrong("its entries are not those that were written"));
    }
    let success = Some(UNIX_EPOCH + Duration::from_millis(head.success_ms));
    Ok(KeptSource { entries: Some(Entries::from_text(entries)), success, validators: head.validators })
}

fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn millis(moment: SystemTime) -> u64 {
    u64::try_from(moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn source() -> KeptSource {
        KeptSource {
            entries: Some(Entries::parse("evil.example spam")),
            success: Some(UNIX_EPOCH + Duration::from_millis(1_767_268_800_123)),
            validators: Validators { etag: Some("\"a\"".to_owned()), last_modified: None },
        }
    }

    #[test]
    fn what_is_written_is_read_by_the_next_process_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path());
        assert_eq!(kept.read("https://x.example/a?b", "x.example/a"), None);
        kept.write("https://x.example/a?b", "x.example/a", &source());
        assert_eq!(Kept::new(folder.path()).read("https://x.example/a?b", "x.example/a"), Some(source()));
        assert_eq!(kept.read("https://x.example/a?c", "x.example/a"), None);
        let files: Vec<_> = fs::read_dir(folder.path().join("lists")).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_costs_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path());
        kept.write("id", "label", &source());
        let file = kept.file("id", "label");
        for damaged in
            [&b""[..], b"{}\nx.example", b"\xff\xfe", b"{\"version\":2,\"source\":\"id\",\"success-ms\":0}\n"]
        {
            fs::write(&file, damaged).unwrap();
            assert_eq!(kept.read("id", "label"), None);
        }
        kept.write("id", "label", &source());
        assert_eq!(kept.read("id", "label"), Some(source()));
        let whole = fs::read(&file).unwrap();
        let other = String::from_utf8(whole.clone()).unwrap().replace("evil", "good").into_bytes();
        for damaged in [&whole[..whole.len() - 5], &[&whole[..], b"x.example\n"].concat(), &other] {
            fs::write(&file, damaged).unwrap();
            assert_eq!(kept.read("id", "label"), None);
        }
    }

    #[test]
    fn what_was_not_written_to_its_end_is_removed_later() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::new(folder.path());
        kept.tidy(SystemTime::now());
        kept.write("id", "label", &source());
        let left = folder.path().join("lists/.tmpAbCdEf");
        fs::write(&left, "half").unwrap();
        kept.tidy(SystemTime::now());
        assert!(left.exists(), "somebody may be writing it");
        kept.tidy(SystemTime::now() + 2 * UNFINISHED_AFTER);
        assert!(!left.exists());
        assert_eq!(kept.read("id", "label"), Some(source()));
    }
}
