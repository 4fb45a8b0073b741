//! A scripted double of TokenHub.
