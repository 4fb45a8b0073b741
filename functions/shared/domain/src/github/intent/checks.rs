//! Ends of checks, and pushes.

use serde_json::Value;

use super::super::payload::{self, name, needed, sha, text, time};
use super::{Build, ChecksEnded, Ignored, Intent, Known, Push};

/// The app of GitHub Actions: its checks are those of `workflow_run`, which knows the workflow's name.
const ACTIONS: &str = "github-actions";

/// What a delivery of `check_run`, `check_suite`, `workflow_run` or `status` asks for.
///
/// Each is a result that runs may wait for. A broken base branch is told by one of them only, so that one failure is
/// one bead: `workflow_run` for GitHub Actions, `check_run` for other apps, `status` for those that report no checks.
pub(super) fn ended(
    event: &str,
    payload: &Value,
    known: Known<'_>,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let conclusion = conclusion(event, payload)?;
    if conclusion == "pending" {
        return Ok(());
    }
    let at = |field: &str| match event {
        "status" => format!("/{field}"),
        _ => format!("/{event}/{field}"),
    };
    let sha_at = at(if event == "status" { "sha" } else { "head_sha" });
    let sha = needed(sha(payload, &sha_at), &sha_at)?;
    let name = match event {
        "status" => name(payload, "/context"),
        "check_suite" => name(payload, "/check_suite/app/slug"),
        _ => name(payload, &at("name")),
    };
    let name = name.unwrap_or_else(|| "checks".to_owned());
    intents.push(Intent::ChecksEnded(ChecksEnded {
        sha: sha.clone(),
        name: name.clone(),
        conclusion: conclusion.clone(),
    }));
    let passed = match conclusion.as_str() {
        "success" => true,
        "failure" | "timed_out" | "startup_failure" | "error" => false,
        _ => return Ok(()),
    };
    let ended_at = ["completed_at", "updated_at"]
        .iter()
        .find_map(|field| time(payload, &at(field)));
    if let Some(ended_at) = ended_at.filter(|_| is_of_base(event, payload, known)) {
        let url = if event == "status" {
            payload::url(payload, "/target_url")
        } else {
            payload::url(payload, &at("html_url"))
        };
        intents.push(Intent::Build(Build {
            name,
            branch: known.branch.to_owned(),
            sha,
            passed,
            conclusion,
            url,
            at: ended_at,
        }));
    }
    Ok(())
}

/// GitHub's word for how it ended; `pending` when it has not.
fn conclusion(event: &str, payload: &Value) -> Result<String, Ignored> {
    let field = match event {
        "status" => "/state".to_owned(),
        _ => format!("/{event}/conclusion"),
    };
    let word = needed(text(payload, &field), &field)?;
    let fits = word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    needed(fits.then(|| word.to_owned()), &field)
}

/// Whether it is about the base branch itself and not about a pull request, or a branch of a fork that has its name.
fn is_of_base(event: &str, payload: &Value, known: Known<'_>) -> bool {
    let is_base = |pointer: &str| text(payload, pointer) == Some(known.branch);
    match event {
        "workflow_run" => {
            let home = text(payload, "/repository/full_name");
            is_base("/workflow_run/head_branch")
                && text(payload, "/workflow_run/head_repository/full_name") == home
                && !text(payload, "/workflow_run/event")
                    .is_some_and(|event| event.starts_with("pull_request"))
        }
        "check_run" => {
            text(payload, "/check_run/app/slug") != Some(ACTIONS)
                && is_base("/check_run/check_suite/head_branch")
        }
        "status" => payload
            .pointer("/branches")
            .and_then(Value::as_array)
            .is_some_and(|branches| {
                branches
                    .iter()
                    .any(|branch| text(branch, "/name") == Some(known.branch))
            }),
        _ => false,
    }
}

/// What a delivery of `push` asks for: nothing, unless it is to the base branch.
pub(super) fn pushed(
    payload: &Value,
    known: Known<'_>,
    intents: &mut Vec<Intent>,
) -> Result<(), Ignored> {
    let reference = needed(text(payload, "/ref"), "/ref")?;
    if reference.strip_prefix("refs/heads/") != Some(known.branch) {
        return Ok(());
    }
    let after = needed(sha(payload, "/after"), "/after")?;
    // All zeros: the branch was deleted.
    if after.bytes().all(|byte| byte == b'0') {
        return Ok(());
    }
    intents.push(Intent::Push(Push {
        branch: known.branch.to_owned(),
        sha: after,
        before: sha(payload, "/before").filter(|sha| sha.bytes().any(|byte| byte != b'0')),
        by: name(payload, "/sender/login")
            .or_else(|| name(payload, "/pusher/name"))
            .unwrap_or_default(),
    }));
    Ok(())
}
