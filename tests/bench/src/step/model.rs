use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use loom_platform::{
    Body, body_from,
    native::{Handler, handler},
};
use loom_tokenhub_double::{Answer, ChatRequestSeen, Config, Running, TokenHub};
use serde_json::json;

use super::{STEPS, Side};
use crate::Result;

/// The scripted model behind the double of TokenHub, and when it was called.
pub(crate) struct Model {
    hub: Running,
    calls: Mutex<Vec<(Instant, Instant)>>,
    last: Mutex<String>,
}

impl Model {
    /// `respond` is what the model says, without taking time for it.
    pub(crate) fn answering(respond: fn(&ChatRequestSeen) -> Answer) -> Result<Self> {
        Ok(Self {
            hub: TokenHub::in_process(Config::respond(respond))?,
            calls: Mutex::default(),
            last: Mutex::default(),
        })
    }

    pub(crate) fn api_key(&self) -> &str {
        self.hub.api_key()
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        lock(&self.calls).len()
    }

    /// When it was called, call by call.
    pub(crate) fn called(&self) -> Vec<Instant> {
        lock(&self.calls)
            .iter()
            .map(|(called, _)| *called)
            .collect()
    }

    /// The end of the last request, for an error.
    pub(crate) fn last_message(&self) -> String {
        lock(&self.last).clone()
    }

    pub(crate) fn handler(self: &Arc<Self>) -> Handler {
        let model = Arc::clone(self);
        handler(move |request| {
            let model = Arc::clone(&model);
            async move { model.answer(request).await }
        })
    }

    async fn answer(&self, request: http::Request<bytes::Bytes>) -> Response<Body> {
        let called = Instant::now();
        let body = request.body().clone();
        let answer = match self.hub.call(request).await {
            Some(answer) => whole(answer).await,
            None => Err(io::Error::other("the double closed the connection")),
        };
        let answer = answer.unwrap_or_else(|error| {
            let mut response = Response::new(body_from(error.to_string()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        });
        let end = body.slice(body.len().saturating_sub(600)..);
        *lock(&self.last) = format!("{} ({})", String::from_utf8_lossy(&end), answer.status());
        lock(&self.calls).push((called, Instant::now()));
        answer
    }

    /// What its calls say about the steps of `runs` runs, which came one after the other.
    pub(super) fn side(&self, runs: usize) -> Result<Side> {
        let calls = lock(&self.calls).clone();
        let of_runs: Vec<_> = calls.chunks_exact(STEPS + 1).collect();
        if of_runs.len() != runs {
            return Err(format!("{} runs were seen in place of {runs}", of_runs.len()).into());
        }
        let step = |run: &[(Instant, Instant)], step: usize| run[step + 1].0 - run[step].1;
        let steps = |range: std::ops::Range<usize>| {
            let range = range.clone();
            of_runs
                .iter()
                .flat_map(move |run| range.clone().map(move |number| step(run, number)))
                .collect()
        };
        let third = STEPS / 3;
        Ok(Side {
            all: steps(0..STEPS),
            thirds: [
                steps(0..third),
                steps(third..2 * third),
                steps(2 * third..STEPS),
            ],
            model: calls
                .iter()
                .map(|(called, answered)| *answered - *called)
                .collect(),
        })
    }
}

/// The answer with its body read: the double's time ends when all of it is there.
async fn whole<B>(answer: Response<B>) -> io::Result<Response<Body>>
where
    B: http_body::Body<Error = io::Error>,
{
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(
        parts,
        body_from(body.collect().await?.to_bytes()),
    ))
}

/// Writes a file and reads it, a different one at each step; at the last, commits and is done.
pub(super) fn say(seen: &ChatRequestSeen) -> Answer {
    // The id of a run and the step's number: what a run writes was never there before.
    let path = format!("src/totals_{}.rs", seen.request_id);
    let calls = if seen.turn < STEPS {
        let content = format!("//! Part {}.\n\n{}", seen.turn, CODE.repeat(4));
        [
            ("write_file", json!({"path": path, "content": content})),
            ("read_file", json!({"path": path})),
        ]
    } else {
        [
            (
                "git_commit",
                json!({"message": "Subtract lines with a negative quantity"}),
            ),
            (
                "done",
                json!({"summary": "Lines with a negative quantity are subtracted now."}),
            ),
        ]
    };
    Answer::calls(calls.map(|(name, arguments)| (name.to_owned(), arguments)))
}

const CODE: &str = "/// The total of the lines, in cents.\npub fn total(lines: &[Line]) -> i64 {\n    \
    lines.iter().map(|line| line.quantity * line.cents).sum()\n}\n\n";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
