//! What the author of a Refrain filter depends on.
