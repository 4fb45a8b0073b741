//! Merging.

use serde_json::json;

use super::commits::{signature, web_flow};
use super::pulls::find;
use super::{Reply, Request};
use crate::git::{Git, Merged};
use crate::wire::{Answer, Failure};
use crate::world::{Issue, Permission, Pull, Repo, World};

/// How a pull request is to be merged.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// `merge`, `squash` or `rebase`.
    pub(crate) method: String,
    pub(crate) title: Option<String>,
    pub(crate) message: Option<String>,
    /// Where the head must still be.
    pub(crate) sha: Option<String>,
}

/// `PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge`.
pub(crate) fn merge(r: &mut Request<'_>, number: u64) -> Reply {
    r.need(Permission::Write)?;
    let body = r.call.json()?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let wish = Wish {
        method: text("merge_method").unwrap_or_else(|| String::from("merge")),
        title: text("commit_title"),
        message: text("commit_message"),
        sha: text("sha"),
    };
    let (repo, sender) = (r.repo.clone(), r.actor.login.clone());
    let sha = merge_pull(r.world, &repo, number, &sender, wish)?;
    Ok(Answer::ok(json!({
        "sha": sha, "merged": true, "message": "Pull Request successfully merged",
    })))
}

/// Merges a pull request and tells of everything that follows.
pub(crate) fn merge_pull(
    world: &mut World,
    repo: &str,
    number: u64,
    sender: &str,
    wish: Wish,
) -> Result<String, Failure> {
    let now = world.now();
    let found = world.repo(repo).ok_or_else(Failure::not_found)?;
    let (issue, pull) = find(found, number)?;
    let not_allowed = |message: &str| Failure::new(405, message);
    if !matches!(wish.method.as_str(), "merge" | "squash" | "rebase") {
        return Err(Failure::field("PullRequest", "merge_method", "invalid"));
    }
    if issue.closed {
        return Err(not_allowed("Pull Request is not mergeable"));
    }
    if pull.draft {
        return Err(not_allowed("Pull Request is still a draft"));
    }
    if wish.sha.as_ref().is_some_and(|sha| *sha != pull.head_sha) {
        return Err(Failure::new(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    if found.forbidden_merges.contains(&wish.method) {
        let name = match wish.method.as_str() {
            "merge" => "Merge commits",
            "squash" => "Squash merges",
            _ => "Rebase merges",
        };
        return Err(not_allowed(&format!(
            "{name} are not allowed on this repository."
        )));
    }
    if let Some(missing) = found.missing(pull) {
        return Err(not_allowed(&missing));
    }
    let git = &found.git;
    let base = git.branch(&pull.base).ok_or_else(Failure::not_found)?;
    let (sha, signed) = commit(world, found, issue, pull, &base, sender, &wish, now)?;
    let reference = format!("refs/heads/{}", pull.base);
    git.update_ref(&reference, &sha, &base)
        .map_err(|_| not_allowed("Base branch was modified. Review and try the merge again."))?;
    let (head, head_sha) = (pull.head.clone(), pull.head_sha.clone());
    let closes = if pull.base == found.default_branch {
        closing(issue.body.as_deref().unwrap_or_default())
    } else {
        Vec::new()
    };
    let delete = found.delete_branch_on_merge;
    let stamp = world.stamp();
    if let Some(found) = world.repo_mut(repo) {
        if signed {
            found.signed.insert(sha.clone());
        }
        if let Some(issue) = found.issues.get_mut(&number) {
            issue.closed = true;
            issue.closed_at = Some(stamp.clone());
            issue.closed_by = Some(sender.to_owned());
            issue.updated_at.clone_from(&stamp);
            if let Some(pull) = &mut issue.pull {
                pull.merged_at = Some(stamp);
                pull.merged_by = Some(sender.to_owned());
                pull.merge_commit = Some(sha.clone());
            }
        }
    }
    world.tell_pull(repo, number, "closed", sender, json!({}));
    super::moved(world, repo, &reference, &base, &sha, sender);
    for number in closes {
        let edit = super::issues::Edit {
            state: Some(String::from("closed")),
            ..Default::default()
        };
        let open = world
            .repo(repo)
            .and_then(|repo| repo.issues.get(&number))
            .is_some_and(|issue| issue.open() && issue.pull.is_none());
        if open {
            super::issues::edit(world, repo, number, edit, sender);
        }
    }
    let git = world.repo(repo).map(|found| found.git.clone());
    if let (true, Some(git)) = (delete, git) {
        let reference = format!("refs/heads/{head}");
        if git.delete_ref(&reference, &head_sha).is_ok() {
            super::moved(world, repo, &reference, &head_sha, "", sender);
        }
    }
    Ok(sha)
}

#[allow(clippy::too_many_arguments, reason = "all of it goes into one commit")]
fn commit(
    world: &World,
    repo: &Repo,
    issue: &Issue,
    pull: &Pull,
    base: &str,
    sender: &str,
    wish: &Wish,
    now: i64,
) -> Result<(String, bool), Failure> {
    let git: &Git = &repo.git;
    let conflict = || Failure::new(405, "Pull Request is not mergeable");
    let who = signature(world, sender, now);
    if wish.method == "rebase" {
        let sha = git.rebase(base, &pull.head_sha, &who)?;
        return Ok((sha.ok_or_else(conflict)?, false));
    }
    let Merged::Clean(tree) = git.merge(base, &pull.head_sha, None)? else {
        return Err(conflict());
    };
    let number = issue.number;
    let (title, message, parents, author) = if wish.method == "squash" {
        let commits = git.between(base, &pull.head_sha)?;
        let (title, message) = squashed(git, issue, &commits)?;
        let first = commits.first().map(|sha| git.commit(sha)).transpose()?;
        let author = match (&first, commits.len()) {
            // One author's work stays that author's.
            (Some(commit), 1) => crate::git::Signature {
                seconds: now,
                zone: String::from("+0000"),
                ..commit.author.clone()
            },
            _ => signature(world, &issue.author, now),
        };
        (title, message, vec![base.to_owned()], author)
    } else {
        let title = format!(
            "Merge pull request #{number} from {}/{}",
            repo.owner, pull.head
        );
        let parents = vec![base.to_owned(), pull.head_sha.clone()];
        (title, issue.title.clone(), parents, who)
    };
    let title = wish.title.clone().unwrap_or(title);
    let message = wish.message.clone().unwrap_or(message);
    let whole = if message.is_empty() {
        title
    } else {
        format!("{title}\n\n{message}")
    };
    let sha = git.write_commit(&tree, &parents, &author, &web_flow(now), &whole)?;
    Ok((sha, true))
}

/// The message of a squashed commit: of the only commit, or of the pull request with a list of its commits.
fn squashed(git: &Git, issue: &Issue, commits: &[String]) -> Result<(String, String), Failure> {
    let number = issue.number;
    if let [only] = commits {
        let message = git.commit(only)?.message;
        let (title, rest) = message.split_once('\n').unwrap_or((&message, ""));
        return Ok((format!("{title} (#{number})"), rest.trim().to_owned()));
    }
    let mut list = Vec::new();
    for sha in commits {
        let message = git.commit(sha)?.message;
        list.push(format!("* {}", message.trim()));
    }
    Ok((format!("{} (#{number})", issue.title), list.join("\n\n")))
}

/// The issues that a text closes, as in `Fixes #7`.
fn closing(text: &str) -> Vec<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .windows(2)
        .filter_map(|pair| {
            let [word, number] = pair else { return None };
            let word = word.trim_end_matches(':').to_lowercase();
            let closes = matches!(
                word.as_str(),
                "close"
                    | "closes"
                    | "closed"
                    | "fix"
                    | "fixes"
                    | "fixed"
                    | "resolve"
                    | "resolves"
                    | "resolved"
            );
            let digits = number.strip_prefix('#')?;
            let digits = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
            closes.then(|| digits.parse().ok()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn issues_are_closed_by_words() {
        assert_eq!(
            super::closing("This fixes #7, and Closes: #12.\nSee #3; fix 4"),
            [7, 12]
        );
    }
}
