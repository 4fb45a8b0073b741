//! Probes every registered provider.
