//! What models call things, and what they are called here. Normalised once, before anything is checked.

use super::Action;

/// Another name of an action.
const ACTION_SYNONYMS: &[(&str, &str)] = &[
    ("apply_edit", "edit_file"),
    ("approve_bead", "approve"),
    ("ask_followup", "ask"),
    ("ask_question", "ask"),
    ("bash", "run_command"),
    ("build_project", "build"),
    ("cargo_test", "test"),
    ("cat", "read_file"),
    ("command", "run_command"),
    ("commit", "git_commit"),
    ("complete", "done"),
    ("create_file", "write_file"),
    ("create_pr", "create_pull_request"),
    ("delegate_task", "delegate"),
    ("delete", "delete_file"),
    ("diff", "git_diff"),
    ("edit", "edit_file"),
    ("edit_code", "edit_file"),
    ("escalate_ceo", "escalate"),
    ("exec", "run_command"),
    ("execute", "run_command"),
    ("execute_command", "run_command"),
    ("file_bead", "create_bead"),
    ("find", "search"),
    ("finish", "done"),
    ("grep", "search"),
    ("list", "read_tree"),
    ("list_dir", "read_tree"),
    ("list_directory", "read_tree"),
    ("list_files", "read_tree"),
    ("log", "git_log"),
    ("ls", "read_tree"),
    ("move", "move_file"),
    ("mv", "move_file"),
    ("open_file", "read_file"),
    ("push", "git_push"),
    ("read", "read_file"),
    ("read_code", "read_file"),
    ("reject_bead", "reject"),
    ("remove_file", "delete_file"),
    ("rename_file", "move_file"),
    ("replace", "edit_file"),
    ("request_review", "ask"),
    ("review_pr", "review_pull_request"),
    ("rm", "delete_file"),
    ("run", "run_command"),
    ("run_build", "build"),
    ("run_lint", "lint"),
    ("run_linter", "lint"),
    ("run_test", "test"),
    ("run_tests", "test"),
    ("scope", "read_tree"),
    ("search_code", "search"),
    ("search_files", "search"),
    ("search_text", "search"),
    ("send_agent_message", "send_message"),
    ("shell", "run_command"),
    ("status", "git_status"),
    ("str_replace", "edit_file"),
    ("submit_review", "review_pull_request"),
    ("tests", "test"),
    ("tree", "read_tree"),
    ("view", "read_file"),
    ("view_file", "read_file"),
    ("write", "write_file"),
];

/// Another name of a field, applied when the action has the second and not the first.
const FIELD_SYNONYMS: &[(&str, &str)] = &[
    ("args", "argv"),
    ("bead", "bead_id"),
    ("base_branch", "base"),
    ("body", "description"),
    ("body", "message"),
    ("cmd", "argv"),
    ("code", "content"),
    ("command", "argv"),
    ("commit_message", "message"),
    ("contents", "content"),
    ("cwd", "directory"),
    ("delegate_to_role", "role"),
    ("description", "body"),
    ("destination", "to"),
    ("dir", "directory"),
    ("dir", "path"),
    ("directory", "path"),
    ("end_line", "last_line"),
    ("file", "path"),
    ("file_path", "path"),
    ("filename", "path"),
    ("filter", "pattern"),
    ("is_regex", "regex"),
    ("line_end", "last_line"),
    ("line_start", "first_line"),
    ("max_count", "limit"),
    ("max_depth", "depth"),
    ("message", "body"),
    ("message_body", "message"),
    ("message", "summary"),
    ("new", "new_text"),
    ("new_path", "to"),
    ("new_str", "new_text"),
    ("new_string", "new_text"),
    ("old", "old_text"),
    ("old_path", "from"),
    ("old_str", "old_text"),
    ("old_string", "old_text"),
    ("parent_bead_id", "parent"),
    ("pattern", "query"),
    ("pr_body", "description"),
    ("pr_number", "number"),
    ("pr_title", "title"),
    ("q", "query"),
    ("reason", "question"),
    ("reason", "summary"),
    ("recipient", "to"),
    ("regexp", "regex"),
    ("result", "outcome"),
    ("review_event", "verdict"),
    ("source", "from"),
    ("source_path", "from"),
    ("start_line", "first_line"),
    ("status", "outcome"),
    ("target", "to"),
    ("target_path", "to"),
    ("task_description", "description"),
    ("task_priority", "priority"),
    ("task_title", "title"),
    ("test_pattern", "pattern"),
    ("text", "body"),
    ("text", "content"),
    ("text", "message"),
    ("text", "query"),
    ("timeout", "timeout_seconds"),
    ("to_agent_role", "to"),
    ("to_role", "role"),
    ("work_dir", "directory"),
    ("working_dir", "directory"),
    ("working_directory", "directory"),
];

/// Where models think aloud inside an action; kept as the call's notes.
pub(crate) const NOTE_FIELDS: &[&str] = &[
    "notes",
    "note",
    "thought",
    "thoughts",
    "thinking",
    "reasoning",
    "rationale",
    "explanation",
];

/// The canonical name of an action: itself, or what a known synonym stands for. Case, hyphens and spaces don't matter.
pub fn canonical_name(name: &str) -> Option<&'static str> {
    // Names are short; what is longer is not one, and need not be copied to find out.
    if name.len() > 64 {
        return None;
    }
    let name = name
        .trim()
        .to_ascii_lowercase()
        .replace(['-', ' ', '.'], "_");
    let name = name.strip_prefix("functions_").unwrap_or(&name);
    let meant = ACTION_SYNONYMS
        .iter()
        .find(|(synonym, _)| *synonym == name)
        .map_or(name, |(_, meant)| meant);
    Action::NAMES.into_iter().find(|known| *known == meant)
}

/// The fields that `field` may stand for, in order of preference.
pub(crate) fn field_candidates(field: &str) -> impl Iterator<Item = &'static str> {
    FIELD_SYNONYMS
        .iter()
        .filter(move |(synonym, _)| *synonym == field)
        .map(|(_, meant)| *meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::spec;

    #[test]
    fn synonyms_lead_to_actions_and_hide_none() {
        for (synonym, meant) in ACTION_SYNONYMS {
            assert!(Action::NAMES.contains(meant), "{meant}");
            assert!(
                !Action::NAMES.contains(synonym),
                "{synonym} hides an action"
            );
            assert_eq!(canonical_name(synonym), Some(*meant));
        }
        for name in Action::NAMES {
            assert_eq!(canonical_name(name), Some(name));
        }
        assert_eq!(canonical_name("Read-File"), Some("read_file"));
        assert_eq!(canonical_name("functions.bash"), Some("run_command"));
        assert_eq!(canonical_name("extract_method"), None);
    }

    #[test]
    fn field_synonyms_lead_to_fields() {
        for (synonym, meant) in FIELD_SYNONYMS {
            let exists = spec::SPECS.iter().any(|spec| {
                spec.fields.iter().any(|f| f.name == *meant)
                    && !spec.fields.iter().any(|f| f.name == *synonym)
            });
            assert!(exists, "{synonym} -> {meant} never applies");
        }
    }
}
