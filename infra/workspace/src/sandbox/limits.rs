use std::io;
use std::process::Child;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, prlimit};

use crate::process::pid;

const GIB: u64 = 1024 * 1024 * 1024;

/// Bounds what the child, and all that it starts, may use. Generous for a compiler, too little to take a machine
/// down: each process its time of CPU, 16 GiB of private memory, 128 GiB of addresses (runtimes reserve far more than
/// they use), files of 4 GiB, no core dumps; and 4096 processes of the user.
pub(super) fn set(child: &Child, timeout: Duration) -> io::Result<()> {
    let pid = Some(pid(child)?);
    let limits = [
        (Resource::Cpu, timeout.as_secs() + 1),
        (Resource::Data, 16 * GIB),
        (Resource::As, 128 * GIB),
        (Resource::Fsize, 4 * GIB),
        (Resource::Core, 0),
        (Resource::Nproc, 4096),
        (Resource::Nofile, 4096),
    ];
    for (resource, limit) in limits {
        // A limit that is lower already stays.
        let current = rustix::process::getrlimit(resource);
        let hard = current.maximum.map_or(limit, |maximum| maximum.min(limit));
        prlimit(
            pid,
            resource,
            Rlimit {
                current: Some(hard),
                maximum: Some(hard),
            },
        )?;
    }
    Ok(())
}
