//! All the forms of one text that signatures are matched on, each made when it is first asked for.

use std::cell::OnceCell;

use super::{Revealed, folded, normal, reveal, spaced};

/// One text, in its forms.
#[derive(Debug, Default)]
pub(crate) struct Views {
    raw: String,
    normal: OnceCell<String>,
    exact: OnceCell<String>,
    folded: OnceCell<String>,
    revealed: OnceCell<Vec<Revealed>>,
    raw_folded: OnceCell<String>,
}

impl Views {
    pub(crate) fn of(raw: String) -> Self {
        Views { raw, ..Views::default() }
    }

    /// As it was sent.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// As it was sent, in one case.
    pub(crate) fn raw_folded(&self) -> &str {
        self.raw_folded.get_or_init(|| folded(&self.raw))
    }

    /// Without compatibility forms and what is invisible.
    pub(crate) fn normal(&self) -> &str {
        self.normal.get_or_init(|| normal(&self.raw))
    }

    /// Normal, with its white space evened out.
    pub(crate) fn exact(&self) -> &str {
        self.exact.get_or_init(|| spaced(self.normal()))
    }

    /// The same in one case.
    pub(crate) fn folded(&self) -> &str {
        self.folded.get_or_init(|| folded(self.exact()))
    }

    /// Without its disguise, if it has one.
    pub(crate) fn revealed(&self) -> &[Revealed] {
        self.revealed.get_or_init(|| reveal(self.normal()))
    }
}
