//! Deterministic simulation: everything a seed decides.
