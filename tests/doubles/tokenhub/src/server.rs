//! Requests and answers on a socket, as Go's server has them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming as HyperBody};
use loom_double_server::closed_on_purpose;

use crate::routes::{self, Delivery, Incoming, Outgoing};
use crate::state::State;

/// Bodies up to this size have a `Content-Length`; Go sends larger ones chunked.
const GO_BUFFER: usize = 2048;

/// How much of a body is read and thrown away once it is known to be too large, in bytes.
const MAX_DRAINED: usize = 256 * 1024;

/// Answers a request that came over a socket.
pub(crate) async fn connected(
    state: Arc<State>,
    request: hyper::Request<HyperBody>,
    peer: SocketAddr,
) -> io::Result<hyper::Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let (parts, mut body) = request.into_parts();
    let mut read = Vec::new();
    let mut drained = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            if read.len() > routes::MAX_BODY {
                drained += data.len();
            } else {
                read.extend_from_slice(&data);
            }
        }
        // As Go does: a little of what is too much is taken, so that the answer is not lost in a reset.
        if drained > MAX_DRAINED {
            break;
        }
    }
    let incoming = Incoming {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: read.into(),
        peer: peer.to_string(),
    };
    response(routes::answer(&state, incoming).await)
}

/// The HTTP form of an answer; an error closes the connection.
pub(crate) fn response(
    outgoing: Outgoing,
) -> io::Result<hyper::Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let body = match outgoing.delivery {
        Delivery::Closed => return Err(closed_on_purpose()),
        Delivery::Whole(body) if body.len() <= GO_BUFFER => Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync(),
        Delivery::Whole(body) => frames(vec![Ok(body)]),
        Delivery::Cut(body) => {
            let half = body.slice(..body.len() / 2);
            frames(vec![Ok(half), Err(closed_on_purpose())])
        }
        Delivery::Chunks { chunks, abort } => {
            let mut pieces: Vec<io::Result<Bytes>> = chunks
                .into_iter()
                .map(|chunk| Ok(Bytes::from(chunk)))
                .collect();
            if abort {
                pieces.push(Err(closed_on_purpose()));
            }
            frames(pieces)
        }
    };
    let mut response = hyper::Response::builder().status(outgoing.status);
    for (name, value) in &outgoing.headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(io::Error::other)
}

/// A body of unknown length in these pieces. Between them the connection gets a chance to write, so that what comes
/// before a break has arrived.
fn frames(pieces: Vec<io::Result<Bytes>>) -> UnsyncBoxBody<Bytes, io::Error> {
    let frames = stream::unfold(pieces.into_iter(), |mut pieces| async move {
        let piece = pieces.next()?;
        if piece.is_err() {
            tokio::task::yield_now().await;
        }
        Some((piece.map(Frame::data), pieces))
    });
    StreamBody::new(frames).boxed_unsync()
}
