//! The caller dies at every request, one after the other, before or after it takes effect; another one makes the same
//! calls again.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::{Request, StatusCode};
use loom_platform::{Body, Platform, body_from, native::handler};
use loom_workspace::{Outcome, Workspace};
use tokio::sync::Notify;

use crate::{
    lost_replies::{check, work},
    support::{World, repository},
};

/// When the caller dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    BeforeTheEffect,
    AfterTheEffect,
}

struct Death {
    /// How many requests are still to come before it.
    left: AtomicUsize,
    moment: Moment,
    happened: Notify,
}

/// Has the world's requests go through here, and the caller die at the one with this number, from 0.
fn plan(world: &World, number: usize, moment: Moment) -> Arc<Death> {
    let death = Arc::new(Death {
        left: AtomicUsize::new(number),
        moment,
        happened: Notify::new(),
    });
    let (github, shared) = (Arc::clone(&world.github), Arc::clone(&death));
    let answer = handler(move |request: Request<bytes::Bytes>| {
        let (github, death) = (Arc::clone(&github), Arc::clone(&shared));
        async move {
            let dies = death
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    Some(left.wrapping_sub(1))
                })
                == Ok(0);
            if dies && matches!(death.moment, Moment::BeforeTheEffect) {
                death.happened.notify_one();
                pending::<()>().await;
            }
            let response = github.call(request);
            if dies {
                death.happened.notify_one();
                pending::<()>().await;
            }
            match response {
                Some(response) => response.map(|body| -> Body { body_from(body) }),
                None => {
                    let mut response = http::Response::new(body_from(""));
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                    response
                }
            }
        }
    });
    world.platform.http().route("127.0.0.1", answer);
    death
}

/// Makes all calls, each until it is answered.
async fn do_all(world: &World, death: &Death) {
    for (key, operation) in work() {
        let mut answer: Option<Outcome> = None;
        while answer.is_none() {
            let workspace = world.workspace();
            let call = world.call("r", 1, key, operation.clone());
            tokio::select! {
                done = workspace.perform(call) => answer = Some(done.unwrap()),
                () = death.happened.notified() => {}
            }
        }
    }
}

/// Lets the caller die at each request in turn, in a world of its own each time.
async fn die_everywhere(moment: Moment, world: impl AsyncFn() -> World) {
    for number in 0.. {
        let world = world().await;
        let death = plan(&world, number, moment);
        do_all(&world, &death).await;
        check(&world, &format!("died at request {number}, {moment:?}"));
        // So many requests did not come any more.
        if death.left.load(Ordering::Relaxed) < usize::MAX / 2 {
            assert!(number > 20, "only {number} requests");
            break;
        }
    }
}

#[tokio::test]
async fn a_caller_that_dies_before_a_request_leaves_nothing_undone() {
    die_everywhere(Moment::BeforeTheEffect, async || {
        World::with(repository().file("a", "0\n")).await
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_dies_after_a_request_leaves_nothing_that_is_done_twice() {
    // An App's commits have GitHub's date, so that making one again makes another one.
    die_everywhere(Moment::AfterTheEffect, async || {
        World::as_app(repository().file("a", "0\n")).await
    })
    .await;
}
