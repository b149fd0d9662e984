//! What steers a running gateway from outside the data plane.

pub mod shutdown;
