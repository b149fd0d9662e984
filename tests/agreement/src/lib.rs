//! What other parsers make of the bytes that Refrain takes and of those it sends.
//!
//! A filter is only as good as the agreement between its parser and the next one's: where they differ, one sees a message and
//! the other two (Zoom 2022, CVE-2022-25236). Here the same bytes are given to Refrain's [reader](ours), to the real
//! [expat] that Prosody and ejabberd run, to [quick-xml](quick) and to a model of [Openfire](openfire)'s framing scanner;
//! [`verdict`] says whether they agree. [`targets`] are what the fuzzers and the replay of their corpus run.

pub mod conversations;
pub mod expat;
pub mod openfire;
pub mod ours;
pub mod quick;
pub mod reading;
pub mod targets;
pub mod verdict;
