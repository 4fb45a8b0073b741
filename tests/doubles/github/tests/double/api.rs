//! A caller of the double.

use std::path::Path;
use std::process::Command;

use loom_github_double::{Config, GitHub, NewRepository, Permission, Running};
use serde_json::Value;
use ureq::http::{self, HeaderMap};

use crate::openapi;

/// A caller with a token, or with none.
#[derive(Clone)]
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer with this status.
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self.json
    }

    /// The message of an error with this status.
    pub(crate) fn error(self, status: u16) -> String {
        let json = self.with(status);
        json["message"].as_str().unwrap().to_owned()
    }
}

impl Api {
    pub(crate) fn new(github: &Running, token: Option<&str>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .user_agent("loom-tests")
            .timeout_global(Some(crate::PATIENCE))
            .build()
            .new_agent();
        Self {
            agent,
            base: github.url(),
            token: token.map(str::to_owned),
        }
    }

    /// The same under the prefix of GitHub Enterprise.
    pub(crate) fn enterprise(&self) -> Self {
        Self {
            base: format!("{}/api/v3", self.base),
            ..self.clone()
        }
    }

    /// A request that may find its connection closed.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Option<Reply> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let (parts, body) = response.ok()?.into_parts();
        let mut body = body;
        let body = body.with_config().limit(200 << 20).read_to_vec().ok()?;
        let kind = parts.headers.get("content-type");
        let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let status = parts.status.as_u16();
        let bare = path.split('?').next().unwrap();
        // What comes before a path is looked at, and the double's own texts, are in no description.
        if !bare.starts_with("/_") && !matches!(status, 401 | 415) && status < 500 {
            openapi::check(method, bare, status, &body, &kind);
        }
        Some(Reply {
            status,
            headers: parts.headers,
            json: serde_json::from_slice(&body).unwrap_or(Value::Null),
            body,
        })
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Reply {
        let body = body.map(|body| body.to_string().into_bytes());
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|| panic!("{method} {path} is not answered"))
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, &[], Some(&body))
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, &[], Some(&body))
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> Reply {
        self.send("PATCH", path, &[], Some(&body))
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], None)
    }
}

/// The repository of most tests.
pub(crate) const SHOP: &str = "/repos/acme/shop";

/// A double with the repository `acme/shop`, the writer `ada` and the reader `bob`, and the App's caller.
pub(crate) fn shop() -> (Running, Api) {
    let repository = NewRepository::new("acme", "shop")
        .file("README.md", "# Shop\n")
        .file(
            "src/till.py",
            "def total(prices):\n    return sum(prices)\n",
        )
        .file_with_mode("bin/open", "100755", b"#!/bin/sh\n");
    shop_of(&repository)
}

/// The same with another first commit.
pub(crate) fn shop_of(repository: &NewRepository) -> (Running, Api) {
    let github = GitHub::start(Config::default()).unwrap();
    github.create_repository(repository);
    github.allow("acme/shop", "ada", Permission::Write);
    github.allow("acme/shop", "bob", Permission::Read);
    let token = github.app_token("acme");
    let api = Api::new(&github, Some(&token));
    (github, api)
}

/// What git says about a repository on disk; it must succeed.
pub(crate) fn git(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(path)
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that git finds nothing wrong with `acme/shop`, and returns where it is.
pub(crate) fn sound(github: &Running) -> std::path::PathBuf {
    let path = github.git_path("acme/shop").unwrap();
    let output = Command::new("git")
        .arg("-C")
        .arg(&path)
        .args(["fsck", "--full", "--strict"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("dangling") && !line.starts_with("notice"))
        .collect();
    assert!(output.status.success() && wrong.is_empty(), "{said}");
    path
}

/// Commits files (path, mode, content) on top of a branch the way Loom does, and returns the commit.
pub(crate) fn commit(
    api: &Api,
    branch: &str,
    message: &str,
    files: &[(&str, &str, &[u8])],
) -> String {
    let head = api.get(&format!("{SHOP}/git/ref/heads/{branch}")).with(200);
    let parent = head["object"]["sha"].as_str().unwrap().to_owned();
    let base = api.get(&format!("{SHOP}/git/commits/{parent}")).with(200);
    let entries: Vec<Value> = files
        .iter()
        .map(|(path, mode, content)| {
            let blob = serde_json::json!({
                "content": loom_test_support::base64(content), "encoding": "base64",
            });
            let sha = api.post(&format!("{SHOP}/git/blobs"), blob).with(201)["sha"].clone();
            serde_json::json!({"path": path, "mode": mode, "type": "blob", "sha": sha})
        })
        .collect();
    let tree = serde_json::json!({"base_tree": base["tree"]["sha"], "tree": entries});
    let tree = api.post(&format!("{SHOP}/git/trees"), tree).with(201);
    let commit = serde_json::json!({
        "message": message, "tree": tree["sha"], "parents": [parent],
    });
    let commit = api.post(&format!("{SHOP}/git/commits"), commit).with(201);
    let sha = commit["sha"].as_str().unwrap().to_owned();
    let update = serde_json::json!({"sha": sha, "force": false});
    api.patch(&format!("{SHOP}/git/refs/heads/{branch}"), update)
        .with(200);
    sha
}

/// Makes a branch at the tip of `main`.
pub(crate) fn branch(github: &Running, api: &Api, name: &str) {
    let sha = github.branch("acme/shop", "main").unwrap();
    let body = serde_json::json!({"ref": format!("refs/heads/{name}"), "sha": sha});
    api.post(&format!("{SHOP}/git/refs"), body).with(201);
}
