//! All the forms of one text that signatures are matched on, each made when it is first asked for.

use std::cell::OnceCell;

use super::mentions::{Mention, Spot, mentions};
use super::reveal::unreversed;
use super::{Revealed, folded, normal, reveal, spaced};

/// Of a longer text the beginning and the end are looked at: a stanza may have a quarter of a megabyte, and all of it in disguise would
/// take more time than a call has.
const BEGINNING_BYTES: usize = 12 << 10;
const END_BYTES: usize = 4 << 10;

fn without_middle(text: String) -> String {
    if text.len() <= BEGINNING_BYTES + END_BYTES {
        return text;
    }
    let end = text.ceil_char_boundary(text.len() - END_BYTES);
    let beginning = text.get(..text.floor_char_boundary(BEGINNING_BYTES)).unwrap_or_default();
    format!("{beginning}\n{}", text.get(end..).unwrap_or_default())
}

/// One text, in its forms.
#[derive(Debug, Default)]
pub(crate) struct Views {
    raw: String,
    normal: OnceCell<String>,
    exact: OnceCell<String>,
    folded: OnceCell<String>,
    revealed: OnceCell<Vec<Revealed>>,
    mentions: OnceCell<Vec<Spot>>,
    raw_folded: OnceCell<String>,
}

impl Views {
    pub(crate) fn of(raw: String) -> Self {
        Views { raw: without_middle(raw), ..Views::default() }
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
        self.revealed.get_or_init(|| reveal(self.normal()).into_iter().chain(unreversed(&self.raw)).collect())
    }

    /// What the folded text points to.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = Mention<'_>> {
        let text = self.folded();
        let spots = self.mentions.get_or_init(|| mentions(text).map(|mention| mention.spot()).collect());
        spots.iter().filter_map(|spot| Mention::at(text, *spot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_kept_as_they_were_found() {
        for text in [
            "see https://a.example:80/x?y, or Bob@b.example.",
            "访问casino.example注册 sales@注.example/x",
            "path.example./win",
        ] {
            let views = Views::of(text.to_owned());
            for _ in 0..2 {
                assert!(views.mentions().eq(mentions(views.folded())), "{text}");
            }
        }
    }

    #[test]
    fn of_a_very_long_text_the_beginning_and_the_end_are_looked_at() {
        let text = format!("begin {} end", "ю".repeat(200_000));
        let views = Views::of(text);
        assert!(views.raw().len() <= BEGINNING_BYTES + END_BYTES + 1);
        assert!(views.raw().starts_with("begin ю") && views.raw().ends_with("ю end"));
        assert!(Views::of("ﷺ".repeat(20_000)).normal().len() <= (24 << 10) + 4);
    }
}
