//! The bundled filter `spim`.
