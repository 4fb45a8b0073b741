//! A component that does what it is told: the last segment of the path says what, the body with what.
//!
//! It uses spin-sdk as any Spin component would, so the host is tested against what others build for Spin.

#[cfg(target_arch = "wasm32")]
mod component;
