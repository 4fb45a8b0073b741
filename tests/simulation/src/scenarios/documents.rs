use std::time::Duration;

use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    document::{self, Document},
};

use super::crash::{MOST_POLLS, at_every_turn, turns_pass};
use crate::{plan::Plan, script::Script, world::World};

const PATHS: [&str; 3] = [
    "plans/ORIGINAL_PRD.md",
    "plans/ORIGINAL_PRD.2.md",
    "plans/ORIGINAL_PRD.3.md",
];

/// One bead that brings three documents with it.
fn world() -> World {
    let mut plan = Plan::quiet(1, &[Script::Works]);
    plan.lease_seconds = 15;
    plan.retry_seconds = 0;
    let world = World::new(plan, None);
    let observer = world.observer.clone();
    let kept = world.ask(async {
        let tx = observer.database().transaction().await.unwrap();
        let change = Change::new(&tx, observer.random(), "setup").await.unwrap();
        let documents = PATHS.map(|path| Document {
            path: path.to_owned(),
            content: format!("What {path} says.\n"),
        });
        document::keep(&change, &world.beads[0], &documents)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    kept.unwrap();
    world
}

/// The only process is killed once, while the documents are committed and a little longer. Whenever that is, they are
/// committed once, together and before anything else, and the bead is done.
#[test]
fn documents_survive_a_crash_at_every_port_call() {
    at_every_turn(world, 13, until_committed, |world, report, after| {
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (1, 1, 1),
            "{after}: {report:#?}"
        );
        let commits = world.repository.commits();
        let brought = |commit: &&loom_workspace::memory::Commit| commit.key.ends_with(":documents");
        assert_eq!(commits.iter().filter(brought).count(), 1, "{commits:#?}");
        let mut files = commits[0].files.clone();
        files.sort();
        let mut paths = PATHS;
        paths.sort_unstable();
        assert_eq!(files, paths, "{after}");
        assert!(commits[0].message.starts_with("docs: "), "{commits:#?}");
    });
}

/// Lets time pass until the documents are committed, and then some.
fn until_committed(world: &mut World) {
    while world.repository.commits().is_empty() {
        let passed = world
            .simulation
            .run_for(Duration::from_millis(20), MOST_POLLS);
        passed.unwrap();
        assert!(world.simulation.elapsed() < Duration::from_secs(600));
    }
    turns_pass(world, 100);
}
