//! Providers: register, read, change, remove, list models.
