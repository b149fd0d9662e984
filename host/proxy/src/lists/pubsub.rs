//! Follows a node of a publish-subscribe service (XEP-0060).

use std::sync::Arc;

use super::SourceHandle;
use crate::config::PubsubSource;
use crate::pipeline::Gateway;

/// Keeps one source fresh until it is dropped.
pub async fn keep(source: PubsubSource, handle: SourceHandle, gateway: Arc<Gateway>) {
    let _ = (source, gateway);
    handle.fail("following a publish-subscribe node is not built yet");
    std::future::pending::<()>().await;
}
