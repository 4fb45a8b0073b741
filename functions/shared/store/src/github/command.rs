//! `/loom` commands of people who may write to the repository.

use loom_domain::{
    Refusal,
    bead::{Bead, BeadInput, BeadStatus},
    decision::DecisionStatus,
    github::{Command, intent::Comment},
    project::Project,
    role::Role,
};
use loom_platform::{Random, Statements};

use super::{
    Applied, Facts,
    attempt::attempt,
    comment, issue, pull_request, rate,
    report::{self, Notice},
};
use crate::{StoreError, bead, change::Change, decision};

/// Does what the commands of a comment say, one by one, and answers each in the status comment. `change` is made by who
/// wrote it.
pub(super) async fn obey<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    said: &Comment,
    facts: &Facts,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if said.commands.is_empty() {
        return Ok(());
    }
    if !facts.may_write(&said.author) {
        let why = format!(
            "{} may not write to the repository, so Loom does not do what the comment says.",
            said.author
        );
        // Whoever may comment could otherwise make Loom write on any issue.
        if report::exists(change.tx, &project.id, said.number).await? {
            answer(change, project, said, "/loom", &why).await?;
        }
        applied.note("permission_missing", why);
        return Ok(());
    }
    for command in &said.commands {
        let (command, text) = match command {
            Err(refused) => (format!("/loom {}", refused.said), refused.problem.clone()),
            Ok(command) => {
                let done = attempt(change.tx, one(change, project, said, command, applied)).await?;
                let text = done.unwrap_or_else(|refusal| {
                    applied.refused(&refusal);
                    refusal.message
                });
                (format!("/loom {command}"), text)
            }
        };
        answer(change, project, said, &command, &text).await?;
    }
    Ok(())
}

async fn answer<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    said: &Comment,
    command: &str,
    text: &str,
) -> Result<(), StoreError> {
    let bead_id = comment::bead_of(change.tx, &project.id, said.number).await?;
    let notice = Notice {
        at: change.now,
        by: said.author.clone(),
        command: command.trim_end().to_owned(),
        answer: text.to_owned(),
    };
    report::answer(
        change.tx,
        &project.id,
        said.number,
        bead_id.as_deref(),
        notice,
    )
    .await
}

/// Does one command and says what came of it.
async fn one<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    said: &Comment,
    command: &Command,
    applied: &mut Applied,
) -> Result<String, StoreError> {
    let bead_id = comment::bead_of(change.tx, &project.id, said.number).await?;
    let bead = match &bead_id {
        Some(id) => bead::find(change.tx, id).await?,
        None => None,
    };
    let Some(bead) = bead else {
        return match (command, bead_id) {
            (Command::Work, None) => file(change, project, said, applied).await,
            (_, Some(id)) => Err(deleted(&id).into()),
            (_, None) => Err(no_bead(said.number).into()),
        };
    };
    applied.beads.insert(bead.id.clone());
    match command {
        Command::Work => work(change, project, &bead, &said.author, applied).await,
        Command::Stop => stop(change, &bead).await,
        Command::Priority(priority) => {
            let input = BeadInput {
                priority: Some(*priority),
                ..BeadInput::default()
            };
            bead::update(change, &bead, input).await?;
            Ok(format!("The priority is {priority}."))
        }
        Command::Assign(role) => assign(change, &bead, role, applied).await,
        Command::Approve(remark) => decide(change, &bead, "approve", remark, applied).await,
        Command::Deny(why) => decide(change, &bead, "deny", why, applied).await,
        Command::Status => Ok("The status is as shown above.".to_owned()),
    }
}

fn no_bead(number: i64) -> Refusal {
    Refusal::not_found(
        "issue_not_filed",
        format!("Loom has no bead for #{number}. `/loom work` files one."),
    )
}

fn deleted(bead_id: &str) -> Refusal {
    Refusal::not_found(
        "bead_deleted",
        format!("Bead {bead_id} was deleted in Loom. File a new issue to have the work done."),
    )
}

/// Files the bead that a project's rules did not file by themselves.
async fn file<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    said: &Comment,
    applied: &mut Applied,
) -> Result<String, StoreError> {
    let filed = if said.on_pull_request {
        pull_request::ask_for_review(change, project, said.number, applied).await?
    } else {
        match issue::find(change.tx, &project.id, said.number).await? {
            Some(known) => issue::file(change, project, &known.state, applied).await?,
            None => None,
        }
    };
    match filed {
        Some(id) => Ok(format!("Bead {id} is filed and waits for an agent.")),
        None => {
            // Not undone by a refusal: the issue still wants its bead.
            let why = applied.notes.last().map(|note| note.why.clone());
            Ok(why.unwrap_or_else(|| no_bead(said.number).message))
        }
    }
}

async fn work<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    project: &Project,
    bead: &Bead,
    by: &str,
    applied: &mut Applied,
) -> Result<String, StoreError> {
    bead::redispatch(change, bead, &format!("{by} asked for it on GitHub.")).await?;
    rate::hold_back(change, project, &bead.id, applied).await?;
    let now = bead::get(change.tx, &bead.id).await?;
    Ok(match (now.status, now.retry_at) {
        (BeadStatus::Open, None) => "It waits for an agent.".to_owned(),
        (BeadStatus::Open, Some(at)) => format!("It goes on at {}.", at.to_rfc3339()),
        _ => "Its workflow waits for something else; what it waits for is shown above.".to_owned(),
    })
}

async fn stop<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
) -> Result<String, StoreError> {
    let input = BeadInput {
        status: Some(BeadStatus::Blocked),
        ..BeadInput::default()
    };
    bead::update(change, bead, input).await?;
    Ok("It is stopped. `/loom work` lets it go on.".to_owned())
}

async fn assign<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    name: &str,
    applied: &mut Applied,
) -> Result<String, StoreError> {
    let role = Role::parse(name)?;
    if role.is_human_seat() {
        return Err(Refusal::conflict(
            "role_is_human",
            format!(
                "{} is a person's seat: no agent works there.",
                role.display_name()
            ),
        )
        .into());
    }
    if bead.execution_id.is_some() {
        return Err(Refusal::conflict(
            "workflow_assigns",
            format!(
                "Bead {} follows a workflow, which says whose turn it is.",
                bead.id
            ),
        )
        .into());
    }
    let mut tags: Vec<String> = vec![format!("role:{role}", role = role.as_str())];
    let others = bead.tags.iter().filter(|tag| {
        let tag = tag.to_lowercase();
        !tag.starts_with("role:") && !tag.starts_with("persona:")
    });
    tags.extend(others.cloned());
    let input = BeadInput {
        tags: Some(tags),
        assigned_to: Some(None),
        ..BeadInput::default()
    };
    bead::update(change, bead, input).await?;
    // What a person says now goes before what the title has said all along.
    let sql = "UPDATE bead SET wanted_role = ?2, version = version + 1 WHERE id = ?1 AND execution_id IS NULL";
    let values = vec![(&bead.id).into(), role.as_str().into()];
    change.tx.execute(sql, values).await?;
    applied.nudge = true;
    Ok(format!("It is for the {}.", role.display_name()))
}

/// Answers the one open question about a bead. Of several, nobody can know which is meant.
async fn decide<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    bead: &Bead,
    answer: &str,
    rationale: &str,
    applied: &mut Applied,
) -> Result<String, StoreError> {
    let open: Vec<_> = decision::of_bead(change.tx, &bead.id)
        .await?
        .into_iter()
        .filter(|decision| decision.status == DecisionStatus::Open)
        .collect();
    match open.as_slice() {
        [] => Err(Refusal::conflict(
            "nothing_to_decide",
            format!("No question about bead {} is open.", bead.id),
        )
        .into()),
        [one] => {
            decision::decide(change, &one.id, answer, rationale, None).await?;
            applied.nudge = true;
            Ok(format!("Decided: {answer}. The question was: {}", one.question))
        }
        several => Err(Refusal::conflict(
            "several_to_decide",
            format!(
                "{} questions about bead {} are open, so Loom cannot know which one you mean. Answer them in Loom: {}.",
                several.len(),
                bead.id,
                several
                    .iter()
                    .map(|decision| decision.id.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        )
        .into()),
    }
}
