use std::path::{Path, PathBuf};

use loom_platform::native::NativeHttpClient;
use loom_workspace::{
    Call, ErrorKind, LocalWorkspace, Operation, Outcome, Project, Run, Workspace, WorkspaceError,
};
use loom_workspace_service::{Config, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use loom_workspace::testing::{commit, delete, edit, read, rename, write};

pub(crate) const TOKEN: &str = "workspace-test-token";

/// A repository, and a service that works on it.
pub(crate) struct World {
    directory: TempDir,
    pub(crate) address: String,
    pub(crate) project: Project,
    server: JoinHandle<std::io::Result<()>>,
}

impl World {
    /// A repository whose `main` has these files.
    pub(crate) async fn with(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = directory.path().join("repository");
        std::fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        for (path, content) in files {
            put(&repository.join(path), content);
        }
        git(&repository, &["add", "--all", "--force"]);
        git(
            &repository,
            &["commit", "--quiet", "--allow-empty", "-m", "first"],
        );
        // Nobody works in it, so that merges move the branch alone.
        git(&repository, &["checkout", "--quiet", "--detach"]);
        let project = Project {
            id: "p1".into(),
            repository: repository.to_str().unwrap().into(),
            branch: "main".into(),
            allowed_commands: vec!["sh".into()],
            ..Project::default()
        };
        let (address, server) = start(directory.path()).await;
        Self {
            directory,
            address,
            project,
            server,
        }
    }

    /// Ends the service as a crash would, and starts another one on what it left.
    pub(crate) async fn restart(&mut self) {
        self.server.abort();
        (self.address, self.server) = start(self.directory.path()).await;
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path().join("repository")
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository(), arguments)
    }

    /// The worktree of a run.
    pub(crate) fn tree(&self, run: &str) -> PathBuf {
        self.path().join("root/trees").join(run)
    }

    pub(crate) fn client(&self) -> LocalWorkspace<NativeHttpClient> {
        LocalWorkspace::new(NativeHttpClient::default(), &self.address, TOKEN)
    }

    pub(crate) fn call(&self, run: &str, fence: i64, key: &str, operation: Operation) -> Call {
        Call {
            project: self.project.clone(),
            run: Run {
                id: run.into(),
                bead_id: format!("bd-{run}"),
                bead_title: "Fix the sum".into(),
                agent: "ada".into(),
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
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.client()
            .perform(self.call(run, 1, &format!("{run}:t:{number}"), operation))
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

    /// Writes a file and commits it.
    pub(crate) async fn change(&self, run: &str, path: &str, content: &str) -> String {
        self.perform(run, write(path, content)).await;
        match self.perform(run, commit("Change it")).await {
            Outcome::Committed { commit, .. } => commit,
            other => panic!("{other:?}"),
        }
    }

    /// Runs a shell script in the sandbox.
    pub(crate) async fn script(&self, run: &str, script: &str) -> (Option<i32>, String) {
        match self.perform(run, command(&["sh", "-c", script])).await {
            Outcome::Command {
                exit_code, output, ..
            } => (exit_code, output),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn read(&self, run: &str, path: &str) -> String {
        match self.perform(run, read(path)).await {
            Outcome::File { content, .. } => content,
            other => panic!("{other:?}"),
        }
    }

    /// The journal, for making it look as after a crash.
    pub(crate) fn journal(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("root/journal.sqlite")).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn start(directory: &Path) -> (String, JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = Config {
        root: directory.join("root"),
        token: TOKEN.into(),
        allowed_repositories: vec![directory.to_owned()],
        ..Config::default()
    };
    (address, tokio::spawn(serve(listener, config)))
}

pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    loom_test_support::git(directory, arguments)
        .trim_end()
        .to_owned()
}

pub(crate) fn put(path: &Path, content: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

pub(crate) fn command(argv: &[&str]) -> Operation {
    Operation::RunCommand {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        timeout_seconds: None,
        directory: None,
    }
}

pub(crate) fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Text { text, .. } => text,
        other => panic!("{other:?}"),
    }
}
