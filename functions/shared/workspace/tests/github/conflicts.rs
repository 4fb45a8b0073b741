use loom_workspace::Operation;

use crate::support::{REPO, World, commit, delete, edit, repository, write};

async fn world() -> World {
    let world = World::with(
        repository()
            .file("a", "1\n2\n3\n4\n5\n")
            .file("b", "b\n")
            .file("c", "c\n"),
    )
    .await;
    world.change("r", "first", "1").await;
    world
}

#[tokio::test]
async fn changes_go_on_top_of_what_somebody_else_pushed() {
    let world = world().await;
    let branch = world.branch("r").await;
    world.perform("r", edit("a", "5", "five")).await;
    world.perform("r", write("mine", "m")).await;
    world.perform("r", delete("c")).await;
    let theirs = world.push(&branch, &[("a", "one\n2\n3\n4\n5\n"), ("b", "B\n")]);
    let ours = world.commit("r").await;
    assert_eq!(
        world.git(&["log", "-2", "--format=%H", &branch]),
        format!("{ours}\n{theirs}\n")
    );
    assert_eq!(
        world.git(&["show", &format!("{branch}:a")]),
        "one\n2\n3\n4\nfive\n"
    );
    let names = world.git(&["show", "--name-status", "--format=", &branch]);
    assert_eq!(names, "M\ta\nD\tc\nA\tmine\n");
    assert_eq!(world.content("r", "b").await, "B\n");
    world.git(&["fsck", "--strict", "--no-dangling"]);
}

#[tokio::test]
async fn a_real_conflict_goes_to_the_model_which_resolves_it() {
    let world = world().await;
    let branch = world.branch("r").await;
    world.perform("r", edit("a", "3", "drei")).await;
    world.perform("r", delete("b")).await;
    world.perform("r", edit("c", "c", "C")).await;
    let theirs = world.push(&branch, &[("a", "1\n2\ntrois\n4\n5\n"), ("b", "B\n")]);
    let error = world.refused("r", commit("Count")).await;
    assert_eq!(error.code, "conflict");
    assert_eq!(error.details["files"], serde_json::json!(["a", "b"]));
    assert_eq!(
        world.github.branch(REPO, &branch).as_deref(),
        Some(theirs.as_str())
    );
    let marked = world.content("r", "a").await;
    assert!(marked.contains("drei\n=======\ntrois\n"), "{marked}");
    assert_eq!(world.content("r", "b").await, "B\n");
    assert_eq!(world.content("r", "c").await, "C\n");
    assert_eq!(
        world.refused("r", commit("Count")).await.code,
        "conflict_markers"
    );
    world
        .perform("r", write("a", "1\n2\ndrei, trois\n4\n5\n"))
        .await;
    let ours = world.commit("r").await;
    assert_eq!(
        world.git(&["log", "-2", "--format=%H", &branch]),
        format!("{ours}\n{theirs}\n")
    );
    assert_eq!(
        world.git(&["show", &format!("{branch}:a")]),
        "1\n2\ndrei, trois\n4\n5\n"
    );
    assert_eq!(world.text("r", Operation::Status).await, "");
}

#[tokio::test]
async fn the_same_change_by_somebody_else_is_no_conflict() {
    let world = world().await;
    let branch = world.branch("r").await;
    world.perform("r", edit("a", "3", "drei")).await;
    world.push(&branch, &[("a", "1\n2\ndrei\n4\n5\n")]);
    assert_eq!(
        world.refused("r", commit("Count")).await.code,
        "nothing_to_commit"
    );
}

#[tokio::test]
async fn a_branch_that_somebody_deleted_is_made_again() {
    let world = world().await;
    let branch = world.branch("r").await;
    world.github.delete_branch(REPO, "grace", &branch);
    let ours = world.change("r", "b", "2").await;
    assert_eq!(world.github.branch(REPO, &branch), Some(ours));
    assert_eq!(
        world
            .git(&["log", "--format=%s", &format!("main..{branch}")])
            .lines()
            .count(),
        2
    );
}
