//! Whole behaviour over HTTP on the real components.
