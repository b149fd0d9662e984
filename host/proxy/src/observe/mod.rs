//! What operators see: the log, the counts, who decided what.

pub mod audit;
pub mod continuity;
pub mod counters;
pub mod dials;
pub mod faults;
pub mod judgement;
pub mod metrics;
pub mod refusals;
pub mod seldom;
pub mod telemetry;
pub mod trace;
