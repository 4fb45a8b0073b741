/// What to do about an error, by its code; `None` for a code whose own sentence says it all.
pub(super) fn suggestion(code: &str) -> Option<&'static str> {
    SUGGESTIONS
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, suggestion)| *suggestion)
}

const SUGGESTIONS: &[(&str, &str)] = &[
    (
        "build_failed",
        "Fix the first error; the others often follow from it.",
    ),
    (
        "command_failed",
        "Read the output before you run it again; the same command will give the same result.",
    ),
    (
        "command_not_allowed",
        "Only the listed programs may run. Use another way, or one of the other actions.",
    ),
    (
        "edit_ambiguous",
        "Take more lines around the place into old_text, until it occurs only once.",
    ),
    (
        "edit_no_change",
        "Check with read_file whether the change is already there.",
    ),
    (
        "edit_not_found",
        "Read the file again and copy old_text from what you get, with its exact spaces and line breaks.",
    ),
    (
        "file_exists",
        "Read it first; choose another name, or edit it.",
    ),
    (
        "file_not_found",
        "Look for it with read_tree or search; paths start at the repository's root.",
    ),
    (
        "file_too_large",
        "Ask for a range of lines with first_line and last_line, or use search.",
    ),
    (
        "invalid_path",
        "Give a path relative to the repository's root, such as src/lib.rs.",
    ),
    (
        "invalid_pattern",
        "Set regex to false to find the text as it is.",
    ),
    (
        "lint_failed",
        "Fix what concerns your own changes; leave the rest.",
    ),
    (
        "merge_conflict",
        "The base branch changed in the same places. Read the files named as they are now and make your change fit.",
    ),
    (
        "merge_tests_failed",
        "Your change and what others merged meanwhile don't work together. Run the tests and fix what the output shows.",
    ),
    (
        "not_a_text_file",
        "Binary files can't be read or edited; use run_command with a fitting program.",
    ),
    (
        "not_configured",
        "The project has no such command and none was detected. Don't try again; use run_command, or go on without.",
    ),
    (
        "nothing_to_commit",
        "No file differs from the last commit. If everything is committed, use done; if you meant to change something, \
         check with git_status whether the edit was carried out.",
    ),
    (
        "nothing_to_merge",
        "The branch has no commits of its own: commit first, or end with close_bead or done.",
    ),
    (
        "path_outside_workspace",
        "Only files of the repository can be used; give a path relative to its root.",
    ),
    (
        "secret_found",
        "Take the secret out of the file and read it from the environment; never commit one.",
    ),
    (
        "tests_failed",
        "Read the first failure, find its cause, then change the code. Don't change the test to fit.",
    ),
    (
        "timed_out",
        "Run a smaller part: one test by its name, one folder.",
    ),
    (
        "unknown_bead",
        "Check the bead's id; leave bead_id out for the bead you work on.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unique() {
        assert!(SUGGESTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(
            suggestion("edit_not_found").is_some_and(|text| text.contains("Read the file again"))
        );
        assert_eq!(suggestion("no_such_code"), None);
    }
}
