//! Beads: file, read, change, claim, redispatch, escalate, import and export.
