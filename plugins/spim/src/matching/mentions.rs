//! What a text points to: see [`crate::text`].

pub(crate) use crate::text::{Mention, mentions};
