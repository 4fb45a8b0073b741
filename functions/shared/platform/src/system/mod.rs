//! What the operating system gives in the same way under WASI and natively.

mod clock;
mod files;
mod random;

pub use files::DirectoryFiles;
pub use random::SystemRandom;

pub(crate) use clock::unix_millis;
