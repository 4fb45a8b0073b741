//! What the tests share: building, starting and talking to a Loom.
