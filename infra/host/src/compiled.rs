//! Compiled components on disk, so that a start compiles only what changed.
//!
//! A cached file is machine code that will be run, and wasmtime checks only that it looks like its own. So each one
//! carries the SHA-256 of its content, and anything that doesn't match is compiled again. The name holds the hash of
//! the component and of the engine's version and settings: a stale file is never opened.

use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: &[u8; 8] = b"loomaot1";
const HEADER: usize = MAGIC.len() + 32;

/// How a component was got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From a cached file.
    Cache,
    /// Compiled now.
    Compiled,
}

/// A component, ready to be linked.
pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) origin: Origin,
    /// Its cached file's name.
    pub(crate) file: PathBuf,
}

/// The component at `source`, compiled for `engine`. `cache` is the folder of cached files.
///
/// A cache that can't be written costs time at the next start and is otherwise no error.
pub(crate) fn load(engine: &Engine, source: &Path, cache: &Path) -> Result<Loaded, String> {
    let wasm = std::fs::read(source).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!(
                "{} doesn't exist; build the functions with `cargo loom build`",
                source.display()
            )
        }
        _ => format!("{}: {error}", source.display()),
    })?;
    let file = file_name(engine, &wasm);
    let path = cache.join(&file);
    if let Some(component) = read(engine, &path) {
        return Ok(Loaded {
            component,
            origin: Origin::Cache,
            file,
        });
    }
    let component = Component::new(engine, &wasm)
        .map_err(|error| format!("{} doesn't compile: {error:#}", source.display()))?;
    if let Ok(code) = component.serialize() {
        let _ = write(&path, &code);
    }
    Ok(Loaded {
        component,
        origin: Origin::Compiled,
        file,
    })
}

/// Removes the cached files that this start didn't use: those of components that were built again since.
pub(crate) fn prune(cache: &Path, used: &std::collections::HashSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(cache) else {
        return;
    };
    for entry in entries.flatten() {
        if !used.contains(Path::new(&entry.file_name())) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn file_name(engine: &Engine, wasm: &[u8]) -> PathBuf {
    /// Gives everything that is hashed to SHA-256: the standard hashers may change between Rust versions.
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut settings = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!(
        "{}-{}.cwasm",
        hex(&Sha256::digest(wasm), 16),
        hex(&settings.0.finalize(), 8)
    )
    .into()
}

/// The first `count` of `bytes`.
fn hex(bytes: &[u8], count: usize) -> String {
    bytes
        .iter()
        .take(count)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn read(engine: &Engine, path: &Path) -> Option<Component> {
    let file = std::fs::read(path).ok()?;
    let (header, code) = file.split_at_checked(HEADER)?;
    let (magic, digest) = header.split_at_checked(MAGIC.len())?;
    if magic != MAGIC || digest != Sha256::digest(code).as_slice() {
        return None;
    }
    // SAFETY: the bytes are what `write` stored, as the digest shows: the output of `Component::serialize` of an
    // engine of this version and these settings. The folder is the application's own state, as trusted as this
    // program's binary.
    #[allow(
        unsafe_code,
        reason = "wasmtime has no safe way to load its own compiled code"
    )]
    unsafe {
        Component::deserialize(engine, code).ok()
    }
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // A name of its own, so that two starts at once don't write into one file; the rename is atomic.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.new", std::process::id()));
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(MAGIC)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)?;
    drop(file);
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_compiled_again() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("empty.wat");
        std::fs::write(&source, b"\0asm\x0d\0\x01\0").unwrap();
        let cache = dir.path().join("cache");
        let engine = crate::engine::create(4).unwrap();
        let origin = || {
            load(&engine, &source, &cache)
                .map(|loaded| loaded.origin)
                .unwrap()
        };
        assert_eq!(origin(), Origin::Compiled);
        assert_eq!(origin(), Origin::Cache);

        let file = std::fs::read_dir(&cache)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let good = std::fs::read(&file).unwrap();
        let last = good.len() - 1;
        let mut flipped = good.clone();
        flipped[last] ^= 1;
        for damaged in [&flipped[..], &good[..last], &good[..HEADER - 1], b""] {
            std::fs::write(&file, damaged).unwrap();
            assert_eq!(origin(), Origin::Compiled);
            assert_eq!(std::fs::read(&file).unwrap(), good);
        }
        assert_eq!(origin(), Origin::Cache);

        std::fs::write(cache.join("stale.cwasm"), b"").unwrap();
        prune(&cache, &[file_name(&engine, b"\0asm\x0d\0\x01\0")].into());
        assert!(!cache.join("stale.cwasm").exists());
        assert_eq!(origin(), Origin::Cache);
    }

    #[test]
    fn other_settings_have_other_files() {
        let pooled = crate::engine::create(4).unwrap();
        let plain = Engine::default();
        assert_ne!(file_name(&pooled, b"x"), file_name(&plain, b"x"));
        assert_ne!(file_name(&pooled, b"x"), file_name(&pooled, b"y"));
        assert_eq!(
            file_name(&pooled, b"x"),
            file_name(&crate::engine::create(8).unwrap(), b"x")
        );
    }

    #[test]
    fn a_missing_component_says_what_to_do() {
        let engine = crate::engine::create(4).unwrap();
        let error = load(&engine, Path::new("nowhere.wasm"), Path::new("nowhere"))
            .err()
            .unwrap();
        assert!(error.contains("cargo loom build"), "{error}");
    }
}
