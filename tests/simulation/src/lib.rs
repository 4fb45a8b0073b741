//! Deterministic simulation of ticks and steps with faults.
