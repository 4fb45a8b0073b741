use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Notify;

use crate::app::App;
use crate::config::Config;
use crate::world::{Limits, World};

/// What all parts of the double share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    /// Told whenever something changed that somebody may wait for.
    changed: Condvar,
    /// Told when a webhook is to be sent.
    pub(crate) outbox: Notify,
    pub(crate) webhook_timeout: Duration,
    /// Deleted with the state.
    _folder: TempDir,
}

impl Shared {
    pub(crate) fn new(config: &Config, address: String) -> io::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("loom-github-double-")
            .tempdir()?;
        let app = App::new(
            config.app_id,
            &config.app_slug,
            config.token_lifetime_seconds,
        );
        let world = World::new(
            address,
            config.enterprise,
            folder.path().to_owned(),
            app,
            Limits::new(config.rate_limit),
        );
        Ok(Self {
            world: Mutex::new(world),
            changed: Condvar::new(),
            outbox: Notify::new(),
            webhook_timeout: Duration::from_millis(config.webhook_timeout_ms),
            _folder: folder,
        })
    }

    /// The world. Who holds it works alone.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that something changed.
    pub(crate) fn tell(&self) {
        self.changed.notify_all();
        self.outbox.notify_one();
    }

    /// Ends the runner and what it executes.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.tell();
    }

    /// Waits until something is so and returns the world as it is then; `None` after `patience`.
    pub(crate) fn wait(
        &self,
        patience: Duration,
        mut is_so: impl FnMut(&mut World) -> bool,
    ) -> Option<MutexGuard<'_, World>> {
        let (world, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |world| !is_so(world))
            .unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out()).then_some(world)
    }
}
