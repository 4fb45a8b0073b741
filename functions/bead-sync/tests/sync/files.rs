use loom_domain::{
    bead::{BeadInput, BeadStatus},
    bead_file::{ISSUES, read},
};
use loom_workspace::memory::MemoryWorkspace;
use serde_json::json;

use crate::support::{BRANCH, Loom, REPOSITORY, content_of, edit, path_of};

#[tokio::test]
async fn beads_become_files_and_changes_of_files_become_changes_of_beads() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("Fix the login").await;
    loom.comment(&bead.id, "First.").await;
    let report = loom.sync(&workspace).await;
    assert_eq!((report.counts.committed, report.counts.updated), (1, 0));
    let path = format!(".beads/beads/{}-fix-the-login.yaml", bead.id);
    let file = read(&content_of(&workspace, &path)).unwrap();
    assert_eq!(Some(&file), loom.beads().await.get(&bead.id));
    let lines = content_of(&workspace, ISSUES);
    assert!(lines.contains("Fix the login") && lines.lines().count() == 1);

    // Nothing changed: nothing is committed, and no event tells of it.
    let events = loom.events("beads.synced").await;
    let report = loom.sync(&workspace).await;
    assert_eq!((report.counts.committed, report.counts.updated), (0, 0));
    assert_eq!(loom.events("beads.synced").await, events);

    edit(
        &workspace,
        &path,
        "title: Fix the login",
        "title: Fix the log-in",
    );
    edit(
        &workspace,
        &path,
        "status: open",
        "status: closed\nmilestone: 7",
    );
    let report = loom.sync(&workspace).await;
    assert_eq!((report.counts.updated, report.counts.conflicts), (1, 0));
    let beads = loom.beads().await;
    assert_eq!(beads[&bead.id].title, "Fix the log-in");
    assert_eq!(beads[&bead.id].status, BeadStatus::Closed);
    assert_eq!(loom.events("bead.completed").await, 1);
    // The name stays, and what Loom does not know as well.
    loom.rename(&bead.id, "Another").await;
    loom.sync(&workspace).await;
    assert_eq!(path_of(&workspace, &bead.id), path);
    assert!(content_of(&workspace, &path).contains("milestone: 7"));
}

#[tokio::test]
async fn a_repository_is_imported_into_an_empty_loom_and_nothing_is_lost() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let epic = loom.titled("Epic").await;
    let first = loom.titled("First").await;
    let second = loom
        .file(BeadInput {
            title: Some("Second".into()),
            description: Some("Text\n\n  more\n".into()),
            kind: Some("bug".into()),
            parent: Some(Some(epic.id.clone())),
            blocked_by: Some(vec![first.id.clone()]),
            related: Some(vec![epic.id.clone()]),
            tags: Some(vec!["z".into(), "a".into()]),
            touches: Some(vec!["src/**".into()]),
            context: Some([("source".to_owned(), json!({"n": [1, "1"]}))].into()),
            estimate_minutes: Some(Some(30)),
            ..BeadInput::default()
        })
        .await;
    loom.comment(&second.id, "A comment.").await;
    let closed = loom.titled("Closed").await;
    let input = BeadInput {
        status: Some(BeadStatus::Closed),
        close_reason: Some("done".into()),
        ..BeadInput::default()
    };
    loom.update(&closed.id, input).await.unwrap();
    let gone = loom.titled("Gone").await;
    loom.sync(&workspace).await;
    loom.delete(&gone.id).await;
    loom.sync(&workspace).await;
    assert!(content_of(&workspace, &path_of(&workspace, &gone.id)).contains("deleted_at: "));

    let clone = Loom::new("bb").await;
    let report = clone.sync(&workspace).await;
    assert_eq!((report.counts.created, report.counts.committed), (5, 0));
    assert_eq!(clone.beads().await, loom.beads().await);
    assert_eq!(clone.beads().await.len(), 4);
    let bead = loom_store::bead::get(
        loom_platform::Platform::database(&clone.platform),
        &second.id,
    );
    assert_eq!(bead.await.unwrap().open_blockers, 1);
}

#[tokio::test]
async fn a_malformed_file_is_told_with_its_line_and_left_alone() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let (one, two) = (loom.titled("One").await, loom.titled("Two").await);
    loom.sync(&workspace).await;
    let (path, other) = (path_of(&workspace, &one.id), path_of(&workspace, &two.id));
    edit(&workspace, &path, "priority: P2", "priority: P7");
    edit(&workspace, &other, "title: Two", "title: Zwei");
    let broken = content_of(&workspace, &path);
    loom.rename(&one.id, "Changed here").await;
    let report = loom.sync(&workspace).await;
    assert_eq!((report.counts.updated, report.counts.problems), (1, 1));
    assert_eq!(
        loom.problems().await,
        [(path.clone(), 5, "malformed".to_owned())]
    );
    assert_eq!(loom.beads().await[&two.id].title, "Zwei");
    assert_eq!(content_of(&workspace, &path), broken);
    // Told once, until somebody changes the file.
    loom.sync(&workspace).await;
    assert_eq!(loom.events("bead.sync_problem").await, 1);
    edit(&workspace, &path, "priority: P7", "priority: P1");
    loom.sync(&workspace).await;
    assert_eq!(loom.problems().await, []);
    assert!(content_of(&workspace, &path).contains("title: Changed here"));
    assert_eq!(loom.beads().await[&one.id].priority.to_string(), "P1");
}

#[tokio::test]
async fn a_loom_that_meets_a_malformed_file_first_does_not_write_over_it() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("One").await;
    let path = format!(".beads/beads/{}-one.yaml", bead.id);
    workspace.push_file(REPOSITORY, BRANCH, &path, Some("<<<<<<< HEAD\n"));
    loom.sync(&workspace).await;
    assert_eq!(content_of(&workspace, &path), "<<<<<<< HEAD\n");
}

#[tokio::test]
async fn lines_of_json_are_read_for_beads_without_a_file() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("One").await;
    loom.sync(&workspace).await;
    let mut lines = content_of(&workspace, ISSUES).replace("One", "Not this");
    lines.push_str(
        "{\"id\":\"bd-9\",\"title\":\"Filed by bd\",\"status\":\"open\",\"priority\":4}\n",
    );
    workspace.push_file(REPOSITORY, BRANCH, ISSUES, Some(&lines));
    loom.sync(&workspace).await;
    let beads = loom.beads().await;
    assert_eq!(beads[&bead.id].title, "One");
    assert_eq!(beads["bd-9"].title, "Filed by bd");
    assert_eq!(
        path_of(&workspace, "bd-9"),
        ".beads/beads/bd-9-filed-by-bd.yaml"
    );

    let broken = format!("{lines}{{\n");
    workspace.push_file(REPOSITORY, BRANCH, ISSUES, Some(&broken));
    loom.rename(&bead.id, "Changed").await;
    loom.sync(&workspace).await;
    assert_eq!(
        loom.problems().await,
        [(ISSUES.to_owned(), 3, "malformed".to_owned())]
    );
    assert_eq!(content_of(&workspace, ISSUES), broken);
}

#[tokio::test]
async fn a_file_that_a_person_removes_is_a_deletion_unless_the_bead_was_changed_here() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let (one, two) = (loom.titled("One").await, loom.titled("Two").await);
    loom.titled("Three").await;
    loom.sync(&workspace).await;
    for bead in [&one, &two] {
        workspace.push_file(REPOSITORY, BRANCH, &path_of(&workspace, &bead.id), None);
    }
    loom.rename(&two.id, "Changed").await;
    let report = loom.sync(&workspace).await;
    assert_eq!((report.counts.deleted, report.counts.conflicts), (1, 1));
    assert!(!loom.beads().await.contains_key(&one.id));
    assert!(content_of(&workspace, &path_of(&workspace, &two.id)).contains("title: Changed"));
    assert_eq!(loom.conflicts().await[0].conflict.field, "deleted_at");
    let report = loom.sync(&workspace).await;
    assert_eq!(report.counts, loom_store::bead_sync::Counts::default());
    // The lines do not bring it back.
    assert!(!content_of(&workspace, ISSUES).contains(&one.id));
}

#[tokio::test]
async fn a_directory_that_is_lost_deletes_nothing() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    loom.titled("One").await;
    loom.titled("Two").await;
    loom.sync(&workspace).await;
    let before = loom.beads().await;
    for path in workspace.branch_files(REPOSITORY, "main", BRANCH).keys() {
        workspace.push_file(REPOSITORY, BRANCH, path, None);
    }
    loom.sync(&workspace).await;
    assert_eq!(loom.beads().await, before);
    assert_eq!(workspace.branch_files(REPOSITORY, "main", BRANCH).len(), 3);
}

#[tokio::test]
async fn a_tombstone_stays_for_thirty_days() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("One").await;
    loom.titled("Two").await;
    loom.sync(&workspace).await;
    loom.delete(&bead.id).await;
    loom.sync(&workspace).await;
    let path = path_of(&workspace, &bead.id);
    assert!(content_of(&workspace, &path).contains("deleted_at: "));
    let sql = "UPDATE bead_sync_file SET deleted_at = deleted_at - 31 * 86400000 WHERE deleted_at IS NOT NULL";
    loom.set(sql).await;
    loom.set(
        "UPDATE bead SET deleted_at = deleted_at - 31 * 86400000 WHERE deleted_at IS NOT NULL",
    )
    .await;
    loom.sync(&workspace).await;
    assert!(
        !workspace
            .branch_files(REPOSITORY, "main", BRANCH)
            .contains_key(&path)
    );
    let report = loom.sync(&workspace).await;
    assert_eq!(report.counts, loom_store::bead_sync::Counts::default());
}

#[tokio::test]
async fn two_links_that_would_close_a_cycle_are_a_conflict() {
    let workspace = MemoryWorkspace::new();
    let (one, two) = (Loom::new("aa").await, Loom::new("bb").await);
    let (x, y) = (one.titled("X").await.id, one.titled("Y").await.id);
    one.sync(&workspace).await;
    two.sync(&workspace).await;
    let blocked = |id: &String| BeadInput {
        blocked_by: Some(vec![id.clone()]),
        ..BeadInput::default()
    };
    one.update(&x, blocked(&y)).await.unwrap();
    two.update(&y, blocked(&x)).await.unwrap();
    for loom in [&one, &two, &one, &two] {
        loom.sync(&workspace).await;
    }
    assert_eq!(one.beads().await, two.beads().await);
    let links: usize = one
        .beads()
        .await
        .values()
        .map(|bead| bead.blocked_by.len())
        .sum();
    assert_eq!(links, 1);
    let conflicts = [one.conflicts().await, two.conflicts().await].concat();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].conflict.field, "blocked_by");
}

#[tokio::test]
async fn a_bead_closed_elsewhere_stays_with_the_run_that_works_on_it() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("One").await;
    loom.sync(&workspace).await;
    let path = path_of(&workspace, &bead.id);
    edit(&workspace, &path, "status: open", "status: closed");
    loom.set("UPDATE bead SET status = 'in_progress', run_id = 'r1', version = version + 1")
        .await;
    let report = loom.sync(&workspace).await;
    assert_eq!(report.counts.conflicts, 1);
    let now = loom.beads().await[&bead.id].clone();
    assert_eq!(now.status, BeadStatus::InProgress);
    assert!(
        now.comments[0].content.contains("\"closed\""),
        "{:?}",
        now.comments
    );
    assert!(content_of(&workspace, &path).contains("status: in_progress"));
}

#[tokio::test]
async fn a_file_does_not_release_what_a_question_keeps_blocked() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("Delete the old data").await;
    let held = format!(
        "UPDATE bead SET status = 'blocked', held_by = 'decision:1', version = version + 1 WHERE id = '{}'",
        bead.id
    );
    loom.set(&held).await;
    loom.sync(&workspace).await;
    let path = path_of(&workspace, &bead.id);
    edit(&workspace, &path, "status: blocked", "status: open");
    loom.sync(&workspace).await;
    assert_eq!(loom.beads().await[&bead.id].status, BeadStatus::Blocked);
    assert_eq!(loom.conflicts().await.len(), 1);
    let codes: Vec<String> = loom
        .problems()
        .await
        .into_iter()
        .map(|found| found.2)
        .collect();
    assert_eq!(codes, ["held_by_decision"]);
    // What it says goes back into the file.
    loom.sync(&workspace).await;
    assert!(content_of(&workspace, &path).contains("status: blocked"));
}
