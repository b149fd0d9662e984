//! URLs in other texts than those of messages: statuses, nicknames, reasons of invitations, forms.

use refrain_sdk::{EditError, Problem, Selector, Setup, Stanza};

use crate::mechanism::{Mechanism, Set};
use crate::text::{self, Cut};

/// The texts that people read or write, beside bodies and subjects.
#[derive(Debug)]
pub(crate) struct Places {
    elements: Vec<Selector>,
    attributes: Vec<(Selector, &'static str)>,
}

impl Places {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        const ELEMENTS: [&str; 7] = [
            "status",
            "{http://jabber.org/protocol/nick}nick",
            // XEP-0045: of an invitation and its decline, of what became of an occupant or of the room.
            "{http://jabber.org/protocol/muc#user}x/{*}*/{*}reason",
            "//{jabber:x:data}value",
            "//{jabber:x:data}title",
            "//{jabber:x:data}instructions",
            "//{jabber:x:data}desc",
        ];
        const ATTRIBUTES: [(&str, &str); 3] = [
            // XEP-0249.
            ("{jabber:x:conference}x", "reason"),
            ("//{jabber:x:data}field", "label"),
            ("//{jabber:x:data}option", "label"),
        ];
        let elements = ELEMENTS.iter().map(|path| setup.selector(path)).collect::<Result<_, _>>()?;
        let attributes = ATTRIBUTES.iter().map(|(path, name)| Ok((setup.selector(&format!("{path}/@{name}"))?, *name)));
        let attributes = attributes.collect::<Result<_, Problem>>()?;
        Ok(Places { elements, attributes })
    }

    /// Strips all of them of URLs; returns whether there were any.
    pub(crate) fn strip(&self, stanza: &Stanza<'_>) -> Result<Set, EditError> {
        let mut found = Set::NONE;
        let elements = self.elements.iter().map(|selector| (*selector, None));
        let attributes = self.attributes.iter().map(|(selector, name)| (*selector, Some(*name)));
        for (selector, attribute) in elements.chain(attributes) {
            for (node, text) in stanza.find(selector, u32::MAX).into_iter().zip(stanza.texts(selector, u32::MAX)) {
                let Some(stripped) = without_urls(&text) else { continue };
                match attribute {
                    Some(name) => stanza.set_attr(node, name, Some(&stripped))?,
                    None => stanza.set_text(node, &stripped)?,
                }
                found = Set::of(Mechanism::Urls);
            }
        }
        Ok(found)
    }
}

fn without_urls(text: &str) -> Option<String> {
    let mut cut = Cut::new(text);
    cut.words(text::is_url).then(|| cut.finish().text)
}
