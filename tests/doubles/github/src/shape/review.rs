use serde_json::{Value, json};

use super::issue::reactions;
use super::node;
use crate::world::{Repo, Review, ReviewComment, World};

impl World {
    /// `pull-request-review`.
    pub(crate) fn review_json(&self, repo: &Repo, number: u64, review: &Review) -> Value {
        let pull = format!("{}/pulls/{number}", self.repo_api(repo));
        let page = format!(
            "{}/pull/{number}#pullrequestreview-{}",
            self.repo_page(repo),
            review.id
        );
        let mut value = json!({
            "id": review.id,
            "node_id": node("PRR", review.id),
            "user": self.user_json(&review.author),
            "body": review.body,
            "state": review.state,
            "html_url": page,
            "pull_request_url": pull,
            "author_association": repo.association(&review.author),
            "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
            "commit_id": review.commit,
        });
        if let Some(submitted) = &review.submitted_at {
            value["submitted_at"] = json!(submitted);
        }
        value
    }

    /// `pull-request-review-comment`.
    pub(crate) fn review_comment_json(
        &self,
        repo: &Repo,
        number: u64,
        comment: &ReviewComment,
    ) -> Value {
        let api = self.repo_api(repo);
        let id = comment.id;
        let url = format!("{api}/pulls/comments/{id}");
        let pull = format!("{api}/pulls/{number}");
        let page = format!("{}/pull/{number}#discussion_r{id}", self.repo_page(repo));
        let mut value = json!({
            "id": id,
            "node_id": node("PRRC", id),
            "url": url,
            "pull_request_review_id": comment.review,
            "diff_hunk": comment.hunk,
            "path": comment.path,
            "commit_id": comment.commit,
            "original_commit_id": comment.commit,
            "user": self.user_json(&comment.author),
            "body": comment.body,
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "html_url": page,
            "pull_request_url": pull,
            "author_association": repo.association(&comment.author),
            "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull}},
            "reactions": reactions(&format!("{url}/reactions")),
            "start_line": comment.start_line,
            "original_start_line": comment.start_line,
            "start_side": comment.start_line.map(|_| comment.side.clone()),
            "side": comment.side,
            "subject_type": if comment.line.is_some() { "line" } else { "file" },
        });
        if let Some(line) = comment.line {
            value["line"] = json!(line);
            value["original_line"] = json!(line);
            value["position"] = json!(line);
            value["original_position"] = json!(line);
        }
        if let Some(reply) = comment.reply_to {
            value["in_reply_to_id"] = json!(reply);
        }
        value
    }
}
