//! Deliveries that never arrived: GitHub tries each once, so it is asked for them.

use loom_api::Error;
use loom_domain::{
    delivery::{Attempt, REDELIVERY_SPAN, to_redeliver},
    github::Repository,
    time::Timestamp,
};
use loom_github::{DeliveryPage, GitHub, GithubError, Repository as GithubRepository};
use loom_platform::{Clock, Database, Platform, Transaction};
use loom_store::{Change, delivery, project};

use crate::{ACTOR, ROUTE};

/// How many pages of 100 attempts are looked through, newest first.
const PAGES: usize = 20;
/// How many deliveries are asked for in one sweep.
const MOST: usize = 100;

/// Whose attempts to deliver are looked through.
enum Hook<P: Platform> {
    /// The one webhook of the GitHub App.
    App(GitHub<P>),
    /// A webhook of a repository.
    Repository(GithubRepository<P>, i64),
}

impl<P: Platform> Hook<P> {
    async fn page(&self, cursor: Option<&str>) -> Result<DeliveryPage, GithubError> {
        match self {
            Self::App(github) => github.list_app_deliveries(cursor).await,
            Self::Repository(repository, hook) => {
                repository.list_repo_deliveries(*hook, cursor).await
            }
        }
    }

    async fn send_again(&self, id: i64) -> Result<(), GithubError> {
        match self {
            Self::App(github) => github.redeliver_app_delivery(id).await,
            Self::Repository(repository, hook) => {
                repository.redeliver_repo_delivery(*hook, id).await
            }
        }
    }
}

/// Asks GitHub, every few minutes, for what it could not deliver within the last three days; each delivery a few times
/// at most. Returns for how many it asked.
pub(crate) async fn lost<P: Platform>(platform: &P) -> Result<usize, Error> {
    let Ok(github) = GitHub::load(platform).await else {
        return Ok(0);
    };
    if !delivery::take_redelivery_sweep(platform.database()).await? {
        return Ok(0);
    }
    let hooks = match hooks(platform, github).await? {
        Ok(hooks) => hooks,
        Err(error) => {
            tell(&error);
            return Ok(0);
        }
    };
    let mut asked = 0;
    for hook in &hooks {
        match look_through(platform, hook).await {
            Ok(attempts) => asked += ask(platform, hook, &attempts, MOST - asked).await?,
            Err(error) => tell(&error),
        }
    }
    Ok(asked)
}

fn tell(error: &GithubError) {
    let cause = error.to_string();
    loom_api::log(
        "warn",
        "what GitHub could not deliver is not known; the next look tries again",
        [("code", error.code()), ("cause", &cause)],
    );
}

async fn hooks<P: Platform>(
    platform: &P,
    github: GitHub<P>,
) -> Result<Result<Vec<Hook<P>>, GithubError>, Error> {
    if github.is_app() {
        return Ok(Ok(vec![Hook::App(github)]));
    }
    let mut hooks = Vec::new();
    for project in project::all_open(platform.database()).await? {
        let Some(repository) = Repository::parse(&project.git_repo) else {
            continue;
        };
        let repository = github.repository(&repository.owner, &repository.name, None);
        match repository.list_hooks().await {
            Ok(listed) => hooks.extend(
                listed
                    .items
                    .iter()
                    .filter(|hook| hook.active && hook.url().trim_end_matches('/').ends_with(ROUTE))
                    .map(|hook| Hook::Repository(repository.clone(), hook.id)),
            ),
            // Who may not administer a repository cannot see its webhooks.
            Err(GithubError::NotFound { .. } | GithubError::Forbidden { .. }) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(hooks))
}

async fn look_through<P: Platform>(
    platform: &P,
    hook: &Hook<P>,
) -> Result<Vec<Attempt>, GithubError> {
    let oldest = Timestamp(platform.clock().now() - REDELIVERY_SPAN);
    let mut attempts = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES {
        let page = hook.page(cursor.as_deref()).await?;
        let found = page.deliveries.into_iter().filter_map(|delivery| {
            let delivered_at = delivery.delivered_at?;
            Some(Attempt {
                id: delivery.id,
                is_delivered: delivery.succeeded(),
                guid: delivery.guid,
                delivered_at,
            })
        });
        attempts.extend(found);
        let is_past = attempts
            .last()
            .is_none_or(|attempt| attempt.delivered_at < oldest);
        cursor = page.next_cursor;
        if is_past || cursor.is_none() {
            break;
        }
    }
    Ok(attempts)
}

async fn ask<P: Platform>(
    platform: &P,
    hook: &Hook<P>,
    attempts: &[Attempt],
    most: usize,
) -> Result<usize, Error> {
    let database = platform.database();
    let guids: Vec<String> = attempts
        .iter()
        .filter(|attempt| !attempt.is_delivered)
        .map(|attempt| attempt.guid.clone())
        .collect();
    if guids.is_empty() {
        return Ok(0);
    }
    let known = delivery::known(database, &guids).await?;
    let now = loom_store::now(database).await?;
    let mut asked = 0;
    for attempt in to_redeliver(attempts, &known, now) {
        if asked >= most {
            break;
        }
        // Noted before it is asked, so that a sweep that dies in between counts too.
        let tx = database.transaction().await?;
        let change = Change::new(&tx, platform.random(), ACTOR).await?;
        let is_due = delivery::note_redelivery(&change, &attempt.guid).await?;
        tx.commit().await?;
        if !is_due {
            continue;
        }
        match hook.send_again(attempt.id).await {
            Ok(()) => asked += 1,
            Err(error) => {
                tell(&error);
                if error.is_retryable() {
                    break;
                }
            }
        }
    }
    Ok(asked)
}
