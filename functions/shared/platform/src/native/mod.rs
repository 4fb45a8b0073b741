//! The native adapters.
