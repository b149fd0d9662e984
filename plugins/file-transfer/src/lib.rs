//! The bundled filter `file-transfer`.
