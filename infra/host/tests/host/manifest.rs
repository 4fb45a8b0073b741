use crate::support::root;
use loom_host::manifest::{load, parse};
use std::path::Path;

const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"t\"\n";
const HTTP: &str = "[[trigger.http]]\nroute = \"/...\"\ncomponent = \"a\"\n";

#[track_caller]
fn refused(manifest: &str, parts: &[&str]) {
    let error = parse(manifest, Path::new("."))
        .expect_err("the manifest is accepted")
        .to_string();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn looms_own_manifest_is_accepted() {
    let app = load(&root().join("spin.toml")).unwrap();
    assert_eq!(app.name, "loom");
    assert_eq!(app.crons.len(), 3);
    // Only the step may reach both a model and a repository; the sync of beads reaches repositories alone.
    let reaching = |host: &str| -> Vec<&str> {
        app.components
            .iter()
            .filter(|(_, component)| {
                component
                    .allowed_outbound_hosts
                    .iter()
                    .any(|entry| entry.contains(host))
            })
            .map(|(id, _)| id.as_str())
            .collect()
    };
    assert_eq!(reaching("workspace_url"), ["agent-step", "bead-sync"]);
    assert_eq!(
        reaching("tokenhub_url"),
        ["agent-step", "provider-heartbeat", "providers"]
    );
    let knowing = |secret: &str| -> Vec<&str> {
        app.components
            .iter()
            .filter(|(_, component)| {
                component
                    .variables
                    .values()
                    .any(|value| value.contains(secret))
            })
            .map(|(id, _)| id.as_str())
            .collect()
    };
    assert_eq!(knowing("loom_admin_password"), ["auth"]);
    assert_eq!(knowing("workspace_token"), ["agent-step", "bead-sync"]);
    assert!(
        !app.components["cron-tick"]
            .allowed_outbound_hosts
            .iter()
            .any(|host| host.contains('*'))
    );
}

#[test]
fn keys_of_spin_that_are_not_supported_are_refused_by_name() {
    let component =
        |line: &str| format!("{HEAD}{HTTP}[component.a]\nsource = \"a.wasm\"\n{line}\n");
    for (line, key) in [
        ("ai_models = [\"llama2-chat\"]", "component.a.ai_models"),
        ("exclude_files = [\"x\"]", "component.a.exclude_files"),
        (
            "dependencies_inherit_configuration = true",
            "component.a.dependencies",
        ),
        (
            "dependencies = { \"a:b/c\" = \"1\" }",
            "component.a.dependencies",
        ),
    ] {
        refused(&component(line), &[key, "not supported", "; "]);
    }
    let remote = format!(
        "{HEAD}{HTTP}[component.a]\nsource = {{ url = \"https://x/a.wasm\", digest = \"sha256:0\" }}\n"
    );
    refused(&remote, &["component.a.source", "not supported"]);
    let trigger = |lines: &str| {
        format!(
            "{HEAD}[[trigger.http]]\nroute = \"/...\"\n{lines}\n[component.a]\nsource = \"a\"\n"
        )
    };
    refused(
        &trigger("static_response = { body = \"x\" }"),
        &["trigger.http[0].static_response", "not supported"],
    );
    refused(
        &trigger("component = \"a\"\nexecutor = { type = \"wagi\" }"),
        &["trigger.http[0].executor"],
    );
    refused(
        &trigger("component = { source = \"a\" }"),
        &["trigger.http[0].component", "[component.<id>]"],
    );
    refused(
        &trigger("component = \"a\"\ndependencies = {}"),
        &["trigger.http[0].dependencies"],
    );
    let redis = format!(
        "{HEAD}[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n[component.a]\nsource = \"a\"\n"
    );
    refused(&redis, &["trigger.redis", "spin up"]);
    let settings = format!(
        "{HEAD}[application.trigger.redis]\naddress = \"x\"\n{HTTP}[component.a]\nsource = \"a\"\n"
    );
    refused(&settings, &["application.trigger.redis"]);
}

#[test]
fn keys_that_nobody_knows_are_refused_by_name() {
    let component =
        |line: &str| format!("{HEAD}{HTTP}[component.a]\nsource = \"a.wasm\"\n{line}\n");
    refused(&component("timeout = 3"), &["timeout"]);
    refused(
        &component("allowed_http_hosts = []"),
        &["allowed_http_hosts"],
    );
    refused(&format!("{HEAD}typo = 1\n"), &["typo"]);
    refused(
        &format!("{HEAD}[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\nmethod = \"GET\"\n"),
        &["trigger.http[0]", "method"],
    );
}

#[test]
fn parts_that_do_not_fit_together_are_named() {
    let component =
        |line: &str| format!("{HEAD}{HTTP}[component.a]\nsource = \"a.wasm\"\n{line}\n");
    refused(
        &format!("{HEAD}{HTTP}"),
        &["trigger.http[0].component", "[component.a]"],
    );
    refused(
        &format!("{HEAD}{HTTP}{HTTP}[component.a]\nsource = \"a\"\n"),
        &["trigger.http[1].route", "already"],
    );
    refused(
        &component("allowed_outbound_hosts = [\"https://{{ nobody }}\"]"),
        &["allowed_outbound_hosts", "nobody"],
    );
    refused(
        &component("allowed_outbound_hosts = [\"example.com\"]"),
        &["allowed_outbound_hosts", "scheme"],
    );
    refused(
        &component("variables = { a = \"{{ b }}\" }"),
        &["component.a.variables.a", "{{ b }}"],
    );
    refused(
        &component("files = [{ source = \"x\", destination = \"y\" }]"),
        &["component.a.files", "start with /"],
    );
    refused(&component("key_value_stores = [\"../x\"]"), &["../x"]);
    refused(
        &format!("{HEAD}[variables]\nx = {{}}\n{HTTP}[component.a]\nsource = \"a\"\n"),
        &["variables.x", "default"],
    );
    refused(
        &format!("{HEAD}[component.a]\nsource = \"a\"\n"),
        &["nothing would ever run"],
    );
    let reserved = "[[trigger.http]]\nroute = \"/.well-known/spin/x\"\ncomponent = \"a\"\n";
    refused(
        &format!("{HEAD}{reserved}[component.a]\nsource = \"a\"\n"),
        &["belongs to the platform"],
    );
    let cron = |expression: &str, host: &str| {
        format!(
            "{HEAD}[[trigger.cron]]\ncomponent = \"a\"\ncron_expression = \"{expression}\"\n\
             [component.a]\nsource = \"a\"\nallowed_outbound_hosts = [\"{host}\"]\n"
        )
    };
    refused(
        &cron("* * * * *", "http://x"),
        &["trigger.cron[0].cron_expression", "six fields"],
    );
    refused(
        &cron("* * * * * *", "http://b.spin.internal"),
        &["component.a.allowed_outbound_hosts", "public route"],
    );
    refused(
        "spin_manifest_version = 1\n[application]\nname = \"t\"\n",
        &["spin_manifest_version"],
    );
}
