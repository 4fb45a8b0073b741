use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use loom_platform::Platform;
use serde::Deserialize;

use crate::{
    Actor, ActorKind, GitHub, GithubError, Repository,
    auth::Who,
    call::{Call, segment},
    error::optional,
};

/// What a person may do in a repository; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nothing.
    None,
    /// Read.
    Read,
    /// Manage issues and pull requests.
    Triage,
    /// Push.
    Write,
    /// Manage the repository.
    Maintain,
    /// Everything.
    Admin,
}

impl Permission {
    /// Whether it includes pushing.
    pub fn can_write(self) -> bool {
        self >= Self::Write
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    permission: String,
    #[serde(default)]
    role_name: String,
}

impl Wire {
    fn permission(&self) -> Permission {
        // `permission` knows neither triage nor maintain; `role_name` may be a role that an organisation made up.
        match (self.role_name.as_str(), self.permission.as_str()) {
            (_, "admin") => Permission::Admin,
            ("maintain", "write") => Permission::Maintain,
            (_, "write") => Permission::Write,
            ("triage", "read") => Permission::Triage,
            (_, "read") => Permission::Read,
            _ => Permission::None,
        }
    }
}

#[derive(Deserialize)]
struct App {
    slug: String,
}

/// Own logins by API and credentials: they change so seldom that a process looks once.
static VIEWERS: Mutex<BTreeMap<String, Actor>> = Mutex::new(BTreeMap::new());

impl<P: Platform> Repository<P> {
    /// What `login` may do here. Who is not known here may do nothing.
    pub async fn permission(&self, login: &str) -> Result<Permission, GithubError> {
        let target = self.at(&format!("/collaborators/{}/permission", segment(login)));
        let found = optional(self.get::<Wire>(Call::get(target)).await)?;
        Ok(found.map_or(Permission::None, |wire| wire.permission()))
    }

    pub(crate) async fn own_login(&self) -> Result<String, GithubError> {
        Ok(self.github().viewer().await?.login)
    }
}

impl<P: Platform> GitHub<P> {
    /// Loom's own account: the token's owner, or for an App `<slug>[bot]`. Remembered by the process.
    pub async fn viewer(&self) -> Result<Actor, GithubError> {
        let key = format!("{} {}", self.root(), self.identity());
        let known = VIEWERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let viewer = if self.is_app() {
            let app: App = self.send(Who::Itself, &Call::get("/app")).await?.json()?;
            Actor {
                login: format!("{}[bot]", app.slug),
                kind: ActorKind::Bot,
            }
        } else {
            self.send(Who::Itself, &Call::get("/user")).await?.json()?
        };
        VIEWERS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, viewer.clone());
        Ok(viewer)
    }
}
