use std::fmt::Write as _;

use loom_platform::Platform;

use crate::{
    CheckRun, GithubError, Repository,
    call::{Call, Reading},
};

/// Where the text of a [`JobLog`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogSource {
    /// The end of the log itself.
    Log,
    /// What the check reported: GitHub keeps the log on a host that Loom may not call.
    Annotations,
}

/// The end of a job's log, or what is known in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLog {
    /// What it is.
    pub source: LogSource,
    /// The text, at most as many bytes as were asked for; broken UTF-8 is replaced.
    pub text: String,
    /// Whether there is more before it.
    pub truncated: bool,
    /// Where people find the whole log; may be empty.
    pub html_url: String,
}

impl<P: Platform> Repository<P> {
    /// The last `bytes` of the log of a finished job.
    ///
    /// GitHub redirects to where logs are stored. On the same host that is followed; to another host, which the
    /// manifest does not grant, it is not: then the text says so and has what the job's check reports, its annotations
    /// first, and `html_url` leads people to the log. The same where a log is not there (yet, or any more).
    pub async fn job_log_tail(&self, job_id: i64, bytes: usize) -> Result<JobLog, GithubError> {
        let call = Call::get(self.at(&format!("/actions/jobs/{job_id}/logs")))
            .reading(Reading::Tail(bytes));
        match self.send(call).await {
            Ok(answer) if answer.status.is_success() => {
                let text = String::from_utf8_lossy(&answer.body);
                Ok(JobLog {
                    source: LogSource::Log,
                    text: text.trim_start_matches('\u{fffd}').to_owned(),
                    truncated: answer.cut,
                    html_url: String::new(),
                })
            }
            Ok(_) => {
                let why = "GitHub keeps it on a host that this program may not call";
                self.reported(job_id, bytes, why).await
            }
            Err(error @ (GithubError::NotFound { .. } | GithubError::Forbidden { .. })) => {
                self.reported(job_id, bytes, &error.to_string()).await
            }
            Err(error) => Err(error),
        }
    }

    async fn reported(&self, job_id: i64, bytes: usize, why: &str) -> Result<JobLog, GithubError> {
        let check = self.check_run(job_id).await?;
        let annotations = self.annotations(job_id).await?.items;
        let mut text =
            format!("The log itself cannot be fetched from here ({why}). The check reports:\n");
        for annotation in annotations {
            let line = annotation.start_line.unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{}:{line}: {}: {}",
                annotation.path, annotation.level, annotation.message
            );
        }
        append_output(&mut text, &check);
        let end = text.floor_char_boundary(bytes);
        let truncated = end < text.len();
        text.truncate(end);
        Ok(JobLog {
            source: LogSource::Annotations,
            text,
            truncated,
            html_url: check.html_url,
        })
    }
}

fn append_output(text: &mut String, check: &CheckRun) {
    let output = &check.output;
    for part in [&output.title, &output.summary, &output.text] {
        if let Some(part) = part.as_deref().filter(|part| !part.trim().is_empty()) {
            text.push_str(part.trim());
            text.push('\n');
        }
    }
}
