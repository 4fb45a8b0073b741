use super::{Reply, Request};
use crate::wire::{Answer, Failure};
use crate::world::{Job, Permission, Run};

/// `GET /repos/{owner}/{repo}/actions/runs`.
pub(crate) fn list(r: &Request<'_>) -> Reply {
    let repo = r.repo()?;
    let is = |name: &str, value: &str| r.call.query(name).is_none_or(|wanted| wanted == value);
    let runs: Vec<&Run> = repo
        .runs
        .iter()
        .rev()
        .filter(|run| is("head_sha", &run.sha) && is("branch", &run.branch))
        .filter(|run| is("event", &run.event) && is("actor", &run.actor))
        .filter(|run| {
            is("status", &run.status)
                || run
                    .conclusion
                    .as_deref()
                    .is_some_and(|conclusion| is("status", conclusion))
        })
        .collect();
    Ok(r.counted("workflow_runs", runs, |world, run| {
        world.run_json(repo, run)
    }))
}

fn find<'a>(r: &'a Request<'_>, id: u64) -> Result<&'a Run, Failure> {
    r.world.find_run(&r.repo, id).ok_or_else(Failure::not_found)
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}`.
pub(crate) fn run(r: &Request<'_>, id: u64) -> Reply {
    Ok(Answer::ok(r.world.run_json(r.repo()?, find(r, id)?)))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs`: of the last attempt, or of all.
pub(crate) fn jobs(r: &Request<'_>, id: u64) -> Reply {
    let run = find(r, id)?;
    let all = r.call.query("filter") == Some("all");
    let repo = r.repo()?;
    let jobs: Vec<&Job> = repo
        .jobs
        .iter()
        .filter(|job| job.run == id && (all || job.attempt == run.attempt))
        .collect();
    Ok(r.counted("jobs", jobs, |world, job| world.job_json(repo, run, job)))
}

fn find_job<'a>(r: &'a Request<'_>, id: u64) -> Result<&'a Job, Failure> {
    let job = r.repo()?.jobs.iter().find(|job| job.id == id);
    job.ok_or_else(Failure::not_found)
}

/// `GET /repos/{owner}/{repo}/actions/jobs/{job_id}`.
pub(crate) fn job(r: &Request<'_>, id: u64) -> Reply {
    let job = find_job(r, id)?;
    let run = find(r, job.run)?;
    Ok(Answer::ok(r.world.job_json(r.repo()?, run, job)))
}

/// `GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs`: the way to a text that needs no token.
pub(crate) fn logs(r: &Request<'_>, id: u64) -> Reply {
    let job = find_job(r, id)?;
    if job.status != "completed" {
        return Err(Failure::not_found());
    }
    let url = format!("{}/_logs/{}", r.world.address, name(id));
    Ok(Answer::empty(302).with("Location", url))
}

/// The name of a log in its address.
fn name(job: u64) -> String {
    format!("{job}.txt")
}

/// The text of a log.
pub(crate) fn log_text(r: &Request<'_>, wanted: &str) -> Reply {
    let job = r
        .world
        .repos
        .values()
        .flat_map(|repo| &repo.jobs)
        .find(|job| name(job.id) == wanted);
    let job = job.ok_or_else(Failure::not_found)?;
    Ok(Answer::raw(
        job.log.clone().into_bytes(),
        "text/plain; charset=utf-8",
    ))
}

/// `POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches`.
pub(crate) fn dispatch(r: &mut Request<'_>, file: &str) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let name = body["ref"]
        .as_str()
        .ok_or_else(|| Failure::missing("ref"))?;
    let (repo, actor) = (r.repo.clone(), r.actor.login.clone());
    r.world.dispatch(&repo, file, name, &actor)?;
    Ok(Answer::empty(204))
}

/// `POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun`.
pub(crate) fn rerun(r: &mut Request<'_>, id: u64) -> Reply {
    r.need(Permission::Write)?;
    if find(r, id)?.status != "completed" {
        return Err(Failure::new(403, "This workflow run is already running"));
    }
    let repo = r.repo.clone();
    if let Some(run) = r.repo_mut()?.runs.iter_mut().find(|run| run.id == id) {
        run.attempt += 1;
        run.status = String::from("queued");
        run.conclusion = None;
    }
    r.world.queue_jobs(&repo, id);
    Ok(Answer::json(201, serde_json::json!({})))
}
