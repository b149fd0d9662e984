//! Streams of any bytes, read and written.

use crate::{ours, verdict};
use refrain_proto::limits::XmlLimits;

/// Every parser agrees with ours on what ours accepts, and on what it writes of that.
pub fn agreement(input: &[u8]) {
    if let Err(difference) = verdict::on_stream(input) {
        panic!("{difference}");
    }
}

/// However a stream arrives, the same is read of it, within limits that are met and within some that are not.
pub fn reader(input: &[u8]) {
    for limits in [XmlLimits::default(), tight()] {
        let whole = ours::read([input], &limits);
        let bytewise = ours::read(input.chunks(1), &limits);
        assert_eq!((&whole.pieces, whole.refused), (&bytewise.pieces, bytewise.refused), "byte by byte");
        let (first, second) = input.split_at(input.len() / 2);
        let halved = ours::read([first, second], &limits);
        assert_eq!((&whole.pieces, whole.refused), (&halved.pieces, halved.refused), "in two halves");
    }
}

fn tight() -> XmlLimits {
    XmlLimits {
        header_bytes_max: 200,
        stanza_bytes_max: 60,
        depth_max: 3,
        attributes_max: 3,
        namespaces_max: 2,
        namespaces_in_scope_max: 5,
        nodes_max: 6,
    }
}
