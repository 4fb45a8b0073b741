//! Reviews of pull requests.

use std::collections::{BTreeMap, BTreeSet};

use loom_github::{
    ChangedFile, GithubError, LineComment, NewReview, PullRequest, Review, ReviewEvent, Side,
};
use loom_platform::Platform;

use super::{
    Task,
    error::{self, Result},
    journal,
    pull::{cut, number},
    space::pull_number,
};
use crate::{Operation, Outcome, ReviewComment, Verdict, WorkspaceError};

const LONGEST_BODY: usize = 60_000;
const MOST_COMMENTS: usize = 50;

pub(super) async fn review<P: Platform>(task: &Task<'_, P>) -> Result<Outcome> {
    let Operation::Review {
        number: given,
        verdict,
        body,
        comments,
    } = &task.call.operation
    else {
        return Err(super::misplaced(&task.call.operation));
    };
    let pull = find(task, *given).await?;
    let files = task
        .repository
        .list_pull_files(pull.number)
        .await
        .map_err(error::github)?
        .items;
    let (on_lines, elsewhere) = placed(comments, &shown(&files));
    let whole = with_comments(body, &elsewhere);
    journal::still_owned(task.platform, task.call).await?;
    let first = write(task, &pull, event(*verdict), &whole, &on_lines).await;
    let review = match first {
        Err(error @ GithubError::Unprocessable { .. }) => {
            again(task, &pull, *verdict, body, comments, error).await
        }
        other => other,
    };
    let review = review.map_err(error::github)?;
    let url = if review.html_url.is_empty() {
        pull.html_url
    } else {
        review.html_url
    };
    Ok(Outcome::Reviewed {
        number: number(pull.number),
        url,
    })
}

/// GitHub takes no verdict from whoever opened the pull request, and no comment on a line that its own diff does not
/// show. Then all of it goes into a plain comment: what Loom makes of the verdict does not depend on GitHub.
async fn again<P: Platform>(
    task: &Task<'_, P>,
    pull: &PullRequest,
    verdict: Verdict,
    body: &str,
    comments: &[ReviewComment],
    error: GithubError,
) -> std::result::Result<Review, GithubError> {
    let is_own = error
        .to_string()
        .to_ascii_lowercase()
        .contains("own pull request");
    let all: Vec<&ReviewComment> = comments.iter().collect();
    if !is_own {
        if comments.is_empty() {
            return Err(error);
        }
        return write(task, pull, event(verdict), &with_comments(body, &all), &[]).await;
    }
    let says = match verdict {
        Verdict::Approve => "**Approved.**\n\n",
        Verdict::RequestChanges => "**Changes requested.**\n\n",
        Verdict::Comment => "",
    };
    let files = task.repository.list_pull_files(pull.number).await?.items;
    let (on_lines, elsewhere) = placed(comments, &shown(&files));
    let whole = format!("{says}{}", with_comments(body, &elsewhere));
    write(task, pull, ReviewEvent::Comment, &whole, &on_lines).await
}

async fn write<P: Platform>(
    task: &Task<'_, P>,
    pull: &PullRequest,
    event: ReviewEvent,
    body: &str,
    comments: &[LineComment],
) -> std::result::Result<Review, GithubError> {
    task.repository
        .create_review(
            pull.number,
            &NewReview {
                commit_id: &pull.head.sha,
                event,
                body,
                marker: &format!("review:{}", task.call.key),
                comments,
            },
        )
        .await
}

/// The pull request that is reviewed.
async fn find<P: Platform>(task: &Task<'_, P>, given: Option<u64>) -> Result<PullRequest> {
    let continues = task.call.run.continues.as_deref();
    let number = given
        .or_else(|| continues.and_then(pull_number))
        .and_then(|number| i64::try_from(number).ok());
    if let Some(number) = number {
        return task
            .repository
            .get_pull(number)
            .await
            .map_err(error::github);
    }
    for branch in [Some(task.space.branch.as_str()), continues]
        .into_iter()
        .flatten()
    {
        let found = task
            .repository
            .find_open_by_head(branch, None)
            .await
            .map_err(error::github)?;
        if let Some(pull) = found {
            return Ok(pull);
        }
    }
    Err(WorkspaceError::refused(
        "no_pull_request",
        format!(
            "there is no open pull request of {}; give the number of the one to review",
            task.space.branch
        ),
    ))
}

fn event(verdict: Verdict) -> ReviewEvent {
    match verdict {
        Verdict::Approve => ReviewEvent::Approve,
        Verdict::RequestChanges => ReviewEvent::RequestChanges,
        Verdict::Comment => ReviewEvent::Comment,
    }
}

/// By file: the lines of the new version that a diff shows.
type Shown = BTreeMap<String, BTreeSet<u32>>;

fn shown(files: &[ChangedFile]) -> Shown {
    files
        .iter()
        .map(|file| {
            let patch = file.patch.as_deref().unwrap_or_default();
            (file.path.clone(), lines_of(patch))
        })
        .collect()
}

/// The new version's lines in the hunks of a unified diff.
fn lines_of(patch: &str) -> BTreeSet<u32> {
    let mut lines = BTreeSet::new();
    let mut next = 0u32;
    for line in patch.lines() {
        if let Some(header) = line.strip_prefix("@@ ") {
            let new = header.split(' ').find_map(|part| part.strip_prefix('+'));
            let start = new.and_then(|range| range.split(',').next()?.parse().ok());
            next = start.unwrap_or(0);
        } else if line.starts_with('+') || line.starts_with(' ') || line.is_empty() {
            lines.insert(next);
            next = next.saturating_add(1);
        }
    }
    lines
}

/// The comments that have their place in the diff, and the others.
fn placed<'c>(
    comments: &'c [ReviewComment],
    shown: &Shown,
) -> (Vec<LineComment>, Vec<&'c ReviewComment>) {
    let has_place = |comment: &&ReviewComment| {
        let lines = shown.get(&comment.path);
        lines.is_some_and(|lines| lines.contains(&comment.line))
    };
    let (on_lines, mut elsewhere): (Vec<&ReviewComment>, Vec<&ReviewComment>) =
        comments.iter().partition(has_place);
    let (here, rest) = on_lines.split_at(on_lines.len().min(MOST_COMMENTS));
    elsewhere.extend(rest);
    let here = here
        .iter()
        .map(|comment| LineComment {
            path: comment.path.clone(),
            line: comment.line,
            side: Side::Right,
            start_line: None,
            body: cut(&comment.body, LONGEST_BODY),
        })
        .collect();
    (here, elsewhere)
}

fn with_comments(body: &str, comments: &[&ReviewComment]) -> String {
    let mut whole = body.trim().to_owned();
    for comment in comments {
        whole.push_str(&format!(
            "\n\n`{}:{}`: {}",
            comment.path, comment.line, comment.body
        ));
    }
    cut(&whole, LONGEST_BODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(path: &str, line: u32) -> ReviewComment {
        ReviewComment {
            path: path.into(),
            line,
            body: format!("about {line}"),
        }
    }

    #[test]
    fn comments_go_where_the_diff_shows_their_line() {
        let lines = lines_of(
            "@@ -1,3 +1,4 @@ fn x()\n a\n-b\n+B\n+c\n d\n@@ -20 +21 @@\n-x\n+y\n\\ No newline at end of file",
        );
        assert_eq!(lines, BTreeSet::from([1, 2, 3, 4, 21]));
        let shown = Shown::from([("a".to_owned(), lines)]);
        let comments = [comment("a", 3), comment("a", 5), comment("b", 1)];
        let (here, elsewhere) = placed(&comments, &shown);
        assert_eq!(here.iter().map(|c| c.line).collect::<Vec<_>>(), [3]);
        assert_eq!(
            with_comments("Look.", &elsewhere),
            "Look.\n\n`a:5`: about 5\n\n`b:1`: about 1"
        );
    }
}
