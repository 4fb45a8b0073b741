use std::fs;
use std::time::Duration;

use super::ops::Done;
use super::{FileSpec, NewRepository};
use crate::git::{Git, TreeChange};
use crate::routes;
use crate::wire::Failure;
use crate::world::{Repo, UserKind, World};

/// Makes a repository with its first commit. Nothing is told of that.
pub(super) fn create_repository(world: &mut World, new: &NewRepository) -> Done<()> {
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
        mergeable_later: new.mergeable_later,
        looked_at: Default::default(),
        forbidden_merges: Vec::new(),
        delete_branch_on_merge: false,
    };
    world.repos.insert(key, repo);
    Ok(())
}

/// The changes that put files into a tree.
pub(super) fn changes(git: &Git, files: &[FileSpec]) -> Done<Vec<TreeChange>> {
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
