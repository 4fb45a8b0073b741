use std::time::Duration;

use loom_platform::{Database, Platform, Transaction};
use loom_store::{
    Change,
    document::{self, Document},
};

use crate::{plan::Plan, schedule::verdict, script::Script, world::World};

const MOST_POLLS: u64 = 200_000;
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

/// The only process is killed once: after each turn that it takes until the documents are committed, and a few more.
/// Whenever that is, they are committed once, together and before anything else, and the bead is done.
#[test]
fn documents_survive_a_crash_at_every_port_call() {
    let turns = undisturbed();
    let stride = if cfg!(debug_assertions) { 13 } else { 1 };
    for turn in (1..turns).step_by(stride) {
        let mut world = world();
        world.begin();
        let mut polls = 0;
        world
            .simulation
            .run_until(MOST_POLLS, || {
                polls += 1;
                polls == turn
            })
            .unwrap();
        world.simulation.crash(world.replicas[0]);
        let report = verdict(&mut world).unwrap_or_else(|violation| {
            panic!("after a crash at turn {turn} of {turns}: {violation}")
        });
        assert_eq!(
            (report.closed, report.merges, report.runs),
            (1, 1, 1),
            "after a crash at turn {turn} of {turns}: {report:#?}"
        );
        let commits = world.repository.commits();
        let brought = |commit: &&loom_workspace::memory::Commit| commit.key.ends_with(":documents");
        assert_eq!(commits.iter().filter(brought).count(), 1, "{commits:#?}");
        let mut files = commits[0].files.clone();
        files.sort();
        let mut paths = PATHS;
        paths.sort_unstable();
        assert_eq!(files, paths, "turn {turn}");
        assert!(commits[0].message.starts_with("docs: "), "{commits:#?}");
    }
}

/// How many turns it takes until the documents are committed when nothing goes wrong, and then some.
fn undisturbed() -> u64 {
    let mut world = world();
    world.begin();
    while world.repository.commits().is_empty() {
        world
            .simulation
            .run_for(Duration::from_millis(20), MOST_POLLS)
            .unwrap();
        assert!(world.simulation.elapsed() < Duration::from_secs(600));
    }
    world.simulation.polls() + 100
}
