//! Reading of bodies with a limit.

use bytes::Bytes;
use http_body_util::BodyExt;
use loom_domain::model_failure::{ModelFailure, detail};
use loom_platform::{Body, HttpError};

use crate::classify;

/// The next piece of a body, or `None` at its end.
pub(crate) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, ModelFailure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.downcast_ref::<HttpError>() {
            Some(error) => classify::transport(error),
            None => ModelFailure::Interrupted {
                detail: detail(&error.to_string()),
            },
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// A whole body of at most `limit` bytes.
pub(crate) async fn whole(mut body: Body, limit: usize) -> Result<Vec<u8>, ModelFailure> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut body).await? {
        if bytes.len() + piece.len() > limit {
            return Err(ModelFailure::ReplyTooLarge { limit });
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The start of an error answer. A body that breaks off or goes on for ever still says what it said.
pub(crate) async fn start(mut body: Body, limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < limit {
        match next_piece(&mut body).await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    bytes.truncate(limit);
    bytes
}
