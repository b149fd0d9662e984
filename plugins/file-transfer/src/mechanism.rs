//! What is known of each mechanism: its group, whether it passes by default, and how it is refused.

use refrain_sdk::{Condition, ErrorType, Verdict};

pub use crate::settings::Mechanism;

/// Whose way a result of an iq goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Results {
    /// It brings what was asked for: judged by its own direction.
    Content,
    /// It agrees to what was asked: judged by the direction of the question.
    Consent,
}

/// One mechanism.
#[derive(Debug)]
struct Row {
    mechanism: Mechanism,
    group: Mechanism,
    /// What the operator reads as the reason.
    reason: &'static str,
    /// The answer to an iq.
    condition: Condition,
    error_type: ErrorType,
    results: Results,
}

const fn row(
    mechanism: Mechanism,
    group: Mechanism,
    reason: &'static str,
    (condition, error_type): (Condition, ErrorType),
    results: Results,
) -> Row {
    Row { mechanism, group, reason, condition, error_type, results }
}

use Mechanism::*;
use Results::{Consent, Content};

/// XEP-0363, XEP-0065: of a service that does not serve whoever asks.
const NOT_FOR_YOU: (Condition, ErrorType) = (Condition::Forbidden, ErrorType::Auth);
/// XEP-0095 §3.2 and what is built like it.
const DECLINED: (Condition, ErrorType) = (Condition::Forbidden, ErrorType::Cancel);
const UNKNOWN: (Condition, ErrorType) = (Condition::ServiceUnavailable, ErrorType::Cancel);
const MISSING: (Condition, ErrorType) = (Condition::ItemNotFound, ErrorType::Cancel);
const REJECTED: (Condition, ErrorType) = (Condition::NotAcceptable, ErrorType::Modify);

/// All mechanisms, in the order in which reasons are told.
const ROWS: [Row; 29] = [
    // XEP-0066 §2: "rejects the request outright".
    row(Oob, Files, "out of band data (XEP-0066)", REJECTED, Consent),
    row(Ibb, Files, "in-band bytestream (XEP-0047)", MISSING, Consent),
    row(Socks5, Files, "SOCKS5 bytestream (XEP-0065)", REJECTED, Consent),
    row(Si, Files, "stream initiation (XEP-0095)", DECLINED, Consent),
    row(Sipub, Files, "published stream initiation (XEP-0137)", DECLINED, Content),
    row(Legacy, Files, "retracted file transfer (XEP-0052)", UNKNOWN, Consent),
    row(SharedFolders, Files, "shared folder (XEP-0329, XEP-0135)", DECLINED, Content),
    row(Jingle, Files, "Jingle file transfer (XEP-0234)", UNKNOWN, Consent),
    row(Jinglepub, Files, "published Jingle session (XEP-0358)", DECLINED, Content),
    row(HttpUpload, Files, "HTTP upload (XEP-0363)", NOT_FOR_YOU, Consent),
    row(MediaSharing, Files, "media sharing (XEP-0385)", DECLINED, Content),
    row(FileSharing, Files, "file sharing (XEP-0447)", DECLINED, Content),
    row(BitsOfBinary, Files, "bits of binary (XEP-0231)", MISSING, Content),
    row(Thumbnails, Files, "thumbnail (XEP-0264)", DECLINED, Content),
    row(MediaElement, Files, "media in a form (XEP-0221)", DECLINED, Content),
    row(XhtmlImages, Files, "picture in a formatted message (XEP-0071)", DECLINED, Content),
    row(Webxdc, Files, "application (XEP-0491)", DECLINED, Content),
    row(PubsubFiles, Files, "file in PubSub (XEP-0472, XEP-0498)", DECLINED, Content),
    row(HttpOverXmpp, Files, "HTTP over XMPP (XEP-0332)", UNKNOWN, Content),
    row(Relays, Files, "relay (XEP-0278, XEP-0215)", UNKNOWN, Consent),
    row(FileUris, Files, "URI of a file", DECLINED, Content),
    row(Stickers, Stickers, "sticker (XEP-0449)", DECLINED, Content),
    row(Avatars, Avatars, "avatar (XEP-0084, XEP-0153)", DECLINED, Content),
    row(Calls, VoiceVideo, "call (XEP-0167)", UNKNOWN, Consent),
    row(CallInvites, VoiceVideo, "call invite (XEP-0482)", UNKNOWN, Consent),
    row(OnlineMeetings, VoiceVideo, "online meeting (XEP-0483)", NOT_FOR_YOU, Consent),
    row(LinkPreviews, Links, "link preview (XEP-0511)", DECLINED, Content),
    row(Urls, Links, "URL in a text", DECLINED, Content),
    row(E2ee, E2ee, "end-to-end encryption", DECLINED, Content),
];

impl Mechanism {
    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.mechanism == self)
    }

    /// What the operator reads as the reason.
    pub fn reason(self) -> &'static str {
        self.row().map_or("", |row| row.reason)
    }

    /// Whether a result is judged by its own direction or by that of the question.
    pub(crate) fn results(self) -> Results {
        self.row().map_or(Content, |row| row.results)
    }

    /// The answer to a request.
    pub(crate) fn refusal(self) -> Verdict {
        let (condition, error_type) = self.row().map_or(DECLINED, |row| (row.condition, row.error_type));
        self.refuse(condition, error_type)
    }

    /// A refusal in words that its receiver understands.
    pub(crate) fn refuse(self, condition: Condition, error_type: ErrorType) -> Verdict {
        let text = match self.row().map_or(Files, |row| row.group) {
            // XEP-0095 §3.2, to the letter.
            _ if self == Si => "Offer Declined",
            VoiceVideo => "Calls are not allowed here",
            Links => "Links are not allowed here",
            E2ee => "End-to-end encryption is not allowed here",
            _ => "File transfer is not allowed here",
        };
        Verdict::bounce(condition).error_type(error_type).text(text)
    }
}

/// A set of mechanisms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Set(u64);

impl Set {
    pub(crate) const NONE: Set = Set(0);

    /// What passes unless the operator says otherwise: what is no file, and what ordinary clients cannot do without.
    pub(crate) fn allowed_by_default() -> Set {
        [VoiceVideo, Avatars, Urls, E2ee].into_iter().fold(Set::NONE, |set, one| set.with(Set::of(one)))
    }

    /// What a challenge may bring (XEP-0158): a link, a picture in a form, the picture itself.
    pub(crate) fn of_challenges() -> Set {
        [Oob, MediaElement, BitsOfBinary, Urls].into_iter().fold(Set::NONE, |set, one| set.with(Set::of(one)))
    }

    /// A mechanism, or those of a group.
    pub(crate) fn of(name: Mechanism) -> Set {
        let is_meant = |row: &&Row| name == Everything || name == row.mechanism || name == row.group;
        ROWS.iter().filter(is_meant).fold(Set::NONE, |set, row| Set(set.0 | 1 << row.mechanism as u64))
    }

    pub(crate) fn has(self, mechanism: Mechanism) -> bool {
        self.0 >> mechanism as u64 & 1 == 1
    }

    pub(crate) fn with(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Set) -> Set {
        Set(self.0 & !other.0)
    }

    pub(crate) fn in_both(self, other: Set) -> Set {
        Set(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Mechanism> {
        ROWS.iter().map(|row| row.mechanism).filter(move |mechanism| self.has(*mechanism))
    }

    /// What the operator reads of all of them together.
    pub(crate) fn reason(self) -> String {
        self.iter().map(Mechanism::reason).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_all_that_belongs_to_it() {
        assert!(Set::of(Files).has(Oob) && !Set::of(Files).has(Calls));
        assert_eq!(Set::of(VoiceVideo), Set::of(Calls).with(Set::of(CallInvites)).with(Set::of(OnlineMeetings)));
        assert_eq!(Set::of(Everything).iter().count(), ROWS.len());
        assert_eq!(Set::of(E2ee).iter().collect::<Vec<_>>(), [E2ee]);
    }

    #[test]
    fn a_reason_fits_what_the_host_keeps_of_it() {
        for row in &ROWS {
            assert!(row.reason.len() < 64, "{}", row.reason);
        }
    }
}
