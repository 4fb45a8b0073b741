//! Agents: spawn, read, change, stop.
