use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use loom_host::up::{Options, Running, start};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tokio::sync::{mpsc, oneshot};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds the components under test, once, and returns the folder that they are in.
pub(crate) fn components() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root().join("target"), PathBuf::from);
        let status = Command::new(env!("CARGO"))
            .args([
                "build",
                "--profile",
                "function",
                "--target",
                "wasm32-wasip2",
            ])
            .args(["-p", "loom-host-probe", "-p", "loom-cron"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success(), "the probe doesn't build");
        target.join("wasm32-wasip2/function")
    })
}

/// A manifest and its state, in a folder of its own.
pub(crate) struct Home {
    pub dir: tempfile::TempDir,
}

impl Home {
    /// `manifest` follows a head that names the application; in it `PROBE` and `CRON` stand for the components.
    pub(crate) fn new(manifest: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let manifest = manifest
            .replace(
                "PROBE",
                components().join("loom_host_probe.wasm").to_str().unwrap(),
            )
            .replace(
                "CRON",
                components().join("loom_cron.wasm").to_str().unwrap(),
            );
        let head =
            "spin_manifest_version = 2\n[application]\nname = \"probe\"\nversion = \"1.2.3\"\n";
        std::fs::write(dir.path().join("spin.toml"), format!("{head}{manifest}")).unwrap();
        Self { dir }
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(
            self.dir.path().join("spin.toml"),
            self.dir.path().join("state"),
        );
        options.environment.clear();
        options.limits.instances = 64;
        // Shared among the tests: the same component need not be compiled for each.
        options.cache_dir = Some(components().join("test-cache"));
        options
    }

    pub(crate) async fn up(&self, change: impl FnOnce(&mut Options)) -> Running {
        let mut options = self.options();
        change(&mut options);
        start(options, |_| {}).await.unwrap()
    }

    /// What was logged for `component` so far.
    pub(crate) fn log(&self, component: &str) -> Vec<serde_json::Value> {
        let path = self
            .dir
            .path()
            .join(format!("state/logs/{component}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// The manifest of one probe that answers everything and may do everything.
pub(crate) const ONE: &str = r#"
    [[trigger.http]]
    route = "/..."
    component = "probe"
    [component.probe]
    source = "PROBE"
    sqlite_databases = ["default"]
    key_value_stores = ["default"]
    allowed_outbound_hosts = ["http://*:*", "http://self", "http://*.spin.internal"]
"#;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(
    request: http::Request<Full<Bytes>>,
) -> Result<http::Response<Incoming>, String> {
    client()
        .request(request)
        .await
        .map_err(|error| format!("{error:?}"))
}

/// `POST`s `body` and reads the answer.
pub(crate) async fn post(url: String, body: impl Into<Bytes>) -> Answer {
    let request = http::Request::post(url)
        .body(Full::new(body.into()))
        .unwrap();
    let (parts, body) = send(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A server outside of the application, whose answers the test gives one by one.
pub(crate) struct Outside {
    pub url: String,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
}

/// A request that arrived and waits for its answer.
pub(crate) struct Arrival {
    pub request: http::request::Parts,
    answer: oneshot::Sender<()>,
}

impl Arrival {
    pub(crate) fn answer(self) {
        let _ = self.answer.send(());
    }
}

impl Outside {
    pub(crate) async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, arrivals) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let sender = sender.clone();
                    async move {
                        let (answer, wait) = oneshot::channel();
                        let _ = sender.send(Arrival {
                            request: request.into_parts().0,
                            answer,
                        });
                        let _ = wait.await;
                        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(
                            "from outside",
                        ))))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, arrivals }
    }

    /// The next request that arrives.
    pub(crate) async fn next(&mut self) -> Arrival {
        self.arrivals.recv().await.unwrap()
    }
}
