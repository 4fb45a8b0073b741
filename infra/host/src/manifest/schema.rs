//! The manifest's keys as Spin 4.1 defines them, the unsupported ones included, so that they can be refused by name.

use super::ManifestError;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) spin_manifest_version: u32,
    pub(super) application: Application,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub(super) trigger: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) component: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    // Checked by `spin build` against Spin's own list of environments; it changes nothing at run time.
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    pub(super) trigger: Option<Value>,
    #[serde(default, rename = "tool")]
    _tool: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    #[serde(default)]
    pub(super) required: bool,
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) secret: bool,
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub(super) route: Route,
    pub(super) component: Option<Value>,
    pub(super) static_response: Option<Value>,
    pub(super) executor: Option<Executor>,
    pub(super) dependencies: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Route {
    Path(String),
    Private(PrivateRoute),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrivateRoute {
    pub(super) private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Executor {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CronTrigger {
    #[serde(default, rename = "id")]
    _id: String,
    pub(super) component: String,
    pub(super) cron_expression: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component {
    pub(super) source: Value,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) files: Vec<Files>,
    #[serde(default)]
    pub(super) exclude_files: Vec<String>,
    #[serde(default)]
    pub(super) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(super) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(super) sqlite_databases: Vec<String>,
    #[serde(default)]
    pub(super) ai_models: Vec<String>,
    #[serde(default, rename = "targets")]
    _targets: Vec<Value>,
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    pub(super) build: Option<Build>,
    #[serde(default, rename = "tool")]
    _tool: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) dependencies_inherit_configuration: bool,
    // Used by `spin up --profile NAME` alone; without that flag Spin ignores it, and so does this host.
    #[serde(default, rename = "profile")]
    _profile: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Files {
    Glob(String),
    Mount(Mount),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mount {
    pub(super) source: String,
    pub(super) destination: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Build {
    pub(super) command: Command,
    pub(super) workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Command {
    One(String),
    Many(Vec<String>),
}

pub(super) fn parse(text: &str) -> Result<Document, ManifestError> {
    toml::from_str(text)
        .map_err(|error| ManifestError::Syntax(error.to_string().trim_end().to_owned()))
}
