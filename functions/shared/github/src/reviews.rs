use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Actor, GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::Call,
    marker,
};

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// It approves.
    Approved,
    /// It asks for changes.
    ChangesRequested,
    /// It only comments.
    Commented,
    /// It was taken back.
    Dismissed,
    /// It was not submitted yet; only its author sees it.
    Pending,
    /// A kind that this client does not know.
    #[serde(other)]
    Other,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: i64,
    /// What it says.
    pub state: ReviewState,
    /// Its text; empty if it has none.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who gave it.
    #[serde(rename = "user", default, deserialize_with = "or_default")]
    pub author: Actor,
    /// The commit that it is about; `None` if that is gone.
    #[serde(default)]
    pub commit_id: Option<String>,
    /// When it was given.
    #[serde(default, deserialize_with = "moment")]
    pub submitted_at: Option<Timestamp>,
    /// Its page; may be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
}

/// What a new review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewEvent {
    /// It approves. GitHub refuses that to the pull request's author.
    Approve,
    /// It asks for changes; refused to the author too.
    RequestChanges,
    /// It only comments.
    Comment,
}

/// Which version of a file a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// The old one: removed lines.
    Left,
    /// The new one: added and unchanged lines.
    Right,
}

/// A comment on a line, or on several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineComment {
    /// The file.
    pub path: String,
    /// The last line, from 1. It must be in the diff, or GitHub refuses the whole review.
    pub line: u32,
    /// Which version it is in.
    pub side: Side,
    /// The first line, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u32>,
    /// What is said.
    pub body: String,
}

/// A review to give.
#[derive(Debug, Clone, Copy)]
pub struct NewReview<'a> {
    /// The commit that it is about.
    pub commit_id: &'a str,
    /// What it says.
    pub event: ReviewEvent,
    /// Its text. Without one GitHub takes only an approval.
    pub body: &'a str,
    /// What tells it from all others of this pull request, such as the run's id: a hidden mark in the text.
    pub marker: &'a str,
    /// Comments on lines.
    pub comments: &'a [LineComment],
}

/// A comment on a line of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReviewComment {
    /// Its id.
    pub id: i64,
    /// The file.
    pub path: String,
    /// The line in the present diff; `None` if it is outdated.
    #[serde(default)]
    pub line: Option<u32>,
    /// What is said.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who says it.
    #[serde(rename = "user", default, deserialize_with = "or_default")]
    pub author: Actor,
    /// The review that it belongs to.
    #[serde(default, rename = "pull_request_review_id")]
    pub review_id: Option<i64>,
    /// The comment that it answers.
    #[serde(default, rename = "in_reply_to_id")]
    pub in_reply_to: Option<i64>,
    /// When it was written.
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// Its page; may be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
}

/// More reviews or comments on one pull request are not read.
const MOST_PAGES: usize = 10;

impl<P: Platform> Repository<P> {
    /// The reviews of a pull request, oldest first, at most 1,000.
    pub async fn list_reviews(&self, number: i64) -> Result<Listed<Review>, GithubError> {
        let call = Call::get(self.at(&format!("/pulls/{number}/reviews")));
        self.list(call, MOST_PAGES).await
    }

    /// Reviews a pull request.
    ///
    /// Idempotent by `marker`: a review of Loom's own account with that mark is returned as it is. Looks before it
    /// creates, and again after a lost answer.
    pub async fn create_review(
        &self,
        number: i64,
        review: &NewReview<'_>,
    ) -> Result<Review, GithubError> {
        if let Some(found) = self.find_review(number, review.marker).await? {
            return Ok(found);
        }
        let body = json!({
            "commit_id": review.commit_id,
            "event": review.event,
            "body": marker::marked(review.body, review.marker),
            "comments": review.comments,
        });
        let call = Call::post(self.at(&format!("/pulls/{number}/reviews")), &body);
        match self.send(call).await {
            Ok(answer) => answer.json(),
            Err(error) if error.may_have_acted() => {
                self.find_review(number, review.marker).await?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn find_review(&self, number: i64, marker: &str) -> Result<Option<Review>, GithubError> {
        let mark = marker::hidden(marker);
        let listed = self.list_reviews(number).await?;
        let mut marked = listed
            .items
            .into_iter()
            .filter(|review| review.body.contains(&mark))
            .peekable();
        if marked.peek().is_none() {
            return Ok(None);
        }
        let own = self.own_login().await?;
        Ok(marked.find(|review| review.author.is(&own)))
    }

    /// The comments on lines of a pull request, oldest first, at most 1,000.
    pub async fn list_review_comments(
        &self,
        number: i64,
    ) -> Result<Listed<ReviewComment>, GithubError> {
        let call = Call::get(self.at(&format!("/pulls/{number}/comments")));
        self.list(call, MOST_PAGES).await
    }
}
