//! A repository on the double, and a workspace on it.

use std::process::Command;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use loom_domain::github::GithubSettings;
use loom_github_double::{Config, FileSpec, GitHub, NewRepository, Permission, Running};
use loom_platform::{Platform, native::NativePlatform};
use loom_workspace::{
    Call, ErrorKind, Operation, Outcome, Project, Run, Workspace, WorkspaceError,
    github::GithubWorkspace,
};

pub(crate) use loom_workspace::testing::{commit, delete, edit, read, rename, write};

pub(crate) const REPO: &str = "acme/widget";
/// How long the double may take for what it does by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) github: Arc<Running>,
    pub(crate) platform: NativePlatform,
    pub(crate) project: Project,
}

pub(crate) fn repository() -> NewRepository {
    NewRepository::new("acme", "widget")
}

impl World {
    /// Loom with a plain token.
    pub(crate) async fn with(new: NewRepository) -> Self {
        let github = start(&new);
        github.allow(REPO, "loom", Permission::Write);
        let token = github.token("loom");
        let platform = NativePlatform::builder()
            .variable("github_url", github.url())
            .variable("github_token", token)
            .build()
            .unwrap();
        Self::on(github, platform).await
    }

    /// Loom as a GitHub App.
    pub(crate) async fn as_app(new: NewRepository) -> Self {
        let github = start(&new);
        let app = github.app();
        let platform = NativePlatform::builder()
            .variable("github_url", github.url())
            .variable("github_app_id", app.id.to_string())
            .variable("github_app_private_key", app.private_key_pem)
            .build()
            .unwrap();
        Self::on(github, platform).await
    }

    async fn on(github: Running, platform: NativePlatform) -> Self {
        loom_store::migrate::migrate(platform.database())
            .await
            .unwrap();
        let project = Project {
            id: "p1".into(),
            repository: format!("{}/{REPO}", github.url()),
            branch: "main".into(),
            ..Project::default()
        };
        Self {
            github: Arc::new(github),
            platform,
            project,
        }
    }

    pub(crate) fn settings(&mut self, change: impl FnOnce(&mut GithubSettings)) {
        change(self.project.github.get_or_insert_default());
    }

    pub(crate) fn workspace(&self) -> GithubWorkspace<NativePlatform> {
        GithubWorkspace::new(self.platform.clone())
    }

    pub(crate) fn call(&self, run: &str, fence: i64, key: &str, operation: Operation) -> Call {
        Call {
            project: self.project.clone(),
            run: Run {
                id: run.into(),
                bead_id: "bd-1".into(),
                bead_title: "Fix the sum".into(),
                agent: "Ada".into(),
                fence,
                continues: None,
            },
            key: key.into(),
            operation,
        }
    }

    /// Performs an operation of a run under a key of its own.
    pub(crate) async fn try_do(
        &self,
        run: &str,
        operation: Operation,
    ) -> Result<Outcome, WorkspaceError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = format!("{run}:t:{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.workspace()
            .perform(self.call(run, 1, &key, operation))
            .await
    }

    pub(crate) async fn perform(&self, run: &str, operation: Operation) -> Outcome {
        let shown: String = format!("{operation:?}").chars().take(200).collect();
        self.try_do(run, operation)
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error:?}"))
    }

    /// Performs an operation that must be refused, and gives the refusal.
    pub(crate) async fn refused(&self, run: &str, operation: Operation) -> WorkspaceError {
        let shown: String = format!("{operation:?}").chars().take(200).collect();
        match self.try_do(run, operation).await {
            Err(error) if error.kind == ErrorKind::Refused => error,
            other => panic!("{shown} should be refused, but: {other:?}"),
        }
    }

    pub(crate) async fn commit(&self, run: &str) -> String {
        match self.perform(run, commit("Change it")).await {
            Outcome::Committed { commit, .. } => commit,
            other => panic!("{other:?}"),
        }
    }

    /// Writes a file and commits it.
    pub(crate) async fn change(&self, run: &str, path: &str, content: &str) -> String {
        self.perform(run, write(path, content)).await;
        self.commit(run).await
    }

    pub(crate) async fn content(&self, run: &str, path: &str) -> String {
        match self.perform(run, read(path)).await {
            Outcome::File { content, .. } => content,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn text(&self, run: &str, operation: Operation) -> String {
        match self.perform(run, operation).await {
            Outcome::Text { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn branch(&self, run: &str) -> String {
        match self.perform(run, Operation::Open).await {
            Outcome::Opened { branch, .. } => branch,
            other => panic!("{other:?}"),
        }
    }

    /// Somebody pushes files to a branch.
    pub(crate) fn push(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let files: Vec<FileSpec> = files
            .iter()
            .map(|(path, content)| FileSpec::text(path, content))
            .collect();
        self.github.allow(REPO, "grace", Permission::Write);
        self.github
            .commit(REPO, branch, "grace", "By somebody", &files)
    }

    /// What git says about the repository.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(self.github.git_path(REPO).unwrap())
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// How many requests of a method came whose path ends like this.
    pub(crate) fn requests(&self, method: &str, end: &str) -> usize {
        let seen = self.github.requests();
        seen.iter()
            .filter(|seen| {
                let path = seen.path.split('?').next().unwrap_or_default();
                seen.method == method && path.ends_with(end)
            })
            .count()
    }
}

fn start(new: &NewRepository) -> Running {
    let github = GitHub::start(Config::default()).unwrap();
    github.create_repository(new);
    github
}

pub(crate) fn open_pull(title: &str, body: &str) -> Operation {
    Operation::OpenPullRequest {
        title: title.into(),
        body: body.into(),
        labels: vec!["loom".into()],
        reviewers: Vec::new(),
        draft: false,
    }
}
