//! How a call is made: authorised, repeated where that is harmless, and its answer judged.

use http::{StatusCode, Uri, header::HeaderValue};
use loom_platform::Platform;

use crate::{
    GitHub, GithubError,
    answer::{self, Answer},
    auth::{self, Who},
    cache::Kept,
    call::{self, Call, Reading},
    exchange::{Credentials, exchange},
};

/// A renamed repository is one redirect away from its old name; a chain of more than three is no rename.
const MOST_REDIRECTS: usize = 3;

impl<P: Platform> GitHub<P> {
    /// Makes a call and returns its answer, if that is a success (or, for a log, a redirect to another host).
    pub(crate) async fn send(&self, who: Who<'_>, call: &Call) -> Result<Answer, GithubError> {
        if !call::is_straight(&call.target) {
            return Err(GithubError::Unprocessable {
                what: call.what(),
                message: String::from(
                    "a name in it is `.` or `..`, which nothing at GitHub is called",
                ),
                errors: Vec::new(),
            });
        }
        let name = self.cache_name(who, call);
        let kept = if call.conditional {
            self.kept_answer(&name).await
        } else {
            None
        };
        let etag = kept.as_ref().map(|kept| kept.etag.as_str());
        let mut authorised = self.authorise(who).await?;
        let mut answer = self.attempt(call, &authorised.credentials, etag).await?;
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(key) = &authorised.kept
        {
            // The token was revoked before its time: GitHub has not acted, so even a write may be sent again.
            auth::forget(key);
            authorised = self.authorise(who).await?;
            answer = self.attempt(call, &authorised.credentials, etag).await?;
        }
        if answer.status == StatusCode::NOT_MODIFIED
            && let Some(kept) = kept
        {
            return Ok(unchanged(answer, kept));
        }
        let log_elsewhere =
            answer.status.is_redirection() && matches!(call.reading, Reading::Tail(_));
        if !answer.status.is_success() && !log_elsewhere {
            return Err(answer::failure(call, &answer, self.now()));
        }
        if call.conditional
            && let Some(etag) = answer.header("etag")
        {
            let kept = Kept {
                etag: etag.to_owned(),
                link: answer.header("link").map(str::to_owned),
                body: answer.body.clone(),
            };
            self.keep_answer(&name, &kept).await;
        }
        Ok(answer)
    }

    /// One call with given credentials, whatever its status: follows redirects on the same host, and repeats once what
    /// may be repeated when GitHub is not there.
    pub(crate) async fn attempt(
        &self,
        call: &Call,
        credentials: &Credentials,
        etag: Option<&str>,
    ) -> Result<Answer, GithubError> {
        let mut url = self.url(call);
        let mut redirects = 0;
        let mut repeated = !call.repeatable;
        loop {
            let outcome = exchange(self.platform().http(), &url, call, credentials, etag).await;
            let absent = match &outcome {
                Ok(answer) => answer.status.is_server_error(),
                Err(error) => matches!(error, GithubError::Unavailable { .. }),
            };
            if absent && !repeated {
                repeated = true;
                continue;
            }
            let answer = outcome?;
            match self.redirected(call, &answer) {
                Some(next) if redirects < MOST_REDIRECTS => {
                    redirects += 1;
                    url = next;
                }
                _ => return Ok(answer),
            }
        }
    }

    fn url(&self, call: &Call) -> String {
        if call.absolute {
            format!("{}{}", self.config().origin, call.target)
        } else {
            format!("{}{}", self.root(), call.target)
        }
    }

    /// Where a redirect leads, if it may be followed: never to another host, which would learn the token and for which
    /// the manifest grants nothing; and a write only where its method and body stay (307, 308).
    fn redirected(&self, call: &Call, answer: &Answer) -> Option<String> {
        let followed = match answer.status.as_u16() {
            301 | 302 => !call.is_write(),
            307 | 308 => true,
            _ => false,
        };
        if !followed {
            return None;
        }
        let location: Uri = answer.header("location")?.parse().ok()?;
        let target = location.path_and_query()?.as_str();
        let here: Uri = self.config().origin.parse().ok()?;
        let same = match location.authority() {
            None => true,
            Some(authority) => {
                here.authority() == Some(authority) && here.scheme() == location.scheme()
            }
        };
        (same && call::is_straight(target)).then(|| format!("{}{target}", self.config().origin))
    }

    /// Under what an answer is kept: who asks may decide what the answer is.
    fn cache_name(&self, who: Who<'_>, call: &Call) -> String {
        let asker = if self.is_app() { "app" } else { "token" };
        let place = match who {
            Who::Itself => String::new(),
            Who::Repository { owner, name, .. } => format!("{owner}/{name}"),
        };
        format!("{} {asker} {place} {}", self.root(), call.target)
    }
}

/// A 304 as the answer that it confirms.
fn unchanged(mut answer: Answer, kept: Kept) -> Answer {
    answer.status = StatusCode::OK;
    answer.body = kept.body;
    if let Some(link) = kept.link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        answer.headers.insert("link", link);
    }
    answer
}
