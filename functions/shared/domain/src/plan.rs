//! Plans: the epics and stories that a product is broken down into, and when such a breakdown is sound.

/// How many epics a plan may have.
pub const MAX_EPICS: usize = 20;
/// How many stories a plan may have.
pub const MAX_STORIES: usize = 120;
/// How many problems are told at once.
const TOLD: usize = 20;

/// The type of the bead that collects stories.
pub const EPIC: &str = "epic";

/// One bead of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanBead {
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its parent.
    pub parent: Option<String>,
    /// 0 to 3.
    pub priority: i64,
}

/// What is wrong with the breakdown of the bead `root`, in sentences for whoever has to mend it; empty when it is
/// sound: epics directly below the root, every story below an epic, no epic without a story, bounded numbers, and a
/// story of priority P1 or higher, which makes the first usable product.
///
/// Cycles need no look here: no bead of a project can be blocked in a cycle (invariant I5).
pub fn problems(root: &str, beads: &[PlanBead]) -> Vec<String> {
    let epics: Vec<&PlanBead> = beads.iter().filter(|bead| bead.kind == EPIC).collect();
    let stories: Vec<&PlanBead> = beads.iter().filter(|bead| bead.kind != EPIC).collect();
    let mut problems = Vec::new();
    if epics.is_empty() {
        problems.push(format!(
            "There is no epic. File the parts of the product with create_bead, type epic, parent {root}."
        ));
    }
    if epics.len() > MAX_EPICS {
        problems.push(format!(
            "There are {} epics; {MAX_EPICS} is the most. Join some.",
            epics.len()
        ));
    }
    if stories.len() > MAX_STORIES {
        problems.push(format!(
            "There are {} stories; {MAX_STORIES} is the most. Join some.",
            stories.len()
        ));
    }
    for epic in &epics {
        if epic.parent.as_deref() != Some(root) {
            problems.push(format!("Epic {} must have {root} as its parent.", epic.id));
        }
        if !stories
            .iter()
            .any(|story| story.parent.as_ref() == Some(&epic.id))
        {
            problems.push(format!(
                "Epic {} has no story. File its stories with parent {}.",
                epic.id, epic.id
            ));
        }
    }
    for story in &stories {
        if !epics
            .iter()
            .any(|epic| story.parent.as_ref() == Some(&epic.id))
        {
            problems.push(format!(
                "Story {} is below no epic. Close it and file it with an epic as its parent.",
                story.id
            ));
        }
    }
    if !stories.is_empty() && !stories.iter().any(|story| story.priority <= 1) {
        problems.push(
            "No story has priority 1: mark those that make the first usable product.".to_owned(),
        );
    }
    if problems.len() > TOLD {
        let more = problems.len() - TOLD;
        problems.truncate(TOLD);
        problems.push(format!("And {more} more."));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bead(id: &str, kind: &str, parent: &str, priority: i64) -> PlanBead {
        PlanBead {
            id: id.into(),
            kind: kind.into(),
            parent: (!parent.is_empty()).then(|| parent.to_owned()),
            priority,
        }
    }

    #[test]
    fn a_sound_plan_has_stories_below_epics_below_the_root() {
        let plan = [
            bead("e1", "epic", "root", 1),
            bead("s1", "task", "e1", 1),
            bead("s2", "feature", "e1", 2),
        ];
        assert_eq!(problems("root", &plan), Vec::<String>::new());
    }

    #[test]
    fn each_defect_is_named() {
        let sound = [bead("e1", "epic", "root", 1), bead("s1", "task", "e1", 1)];
        let with = |more: &[PlanBead]| [&sound[..], more].concat();
        let many_epics: Vec<PlanBead> = (0..=MAX_EPICS)
            .flat_map(|n| {
                let epic = format!("x{n}");
                [
                    bead(&epic, "epic", "root", 1),
                    bead(&format!("y{n}"), "task", &epic, 1),
                ]
            })
            .collect();
        let many_stories: Vec<PlanBead> = (0..=MAX_STORIES)
            .map(|n| bead(&format!("s{n}"), "task", "e1", 1))
            .collect();
        let table = [
            (vec![], "no epic"),
            (
                with(&[bead("e2", "epic", "root", 1)]),
                "Epic e2 has no story",
            ),
            (
                with(&[bead("s2", "task", "root", 1)]),
                "Story s2 is below no epic",
            ),
            (
                with(&[bead("s2", "task", "s1", 1)]),
                "Story s2 is below no epic",
            ),
            (
                with(&[bead("s2", "task", "", 1)]),
                "Story s2 is below no epic",
            ),
            (
                with(&[bead("e2", "epic", "e1", 1), bead("s2", "task", "e2", 1)]),
                "Epic e2 must have root as its parent",
            ),
            (
                vec![bead("e1", "epic", "root", 1), bead("s1", "task", "e1", 2)],
                "priority 1",
            ),
            (with(&many_epics), "20 is the most"),
            (with(&many_stories), "120 is the most"),
        ];
        for (plan, problem) in table {
            let found = problems("root", &plan);
            assert!(
                found.iter().any(|text| text.contains(problem)),
                "{problem}: {found:?}"
            );
        }
    }
}
