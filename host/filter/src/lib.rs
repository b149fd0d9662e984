//! Judges a stanza by a chain of sandboxed WebAssembly components: a stanza in, a verdict out.
