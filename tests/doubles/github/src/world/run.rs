/// A workflow file.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: u64,
    /// As in `.github/workflows/test.yml`.
    pub(crate) path: String,
    pub(crate) created_at: String,
}

/// One run of a workflow.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) workflow: u64,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) number: u64,
    pub(crate) attempt: u64,
    pub(crate) event: String,
    pub(crate) branch: String,
    pub(crate) sha: String,
    pub(crate) suite: u64,
    pub(crate) actor: String,
    /// `queued`, `in_progress` or `completed`.
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) started_at: String,
    /// What it executes.
    pub(crate) command: Vec<String>,
    /// The names of its jobs.
    pub(crate) jobs: Vec<String>,
}

/// One job of a run; its check run has the same id.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) attempt: u64,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) created_at: String,
    pub(crate) started_at: String,
    pub(crate) completed_at: Option<String>,
    pub(crate) log: String,
}
