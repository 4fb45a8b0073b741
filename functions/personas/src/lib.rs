//! Personas: list, read, override.
