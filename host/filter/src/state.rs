//! s
pub struct StanzaHandle; pub struct ActionHandle;
