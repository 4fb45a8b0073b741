//! The listener: HTTP/1.1 from outside to the components.

use crate::admission::Admission;
use crate::function::{CallError, Directory, RequestContext};
use crate::lingering::Lingering;
use crate::logs::Logs;
use crate::routes::RESERVED;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::{Error, WasiBody};

/// The header that names a request in logs and errors.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(30);

/// What the listener needs.
pub(crate) struct Server {
    /// The components and their routes.
    pub directory: Arc<Directory>,
    /// The queue before them.
    pub admission: Admission,
    /// The host's own log.
    pub logs: Logs,
    /// Largest body of a request, in bytes.
    pub max_body: usize,
    /// The application's name and version, for `/.well-known/spin/info`.
    pub name: String,
    /// See `name`.
    pub version: String,
    /// The listener's own address, for requests without a `host` header.
    pub address: String,
    /// Cancelled when the host drains.
    pub drain: CancellationToken,
}

impl Server {
    /// Accepts connections until the host drains. Connections and their requests are tasks of `tracker`.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener, tracker: TaskTracker) {
        loop {
            let accepted = tokio::select! {
                () = self.drain.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, client)) => {
                    tracker.spawn(self.clone().connection(stream, client));
                }
                Err(error) => {
                    // Out of file handles, most likely: connections that end give some back.
                    self.logs
                        .host(&format!("a connection can't be accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr) {
        // Without it an answer in two writes waits for the client's delayed acknowledgement: 40 ms.
        let _ = stream.set_nodelay(true);
        let client = client.to_string();
        let service = service_fn(|request| {
            let (server, client) = (self.clone(), client.clone());
            async move { Ok::<_, Infallible>(server.answer(request, &client).await) }
        });
        let mut connection = pin!(
            hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service)
        );
        // An error here is the client's: it went away or sent what isn't HTTP.
        tokio::select! {
            _ = connection.as_mut() => {}
            () = self.drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }

    async fn answer(
        &self,
        mut request: http::Request<Incoming>,
        client: &str,
    ) -> Response<WasiBody> {
        let id = request_id(&mut request);
        let request = Lingering::of(request);
        let mut response = match self.dispatch(request, client).await {
            Ok(response) => response,
            Err(failure) => failure.response(&id),
        };
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        response
    }

    async fn dispatch(
        &self,
        mut request: http::Request<Lingering>,
        client: &str,
    ) -> Result<Response<WasiBody>, Failure> {
        let path = request.uri().path();
        if path.starts_with(RESERVED) {
            return self.platform(path);
        }
        let router = self.directory.router().ok_or(Failure::NoRoute)?;
        let Some((component, pattern, captures)) = router.find(path) else {
            return Err(Failure::NoRoute);
        };
        if request.body().size_hint().lower() > self.max_body as u64 {
            return Err(Failure::TooLarge(self.max_body));
        }
        let _turn = self.admission.turn().await.map_err(|_| Failure::Busy)?;
        let function = self.directory.function(component).ok_or(Failure::NoRoute)?;
        crate::headers::routed(&mut request, &self.address, client, pattern, &captures);
        let context = Arc::new(RequestContext::of(&request));
        let limit = self.max_body;
        let request = request.map(|body| {
            Limited::new(body, limit)
                .map_err(move |error| match error.downcast::<hyper::Error>() {
                    Ok(error) => Error::from(*error),
                    Err(_) => Error::HttpRequestBodySize(Some(limit as u64)),
                })
                .boxed_unsync()
        });
        function
            .call(context.clone(), request)
            .await
            .map(|response| {
                let kind = response.headers().get(header::CONTENT_TYPE);
                let is_events =
                    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
                if !is_events {
                    return response;
                }
                let drain = Box::pin(self.drain.clone().cancelled_owned());
                let context = context.clone();
                response.map(|body| {
                    Events {
                        body,
                        drain,
                        context,
                    }
                    .boxed_unsync()
                })
            })
            .map_err(|error| {
                let failure = Failure::of(error, component);
                if !context.over_cpu.load(Ordering::Relaxed) {
                    self.logs
                        .host(&format!("{component}: request {}: {failure}", context.id));
                }
                failure
            })
    }

    fn platform(&self, path: &str) -> Result<Response<WasiBody>, Failure> {
        match path.strip_prefix(RESERVED) {
            Some("health") => Ok(plain(StatusCode::OK, "text/plain", "OK".to_owned())),
            Some("info") => {
                let info = serde_json::json!({ "name": self.name, "version": self.version });
                Ok(plain(StatusCode::OK, "application/json", info.to_string()))
            }
            _ => Err(Failure::NoRoute),
        }
    }
}

/// The request's id: the client's, if it is fit for a log line, or a new one that components then see as well.
fn request_id<B>(request: &mut http::Request<B>) -> String {
    let given = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|id| id.to_str().ok());
    if let Some(id) =
        given.filter(|id| (1..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_graphic()))
    {
        return id.to_owned();
    }
    let mut random = [0_u8; 12];
    // Ids need not be secret; without randomness they merely aren't distinct.
    let _ = getrandom::fill(&mut random);
    let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    id
}

/// Why the host answers in place of a component.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no route of spin.toml leads here")]
    NoRoute,
    #[error("the body of a request has at most {0} bytes")]
    TooLarge(usize),
    #[error("too many requests are being answered; try again in a moment")]
    Busy,
    #[error("{0} computed longer than the host allows and was stopped; ask for less at once")]
    OverCpu(String),
    #[error("{0} failed while answering; its log has the reason under this request id")]
    Crashed(String),
    #[error("{component} gave no response: {reason}")]
    Refused { component: String, reason: String },
}

impl Failure {
    fn of(error: CallError, component: &str) -> Self {
        let component = component.to_owned();
        match error {
            CallError::Busy => Self::Busy,
            CallError::OverCpu => Self::OverCpu(component),
            CallError::Crashed => Self::Crashed(component),
            CallError::Refused(reason) => Self::Refused { component, reason },
        }
    }

    fn response(&self, id: &str) -> Response<WasiBody> {
        let (status, code) = match self {
            Self::NoRoute => (StatusCode::NOT_FOUND, "route_not_found"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "host_busy"),
            Self::OverCpu(_) => (StatusCode::GATEWAY_TIMEOUT, "cpu_deadline"),
            Self::Crashed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "function_crashed"),
            Self::Refused { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "function_failed"),
        };
        let body = serde_json::json!({ "error": self.to_string(), "code": code, "request_id": id });
        let mut response = plain(status, "application/json", body.to_string());
        if matches!(self, Self::Busy) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<WasiBody> {
    let mut response = Response::new(
        Full::new(Bytes::from(body))
            .map_err(Error::from)
            .boxed_unsync(),
    );
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An event stream. It has no end of its own, so it would hold up every drain; clients resume it elsewhere.
struct Events {
    body: WasiBody,
    drain: Pin<Box<WaitForCancellationFutureOwned>>,
    context: Arc<RequestContext>,
}

impl Body for Events {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame),
            Poll::Pending => self.drain.as_mut().poll(cx).map(|()| None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Events {
    // The reader is gone, or the host drains. The guest notices at its next event.
    fn drop(&mut self) {
        if let Some(instance) = self
            .context
            .instance
            .get()
            .and_then(std::sync::Weak::upgrade)
        {
            instance.reader_left();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_readable_request_id_is_taken_over() {
        let id = |value: &str| {
            let mut request = http::Request::get("/")
                .header("x-request-id", value)
                .body(())
                .unwrap();
            let id = request_id(&mut request);
            assert_eq!(request.headers()[&REQUEST_ID], id.as_str());
            id
        };
        assert_eq!(id("abc-1"), "abc-1");
        assert_ne!(id("a b"), "a b");
        assert_eq!(id(&"x".repeat(129)).len(), 24);
        assert_ne!(id(""), id(""));
    }
}
