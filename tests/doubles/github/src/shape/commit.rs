use serde_json::{Value, json};

use super::node;
use crate::git::{Commit, FileChange, GitResult, Signature};
use crate::time;
use crate::world::{Repo, World};

impl World {
    /// `git-commit`.
    pub(crate) fn git_commit_json(&self, repo: &Repo, commit: &Commit) -> Value {
        let api = self.repo_api(repo);
        let page = self.repo_page(repo);
        let parents: Vec<Value> = commit
            .parents
            .iter()
            .map(|sha| {
                json!({
                    "sha": sha,
                    "url": format!("{api}/git/commits/{sha}"),
                    "html_url": format!("{page}/commit/{sha}"),
                })
            })
            .collect();
        json!({
            "sha": commit.sha,
            "node_id": node("C", &commit.sha),
            "url": format!("{api}/git/commits/{}", commit.sha),
            "html_url": format!("{page}/commit/{}", commit.sha),
            "author": who(&commit.author),
            "committer": who(&commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": format!("{api}/git/trees/{}", commit.tree)},
            "parents": parents,
            "verification": verification(repo, commit),
        })
    }

    /// `commit`, without its files.
    pub(crate) fn commit_json(&self, repo: &Repo, commit: &Commit) -> Value {
        let api = self.repo_api(repo);
        let page = self.repo_page(repo);
        let parents: Vec<Value> = commit
            .parents
            .iter()
            .map(|sha| {
                json!({
                    "sha": sha,
                    "url": format!("{api}/commits/{sha}"),
                    "html_url": format!("{page}/commit/{sha}"),
                })
            })
            .collect();
        json!({
            "sha": commit.sha,
            "node_id": node("C", &commit.sha),
            "commit": {
                "author": who(&commit.author),
                "committer": who(&commit.committer),
                "message": commit.message,
                "tree": {"sha": commit.tree, "url": format!("{api}/git/trees/{}", commit.tree)},
                "url": format!("{api}/git/commits/{}", commit.sha),
                "comment_count": 0,
                "verification": verification(repo, commit),
            },
            "url": format!("{api}/commits/{}", commit.sha),
            "html_url": format!("{page}/commit/{}", commit.sha),
            "comments_url": format!("{api}/commits/{}/comments", commit.sha),
            "author": self.by_email(&commit.author.email),
            "committer": self.by_email(&commit.committer.email),
            "parents": parents,
        })
    }

    /// `commit` with its numbers and files.
    pub(crate) fn whole_commit_json(&self, repo: &Repo, commit: &Commit) -> GitResult<Value> {
        let files = repo
            .git
            .diff(commit.parents.first().map(String::as_str), &commit.sha)?;
        let additions: u64 = files.iter().map(|file| file.additions).sum();
        let deletions: u64 = files.iter().map(|file| file.deletions).sum();
        let mut value = self.commit_json(repo, commit);
        value["stats"] = json!({
            "total": additions + deletions, "additions": additions, "deletions": deletions,
        });
        value["files"] = files
            .iter()
            .map(|change| file(self, repo, &commit.sha, change))
            .collect();
        Ok(value)
    }

    /// The `simple-commit` of checks and runs, and of pushes.
    pub(crate) fn head_commit_json(&self, commit: &Commit) -> Value {
        let person = |who: &Signature| json!({"name": who.name, "email": who.email});
        json!({
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": time::rfc3339(commit.committer.seconds),
            "author": person(&commit.author),
            "committer": person(&commit.committer),
        })
    }

    /// The account that an address in a commit belongs to.
    fn by_email(&self, email: &str) -> Value {
        self.users
            .values()
            .find(|user| user.email() == email)
            .map_or(Value::Null, |user| self.user_json(&user.login))
    }
}

fn who(signature: &Signature) -> Value {
    json!({"name": signature.name, "email": signature.email, "date": signature.date()})
}

fn verification(repo: &Repo, commit: &Commit) -> Value {
    if repo.signed.contains(&commit.sha) {
        json!({
            "verified": true,
            "reason": "valid",
            "signature": "-----BEGIN PGP SIGNATURE-----\n\nof the double\n-----END PGP SIGNATURE-----\n",
            "payload": format!("tree {}\n", commit.tree),
            "verified_at": commit.committer.date(),
        })
    } else {
        json!({
            "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null,
        })
    }
}

/// `diff-entry`.
pub(crate) fn file(world: &World, repo: &Repo, commit: &str, change: &FileChange) -> Value {
    let api = world.repo_api(repo);
    let page = world.repo_page(repo);
    let path = &change.path;
    let mut value = json!({
        "sha": change.sha,
        "filename": path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
        "blob_url": format!("{page}/blob/{commit}/{}", escape(path)),
        "raw_url": format!("{page}/raw/{commit}/{}", escape(path)),
        "contents_url": format!("{api}/contents/{}?ref={commit}", escape(path)),
    });
    if let Some(patch) = &change.patch {
        value["patch"] = json!(patch);
    }
    if let Some(previous) = &change.previous {
        value["previous_filename"] = json!(previous);
    }
    value
}

/// A path in an address.
pub(crate) fn escape(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
