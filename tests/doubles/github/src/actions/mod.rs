//! GitHub Actions: which runs start, what they execute, and what is told of them.

mod execute;
mod runner;
mod workflow;

use serde_json::json;

use crate::events::Event;
use crate::wire::Failure;
use crate::world::{CheckRun, Job, Run, Suite, Workflow, World};

pub(crate) use runner::run_queue;

/// Where workflow files are.
const FOLDER: &str = ".github/workflows";

impl World {
    /// Starts the workflows that an event on a branch starts.
    pub(crate) fn start_runs(
        &mut self,
        repo: &str,
        event: &str,
        branch: &str,
        before: &str,
        sha: &str,
        actor: &str,
    ) {
        for (path, spec) in self.workflows_at(repo, sha) {
            if spec.starts(event, branch) {
                self.start(repo, &path, &spec, event, branch, before, sha, actor);
            }
        }
    }

    /// The workflow files of a commit.
    fn workflows_at(&self, repo: &str, sha: &str) -> Vec<(String, workflow::Spec)> {
        let Some(found) = self.repo(repo) else {
            return Vec::new();
        };
        let git = &found.git;
        let Ok(Some(folder)) = git.at(sha, FOLDER) else {
            return Vec::new();
        };
        git.tree(&folder.sha, false)
            .unwrap_or_default()
            .into_iter()
            .filter(|entry| entry.path.ends_with(".yml") || entry.path.ends_with(".yaml"))
            .filter_map(|entry| {
                let text = git.read_blob(&entry.sha).ok()?;
                let spec = workflow::read(&String::from_utf8_lossy(&text));
                Some((format!("{FOLDER}/{}", entry.path), spec))
            })
            .collect()
    }

    /// Starts a workflow by hand.
    pub(crate) fn dispatch(
        &mut self,
        repo: &str,
        file: &str,
        name: &str,
        actor: &str,
    ) -> Result<(), Failure> {
        let found = self.repo(repo).ok_or_else(Failure::not_found)?;
        let short = name.trim_start_matches("refs/heads/").to_owned();
        let Some(sha) = found.git.branch(&short) else {
            return Err(Failure::unprocessable(format!("No ref found for: {name}")));
        };
        let known = found
            .workflows
            .iter()
            .find(|workflow| workflow.id.to_string() == file)
            .map(|workflow| workflow.path.clone());
        let path = known.unwrap_or_else(|| format!("{FOLDER}/{file}"));
        let spec = self
            .workflows_at(repo, &sha)
            .into_iter()
            .find(|(found, _)| *found == path);
        let (_, spec) = spec.ok_or_else(Failure::not_found)?;
        if !spec.starts("workflow_dispatch", &short) {
            return Err(Failure::unprocessable(
                "Workflow does not have 'workflow_dispatch' trigger",
            ));
        }
        self.start(
            repo,
            &path,
            &spec,
            "workflow_dispatch",
            &short,
            "",
            &sha,
            actor,
        );
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "it is what a run has")]
    fn start(
        &mut self,
        repo: &str,
        path: &str,
        spec: &workflow::Spec,
        event: &str,
        branch: &str,
        before: &str,
        sha: &str,
        actor: &str,
    ) {
        let now = self.stamp();
        let (workflow, suite, id) = (self.id(), self.id(), self.id());
        let Some(found) = self.repo_mut(repo) else {
            return;
        };
        let name = spec.name.clone().unwrap_or_else(|| path.to_owned());
        let workflow = match found.workflows.iter().find(|known| known.path == path) {
            Some(known) => known.id,
            None => {
                found.workflows.push(Workflow {
                    id: workflow,
                    path: path.to_owned(),
                    created_at: now.clone(),
                });
                workflow
            }
        };
        found.suites.push(Suite {
            id: suite,
            branch: Some(branch.to_owned()),
            sha: sha.to_owned(),
            before: (!before.is_empty()).then(|| before.to_owned()),
            status: String::from("queued"),
            conclusion: None,
            created_at: now.clone(),
            updated_at: now.clone(),
        });
        let number = found
            .runs
            .iter()
            .filter(|run| run.workflow == workflow)
            .count() as u64
            + 1;
        let command = found.test_command.clone().unwrap_or_else(|| {
            ["bash", "-e", "-c", &spec.script]
                .map(str::to_owned)
                .to_vec()
        });
        let jobs = if spec.jobs.is_empty() {
            vec![String::from("test")]
        } else {
            spec.jobs.clone()
        };
        found.runs.push(Run {
            id,
            workflow,
            path: path.to_owned(),
            name,
            number,
            attempt: 1,
            event: event.to_owned(),
            branch: branch.to_owned(),
            sha: sha.to_owned(),
            suite,
            actor: actor.to_owned(),
            status: String::from("queued"),
            conclusion: None,
            created_at: now.clone(),
            updated_at: now.clone(),
            started_at: now,
            command,
            jobs,
        });
        self.queue_jobs(repo, id);
    }

    /// Makes the jobs of a run's attempt, with their check runs, and queues it.
    pub(crate) fn queue_jobs(&mut self, repo: &str, id: u64) {
        let now = self.stamp();
        let Some(run) = self.find_run(repo, id).cloned() else {
            return;
        };
        let page = self.repo(repo).map(|found| self.repo_page(found));
        let page = page.unwrap_or_default();
        let mut checks = Vec::new();
        for name in &run.jobs {
            let job = self.id();
            checks.push(job);
            let Some(found) = self.repo_mut(repo) else {
                return;
            };
            found.checks.push(CheckRun {
                id: job,
                suite: run.suite,
                sha: run.sha.clone(),
                name: name.clone(),
                status: String::from("queued"),
                conclusion: None,
                started_at: Some(now.clone()),
                completed_at: None,
                details_url: Some(format!("{page}/actions/runs/{id}/job/{job}")),
                title: None,
                summary: None,
            });
            found.jobs.push(Job {
                id: job,
                run: id,
                attempt: run.attempt,
                name: name.clone(),
                status: String::from("queued"),
                conclusion: None,
                created_at: now.clone(),
                started_at: now.clone(),
                completed_at: None,
                log: String::new(),
            });
        }
        self.queue.push_back((repo.to_lowercase(), id));
        self.tell_run(repo, id, "requested");
        for check in checks {
            self.tell_check(repo, check, "created");
        }
    }

    /// A run of a repository.
    pub(crate) fn find_run(&self, repo: &str, id: u64) -> Option<&Run> {
        self.repo(repo)?.runs.iter().find(|run| run.id == id)
    }

    fn tell_run(&mut self, repo: &str, id: u64, action: &'static str) {
        let Some(found) = self.repo(repo) else { return };
        let Some(run) = self.find_run(repo, id) else {
            return;
        };
        let actor = run.actor.clone();
        let fields = json!({
            "workflow_run": self.run_json(found, run), "workflow": self.workflow_json(found, run),
        });
        self.emit(
            repo,
            &actor,
            Event::new("workflow_run", Some(action), fields),
        );
    }

    fn tell_check(&mut self, repo: &str, id: u64, action: &'static str) {
        let Some(found) = self.repo(repo) else { return };
        let Some(check) = found.checks.iter().find(|check| check.id == id) else {
            return;
        };
        let mut form = self.check_json(found, check);
        // A webhook shows the whole suite.
        if let Some(suite) = found.suites.iter().find(|suite| suite.id == check.suite) {
            form["check_suite"] = self.suite_json(found, suite);
        }
        let fields = json!({"check_run": form});
        self.emit(
            repo,
            "github-actions[bot]",
            Event::new("check_run", Some(action), fields),
        );
    }

    fn tell_suite(&mut self, repo: &str, id: u64, action: &'static str) {
        let Some(found) = self.repo(repo) else { return };
        let Some(suite) = found.suites.iter().find(|suite| suite.id == id) else {
            return;
        };
        let fields = json!({"check_suite": self.suite_json(found, suite)});
        self.emit(
            repo,
            "github-actions[bot]",
            Event::new("check_suite", Some(action), fields),
        );
    }
}
