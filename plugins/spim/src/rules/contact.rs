//! How a stranger turns to somebody.

use refrain_sdk::StanzaType;

use super::{Rules, Seen, localpart, shape};
use crate::matching::file_names;
use crate::settings::{Field, RuleName as Name};
use crate::text::Views;

/// Whether a body looks so, as many times as a rule takes.
type Looks = fn(&Views, u32) -> bool;

/// What ends a name that an operating system would run.
const PROGRAMS: [&str; 24] = [
    "apk", "bat", "cmd", "com", "cpl", "dll", "exe", "hta", "iso", "jar", "js", "jse", "lnk", "msi", "pif", "ps1",
    "reg", "scr", "vbe", "vbs", "wsf", "xll", "dmg", "img",
];

impl Rules {
    pub(super) fn in_subscription(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        if seen.stanza.text(self.said).is_some_and(|said| !said.trim().is_empty()) {
            hit(Name::SubscriptionText);
        }
        self.sender(seen, hit);
        if self.bulk.is_burst(seen.head.sender()) {
            hit(Name::SubscriptionBurst);
        }
        self.bulk.look(seen, hit);
    }

    pub(super) fn in_message(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        let head = seen.head;
        let is_invite = seen.stanza.test(self.invite) || seen.stanza.test(self.direct_invite);
        if is_invite {
            hit(Name::Invite);
        }
        // What a room says is for its occupants, who joined it: to each at their full JID (XEP-0045 §7.4). Nobody else's client shows it.
        if head.stanza_type == StanzaType::Groupchat && head.recipient().resource().is_some() {
            return;
        }
        let says = head.has_body() || head.has_subject();
        if says && !is_invite && head.stanza_type != StanzaType::Chat {
            hit(Name::NonChat);
        }
        if seen.stanza.test(self.markup) {
            hit(Name::Markup);
        }
        if says || is_invite {
            self.sender(seen, hit);
        }
        self.files(seen, hit);
        self.bodies(seen, hit);
    }

    /// Of a mediated invitation the sender is the room.
    fn sender(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        if seen.head.sender().local().is_some_and(localpart::is_random) {
            hit(Name::RandomSender);
        }
    }

    pub(super) fn files(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        let links = || seen.of(Field::Link).chain(seen.bodies()).flat_map(Views::mentions);
        let mut linked = links().filter_map(|link| link.file_name());
        let mut names = seen.texts.iter().filter(|text| text.names_file).flat_map(|text| file_names(&text.views));
        if names.any(|name| is_program(&name)) || linked.any(is_program) {
            hit(Name::Program);
        }
    }

    fn bodies(&self, seen: &Seen<'_>, hit: &mut impl FnMut(Name)) {
        let rules: [(Name, Looks); 7] = [
            (Name::Otr, |body, _| shape::begins_otr(body)),
            (Name::Links, shape::has_links),
            (Name::Mentions, shape::has_mentions),
            (Name::Symbols, shape::has_symbols),
            (Name::MixedScripts, shape::has_mixed_scripts),
            (Name::HiddenCharacters, shape::has_hidden_characters),
            (Name::LongBody, shape::is_long),
        ];
        for (name, is) in rules {
            if let Some(entry) = self.book.get(name)
                && seen.bodies().any(|body| is(body, entry.at_least))
            {
                hit(name);
            }
        }
        self.bulk.look(seen, hit);
    }
}

/// Whether an operating system would run a file of this name, or its end, as in `photo.jpg.exe`.
pub(super) fn is_program(name: &str) -> bool {
    let extension = name.trim().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| PROGRAMS.contains(&extension.as_str()))
}
