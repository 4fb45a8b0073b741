use loom_workspace::{ErrorKind, Operation, Outcome, Workspace};

use crate::support::{World, commit, edit, repository, write};

#[tokio::test]
async fn a_repeated_key_answers_the_same_and_changes_nothing() {
    let world = World::with(repository().file("a", "1\n")).await;
    let space = world.workspace();
    let call = |key: &str, operation| world.call("r", 1, key, operation);
    let first = space.perform(call("k1", edit("a", "1", "1 1"))).await;
    world.perform("r", edit("a", "1 1", "2")).await;
    assert_eq!(
        space.perform(call("k1", edit("a", "1", "1 1"))).await,
        first
    );
    assert_eq!(world.content("r", "a").await, "2\n");
    let refused = space.perform(call("k2", edit("a", "none", "x"))).await;
    assert_eq!(
        space.perform(call("k2", edit("a", "none", "x"))).await,
        refused
    );
    let error = space
        .perform(call("k1", write("a", "x")))
        .await
        .unwrap_err();
    assert_eq!(error.code, "key_reused");
    let first = space.perform(call("k3", commit("Once"))).await;
    assert_eq!(space.perform(call("k3", commit("Once"))).await, first);
    let Ok(Outcome::Committed { commit, files }) = first else {
        panic!("{first:?}")
    };
    assert_eq!(files, ["a"]);
    let branch = world.branch("r").await;
    assert_eq!(world.github.branch("acme/widget", &branch), Some(commit));
}

#[tokio::test]
async fn a_stale_fence_is_refused_for_reads_and_writes() {
    let world = World::with(repository().file("a", "1\n")).await;
    let space = world.workspace();
    let call = |fence, key: &str, operation| world.call("r", fence, key, operation);
    space.perform(call(3, "k1", write("a", "3"))).await.unwrap();
    for operation in [
        write("a", "2"),
        Operation::Status,
        Operation::Close,
        commit("x"),
    ] {
        let error = space.perform(call(2, "k2", operation)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::StaleFence);
        assert_eq!(error.details["current"], 3);
    }
    assert_eq!(
        space.perform(call(4, "k3", write("a", "4"))).await.unwrap(),
        Outcome::Written {
            path: "a".into(),
            created: false,
            bytes: 1
        }
    );
    assert_eq!(
        world
            .workspace()
            .perform(call(3, "k4", Operation::Status))
            .await
            .unwrap_err()
            .kind,
        ErrorKind::StaleFence
    );
}

#[tokio::test]
async fn ids_that_can_not_be_trailers_are_refused() {
    let world = World::with(repository().file("a", "1\n")).await;
    for (run, key, code) in [
        ("", "k", "invalid_run"),
        ("a b", "k", "invalid_run"),
        ("r", "", "invalid_key"),
        ("r", "a b", "invalid_key"),
    ] {
        let error = world
            .workspace()
            .perform(world.call(run, 1, key, Operation::Status))
            .await
            .unwrap_err();
        assert_eq!(error.code, code);
    }
}
