use thiserror::Error;

/// Why a command line can't be run without a shell.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArgvError {
    /// There is no program in it.
    #[error("The command is empty.")]
    Empty,
    /// A quote is not closed, or a backslash ends the text.
    #[error("The command has an unclosed {0}.")]
    Unclosed(&'static str),
    /// A character that only a shell understands.
    #[error(
        "No shell runs the command, so {0} has no meaning. Send argv as an array of the program and its arguments, one \
         command per action; use `directory` instead of cd, and quote the character if it is meant literally."
    )]
    Shell(String),
}

/// Splits a command line as a POSIX shell would split it, and refuses everything that would need one: pipes, lists,
/// redirections, substitutions, wildcards, variables, assignments. A command that means something else without a shell
/// is worse than an error.
pub fn split(line: &str) -> Result<Vec<String>, ArgvError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' => return Err(ArgvError::Shell("a line break".to_owned())),
            c if c.is_whitespace() => words.extend(word.take()),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '`' | '$' | '*' | '?' | '[' => {
                return Err(shell(c));
            }
            '~' | '#' if word.is_none() => return Err(shell(c)),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(ArgvError::Unclosed("single quote")),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some(c @ ('$' | '`')) => return Err(shell(c)),
                        Some('\\') => match chars.next() {
                            Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                            Some(c) => word.extend(['\\', c]),
                            None => return Err(ArgvError::Unclosed("double quote")),
                        },
                        Some(c) => word.push(c),
                        None => return Err(ArgvError::Unclosed("double quote")),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(ArgvError::Unclosed("backslash")),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match words.first() {
        None => Err(ArgvError::Empty),
        Some(program) if program.trim().is_empty() => Err(ArgvError::Empty),
        Some(program) if is_assignment(program) => {
            Err(ArgvError::Shell(format!("the assignment {program}")))
        }
        Some(_) => Ok(words),
    }
}

fn shell(c: char) -> ArgvError {
    ArgvError::Shell(format!("`{c}`"))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn splits_like_a_shell() {
        for (line, words) in [
            ("cargo test", vec!["cargo", "test"]),
            ("  cargo   test\t--lib ", vec!["cargo", "test", "--lib"]),
            ("grep 'a b' src", vec!["grep", "a b", "src"]),
            (r#"echo "a \"b\" \n""#, vec!["echo", r#"a "b" \n"#]),
            (r"echo a\ b", vec!["echo", "a b"]),
            ("echo ''", vec!["echo", ""]),
            ("echo a'b'\"c\"d", vec!["echo", "abcd"]),
            ("echo '*' '$HOME' 'a|b'", vec!["echo", "*", "$HOME", "a|b"]),
            (
                "cargo test -- --exact a::b#1",
                vec!["cargo", "test", "--", "--exact", "a::b#1"],
            ),
            ("tool --key=value", vec!["tool", "--key=value"]),
            ("echo grün", vec!["echo", "grün"]),
        ] {
            assert_eq!(
                split(line).as_deref(),
                Ok(words
                    .iter()
                    .map(|w| (*w).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice())
            );
        }
    }

    #[test]
    fn refuses_what_needs_a_shell() {
        for line in [
            "cd src && cargo test",
            "cat a | wc -l",
            "ls; rm b",
            "ls > out",
            "sort < in",
            "echo $HOME",
            "echo \"$HOME\"",
            "echo `id`",
            "echo \"`id`\"",
            "(ls)",
            "ls *.rs",
            "ls ?.rs",
            "ls [ab].rs",
            "ls ~",
            "ls # all",
            "ls\nrm b",
            "FOO=bar make",
            "sleep 1 &",
        ] {
            assert!(matches!(split(line), Err(ArgvError::Shell(_))), "{line}");
        }
        for line in ["", "  ", "''"] {
            assert_eq!(split(line), Err(ArgvError::Empty), "{line}");
        }
        for line in ["echo 'a", "echo \"a", "echo \\", "echo \"a\\"] {
            assert!(matches!(split(line), Err(ArgvError::Unclosed(_))), "{line}");
        }
    }

    proptest! {
        #[test]
        fn quoted_words_survive(words in proptest::collection::vec("[^']{1,12}", 1..6)) {
            prop_assume!(words.first().is_some_and(|w| !w.trim().is_empty() && !is_assignment(w)));
            let line = words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line), Ok(words));
        }

        #[test]
        fn never_panics(line in ".*") {
            let _ = split(&line);
        }
    }
}
