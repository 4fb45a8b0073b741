use std::collections::BTreeMap;

use loom_github::{PullRequest, ReviewState};
use loom_platform::Platform;

use super::{
    Task,
    error::{self, Result},
};

/// What is missing for the project's rule about approvals. Only people who may write count, as for GitHub's own rules:
/// anybody may review a public repository.
pub(super) async fn missing<P: Platform>(
    task: &Task<'_, P>,
    pull: &PullRequest,
) -> Result<Option<String>> {
    let reviews = task
        .repository
        .list_reviews(pull.number)
        .await
        .map_err(error::github)?
        .items;
    let mut latest: BTreeMap<String, ReviewState> = BTreeMap::new();
    for review in reviews {
        let decides = matches!(
            review.state,
            ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed
        );
        if decides && !pull.author.is(&review.author.login) {
            latest.insert(review.author.login, review.state);
        }
    }
    let wanted = u32::from(task.settings.required_approvals);
    let mut approvals = 0;
    for (login, state) in latest {
        let counts = match state {
            ReviewState::ChangesRequested => true,
            ReviewState::Approved => approvals < wanted,
            _ => false,
        };
        if !counts
            || !task
                .repository
                .permission(&login)
                .await
                .map_err(error::github)?
                .can_write()
        {
            continue;
        }
        if state == ReviewState::ChangesRequested {
            return Ok(Some(format!(
                "{login} has asked for changes; make them, and have them reviewed again"
            )));
        }
        approvals += 1;
    }
    Ok((approvals < wanted).then(|| {
        format!(
            "it has {approvals} of {wanted} approvals by people who may write; it waits for a review"
        )
    }))
}
