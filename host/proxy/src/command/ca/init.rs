//! `refrain ca init`: makes the inside authority.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use refrain_proto::Domain;

use crate::net::mint::{MintError, NewAuthority};

const CERTIFICATE_FILE: &str = "inside-ca.pem";
const KEY_FILE: &str = "inside-ca.key";

/// Arguments of `refrain ca init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  refrain ca init --dir /etc/refrain --excluded example.org
  refrain ca init --dir . --excluded example.org --excluded example.net

Install inside-ca.pem in the protected server as the only authority that it trusts for other servers. Keep inside-ca.key
where only Refrain can read it: whoever has it can be any remote domain towards the protected server.

Exit codes: 0 made, 1 a file could not be written or is there already, 2 wrong usage.")]
pub struct Init {
    /// The folder to write to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A protected domain: the authority can never speak for it, nor for what is below it. Repeat for several
    #[arg(long, value_name = "DOMAIN", value_parser = Domain::parse)]
    excluded: Vec<Domain>,
}

/// Why there is no new authority.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("{0} is there already, and is not overwritten: protected servers may trust it")]
    Exists(PathBuf),
    #[error("{0} cannot be written: {1}")]
    Io(PathBuf, io::Error),
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl Init {
    /// Exit codes: 0 made, 1 a file could not be written or is there already.
    pub fn run(&self) -> ExitCode {
        match self.make() {
            Ok(()) => {
                self.print_next_steps();
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("refrain ca init: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn make(&self) -> Result<(), InitError> {
        let (certificate, key) = (self.dir.join(CERTIFICATE_FILE), self.dir.join(KEY_FILE));
        if let Some(existing) = [&certificate, &key].into_iter().find(|path| path.exists()) {
            return Err(InitError::Exists(existing.clone()));
        }
        let authority = NewAuthority::create(&self.excluded, SystemTime::now())?;
        fs::create_dir_all(&self.dir).map_err(|error| InitError::Io(self.dir.clone(), error))?;
        write_new(&key, &authority.key, 0o600)?;
        write_new(&certificate, &authority.certificate, 0o644)
    }

    fn print_next_steps(&self) {
        let (certificate, key) = (self.dir.join(CERTIFICATE_FILE), self.dir.join(KEY_FILE));
        println!("Made {} and {}.", certificate.display(), key.display());
        println!("In refrain.toml:");
        println!("    [inside]");
        println!("    authority = \"{}\"", certificate.display());
        println!("    authority-key = \"{}\"", key.display());
        println!("In the protected server: what `refrain ca show --for SERVER` prints, once refrain.toml is written.");
        if self.excluded.is_empty() {
            println!("Without --excluded this authority can speak for every domain, the protected ones too.");
        }
    }
}

/// Writes a file that must not be there yet, so that two runs at once cannot overwrite each other either.
fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), InitError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Io(path.to_owned(), error),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    // The umask may have taken more away than was meant.
    file.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(dir: &Path) -> Init {
        Init { dir: dir.to_owned(), excluded: vec![Domain::parse("example.org").unwrap()] }
    }

    #[test]
    fn keeps_the_key_to_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).make().unwrap();
        let mode = fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn never_overwrites_an_authority() {
        let dir = tempfile::tempdir().unwrap();
        init(dir.path()).make().unwrap();
        let before = fs::read(dir.path().join(KEY_FILE)).unwrap();
        assert!(matches!(init(dir.path()).make(), Err(InitError::Exists(_))));
        fs::remove_file(dir.path().join(CERTIFICATE_FILE)).unwrap();
        assert!(matches!(init(dir.path()).make(), Err(InitError::Exists(_))));
        assert_eq!(fs::read(dir.path().join(KEY_FILE)).unwrap(), before);
    }
}
