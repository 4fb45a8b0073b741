use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use loom_double_server::{Listener, Server};

use crate::actions;
use crate::app::App;
use crate::config::Config;
use crate::events;
use crate::routes;
use crate::state::Shared;
use crate::wire::{self, Call};

/// The double.
pub struct GitHub;

impl GitHub {
    /// Starts the double on threads of its own, so that it needs no runtime and outlives the caller's. It listens
    /// when this returns.
    pub fn start(config: Config) -> io::Result<Running> {
        let listener = Listener::bind(config.listen)?;
        let address = listener.address();
        let shared = Arc::new(Shared::new(&config, format!("http://{address}"))?);
        let served = Arc::clone(&shared);
        let server = listener.serve(
            "github-double",
            move |request, _| wire::connected(Arc::clone(&served), request),
            events::deliver(Arc::clone(&shared)),
        )?;
        let queue = Arc::clone(&shared);
        let runner = std::thread::Builder::new()
            .name(String::from("github-actions"))
            .spawn(move || actions::run_queue(&queue))?;
        Ok(Running {
            address,
            shared,
            server: Some(server),
            runner: Some(runner),
        })
    }
}

/// A double that runs. Dropping it stops it and deletes its repositories.
pub struct Running {
    address: SocketAddr,
    pub(crate) shared: Arc<Shared>,
    server: Option<Server>,
    runner: Option<JoinHandle<()>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.server.take());
        self.shared.stop();
        if let Some(runner) = self.runner.take() {
            let _ = runner.join();
        }
    }
}

impl Running {
    /// The address of the server, which is the API's too; GitHub Enterprise has `/api/v3` after it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The App that is installed on every account, with its private key.
    pub fn app(&self) -> App {
        self.shared.lock().app.clone()
    }

    /// The bare repository of `owner/name` on disk, for `git fsck` and `git log`.
    pub fn git_path(&self, repo: &str) -> Option<PathBuf> {
        let world = self.shared.lock();
        world.repo(repo).map(|repo| repo.git.path().to_owned())
    }

    /// Answers a request without a socket. `None` is a connection that was closed instead.
    pub fn call(&self, request: http::Request<Bytes>) -> Option<http::Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let call = Call::new(parts.method, &parts.uri, parts.headers, body);
        routes::answer(&self.shared, call).response
    }
}
