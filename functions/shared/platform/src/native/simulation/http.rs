use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    future::{Either, select},
    stream,
};
use http::response::Parts;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::oneshot;

use super::world::{Link, Route};
use crate::{Body, BodyError, HttpClient, HttpError, body_from, native::Handler};

/// The simulated network: requests go to the handlers that the test has registered.
#[derive(Debug, Clone)]
pub struct SimHttpClient {
    link: Link,
}

/// What the seed has in store for one exchange.
#[derive(Debug, Default)]
struct Plan {
    request_delay: Duration,
    reply_delay: Duration,
    refused: bool,
    /// How much later the request arrives for a second time.
    duplicate: Option<Duration>,
    /// Whether the caller gets the reply to the second of two requests.
    second_counts: bool,
    lost: Option<Loss>,
    truncated: bool,
}

#[derive(Debug, Clone, Copy)]
enum Loss {
    BrokenOff,
    Silence,
}

/// A reply as the other side has given it, read to the end.
struct Reply {
    head: Parts,
    frames: Vec<Result<Frame<Bytes>, BodyError>>,
}

type Replies = oneshot::Sender<Result<Reply, HttpError>>;

impl SimHttpClient {
    pub(super) fn new(link: Link) -> Self {
        Self { link }
    }

    fn route(&self, authority: &str) -> Option<Route> {
        let state = self.link.world.state();
        let matching = state
            .routes
            .iter()
            .filter(|route| authority.starts_with(&route.prefix));
        // The last of equals: a later registration replaces an earlier one.
        matching.max_by_key(|route| route.prefix.len()).cloned()
    }

    fn plan(&self) -> Plan {
        if self.link.observer {
            return Plan::default();
        }
        let mut state = self.link.world.state();
        let faults = state.faults.clone();
        Plan {
            request_delay: state.draw_delay(),
            reply_delay: state.draw_delay(),
            refused: state.dice.chance(faults.refused),
            duplicate: state
                .dice
                .chance(faults.duplicate)
                .then(|| state.draw_delay()),
            second_counts: state.dice.below(2) == 1,
            lost: state
                .dice
                .chance(faults.lost_reply)
                .then(|| match state.dice.below(2) {
                    0 => Loss::BrokenOff,
                    _ => Loss::Silence,
                }),
            truncated: state.dice.chance(faults.truncated),
        }
    }

    /// Puts a request on the wire. From here on it arrives even if its sender is no more.
    fn dispatch(
        &self,
        route: &Route,
        request: http::Request<Bytes>,
        delay: Duration,
        replies: Option<Replies>,
    ) {
        let world = Arc::clone(&self.link.world);
        let arrival = self.link.sleep(delay);
        let route = route.clone();
        let task = async move {
            if !delay.is_zero() {
                arrival.await;
            }
            if world.is_alive(route.process) {
                let name = format!("{} {}", request.method(), request.uri().path());
                world.spawn(
                    route.process,
                    name,
                    Box::pin(answer(route.handler, request, replies)),
                );
            } else if let Some(replies) = replies {
                replies.send(Err(refused(&route))).ok();
            }
        };
        self.link
            .world
            .spawn(self.link.world.network(), "request", Box::pin(task));
    }

    async fn exchange(
        &self,
        route: Route,
        request: http::Request<Bytes>,
        plan: Plan,
    ) -> Result<http::Response<Body>, HttpError> {
        let world = &self.link.world;
        if plan.refused {
            world.trace("fault: refused", route.prefix.clone());
            return Err(refused(&route));
        }
        let (sender, receiver) = oneshot::channel();
        let (mut first, mut second) = (Some(sender), None);
        if let Some(later) = plan.duplicate {
            world.trace("fault: duplicate", route.prefix.clone());
            if plan.second_counts {
                std::mem::swap(&mut first, &mut second);
            }
            self.dispatch(&route, request.clone(), plan.request_delay + later, second);
        }
        self.dispatch(&route, request, plan.request_delay, first);

        let Ok(reply) = receiver.await else {
            return Err(HttpError::Interrupted(format!(
                "{}: the other side is gone",
                route.prefix
            )));
        };
        let mut reply = reply?;
        match plan.lost {
            None => {}
            Some(Loss::BrokenOff) => {
                world.trace("fault: lost reply", "broken off");
                return Err(HttpError::Interrupted(format!(
                    "{}: connection reset",
                    route.prefix
                )));
            }
            Some(Loss::Silence) => {
                world.trace("fault: lost reply", "silence");
                return std::future::pending().await;
            }
        }
        if !plan.reply_delay.is_zero() {
            self.link.sleep(plan.reply_delay).await;
        }
        if plan.truncated {
            world.trace("fault: truncated", "");
            reply.truncate();
        }
        Ok(reply.into_response())
    }
}

/// The other side's task: it goes on when the caller has gone.
async fn answer(handler: Handler, request: http::Request<Bytes>, replies: Option<Replies>) {
    let (head, body) = handler(request).await.into_parts();
    let frames = frames(body).await;
    if let Some(replies) = replies {
        replies.send(Ok(Reply { head, frames })).ok();
    }
}

fn refused(route: &Route) -> HttpError {
    HttpError::Connect(format!("{}: connection refused", route.prefix))
}

impl HttpClient for SimHttpClient {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Body>, HttpError> {
        self.link
            .before(
                "http.send",
                format!("{} {}", request.method(), request.uri()),
            )
            .await;
        let authority = request
            .uri()
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default();
        let Some(route) = self.route(&authority) else {
            return Err(HttpError::Denied(authority));
        };
        let exchange = Box::pin(self.exchange(route, request, self.plan()));
        let outcome = match select(exchange, self.link.sleep(timeout)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => Err(HttpError::Timeout(timeout)),
        };
        if let Err(error) = &outcome {
            self.link.world.trace("http failed", error.to_string());
        }
        self.link.after().await;
        outcome
    }
}

async fn frames(mut body: Body) -> Vec<Result<Frame<Bytes>, BodyError>> {
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        let broken = frame.is_err();
        frames.push(frame);
        if broken {
            break;
        }
    }
    frames
}

impl Reply {
    /// Keeps the first half of the bytes, and then breaks off.
    fn truncate(&mut self) {
        let lengths = self
            .frames
            .iter()
            .filter_map(|frame| frame.as_ref().ok()?.data_ref());
        let mut left = lengths.map(Bytes::len).sum::<usize>() / 2;
        let mut kept = Vec::new();
        for frame in self.frames.drain(..) {
            let Ok(data) = frame.map(|frame| frame.into_data().unwrap_or_default()) else {
                break;
            };
            if data.len() >= left {
                kept.push(Ok(Frame::data(data.slice(..left))));
                break;
            }
            left -= data.len();
            kept.push(Ok(Frame::data(data)));
        }
        let broken = HttpError::Interrupted("the body broke off half-way".to_owned());
        kept.push(Err(BodyError::from(broken)));
        self.frames = kept;
    }

    fn into_response(self) -> http::Response<Body> {
        let whole: Option<Vec<&Bytes>> = self
            .frames
            .iter()
            .map(|frame| frame.as_ref().ok()?.data_ref())
            .collect();
        let body = match whole.as_deref() {
            Some([]) => body_from(Bytes::new()),
            Some([data]) => body_from(Bytes::clone(data)),
            _ => StreamBody::new(stream::iter(self.frames)).boxed_unsync(),
        };
        http::Response::from_parts(self.head, body)
    }
}
