use std::path::PathBuf;

/// How the service is set up.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where worktrees, private build directories and the journal live. Created when missing; everything of a run
    /// that is still going on is here, so it must survive a restart. When it is inside of a project (say, a Cargo
    /// workspace), the worktrees live in the user's state directory instead, or tools would take them for parts of it.
    pub root: PathBuf,
    /// The bearer token that every call must carry. Must not be empty.
    pub token: String,
    /// Repositories must lie in one of these directories; with none, any absolute path is accepted.
    pub allowed_repositories: Vec<PathBuf>,
    /// More directories that commands may read and start programs from, besides the system's and the toolchains
    /// found by `PATH`.
    pub toolchains: Vec<PathBuf>,
    /// What to do where the kernel has no sandbox.
    pub sandbox: SandboxPolicy,
}

/// What to do where the kernel offers no Landlock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxPolicy {
    /// Refuse to run commands.
    #[default]
    Required,
    /// Run them without it. Only for machines that are thrown away.
    WhenAvailable,
}
