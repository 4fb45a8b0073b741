//! The workspace service.
