//! The system that the demo plays on: the host with all functions and, unless there is a real one, a model.

use super::paint::{row, say};
use super::specimen::BUG;
use super::{ADMIN, Demo, model};
use crate::up::{Options, Progress, Running};
use loom_tokenhub_double::{Config, TokenHub};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The running system.
pub(super) struct Loom {
    pub(super) running: Running,
    /// The admin's.
    pub(super) password: String,
    pub(super) repository: Option<PathBuf>,
    pub(super) bead_id: Option<String>,
    /// Dropped last: the model may still be called while the rest stops.
    _model: Option<loom_tokenhub_double::Running>,
}

impl Loom {
    /// Starts the double, unless there is a real TokenHub, and the host with all functions in `folder`.
    pub(super) async fn start(
        demo: &Demo,
        folder: &Path,
        progress: impl Fn(Progress),
    ) -> Result<Self, String> {
        let model = match &demo.tokenhub {
            Some(_) => None,
            None => {
                let config = Config::respond(|seen| model::answer(seen, &BUG.knowledge));
                let double = TokenHub::start(config)
                    .map_err(|error| format!("the double of TokenHub can't start: {error}"))?;
                Some(double)
            }
        };
        let (tokenhub, key) = match (&demo.tokenhub, &model) {
            (Some((url, key)), _) => (url.clone(), key.clone()),
            (None, Some(double)) => (double.url(), double.api_key().to_owned()),
            (None, None) => return Err("there is no model".to_owned()),
        };
        let state = folder.join("state");
        share_cache(&demo.cache, &state);
        let mut options = Options::new(&demo.manifest, &state);
        // What is set for a Loom of one's own is not meant for this one.
        options.environment = BTreeMap::new();
        options.variables = BTreeMap::from([
            ("tokenhub_url".to_owned(), tokenhub),
            ("tokenhub_api_key".to_owned(), key),
        ]);
        options.sandbox = demo.sandbox;
        let running = crate::up::start(options, progress)
            .await
            .map_err(|error| error.to_string())?;
        let password = running.variables.get("loom_admin_password");
        Ok(Self {
            password: password.unwrap_or_default().to_owned(),
            running,
            repository: None,
            bead_id: None,
            _model: model,
        })
    }

    /// Prints how to look around.
    pub(super) fn say_where(&self, folder: &Path) {
        let url = &self.running.url;
        say("\nEverything is left running; Ctrl-C stops it.\n");
        row("url", url);
        row("login", &format!("{ADMIN}, password {}", self.password));
        if let Some(repository) = &self.repository {
            row("repository", &repository.display().to_string());
        }
        row("state, logs", &folder.join("state").display().to_string());
        say(&format!(
            "\n  token=$(curl -s {url}/api/v1/auth/login -H 'content-type: application/json' \\\n    \
             -d '{{\"username\":\"{ADMIN}\",\"password\":\"{}\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')",
            self.password
        ));
        let mut paths = vec!["system/status".to_owned(), "events?limit=20".to_owned()];
        if let Some(bead_id) = &self.bead_id {
            paths.push(format!("beads/{bead_id}"));
            paths.push(format!("beads/{bead_id}/conversation"));
            paths.push(format!("workflows/executions?bead_id={bead_id}"));
        }
        for path in paths {
            say(&format!(
                "  curl -s -w '\\n' -H \"authorization: Bearer $token\" '{url}/api/v1/{path}'"
            ));
        }
        say("");
    }
}

/// Lets the fresh state folder use compiled components of earlier demos. Without it, they are compiled again.
fn share_cache(cache: &Path, state: &Path) {
    let shared = std::fs::create_dir_all(cache)
        .and_then(|()| std::fs::create_dir_all(state))
        .and_then(|()| std::path::absolute(cache));
    #[cfg(unix)]
    if let Ok(cache) = shared {
        let _ = std::os::unix::fs::symlink(cache, state.join("cache"));
    }
    #[cfg(not(unix))]
    drop(shared);
}
