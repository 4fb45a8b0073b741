//! One step of an agent run, and the call for the next.
