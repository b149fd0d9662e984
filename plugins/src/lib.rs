//! The bundled filters, compiled to components and embedded.
