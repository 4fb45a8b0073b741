use std::process::Command;

use loom_github_double::{Config, NewRepository, Permission, Running};
use serde_json::{Value, json};

use crate::balancer::Balancer;
use crate::loom::{Host, unique};
use crate::{Loom, Options, Project, Random};

/// How Loom is known to GitHub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// By a token of the account `loom`.
    Token,
    /// As a GitHub App.
    App,
}

/// A double of GitHub, which tells a Loom of everything that happens there.
pub struct GitHub {
    double: Running,
    secret: String,
    balancer: Balancer,
    access: Access,
}

impl GitHub {
    /// Starts it, without a repository.
    pub fn start(access: Access) -> Self {
        let double = loom_github_double::GitHub::start(Config::default())
            .expect("the double of GitHub starts");
        let mut random = Random::new(Random::seed_from("LOOM_WEBHOOK_SEED"));
        let secret = format!("made-up-{:016x}{:016x}", random.number(), random.number());
        Self {
            double,
            secret,
            balancer: Balancer::start(),
            access,
        }
    }

    /// The double itself.
    pub fn double(&self) -> &Running {
        &self.double
    }

    /// What its webhooks are signed with.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Loom's login there.
    pub fn login(&self) -> String {
        match self.access {
            Access::Token => "loom".to_owned(),
            Access::App => self.double.app().bot(),
        }
    }

    /// The options of a Loom that is connected with it.
    pub fn options(&self) -> Options {
        let options = Options::default()
            .variable("github_url", self.double.url())
            .variable("github_webhook_secrets", &self.secret);
        match self.access {
            Access::Token => options.variable("github_token", self.double.token("loom")),
            Access::App => {
                let app = self.double.app();
                options
                    .variable("github_app_id", app.id)
                    .variable("github_app_private_key", app.private_key_pem)
            }
        }
    }

    /// Makes a repository in which Loom may write.
    pub fn create(&self, new: &NewRepository) {
        self.double.create_repository(new);
        let name = format!("{}/{}", new.owner, new.name);
        self.double.allow(&name, "loom", Permission::Write);
    }

    /// Sends webhooks to this Loom from now on, and to the other host if there is one. Again after one was started anew.
    pub fn tell(&self, loom: &Loom, other: Option<&Host>) {
        let mut hosts = vec![loom.admin.anonymous()];
        hosts.extend(other.map(|host| host.service.anonymous()));
        self.balancer.set(hosts);
        let url = format!("{}/api/v1/webhooks/github", self.balancer.url());
        self.double.set_webhook(&url, &self.secret);
    }

    /// Registers a repository, `owner/name`, as a project with a team of these roles. `settings` replace or add fields.
    #[track_caller]
    pub fn project(
        &self,
        loom: &Loom,
        repository: &str,
        team: &[&str],
        settings: Value,
    ) -> Project {
        let mut input = json!({
            "name": unique("project"),
            "git_repo": format!("{}/{repository}", self.double.url()),
            "git_strategy": "branch-pr",
            "bead_prefix": unique("b"),
            "team": team,
        });
        if let (Some(input), Value::Object(settings)) = (input.as_object_mut(), settings) {
            input.extend(settings);
        }
        let project = loom.admin.post("/api/v1/projects", &input).ok();
        Project {
            id: project["id"].as_str().unwrap().to_owned(),
            prefix: project["bead_prefix"].as_str().unwrap().to_owned(),
        }
    }

    /// What git prints about a repository, `owner/name`, without the last line break.
    #[track_caller]
    pub fn git(&self, repository: &str, arguments: &[&str]) -> String {
        let path = self.double.git_path(repository).expect("it is there");
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(path)
            .args(arguments)
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.trim_end_matches('\n').to_owned()
    }
}
