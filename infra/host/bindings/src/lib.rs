//! Generated bindings of the Spin interfaces that the embedded host implements.
