//! Pull requests: opened and linked to their bead, and reviewed. Only repositories on GitHub have them.

use loom_domain::{
    action::{Action, ActionOutcome, ReviewVerdict},
    budget::BudgetScope,
    github::{PullRequestFacts, intent::PullRequestState, pull_request_body, pull_request_title},
    time::Timestamp,
};
use loom_platform::{Database, Platform, Transaction, Variables};
use loom_store::{Change, budget, github};
use loom_workspace::{Operation, Outcome, ReviewComment, Verdict, WorkspaceError};

use super::{
    Worker,
    repository::{operate, told},
};
use crate::{
    journal::{Brought, Effect},
    stop::Stop,
};

/// Carries out `create_pull_request`.
pub(crate) async fn create<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let Action::CreatePullRequest {
        title,
        description,
        base,
    } = action
    else {
        return Ok(ActionOutcome::refused("not_an_operation", "It opens no pull request.").into());
    };
    let own_base = &worker.context.project.branch;
    if base.as_ref().is_some_and(|base| base != own_base) {
        let why = format!("Pull requests of this project go into {own_base}; leave base out.");
        return Ok(ActionOutcome::refused("wrong_base", why).into());
    }
    let opened = open(worker, &worker.key(position), title, description).await?;
    Ok(match opened {
        Ok(opened) => ActionOutcome::ok(format!(
            "Pull request #{} is open: {}",
            opened.number, opened.url
        ))
        .into(),
        Err(error) => ActionOutcome::refused(error.code, error.message).into(),
    })
}

/// Hands the work over by a pull request, for `done`.
pub(crate) async fn hand_over<P: Platform>(
    worker: &Worker<'_, P>,
    key: &str,
    summary: &str,
) -> Result<Result<Brought, WorkspaceError>, Stop> {
    let title = worker.context.bead.title.clone();
    let opened = match open(worker, key, &title, summary).await? {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    let text = format!(
        "Pull request #{} waits for a review at {}: {}",
        opened.number, opened.commit, opened.url
    );
    Ok(Ok(Brought {
        outcome: ActionOutcome::ok(text),
        effect: Some(Effect::HandedOver {
            commit: opened.commit,
        }),
    }))
}

struct Opened {
    number: u64,
    url: String,
    commit: String,
}

/// Opens the pull request of the run's branch, or brings it up to date, and links it to the bead.
async fn open<P: Platform>(
    worker: &Worker<'_, P>,
    key: &str,
    title: &str,
    description: &str,
) -> Result<Result<Opened, WorkspaceError>, Stop> {
    let pushed = operate(worker, &format!("{key}:push"), Operation::Push).await?;
    let (branch, commit) = match pushed {
        Ok(Outcome::Pushed { branch, commit }) => (branch, commit),
        Ok(_) => return Ok(Err(no_answer("push"))),
        Err(error) => return Ok(Err(error)),
    };
    let title = pull_request_title(title);
    let body = body(worker, description).await?;
    let operation = Operation::OpenPullRequest {
        title: title.clone(),
        body: body.clone(),
        labels: Vec::new(),
        reviewers: Vec::new(),
        draft: false,
    };
    let (number, url) = match operate(worker, key, operation).await? {
        Ok(Outcome::PullRequest { number, url, .. }) => (number, url),
        Ok(_) => return Ok(Err(no_answer("open_pull_request"))),
        Err(error) => return Ok(Err(error)),
    };
    let state = PullRequestState {
        number: i64::try_from(number).unwrap_or_default(),
        title,
        body,
        author: String::new(),
        url: url.clone(),
        head_branch: branch,
        head_sha: commit.clone(),
        base_branch: worker.context.project.branch.clone(),
        owner: Some(worker.hold.bead_id.clone()),
        is_open: true,
        is_draft: false,
        merged_sha: None,
        // Whatever GitHub tells of it is newer.
        updated_at: Timestamp(0),
        rank: 0,
    };
    let actor = worker.actor();
    let tx = worker.platform.database().transaction().await?;
    let change = Change::new(&tx, worker.platform.random(), &actor).await?;
    let (project_id, bead_id) = (&worker.context.project.id, &worker.hold.bead_id);
    github::link_pull_request(&change, project_id, bead_id, &state).await?;
    tx.commit().await?;
    Ok(Ok(Opened {
        number,
        url,
        commit,
    }))
}

/// For an answer that belongs to another operation: nothing must be linked by it.
fn no_answer(operation: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "unexpected_outcome",
        format!("the workspace gave no answer to {operation}; try it again, or escalate"),
    )
}

async fn body<P: Platform>(worker: &Worker<'_, P>, description: &str) -> Result<String, Stop> {
    let database = worker.platform.database();
    let bead = &worker.context.bead;
    let spent = budget::balance(database, BudgetScope::Bead, &bead.id).await?;
    let issue = github::issue_of_bead(database, &bead.id).await?;
    let loom_url = worker.platform.variables().get_optional("loom_url").await;
    let loom_url = loom_url.ok().flatten().unwrap_or_default();
    let bead_url = format!(
        "{}/api/v1/beads/{}",
        loom_url.trim_end_matches('/'),
        bead.id
    );
    Ok(pull_request_body(&PullRequestFacts {
        description,
        bead_id: &bead.id,
        bead_title: &bead.title,
        bead_url: &bead_url,
        issue: issue.map(|(_, state)| state.number),
        agent: &worker.context.agent.name,
        role: &worker.context.agent.role,
        cost_micro_usd: spent.spent_micro_usd,
    }))
}

/// Carries out `review_pull_request`.
pub(crate) async fn review<P: Platform>(
    worker: &Worker<'_, P>,
    position: usize,
    action: &Action,
) -> Result<Brought, Stop> {
    let Action::ReviewPullRequest {
        number,
        verdict,
        body,
        comments,
    } = action
    else {
        return Ok(ActionOutcome::refused("not_an_operation", "It reviews nothing.").into());
    };
    let operation = Operation::Review {
        number: *number,
        verdict: match verdict {
            ReviewVerdict::Approve => Verdict::Approve,
            ReviewVerdict::RequestChanges => Verdict::RequestChanges,
            ReviewVerdict::Comment => Verdict::Comment,
        },
        body: body.clone(),
        comments: comments
            .iter()
            .map(|comment| ReviewComment {
                path: comment.path.clone(),
                line: comment.line,
                body: comment.body.clone(),
            })
            .collect(),
    };
    Ok(
        match operate(worker, &worker.key(position), operation).await? {
            Ok(outcome) => told(worker, action, outcome),
            Err(error) => ActionOutcome::refused(error.code, error.message).into(),
        },
    )
}
