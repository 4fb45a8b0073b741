//! Which path is answered where.

use super::{
    Reply, Request, actions, app, blobs, branches, checks, commits, contents, deliveries,
    issue_comments, issues, labels, merge, meta, people, pulls, refs, review_comments, reviews,
    trees,
};
use crate::wire::Failure;
use crate::world::Permission;

/// Answers a request whose caller is known.
pub(crate) fn route(mut request: Request<'_>) -> Reply {
    let method = request.call.method.as_str().to_owned();
    let parts = request.call.parts.clone();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["user"]) => meta::user(&request),
        ("GET", ["rate_limit"]) => meta::rate_limit(&request),
        ("GET", ["_logs", name]) => actions::log_text(&request, name),
        ("GET", ["users", login]) => people::user(&request, login),
        ("GET", ["app"]) => app::app(&request),
        ("GET", ["installation", "repositories"]) => app::repositories(&request),
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            app::token(&mut request, number(id)?)
        }
        ("GET", ["app", "hook", "deliveries"]) => deliveries::of_app(&request),
        ("GET", ["app", "hook", "deliveries", id]) => deliveries::one_of_app(&request, number(id)?),
        ("POST", ["app", "hook", "deliveries", id, "attempts"]) => {
            deliveries::again_of_app(&mut request, number(id)?)
        }
        (_, ["repos", owner, name, rest @ ..]) => {
            request.repo = format!("{owner}/{name}");
            let asks_app = request.actor.app && rest == ["installation"];
            if !asks_app && request.permission() < Permission::Read {
                return Err(Failure::not_found());
            }
            request.repo = request.repo()?.full_name();
            if method != "GET" && request.actor.login.is_empty() {
                return Err(Failure::new(401, "Requires authentication"));
            }
            in_repo(request, &method, rest)
        }
        _ => Err(Failure::not_found()),
    }
}

fn in_repo(mut request: Request<'_>, method: &str, parts: &[&str]) -> Reply {
    let r = &mut request;
    match (method, parts) {
        ("GET", []) => meta::repository(r),
        ("GET", ["installation"]) => app::installation(r),
        ("GET", ["branches"]) => branches::list(r),
        ("GET", ["branches", name @ ..]) => branches::one(r, &name.join("/")),
        ("GET", ["git", "ref", name @ ..]) => refs::one(r, &name.join("/")),
        ("GET", ["git", "matching-refs", name @ ..]) => refs::matching(r, &name.join("/")),
        ("POST", ["git", "refs"]) => refs::create(r),
        ("PATCH", ["git", "refs", name @ ..]) => refs::update(r, &name.join("/")),
        ("DELETE", ["git", "refs", name @ ..]) => refs::delete(r, &name.join("/")),
        ("POST", ["git", "blobs"]) => blobs::create(r),
        ("GET", ["git", "blobs", sha]) => blobs::one(r, sha),
        ("POST", ["git", "trees"]) => trees::create(r),
        ("GET", ["git", "trees", name @ ..]) => trees::one(r, &name.join("/")),
        ("POST", ["git", "commits"]) => commits::create(r),
        ("GET", ["git", "commits", sha]) => commits::object(r, sha),
        ("GET", ["compare", name @ ..]) => commits::compare(r, &name.join("/")),
        ("GET", ["commits"]) => commits::list(r),
        ("GET", ["commits", name @ .., "check-runs"]) => checks::runs(r, &name.join("/")),
        ("GET", ["commits", name @ .., "check-suites"]) => checks::suites(r, &name.join("/")),
        ("GET", ["commits", name @ .., "status"]) => checks::combined(r, &name.join("/")),
        ("GET", ["commits", name @ .., "statuses"]) => checks::statuses(r, &name.join("/")),
        ("GET", ["commits", sha, "pulls"]) => pulls::of_commit(r, sha),
        ("GET", ["commits", name @ ..]) => commits::one(r, &name.join("/")),
        ("GET", ["check-runs", id]) => checks::run(r, number(id)?),
        ("GET", ["check-suites", id]) => checks::suite(r, number(id)?),
        ("POST", ["statuses", sha]) => checks::report(r, sha),
        ("GET", ["contents", path @ ..]) => contents::get(r, &path.join("/")),
        ("GET", ["collaborators", login, "permission"]) => people::permission(r, login),
        ("GET", ["labels"]) => labels::of_repo(r),
        ("POST", ["labels"]) => labels::create(r),
        ("GET", ["actions", "runs"]) => actions::list(r),
        ("GET", ["actions", "runs", id]) => actions::run(r, number(id)?),
        ("GET", ["actions", "runs", id, "jobs"]) => actions::jobs(r, number(id)?),
        ("POST", ["actions", "runs", id, "rerun" | "rerun-failed-jobs"]) => {
            actions::rerun(r, number(id)?)
        }
        ("GET", ["actions", "jobs", id]) => actions::job(r, number(id)?),
        ("GET", ["actions", "jobs", id, "logs"]) => actions::logs(r, number(id)?),
        ("POST", ["actions", "workflows", file, "dispatches"]) => actions::dispatch(r, file),
        ("GET", ["hooks"]) => deliveries::hooks(r),
        ("GET", ["hooks", id]) => deliveries::hook(r, number(id)?),
        ("GET", ["hooks", id, "deliveries"]) => deliveries::of_hook(r, number(id)?),
        ("GET", ["hooks", id, "deliveries", delivery]) => {
            deliveries::one_of_hook(r, number(id)?, number(delivery)?)
        }
        ("POST", ["hooks", id, "deliveries", delivery, "attempts"]) => {
            deliveries::again_of_hook(r, number(id)?, number(delivery)?)
        }
        (_, ["pulls", rest @ ..]) => in_pulls(r, method, rest),
        (_, ["issues", rest @ ..]) => in_issues(r, method, rest),
        _ => Err(Failure::not_found()),
    }
}

fn in_pulls(r: &mut Request<'_>, method: &str, parts: &[&str]) -> Reply {
    match (method, parts) {
        ("GET", []) => pulls::list(r),
        ("POST", []) => pulls::create(r),
        ("GET", ["comments", id]) => review_comments::one(r, number(id)?),
        ("GET", [id]) => pulls::one(r, number(id)?),
        ("PATCH", [id]) => pulls::update(r, number(id)?),
        ("GET", [id, "merge"]) => pulls::merged(r, number(id)?),
        ("PUT", [id, "merge"]) => merge::merge(r, number(id)?),
        ("GET", [id, "files"]) => pulls::files(r, number(id)?),
        ("GET", [id, "commits"]) => pulls::commits(r, number(id)?),
        ("GET", [id, "reviews"]) => reviews::list(r, number(id)?),
        ("POST", [id, "reviews"]) => reviews::create(r, number(id)?),
        ("GET", [id, "requested_reviewers"]) => reviews::requested(r, number(id)?),
        ("POST", [id, "requested_reviewers"]) => reviews::request(r, number(id)?),
        ("GET", [id, "comments"]) => review_comments::list(r, number(id)?),
        ("POST", [id, "comments"]) => review_comments::create(r, number(id)?),
        _ => Err(Failure::not_found()),
    }
}

fn in_issues(r: &mut Request<'_>, method: &str, parts: &[&str]) -> Reply {
    match (method, parts) {
        ("GET", []) => issues::list(r),
        ("POST", []) => issues::create(r),
        ("GET", ["comments", id]) => issue_comments::one(r, number(id)?),
        ("PATCH", ["comments", id]) => issue_comments::update(r, number(id)?),
        ("DELETE", ["comments", id]) => issue_comments::delete(r, number(id)?),
        ("GET", [id]) => issues::one(r, number(id)?),
        ("PATCH", [id]) => issues::update(r, number(id)?),
        ("GET", [id, "comments"]) => issue_comments::list(r, number(id)?),
        ("POST", [id, "comments"]) => issue_comments::create(r, number(id)?),
        ("GET", [id, "labels"]) => labels::list(r, number(id)?),
        ("POST", [id, "labels"]) => labels::add(r, number(id)?),
        ("PUT", [id, "labels"]) => labels::set(r, number(id)?),
        ("DELETE", [id, "labels"]) => labels::clear(r, number(id)?),
        ("DELETE", [id, "labels", name]) => labels::remove(r, number(id)?, name),
        _ => Err(Failure::not_found()),
    }
}

fn number(text: &str) -> Result<u64, Failure> {
    text.parse().map_err(|_| Failure::not_found())
}
