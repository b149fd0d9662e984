//! The bundled filter `jid-policy`.
