//! URLs in other texts than those of messages: statuses, nicknames, reasons of invitations, forms.

use refrain_sdk::{EditError, Problem, Selector, Setup, Stanza};

use crate::mechanism::{Mechanism, Set};
use crate::text::{self, Cut};

/// The texts that people read or write, beside bodies and subjects.
#[derive(Debug)]
pub(crate) struct Places {
    elements: [Selector; 5],
    /// XEP-0249.
    reason: Selector,
    invitation: Selector,
}

impl Places {
    pub(crate) fn new(setup: &mut Setup) -> Result<Self, Problem> {
        Ok(Places {
            elements: [
                setup.selector("status")?,
                setup.selector("{http://jabber.org/protocol/nick}nick")?,
                setup.selector("{http://jabber.org/protocol/muc#user}x/{*}invite/{*}reason")?,
                setup.selector("{http://jabber.org/protocol/muc#user}x/{*}decline/{*}reason")?,
                setup.selector("//{jabber:x:data}value")?,
            ],
            reason: setup.selector("{jabber:x:conference}x/@reason")?,
            invitation: setup.selector("{jabber:x:conference}x")?,
        })
    }

    /// Strips all of them of URLs; returns whether there were any.
    pub(crate) fn strip(&self, stanza: &Stanza<'_>) -> Result<Set, EditError> {
        let mut found = Set::NONE;
        for selector in self.elements {
            for (node, text) in stanza.find(selector, u32::MAX).into_iter().zip(stanza.texts(selector, u32::MAX)) {
                if let Some(stripped) = without_urls(&text) {
                    stanza.set_text(node, &stripped)?;
                    found = Set::of(Mechanism::Urls);
                }
            }
        }
        if let Some(stripped) = stanza.text(self.reason).as_deref().and_then(without_urls) {
            for node in stanza.find(self.invitation, u32::MAX) {
                stanza.set_attr(node, "reason", Some(&stripped))?;
            }
            found = Set::of(Mechanism::Urls);
        }
        Ok(found)
    }
}

fn without_urls(text: &str) -> Option<String> {
    let mut cut = Cut::new(text);
    cut.words(text::is_url).then(|| cut.finish().text)
}
