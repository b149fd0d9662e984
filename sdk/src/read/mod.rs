//! What filters often look for, asked in as few questions as the host's answers allow.
//!
//! Each reader compiles its selectors in `configure` and reads any stanza with them: what is not there is `None` or empty.

mod error;
mod forwarded;
mod texts;

pub use error::{ErrorReader, ReceivedError};
pub use forwarded::{Forwarded, Inner, Wrapper};
pub use texts::{Text, Texts};
