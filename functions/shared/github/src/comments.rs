use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Actor, GithubError, Listed, Repository,
    actor::{moment, or_default},
    call::Call,
    marker,
};

/// A comment on an issue or pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: i64,
    /// Its text, in Markdown.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Who wrote it.
    #[serde(rename = "user", default, deserialize_with = "or_default")]
    pub author: Actor,
    /// Its page.
    #[serde(default, deserialize_with = "or_default")]
    pub html_url: String,
    /// When it was written.
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// When it was last edited.
    #[serde(default, deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
}

/// What [`Repository::upsert_marked_comment`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Upsert {
    /// It wrote the comment.
    Created,
    /// It changed the comment's text.
    Updated,
    /// The text was right already.
    Unchanged,
}

/// Issues with more comments than this are not searched: 2,000.
const MOST_PAGES: usize = 20;

impl<P: Platform> Repository<P> {
    /// The comments on an issue or pull request, oldest first, at most 2,000. Asked for conditionally.
    pub async fn list_comments(&self, number: i64) -> Result<Listed<Comment>, GithubError> {
        let call = Call::get(self.at(&format!("/issues/{number}/comments"))).conditional();
        self.list(call, MOST_PAGES).await
    }

    /// Comments on an issue or pull request.
    ///
    /// Not idempotent: after a lost answer the comment may be there, and a repetition would write a second. Where that
    /// matters, use [`upsert_marked_comment`](Self::upsert_marked_comment).
    pub async fn create_comment(&self, number: i64, body: &str) -> Result<Comment, GithubError> {
        let target = self.at(&format!("/issues/{number}/comments"));
        self.get(Call::post(target, &json!({"body": body}))).await
    }

    /// Replaces the text of a comment. Idempotent, so it is sent again after a lost answer.
    pub async fn update_comment(&self, id: i64, body: &str) -> Result<Comment, GithubError> {
        let target = self.at(&format!("/issues/comments/{id}"));
        self.get(Call::patch(target, &json!({"body": body})).repeatable())
            .await
    }

    /// Makes the comment of Loom's own account that bears the hidden mark `marker` say `body`, and writes it if there is
    /// none. One comment, however often it is called.
    ///
    /// Idempotent: looks before it creates, and again after a lost answer. Others' comments with the mark are not
    /// touched. Fails with [`GithubError::TooLarge`] rather than write a second one where there are too many comments
    /// to look through.
    pub async fn upsert_marked_comment(
        &self,
        number: i64,
        marker: &str,
        body: &str,
    ) -> Result<(Comment, Upsert), GithubError> {
        let body = marker::marked(body, marker);
        if let Some(found) = self.find_marked_comment(number, marker).await? {
            return self.revise(found, &body).await;
        }
        match self.create_comment(number, &body).await {
            Ok(comment) => Ok((comment, Upsert::Created)),
            Err(error) if error.may_have_acted() => {
                let found = self.find_marked_comment(number, marker).await?;
                Ok((found.ok_or(error)?, Upsert::Created))
            }
            Err(error) => Err(error),
        }
    }

    /// The comment of Loom's own account that bears the hidden mark `marker`.
    pub async fn find_marked_comment(
        &self,
        number: i64,
        marker: &str,
    ) -> Result<Option<Comment>, GithubError> {
        let mark = marker::hidden(marker);
        let listed = self.list_comments(number).await?;
        let complete = listed.complete;
        let mut marked = listed
            .items
            .into_iter()
            .filter(|comment| comment.body.contains(&mark))
            .peekable();
        if marked.peek().is_some() {
            let own = self.own_login().await?;
            if let Some(found) = marked.find(|comment| comment.author.is(&own)) {
                return Ok(Some(found));
            }
        }
        if complete {
            Ok(None)
        } else {
            Err(GithubError::TooLarge {
                what: format!("the list of comments on {}#{number}", self.full_name()),
                limit: 2_000,
            })
        }
    }

    async fn revise(&self, found: Comment, body: &str) -> Result<(Comment, Upsert), GithubError> {
        // GitHub may give the line ends back as CRLF.
        if found.body.replace("\r\n", "\n").trim_end() == body.trim_end() {
            return Ok((found, Upsert::Unchanged));
        }
        Ok((self.update_comment(found.id, body).await?, Upsert::Updated))
    }
}
