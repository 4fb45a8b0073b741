//! The event log: history and live stream.
