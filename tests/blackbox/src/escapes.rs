use loom_test_support::tokenhub::Answer;
use loom_test_support::{Loom, Repository};
use serde_json::{Value, json};

/// Asks for all actions in one reply, and returns the status and code of each.
fn attempt(
    loom: &Loom,
    repository: &Repository,
    title: &str,
    calls: Vec<(&str, Value)>,
) -> Vec<(String, String)> {
    let project = loom.project(repository, &["engineering-manager"], json!({}));
    let calls: Vec<(String, Value)> = calls
        .into_iter()
        .map(|(name, arguments)| (name.to_owned(), arguments))
        .collect();
    loom.model.turns(
        title,
        [
            Answer::calls(calls),
            Answer::call("done", json!({"summary": "Tried."})),
        ],
    );
    let bead = loom.file(&project, title, json!({}));
    loom.until_status(&bead, "closed");
    let runs = loom.runs(&bead);
    runs[0]["steps"][0]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| {
            let text = |field: &str| action[field].as_str().unwrap_or_default().to_owned();
            (text("status"), text("code"))
        })
        .collect()
}

fn refused(code: &str) -> (String, String) {
    ("refused".to_owned(), code.to_owned())
}

#[test]
fn an_agent_reaches_nothing_outside_of_its_worktree_by_path() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Escapes\n")]);
    let outside = repository.path().parent().unwrap().join("loom-escape.txt");
    let outside = outside.to_str().unwrap();
    let answers = attempt(
        &loom,
        &repository,
        "Leave the worktree in by_path",
        vec![
            ("read_file", json!({"path": "../../../../../../etc/passwd"})),
            ("read_file", json!({"path": "/etc/passwd"})),
            (
                "write_file",
                json!({"path": "../loom-escape.txt", "content": "x"}),
            ),
            ("write_file", json!({"path": outside, "content": "x"})),
            (
                "write_file",
                json!({"path": "a/../../loom-escape.txt", "content": "x"}),
            ),
            (
                "move_file",
                json!({"from": "README.md", "to": "../README.md"}),
            ),
            ("delete_file", json!({"path": ".git/config"})),
            (
                "write_file",
                json!({"path": ".git/hooks/pre-commit", "content": "x"}),
            ),
            ("search", json!({"query": "root", "path": "/etc"})),
            ("read_tree", json!({"path": ".."})),
        ],
    );
    assert_eq!(answers, vec![refused("path_outside_workspace"); 10]);
    assert!(!std::path::Path::new(outside).exists());
}

#[test]
fn an_agent_reaches_nothing_outside_of_its_worktree_by_symbolic_link() {
    let loom = Loom::shared();
    let secrets = Repository::new(&[("secret.txt", "secret\n")]);
    let repository = Repository::new(&[("README.md", "Escapes\n")]);
    let link = |target: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(target, repository.path().join(name)).unwrap();
    };
    link(secrets.path(), "folder");
    link(&secrets.path().join("secret.txt"), "file");
    link(std::path::Path::new("../../../../../../etc"), "climbing");
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message=Links"]);
    let answers = attempt(
        &loom,
        &repository,
        "Follow links in by_symbolic_link",
        vec![
            ("read_file", json!({"path": "folder/secret.txt"})),
            ("read_file", json!({"path": "file"})),
            ("read_file", json!({"path": "climbing/passwd"})),
            (
                "write_file",
                json!({"path": "folder/secret.txt", "content": "stolen"}),
            ),
            (
                "write_file",
                json!({"path": "folder/new.txt", "content": "planted"}),
            ),
            (
                "edit_file",
                json!({"path": "folder/secret.txt", "old_text": "secret", "new_text": "stolen"}),
            ),
            ("delete_file", json!({"path": "folder/secret.txt"})),
            (
                "move_file",
                json!({"from": "README.md", "to": "folder/README.md"}),
            ),
            (
                "move_file",
                json!({"from": "folder/secret.txt", "to": "secret.txt"}),
            ),
        ],
    );
    assert_eq!(answers, vec![refused("path_outside_workspace"); 9]);
    let mut names: Vec<String> = std::fs::read_dir(secrets.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".git", "secret.txt"]);
    let content = std::fs::read_to_string(secrets.path().join("secret.txt")).unwrap();
    assert_eq!(content, "secret\n");
}

#[test]
fn an_agent_starts_no_program_that_is_not_allowed() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Escapes\n")]);
    let answers = attempt(
        &loom,
        &repository,
        "Start programs in not_allowed",
        vec![
            ("run_command", json!({"argv": ["bash", "-c", "echo x > y"]})),
            ("run_command", json!({"argv": ["sh", "-c", "true"]})),
            ("run_command", json!({"argv": ["curl", "http://localhost"]})),
            ("run_command", json!({"argv": ["git", "push", "--force"]})),
            ("run_command", json!({"argv": ["/bin/echo", "x"]})),
            ("run_command", json!({"argv": ["../../bin/ls"]})),
            ("run_command", json!({"argv": ["./README.md"]})),
        ],
    );
    assert_eq!(answers, vec![refused("command_not_allowed"); 7]);
}

#[test]
fn a_secret_is_not_committed() {
    let loom = Loom::shared();
    let repository = Repository::new(&[("README.md", "Escapes\n")]);
    let before = repository.git(&["rev-parse", "main"]);
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        "MIIEow".repeat(20)
    );
    let answers = attempt(
        &loom,
        &repository,
        "Commit a key in not_committed",
        vec![
            ("write_file", json!({"path": "key.pem", "content": key})),
            ("git_commit", json!({"message": "Add the key"})),
            ("delete_file", json!({"path": "key.pem"})),
        ],
    );
    assert_eq!(answers[1], refused("secret_found"));
    assert_eq!(repository.git(&["rev-parse", "main"]), before);
}
