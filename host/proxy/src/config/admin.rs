//! `[admin]`: how a running Refrain is asked and steered.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::file::Section;
use super::sides::ADDRESS_ADVICE;

/// The kernel keeps the path of a socket in 108 bytes, the last of them zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Shorter ones can be guessed by a program on the same machine.
const TOKEN_CHARS_MIN: usize = 16;

/// Where Refrain listens for its operator (`[admin]`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admin {
    /// A Unix socket: whoever may open the file may do everything.
    pub socket: Option<PathBuf>,
    /// HTTP on loopback, for metrics above all.
    pub http: Option<AdminHttp>,
    /// Whether a bounce by a filter names the id under which `refrain explain` knows it.
    pub trace_id_in_bounces: bool,
}

/// HTTP on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminHttp {
    /// Where; always a loopback address.
    pub listen: SocketAddr,
    /// What every request must show.
    pub token: Token,
    /// Where that stands.
    pub token_file: PathBuf,
}

/// A secret that requests show, kept only as its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Keeps what is needed to know `secret` again.
    pub fn of(secret: &str) -> Self {
        Token(Sha256::digest(secret).into())
    }

    /// Whether this is the secret; takes the same time whichever part of it is wrong.
    pub fn is(&self, presented: &str) -> bool {
        self.0.ct_eq(&Token::of(presented).0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Admin {
    /// Reads `[admin]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        section.knows(&["socket", "http", "token-file", "trace-id-in-bounces"]);
        Admin {
            socket: socket(section),
            http: http(section),
            trace_id_in_bounces: section.flag("trace-id-in-bounces").unwrap_or(false),
        }
    }
}

/// The socket that the file names, whatever else is wrong with the file: when a reload was refused one wants to ask why.
pub fn socket_named_in(file: &Path) -> std::io::Result<Option<PathBuf>> {
    let text = std::fs::read_to_string(file)?;
    Ok(super::file::peek(&text, file, |root| root.section("admin").and_then(|admin| admin.path("socket"))))
}

fn socket(section: &Section<'_>) -> Option<PathBuf> {
    let path = section.path("socket")?;
    let bytes = path.as_os_str().len();
    if bytes > SOCKET_PATH_BYTES_MAX {
        let problem =
            format!("{} has {bytes} bytes, and a socket's path at most {SOCKET_PATH_BYTES_MAX}", path.display());
        section.mistake("socket", problem, "put it into a folder with a shorter name");
    }
    Some(path)
}

fn http(section: &Section<'_>) -> Option<AdminHttp> {
    if !section.has("http") {
        if section.has("token-file") {
            let (key, advice) = (section.key("token-file"), "write http = \"127.0.0.1:9090\", or leave it out");
            section.findings().warning(&key, "is of no use without http", advice);
        }
        return None;
    }
    section.requires("token-file", "make one with `openssl rand -hex 32` and write its path here");
    let listen = section.parsed("http", loopback, ADDRESS_ADVICE);
    let token_file = section.path("token-file")?;
    let token = token(section, &token_file);
    Some(AdminHttp { listen: listen?, token: token?, token_file })
}

/// Tokens go over it in the clear, so it stays on this machine.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|error: std::net::AddrParseError| error.to_string())?;
    if !address.ip().to_canonical().is_loopback() {
        return Err("is not a loopback address; put a proxy with TLS in front to reach it from elsewhere".to_owned());
    }
    Ok(address)
}

fn token(section: &Section<'_>, file: &Path) -> Option<Token> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            let advice = "make one with `openssl rand -hex 32`";
            section.mistake("token-file", format!("{}: {error}", file.display()), advice);
            return None;
        }
    };
    warn_of_readers(section, file);
    let secret = text.trim();
    if secret.chars().count() < TOKEN_CHARS_MIN || secret.contains(char::is_whitespace) {
        let problem = format!("{} is not one word of at least {TOKEN_CHARS_MIN} characters", file.display());
        section.mistake("token-file", problem, "make one with `openssl rand -hex 32`");
        return None;
    }
    Some(Token::of(secret))
}

fn warn_of_readers(section: &Section<'_>, file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open = std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
    if open {
        let (key, problem) = (section.key("token-file"), format!("everybody may read {}", file.display()));
        section.findings().warning(&key, problem, "chmod 600");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_token_again_and_no_other() {
        let token = Token::of("0123456789abcdef");
        assert!(token.is("0123456789abcdef"));
        for wrong in ["", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef "] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn only_loopback_will_do() {
        for good in ["127.0.0.1:9090", "127.8.8.8:1", "[::1]:9090", "[::ffff:127.0.0.1]:9090"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:9090", "[::]:9090", "192.0.2.1:9090", "localhost:9090"] {
            assert!(loopback(bad).is_err(), "{bad}");
        }
    }
}
