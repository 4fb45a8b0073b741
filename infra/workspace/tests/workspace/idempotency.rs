use std::sync::Arc;

use loom_workspace::{Call, ErrorKind, Operation, Outcome, Workspace};

use crate::support::{World, command, commit, delete, edit, rename, write};

/// Forgets that calls were answered, as when the service dies between the effect and the note of it.
fn forget_answers(world: &World) {
    assert_ne!(
        world
            .journal()
            .execute("UPDATE call SET answer = NULL", [])
            .unwrap(),
        0
    );
}

async fn crash_after(world: &mut World, call: Call) -> (Outcome, Outcome) {
    let first = world.client().perform(call.clone()).await.unwrap();
    forget_answers(world);
    world.restart().await;
    let second = world.client().perform(call).await.unwrap();
    (first, second)
}

#[tokio::test]
async fn i7_a_repeated_key_answers_what_was_recorded() {
    let world = World::with(&[("a.txt", "1\n")]).await;
    let first = world.call("r", 1, "k1", edit("a.txt", "1", "2"));
    let outcome = world.client().perform(first.clone()).await.unwrap();
    world.perform("r", write("a.txt", "1\n")).await;
    assert_eq!(world.client().perform(first).await.unwrap(), outcome);
    assert_eq!(world.read("r", "a.txt").await, "1\n");
    // A refusal is an answer too.
    let refused = world.call("r", 1, "k2", edit("a.txt", "2", "3"));
    assert_eq!(
        world
            .client()
            .perform(refused.clone())
            .await
            .unwrap_err()
            .code,
        "edit_not_found"
    );
    world.perform("r", write("a.txt", "2\n")).await;
    assert_eq!(
        world.client().perform(refused).await.unwrap_err().code,
        "edit_not_found"
    );
}

#[tokio::test]
async fn a_key_is_for_one_operation() {
    let world = World::with(&[]).await;
    world
        .client()
        .perform(world.call("r", 1, "k", write("a", "1")))
        .await
        .unwrap();
    let error = world
        .client()
        .perform(world.call("r", 1, "k", write("a", "2")))
        .await
        .unwrap_err();
    assert_eq!(error.code, "key_reused");
    // The same key of another run is another key.
    world
        .client()
        .perform(world.call("r2", 1, "k", write("a", "2")))
        .await
        .unwrap();
}

#[tokio::test]
async fn i7_a_crash_after_a_commit_does_not_commit_twice() {
    let mut world = World::with(&[("a.txt", "1\n")]).await;
    world.perform("r", write("a.txt", "2\n")).await;
    let call = world.call("r", 1, "r:3:0", commit("Once"));
    let (first, second) = crash_after(&mut world, call).await;
    assert_eq!(first, second);
    assert_eq!(
        world.git(&["rev-list", "--count", "main..agent/bd-r/fix-the-sum"]),
        "1"
    );
}

#[tokio::test]
async fn i7_a_crash_in_the_middle_of_a_commit_loses_nothing() {
    let mut world = World::with(&[("a.txt", "1\n")]).await;
    world.perform("r", write("a.txt", "2\n")).await;
    // Everything but the last step was done: the files are in the index, the branch has not moved.
    crate::support::git(&world.tree("r"), &["add", "--all"]);
    world.restart().await;
    world
        .client()
        .perform(world.call("r", 1, "r:3:0", commit("Once")))
        .await
        .unwrap();
    assert_eq!(world.git(&["show", "agent/bd-r/fix-the-sum:a.txt"]), "2");
}

#[tokio::test]
async fn i7_a_crash_after_a_merge_does_not_merge_twice() {
    let mut world = World::with(&[("a.txt", "1\n")]).await;
    world.change("r", "a.txt", "2\n").await;
    let call = world.call("r", 1, "r:4:0", Operation::Merge);
    let first = world.client().perform(call.clone()).await.unwrap();
    // The base branch has moved on since.
    world.change("r2", "b.txt", "1\n").await;
    world.perform("r2", Operation::Merge).await;
    forget_answers(&world);
    world.restart().await;
    assert_eq!(world.client().perform(call).await.unwrap(), first);
    assert_eq!(world.git(&["rev-list", "--count", "--merges", "main"]), "2");
}

#[tokio::test]
async fn i7_a_crash_after_a_change_of_files_does_not_change_them_twice() {
    let mut world = World::with(&[("a.txt", "x\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]).await;
    for (key, operation) in [
        // Found once before and twice after: doing it again would be refused.
        ("k1", edit("a.txt", "x", "x x")),
        ("k2", delete("b.txt")),
        ("k3", rename("c.txt", "d.txt")),
        ("k4", write("e.txt", "e\n")),
    ] {
        let call = world.call("r", 1, key, operation);
        let (first, second) = crash_after(&mut world, call).await;
        assert_eq!(first, second, "{key}");
    }
    assert_eq!(world.read("r", "a.txt").await, "x x\n");
    assert_eq!(world.read("r", "d.txt").await, "c\n");
}

#[tokio::test]
async fn i7_a_crash_before_a_change_of_files_does_it() {
    let mut world = World::with(&[("a.txt", "x\n")]).await;
    let call = world.call("r", 1, "k1", edit("a.txt", "x", "y"));
    world.client().perform(call.clone()).await.unwrap();
    forget_answers(&world);
    std::fs::write(world.tree("r").join("a.txt"), "x\n").unwrap();
    world.restart().await;
    world.client().perform(call).await.unwrap();
    assert_eq!(world.read("r", "a.txt").await, "y\n");
}

#[tokio::test]
async fn calls_with_one_key_at_the_same_time_act_once() {
    let world = World::with(&[]).await;
    let call = world.call(
        "r",
        1,
        "k",
        command(&["sh", "-c", "echo x >> count; cat count"]),
    );
    let client = world.client();
    let answers =
        futures_util::future::join_all((0..8).map(|_| client.perform(call.clone()))).await;
    let answers: Vec<Outcome> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.read("r", "count").await, "x\n");
}

#[tokio::test]
async fn a_caller_that_goes_away_finds_the_outcome_later() {
    let world = Arc::new(World::with(&[]).await);
    world.perform("r", Operation::Open).await;
    let call = world.call(
        "r",
        1,
        "k",
        command(&["sh", "-c", "echo x >> begun; read line < go; echo $line"]),
    );
    let calling = tokio::spawn({
        let (client, call) = (world.client(), call.clone());
        async move { client.perform(call).await }
    });
    let tree = world.tree("r");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(tree.join("go"))
            .status()
            .unwrap()
            .success()
    );
    let begun = tree.join("begun");
    tokio::task::spawn_blocking(move || {
        while !begun.exists() {
            std::thread::yield_now()
        }
    })
    .await
    .unwrap();
    calling.abort();
    let again = tokio::spawn({
        let (client, call) = (world.client(), call.clone());
        async move { client.perform(call).await.unwrap() }
    });
    tokio::task::spawn_blocking(move || std::fs::write(tree.join("go"), "done\n").unwrap())
        .await
        .unwrap();
    let Outcome::Command { output, .. } = again.await.unwrap() else {
        panic!()
    };
    assert_eq!(output, "done\n");
    assert_eq!(world.read("r", "begun").await, "x\n");
}

#[tokio::test]
async fn i2_a_stale_fence_is_refused_also_after_a_restart() {
    let mut world = World::with(&[("a.txt", "1\n")]).await;
    world
        .client()
        .perform(world.call("r", 7, "k1", write("a.txt", "2\n")))
        .await
        .unwrap();
    world.restart().await;
    for operation in [
        write("a.txt", "3\n"),
        commit("x"),
        Operation::Merge,
        Operation::Close,
        Operation::Status,
    ] {
        let error = world
            .client()
            .perform(world.call("r", 6, "k2", operation))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ErrorKind::StaleFence, "stale_fence")
        );
        assert_eq!(error.details["current"], 7);
    }
    // A recorded answer is not for a stale caller either.
    let error = world
        .client()
        .perform(world.call("r", 6, "k1", write("a.txt", "2\n")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::StaleFence);
    world
        .client()
        .perform(world.call("r", 8, "k3", commit("x")))
        .await
        .unwrap();
    assert_eq!(world.git(&["show", "agent/bd-r/fix-the-sum:a.txt"]), "2");
    // Fences of other runs are their own.
    world
        .client()
        .perform(world.call("r2", 1, "k1", write("a.txt", "2\n")))
        .await
        .unwrap();
}
