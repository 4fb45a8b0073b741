//! The checked application: what is in it is supported, and every name in it exists.

use super::ManifestError;
use super::schema::{self, Document};
use crate::routes::{Pattern, RESERVED};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Value;

/// A checked application.
#[derive(Debug, Clone)]
pub struct App {
    /// The application's name.
    pub name: String,
    /// The application's version, or an empty string.
    pub version: String,
    /// The folder of the manifest.
    pub dir: PathBuf,
    /// Declared variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// HTTP triggers, in the manifest's order.
    pub routes: Vec<Route>,
    /// Cron triggers, in the manifest's order.
    pub crons: Vec<Cron>,
    /// Components by id, those without a trigger left out.
    pub components: BTreeMap<String, Component>,
}

/// A variable of the application.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Its value when nobody gives another; `None` when somebody must.
    pub default: Option<String>,
    /// Whether its value is kept out of messages.
    pub secret: bool,
}

/// An HTTP trigger.
#[derive(Debug, Clone)]
pub struct Route {
    /// The public route, or `None` for a private one.
    pub pattern: Option<Pattern>,
    /// The component that answers.
    pub component: String,
}

/// A cron trigger.
#[derive(Debug, Clone)]
pub struct Cron {
    /// The component that is called.
    pub component: String,
    /// When: six fields, seconds first, in UTC.
    pub expression: String,
}

/// A component and all that it may use.
#[derive(Debug, Clone)]
pub struct Component {
    /// The compiled component.
    pub source: PathBuf,
    /// Environment variables that it sees.
    pub environment: BTreeMap<String, String>,
    /// Files that it sees.
    pub files: Vec<Mount>,
    /// Hosts that it may call, with `{{ variable }}` not yet replaced.
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of the key-value stores that it may open.
    pub key_value_stores: Vec<String>,
    /// Labels of the SQLite databases that it may open.
    pub sqlite_databases: Vec<String>,
    /// Its own variables: templates over the application's.
    pub variables: BTreeMap<String, String>,
    /// How it is built.
    pub build: Option<Build>,
}

/// Files that a component sees, always read-only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// Every file that matches, at its path relative to the manifest.
    Glob(String),
    /// A folder or file at an absolute path of the guest.
    Path {
        /// Absolute, or relative to the working directory.
        source: PathBuf,
        /// Absolute, in the guest.
        destination: String,
    },
}

/// How a component is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Command lines, run one after the other.
    pub commands: Vec<String>,
    /// Where to run them.
    pub workdir: PathBuf,
}

fn unsupported(key: String, instead: &str) -> ManifestError {
    ManifestError::Unsupported {
        key,
        instead: instead.to_owned(),
    }
}

fn invalid(key: impl Into<String>, reason: impl Into<String>) -> ManifestError {
    ManifestError::Invalid {
        key: key.into(),
        reason: reason.into(),
    }
}

pub(super) fn check(document: Document, dir: &Path) -> Result<App, ManifestError> {
    if document.spin_manifest_version != 2 {
        return Err(invalid(
            "spin_manifest_version",
            "only version 2 is read; `spin doctor` upgrades older ones",
        ));
    }
    if let Some(Value::Table(triggers)) = &document.application.trigger
        && let Some((kind, _)) = triggers
            .iter()
            .find(|(_, value)| value.as_table().is_none_or(|t| !t.is_empty()))
    {
        return Err(unsupported(
            format!("application.trigger.{kind}"),
            "remove it: neither HTTP nor cron triggers have settings for the whole application",
        ));
    }

    let mut variables = BTreeMap::new();
    for (name, variable) in document.variables {
        let key = format!("variables.{name}");
        if !is_variable_name(&name) {
            return Err(invalid(
                key,
                "a variable's name is lower-case letters, digits and single underscores",
            ));
        }
        let default = match (variable.required, variable.default) {
            (true, Some(_)) => {
                return Err(invalid(
                    key,
                    "give either `required = true` or a `default`, not both",
                ));
            }
            (false, None) => return Err(invalid(key, "give `required = true` or a `default`")),
            (_, default) => default,
        };
        variables.insert(
            name,
            Variable {
                default,
                secret: variable.secret,
            },
        );
    }

    let mut routes = Vec::new();
    let mut crons = Vec::new();
    for (kind, triggers) in document.trigger {
        match kind.as_str() {
            "http" => routes = http_triggers(triggers, &document.component)?,
            "cron" => crons = cron_triggers(triggers, &document.component)?,
            other => {
                return Err(unsupported(
                    format!("trigger.{other}"),
                    "only http and cron triggers run here; run the application with `spin up`",
                ));
            }
        }
    }

    let mut components = BTreeMap::new();
    for (id, component) in document.component {
        let on_http = routes.iter().any(|route| route.component == id);
        let on_cron = crons.iter().any(|cron| cron.component == id);
        let component = check_component(&id, component, &variables, dir)?;
        if on_cron
            && !on_http
            && component
                .allowed_outbound_hosts
                .iter()
                .any(|host| host.contains(".spin.internal"))
        {
            return Err(invalid(
                format!("component.{id}.allowed_outbound_hosts"),
                "on Spin only HTTP components can call others at *.spin.internal; call a public route instead",
            ));
        }
        if on_http || on_cron {
            components.insert(id, component);
        }
    }
    if components.is_empty() {
        return Err(invalid(
            "trigger",
            "there is no HTTP or cron trigger, so nothing would ever run",
        ));
    }

    Ok(App {
        name: document.application.name,
        version: document.application.version,
        dir: dir.to_owned(),
        variables,
        routes,
        crons,
        components,
    })
}

/// Reads `[[trigger.<kind>]]`, one entry at a time so that an error names its number.
fn entries<T: DeserializeOwned>(kind: &str, triggers: Value) -> Result<Vec<T>, ManifestError> {
    let Value::Array(triggers) = triggers else {
        return Err(invalid(
            format!("trigger.{kind}"),
            format!("write each trigger as [[trigger.{kind}]]"),
        ));
    };
    triggers
        .into_iter()
        .enumerate()
        .map(|(index, trigger)| {
            trigger.try_into().map_err(|error| {
                invalid(
                    format!("trigger.{kind}[{index}]"),
                    error.to_string().trim_end().replace('\n', " "),
                )
            })
        })
        .collect()
}

fn http_triggers(
    triggers: Value,
    components: &BTreeMap<String, schema::Component>,
) -> Result<Vec<Route>, ManifestError> {
    let mut routes: Vec<Route> = Vec::new();
    for (index, trigger) in entries::<schema::HttpTrigger>("http", triggers)?
        .into_iter()
        .enumerate()
    {
        let key = |name: &str| format!("trigger.http[{index}].{name}");
        if trigger.static_response.is_some() {
            return Err(unsupported(
                key("static_response"),
                "answer with a component",
            ));
        }
        if trigger.dependencies.is_some() {
            return Err(unsupported(
                key("dependencies"),
                "put the middleware into the component, or use `spin up`",
            ));
        }
        if trigger
            .executor
            .is_some_and(|executor| executor.kind != "http")
        {
            return Err(unsupported(
                key("executor"),
                "only components with wasi:http/handler@0.3.0 run here",
            ));
        }
        let component = match trigger.component {
            Some(Value::String(id)) => id,
            Some(_) => {
                return Err(unsupported(
                    key("component"),
                    "move the inline table to [component.<id>]",
                ));
            }
            None => return Err(invalid(key("component"), "name the component that answers")),
        };
        if !components.contains_key(&component) {
            return Err(invalid(
                key("component"),
                format!("there is no [component.{component}]"),
            ));
        }
        let pattern = match trigger.route {
            schema::Route::Private(route) if route.private => None,
            schema::Route::Private(_) => {
                return Err(invalid(
                    key("route"),
                    "write `{ private = true }` or a path",
                ));
            }
            schema::Route::Path(path) => {
                let pattern =
                    Pattern::parse(&path).map_err(|reason| invalid(key("route"), reason))?;
                if path.starts_with(RESERVED) {
                    return Err(invalid(
                        key("route"),
                        format!("{RESERVED} belongs to the platform"),
                    ));
                }
                Some(pattern)
            }
        };
        if let Some(pattern) = &pattern
            && routes.iter().any(|route| {
                route
                    .pattern
                    .as_ref()
                    .is_some_and(|other| other.same_paths(pattern))
            })
        {
            // Spin lets the last one win and logs an error; nobody wants that.
            return Err(invalid(
                key("route"),
                format!("{} is already another trigger's route", pattern.raw()),
            ));
        }
        routes.push(Route { pattern, component });
    }
    Ok(routes)
}

fn cron_triggers(
    triggers: Value,
    components: &BTreeMap<String, schema::Component>,
) -> Result<Vec<Cron>, ManifestError> {
    let mut crons = Vec::new();
    for (index, trigger) in entries::<schema::CronTrigger>("cron", triggers)?
        .into_iter()
        .enumerate()
    {
        if !components.contains_key(&trigger.component) {
            return Err(invalid(
                format!("trigger.cron[{index}].component"),
                format!("there is no [component.{}]", trigger.component),
            ));
        }
        crate::cron::parse(&trigger.cron_expression)
            .map_err(|reason| invalid(format!("trigger.cron[{index}].cron_expression"), reason))?;
        crons.push(Cron {
            component: trigger.component,
            expression: trigger.cron_expression,
        });
    }
    Ok(crons)
}

fn check_component(
    id: &str,
    component: schema::Component,
    variables: &BTreeMap<String, Variable>,
    dir: &Path,
) -> Result<Component, ManifestError> {
    let key = |name: &str| format!("component.{id}.{name}");
    if !is_component_id(id) {
        return Err(invalid(
            format!("component.{id}"),
            "a component's id is kebab-case, such as bead-sync",
        ));
    }
    let Value::String(source) = component.source else {
        return Err(unsupported(
            key("source"),
            "name a file: components from a URL or a registry aren't fetched",
        ));
    };
    if !component.exclude_files.is_empty() {
        return Err(unsupported(key("exclude_files"), "narrow `files` instead"));
    }
    if !component.ai_models.is_empty() {
        return Err(unsupported(
            key("ai_models"),
            "call a model over HTTP; TokenHub is the one Loom uses",
        ));
    }
    if !component.dependencies.is_empty() || component.dependencies_inherit_configuration {
        return Err(unsupported(
            key("dependencies"),
            "compose the component beforehand, for example with `wac`",
        ));
    }
    for label in component
        .key_value_stores
        .iter()
        .chain(&component.sqlite_databases)
    {
        if !is_label(label) {
            return Err(invalid(
                key("key_value_stores/sqlite_databases"),
                format!("{label:?} is not a store label"),
            ));
        }
    }
    for (name, template) in &component.variables {
        if !is_variable_name(name) {
            return Err(invalid(
                key(&format!("variables.{name}")),
                "names are lower-case snake_case",
            ));
        }
        known_variables(template, variables)
            .map_err(|reason| invalid(key(&format!("variables.{name}")), reason))?;
    }
    for host in &component.allowed_outbound_hosts {
        known_variables(host, variables)
            .map_err(|reason| invalid(key("allowed_outbound_hosts"), reason))?;
        if !host.contains("{{") {
            crate::outbound::Allowed::parse(host)
                .map_err(|reason| invalid(key("allowed_outbound_hosts"), reason))?;
        }
    }
    let mut files = Vec::new();
    for entry in component.files {
        files.push(match entry {
            schema::Files::Glob(pattern) => Mount::Glob(pattern),
            schema::Files::Mount(mount) if mount.destination.starts_with('/') => Mount::Path {
                source: dir.join(mount.source),
                destination: mount.destination,
            },
            schema::Files::Mount(mount) => {
                return Err(invalid(
                    key("files"),
                    format!("destination {:?} must start with /", mount.destination),
                ));
            }
        });
    }
    Ok(Component {
        source: dir.join(source),
        environment: component.environment,
        files,
        allowed_outbound_hosts: component.allowed_outbound_hosts,
        key_value_stores: component.key_value_stores,
        sqlite_databases: component.sqlite_databases,
        variables: component.variables,
        build: component.build.map(|build| Build {
            commands: match build.command {
                schema::Command::One(command) => vec![command],
                schema::Command::Many(commands) => commands,
            },
            workdir: build
                .workdir
                .map_or_else(|| dir.to_owned(), |workdir| dir.join(workdir)),
        }),
    })
}

fn known_variables(template: &str, variables: &BTreeMap<String, Variable>) -> Result<(), String> {
    for name in crate::template::names(template)? {
        if !variables.contains_key(name) {
            return Err(format!("{{{{ {name} }}}} is not declared in [variables]"));
        }
    }
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_component_id(id: &str) -> bool {
    id.split('-').all(|word| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

// A label is also the name of a file.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
