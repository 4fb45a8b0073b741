//! Projects: register, read, change, close.
