//! Definitions of workflows: those that are shipped, and those that projects put there.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken assumption of a test should stop it at once"
)]

mod common;

use common::{World, code};
use loom_domain::{
    project::ProjectInput,
    workflow::{Definition, mermaid, yaml},
};
use loom_platform::{Platform, Statements};
use loom_store::{StoreError, migrate, project, workflow::definition};

const CUSTOM: &str = r#"
id: ours
name: Ours
workflow_type: bug
match: {types: [bug], tags: [hot fix]}
nodes:
  - {node_key: work, node_type: task, role_required: em}
edges:
  - {to_node_key: work}
  - {from_node_key: work, condition: success}
  - {from_node_key: work, condition: failure}
"#;

fn custom() -> Definition {
    yaml::parse(CUSTOM).unwrap()
}

impl World {
    async fn put(
        &self,
        definition: Definition,
        project: &str,
    ) -> Result<definition::Versioned, StoreError> {
        write!(self, |change| definition::put(&change, definition, project))
    }

    async fn matching(&self, kind: &str, tags: &[&str]) -> Option<String> {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        definition::matching(self.db(), &self.project.id, kind, &tags)
            .await
            .unwrap()
    }

    async fn other_project(&self) -> String {
        let input = ProjectInput {
            name: Some("Other".into()),
            git_repo: Some("/srv/other".into()),
            ..Default::default()
        };
        let project = input.register().unwrap();
        write!(self, |change| project::register(&change, project, false))
            .unwrap()
            .id
    }

    async fn run(&self, sql: &str) {
        self.db().execute(sql, vec![]).await.unwrap();
    }
}

#[tokio::test]
async fn every_shipped_workflow_is_there_once_and_sound() {
    let world = World::new().await;
    let all = definition::list(world.db(), None, None, "", 100)
        .await
        .unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.definition.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "wf-bug-default",
            "wf-code-review",
            "wf-epic",
            "wf-feature-default",
            "wf-project-bootstrap",
            "wf-self-improvement",
            "wf-ui-default"
        ]
    );
    for one in &all {
        assert!(one.is_shipped && one.version == 1 && one.project_id.is_none());
        let problems = loom_domain::workflow::validate(&one.definition, &Default::default());
        assert!(problems.is_empty(), "{problems:?}");
        assert!(mermaid(&one.definition, None).starts_with("flowchart TD\n"));
        for node in &one.definition.nodes {
            assert!(
                node.instructions.len() > 30,
                "{}: {}",
                one.definition.id,
                node.node_key
            );
        }
    }
    let bugs = definition::list(world.db(), Some("bug"), Some(&world.project.id), "", 100)
        .await
        .unwrap();
    assert_eq!(bugs.len(), 1);
    let rest = definition::list(world.db(), None, None, "wf-feature-default", 1)
        .await
        .unwrap();
    assert_eq!(rest[0].definition.id, "wf-project-bootstrap");
}

#[tokio::test]
async fn a_bead_finds_its_workflow_by_tag_before_type_and_never_by_a_part_of_a_word() {
    let world = World::new().await;
    for (kind, tags, id) in [
        ("bug", &[][..], Some("wf-bug-default")),
        ("feature", &[], Some("wf-feature-default")),
        ("ui", &[], Some("wf-ui-default")),
        ("design", &[], Some("wf-ui-default")),
        ("epic", &[], Some("wf-epic")),
        ("bootstrap", &[], Some("wf-project-bootstrap")),
        ("review", &[], Some("wf-code-review")),
        ("self-improvement", &[], Some("wf-self-improvement")),
        ("task", &[], None),
        ("build", &["require", "guide"], None),
        ("task", &["css"], Some("wf-ui-default")),
        ("bug", &["x", "refactoring"], Some("wf-self-improvement")),
        ("feature", &["code-review"], Some("wf-code-review")),
    ] {
        assert_eq!(
            world.matching(kind, tags).await.as_deref(),
            id,
            "{kind} {tags:?}"
        );
    }
}

#[tokio::test]
async fn a_projects_own_workflow_goes_before_the_shipped_one_and_only_there() {
    let world = World::new().await;
    let other = world.other_project().await;
    world.put(custom(), &world.project.id).await.unwrap();
    assert_eq!(world.matching("bug", &[]).await.as_deref(), Some("ours"));
    assert_eq!(
        world.matching("task", &["hot fix"]).await.as_deref(),
        Some("ours")
    );
    // A tag says more than the type.
    assert_eq!(
        world.matching("bug", &["css"]).await.as_deref(),
        Some("wf-ui-default")
    );
    let elsewhere = definition::matching(world.db(), &other, "bug", &[])
        .await
        .unwrap();
    assert_eq!(elsewhere.as_deref(), Some("wf-bug-default"));
    let listed = |project| definition::list(world.db(), Some("bug"), project, "", 10);
    assert_eq!(listed(Some(&world.project.id)).await.unwrap().len(), 2);
    assert_eq!(listed(Some(&other)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_is_a_new_version_and_the_old_one_stays() {
    let world = World::new().await;
    let project = world.project.id.clone();
    let first = world.put(custom(), &project).await.unwrap();
    assert_eq!((first.version, first.created_by.as_str()), (1, "test"));
    assert_eq!(first.definition, custom());
    assert_eq!(world.put(custom(), &project).await.unwrap(), first);
    let mut changed = custom();
    changed.matches.types = vec!["chore".into()];
    let second = world.put(changed.clone(), &project).await.unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(
        definition::get(world.db(), "ours", None).await.unwrap(),
        second
    );
    assert_eq!(
        definition::get(world.db(), "ours", Some(1)).await.unwrap(),
        first
    );
    assert_eq!(
        world.matching("bug", &[]).await.as_deref(),
        Some("wf-bug-default")
    );
    assert_eq!(world.matching("chore", &[]).await.as_deref(), Some("ours"));
    let sql = "SELECT COUNT(*) FROM event WHERE kind = 'workflow.updated'";
    assert_eq!(world.count(sql).await, 2);
}

#[tokio::test]
async fn ids_that_are_taken_are_refused_and_nothing_changes() {
    let world = World::new().await;
    let other = world.other_project().await;
    world.put(custom(), &other).await.unwrap();
    let before = world.count("SELECT COUNT(*) FROM workflow").await;
    let mine = world.project.id.clone();
    assert_eq!(
        code(world.put(custom(), &mine).await),
        "workflow_of_other_project"
    );
    let mut shipped = custom();
    shipped.id = "wf-bug-default".into();
    assert_eq!(code(world.put(shipped, &mine).await), "workflow_is_shipped");
    let mut free = custom();
    free.id = "free".into();
    assert_eq!(code(world.put(free, "none").await), "project_not_found");
    assert_eq!(world.count("SELECT COUNT(*) FROM workflow").await, before);
    for version in [None, Some(9)] {
        let missing = definition::get(world.db(), "nothing", version).await;
        assert_eq!(code(missing), "workflow_not_found");
    }
}

#[tokio::test]
async fn what_is_shipped_follows_the_build() {
    let world = World::new().await;
    let everything = "SELECT SUM(version) FROM workflow WHERE is_current = 1";
    let before = world.count(everything).await;
    // As another build would have left it: one text differs, one workflow is unknown here, one is missing.
    world
        .run("UPDATE workflow SET definition = '{}' WHERE id = 'wf-epic'")
        .await;
    world
        .run("INSERT INTO workflow SELECT 'wf-gone', 1, NULL, 'x', 1, 1, '{}', 'loom', 0")
        .await;
    world
        .run("INSERT INTO workflow_match VALUES ('type', 'gone', 'wf-gone', NULL)")
        .await;
    world
        .run("DELETE FROM workflow_match WHERE workflow_id = 'wf-ui-default'")
        .await;
    world.run("UPDATE seed SET sha256 = 'other'").await;
    migrate::migrate(world.platform.database()).await.unwrap();
    assert_eq!(world.count(everything).await, before + 1);
    let epic = definition::get(world.db(), "wf-epic", None).await.unwrap();
    assert_eq!((epic.version, epic.definition.name.as_str()), (2, "Epic"));
    assert_eq!(world.matching("gone", &[]).await, None);
    assert_eq!(
        code(definition::get(world.db(), "wf-gone", None).await),
        "workflow_not_found"
    );
    assert_eq!(
        world.matching("ui", &[]).await.as_deref(),
        Some("wf-ui-default")
    );
    // Going back and forth between two builds adds nothing more.
    world.run("UPDATE seed SET sha256 = 'other'").await;
    migrate::migrate(world.platform.database()).await.unwrap();
    assert_eq!(world.count(everything).await, before + 1);
}

#[tokio::test]
async fn a_projects_workflow_survives_a_shipped_one_of_the_same_id() {
    let world = World::new().await;
    world.run("DELETE FROM workflow WHERE id = 'wf-epic'").await;
    world
        .run("DELETE FROM workflow_match WHERE workflow_id = 'wf-epic'")
        .await;
    let mut mine = custom();
    mine.id = "wf-epic".into();
    world.put(mine.clone(), &world.project.id).await.unwrap();
    world.run("UPDATE seed SET sha256 = 'other'").await;
    migrate::migrate(world.platform.database()).await.unwrap();
    let kept = definition::get(world.db(), "wf-epic", None).await.unwrap();
    assert_eq!(kept.definition, mine);
    assert!(!kept.is_shipped);
}

#[tokio::test]
async fn a_bead_finds_its_workflow_by_index() {
    let world = World::new().await;
    let sql = "EXPLAIN QUERY PLAN SELECT 0 AS rank, workflow_id, project_id FROM workflow_match \
               WHERE kind = 'tag' AND word IN (SELECT value FROM json_each('[\"a\"]'))";
    let rows = world.platform.database().query(sql, vec![]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.text(3).unwrap()).collect();
    assert!(
        plan.iter()
            .any(|line| line.contains("SEARCH workflow_match")),
        "{plan:?}"
    );
}

#[tokio::test]
async fn a_projects_workflows_go_with_it() {
    let world = World::new().await;
    let other = world.other_project().await;
    world.put(custom(), &other).await.unwrap();
    write!(world, |change| project::delete(&change, &other)).unwrap();
    assert_eq!(
        code(definition::get(world.db(), "ours", None).await),
        "workflow_not_found"
    );
    world.put(custom(), &world.project.id).await.unwrap();
}
