use serde_json::{Map, Value, json};

use super::node;
use crate::world::{Permission, Repo, World};

/// The addresses below a repository's own, with what they end with.
const BELOW: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    (
        "notifications_url",
        "/notifications{?since,all,participating}",
    ),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

impl World {
    /// The API's address of a repository.
    pub(crate) fn repo_api(&self, repo: &Repo) -> String {
        format!("{}/repos/{}", self.api, repo.full_name())
    }

    /// The page of a repository.
    pub(crate) fn repo_page(&self, repo: &Repo) -> String {
        format!("{}/{}", self.address, repo.full_name())
    }

    /// `minimal-repository`.
    pub(crate) fn small_repo_json(&self, repo: &Repo) -> Value {
        Value::Object(self.repo_fields(repo))
    }

    fn repo_fields(&self, repo: &Repo) -> Map<String, Value> {
        let api = self.repo_api(repo);
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        set("id", json!(repo.id));
        set("node_id", json!(node("R", repo.id)));
        set("name", json!(repo.name));
        set("full_name", json!(repo.full_name()));
        set("owner", self.user_json(&repo.owner));
        set("private", json!(repo.private));
        set("html_url", json!(self.repo_page(repo)));
        set("description", json!(repo.description));
        set("fork", json!(false));
        set("url", json!(api));
        for (name, tail) in BELOW {
            set(name, json!(format!("{api}{tail}")));
        }
        fields
    }

    /// `full-repository`, and `repository` with it.
    pub(crate) fn repo_json(&self, repo: &Repo) -> Value {
        let page = self.repo_page(repo);
        let host = self.address.trim_start_matches("http://");
        let open = repo.open_issues();
        let more = json!({
            "git_url": format!("git://{host}/{}.git", repo.full_name()),
            "ssh_url": format!("git@{host}:{}.git", repo.full_name()),
            "clone_url": format!("{page}.git"),
            "svn_url": page,
            "mirror_url": null,
            "homepage": null,
            "language": null,
            "license": null,
            "forks_count": 0, "forks": 0, "network_count": 0, "subscribers_count": 0,
            "stargazers_count": 0, "watchers_count": 0, "watchers": 0,
            "size": 1,
            "default_branch": repo.default_branch,
            "open_issues_count": open, "open_issues": open,
            "is_template": false,
            "topics": [],
            "has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false,
            "has_downloads": true, "has_discussions": false,
            "archived": repo.archived,
            "disabled": false,
            "visibility": if repo.private { "private" } else { "public" },
            "pushed_at": repo.pushed_at, "created_at": repo.created_at, "updated_at": repo.updated_at,
            "allow_forking": true,
            "web_commit_signoff_required": false,
        });
        let mut fields = self.repo_fields(repo);
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        Value::Object(fields)
    }

    /// `full-repository` as somebody with a permission sees it.
    pub(crate) fn repo_seen_json(&self, repo: &Repo, permission: Permission) -> Value {
        let mut value = self.repo_json(repo);
        let may = |least| permission >= least;
        let merges = |method: &str| !repo.forbidden_merges.iter().any(|name| name == method);
        let more = json!({
            "permissions": {
                "admin": may(Permission::Admin), "maintain": may(Permission::Maintain),
                "push": may(Permission::Write), "triage": may(Permission::Triage),
                "pull": may(Permission::Read),
            },
            "allow_merge_commit": merges("merge"),
            "allow_squash_merge": merges("squash"),
            "allow_rebase_merge": merges("rebase"),
            "allow_auto_merge": false,
            "delete_branch_on_merge": repo.delete_branch_on_merge,
        });
        if let (Value::Object(fields), Value::Object(more)) = (&mut value, more) {
            fields.extend(more);
        }
        value
    }
}
