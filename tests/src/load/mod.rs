//! A load generator and the benchmark that uses it: what does the thing in the middle cost?
//!
//! [`source`] → the thing under test ([`subject`]) → [`sink`]; both ends speak real s2s ([`stream`]) over TLS ([`tls`]) with
//! SASL EXTERNAL, from blocking threads on one core, while the thing under test has the other core to itself. It is the proxy,
//! a [`relay`] that moves bytes without looking at them, or nothing at all. [`benchmark`] drives them in one run, so that the
//! figures can be compared, and [`report`] prints them.

pub mod affinity;
pub mod benchmark;
pub mod flood;
pub mod relay;
pub mod report;
pub mod sink;
pub mod source;
pub mod stanza;
pub mod strangers;
pub mod stream;
pub mod subject;
pub mod tls;
