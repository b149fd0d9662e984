//! What the memories and tables of one instance may amount to, all together.

use wasmtime::ResourceLimiter;

/// A table entry is a pointer in the host.
const TABLE_ENTRY_BYTES: usize = 8;

/// Counts what an instance grew, over all its memories and tables: wasmtime's own limits are for each alone.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    max: usize,
    left: usize,
    refused: bool,
}

impl MemoryMeter {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { max: bytes_max, left: bytes_max, refused: false }
    }

    /// Forgets an earlier refusal, so that the next fault is not blamed on it.
    pub(crate) fn begin(&mut self) {
        self.refused = false;
    }

    /// Whether the guest was refused memory since [`begin`](Self::begin). A guest that then traps ran out of memory.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// Returns the bytes in use; they never become fewer.
    pub(crate) fn used(&self) -> usize {
        self.max - self.left
    }

    fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or(self.left);
        self.refused |= left.is_none();
        left.is_some()
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(allowed && self.take(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(allowed && self.take(desired.saturating_sub(current) * TABLE_ENTRY_BYTES))
    }
}

/// Returns what compiling left behind to the system: tens of megabytes that glibc would keep for an allocation that never comes.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes no pointer, and locks the allocator by itself.
    unsafe {
        libc::malloc_trim(0);
    }
}
