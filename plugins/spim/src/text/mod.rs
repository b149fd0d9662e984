//! Texts made comparable: as they are read, not as they are written.
//!
//! as sent → **normal** (compatibility forms, nothing invisible) → **folded** (one case, one space) → words;
//! and, where something is disguised, **revealed**: what it was meant to be read as.

mod hidden;
mod look;
mod lookalikes;
mod mentions;
mod normalise;
mod reveal;
mod traits;
mod views;
mod words;

pub(crate) use mentions::{Mention, is_domain, mentions};
pub(crate) use normalise::{folded, is_format, normal, spaced};
pub(crate) use reveal::{Revealed, reveal};
pub(crate) use views::Views;
pub(crate) use words::{Class, Words, class, joins};
