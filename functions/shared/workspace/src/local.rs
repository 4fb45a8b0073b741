use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use loom_platform::{HttpClient, HttpError, read_body};

use crate::{Call, Operation, Outcome, Workspace, WorkspaceError};

/// How much longer than the operation itself an answer may take.
const SLACK: Duration = Duration::from_secs(30);
/// For builds, tests and merges: as long as the service lets a command run, twice for a merge that is tried again.
const LONG: Duration = Duration::from_secs(1800);
/// The longest answer: many files of a branch, 16 MiB of which every other byte is escaped, and room to spare.
const ANSWER_LIMIT: usize = 40 * 1024 * 1024;

/// The workspace service, over HTTP: `POST {base_url}/v1/perform` with a [`Call`] as JSON, answered with an
/// [`Outcome`] or a [`WorkspaceError`].
#[derive(Debug, Clone)]
pub struct LocalWorkspace<H> {
    http: H,
    url: String,
    token: String,
}

impl<H: HttpClient> LocalWorkspace<H> {
    /// A workspace service at `base_url`, such as `http://127.0.0.1:8091`, that accepts `token` as bearer token.
    pub fn new(http: H, base_url: &str, token: impl Into<String>) -> Self {
        let url = format!("{}/v1/perform", base_url.trim_end_matches('/'));
        Self {
            http,
            url,
            token: token.into(),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Bytes>, WorkspaceError> {
        let body = serde_json::to_vec(call)
            .map_err(|error| WorkspaceError::refused("invalid_call", error.to_string()))?;
        Request::post(&self.url)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| {
                WorkspaceError::unavailable(
                    "workspace_misconfigured",
                    format!("the workspace service can't be called: {error}; check workspace_url and workspace_token"),
                )
            })
    }
}

impl<H: HttpClient> Workspace for LocalWorkspace<H> {
    async fn perform(&self, call: Call) -> Result<Outcome, WorkspaceError> {
        let request = self.request(&call)?;
        let answer = self
            .http
            .send(request, patience(&call.operation))
            .await
            .map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let body = read_body(answer.into_body(), ANSWER_LIMIT)
            .await
            .map_err(|error| unreachable(&error))?;
        understand(status, &body)
    }
}

fn understand(status: StatusCode, body: &[u8]) -> Result<Outcome, WorkspaceError> {
    let garbled = |problem: String| {
        WorkspaceError::unavailable(
            "workspace_garbled",
            format!(
                "the workspace service answered {status} with something else than expected: {problem}"
            ),
        )
    };
    if status.is_success() {
        serde_json::from_slice(body).map_err(|error| garbled(error.to_string()))
    } else {
        Err(serde_json::from_slice(body).unwrap_or_else(|error| garbled(error.to_string())))
    }
}

fn unreachable(error: &HttpError) -> WorkspaceError {
    let code = match error {
        HttpError::Timeout(_) => "workspace_timeout",
        _ => "workspace_unreachable",
    };
    WorkspaceError::unavailable(
        code,
        format!(
            "the workspace service gave no answer: {error}; the same call may be repeated with the same key"
        ),
    )
}

/// How long to wait for an answer.
fn patience(operation: &Operation) -> Duration {
    match operation {
        Operation::RunCommand {
            timeout_seconds, ..
        } => Duration::from_secs(timeout_seconds.unwrap_or(300)).min(LONG) + SLACK,
        Operation::Build | Operation::Test { .. } | Operation::Lint => LONG + SLACK,
        Operation::Merge => LONG * 2 + SLACK,
        _ => Duration::from_secs(60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_service_is_passed_on_as_it_is() {
        let sent =
            WorkspaceError::refused("edit_ambiguous", "two places").with("lines", vec![3, 9]);
        let body = serde_json::to_vec(&sent).unwrap();
        assert_eq!(
            understand(StatusCode::UNPROCESSABLE_ENTITY, &body),
            Err(sent)
        );
    }

    #[test]
    fn an_answer_that_is_not_ours_is_worth_a_retry() {
        let error = understand(StatusCode::BAD_GATEWAY, b"<html>").unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.kind),
            ("workspace_garbled", crate::ErrorKind::Unavailable)
        );
        let error = understand(StatusCode::OK, b"{}").unwrap_err();
        assert_eq!(error.code, "workspace_garbled");
    }
}
