//! What a test does to the double, as the people and the settings of GitHub would.

use serde_json::{Value, json};

use super::FileSpec;
use super::create::changes;
use crate::events::Event;
use crate::git::TreeChange;
use crate::routes;
use crate::wire::Failure;
use crate::world::{Hook, Permission, Token, UserKind, World, random_hex};

/// What an operation returns.
pub(crate) type Done<T> = Result<T, Failure>;

/// Commits files to a branch as somebody's push; a branch that is missing begins at the default branch.
pub(crate) fn commit(
    world: &mut World,
    repo: &str,
    branch: &str,
    login: &str,
    message: &str,
    files: &[FileSpec],
    deleted: &[String],
) -> Done<String> {
    person(world, login);
    let who = routes::signature(world, login, world.now());
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let git = found.git.clone();
    let old = git.branch(branch);
    let parent = old.clone().or_else(|| git.branch(&found.default_branch));
    let mut changed = changes(&git, files)?;
    changed.extend(deleted.iter().map(|path| TreeChange {
        path: path.clone(),
        mode: String::from("000000"),
        sha: None,
    }));
    let tree = git.write_tree(parent.as_deref(), &changed)?;
    let parents: Vec<String> = parent.into_iter().collect();
    let sha = git.write_commit(&tree, &parents, &who, &who, message)?;
    let name = format!("refs/heads/{branch}");
    let old = old.unwrap_or_default();
    git.update_ref(&name, &sha, &old)?;
    routes::moved(world, repo, &name, &old, &sha, login);
    Ok(sha)
}

/// Notices what was pushed into a repository behind the double's back, such as by `git push` to its path.
pub(crate) fn pushed(
    world: &mut World,
    repo: &str,
    branch: &str,
    login: &str,
    before: &str,
) -> Done<()> {
    person(world, login);
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let new = found.git.branch(branch).unwrap_or_default();
    routes::moved(
        world,
        repo,
        &format!("refs/heads/{branch}"),
        before,
        &new,
        login,
    );
    Ok(())
}

/// Deletes a branch as somebody.
pub(crate) fn delete_branch(world: &mut World, repo: &str, branch: &str, login: &str) -> Done<()> {
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let name = format!("refs/heads/{branch}");
    let old = found.git.branch(branch).ok_or_else(Failure::not_found)?;
    found.git.delete_ref(&name, &old)?;
    routes::moved(world, repo, &name, &old, "", login);
    Ok(())
}

/// A person, made if there is none.
pub(crate) fn person(world: &mut World, login: &str) {
    let kind = if login.ends_with("[bot]") {
        UserKind::Bot
    } else {
        UserKind::Person
    };
    world.user(login, kind);
}

/// Gives somebody a permission on a repository.
pub(crate) fn allow(
    world: &mut World,
    repo: &str,
    login: &str,
    permission: Permission,
) -> Done<()> {
    person(world, login);
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    found.collaborators.insert(login.to_lowercase(), permission);
    Ok(())
}

/// A token that acts as somebody and does not expire.
pub(crate) fn user_token(world: &mut World, login: &str) -> String {
    person(world, login);
    let token = format!("ghp_{}", random_hex(18));
    world.tokens.insert(
        token.clone(),
        Token {
            login: login.to_owned(),
            account: None,
            expires: None,
            read_only: false,
        },
    );
    token
}

/// Adds a webhook to a repository, which is pinged.
pub(crate) fn add_hook(
    world: &mut World,
    repo: &str,
    url: &str,
    secret: &str,
    events: &[String],
) -> Done<u64> {
    let (id, now) = (world.id(), world.stamp());
    let hook = Hook {
        id,
        url: url.to_owned(),
        secret: secret.to_owned(),
        events: events.to_vec(),
        active: true,
        created_at: now,
    };
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    let owner = found.owner.clone();
    found.hooks.push(hook.clone());
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let fields = json!({
        "zen": "Keep it logically awesome.", "hook_id": id, "hook": world.hook_json(found, &hook),
    });
    world.emit(repo, &owner, Event::new("ping", None, fields));
    Ok(id)
}

/// Deletes an issue and tells of it.
pub(crate) fn delete_issue(world: &mut World, repo: &str, number: u64, login: &str) -> Done<()> {
    world.tell_issue(repo, number, "deleted", login, json!({}));
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    found
        .issues
        .remove(&number)
        .ok_or_else(Failure::not_found)?;
    found.comments.retain(|comment| comment.issue != number);
    Ok(())
}

/// Moves an issue to another repository and tells both of it. Returns its new number.
pub(crate) fn transfer_issue(
    world: &mut World,
    repo: &str,
    number: u64,
    to: &str,
    login: &str,
) -> Done<u64> {
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let issue = found.issues.get(&number).ok_or_else(Failure::not_found)?;
    let mut moved = issue.clone();
    moved.id = world.id();
    let target = world.repo_mut(to).ok_or_else(Failure::not_found)?;
    let new = target.next_number();
    moved.number = new;
    target.issues.insert(new, moved.clone());
    let target = world.repo(to).ok_or_else(Failure::not_found)?;
    let changes = json!({"changes": {
        "new_issue": world.issue_json(target, &moved), "new_repository": world.repo_json(target),
    }});
    world.tell_issue(repo, number, "transferred", login, changes);
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let issue = found.issues.get(&number).ok_or_else(Failure::not_found)?;
    let old = json!({"changes": {
        "old_issue": world.issue_json(found, issue), "old_repository": world.repo_json(found),
    }});
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    found.issues.remove(&number);
    world.tell_issue(to, new, "opened", login, old);
    Ok(new)
}

/// Makes a pull request a draft or ready for review, and tells of it.
pub(crate) fn set_draft(
    world: &mut World,
    repo: &str,
    number: u64,
    draft: bool,
    login: &str,
) -> Done<()> {
    let issue = world
        .repo_mut(repo)
        .and_then(|repo| repo.issues.get_mut(&number));
    let pull = issue.and_then(|issue| issue.pull.as_mut());
    pull.ok_or_else(Failure::not_found)?.draft = draft;
    let action = if draft {
        "converted_to_draft"
    } else {
        "ready_for_review"
    };
    world.tell_pull(repo, number, action, login, json!({}));
    Ok(())
}

/// Sends any event of a repository.
pub(crate) fn send_event(
    world: &mut World,
    repo: &str,
    sender: &str,
    event: &str,
    action: Option<&str>,
    fields: Value,
) {
    person(world, sender);
    world.emit(repo, sender, Event::new(event, action, fields));
}

/// Puts held deliveries into the outbox in an order: positions among what is held; what is not named comes last.
pub(crate) fn release(world: &mut World, order: &[usize]) {
    let held = std::mem::take(&mut world.hooks.held);
    let mut sorted: Vec<u64> = order
        .iter()
        .filter_map(|position| held.get(*position).copied())
        .collect();
    for id in held {
        if !sorted.contains(&id) {
            sorted.push(id);
        }
    }
    world.hooks.outbox.extend(sorted);
}
