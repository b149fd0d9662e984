//! Why a module cannot be packed.

/// Why a module cannot be packed: always the module's fault.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It is not WebAssembly, or no core module.
    #[error("it is no WebAssembly module: {0}")]
    NoModule(String),
    /// It does not fit the interface it claims, or claims none.
    #[error("it does not make a component: {0}")]
    NoComponent(String),
    /// Its manifest could not be had.
    #[error("its manifest: {0}")]
    Manifest(String),
}

impl PackError {
    pub(crate) fn manifest(message: impl ToString) -> Self {
        PackError::Manifest(message.to_string())
    }
}
