//! What a test does to the double, as the people and the settings of GitHub would.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::{FileSpec, NewRepository};
use crate::events::Event;
use crate::git::{Git, TreeChange};
use crate::routes;
use crate::wire::Failure;
use crate::world::{Hook, Permission, Repo, Token, UserKind, World, random_hex};

/// What an operation returns.
pub(crate) type Done<T> = Result<T, Failure>;

/// Makes a repository with its first commit. Nothing is told of that.
pub(crate) fn create_repository(world: &mut World, new: &NewRepository) -> Done<()> {
    let key = format!("{}/{}", new.owner, new.name).to_lowercase();
    if world.repos.contains_key(&key) {
        return Err(Failure::field("Repository", "name", "already_exists"));
    }
    let broken = |error: std::io::Error| Failure::new(500, error.to_string());
    world.user(&new.owner, UserKind::Organization);
    world.installation(&new.owner);
    let path = world.folder.join(format!("{key}.git"));
    fs::create_dir_all(&path).map_err(broken)?;
    let git = Git::init(&path, &new.default_branch)?;
    let now = world.stamp();
    let files = new.all_files().map_err(broken)?;
    if !files.is_empty() {
        let tree = git.write_tree(None, &changes(&git, &files)?)?;
        let who = routes::signature(world, &new.owner, world.now());
        let sha = git.write_commit(&tree, &[], &who, &who, "First commit\n")?;
        git.update_ref(&format!("refs/heads/{}", new.default_branch), &sha, "")?;
    }
    let repo = Repo {
        id: world.id(),
        owner: new.owner.clone(),
        name: new.name.clone(),
        private: new.private,
        description: None,
        default_branch: new.default_branch.clone(),
        archived: false,
        git,
        created_at: now.clone(),
        updated_at: now.clone(),
        pushed_at: now,
        collaborators: Default::default(),
        labels: Vec::new(),
        issues: Default::default(),
        comments: Vec::new(),
        protections: Default::default(),
        statuses: Vec::new(),
        suites: Vec::new(),
        checks: Vec::new(),
        workflows: Vec::new(),
        runs: Vec::new(),
        jobs: Vec::new(),
        hooks: Vec::new(),
        signed: Default::default(),
        test_command: new.test_command.clone(),
        test_limit: Duration::from_secs(new.test_limit_seconds),
        tree_limit: new.tree_limit,
        forbidden_merges: Vec::new(),
        delete_branch_on_merge: false,
    };
    world.repos.insert(key, repo);
    Ok(())
}

fn changes(git: &Git, files: &[FileSpec]) -> Done<Vec<TreeChange>> {
    let mut changes = Vec::new();
    for file in files {
        changes.push(TreeChange {
            path: file.path.clone(),
            mode: file.mode.clone(),
            sha: Some(git.write_blob(&file.bytes())?),
        });
    }
    Ok(changes)
}

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
    let found = world.repo_mut(repo).ok_or_else(Failure::not_found)?;
    found.issues.remove(&number);
    let old = json!({"changes": {"old_issue": {"number": number}}});
    world.tell_issue(to, new, "opened", login, old);
    Ok(new)
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
