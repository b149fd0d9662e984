//! Refrain between real servers, end to end, and under load.
