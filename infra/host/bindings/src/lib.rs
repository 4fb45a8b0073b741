//! Bindings of the Spin interfaces that the embedded host implements, generated from `wit/`.
//!
//! They live in a crate of their own because generating and compiling them takes longer than the rest of the host.

#![allow(missing_docs, reason = "generated; the text is in wit/")]

/// The interfaces that the host offers to a component: key-value, SQLite, variables.
pub mod imports {
    wasmtime::component::bindgen!({
        path: [
            "../../../wit/spin-key-value",
            "../../../wit/spin-sqlite",
            "../../../wit/spin-variables",
            "../../../wit/host",
        ],
        world: "loom:host/imports",
        imports: { default: async | trappable },
    });
}

/// The export of a component that runs on a schedule.
pub mod cron {
    wasmtime::component::bindgen!({
        path: ["../../../wit/spin-cron"],
        world: "spin:cron/spin-cron",
        exports: { default: async | store },
    });
}
