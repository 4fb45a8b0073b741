//! The `loom` command.

use std::process::ExitCode;

// A quarter more requests per second than with the system's allocator: instances come and go all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    loom_host::cli::main()
}
