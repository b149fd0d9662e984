//! The settings as the operator writes them.

use refrain_sdk::{Address, Direction, Head, settings};

/// What stays open, and for whom.
#[settings]
#[derive(Debug)]
#[serde(default)]
pub struct Settings {
    /// Mechanisms and groups that pass, beside what passes by default.
    pub allow: Vec<Mechanism>,
    /// Mechanisms and groups that are refused, beside what is refused by default.
    pub deny: Vec<Mechanism>,
    /// Takes what is refused out of the answers to service discovery, so that clients do not offer it.
    pub hide_features: bool,
    /// Exceptions by direction and domain: a later one wins over an earlier, and all of them over `allow` and `deny`.
    pub rules: Vec<Exception>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { allow: Vec::new(), deny: Vec::new(), hide_features: true, rules: Vec::new() }
    }
}

/// What holds for one direction, for some domains, or for pairs of them.
#[settings]
#[derive(Debug, Default)]
#[serde(default)]
pub struct Exception {
    /// The direction it is about; both without it.
    pub direction: Option<Way>,
    /// Domains of this side; `*.home.example` is every subdomain. All without any.
    pub inside: Vec<String>,
    /// Domains of the other side, likewise.
    pub outside: Vec<String>,
    /// Mechanisms and groups that pass.
    pub allow: Vec<Mechanism>,
    /// Mechanisms and groups that are refused.
    pub deny: Vec<Mechanism>,
}

impl Exception {
    /// Whether it holds for what goes this way between the two domains of a stanza.
    pub(crate) fn fits(&self, way: Direction, head: &Head) -> bool {
        let (inside, outside) = match head.direction {
            Direction::Inbound => (head.recipient(), head.sender()),
            Direction::Outbound => (head.sender(), head.recipient()),
        };
        self.direction.is_none_or(|own| own.direction() == way)
            && is_among(inside, &self.inside)
            && is_among(outside, &self.outside)
    }
}

fn is_among(address: Address<'_>, domains: &[String]) -> bool {
    domains.is_empty() || domains.iter().any(|domain| address.is_at(domain))
}

/// Which way something crosses.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the federated world to this side.
    Inbound,
    /// From this side to the federated world.
    Outbound,
}

impl Way {
    fn direction(self) -> Direction {
        match self {
            Way::Inbound => Direction::Inbound,
            Way::Outbound => Direction::Outbound,
        }
    }
}

/// A way to send a file, or something like one, between two servers' users; or a group of such ways.
#[settings]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Group: all there are.
    Everything,
    /// Group: all ways to send a file.
    Files,
    /// Group: calls, and invitations to calls.
    VoiceVideo,
    /// Group: what is said of links, and links themselves.
    Links,

    /// XEP-0066, out of band data: a URL beside a message or in an iq.
    Oob,
    /// XEP-0047, in-band bytestreams.
    Ibb,
    /// XEP-0065, SOCKS5 bytestreams, and their proxies.
    Socks5,
    /// XEP-0095, XEP-0096 and XEP-0105, stream initiation with all its profiles.
    Si,
    /// XEP-0137, published offers of stream initiation.
    Sipub,
    /// XEP-0041, XEP-0042, XEP-0046 and XEP-0052, which were given up long ago.
    Legacy,
    /// XEP-0129, XEP-0135, XEP-0214 and XEP-0329: folders to browse.
    SharedFolders,
    /// XEP-0166 with XEP-0234 or XEP-0265: files over Jingle, and transports that carry files.
    Jingle,
    /// XEP-0358, published Jingle sessions.
    Jinglepub,
    /// XEP-0363, HTTP file upload.
    HttpUpload,
    /// XEP-0385 and XEP-0372, references to media in a message.
    MediaSharing,
    /// XEP-0446, XEP-0447, XEP-0448 and XEP-0103: files described in a message.
    FileSharing,
    /// XEP-0231, bits of binary: small pictures within stanzas.
    BitsOfBinary,
    /// XEP-0264, thumbnails.
    Thumbnails,
    /// XEP-0221, media in forms; those of a CAPTCHA pass.
    MediaElement,
    /// XEP-0071, pictures in formatted messages; other formatting passes.
    XhtmlImages,
    /// XEP-0491, small applications sent as files.
    Webxdc,
    /// XEP-0277, XEP-0472 and XEP-0498: files in PubSub items.
    PubsubFiles,
    /// XEP-0332, HTTP over XMPP.
    HttpOverXmpp,
    /// XEP-0278 and XEP-0215: relays, and the credentials for them.
    Relays,
    /// XEP-0454 and others: URIs in the text of a message that stand for a file (`aesgcm:`, `data:`, `xmpp:…?recvfile`).
    FileUris,

    /// XEP-0449, stickers and sticker packs.
    Stickers,
    /// XEP-0084, XEP-0153, XEP-0486, and the pictures of XEP-0054 and XEP-0292.
    Avatars,

    /// XEP-0167 and XEP-0272: voice and video over Jingle.
    Calls,
    /// XEP-0482, invitations to calls.
    CallInvites,
    /// XEP-0483, online meetings.
    OnlineMeetings,

    /// XEP-0511, previews of links that bring a picture, sound or film.
    LinkPreviews,
    /// URLs of any kind in texts: messages, subjects, statuses, nicknames, reasons of invitations, forms.
    Urls,

    /// OMEMO, OpenPGP and OTR, in which no filter sees a file.
    E2ee,
}
