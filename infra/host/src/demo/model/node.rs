//! Where in the workflow the work is, as the prompt tells it.

/// The node at which the work is: `… follows the workflow "…" and is at its node investigate (task).`
pub(super) fn of(brief: &str) -> Option<&str> {
    brief.lines().find_map(|line| {
        let rest = line.strip_prefix("This bead follows the workflow \"")?;
        let (_, rest) = rest.split_once("\" and is at its node ")?;
        rest.split_once(" (").map(|(node, _)| node)
    })
}

/// What the work at a node came to the last time, if it was there: `source="investigate came to failure"`.
pub(super) fn came_to<'a>(brief: &'a str, node: &str) -> Option<&'a str> {
    let stage = format!(" source=\"{node} came to ");
    let (_, rest) = brief.rsplit_once(&stage)?;
    rest.split_once('"').map(|(outcome, _)| outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_says_where_the_work_is_and_what_came_before() {
        let brief = "# This stage of the work\nThis bead follows the workflow \"A \"b\"\" and is at its node apply_fix \
                     (task).\nDo it.\n<data-1 source=\"investigate came to failure\">\nno\n</data-1>\n\
                     <data-1 source=\"investigate came to success\">\n";
        assert_eq!(of(brief), Some("apply_fix"));
        assert_eq!(came_to(brief, "investigate"), Some("success"));
        assert_eq!(came_to(brief, "pm_review"), None);
        assert_eq!(of("no workflow"), None);
    }
}
