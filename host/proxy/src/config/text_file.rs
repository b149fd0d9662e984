//! Reads a text file that a configuration names.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Returns what is in it.
///
/// # Errors
/// If it cannot be read, is no UTF-8 or has more than so many bytes, whatever the file system says of its size; and if it is no
/// regular file, since a pipe would be waited for before it is even open.
pub(super) fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        return Err(io::Error::other(format!("it has more than {bytes_max} bytes")));
    }
    Ok(text)
}
