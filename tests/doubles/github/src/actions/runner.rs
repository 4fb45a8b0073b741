use std::sync::Arc;
use std::time::Duration;

use super::execute::{Outcome, Task, execute};
use crate::state::Shared;
use crate::world::{Repo, World};

/// Executes what is queued, one run after the other, until the double is stopped.
pub(crate) fn run_queue(shared: &Arc<Shared>) {
    let is_due = |world: &mut World| world.stopping || (world.runner_on && !world.queue.is_empty());
    while let Some(mut world) = shared.wait(Duration::MAX, is_due) {
        if world.stopping {
            return;
        }
        let Some((repo, id)) = world.queue.pop_front() else {
            continue;
        };
        world.executing += 1;
        let task = world.begin(&repo, id);
        drop(world);
        shared.tell();
        let outcome = task.map(|task| execute(&task, shared));
        let mut world = shared.lock();
        if let Some(outcome) = outcome {
            world.conclude(&repo, id, &outcome);
        }
        world.executing -= 1;
        drop(world);
        shared.tell();
    }
}

impl World {
    /// Marks a run as being executed and returns what it executes.
    fn begin(&mut self, repo: &str, id: u64) -> Option<Task> {
        let now = self.stamp();
        let found = self.repo_mut(repo)?;
        let run = found.runs.iter_mut().find(|run| run.id == id)?;
        run.status = String::from("in_progress");
        run.started_at.clone_from(&now);
        run.updated_at.clone_from(&now);
        let (suite, attempt) = (run.suite, run.attempt);
        let task = Task {
            git: found.git.clone(),
            sha: run.sha.clone(),
            branch: run.branch.clone(),
            repository: format!("{}/{}", found.owner, found.name),
            command: run.command.clone(),
            limit: found.test_limit,
        };
        for job in jobs(found, id, attempt) {
            let Some((job, check)) = pair(found, job) else {
                continue;
            };
            job.status = String::from("in_progress");
            job.started_at.clone_from(&now);
            check.status = String::from("in_progress");
        }
        if let Some(suite) = found.suites.iter_mut().find(|found| found.id == suite) {
            suite.status = String::from("in_progress");
        }
        self.tell_run(repo, id, "in_progress");
        Some(task)
    }

    /// Notes what came of a run and tells of it.
    fn conclude(&mut self, repo: &str, id: u64, outcome: &Outcome) {
        let now = self.stamp();
        let Some(found) = self.repo_mut(repo) else {
            return;
        };
        let Some(run) = found.runs.iter_mut().find(|run| run.id == id) else {
            return;
        };
        run.status = String::from("completed");
        run.conclusion = Some(outcome.conclusion.to_owned());
        run.updated_at.clone_from(&now);
        let (suite, attempt) = (run.suite, run.attempt);
        let jobs = jobs(found, id, attempt);
        for job in &jobs {
            let Some((job, check)) = pair(found, *job) else {
                continue;
            };
            job.status = String::from("completed");
            job.conclusion = Some(outcome.conclusion.to_owned());
            job.completed_at = Some(now.clone());
            job.log.clone_from(&outcome.log);
            check.status = String::from("completed");
            check.conclusion = Some(outcome.conclusion.to_owned());
            check.completed_at = Some(now.clone());
        }
        if let Some(suite) = found.suites.iter_mut().find(|found| found.id == suite) {
            suite.status = String::from("completed");
            suite.conclusion = Some(outcome.conclusion.to_owned());
            suite.updated_at = now;
        }
        for job in jobs {
            self.tell_check(repo, job, "completed");
        }
        self.tell_suite(repo, suite, "completed");
        self.tell_run(repo, id, "completed");
    }
}

/// The ids of the jobs of an attempt.
fn jobs(repo: &Repo, run: u64, attempt: u64) -> Vec<u64> {
    repo.jobs
        .iter()
        .filter(|job| job.run == run && job.attempt == attempt)
        .map(|job| job.id)
        .collect()
}

/// A job and its check run.
fn pair(repo: &mut Repo, id: u64) -> Option<(&mut crate::world::Job, &mut crate::world::CheckRun)> {
    let job = repo.jobs.iter_mut().find(|job| job.id == id)?;
    let check = repo.checks.iter_mut().find(|check| check.id == id)?;
    Some((job, check))
}
