//! The file of the Unix socket: only its owner may open it, at no moment of its life anybody else.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Read and write for the owner alone.
const OWNER_ONLY: u32 = 0o600;

/// A bound socket's file; removed when dropped, unless another process has put its own in the place.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Binds the socket. What a process that crashed left there is replaced; what a living one listens on is not.
pub(super) async fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let failed = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {} (admin.socket): {error}", path.display()))
    };
    make_way(path).await.map_err(failed)?;
    bind_private(path).map_err(failed)
}

async fn make_way(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something is there that is not a socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another process answers there; is Refrain running already?"))
        }
    }
}

/// Binds in a folder that only we may enter, closes the file to others, and only then moves it to its place.
fn bind_private(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A short name, for the path must not be longer than the final one.
    let private = tempfile::Builder::new().prefix(".r").tempdir_in(folder)?;
    let first = private.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&first)?;
    fs::set_permissions(&first, fs::Permissions::from_mode(OWNER_ONLY))?;
    fs::rename(&first, path)?;
    let inode = fs::symlink_metadata(path)?.ino();
    listener.set_nonblocking(true)?;
    Ok((UnixListener::from_std(listener)?, SocketFile { path: path.to_owned(), inode }))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // A file that cannot be removed is stale, and the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
