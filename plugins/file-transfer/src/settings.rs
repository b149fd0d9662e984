//! The settings as the operator writes them.

use refrain_sdk::settings;

/// Which ways of sending files stay open.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Settings {
    /// The mechanisms to let pass; all others are refused.
    pub allow: Vec<Mechanism>,
}

/// A way to send a file between two servers' users.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// XEP-0066, out of band data: a URL beside a message or in an iq.
    Oob,
    /// XEP-0047, in-band bytestreams.
    Ibb,
    /// XEP-0065, SOCKS5 bytestreams, and their proxies.
    Socks5,
    /// XEP-0095 and XEP-0096, stream initiation.
    Si,
    /// XEP-0166 with XEP-0234: file offers of Jingle, and transports that carry files.
    Jingle,
    /// XEP-0363, HTTP file upload.
    HttpUpload,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Mechanism; 6] =
        [Mechanism::Oob, Mechanism::Ibb, Mechanism::Socks5, Mechanism::Si, Mechanism::Jingle, Mechanism::HttpUpload];

    /// What the operator reads as the reason.
    pub fn reason(self) -> &'static str {
        match self {
            Mechanism::Oob => "out of band data (XEP-0066)",
            Mechanism::Ibb => "in-band bytestream (XEP-0047)",
            Mechanism::Socks5 => "SOCKS5 bytestream (XEP-0065)",
            Mechanism::Si => "stream initiation (XEP-0095)",
            Mechanism::Jingle => "Jingle file transfer (XEP-0234)",
            Mechanism::HttpUpload => "HTTP upload (XEP-0363)",
        }
    }
}
