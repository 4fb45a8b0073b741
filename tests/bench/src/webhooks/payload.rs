//! Payloads in the shape and of the size of GitHub's (docs.github.com, "Webhook events and payloads").

use serde_json::{Map, Value, json};

/// What an account's object links to, beside its own address.
const OF_ACCOUNT: [&str; 9] = [
    "followers",
    "following{/other_user}",
    "gists{/gist_id}",
    "starred{/owner}{/repo}",
    "subscriptions",
    "orgs",
    "repos",
    "events{/privacy}",
    "received_events",
];

/// What a repository's object links to, beside its own address.
const OF_REPOSITORY: [&str; 37] = [
    "forks",
    "keys{/key_id}",
    "collaborators{/collaborator}",
    "teams",
    "hooks",
    "issues/events{/number}",
    "events",
    "assignees{/user}",
    "branches{/branch}",
    "tags",
    "git/blobs{/sha}",
    "git/tags{/sha}",
    "git/refs{/sha}",
    "git/trees{/sha}",
    "statuses/{sha}",
    "languages",
    "stargazers",
    "contributors",
    "subscribers",
    "subscription",
    "commits{/sha}",
    "git/commits{/sha}",
    "comments{/number}",
    "issues/comments{/number}",
    "contents/{+path}",
    "compare/{base}...{head}",
    "merges",
    "{archive_format}{/ref}",
    "downloads",
    "issues{/number}",
    "pulls{/number}",
    "milestones{/number}",
    "notifications{?since,all,participating}",
    "labels{/name}",
    "releases{/id}",
    "deployments",
    "topics",
];

const TEXT: &str = "**What happens**\n\nThe total of an invoice is wrong when a line has a negative quantity: the line is \
    added where it should be subtracted.\n\n**How to see it**\n\n1. Make an invoice with two lines, 10 and 4.\n2. Set the \
    quantity of the second to -1.\n3. Look at the total.\n\n```text\nexpected  6.00\nshown    14.00\n```\n\n**What was \
    tried**\n\nThe test of the totals passes, because none of its invoices has such a line. Versions 2.1 and 2.2 are \
    right; 2.3 is the first that is not.\n";

/// The payload of `issues` when a person has opened one: about 11 KiB.
pub(super) fn issue_opened(repository: &str, number: u64) -> Value {
    let api = format!("https://api.github.com/repos/{repository}/issues/{number}");
    let page = format!("https://github.com/{repository}/issues/{number}");
    let author = account("a-customer", 583_231);
    let labels: Vec<Value> = ["bug", "priority: high", "area: totals"]
        .into_iter()
        .map(|name| {
            json!({
                "id": 208_045_946, "node_id": "MDU6TGFiZWwyMDgwNDU5NDY=", "name": name, "color": "d73a4a", "default": false,
                "url": format!("https://api.github.com/repos/{repository}/labels/{name}"),
                "description": "What it is about, as the people who look through new issues see it",
            })
        })
        .collect();
    json!({
        "action": "opened",
        "issue": {
            "id": 1_000_000_000 + number, "node_id": "I_kwDOABCDEF5Abcde", "number": number,
            "url": api, "html_url": page, "repository_url": format!("https://api.github.com/repos/{repository}"),
            "labels_url": format!("{api}/labels{{/name}}"), "comments_url": format!("{api}/comments"),
            "events_url": format!("{api}/events"), "timeline_url": format!("{api}/timeline"),
            "title": format!("Totals are wrong with negative quantities ({number})"),
            "user": author, "labels": labels, "state": "open", "locked": false,
            "assignee": account("a-developer", 583_232), "assignees": [account("a-developer", 583_232)],
            "milestone": null, "comments": 0, "created_at": "2026-02-03T04:05:06Z", "updated_at": "2026-02-03T04:05:06Z",
            "closed_at": null, "author_association": "NONE", "active_lock_reason": null, "state_reason": null,
            "body": format!("{TEXT}\nOrder {number}."),
            "reactions": {
                "url": format!("{api}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
                "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
            },
            "performed_via_github_app": null,
        },
        "repository": repository_object(repository),
        "sender": account("a-customer", 583_231),
    })
}

/// The commit that the branch stands at after the push, and that nothing else in the payload is.
pub(super) const PUSHED: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

/// The payload of `push` with so many commits that it takes about `bytes`.
pub(super) fn push(repository: &str, bytes: usize) -> Value {
    let commit = |index: usize| {
        let id = format!("{index:08x}{}", &PUSHED[8..]);
        json!({
            "id": id, "tree_id": format!("{index:040x}"), "distinct": true,
            "message": format!("Subtract lines with negative quantities, part {index}\n\nThe total took them for positive."),
            "timestamp": "2026-02-03T04:05:06+00:00", "url": format!("https://github.com/{repository}/commit/{id}"),
            "author": {"name": "A Developer", "email": "dev@example.com", "username": "a-developer"},
            "committer": {"name": "A Developer", "email": "dev@example.com", "username": "a-developer"},
            "added": [format!("tests/totals/case_{index}.rs")], "removed": [], "modified": ["src/totals.rs"],
        })
    };
    let size = commit(0).to_string().len() + 1;
    let commits: Vec<Value> = (0..bytes / size).map(commit).collect();
    json!({
        "ref": "refs/heads/a-branch", "before": "0".repeat(40), "after": PUSHED, "created": false, "deleted": false,
        "forced": false, "base_ref": null, "compare": format!("https://github.com/{repository}/compare/a-branch"),
        "head_commit": commits.last(), "commits": commits,
        "repository": repository_object(repository),
        "pusher": {"name": "a-developer", "email": "dev@example.com"},
        "sender": account("a-developer", 583_232),
    })
}

fn account(login: &str, id: u64) -> Value {
    let api = format!("https://api.github.com/users/{login}");
    let mut object = links(&api, &OF_ACCOUNT);
    for (name, value) in [
        ("login", json!(login)),
        ("id", json!(id)),
        ("node_id", json!("MDQ6VXNlcjU4MzIzMQ==")),
        (
            "avatar_url",
            json!(format!("https://avatars.githubusercontent.com/u/{id}?v=4")),
        ),
        ("gravatar_id", json!("")),
        ("url", json!(api)),
        ("html_url", json!(format!("https://github.com/{login}"))),
        ("type", json!("User")),
        ("user_view_type", json!("public")),
        ("site_admin", json!(false)),
    ] {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

fn repository_object(full_name: &str) -> Value {
    let (owner, name) = full_name.split_once('/').unwrap_or((full_name, full_name));
    let api = format!("https://api.github.com/repos/{full_name}");
    let page = format!("https://github.com/{full_name}");
    let mut object = links(&api, &OF_REPOSITORY);
    let addresses = json!({
        "id": 186_853_002, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=", "name": name, "full_name": full_name,
        "private": true, "owner": account(owner, 21_031_067), "html_url": page, "description": "Invoices and their totals",
        "fork": false, "url": api, "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"), "clone_url": format!("{page}.git"), "svn_url": page,
        "homepage": null, "mirror_url": null, "license": null, "language": "Rust",
    });
    let state = json!({
        "created_at": "2025-05-15T15:19:25Z", "updated_at": "2026-02-01T15:20:33Z", "pushed_at": "2026-02-02T15:20:33Z",
        "size": 1240, "stargazers_count": 12, "watchers_count": 12, "has_issues": true, "has_projects": true,
        "has_downloads": true, "has_wiki": true, "has_pages": false, "has_discussions": false, "forks_count": 1,
        "archived": false, "disabled": false, "open_issues_count": 17, "allow_forking": true, "is_template": false,
        "web_commit_signoff_required": false, "topics": [], "visibility": "private", "forks": 1, "open_issues": 17,
        "watchers": 12, "default_branch": "main",
    });
    for fields in [addresses, state] {
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
    }
    Value::Object(object)
}

/// `<name>_url` for each path below an address.
fn links(address: &str, paths: &[&str]) -> Map<String, Value> {
    let link = |path: &&str| {
        let name = path.split('{').next().unwrap_or_default();
        let name = name.trim_matches('/').replace('/', "_");
        (format!("{name}_url"), json!(format!("{address}/{path}")))
    };
    paths.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_size_that_they_should() {
        let issue = issue_opened("acme/widget-001", 7).to_string().len();
        assert!((9_000..14_000).contains(&issue), "{issue}");
        let push = push("acme/widget-001", 1 << 20).to_string().len();
        assert!((1_000_000..1_100_000).contains(&push), "{push}");
    }
}
