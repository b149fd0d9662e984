//! What a guest may ask of the host, one file per interface of `wit/filter.wit`.
//!
//! No function waits but for a moment on another thread's, none touches the world, and each costs at most a walk over its input: deadlines are only looked at while
//! the guest itself runs.

mod actions;
mod annotate;
mod edit;
mod keyvalue;
mod limits;
mod lists;
mod log;
mod metrics;
mod setup;
mod tree;
mod types;

/// Cuts at a character boundary, at most `max` bytes in.
fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
    }
}
