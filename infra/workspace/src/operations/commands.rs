use std::path::Path;
use std::time::Duration;

use loom_workspace::{Project, WorkspaceError, path};

use super::Task;
use crate::error::Result;
use crate::journal::Answer;
use crate::sandbox::Job;

/// How long builds, tests and lints may take, in seconds; also the most for any command.
pub(super) const LONG: u64 = 1800;
const DEFAULT_TIMEOUT: u64 = 300;
const MAX_ARGUMENTS: usize = 200;
const MAX_ARGUMENT: usize = 32 * 1024;

/// What agents may start in every project. Shells, git, package installers and network tools are not among them: a
/// shell would turn arguments into programs, and git has operations of its own.
const ALLOWED: [&str; 32] = [
    "cargo", "cat", "cmp", "cut", "diff", "echo", "file", "find", "go", "gofmt", "grep", "head",
    "ls", "make", "node", "npm", "npx", "pwd", "pytest", "python", "python3", "rg", "ruff",
    "rustc", "rustfmt", "sed", "sort", "stat", "tail", "tree", "uniq", "wc",
];

pub(super) fn run(
    task: &Task<'_>,
    argv: &[String],
    timeout: Option<u64>,
    directory: &str,
) -> Answer {
    let program = argv.first().map_or("", String::as_str);
    let own = &task.call.project.allowed_commands;
    if !ALLOWED.contains(&program) && !own.iter().any(|allowed| allowed == program) {
        let mut allowed: Vec<&str> = ALLOWED
            .iter()
            .copied()
            .chain(own.iter().map(String::as_str))
            .collect();
        allowed.sort_unstable();
        return Err(WorkspaceError::refused(
            "command_not_allowed",
            format!(
                "{program:?} may not be started here; these may: {}. There is no shell: give the program and its \
                 arguments one by one",
                allowed.join(", ")
            ),
        )
        .with("allowed", allowed));
    }
    if argv.len() > MAX_ARGUMENTS
        || argv
            .iter()
            .any(|word| word.len() > MAX_ARGUMENT || word.contains('\0'))
    {
        return Err(WorkspaceError::refused(
            "invalid_command",
            "the command has too many, too long or unusable arguments",
        ));
    }
    let timeout = timeout.unwrap_or(DEFAULT_TIMEOUT).clamp(1, LONG);
    start(task, argv.to_vec(), timeout, directory)
}

pub(super) fn build(task: &Task<'_>) -> Answer {
    let detected = |kind| match kind {
        Kind::Cargo => Some(vec!["cargo", "build", "--all-targets"]),
        Kind::Go => Some(vec!["go", "build", "./..."]),
        Kind::Npm => Some(vec!["npm", "run", "build", "--if-present"]),
        Kind::Make => Some(vec!["make"]),
        Kind::Pytest => Some(vec!["python3", "-m", "compileall", "-q", "."]),
    };
    of_project(
        task,
        "build",
        task.call.project.build_command.as_deref(),
        detected,
    )
}

pub(super) fn lint(task: &Task<'_>) -> Answer {
    let detected = |kind| match kind {
        Kind::Cargo => Some(vec!["cargo", "clippy", "--all-targets"]),
        Kind::Go => Some(vec!["go", "vet", "./..."]),
        Kind::Npm => Some(vec!["npm", "run", "lint", "--if-present"]),
        Kind::Make => Some(vec!["make", "lint"]),
        Kind::Pytest => Some(vec!["ruff", "check", "."]),
    };
    of_project(
        task,
        "lint",
        task.call.project.lint_command.as_deref(),
        detected,
    )
}

pub(super) fn test(task: &Task<'_>, filter: Option<&str>) -> Answer {
    match test_command(&task.call.project, &task.space.places.tree, filter)? {
        Some(argv) => start(task, argv, LONG, ""),
        None => Err(unknown("test")),
    }
}

/// The command that tests the project whose files are in `files`; none when there is no telling.
pub(super) fn test_command(
    project: &Project,
    files: &Path,
    filter: Option<&str>,
) -> Result<Option<Vec<String>>> {
    let mut argv = match project
        .test_command
        .as_deref()
        .filter(|command| !command.trim().is_empty())
    {
        Some(command) => split(command)?,
        None => {
            let argv: &[&str] = match Kind::of(files) {
                Some(Kind::Cargo) => &["cargo", "test"],
                Some(Kind::Go) => &["go", "test", "./..."],
                Some(Kind::Npm) => &["npm", "test"],
                Some(Kind::Make) => &["make", "test"],
                Some(Kind::Pytest) => &["python3", "-m", "pytest", "-q"],
                None => return Ok(None),
            };
            owned(argv)
        }
    };
    if let Some(filter) = filter.filter(|filter| !filter.is_empty()) {
        add_filter(&mut argv, filter)?;
    }
    Ok(Some(argv))
}

fn add_filter(argv: &mut Vec<String>, filter: &str) -> Result<()> {
    if filter.starts_with('-') || filter.chars().any(char::is_control) || filter.len() > 500 {
        return Err(WorkspaceError::refused(
            "invalid_filter",
            "a filter is a part of a test's name, not an option",
        ));
    }
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["cargo", "test", ..] => {
            // Before the arguments that go to the test program.
            let end = words
                .iter()
                .position(|word| *word == "--")
                .unwrap_or(words.len());
            argv.insert(end, filter.to_owned());
        }
        ["go", "test", ..] => argv.extend(["-run".to_owned(), filter.to_owned()]),
        ["npm", "test", ..] => argv.extend(["--".to_owned(), filter.to_owned()]),
        ["pytest", ..] | ["python" | "python3", "-m", "pytest", ..] => {
            argv.extend(["-k".to_owned(), filter.to_owned()]);
        }
        // It runs all of them, which includes those that were asked for.
        _ => {}
    }
    Ok(())
}

fn of_project(
    task: &Task<'_>,
    what: &str,
    own: Option<&str>,
    detected: impl Fn(Kind) -> Option<Vec<&'static str>>,
) -> Answer {
    let argv = match own.filter(|command| !command.trim().is_empty()) {
        Some(command) => split(command)?,
        None => {
            let found = Kind::of(&task.space.places.tree).and_then(detected);
            owned(&found.ok_or_else(|| unknown(what))?)
        }
    };
    start(task, argv, LONG, "")
}

fn start(task: &Task<'_>, argv: Vec<String>, timeout: u64, directory: &str) -> Answer {
    let files = task.space.files()?;
    task.sandbox.run(Job {
        argv,
        directory: files.directory(&path::normalize(directory)?)?,
        timeout: Duration::from_secs(timeout),
        worktree: task.space.places.tree.clone(),
        private: task.space.places.private.clone(),
    })
}

/// What kind of project it is, by the files at its root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Cargo,
    Go,
    Npm,
    Make,
    Pytest,
}

impl Kind {
    fn of(files: &Path) -> Option<Self> {
        let has = |names: &[&str]| names.iter().any(|name| files.join(name).is_file());
        if has(&["Cargo.toml"]) {
            Some(Self::Cargo)
        } else if has(&["go.mod"]) {
            Some(Self::Go)
        } else if has(&["package.json"]) {
            Some(Self::Npm)
        } else if has(&["Makefile", "makefile", "GNUmakefile"]) {
            Some(Self::Make)
        } else if has(&[
            "pyproject.toml",
            "pytest.ini",
            "setup.py",
            "setup.cfg",
            "tox.ini",
            "conftest.py",
        ]) {
            Some(Self::Pytest)
        } else {
            None
        }
    }
}

fn unknown(what: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "no_project_command",
        format!(
            "the project has no {what} command, and none of Cargo.toml, go.mod, package.json, a Makefile or a Python \
             project file is at its root; run a command of your own, or have the project's {what} command set"
        ),
    )
}

/// Splits a command line into words as a shell would. Whatever only a shell could do is refused, because there is
/// none.
fn split(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            c if c.is_whitespace() && c != '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(unusable(line, "a quote is not closed")),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(unusable(line, "a quote is not closed")),
                        },
                        Some(c @ ('$' | '`')) => return Err(needs_shell(line, c)),
                        Some(c) => word.push(c),
                        None => return Err(unusable(line, "a quote is not closed")),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(c) if c != '\n' => word.get_or_insert_default().push(c),
                _ => return Err(unusable(line, "it ends in a backslash")),
            },
            c if "|&;<>()$`*?[]{}\n".contains(c) => return Err(needs_shell(line, c)),
            c @ ('~' | '#') if word.is_none() => return Err(needs_shell(line, c)),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.first() {
        None => Err(unusable(line, "it is empty")),
        Some(first) if first.contains('=') => Err(unusable(
            line,
            "it begins with a variable, which needs a shell",
        )),
        Some(_) => Ok(words),
    }
}

fn needs_shell(line: &str, character: char) -> WorkspaceError {
    unusable(
        line,
        &format!(
            "{character:?} needs a shell, and there is none; quote it, or put the steps into a file"
        ),
    )
}

fn unusable(line: &str, why: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "invalid_command",
        format!("the project's command `{line}` can't be run: {why}"),
    )
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn command_lines_are_split_as_a_shell_would() {
        for (line, words) in [
            ("cargo test --all", vec!["cargo", "test", "--all"]),
            ("  npm\trun 'my test' ", vec!["npm", "run", "my test"]),
            (r#"make "A=b c" x\ y"#, vec!["make", "A=b c", "x y"]),
            (r#"p "" ''"#, vec!["p", "", ""]),
            (r#"p "a\"b\\c\d" e'f'"g""#, vec!["p", r#"a"b\c\d"#, "efg"]),
            (
                "go test ./... -run 'A|B' a#b",
                vec!["go", "test", "./...", "-run", "A|B", "a#b"],
            ),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        for line in [
            "a && b",
            "a | b",
            "a; b",
            "a > b",
            "a $HOME",
            "a `b`",
            "a \"$(b)\"",
            "a *.rs",
            "a &",
            "A=1 b",
            "a 'b",
            "",
            "a \\",
            "~/a",
            "a\nb",
        ] {
            assert_eq!(split(line).unwrap_err().code, "invalid_command", "{line}");
        }
    }

    #[test]
    fn a_filter_goes_where_the_test_program_expects_it() {
        let filtered = |line: &str| {
            let mut argv = split(line).unwrap();
            add_filter(&mut argv, "name").unwrap();
            argv.join(" ")
        };
        assert_eq!(
            filtered("cargo test --all -- --nocapture"),
            "cargo test --all name -- --nocapture"
        );
        assert_eq!(filtered("go test ./..."), "go test ./... -run name");
        assert_eq!(filtered("npm test"), "npm test -- name");
        assert_eq!(filtered("python3 -m pytest"), "python3 -m pytest -k name");
        assert_eq!(filtered("make check"), "make check");
        assert_eq!(
            add_filter(&mut owned(&["cargo", "test"]), "--config")
                .unwrap_err()
                .code,
            "invalid_filter"
        );
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[^'\0]{0,12}", 1..6)) {
            let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            match split(&line) {
                Ok(found) => prop_assert_eq!(found, words),
                Err(error) => prop_assert!(words[0].contains('='), "{}", error),
            }
        }
    }
}
