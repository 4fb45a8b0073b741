use loom_api::testing::{assert_access, call, platform, token};
use loom_bead_sync::{handle, routes, sync};
use loom_domain::account::Role;
use loom_platform::native::NativePlatform;
use loom_workspace::{Call, Outcome, Workspace, WorkspaceError, memory::MemoryWorkspace};

use crate::support::{BRANCH, Loom, REPOSITORY};

#[tokio::test]
async fn each_route_lets_in_whom_its_permission_allows() {
    let platform = platform();
    assert_access(
        &platform,
        routes::<NativePlatform>(),
        handle,
        &[
            ("POST /api/v1/bead-sync", "admin service"),
            ("GET /api/v1/bead-sync/{project}", "admin user viewer"),
            ("POST /api/v1/bead-sync/{project}", "admin user"),
            ("POST /internal/sync", "private"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_state_shows_conflicts_and_problems() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let bead = loom.titled("One").await;
    loom.sync(&workspace).await;
    workspace.push_file(REPOSITORY, BRANCH, ".beads/beads/x.yaml", Some("id: x\n"));
    let path = crate::support::path_of(&workspace, &bead.id);
    crate::support::edit(&workspace, &path, "title: One", "title: Eins");
    loom.rename(&bead.id, "Uno").await;
    loom.sync(&workspace).await;
    let viewer = token(&loom.platform, Role::Viewer).await;
    let answer = call("GET", &format!("/api/v1/bead-sync/{}", loom.project.id))
        .token(&viewer)
        .send(&loom.platform, handle)
        .await;
    let state = answer.json();
    assert_eq!(answer.status, 200, "{state}");
    assert_eq!(state["branch"], "beads");
    assert_eq!(state["is_running"], false);
    assert_eq!(state["last"]["conflicts"], 1);
    let conflict = &state["conflicts"][0];
    assert_eq!(
        (&conflict["field"], &conflict["base"]),
        (&"title".into(), &"One".into())
    );
    assert_eq!(
        (&conflict["ours"], &conflict["theirs"]),
        (&"Uno".into(), &"Eins".into())
    );
    assert_eq!(conflict["kept"], "ours");
    let problem = &state["problems"][0];
    assert_eq!(
        (&problem["path"], &problem["line"]),
        (&".beads/beads/x.yaml".into(), &1.into())
    );
    assert!(
        problem["message"]
            .as_str()
            .unwrap()
            .contains("title is missing")
    );
}

#[tokio::test]
async fn what_cannot_be_synced_is_refused() {
    let loom = Loom::new("aa").await;
    let user = token(&loom.platform, Role::User).await;
    let path = format!("/api/v1/bead-sync/{}", loom.project.id);
    let post = || {
        call("POST", &path)
            .token(&user)
            .send(&loom.platform, handle)
    };
    // No workspace service.
    let answer = post().await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "sync_failed")
    );
    assert_eq!(
        answer.json()["details"]["code"],
        "workspace_not_configured",
        "{}",
        answer.json()
    );
    loom.set("UPDATE bead_sync SET lease_until = 9e15").await;
    assert_eq!(post().await.code(), "sync_running");
    loom.set("UPDATE project SET bead_sync_branch = NULL").await;
    assert_eq!(post().await.code(), "sync_not_set");
    loom.set("UPDATE project SET status = 'closed'").await;
    assert_eq!(post().await.code(), "project_closed");
    let other = call("POST", "/api/v1/bead-sync/none").token(&user);
    let answer = other.send(&loom.platform, handle).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "project_not_found")
    );
}

/// A repository that lets nobody write.
#[derive(Clone)]
struct Protected(MemoryWorkspace);

impl Workspace for Protected {
    async fn perform(&self, call: Call) -> Result<Outcome, WorkspaceError> {
        if call.operation.is_write() {
            return Err(WorkspaceError::refused(
                "protected_branch",
                "main is protected",
            ));
        }
        self.0.perform(call).await
    }
}

#[tokio::test]
async fn a_protected_branch_is_seen_once_and_what_comes_from_it_is_taken() {
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    loom.titled("One").await;
    workspace.push_file(
        REPOSITORY,
        BRANCH,
        ".beads/beads/x.yaml",
        Some("id: x\ntitle: X\n"),
    );
    let protected = Protected(workspace.clone());
    for _ in 0..2 {
        let report = sync(&loom.platform, &protected, &loom.project.id)
            .await
            .unwrap();
        assert_eq!(report.code.as_deref(), Some("protected_branch"));
    }
    assert_eq!(loom.beads().await.len(), 2);
    assert_eq!(loom.events("beads.sync_failed").await, 1);
    loom.sync(&workspace).await;
    assert_eq!(workspace.branch_files(REPOSITORY, "main", BRANCH).len(), 3);
}

#[tokio::test]
async fn a_change_sets_the_timer_and_the_sync_itself_does_not() {
    use loom_platform::{Platform, Statements};
    let (workspace, loom) = (MemoryWorkspace::new(), Loom::new("aa").await);
    let timer = async || {
        let sql = "SELECT subject, due_at FROM timer WHERE kind = 'bead_sync'";
        let row = loom
            .platform
            .database()
            .query_one(sql, vec![])
            .await
            .unwrap();
        row.map(|row| (row.text(0).unwrap(), row.integer(1).unwrap()))
    };
    let bead = loom.titled("One").await;
    let (subject, due) = timer().await.unwrap();
    assert_eq!(
        (subject, due),
        (loom.project.id.clone(), bead.created_at.0 + 30_000)
    );
    loom.set("DELETE FROM timer").await;
    workspace.push_file(
        REPOSITORY,
        BRANCH,
        ".beads/beads/x.yaml",
        Some("id: x\ntitle: X\n"),
    );
    loom.sync(&workspace).await;
    assert_eq!(timer().await, None);
    loom.comment(&bead.id, "hm").await;
    assert!(timer().await.is_some());
}
