use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use loom_workspace::WorkspaceError;

use super::{Toolchain, network};
use crate::config::SandboxPolicy;
use crate::error::Result;

/// What every program needs: libraries, certificates, names of users, time zones; and nothing about other processes.
const SYSTEM: [&str; 32] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl",
    "/dev/urandom",
    "/dev/random",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];
const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Locks this thread, and all that it will start, in: it can change nothing but the worktree and the run's private
/// directory, read nothing else but the system and the toolchain, reach no network (unless `isolated`: then it is in
/// an empty one already), and neither signal nor talk to processes outside.
pub(super) fn restrict(
    toolchain: &Toolchain,
    worktree: &Path,
    private: &Path,
    isolated: bool,
    policy: SandboxPolicy,
) -> Result<()> {
    let status = ruleset(toolchain, worktree, private, isolated)
        .map_err(|error| unavailable(&error.to_string()))?;
    if status.ruleset == RulesetStatus::NotEnforced && policy == SandboxPolicy::Required {
        return Err(unavailable(
            "this kernel has no Landlock (Linux 5.13 or later, with landlock among its LSMs)",
        ));
    }
    if !isolated
        && let Err(error) = network::deny()
        && policy == SandboxPolicy::Required
    {
        return Err(unavailable(&error.to_string()));
    }
    Ok(())
}

fn ruleset(
    toolchain: &Toolchain,
    worktree: &Path,
    private: &Path,
    isolated: bool,
) -> std::result::Result<RestrictionStatus, RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?;
    if !isolated {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    ruleset
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(
            DEVICES,
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules(
            toolchain.readable(),
            AccessFs::from_read(abi),
        ))?
        .add_rules(path_beneath_rules(
            [worktree, private],
            AccessFs::from_all(abi),
        ))?
        .restrict_self()
}

fn unavailable(why: &str) -> WorkspaceError {
    WorkspaceError::unavailable(
        "sandbox_unavailable",
        format!("programs can't be run safely on this machine: {why}"),
    )
}
